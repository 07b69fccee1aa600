"""The adapter's own promises; the rest is tested through whoever uses it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.stub import Stubber

from debate_analyzer import aws
from debate_analyzer.config import StageResources
from debate_analyzer.errors import Conflict, NotFound
from debate_analyzer.job import Figures, announced
from debate_analyzer.pipeline import STATS
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


def test_many_rows_are_read_as_they_are(world: World) -> None:
    """More than a batch of DynamoDB's, some of them twice, some not there."""
    ids = [f"{number:03}" for number in range(120)]
    for job_id in ids:
        world.table.create(
            announced(
                owner="a", title="t", media=None, now=world.clock(), job_id=job_id, published=True
            )
        )
    found = world.table.get_many([*ids, *ids, "gone"])
    assert sorted(job.job_id for job in found) == ids
    assert world.table.get_many([]) == []


def test_rows_that_dynamodb_leaves_out_are_asked_for_again() -> None:
    dynamodb = boto3.client("dynamodb")
    keys = [{"job_id": {"S": job_id}} for job_id in "ab"]
    job = announced(
        owner="a",
        title="t",
        media=None,
        now=datetime(2026, 11, 21, tzinfo=UTC),
        job_id="a",
        published=True,
    )
    rows = [aws.row_of(job.model_copy(update={"job_id": job_id})) for job_id in "ab"]
    with Stubber(dynamodb) as stub:
        for asked, answered, left in ((keys, rows[:1], keys[1:]), (keys[1:], rows[1:], [])):
            unprocessed = {"jobs": {"Keys": left, "ConsistentRead": True}} if left else {}
            stub.add_response(
                "batch_get_item",
                {"Responses": {"jobs": answered}, "UnprocessedKeys": unprocessed},
                {"RequestItems": {"jobs": {"Keys": asked, "ConsistentRead": True}}},
            )
        found = aws.DynamoJobTable(dynamodb, "jobs").get_many("ab")
        stub.assert_no_pending_responses()
    assert [job.job_id for job in found] == ["a", "b"]


def test_requests_that_sqs_does_not_take_are_an_error() -> None:
    sqs = boto3.client("sqs")
    failed = {"Id": "0", "SenderFault": False, "Code": "ServiceUnavailable"}
    with Stubber(sqs) as stub:
        stub.add_response("send_message_batch", {"Successful": [], "Failed": [failed]})
        with pytest.raises(ConnectionError, match="did not take 1 of 2"):
            aws.SqsPublishQueue(sqs, "https://queue").send_pages([1, 2])


def test_a_place_is_given_once(world: World) -> None:
    assert world.table.places() == 0
    assert [world.table.take_places(count) for count in (3, 1, 2)] == [0, 3, 4]
    assert world.table.places() == 6


def test_a_page_of_the_index_lists_what_is_published(world: World) -> None:
    world.drop(VIDEO)
    world.arrive()
    figures = Figures(duration=1, speaking_time=1, words=1, speakers=1)
    row = world.table.replace(world.job().model_copy(update={"figures": figures, "place": 501}))
    assert [list(world.table.on_page(page)) for page in (0, 1)] == [[], [JOB_ID]]
    world.table.replace(row.unpublished(world.clock()))
    assert list(world.table.on_page(1)) == []


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


MIB = 2**20
PART = 5 * MIB  # the least that S3 takes for any but the last


def _upload(world: World, key: str = VIDEO) -> str:
    return world.store.start_multipart(key, "video/mp4", metadata={"seq": "1"})


def _send(world: World, upload_id: str, number: int, data: bytes, key: str = VIDEO) -> None:
    world.s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload_id, PartNumber=number, Body=data)


def test_parts_become_an_object_in_the_order_of_their_numbers(world: World) -> None:
    upload = _upload(world)
    _send(world, upload, 2, b"the end")
    _send(world, upload, 1, b"x" * PART)
    parts = world.store.parts(VIDEO, upload)
    assert [(part.number, part.bytes) for part in parts] == [(1, PART), (2, 7)]
    assert world.store.head(VIDEO) is None
    etag = world.store.complete_multipart(VIDEO, upload, parts)
    found = world.store.head(VIDEO)
    assert found is not None
    assert (found.bytes, found.etag, found.content_type) == (PART + 7, etag, "video/mp4")
    assert world.s3.head_object(Bucket=BUCKET, Key=VIDEO)["Metadata"] == {"seq": "1"}


def test_parts_are_listed_in_pages(world: World) -> None:
    upload = _upload(world)
    for number in (1, 2, 5, 7):
        _send(world, upload, number, b"x")
    pages = [world.store.parts(VIDEO, upload, after=after, limit=2) for after in (0, 2, 7)]
    assert [[part.number for part in page] for page in pages] == [[1, 2], [5, 7], []]


def test_a_multipart_upload_replaces_no_object(world: World) -> None:
    upload = _upload(world)
    _send(world, upload, 1, b"later")
    world.drop(VIDEO)
    with pytest.raises(Conflict):
        world.store.complete_multipart(VIDEO, upload, world.store.parts(VIDEO, upload))


def test_an_upload_that_was_aborted_has_no_parts(world: World) -> None:
    upload = _upload(world)
    _send(world, upload, 1, b"x")
    for _ in range(2):
        world.store.abort_multipart(VIDEO, upload)
    with pytest.raises(NotFound):
        world.store.parts(VIDEO, upload)


def test_an_upload_that_is_no_more_cannot_be_completed() -> None:
    s3 = boto3.client("s3")
    with Stubber(s3) as stub:
        stub.add_client_error("complete_multipart_upload", "NoSuchUpload", http_status_code=404)
        with pytest.raises(NotFound):
            aws.S3ObjectStore(s3, BUCKET).complete_multipart(VIDEO, "upload", [])


def test_a_part_s_url_fixes_how_many_bytes_it_takes() -> None:
    store = aws.S3ObjectStore(aws.client("s3"), "debates")
    url = store.presigned_part(VIDEO, "upload", 3, size=PART, lifetime=timedelta(minutes=1))
    query = parse_qs(urlsplit(url).query)
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
    assert (query["partNumber"], query["uploadId"]) == (["3"], ["upload"])


def test_workers_are_counted_by_name_and_whatever_waits_in_their_queue_waits() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    made = int((now - timedelta(minutes=11)).timestamp() * 1000)
    names = ("stats-worker", "by-hand")
    both = [{"jobId": name, "jobName": name, "createdAt": made} for name in names]
    resources = StageResources(STATS, "work", "batch", "definition", 1)
    batch = boto3.client("batch", region_name="us-east-1")
    with Stubber(batch) as stub:
        for _ in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "FAILED"):
            stub.add_response("list_jobs", {"jobSummaryList": both})
        count = aws.BatchWorkerPool(batch, {"stats": resources}, lambda: now).count(STATS)
        stub.assert_no_pending_responses()
    assert (count.coming, count.running, count.waiting_long) == (4, 1, 2)
