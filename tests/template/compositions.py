"""Every function and worker, run through its own composition on moto, with its calls written down.

Names are those of the resolved template, so that what is recorded can be held against its policies.
moto's Batch wants Docker, and its secrets have ARNs of their own: such calls are answered here,
after botocore has checked them.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
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

from batch_images.download import downloader
from batch_images.download import job as download_job
from batch_images.stats import job as stats_job
from batch_images.stats.analysis import analyse
from batch_images.transcribe import job as transcribe_job
from batch_images.transcribe.block import Block
from batch_images.transcribe.diarization.diarizer import Evidence
from batch_images.transcribe.guard import Stretch
from batch_images.transcribe.sound import Sound
from batch_images.transcribe.spoken import SpokenWord
from debate_analyzer import aws, bootstrap
from debate_analyzer.errors import DownloadFailed
from debate_analyzer.job import PAGE_JOBS, Claim, Fault, Figures, Job, Media, announced
from debate_analyzer.key import (
    INDEX_KEY,
    captions_key,
    edits_key,
    hearing_key,
    index_chapter_key,
    index_page_key,
    part_key,
    parts_prefix,
    private_statistics_key,
    statistics_key,
    transcript_key,
)
from debate_analyzer.part import Part, part_job
from debate_analyzer.pipeline import STATS, TRANSCRIBE, Stage, Status
from debate_analyzer.publication import CHAPTER_PAGES
from debate_analyzer.statistics import Statistics
from debate_analyzer.transcript import Turn
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Stopped
from tests.template.calls import Call
from tests.template.templates import REGION, Resolved, source
from tests.template.trail import Trail, followed
from tests.world import JOB_ID, ROOT, silent_wav

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
                TableName=self.stack.name(name), **{key: properties[key] for key in wanted}
            )
        self.table = aws.DynamoJobTable(self.dynamodb, self.stack.name("JobTable"))
        self.store = aws.S3ObjectStore(self.s3, self.stack.name("Bucket"))

    def put(self, key: str, data: bytes = b"moving pictures") -> Unit:
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
        environment = {"AWS_DEFAULT_REGION": REGION, **_environment(stack, name)}
        with (
            mock.patch.dict(os.environ, environment),
            mock.patch.object(aws, "client", watched),
        ):
            yield account
        bootstrap._client.cache_clear()


def _answered(answer: dict[str, Any]) -> Callable[..., Any]:
    return lambda **_: (AWSResponse("https://batch", 200, {}, None), answer)


_ANSWERED = {
    "batch.ListJobs": _answered({"jobSummaryList": []}),
    "batch.SubmitJob": _answered({"jobId": "1"}),
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


def _arrived(key: str) -> Any:
    """An SQS event with S3's notification of one key (without characters that need escaping)."""
    event = _event("submit-video")
    notification = json.loads(event["Records"][0]["body"])
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
        assert invoke(_arrived(key)) == {"batchItemFailures": []}
        account.remove(key)
        assert invoke(_arrived(key)) == {"batchItemFailures": []}

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


def _sweep(account: Account, invoke: Callable[[Any], Any]) -> None:
    """Each state that a job may be stuck in; the second of two queued jobs finds a message."""
    long_ago = datetime.now(UTC) - timedelta(hours=30)
    recording = account.put(VIDEO)
    transcript = account.put(TRANSCRIPT)
    queued = _new(long_ago).queued(recording, long_ago)
    running = queued.claimed(recording, _claim(long_ago), long_ago)
    told = {"duration": 1.0, "language": "en", "speakers_count": 1, "warnings": []}
    done = running.transcribed(long_ago, **told)
    stuck = [
        queued,
        queued,
        queued.model_copy(update={"retry_at": long_ago.timestamp()}),
        _new(long_ago, media=_media(VIDEO)),
        _new(long_ago, media=_media(VIDEO + ".gone")),
        _new(datetime.now(UTC) - timedelta(hours=1), media=_media(VIDEO + ".gone")),
        running,
        running.model_copy(update={"attempt": 9}),
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
    account.put(VIDEO.replace(JOB_ID, str(uuid.UUID(int=1))))
    assert invoke(_event("sweep-reconcile"))["found"] == 1


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
    for number, place in ((1, PAGE_JOBS), (2, PAGE_JOBS * CHAPTER_PAGES)):
        other = _complete(unit, now).model_copy(update={"job_id": str(uuid.UUID(int=number))})
        account.table.take_places(place)
        account.keep(other.placed(place))
        publish({"job_id": other.job_id}, {})
    for lost in (
        index_page_key(0, 1),
        index_page_key(1, CHAPTER_PAGES),
        index_chapter_key(0),
        index_chapter_key(1),
        INDEX_KEY,
    ):
        account.remove(lost)
        withdraw_and_publish_again()
    assert invoke({"rebuild": True})["pages"] > CHAPTER_PAGES


def _api(account: Account, invoke: Callable[[Any], Any]) -> None:
    recording = account.put(VIDEO)
    account.put(TRANSCRIPT)
    account.put(captions_key(JOB_ID, "town hall", "srt"))
    now = datetime.now(UTC)
    media = _media(VIDEO, recording.etag)
    spoken = json.dumps(_TRANSCRIPT).replace('"A"', '"SPEAKER_00"')
    account.keep(_complete(account.put(TRANSCRIPT, spoken.encode()), now, media))
    as_json = _event("api-get-transcript")
    as_json["queryStringParameters"] = {"format": "json"}
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
    assert invoke(as_json)["statusCode"] == 302


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

    def hear(self, sound: Sound, **_: Any) -> list[Block]:
        self.work()
        stretch = Stretch([SpokenWord(0.1, 0.5, " Buenas", 0.9)], 0.4, -0.3, 0.1)
        return [Block(0.0, sound.duration, [stretch], [], "es", 0.97)]

    def listen(self, sound: Sound, **_: Any) -> Evidence:
        return {}

    def tell_apart(self, heard: Any, **_: Any) -> list[Turn]:
        return [Turn(start=0, end=1, speaker="SPEAKER_00")]

    def analyse(self, *arguments: Any, **options: Any) -> Statistics:
        self.work()
        return analyse(*arguments, **options)


_engine = _Engine()


def _work_recordings(_: Any) -> int:
    with (
        mock.patch.object(transcribe_job, "WhisperRecognizer", return_value=_engine),
        mock.patch.object(transcribe_job, "create_diarizer", return_value=_engine),
    ):
        return transcribe_job.main()


def _work_transcripts(_: Any) -> int:
    with mock.patch.object(stats_job, "analyse", _engine.analyse):
        return stats_job.main()


class _Downloader:
    """A Downloader whose sites have what their path says."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def fetch(self, url: str, folder: Path) -> Iterator[downloader.Recording]:
        if "nothing" in url:
            raise DownloadFailed("There is no recording at this address.")
        (folder / "1.wav").write_bytes(silent_wav())
        (folder / "1.vtt").write_text("WEBVTT")
        subtitles = downloader.Subtitles(folder / "1.vtt", "en", ".vtt")
        yield downloader.Recording(folder / "1.wav", ".wav", "town hall", "1", (subtitles,))


def _fetch(_: Any) -> int:
    with mock.patch.object(download_job, "Downloader", _Downloader):
        return download_job.main()


_JOBS: dict[str, Callable[[Any], Any]] = {
    "TranscribeJobDefinition": _work_recordings,
    "StatsJobDefinition": _work_transcripts,
    "DownloadJobDefinition": _fetch,
}


def _work(queue: str, variable: str, key: str, good: bytes, bad: bytes) -> Drive:
    """A unit that is done, one that is done already, every way in which one may fail, and a file
    that the worker is sent to."""

    def drive(account: Account, work: Callable[[Any], Any]) -> None:
        def until_renewed() -> None:
            first, deadline = account.table.get(JOB_ID), time.monotonic() + 20
            while account.table.get(JOB_ID) == first:
                assert time.monotonic() < deadline, "no heartbeat in 20 s"
                time.sleep(0.05)

        happenings: list[tuple[bytes, Happening, Status]] = [
            (good, until_renewed, _stage(key).done),
            (good, RuntimeError("out of memory"), _stage(key).queued),
            (good, Stopped(), _stage(key).queued),
            (bad, None, Status.FAILED),
        ]
        for data, happening, status in happenings:
            unit, now = account.put(key, data), datetime.now(UTC)
            account.keep(_new(now).queued(unit, now))
            for _ in range(2):
                account.send(queue, unit.model_dump_json())
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
    """A recording with subtitles, and again; then what is not there, awaited and not."""
    cookies = b".example.org\tTRUE\t/\tTRUE\t0\tSID\t1\n"
    account.store.put("private/cookies.txt", cookies, "text/plain")
    private = f"s3://{account.store.bucket}/private"
    runs: list[tuple[dict[str, str], int]] = [
        ({}, 0),
        ({"YT_COOKIES_S3_URI": f"{private}/cookies.txt"}, 0),
        ({"YT_COOKIES_S3_URI": f"{private}/none.txt"}, 1),
        ({"VIDEO_URL": "https://example.org/nothing", "AWS_BATCH_JOB_ID": WORKER}, 1),
    ]
    for more, code in runs:
        given = {"VIDEO_URL": "https://example.org/", "AWS_BATCH_JOB_ID": JOB_ID} | more
        with mock.patch.dict(os.environ, given):
            assert fetch(None) == code
    row = account.table.get(JOB_ID)
    assert row is not None
    assert row.status is Status.FAILED


_SPOKEN = {"start": 0.0, "end": 5.0, "text": "good evening", "speaker": "A", "confidence": 0.9}
_TRANSCRIPT = {"duration": 12.0, "speakers_count": 1, "transcription": [_SPOKEN]}

DRIVES: dict[str, Drive] = {
    "SubmitTranscribeFunction": _submit_recordings,
    "SubmitStatsFunction": _submit_transcripts,
    "TrackFunction": _track,
    "SweepFunction": _sweep,
    "PublishFunction": _publish,
    "ApiFunction": _api,
    "TranscribeJobDefinition": _transcribe,
    "StatsJobDefinition": _count,
    "DownloadJobDefinition": _download,
}
