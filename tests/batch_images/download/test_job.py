"""The job in a small AWS and against a website on loopback; yt-dlp is real, and so is ffmpeg."""

from __future__ import annotations

import logging
import os
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_images.download import job
from batch_images.download.downloader import Recording
from batch_images.download.proxy import Proxy
from debate_analyzer import bootstrap
from debate_analyzer.aws import S3ObjectStore
from debate_analyzer.job import announced
from debate_analyzer.pipeline import Status
from debate_analyzer.upload import check_filename
from tests.batch_images.download.website import Network, Page, Website
from tests.world import BUCKET, JOB_ID, ROOT, TABLE, TRANSCRIBE, World

DEMO = (ROOT / "demo" / "debate.mp4").read_bytes()
HOME = "http://videos.example"
KEY = f"jobs/{JOB_ID}/videos/Town hall (1).mp4"
LINE = ".videos.example\tTRUE\t/\tFALSE\t0\tSID\ts3cr3t\n"
Run = Callable[..., int]

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def run(
    world: World, site: Website, network: Network, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Run]:
    """The job with this environment; its exit code. Nothing of it may stay on disk."""
    site.pages["/debate.mp4"] = Page(DEMO, "video/mp4")
    site.pages["/en.vtt"] = Page(b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n", "text/vtt")
    track = '<track kind="subtitles" srclang="en" src="/en.vtt">'
    site.pages["/"] = Page(
        f'<html><title>Town hall</title><video src="/debate.mp4">{track}</video></html>'.encode()
    )
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    way_out = partial(Proxy, resolve=network.resolve, connect=network.connect)
    monkeypatch.setattr(job, "Proxy", way_out)
    monkeypatch.setattr(job, "utc_now", world.clock)
    usual = {"BUCKET": BUCKET, "JOB_TABLE": TABLE, "AWS_BATCH_JOB_ID": JOB_ID, "VIDEO_URL": HOME}
    before = signal.getsignal(signal.SIGTERM)
    bootstrap._client.cache_clear()

    def run(**environment: str) -> int:
        for name, value in (usual | environment).items():
            monkeypatch.setenv(name, value)
        return job.main()

    yield run
    bootstrap._client.cache_clear()
    signal.signal(signal.SIGTERM, before)
    assert list(folder.iterdir()) == []


def keys(world: World) -> list[str]:
    return [found.key for found in world.store.list("")]


def last_line(caplog: pytest.LogCaptureFixture) -> str:
    return caplog.records[-1].getMessage()


def wanted(world: World, title: str = "") -> None:
    """A row as somebody makes it who asks for a download and waits."""
    world.table.create(
        announced(
            owner="u-1",
            title=title,
            media=None,
            now=world.clock(),
            job_id=JOB_ID,
            published=False,
        )
    )


# --- What arrives ---------------------------------------------------------------------------------


def test_a_download_goes_down_the_same_chain_as_an_upload(run: Run, world: World) -> None:
    assert run() == 0
    assert keys(world) == [f"jobs/{JOB_ID}/subtitles/Town hall (1).en.vtt", KEY]
    found = world.s3.get_object(Bucket=BUCKET, Key=KEY)
    assert found["Body"].read() == DEMO
    assert found["ContentType"] == "video/mp4"
    row = world.job()
    assert (row.status, row.title, row.owner) == (Status.UPLOADING, "Town hall (1)", "shared")
    assert world.arrive(f"jobs/{JOB_ID}/subtitles/Town hall (1).en.vtt") is None
    unit = world.arrive(KEY)
    assert world.job().status is Status.QUEUED
    assert world.waiting(TRANSCRIBE) == [unit]


def test_the_row_expects_the_recording_before_it_is_there(
    run: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = S3ObjectStore.upload
    seen: list[tuple[str, Any]] = []

    def record(store: S3ObjectStore, path: Path, key: str, content_type: str) -> None:
        row = world.table.get(JOB_ID)
        seen.append((key.split("/")[2], row and row.media and row.media.key))
        upload(store, path, key, content_type)

    monkeypatch.setattr(S3ObjectStore, "upload", record)
    run()
    assert seen == [("subtitles", None), ("videos", KEY)]


def test_a_row_that_waits_for_the_download_keeps_its_owner(run: Run, world: World) -> None:
    wanted(world, title="My debate")
    assert run() == 0
    row = world.job()
    assert (row.owner, row.title, row.published) == ("u-1", "My debate", False)
    assert row.media.bytes == len(DEMO)
    world.arrive(KEY)
    assert world.job().status is Status.QUEUED


def test_a_row_without_a_title_gets_the_video_s(run: Run, world: World) -> None:
    wanted(world)
    run()
    assert world.job().title == "Town hall (1)"


def test_a_second_attempt_of_the_same_job_changes_nothing(run: Run, world: World) -> None:
    run()
    unit = world.arrive(KEY)
    row = world.job()
    assert run() == 0
    assert world.job() == row
    assert world.arrive(KEY) == unit
    assert [found for found in keys(world) if "/videos/" in found] == [KEY]


def test_a_private_deployment_keeps_downloads_private(run: Run, world: World) -> None:
    run(PUBLISH_BY_DEFAULT="false")
    assert not world.job().published


@pytest.mark.parametrize("batch_id", ["", f"{JOB_ID}:3", "../../x"])
def test_a_job_without_a_proper_name_gets_one(run: Run, world: World, batch_id: str) -> None:
    assert run(AWS_BATCH_JOB_ID=batch_id) == 0
    _, job_id, *_ = keys(world)[0].split("/")
    assert str(uuid.UUID(job_id)) == job_id != JOB_ID


@pytest.mark.parametrize("prefix", [f"s3://{BUCKET}/jobs", f"s3://{BUCKET}/jobs/"])
def test_the_output_may_be_said_as_it_is(run: Run, world: World, prefix: str) -> None:
    assert run(OUTPUT_S3_PREFIX=prefix) == 0
    assert KEY in keys(world)


def test_each_further_entry_of_a_playlist_is_a_job_of_its_own(
    run: Run, world: World, site: Website
) -> None:
    site.pages["/debate.mp4?2"] = site.pages["/debate.mp4"]
    entries = "".join(f'<video src="/debate.mp4{n}"></video>' for n in ("", "?2"))
    site.pages["/list"] = Page(f"<html><title>List</title>{entries}</html>".encode())
    for _ in range(2):
        assert run(VIDEO_URL=f"{HOME}/list", MAX_PLAYLIST_ENTRIES="5") == 0
    first, second = sorted(keys(world), key=lambda key: key.split("/")[1] != JOB_ID)
    assert (first.split("/")[1], second.split("/")[1]) == (JOB_ID, job.job_id_of(JOB_ID, 1))
    assert [world.job(key.split("/")[1]).title for key in (first, second)] == [
        "List (1)",
        "List (2)",
    ]


# --- What does not --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"VIDEO_URL": f"{HOME}/none"}, "download_failed: The site has nothing at this address"),
        ({"VIDEO_URL": "http://169.254.169.254/"}, "invalid_address: 169.254.169.254 is not on"),
        ({"VIDEO_URL": "ftp://videos.example/a.mp4"}, "invalid_address: The address must begin"),
        ({"VIDEO_URL": ""}, "misconfigured: VIDEO_URL is not set"),
        ({"MAX_DOWNLOAD_BYTES": "1000"}, "GiB is the most"),
        ({"MAX_DOWNLOAD_SECONDS": "60"}, "1.0 minutes is the most"),
        ({"MAX_DOWNLOAD_SECONDS": "long"}, "MAX_DOWNLOAD_SECONDS must be a number"),
        ({"OUTPUT_S3_PREFIX": "s3://elsewhere/jobs"}, "where nothing would notice"),
        ({"OUTPUT_S3_PREFIX": f"s3://{BUCKET}/website"}, "where nothing would notice"),
        ({"YT_COOKIES_FILE": "/nowhere/cookies.txt"}, "invalid_cookies: YT_COOKIES_FILE"),
        ({"YT_COOKIES_S3_URI": "s3://elsewhere/private/c"}, f"begin with s3://{BUCKET}/private/"),
        ({"YT_COOKIES_S3_URI": f"s3://{BUCKET}/jobs/c"}, f"begin with s3://{BUCKET}/private/"),
        ({"YT_COOKIES_S3_URI": f"s3://{BUCKET}/private/c"}, "there is no object"),
    ],
)
@pytest.mark.parametrize("awaited", [True, False])
def test_a_failure_says_why_where_somebody_looks(
    run: Run,
    world: World,
    caplog: pytest.LogCaptureFixture,
    environment: dict[str, str],
    words: str,
    awaited: bool,
) -> None:
    if awaited:
        wanted(world)
    assert run(**environment) == 1
    assert words in last_line(caplog)
    assert caplog.records[-1].levelno == logging.ERROR
    assert keys(world) == []
    if not awaited:
        assert world.table.get(JOB_ID) is None
        return
    row = world.job()
    assert row.status is Status.FAILED
    assert f"{row.fault.code}: {row.fault.message}" == last_line(caplog)


def test_a_defect_of_ours_is_not_blamed_on_the_site(
    run: Run, world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burn(*_: Any) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(S3ObjectStore, "upload", burn)
    assert run() == 1
    row = world.table.get(JOB_ID)
    assert row is None  # the subtitles came first
    assert "the disk is on fire" in caplog.text
    assert "Something went wrong on our side" in last_line(caplog)


def test_a_job_that_is_told_to_stop_leaves_nothing_behind(
    run: Run, world: World, site: Website
) -> None:
    def stop() -> Page:
        os.kill(os.getpid(), signal.SIGTERM)
        return Page(DEMO, "video/mp4", pause=600)

    site.pages["/debate.mp4"] = stop
    wanted(world)
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 128 + signal.SIGTERM
    assert keys(world) == []
    assert world.job().status is Status.UPLOADING  # whoever stopped it says what becomes of it


# --- Cookies --------------------------------------------------------------------------------------


def _in_a_file(world: World, tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "mounted.txt"
    path.write_text(text)
    path.chmod(0o444)
    return {"YT_COOKIES_FILE": str(path)}


def _in_the_bucket(world: World, tmp_path: Path, text: str) -> dict[str, str]:
    world.store.put("private/cookies.txt", text.encode(), "text/plain")
    return {"YT_COOKIES_S3_URI": f"s3://{BUCKET}/private/cookies.txt"}


def _in_a_secret(world: World, tmp_path: Path, text: str) -> dict[str, str]:
    secrets = boto3.client("secretsmanager", region_name="us-east-1")
    made = secrets.create_secret(Name="cookies", SecretString=text)
    return {"YT_COOKIES_SECRET_ARN": made["ARN"]}


PLACES = [_in_a_file, _in_the_bucket, _in_a_secret]


@pytest.mark.parametrize("place", PLACES)
def test_cookies_from_each_place_are_sent_and_never_logged(
    run: Run,
    world: World,
    site: Website,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    place: Callable[[World, Path, str], dict[str, str]],
) -> None:
    with caplog.at_level(logging.DEBUG, logger="batch_images"):
        assert run(**place(world, tmp_path, LINE)) == 0
    assert {headers.get("Cookie") for _, _, headers in site.asked} == {"SID=s3cr3t"}
    ours = [record for record in caplog.records if not record.name.startswith("boto")]
    assert not any("s3cr3t" in record.getMessage() for record in ours)


@pytest.mark.parametrize("place", PLACES)
def test_a_cookies_file_that_is_none_is_said_to_be(
    run: Run,
    world: World,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    place: Callable[[World, Path, str], dict[str, str]],
) -> None:
    assert run(**place(world, tmp_path, "SID=s3cr3t; A=b")) == 1
    assert last_line(caplog).startswith("invalid_cookies: Line 1 has 1 columns")
    assert "s3cr3t" not in caplog.text


@pytest.mark.parametrize("text", ["unset", " unset\n"])
def test_a_secret_that_nobody_has_filled_counts_as_none(
    run: Run, world: World, site: Website, tmp_path: Path, text: str
) -> None:
    assert run(**_in_a_secret(world, tmp_path, text)) == 0
    assert not any("Cookie" in headers for _, _, headers in site.asked)


# --- Names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("Debate: A/B, part 1", "Debate A B, part 1"),
        ("../../website/index", "website index"),
        ("Äh\u200bre\x00n\n", "Äh re n"),
        ("...", "id-1"),
        ("", "id-1"),
        ("ä" * 300, "ä" * 98),
    ],
)
def test_a_title_becomes_a_name(title: str, stem: str) -> None:
    assert job.safe_stem(Recording(Path("x"), ".mp4", title, "id-1", ())) == stem


@given(st.text(max_size=300), st.text(max_size=30))
def test_no_title_makes_a_name_that_is_refused(title: str, source_id: str) -> None:
    stem = job.safe_stem(Recording(Path("x"), ".webm", title, source_id, ()))
    assert check_filename(f"{stem}.webm") == f"{stem}.webm"
