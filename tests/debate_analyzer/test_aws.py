"""The adapter's own promises; the rest is tested through whoever uses it."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from debate_analyzer import aws
from debate_analyzer.errors import Conflict
from debate_analyzer.job import announced
from tests.world import BUCKET, JOB_ID, VIDEO, World


def _create(world: World) -> None:
    world.table.create(
        announced(
            owner="ana", title="t", media=None, now=world.clock(), job_id=JOB_ID, published=True
        )
    )


def test_a_row_survives_the_table(world: World) -> None:
    world.drop(VIDEO)
    world.arrive()
    job = world.job()
    assert world.table.replace(job) == job.model_copy(update={"version": job.version + 1})
    assert world.job() == job.model_copy(update={"version": job.version + 1})


def test_two_writers_of_one_version_cannot_both_win(world: World) -> None:
    _create(world)
    job = world.job()
    world.table.replace(job)
    with pytest.raises(Conflict):
        world.table.replace(job)
    with pytest.raises(Conflict):
        _create(world)


def test_conditional_puts(world: World) -> None:
    world.store.put("k", b"1", "text/plain", if_match="")
    with pytest.raises(Conflict):
        world.store.put("k", b"2", "text/plain", if_match="")
    found = world.store.get("k")
    assert found is not None
    world.store.put("k", b"2", "text/plain", if_match=found[1])
    with pytest.raises(Conflict):
        world.store.put("k", b"3", "text/plain", if_match=found[1])


def test_what_is_not_there_is_none(world: World) -> None:
    assert world.store.head("nothing") is None
    assert world.store.get("nothing") is None
    assert world.table.get(JOB_ID) is None


def test_tags_replace_tags_and_want_an_object(world: World) -> None:
    world.store.put("k", b"1", "text/plain")
    world.store.tag("k", {"kind": "old", "other": "x"})
    world.store.tag("k", {"kind": "new"})
    world.store.tag("nothing", {"kind": "new"})
    found = world.s3.get_object_tagging(Bucket=BUCKET, Key="k")
    assert found["TagSet"] == [{"Key": "kind", "Value": "new"}]
    assert world.store.head("nothing") is None


def test_a_download_s_name_cannot_break_its_header(world: World) -> None:
    url = world.store.presigned_get("k", lifetime=timedelta(minutes=1), filename='a"\r\nb; é.srt')
    assert "%2522%250D%250Ab%253B%2520%25C3%25A9.srt" in url


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "me-south-1"])
def test_a_presigned_url_names_the_host_that_the_page_s_policy_allows(
    region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect from the global host would fail a browser's preflight."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    store = aws.S3ObjectStore(aws.client("s3"), "debates")
    lifetime = timedelta(minutes=1)
    put, _ = store.presigned_put("k", content_type="video/mp4", size=1, lifetime=lifetime)
    for url in (put, store.presigned_get("k", lifetime=lifetime)):
        assert urlsplit(url).hostname == f"debates.s3.{region}.amazonaws.com"
