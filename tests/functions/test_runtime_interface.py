"""Every function with every sample event: in Lambda's runtime interface, with its own role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from debate_analyzer.attributes import unmarshal
from debate_analyzer.aws import DynamoLedger
from debate_analyzer.delivery import forget
from debate_analyzer.job import Claim, Figures, Job, announced
from debate_analyzer.key import edits_key, private_statistics_key
from debate_analyzer.pipeline import Status
from debate_analyzer.search.piece import Said, dump, passages, piece_of
from debate_analyzer.unit import Unit
from debate_analyzer.webhook import WebhookRequest, Webhooks
from tests.e2e.laptop import until
from tests.functions.runtime import Function, sample
from tests.local.site import STAGES, Site
from tests.world import JOB_ID, MOVING_PICTURES, ROOT

pytestmark = pytest.mark.emulator

VIDEO = f"jobs/{JOB_ID}/videos/Town hall – café.mp4"
TRANSCRIPT = f"jobs/{JOB_ID}/transcripts/debate_transcription.json"
OWNER = "11111111-2222-3333-4444-555555555555"  # who signs in the API's events
WORKER = "4c7599ae-0a82-49aa-ba5a-4727fcce14a8"  # who leaves in the track function's
DAY = datetime(2026, 11, 21, 12, tzinfo=UTC)

Functions = Callable[[str], Function]


@pytest.fixture
def site(quiet_site: Site) -> Iterator[Site]:
    """As it was deployed: without a job, and without a worker that could be left a test's unit."""
    until(
        lambda: not quiet_site.workers_under_way() or None, seconds=60, what="the workers to leave"
    )
    dynamodb = quiet_site.client("dynamodb")
    ledger = quiet_site.environment("SubmitTranscribeFunction")["LEDGER_TABLE"]
    for stage in STAGES:  # which calls workers once a second
        key = {"pk": {"S": "dispatch"}, "sk": {"S": stage}}
        dynamodb.delete_item(TableName=ledger, Key=key)
    yield quiet_site
    quiet_site.leave_nothing()
    quiet_site.taken("PublishQueueUrl")


def put(site: Site, key: str, data: bytes = MOVING_PICTURES) -> Unit:
    """An object as anybody may put it, and its unit of work."""
    kind = "video/mp4" if key.endswith(".mp4") else "application/json"
    site.store.put(key, data, kind)
    found = site.store.head(key)
    assert found is not None
    stage = "transcribe" if "/videos/" in key else "stats"
    return Unit.model_validate(
        {"job_id": JOB_ID, "stage_name": stage, "key": key, "etag": found.etag, "owner": "shared"}
    )


def job(site: Site) -> Job:
    found = site.table.get(JOB_ID)
    assert found is not None
    return found


def new_job(now: datetime, owner: str = OWNER) -> Job:
    return announced(
        owner=owner, title="Town hall", media=None, now=now, job_id=JOB_ID, published=True
    )


def keep(site: Site, job: Job) -> None:
    site.table.create(job)


def complete(now: datetime, unit: Unit) -> Job:
    """A debate that came as a transcript, done."""
    figures = Figures(duration=60, speaking_time=50, words=120, speakers=3)
    claim = Claim(worker=WORKER, until=(now + timedelta(minutes=1)).timestamp())
    return new_job(now).queued(unit, now).claimed(unit, claim, now).completed(figures, now)


# --- Submit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["submit-video", "submit-video-twice"])
def test_a_video_is_queued_once_and_gets_a_worker(
    site: Site, function: Functions, event: str
) -> None:
    unit = put(site, VIDEO)
    before = site.workers("transcribe")

    answer = function("SubmitTranscribeFunction").invoke(sample(event))

    assert answer == {"batchItemFailures": []}
    assert (job(site).status, job(site).unit) == (Status.QUEUED, unit)
    # A second message of the same unit is allowed: the claim lets it through once.
    assert {Unit.model_validate_json(b) for b in site.taken("TranscribeWorkQueueUrl")} == {unit}
    assert 1 <= len(site.workers("transcribe") - before) <= 2
    assert site.client("dynamodb").scan(TableName=site.table.name)["Count"] == 1


def test_a_transcript_goes_to_the_statistics(site: Site, function: Functions) -> None:
    unit = put(site, TRANSCRIPT)
    before = site.workers("stats")

    answer = function("SubmitStatsFunction").invoke(sample("submit-transcript"))

    assert answer == {"batchItemFailures": []}
    assert job(site).status is Status.STATS_QUEUED
    assert [Unit.model_validate_json(b) for b in site.taken("StatsWorkQueueUrl")] == [unit]
    assert len(site.workers("stats") - before) == 1


def test_edits_have_the_transcript_counted_again(site: Site, function: Functions) -> None:
    unit = put(site, TRANSCRIPT)
    keep(site, complete(DAY, unit))
    edits = put(site, edits_key(JOB_ID), b"{}")

    answer = function("SubmitStatsFunction").invoke(sample("submit-edits"))

    assert answer == {"batchItemFailures": []}
    assert job(site).status is Status.STATS_QUEUED
    [queued] = [Unit.model_validate_json(b) for b in site.taken("StatsWorkQueueUrl")]
    assert (queued.key, queued.etag, queued.edits) == (unit.key, unit.etag, edits.etag)


def test_a_transcript_is_none_of_the_other_stages_business(site: Site, function: Functions) -> None:
    put(site, TRANSCRIPT)
    answer = function("SubmitTranscribeFunction").invoke(sample("submit-transcript"))
    assert answer == {"batchItemFailures": []}
    assert site.table.get(JOB_ID) is None


def test_an_event_whose_object_is_gone_changes_nothing(site: Site, function: Functions) -> None:
    answer = function("SubmitTranscribeFunction").invoke(sample("submit-video"))
    assert answer == {"batchItemFailures": []}
    assert site.table.get(JOB_ID) is None


@pytest.mark.parametrize("name", ["SubmitTranscribeFunction", "SubmitStatsFunction"])
def test_s3_s_test_event_is_nothing(site: Site, function: Functions, name: str) -> None:
    assert function(name).invoke(sample("submit-s3-test-event")) == {"batchItemFailures": []}
    assert site.client("dynamodb").scan(TableName=site.table.name)["Count"] == 0


def test_what_is_no_notification_is_named(site: Site, function: Functions) -> None:
    event = sample("submit-not-a-notification")
    answer = function("SubmitTranscribeFunction").invoke(event)
    failed = [{"itemIdentifier": event["Records"][0]["messageId"]}]
    assert answer == {"batchItemFailures": failed}


# --- Track and sweep ------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["track-worker-lost", "track-worker-done"])
def test_what_a_worker_held_goes_back_to_its_queue(
    site: Site, function: Functions, event: str
) -> None:
    unit, now = put(site, VIDEO), datetime.now(UTC)
    claim = Claim(worker=WORKER, until=(now + timedelta(minutes=1)).timestamp())
    keep(site, new_job(now).queued(unit, now).claimed(unit, claim, now))

    first = function("TrackFunction").invoke(sample(event))
    second = function("TrackFunction").invoke(sample(event))

    assert (first, second) == ({"released": [JOB_ID]}, {"released": []})
    assert (job(site).status, job(site).claim) == (Status.QUEUED, None)
    assert [Unit.model_validate_json(b) for b in site.taken("TranscribeWorkQueueUrl")] == [unit]


def test_a_worker_that_held_nothing_may_leave(site: Site, function: Functions) -> None:
    assert function("TrackFunction").invoke(sample("track-worker-lost")) == {"released": []}


def test_the_sweeper_mends_a_queued_job_that_lost_its_message(
    site: Site, function: Functions
) -> None:
    unit, earlier = put(site, VIDEO), datetime.now(UTC) - timedelta(minutes=10)
    keep(site, new_job(earlier).queued(unit, earlier))

    answer = function("SweepFunction").invoke(sample("sweep-schedule"))

    assert answer == {"looked": {"QUEUED": 1}, "report": None}
    assert [Unit.model_validate_json(b) for b in site.taken("TranscribeWorkQueueUrl")] == [unit]


def test_the_sweeper_publishes_what_was_not_published(site: Site, function: Functions) -> None:
    keep(site, complete(datetime.now(UTC) - timedelta(minutes=10), put(site, TRANSCRIPT)))

    answer = function("SweepFunction").invoke(sample("sweep-schedule"))

    assert answer == {"looked": {"COMPLETE": 1}, "report": None}
    assert [json.loads(body)["job_id"] for body in site.taken("PublishQueueUrl")] == [JOB_ID]


def test_the_sweeper_finds_an_object_that_nobody_told_of(site: Site, function: Functions) -> None:
    unit = put(site, VIDEO)
    put(site, f"jobs/{JOB_ID}/captions/x.json")  # leads nowhere

    first = function("SweepFunction").invoke(sample("sweep-reconcile"))
    again = function("SweepFunction").invoke(sample("sweep-reconcile"))

    assert "arrival_lost" in [found["kind"] for found in first["report"]["findings"]]
    assert "arrival_lost" not in [found["kind"] for found in again["report"]["findings"]]
    assert job(site).unit == unit


# --- Search ---------------------------------------------------------------------------------------


def test_what_is_new_is_found_and_merged_and_found_again(site: Site, function: Functions) -> None:
    counted = complete(DAY, put(site, TRANSCRIPT))
    said = passages([Said(0.0, 5.0, "Ada", "Good evening, all.")])
    piece = piece_of(counted, said, published=True)
    site.store.put(piece.key, dump(piece), "application/octet-stream")
    keep(site, counted.model_copy(update={"searchable": counted.version}))

    new = function("SearchFunction").invoke(sample("search"))
    steps = function("IndexFunction").invoke(sample("index-schedule"))
    merged = function("SearchFunction").invoke(sample("search"))

    assert (new["statusCode"], steps) == (200, {"steps": 1})
    [hit] = json.loads(new["body"])["hits"]
    assert (hit["job_id"], hit["start"], hit["speaker"]) == (JOB_ID, 0.0, "Ada")
    assert json.loads(merged["body"]) == json.loads(new["body"])
    assert not list(site.store.list("search/new/"))


# --- Publish --------------------------------------------------------------------------------------


def test_a_finished_debate_is_published(site: Site, function: Functions) -> None:
    keep(site, complete(DAY, put(site, TRANSCRIPT)))

    answer = function("PublishFunction").invoke(sample("publish"))

    assert answer == {"batchItemFailures": []}
    index = json.loads(site.store.get("statistics/index.json")[0])  # type: ignore[index]
    summary = json.loads(site.store.get("statistics/summary.json")[0])  # type: ignore[index]
    assert [(each["jobId"], each["words"]) for each in index["jobs"]] == [(JOB_ID, 120)]
    assert (summary["jobs"], summary["speakers"]) == (1, 3)
    assert job(site).check_at is None


def test_a_message_that_is_no_request_keeps_no_other_from_being_shown(
    site: Site, function: Functions
) -> None:
    keep(site, complete(DAY, put(site, TRANSCRIPT)))
    event = sample("publish")
    event["Records"].insert(0, {**event["Records"][0], "messageId": "bad", "body": "{"})

    answer = function("PublishFunction").invoke(event)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert job(site).check_at is None


def test_a_lost_index_is_rebuilt(site: Site, function: Functions) -> None:
    keep(site, complete(DAY, put(site, TRANSCRIPT)))
    function("PublishFunction").invoke(sample("publish"))
    before = {found.key for found in site.store.list("statistics/")}
    site.store.delete("statistics/")

    answer = function("PublishFunction").invoke(sample("publish-rebuild"))

    assert answer == {"pages": 1}
    event = sample("publish")
    [event["Records"][0]["body"]] = site.taken("PublishQueueUrl")
    assert function("PublishFunction").invoke(event) == {"batchItemFailures": []}
    assert {found.key for found in site.store.list("statistics/")} == before


# --- Webhooks -------------------------------------------------------------------------------------


def test_a_debate_s_end_is_told_to_who_wants_to_know(site: Site, function: Functions) -> None:
    """The receiver is on this machine, and is refused: that is in the log, and tried again."""
    environment = site.environment("NotifyFunction")
    ledger = DynamoLedger(
        site.client("dynamodb"), environment["LEDGER_TABLE"], lambda: datetime.now(UTC)
    )
    request = {"url": "https://localhost/told", "events": ["job.failed"]}
    now = datetime.now(UTC)
    webhook = Webhooks(ledger).subscribe(OWNER, WebhookRequest.model_validate(request), now)

    for _ in range(2):
        told = function("NotifyFunction").invoke(sample("notify-failed"))
        assert told == {"deliveries": 1, "mails": 1}
    sqs, queue = site.client("sqs"), environment["WEBHOOK_QUEUE_URL"]
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    event = sample("deliver-order")
    [record] = event["Records"]
    record |= {"body": message["Body"], "receiptHandle": message["ReceiptHandle"]}
    answer = function("DeliverFunction").invoke(event)

    assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    _, (_, attempt) = ledger.list(f"deliveries#{JOB_ID}", limit=9)
    assert (attempt["host"], attempt["outcome"]) == ("localhost", "failed")
    assert "not on the public internet" in attempt["error"]
    Webhooks(ledger).delete(OWNER, webhook.webhook_id)
    forget(ledger, JOB_ID)


def test_an_order_for_what_is_gone_is_done_with(site: Site, function: Functions) -> None:
    for name, event in (("DeliverFunction", "deliver-order"), ("MailFunction", "mail-order")):
        assert function(name).invoke(sample(event)) == {"batchItemFailures": []}


# --- Mails ----------------------------------------------------------------------------------------


def test_who_gave_an_address_is_written_to_once(site: Site, function: Functions) -> None:
    image = sample("notify-failed")["Records"][0]["dynamodb"]["NewImage"]
    keep(site, Job.model_validate(unmarshal(image)))
    for _ in range(2):
        told = function("NotifyFunction").invoke(sample("notify-failed"))
        assert told == {"deliveries": 0, "mails": 1}

    orders, event = site.taken("MailQueueUrl"), sample("mail-order")
    assert orders == [event["Records"][0]["body"].replace(" ", "")] * len(orders)
    for _ in orders:
        assert function("MailFunction").invoke(event) == {"batchItemFailures": []}

    sent = httpx.get(f"{site.deployed.endpoint()}/_ministack/ses/messages").text
    assert sent.count('"Subject": "Failed: Town hall"') == 1


# --- API ------------------------------------------------------------------------------------------


def answered(answer: Any, status: int) -> Any:
    """The body."""
    assert answer["statusCode"] == status, answer
    return json.loads(answer["body"]) if answer["body"] else None


def test_an_upload_is_announced_and_its_url_works(site: Site, function: Functions) -> None:
    made = answered(function("ApiFunction").invoke(sample("api-announce-upload")), 201)

    upload = made["upload"]
    assert httpx.put(upload["url"], content=b"x", headers=upload["headers"]).status_code == 403
    whole = httpx.put(upload["url"], content=bytes(1048576), headers=upload["headers"])
    again = httpx.put(upload["url"], content=bytes(1048576), headers=upload["headers"])
    assert (whole.status_code, again.status_code) == (200, 412)
    key = f"jobs/{made['job']['job_id']}/videos/Town hall.mp4"
    assert [found.key for found in site.store.list("jobs/")] == [key]


def test_a_bad_name_is_refused(site: Site, function: Functions) -> None:
    refused = answered(function("ApiFunction").invoke(sample("api-announce-bad-name")), 422)
    assert refused["code"] == "invalid_upload"
    assert site.client("dynamodb").scan(TableName=site.table.name)["Count"] == 0


def test_jobs_are_listed_and_opened(site: Site, function: Functions) -> None:
    keep(site, new_job(DAY))
    listed = answered(function("ApiFunction").invoke(sample("api-list-jobs")), 200)
    opened = answered(function("ApiFunction").invoke(sample("api-get-job")), 200)
    assert listed == {"jobs": [opened], "next_cursor": None}
    assert (opened["job_id"], opened["status"]) == (JOB_ID, "UPLOADING")


@pytest.mark.parametrize(
    "event",
    [
        *("api-get-job", "api-get-transcript", "api-get-statistics", "api-get-video"),
        *("api-get-edits", "api-edit"),
    ],
)
def test_what_belongs_to_somebody_else_does_not_exist(
    site: Site, function: Functions, event: str
) -> None:
    keep(site, new_job(DAY, owner="somebody-else"))
    assert answered(function("ApiFunction").invoke(sample(event)), 404)["code"] == "not_found"


@pytest.mark.parametrize("event", ["api-get-transcript", "api-get-statistics", "api-edit"])
def test_what_is_not_ready_says_so(site: Site, function: Functions, event: str) -> None:
    unit = put(site, VIDEO)
    keep(site, new_job(DAY).queued(unit, DAY))
    assert answered(function("ApiFunction").invoke(sample(event)), 409)["code"] == "not_ready"


def test_links_of_a_finished_debate_lead_to_its_files(site: Site, function: Functions) -> None:
    put(site, VIDEO, b"moving pictures")
    found = site.store.head(VIDEO)
    assert found is not None
    media = {"key": VIDEO, "bytes": found.bytes, "content_type": "video/mp4", "etag": found.etag}
    done = complete(DAY, put(site, TRANSCRIPT))
    keep(site, Job.model_validate({**done.model_dump(), "media": media}))
    put(site, f"jobs/{JOB_ID}/captions/debate.srt", b"1")
    put(site, private_statistics_key(JOB_ID), b'{"jobId": 1}')
    invoke = function("ApiFunction").invoke

    captions = invoke(sample("api-get-transcript"))
    statistics = invoke(sample("api-get-statistics"))
    video = answered(invoke(sample("api-get-video")), 200)

    for answer, content in ((captions, b"1"), (statistics, b'{"jobId": 1}')):
        answered(answer, 302)
        assert httpx.get(answer["headers"]["location"]).content == content
    ranged = httpx.get(video["url"], headers={"Range": "bytes=0-5"})
    assert (ranged.status_code, ranged.content) == (206, b"moving")


def test_edits_are_made_and_read(site: Site, function: Functions) -> None:
    spoken = {"start": 0, "end": 9, "text": "good evening", "speaker": "SPEAKER_00"}
    unit = put(site, TRANSCRIPT, json.dumps({"duration": 9, "transcription": [spoken]}).encode())
    keep(site, complete(DAY, unit))

    made = answered(function("ApiFunction").invoke(sample("api-edit")), 201)
    read = answered(function("ApiFunction").invoke(sample("api-get-edits")), 200)
    stale = answered(function("ApiFunction").invoke(sample("api-edit")), 409)

    assert read == made
    assert [each["operation"].get("name") for each in made["entries"]] == ["Ana Pérez", None]
    assert stale["code"] == "conflict"
    found = site.store.head(edits_key(JOB_ID))
    assert found is not None
    assert found.etag == made["version"]


def test_every_sample_event_is_used_here() -> None:
    events = {path.stem for path in (ROOT / "events").glob("*.json")}
    source = (ROOT / "tests" / "functions" / "test_runtime_interface.py").read_text()
    assert {name for name in events if f'"{name}"' not in source} == set()
