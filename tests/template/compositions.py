"""Every function and worker, run through its own composition on moto, with its calls written down.

Names are those of the resolved template, so that what is recorded can be held against its policies.
moto's Batch wants Docker, and its secrets have ARNs of their own: such calls are answered here,
after botocore has checked them.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import boto3
import moto
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from batch_images.download import downloader
from batch_images.download import job as download_job
from batch_images.stats import job as stats_job
from batch_images.stats.measures import measure
from batch_images.transcribe import job as transcribe_job
from batch_images.transcribe.block import Block
from batch_images.transcribe.diarization.diarizer import Evidence
from batch_images.transcribe.guard import Stretch
from batch_images.transcribe.sound import Sound
from batch_images.transcribe.spoken import SpokenWord
from debate_analyzer import aws, bootstrap, courier, publication, reconciliation
from debate_analyzer.api import visitor
from debate_analyzer.delivery import Attempt, Deliveries, Outcome
from debate_analyzer.errors import (
    Conflict,
    DownloadFailed,
    MailLost,
    MailNotTaken,
    MailRejected,
    NotFound,
)
from debate_analyzer.job import (
    PAGE_JOBS,
    Claim,
    Fault,
    Figures,
    Job,
    Media,
    announced,
    timestamp,
    utc_now,
)
from debate_analyzer.key import (
    INDEX_KEY,
    captions_key,
    dataset_key,
    edits_key,
    exports_key,
    hearing_key,
    index_chapter_key,
    index_page_key,
    job_prefix,
    part_key,
    parts_prefix,
    private_statistics_key,
    statistics_key,
    transcript_key,
)
from debate_analyzer.notice import Notice, Notices, State
from debate_analyzer.part import Part, part_job
from debate_analyzer.pipeline import STATS, TRANSCRIBE, Stage, Status
from debate_analyzer.postman import GIVEN_UP
from debate_analyzer.recording import (
    Chunk,
    ChunkRequest,
    ChunkStatus,
    Manifest,
    document,
    manifest_key,
    session_prefix,
)
from debate_analyzer.recording_desk import PART_BYTES, list_entry
from debate_analyzer.search import mark
from debate_analyzer.search import merger as search_merger
from debate_analyzer.search.library import OpenShards
from debate_analyzer.search.merger import Merger
from debate_analyzer.search.piece import Said, dump, passages, piece_of
from debate_analyzer.share import Shares
from debate_analyzer.statistics import Statistics
from debate_analyzer.transcript import Turn
from debate_analyzer.unit import Unit
from debate_analyzer.webhook import Webhook, WebhookRequest, Webhooks
from debate_analyzer.worker import Stopped
from tests.template.attempts import KEYS
from tests.template.calls import Call
from tests.template.templates import REGION, Resolved, source
from tests.template.trail import Trail, followed
from tests.world import JOB_ID, MOVING_PICTURES, ROOT, silent_wav

VIDEO = f"jobs/{JOB_ID}/videos/town hall.mp4"
TRANSCRIPT = transcript_key(JOB_ID, "town hall")
OWNER = "11111111-2222-3333-4444-555555555555"  # who signs in, in events/api-*.json
WORKER = "4c7599ae-0a82-49aa-ba5a-4727fcce14a8"  # who leaves, in events/track-*.json


@dataclass
class Recording:
    """What a composition did."""

    calls: list[Call] = field(default_factory=list)
    trail: Trail = field(default_factory=Trail)


@dataclass
class Account:
    """The template's table, bucket and queues on moto, with an administrator's rights."""

    stack: Resolved

    def __post_init__(self) -> None:
        self.s3 = boto3.client("s3", region_name=REGION)
        self.sqs = boto3.client("sqs", region_name=REGION)
        self.dynamodb = boto3.client("dynamodb", region_name=REGION)
        for name in self.stack.of_type("AWS::S3::Bucket"):
            self.s3.create_bucket(Bucket=self.stack.name(name))
        for name in self.stack.of_type("AWS::SQS::Queue"):
            self.sqs.create_queue(QueueName=self.stack.name(name))
        for name, properties in self.stack.of_type("AWS::DynamoDB::Table").items():
            wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
            self.dynamodb.create_table(
                TableName=self.stack.name(name),
                **{key: properties[key] for key in wanted if key in properties},
            )
        self.table = aws.DynamoJobTable(self.dynamodb, self.stack.name("JobTable"))
        self.store = aws.S3ObjectStore(self.s3, self.stack.name("Bucket"))
        self.ledger = aws.DynamoLedger(
            self.dynamodb, self.stack.name("LedgerTable"), lambda: datetime.now(UTC)
        )

    def put(self, key: str, data: bytes = MOVING_PICTURES) -> Unit:
        """An object as anybody may put it, and its unit of work."""
        kind = "application/json" if key.endswith(".json") else "video/mp4"
        self.store.put(key, data, kind)
        found = self.store.head(key)
        assert found is not None
        return Unit(
            job_id=key.split("/")[1],
            stage_name=_stage(key).name,
            key=key,
            etag=found.etag,
            owner=OWNER,
        )

    def remove(self, key: str) -> None:
        self.s3.delete_object(Bucket=self.store.bucket, Key=key)

    def keep(self, job: Job) -> Job:
        """The row, whatever stood there."""
        self.forget(job.job_id)
        self.table.create(job)
        return job

    def forget(self, job_id: str) -> None:
        """No row, whatever stood there."""
        self.dynamodb.delete_item(TableName=self.table.name, Key={"job_id": {"S": job_id}})

    def send(self, queue: str, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.stack.ref(queue), MessageBody=body)


def _stage(key: str) -> Stage:
    return STATS if key.endswith(".json") else TRANSCRIBE


Drive = Callable[[Account, Callable[[Any], Any]], None]


def record(stack: Resolved, name: str) -> Recording:
    """Run the composition of a function or of a job definition along every way it has."""
    recording = Recording()
    with _deployed(stack, name, recording) as account, followed() as recording.trail:
        DRIVES[name](account, _entry_point(name))
    return recording


@contextmanager
def _deployed(stack: Resolved, name: str, recording: Recording) -> Iterator[Account]:
    real = aws.client

    def watched(service: str, **options: Any) -> Any:
        client = real(service, **options)

        def write_down(params: Any, model: Any, **_: Any) -> None:
            kept = {key: value for key, value in params.items() if key != "Body"}
            recording.calls.append(Call(model.service_model.service_name, model.name, kept))

        client.meta.events.register("before-parameter-build", write_down)
        for operation, answer in _ANSWERED.items():
            client.meta.events.register(f"before-call.{operation}", answer)
        return client

    with moto.mock_aws():
        account = Account(stack)
        bootstrap._client.cache_clear()
        bootstrap._finder.cache_clear()
        visitor._secret.cache_clear()
        environment = {"AWS_DEFAULT_REGION": REGION, **_environment(stack, name)}
        with (
            mock.patch.dict(os.environ, environment),
            mock.patch.object(aws, "client", watched),
        ):
            yield account
        bootstrap._client.cache_clear()


def _answered(answer: dict[str, Any]) -> Callable[..., Any]:
    return lambda **_: (AWSResponse("https://batch", 200, {}, None), answer)


def _described(**call: Any) -> Any:
    """Of WORKER, that it runs; Batch knows no other."""
    asked = json.loads(call["params"]["body"])["jobs"]
    jobs = [{"jobId": job_id, "status": "RUNNING"} for job_id in asked if job_id == WORKER]
    return _answered({"jobs": jobs})()


_ANSWERED = {
    "batch.DescribeJobs": _described,
    "batch.ListJobs": _answered({"jobSummaryList": []}),
    "batch.SubmitJob": _answered({"jobId": "1"}),
    "lambda.Invoke": _answered({}),
    "cloudfront.CreateInvalidation": _answered({}),
    "sesv2.SendEmail": _answered({"MessageId": "1"}),
    "secrets-manager.GetSecretValue": _answered({"SecretString": "unset"}),
}


def _environment(stack: Resolved, name: str) -> dict[str, str]:
    properties = stack.resources[name]["Properties"]
    if "ContainerProperties" in properties:
        listed = properties["ContainerProperties"]["Environment"]
        given = {item["Name"]: str(item["Value"]) for item in listed}
        # Shorter than anybody would have it, so that a heartbeat comes within a test's patience.
        return given | {"LEASE_SECONDS": "1.2", "WORKER_LINGER_SECONDS": "0.3"}
    return {key: str(value) for key, value in properties["Environment"]["Variables"].items()}


def _entry_point(name: str) -> Callable[[Any], Any]:
    """A function's handler, loaded as Lambda does; or a worker's main with its engines given."""
    if name in _JOBS:
        return _JOBS[name]
    folder = ROOT / source()["Resources"][name]["Properties"]["CodeUri"]
    specification = importlib.util.spec_from_file_location(f"{name}_handler", folder / "handler.py")
    assert specification is not None
    assert specification.loader is not None
    module: ModuleType = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return lambda event: module.handler(event, _Context())


class _Context:
    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id = "request"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


# --- Functions ------------------------------------------------------------------------------------


def _event(name: str) -> Any:
    return json.loads((ROOT / "events" / f"{name}.json").read_text())


def _arrived(account: Account, key: str) -> Any:
    """An SQS event with S3's notification of one key (without characters that need escaping)."""
    event = _event("submit-video")
    notification = json.loads(event["Records"][0]["body"])
    notification["Records"][0]["s3"]["bucket"]["name"] = account.store.bucket
    notification["Records"][0]["s3"]["object"]["key"] = key.replace(" ", "+")
    event["Records"][0]["body"] = json.dumps(notification)
    return event


def _new(now: datetime, *, job_id: str = JOB_ID, media: Media | None = None) -> Job:
    return announced(
        owner=OWNER, title="Town hall", media=media, now=now, job_id=job_id, published=True
    )


def _media(key: str, etag: str | None = None) -> Media:
    return Media(key=key, bytes=15, content_type="video/mp4", etag=etag)


def _complete(unit: Unit, now: datetime, media: Media | None = None) -> Job:
    figures = Figures(duration=60, speaking_time=50, words=120, speakers=3)
    job = _new(now, media=media).queued(unit, now)
    return job.claimed(unit, _claim(now), now).completed(figures, now)


def _claim(now: datetime) -> Claim:
    return Claim(worker=WORKER, until=now.timestamp() - 1)


def _submit(key: str) -> Drive:
    def drive(account: Account, invoke: Callable[[Any], Any]) -> None:
        account.put(key)
        assert invoke(_arrived(account, key)) == {"batchItemFailures": []}
        account.remove(key)
        assert invoke(_arrived(account, key)) == {"batchItemFailures": []}
        assert invoke(_event("submit-not-a-notification"))["batchItemFailures"]

    return drive


def _submit_transcripts(account: Account, invoke: Callable[[Any], Any]) -> None:
    """And the edits of one."""
    _submit(TRANSCRIPT)(account, invoke)
    account.put(TRANSCRIPT)
    _submit(edits_key(JOB_ID))(account, invoke)


def _submit_recordings(account: Account, invoke: Callable[[Any], Any]) -> None:
    """And a part of one, which is wanted, then another, which is not."""
    _submit(VIDEO)(account, invoke)
    now, unit = datetime.now(UTC), account.put(VIDEO)
    whole = account.keep(_new(now).queued(unit, now).claimed(unit, _claim(now), now))
    for job in (whole, whole.failed(Fault(code="failed", message="It failed."), now)):
        account.keep(job)
        _submit(part_key(JOB_ID, whole.round, 0))(account, invoke)


def _track(account: Account, invoke: Callable[[Any], Any]) -> None:
    now = datetime.now(UTC)
    for unit in (account.put(VIDEO), account.put(TRANSCRIPT)):
        held = _new(now).queued(unit, now).claimed(unit, _claim(now), now)
        for attempt in (1, 9):
            account.keep(held.model_copy(update={"attempt": attempt}))
            assert invoke(_event("track-worker-lost"))["released"] == [JOB_ID]
    account.keep(_import(now, WORKER).model_copy(update={"job_id": WORKER}))
    assert invoke(_event("track-worker-lost"))["released"] == []
    lost = account.table.get(WORKER)
    assert lost is not None
    assert lost.retry_at is not None
    account.keep(_import(now, WORKER).model_copy(update={"job_id": WORKER, "attempt": 9}))
    assert invoke(_event("track-worker-lost"))["released"] == []


def _import(now: datetime, batch_id: str | None = None) -> Job:
    """A recording that a job of Batch is to bring, submitted or not yet."""
    job = _new(now).to_import({"VIDEO_URL": "https://example.org/"}, now)
    return job.submitted(batch_id) if batch_id else job


def _sweep(account: Account, invoke: Callable[[Any], Any]) -> None:
    """Each state that a job may be stuck in; the second of two queued jobs finds a message."""
    long_ago = datetime.now(UTC) - timedelta(hours=30)
    recording = account.put(VIDEO)
    transcript = account.put(TRANSCRIPT)
    queued = _new(long_ago).queued(recording, long_ago)
    running = queued.claimed(recording, _claim(long_ago), long_ago)
    told = {"duration": 1.0, "language": "en", "speakers_count": 1, "warnings": []}
    done = running.transcribed(long_ago, **told)
    analyzing = _new(long_ago).queued(transcript, long_ago)
    analyzing = analyzing.claimed(transcript, _claim(long_ago), long_ago)
    stuck = [
        queued,
        queued,
        queued.model_copy(update={"retry_at": long_ago.timestamp()}),
        _new(long_ago, media=_media(VIDEO)),
        _new(long_ago, media=_media(VIDEO + ".gone")),
        _new(datetime.now(UTC) - timedelta(hours=1), media=_media(VIDEO + ".gone")),
        _import(datetime.now(UTC) - timedelta(hours=1)),
        _import(datetime.now(UTC) - timedelta(hours=1), WORKER),
        _import(datetime.now(UTC) - timedelta(hours=1), "forgotten"),
        _import(datetime.now(UTC) - timedelta(hours=1), "forgotten").model_copy(
            update={"attempt": 9}
        ),
        running,
        running.model_copy(update={"attempt": 9}),
        analyzing.model_copy(update={"attempt": 9}),
        done,
        _complete(transcript, long_ago),
    ]
    for job in stuck:
        account.keep(job)
        assert sum(invoke(_event("sweep-schedule"))["looked"].values()) == 1
    account.keep(done)
    account.remove(TRANSCRIPT)
    assert invoke(_event("sweep-schedule"))["looked"] == {"TRANSCRIBED": 1}
    _sweep_parts(account, invoke, running.split(1, 0.1, long_ago))
    recording = _unfinished_recording(account)
    _put_everything_of(account, queued)
    account.keep(queued.model_copy(update={"recording": recording}).deleted(long_ago))
    account.keep(part_job(Part(JOB_ID, 1, 0), queued, datetime.now(UTC)))
    assert invoke(_event("sweep-schedule"))["looked"] == {"DELETED": 1}
    _reconcile(account, invoke)


def _reconcile(account: Account, invoke: Callable[[Any], Any]) -> None:
    """An upload without a row, one that was never completed, a copy of nobody's statistics, a row
    that a worker holds, one that nobody looks after, one that lacks its statistics, one that the
    index lacks, and one of a deleted debate that has left something."""
    now = datetime.now(UTC)
    nobody = str(uuid.UUID(int=1))
    media = account.put(VIDEO)
    account.keep(_new(now).queued(media, now).claimed(media, _claim(now), now))
    account.put(VIDEO.replace(JOB_ID, nobody))
    counted = str(uuid.UUID(int=3))
    done = _complete(account.put(TRANSCRIPT.replace(JOB_ID, counted)), now)
    account.keep(done.model_copy(update={"job_id": counted}).indexed())
    account.store.put(statistics_key(str(uuid.UUID(int=2))), b"{}", "application/json")
    account.s3.create_multipart_upload(Bucket=account.store.bucket, Key=VIDEO + ".part")
    account.table.take_places(1)
    lonely, listed, erased = (str(uuid.UUID(int=number)) for number in (4, 5, 6))
    unattended = {"job_id": lonely, "check_at": None}
    account.keep(_new(now).queued(media, now).model_copy(update=unattended))
    shown = _complete(account.put(TRANSCRIPT.replace(JOB_ID, listed)), now)
    account.keep(shown.model_copy(update={"job_id": listed}).placed(0).indexed())
    for key in (statistics_key(listed), private_statistics_key(listed)):
        account.store.put(key, b"{}", "application/json")
    account.keep(_new(now).deleted(now).model_copy(update={"job_id": erased}))
    account.put(VIDEO.replace(JOB_ID, erased))
    with mock.patch.object(reconciliation, "_UPLOAD_BEGUN", timedelta(-1)):
        report = invoke(_event("sweep-reconcile"))["report"]
        kinds = {finding["kind"] for finding in report["findings"]}
        while report["next"]:
            report = invoke({"reconcile": {"start": report["next"]}})["report"]
            kinds |= {finding["kind"] for finding in report["findings"]}
        while invoke({"reconcile": {"goes_on": True}})["report"]["next"]:
            pass
    assert kinds >= {
        *("arrival_lost", "open_upload", "not_withdrawn", "unattended", "not_in_index", "remains"),
    }


def _put_everything_of(account: Account, job: Job) -> None:
    """An object of every kind that a debate may have, and what the ledger has of it."""
    for key in KEYS.values():
        if key.startswith(job_prefix(job.job_id)):
            account.put(key)
    account.store.put(dataset_key(job.job_id, job.created_at.date()), b"PAR1", "application/x")
    Shares(account.ledger).make(job.job_id, job.created_at)
    for kind in ("feedback", "deliveries", "notices"):
        account.ledger.put(f"{kind}#{job.job_id}", "one", {"at": timestamp(job.created_at)})


def _unfinished_recording(account: Account) -> str:
    """Of one chunk, which comes in parts; the key of its manifest."""
    manifest = Manifest(
        session_id=JOB_ID,
        user_id="ana",
        content_type="audio/webm",
        title="Council",
        published=True,
        created_at=datetime.now(UTC),
        updated_at=datetime.now(UTC),
    )
    chunk = manifest.new_chunk(ChunkRequest(seq=0, t_start=0, t_end=1, size=PART_BYTES + 1))
    upload_id = account.store.start_multipart(chunk.key, chunk.content_type)
    begun = chunk.model_copy(update={"upload_id": upload_id})
    account.put(chunk.key)
    whole = manifest.model_copy(update={"chunks": (begun,)})
    account.store.put(manifest.key, document(whole), "application/json")
    account.ledger.put(*list_entry(manifest.user_id, manifest.session_id), {})
    return manifest.key


def _sweep_parts(account: Account, invoke: Callable[[Any], Any], whole: Job) -> None:
    """A part whose event was lost, one that failed, and one that is done."""
    account.keep(whole)
    unit = account.put(part_key(JOB_ID, whole.round, 0))
    assert invoke(_event("sweep-schedule"))["looked"] == {"SPLIT": 1}
    part = part_job(Part(JOB_ID, whole.round, 0), whole, datetime.now(UTC)).queued(
        unit, datetime.now(UTC)
    )
    account.keep(part.failed(Fault(code="failed", message="It failed."), datetime.now(UTC)))
    account.keep(whole)
    assert invoke(_event("sweep-schedule"))["looked"] == {"SPLIT": 1}
    account.put(hearing_key(JOB_ID, whole.round, 0))
    account.keep(whole)
    assert invoke(_event("sweep-schedule"))["looked"] == {"SPLIT": 1}
    account.forget(part.job_id)
    account.store.delete(parts_prefix(JOB_ID))


_CHAPTER_PAGES = 2  # fewer than anybody would have: two chapters are rebuilt


@mock.patch.object(publication, "CHAPTER_PAGES", _CHAPTER_PAGES)
def _publish(account: Account, invoke: Callable[[Any], Any]) -> None:
    """A debate is shown, withdrawn and shown again; then files are lost."""
    now, unit = datetime.now(UTC), account.put(TRANSCRIPT)
    account.keep(_complete(unit, now))
    account.store.put(private_statistics_key(JOB_ID), b"{}", "application/json")

    def publish(*bodies: Any) -> Job:
        """The debate, and what else is asked for."""
        event = _event("publish")
        [first] = event["Records"]
        event["Records"] += [{**first, "body": json.dumps(body)} for body in bodies]
        failed = [{"itemIdentifier": first["messageId"]} for body in bodies if not body]
        assert invoke(event) == {"batchItemFailures": failed}
        job = account.table.get(JOB_ID)
        assert job is not None
        return job

    def withdraw_and_publish_again() -> None:
        account.table.replace(publish().unpublished(now))
        account.table.replace(publish().republished(now))
        publish()

    withdraw_and_publish_again()
    assert account.store.head(statistics_key(JOB_ID)) is not None
    # Others: on the second page of its chapter, and in the next chapter.
    for number, place in ((1, PAGE_JOBS), (2, PAGE_JOBS * _CHAPTER_PAGES)):
        other = _complete(unit, now).model_copy(update={"job_id": str(uuid.UUID(int=number))})
        account.table.take_places(place)
        account.keep(other.placed(place))
        publish({"job_id": other.job_id}, {})
    for lost in (
        index_page_key(0, 1),
        index_page_key(1, _CHAPTER_PAGES),
        index_chapter_key(0),
        index_chapter_key(1),
        INDEX_KEY,
    ):
        account.remove(lost)
        withdraw_and_publish_again()
    assert invoke({"rebuild": True})["pages"] > _CHAPTER_PAGES


def _api(account: Account, invoke: Callable[[Any], Any]) -> None:
    recording = account.put(VIDEO)
    account.put(TRANSCRIPT)
    account.put(captions_key(JOB_ID, "town hall", "srt"))
    now = datetime.now(UTC)
    media = _media(VIDEO, recording.etag)
    spoken = json.dumps(_TRANSCRIPT).replace('"A"', '"SPEAKER_00"')
    account.keep(_complete(account.put(TRANSCRIPT, spoken.encode()), now, media))
    expected = {
        "api-announce-upload": 201,
        "api-list-jobs": 200,
        "api-get-job": 200,
        "api-get-transcript": 302,
        "api-get-statistics": 302,
        "api-get-video": 200,
        "api-edit": 201,
        "api-get-edits": 200,
    }
    for name, status in expected.items():
        assert invoke(_event(name))["statusCode"] == status, name
    ask = _asking(invoke)
    one = f"/api/jobs/{JOB_ID}"
    ask(302, "GET", f"{one}/transcript", format="json")
    account.put(exports_key(JOB_ID, "town hall", "csv"))
    ask(302, "GET", f"{one}/transcript", format="csv")
    ask(200, "GET", "/api/jobs", status="complete")
    ask(200, "PATCH", one, {"title": "Another", "published": False})
    for stage in (STATS.name, TRANSCRIBE.name):
        ask(202, "POST", f"{one}/retry", {"stage": stage})
    ask(200, "POST", f"{one}/cancel")
    whole = account.table.get(JOB_ID)
    assert whole is not None
    account.keep(part_job(Part(JOB_ID, 1, 0), whole, now))
    _put_everything_of(account, whole)
    ask(200, "DELETE", one)
    ask(200, "GET", "/api/jobs", groups="[admin]")
    _record(account, ask)
    _import_and_register(account, ask)
    _upload(account, ask)
    _lose_an_upload(account, ask)
    _told(account, ask)
    _given_up(account, ask)


def _told(account: Account, ask: Callable[..., Any]) -> None:
    """Webhooks, share links and feedback."""
    account.keep(_new(datetime.now(UTC)).model_copy(update={"media": _media(VIDEO, "etag")}))
    one, mark = f"/api/jobs/{JOB_ID}", {"useful": True}
    hook = {"url": "https://hooks.example/", "events": ["job.failed"]}
    hook_of = f"/api/webhooks/{ask(201, 'POST', '/api/webhooks', hook)['webhook_id']}"
    ask(200, "GET", "/api/webhooks")
    ask(200, "GET", hook_of)
    ask(200, "GET", f"{hook_of}/secret")
    tested = ask(202, "POST", f"{hook_of}/test")
    ask(200, "GET", f"{hook_of}/deliveries")
    ask(200, "GET", f"{one}/deliveries")
    log = account.ledger.list(f"deliveries#{tested['webhook_id']}", limit=1)
    failed = {"started_at": tested["created_at"], "outcome": "failed"}
    for name, facts in ((log[0][0], log[0][1]), (log[0][0].replace("#00", "#01"), failed)):
        account.ledger.put(f"deliveries#{JOB_ID}", name, facts)
    ask(202, "POST", f"{one}/deliveries/{tested['delivery_id']}/retry")
    ask(204, "DELETE", hook_of)
    shared = ask(201, "POST", f"{one}/shares")
    ask(200, "GET", f"{one}/shares")
    ask(200, "GET", shared["url"])
    ask(200, "GET", f"{shared['url']}/video")
    ask(204, "DELETE", f"{one}/shares/{shared['share_id']}")
    ask(200, "PUT", f"{one}/feedback", mark)
    ask(200, "GET", f"{one}/feedback")
    ask(204, "DELETE", f"{one}/feedback")
    account.ledger.put(f"feedback#{JOB_ID}", OWNER, mark | {"updated_at": tested["created_at"]})
    ask(201, "POST", f"{one}/shares")
    ask(200, "DELETE", one)


def _given_up(account: Account, ask: Callable[..., Any]) -> None:
    """A letter in each queue, and one of each function's, is looked at, replayed, and dropped."""
    unit, now = account.put(VIDEO), datetime.now(UTC)
    failed = Fault(code="network", message="It failed.")
    account.keep(_new(now).queued(unit, now).failed(failed, now))
    queues = {
        "TranscribeArrivals": "transcribe-arrivals",
        "TranscribeWork": "transcribe-work",
        "StatsArrivals": "stats-arrivals",
        "StatsWork": "stats-work",
        "Download": "downloads",
        "Publish": "publish",
        "Webhook": "webhooks",
        "Mail": "mail",
    }
    letters = [(name, queue, unit.model_dump_json()) for name, queue in queues.items()]
    for function in ("Track", "Sweep", "Index", "Notify"):
        arn = account.stack.arn(f"{function}Function")
        event = {"requestContext": {"functionArn": arn}, "requestPayload": {}}
        letters.append(("Event", "events", json.dumps(event)))
    ask(200, "GET", "/api/failures", groups="[operator]")
    with mock.patch.object(aws, "_WAIT_SECONDS", 0):
        for name, queue, body in letters:
            of = f"/api/failures/{queue}"
            for method, more in (("POST", "/replay"), ("DELETE", "")):
                for _ in range(2):
                    account.send(f"{name}DeadLetters", body)
                [letter, _] = ask(200, "GET", of, groups="[operator]")["letters"]
                one = f"{of}/{letter['letter_id']}"
                ask(200, "GET", one, groups="[operator]")
                ask(200, method, f"{one}{more}", groups="[operator]")
                ask(200, method, f"{of}{more}", groups="[operator]")
        account.keep(_import(now).failed(failed, now))
        account.send("DownloadDeadLetters", json.dumps({"job_id": JOB_ID}))
        ask(200, "POST", "/api/failures/downloads/replay", groups="[operator]")
        account.send("StatsWorkDeadLetters", "no unit")
        ask(200, "POST", "/api/failures/stats-work/replay", groups="[operator]")
        account.keep(_new(now).deleted(now))
        account.send("StatsWorkDeadLetters", unit.model_dump_json())
        ask(200, "POST", "/api/failures/stats-work/replay", groups="[operator]")


def _notify(account: Account, invoke: Callable[[Any], Any]) -> None:
    _subscribed(account)
    for _ in range(2):
        assert invoke(_event("notify-failed")) == {"deliveries": 1, "mails": 1}
    event = _event("notify-failed")
    event["Records"].insert(0, {"dynamodb": {"NewImage": {"job_id": {"S": JOB_ID}}}})
    assert invoke(event) == {"deliveries": 1, "mails": 1}


def _deliver(account: Account, invoke: Callable[[Any], Any]) -> None:
    """A receiver that is down, then gone; one whose test arrives; a try that was lost."""
    webhook = _subscribed(account)
    orders = account.stack.ref("WebhookQueue")
    deliveries = Deliveries(
        account.ledger, aws.SqsDeliveryQueue(account.sqs, account.stack.ref("WebhookQueue"))
    )

    def carry(status: int) -> bool:
        """Whether the order that was given is to come back."""
        [message] = account.sqs.receive_message(QueueUrl=orders)["Messages"]
        event = _event("deliver-order")
        record = {"body": message["Body"], "receiptHandle": message["ReceiptHandle"]}
        event["Records"][0] |= record
        with mock.patch.object(courier, "post", return_value=status):
            return bool(invoke(event)["batchItemFailures"])

    event = _event("deliver-order")
    event["Records"][0]["body"] = "no order"
    assert invoke(event)["batchItemFailures"]
    now = datetime.now(UTC)
    failed = _new(now).failed(Fault(code="no_speech", message="Nobody speaks."), now)
    deliveries.announce(failed, now)
    assert carry(503)
    deliveries.announce(failed.model_copy(update={"version": 2}), now)
    assert not carry(410)
    deliveries.test(OWNER, webhook, now)
    assert not carry(204)
    long_ago = now - timedelta(minutes=5)
    lost = deliveries.test(OWNER, webhook, now)
    attempt = Attempt(number=1, started_at=long_ago, outcome=Outcome.SENDING)
    deliveries.claim(lost, attempt)
    assert not carry(204)


def _mail(account: Account, invoke: Callable[[Any], Any]) -> None:
    """A letter with every answer that there is; one that is given up; claims that are held, and
    were lost; orders that come early, of what is superseded, of what another has just claimed."""
    queue = aws.SqsMailQueue(account.sqs, account.stack.ref("MailQueue"))
    notices, now = Notices(account.ledger, queue), datetime.now(UTC)
    unit = account.put(TRANSCRIPT)
    job = account.keep(_complete(unit, now).model_copy(update={"notify": "ana@example.org"}))
    statistics = json.dumps({"speakers": [{"speaker": "A", "name": None, "speakingShare": 1}]})
    for key, data in (
        (private_statistics_key(JOB_ID), statistics.encode()),
        (exports_key(JOB_ID, "town hall", "txt"), b"A: Good evening."),
    ):
        account.store.put(key, data, "text/plain")

    def carry(version: int, **facts: Any) -> State:
        """What becomes of a notice."""
        notice = Notice(
            job_id=JOB_ID, version=version, end=job.status, created_at=now, at=now
        ).model_copy(update=facts)
        kept = notice.model_dump(mode="json", exclude={"job_id", "version"}, exclude_none=True)
        account.ledger.put(f"notices#{JOB_ID}", f"{version:010d}", kept)
        event = _event("mail-order")
        event["Records"][0]["body"] = notice.order.model_dump_json()
        assert invoke(event) == {"batchItemFailures": []}
        return next(each.state for each in notices.of(JOB_ID) if each.version == version)

    event = _event("mail-order")
    event["Records"][0]["body"] = "no order"
    assert invoke(event)["batchItemFailures"]
    assert carry(1) is State.SENT
    for version, (answer, state) in enumerate(
        (
            (MailNotTaken("not now"), State.WAITING),
            (MailRejected("never"), State.REJECTED),
            (MailLost("nobody knows"), State.UNKNOWN),
        ),
        start=2,
    ):
        with mock.patch.object(aws.SesMailService, "send", side_effect=answer):
            assert carry(version) is state
    with mock.patch.object(aws.SesMailService, "send", side_effect=MailNotTaken("not now")):
        assert carry(5, created_at=now - GIVEN_UP) is State.REJECTED
    long_ago = now - timedelta(minutes=5)
    assert carry(6, next_at=now + timedelta(minutes=5)) is State.WAITING
    assert carry(7, state=State.SENDING) is State.SENDING
    assert carry(8, state=State.SENDING, at=long_ago) is State.UNKNOWN
    with mock.patch.object(Notices, "keep", side_effect=Conflict("somebody was faster")):
        assert carry(9) is State.WAITING
    assert carry(1, state=State.WAITING) is State.SUPERSEDED
    with _mail_refused("MessageRejected"):
        assert carry(10) is State.REJECTED


@contextmanager
def _mail_refused(code: str) -> Iterator[None]:
    """SES says so."""
    ask = BaseClient._make_api_call

    def refuse(self: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "SendEmail":
            raise ClientError({"Error": {"Code": code, "Message": "It is refused."}}, operation)
        return ask(self, operation, parameters)

    with mock.patch.object(BaseClient, "_make_api_call", refuse):
        yield


def _subscribed(account: Account) -> Webhook:
    request = {"url": "https://hooks.example/", "events": ["job.failed"]}
    return Webhooks(account.ledger).subscribe(
        OWNER, WebhookRequest.model_validate(request), datetime.now(UTC)
    )


def _lose_an_upload(account: Account, ask: Callable[..., Any]) -> None:
    """In parts: with its debate, and by its age."""
    ask = functools.partial(ask, sub="somebody who loses it")
    uploads = "/api/uploads"
    file = {"filename": "a.mp4", "size": 15, "multipart": True}
    ask(200, "DELETE", f"/api/jobs/{ask(201, 'POST', uploads, file)['job']['job_id']}")
    of = f"{uploads}/{ask(201, 'POST', uploads, file)['job']['job_id']}"
    taken = account.table.get(of.rsplit("/", 1)[-1])
    assert taken is not None
    assert taken.media is not None
    account.store.abort_multipart(taken.media.key, taken.upload_id or "")
    ask(409, "GET", f"{of}/parts")


def _upload(account: Account, ask: Callable[..., Any]) -> None:
    """In parts, by way of the site, as often as is allowed and once more; sent twice with a key."""
    ask = functools.partial(ask, sub="somebody who has nothing yet")
    uploads = "/api/uploads"
    file = {"filename": "a.mp4", "size": 15, "multipart": True}
    site = {"x-viewer-address": "198.51.100.7", "x-origin-proof": "unset"}
    ask(200, "GET", "/api/jobs", headers=site)
    for key in (1, 2, 3, 4, 5, 5):
        made = ask(201, "POST", uploads, file, headers={"idempotency-key": f"{key}"})
    of = f"{uploads}/{made['job']['job_id']}"
    ask(429, "POST", uploads, file, headers={"idempotency-key": "6"})
    ask(200, "POST", f"{of}/parts", {"numbers": [1]})
    ask(409, "POST", f"{of}/complete", {})
    ask(204, "DELETE", of)
    of = f"{uploads}/{ask(201, 'POST', uploads, file)['job']['job_id']}"
    job = account.table.get(of.rsplit("/", 1)[-1])
    assert job is not None
    assert job.media is not None
    account.s3.upload_part(
        Bucket=account.store.bucket,
        Key=job.media.key,
        UploadId=job.upload_id,
        PartNumber=1,
        Body=bytes(15),
    )
    ask(200, "GET", of)
    ask(200, "GET", f"{of}/parts")
    for _ in range(2):
        ask(200, "POST", f"{of}/complete", {})
    ask(200, "DELETE", f"/api/jobs/{job.job_id}")


def _import_and_register(account: Account, ask: Callable[..., Any]) -> None:
    """By URL; and from the bucket: what nobody knows, what is known, what is to be copied."""
    bucket = account.store.bucket
    asked = ask(202, "POST", "/api/imports", {"url": "https://example.org/"})
    ask(202, "POST", f"/api/jobs/{asked['job_id']}/retry", {})
    ask(200, "POST", f"/api/jobs/{asked['job_id']}/cancel")
    for key in (VIDEO, TRANSCRIPT):
        account.forget(JOB_ID)
        account.put(key)
        for _ in range(2):
            ask(202, "POST", "/api/jobs", {"uri": f"s3://{bucket}/{key}"})
    account.store.put("incoming/town hall.mp4", silent_wav(), "video/mp4")
    asked = ask(202, "POST", "/api/jobs", {"uri": f"s3://{bucket}/incoming/town hall.mp4"})
    ask(200, "POST", f"/api/jobs/{asked['job_id']}/cancel")
    ask(404, "POST", "/api/jobs", {"uri": f"s3://{bucket}/incoming/none.mp4"})


def _record(account: Account, ask: Callable[..., Any]) -> None:
    """A recording of two chunks, one of them in parts; another that is given up."""
    sessions = "/api/audio/sessions"

    def chunk(seq: int, size: int = 8) -> dict[str, int]:
        return {"seq": seq, "t_start": seq * 5000, "t_end": seq * 5000 + 5000, "size": size}

    one, other = (ask(201, "POST", sessions, {})["session_id"] for _ in range(2))
    for session in (one, other):
        of = f"{sessions}/{session}"
        target = ask(200, "POST", f"{of}/chunks/presign", chunk(0))
        ask(409, "POST", f"{of}/chunks/complete", {"seq": 0})
        account.store.put(target["key"], bytes(8), "audio/webm")
        ask(200, "PUT", f"{of}/manifest", {"title": "Council", "chunks": [chunk(0)]})
        target = ask(200, "POST", f"{of}/chunks/presign", chunk(1, PART_BYTES + 1))
        [upload] = account.s3.list_multipart_uploads(
            Bucket=account.store.bucket, Prefix=target["key"]
        )["Uploads"]
        for number, put in enumerate(target["puts"], start=1):
            account.s3.upload_part(
                Bucket=account.store.bucket,
                Key=target["key"],
                UploadId=upload["UploadId"],
                PartNumber=number,
                Body=bytes(put["bytes"]),
            )
    ask(200, "DELETE", f"{sessions}/{other}")
    of = f"{sessions}/{one}"
    ask(200, "POST", f"{of}/chunks/retry", {})
    ask(200, "POST", f"{of}/chunks/complete", {"seq": 1})
    debate = ask(200, "POST", f"{of}/finalize", {})["job_id"]
    ask(200, "GET", of)
    ask(200, "GET", sessions)
    ask(409, "DELETE", of)
    ask(200, "DELETE", f"/api/jobs/{debate}")
    ask(404, "GET", of)


def _asking(invoke: Callable[[Any], Any]) -> Callable[..., Any]:
    """Ask the API, and be sure of the status; what it says."""

    def ask(
        status: int,
        method: str,
        path: str,
        body: Any = None,
        /,
        *,
        groups: str = "",
        sub: str = OWNER,
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> Any:
        event = _event("api-get-job")
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        event["requestContext"]["http"]["method"] = method
        event["requestContext"]["authorizer"]["jwt"]["claims"]["cognito:groups"] = groups
        event["queryStringParameters"] = query
        event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = sub
        event["headers"] |= headers or {}
        event["body"] = json.dumps(body)
        answer = invoke(event)
        assert answer["statusCode"] == status, (method, path, answer)
        return json.loads(answer["body"] or "null")

    return ask


# --- Search ---------------------------------------------------------------------------------------


def _spoken(account: Account, words: str) -> Job:
    """A debate whose worker brought its text a moment ago."""
    unit = account.put(TRANSCRIPT)
    job = _complete(unit, datetime.now(UTC)).model_copy(
        update={"job_id": str(uuid.uuid4()), "searchable": 1, "version": 1}
    )
    piece = piece_of(job, passages([Said(0.0, 1.0, "A", words)]), published=True)
    account.store.put(piece.key, dump(piece), "application/octet-stream")
    return account.keep(job)


def _index(account: Account, invoke: Callable[[Any], Any]) -> None:
    """Shards come, become one, and go."""
    with mock.patch.object(search_merger, "GRACE", timedelta(0)):
        for _ in range(search_merger.FAN):
            job = _spoken(account, "some words")
            assert invoke(_event("index-schedule"))["steps"] > 0
        account.keep(job.deleted(datetime.now(UTC)))
        mark(account.store, job.job_id)
        assert invoke(_event("index-schedule"))["steps"] > 0
    assert list(account.store.list("search/new/")) == []


def _search(account: Account, invoke: Callable[[Any], Any]) -> None:
    """In a shard, and in what is new."""
    _spoken(account, "good evening")
    with ThreadPoolExecutor(1) as pool:
        shards = OpenShards(account.store, held=1 << 20)
        Merger(account.table, account.store, shards, pool, utc_now).run()
    _spoken(account, "good evening")
    event = _event("search")
    event["headers"] |= {"x-viewer-address": "198.51.100.7", "x-origin-proof": "unset"}
    answer = invoke(event)
    assert answer["statusCode"] == 200, answer
    assert len(json.loads(answer["body"])["hits"]) == 2


# --- Workers --------------------------------------------------------------------------------------

Happening = Callable[[], None] | BaseException | None


class _Engine:
    """The recognizer, the diarizer, and what happens while they work."""

    name = "engine"

    def __init__(self) -> None:
        self.provenance: dict[str, Any] = {}
        self.happening: Happening = None

    def work(self) -> None:
        happening, self.happening = self.happening, None
        if isinstance(happening, BaseException):
            raise happening
        if happening is not None:
            happening()

    def load(self) -> None:
        """It always is."""

    def hear(self, sound: Sound, **_: Any) -> list[Block]:
        self.work()
        stretch = Stretch([SpokenWord(0.1, 0.5, " Buenas", 0.9)], 0.4, -0.3, 0.1)
        return [Block(0.0, sound.duration, [stretch], [], "es", 0.97)]

    def listen(self, sound: Sound, **_: Any) -> Evidence:
        return {}

    def tell_apart(self, heard: Any, **_: Any) -> list[Turn]:
        return [Turn(start=0, end=1, speaker="SPEAKER_00")]

    def measure(self, *arguments: Any, **options: Any) -> Statistics:
        self.work()
        return measure(*arguments, **options)


_engine = _Engine()


def _work_recordings(_: Any) -> int:
    with (
        mock.patch.object(transcribe_job, "WhisperRecognizer", return_value=_engine),
        mock.patch.object(transcribe_job, "create_diarizer", return_value=_engine),
    ):
        return transcribe_job.main()


def _work_transcripts(_: Any) -> int:
    with mock.patch.object(stats_job, "measure", _engine.measure):
        return stats_job.main()


class _Downloader:
    """A Downloader whose sites have what their path says."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def count(self, url: str, most: int) -> int:
        return most

    def fetch(self, url: str, folder: Path, **_: Any) -> downloader.Recording:
        _engine.work()
        if "nothing" in url:
            raise DownloadFailed("There is no recording at this address.")
        (folder / "1.wav").write_bytes(silent_wav())
        (folder / "1.vtt").write_text("WEBVTT")
        subtitles = downloader.Subtitles(folder / "1.vtt", "en", ".vtt")
        return downloader.Recording(folder / "1.wav", ".wav", "town hall", "1", (subtitles,))


def _fetch(_: Any) -> int:
    with mock.patch.object(download_job, "Downloader", _Downloader):
        return download_job.main()


_JOBS: dict[str, Callable[[Any], Any]] = {
    "TranscribeJobDefinition": _work_recordings,
    "StatsJobDefinition": _work_transcripts,
    "DownloadJobDefinition": _fetch,
}


def _renewed(account: Account) -> None:
    """Until a heartbeat comes."""
    first, deadline = account.table.get(JOB_ID), time.monotonic() + 20
    while account.table.get(JOB_ID) == first:
        assert time.monotonic() < deadline, "no heartbeat in 20 s"
        time.sleep(0.05)


def _work(queue: str, variable: str, key: str, good: bytes, bad: bytes) -> Drive:
    """A unit that is done, one that is done already, every way in which one may fail, and a file
    that the worker is sent to."""

    def drive(account: Account, work: Callable[[Any], Any]) -> None:
        happenings: list[tuple[bytes, Happening, Status]] = [
            (good, lambda: _renewed(account), _stage(key).done),
            (good, RuntimeError("out of memory"), _stage(key).queued),
            (good, RuntimeError("out of memory, for the last time"), Status.FAILED),
            (good, NotFound("It is gone."), Status.FAILED),
            (good, Stopped(), _stage(key).queued),
            (bad, None, Status.FAILED),
        ]
        for data, happening, status in happenings:
            unit, now = account.put(key, data), datetime.now(UTC)
            is_last = "for the last time" in str(happening)
            queued = _new(now).queued(unit, now)
            account.keep(queued.model_copy(update={"attempt": 9 if is_last else 0}))
            for body in (unit.model_dump_json(), unit.model_dump_json(), "no unit"):
                account.send(queue, body)
            _engine.happening = happening
            assert work(None) == 0
            job = account.table.get(JOB_ID)
            assert job is not None
            assert job.status is status
        account.forget(JOB_ID)
        account.put(key, good)
        sent = {variable: f"s3://{account.store.bucket}/jobs/{JOB_ID}"}
        with mock.patch.dict(os.environ, sent):
            assert work(None) == 0

    return drive


def _count(account: Account, work: Callable[[Any], Any]) -> None:
    """Transcripts of the queue, one that was deleted, those of a manifest, and a manifest that is
    not there."""
    good = json.dumps(_TRANSCRIPT).encode()
    _work("StatsWorkQueue", "TRANSCRIPTS_S3_PREFIX", TRANSCRIPT, good, b"[]")(account, work)
    unit, now = account.put(TRANSCRIPT, good), datetime.now(UTC)
    account.keep(_new(now).queued(unit, now))
    account.remove(TRANSCRIPT)
    account.send("StatsWorkQueue", unit.model_dump_json())
    assert work(None) == 0
    account.put(TRANSCRIPT, good)
    account.store.put("manifests/monday.json", json.dumps([JOB_ID]).encode(), "application/json")
    for name, code in [("monday", 0), ("tuesday", 2)]:
        uri = f"s3://{account.store.bucket}/manifests/{name}.json"
        with mock.patch.dict(os.environ, {"MANIFEST_S3_URI": uri}):
            assert work(None) == code


def _transcribe(account: Account, work: Callable[[Any], Any]) -> None:
    """Recordings that are not long, then one in two parts: cut, heard, and put together, with a
    part that nobody wants and a whole whose part was lost between."""
    _work("TranscribeWorkQueue", "VIDEO_S3_PREFIX", VIDEO, silent_wav(), b"no sound")(account, work)

    def run(unit: Unit) -> Job:
        """The recording, after the unit."""
        account.send("TranscribeWorkQueue", unit.model_dump_json())
        with mock.patch.dict(os.environ, {"LONGEST_WHOLE_MINUTES": "1", "PART_MINUTES": "1"}):
            assert work(None) == 0
        job = account.table.get(JOB_ID)
        assert job is not None
        return job

    now = datetime.now(UTC)
    unit = account.put(VIDEO, silent_wav(seconds=130))
    account.keep(_new(now).queued(unit, now))
    whole = run(unit)
    assert (whole.status, whole.parts) == (Status.SPLIT, 2)
    assert run(unit).status is Status.SPLIT  # told of it again, and nobody has heard the parts
    for number, wanted in [(0, True), (0, False), (1, True)]:
        part = Part(JOB_ID, whole.round, number)
        key = part_key(JOB_ID, whole.round, number)
        found = account.store.head(key)
        assert found is not None
        piece = Unit(job_id=part.job_id, stage_name="transcribe", key=key, etag=found.etag)
        account.keep(part_job(part, whole, now).queued(piece, now))
        if not wanted:
            account.keep(whole.queued(unit, now))
        done = run(piece)
        if not wanted:
            account.keep(whole)
    assert done.status is Status.TRANSCRIBED


def _download(account: Account, fetch: Callable[[Any], Any]) -> None:
    """A recording with subtitles, and again; two of a playlist; with cookies and without; what is
    not there; then from within the bucket. Between, a job that is called for nothing."""
    cookies = b".example.org\tTRUE\t/\tTRUE\t0\tSID\t1\n"
    account.store.put("private/cookies.txt", cookies, "text/plain")
    manifest = _recorded(account)
    account.put("incoming/town hall.mp4")
    account.put("incoming/town hall.json")
    private = f"s3://{account.store.bucket}/private"
    runs: list[tuple[dict[str, str], int, Status]] = [
        ({}, 1, Status.UPLOADING),
        ({}, 0, Status.UPLOADING),
        ({"MAX_PLAYLIST_ENTRIES": "2"}, 0, Status.UPLOADING),
        ({"YT_COOKIES_S3_URI": f"{private}/cookies.txt"}, 0, Status.UPLOADING),
        ({"YT_COOKIES_S3_URI": f"{private}/none.txt"}, 1, Status.FAILED),
        ({"VIDEO_URL": "https://example.org/nothing"}, 1, Status.FAILED),
        ({"MAX_DOWNLOAD_BYTES": "1e"}, 1, Status.FAILED),
        ({"RECORDING_MANIFEST": manifest}, 0, Status.UPLOADING),
        ({"RECORDING_MANIFEST": manifest + ".none"}, 1, Status.FAILED),
        ({"SOURCE_KEY": "incoming/town hall.mp4"}, 0, Status.UPLOADING),
        ({"SOURCE_KEY": "incoming/town hall.json"}, 0, Status.UPLOADING),
        ({"SOURCE_KEY": "incoming/none.mp4"}, 1, Status.FAILED),
    ]
    happenings: list[Happening] = [RuntimeError("out of memory"), lambda: _renewed(account)]
    for more, code, status in runs:
        account.forget(JOB_ID)
        _engine.happening = happenings.pop(0) if happenings else None
        given = {"VIDEO_URL": "https://example.org/", "AWS_BATCH_JOB_ID": JOB_ID} | more
        with mock.patch.dict(os.environ, given):
            assert fetch(None) == code
            row = account.table.get(JOB_ID)
            assert row is not None
            assert row.status is status
            if row.retry_at is None:
                assert fetch(None) == 0  # called for nothing: the row is held, or at its end


def _recorded(account: Account) -> str:
    """A recording of one chunk; the key of its manifest."""
    folder = session_prefix("town hall", JOB_ID)
    sound = silent_wav()
    etag = account.store.put(f"{folder}chunks/town hall.webm", sound, "audio/wav")
    chunk = Chunk(
        seq=0,
        key=f"{folder}chunks/town hall.webm",
        t_start=0,
        t_end=2000,
        bytes=len(sound),
        content_type="audio/wav",
        status=ChunkStatus.COMPLETE,
        etag=etag,
    )
    now = datetime.now(UTC)
    recording = Manifest(
        session_id=JOB_ID,
        user_id="town hall",
        content_type="audio/wav",
        title="Council",
        published=True,
        created_at=now,
        updated_at=now,
        chunks=(chunk,),
    )
    account.store.put(manifest_key("town hall", JOB_ID), document(recording), "application/json")
    return manifest_key("town hall", JOB_ID)


_SPOKEN = {"start": 0.0, "end": 5.0, "text": "good evening", "speaker": "A", "confidence": 0.9}
_TRANSCRIPT = {"duration": 12.0, "speakers_count": 1, "transcription": [_SPOKEN]}

DRIVES: dict[str, Drive] = {
    "SubmitTranscribeFunction": _submit_recordings,
    "SubmitStatsFunction": _submit_transcripts,
    "TrackFunction": _track,
    "SweepFunction": _sweep,
    "PublishFunction": _publish,
    "NotifyFunction": _notify,
    "DeliverFunction": _deliver,
    "ApiFunction": _api,
    "MailFunction": _mail,
    "IndexFunction": _index,
    "SearchFunction": _search,
    "TranscribeJobDefinition": _transcribe,
    "StatsJobDefinition": _count,
    "DownloadJobDefinition": _download,
}
