"""A small AWS for unit tests: moto's table, bucket and queues, the table as the template has it."""

from __future__ import annotations

import functools
import io
import wave
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from inspect import isfunction
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import numpy.typing as npt
from cfnlint.decode.cfn_yaml import load as load_template

from debate_analyzer import aws
from debate_analyzer.arrival import Arrivals
from debate_analyzer.catalogue import Catalogue
from debate_analyzer.dispatch import Dispatcher
from debate_analyzer.job import Job
from debate_analyzer.pipeline import STAGES, STATS, TRANSCRIBE, Stage
from debate_analyzer.ports import WorkerCount
from debate_analyzer.publication import Publication, PublishRequest
from debate_analyzer.sweeper import Sweeper
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Process, Report, Result, Worker

ROOT = Path(__file__).parent.parent
JOB_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
VIDEO = f"jobs/{JOB_ID}/videos/town hall.mp4"
TRANSCRIPT = f"jobs/{JOB_ID}/transcripts/town hall_transcription.json"
BUCKET, TABLE = "debates", "jobs"


@functools.cache
def template() -> Any:
    return load_template(str(ROOT / "template.yaml"))


@dataclass
class Clock:
    """Time that passes only when told to."""

    time: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **spell: float) -> datetime:
        self.time += timedelta(**spell)
        return self.time


@dataclass
class CountedPool:
    """ports.WorkerPool that remembers what was started; `running` is set by the test."""

    started: list[str] = field(default_factory=list)
    coming: int = 0
    running: int = 0
    failed_lately: int = 0

    def count(self, stage: Stage) -> WorkerCount:
        return WorkerCount(self.coming, self.running, self.failed_lately)

    def start(self, stage: Stage) -> str:
        self.started.append(stage.name)
        return f"batch-{len(self.started)}"


Simple = Callable[[Job, Unit, Report], Result]


@dataclass(frozen=True)
class InOneStep:
    """A Process that has nothing to prepare."""

    do: Simple

    def prepare(
        self, job: Job, unit: Unit, report: Report, resources: ExitStack
    ) -> Callable[[Report], Result]:
        return lambda report: self.do(job, unit, report)


@dataclass
class World:
    """Made inside `moto.mock_aws`."""

    clock: Clock = field(default_factory=Clock)
    pool: CountedPool = field(default_factory=CountedPool)
    pauses: list[float] = field(default_factory=list)
    """What was waited between tries: nobody waits here."""

    def __post_init__(self) -> None:
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.sqs = boto3.client("sqs", region_name="us-east-1")
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        self.s3.create_bucket(Bucket=BUCKET)
        properties = template()["Resources"]["JobTable"]["Properties"]
        dynamodb.create_table(
            TableName=TABLE,
            **{
                name: properties[name]
                for name in (
                    "AttributeDefinitions",
                    "KeySchema",
                    "GlobalSecondaryIndexes",
                    "BillingMode",
                )
            },
        )
        self.table = aws.DynamoJobTable(dynamodb, TABLE)
        self.store = aws.S3ObjectStore(self.s3, BUCKET)
        self.queues = {name: aws.SqsWorkQueue(self.sqs, self._queue(name)) for name in STAGES}
        self.publish_queue = aws.SqsPublishQueue(self.sqs, self._queue("publish"))
        self.dispatcher = Dispatcher(self.queues, self.pool, dict.fromkeys(STAGES, 1))
        self.arrivals = Arrivals(self.table, self.store, self.dispatcher, publish_by_default=True)
        self.sweeper = Sweeper(
            self.table,
            self.store,
            self.dispatcher,
            self.arrivals,
            self.publish_queue,
            retries=3,
        )
        self.publication = Publication(
            self.table, self.store, self.publish_queue, self.clock, self.pauses.append
        )
        self.catalogue = Catalogue(
            self.table,
            self.store,
            max_upload_bytes=5 * 2**30,
            upload_url_lifetime=timedelta(hours=1),
            publish_by_default=True,
        )

    def _queue(self, name: str) -> str:
        url: str = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        return url

    def drop(
        self, key: str, data: bytes = b"moving pictures", content_type: str = "video/mp4"
    ) -> None:
        """Put an object, as the console would, and tell nobody."""
        self.store.put(key, data, content_type)

    def arrive(self, key: str = VIDEO) -> Unit | None:
        return self.arrivals.receive(key, self.clock())

    def waiting(self, stage: Stage = TRANSCRIBE) -> list[Unit]:
        """Take every message off the stage's queue."""
        return [
            Unit.model_validate_json(body) for body in self._bodies(self.queues[stage.name].url)
        ]

    def publish_requests(self) -> list[PublishRequest]:
        bodies = self._bodies(self.publish_queue.url)
        return [PublishRequest.model_validate_json(body) for body in bodies]

    def _bodies(self, url: str) -> list[str]:
        bodies = []
        while messages := self.sqs.receive_message(QueueUrl=url).get("Messages"):
            for message in messages:
                bodies.append(message["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def worker(
        self,
        process: Process | Simple,
        *,
        stage: Stage = TRANSCRIBE,
        name: str = "batch-1",
        attempt: int = 1,
        linger: float = 0.05,
        now: Callable[[], datetime] | None = None,
    ) -> Worker:
        return Worker(
            table=self.table,
            queue=self.queues[stage.name],
            process=InOneStep(process) if isfunction(process) else process,
            now=now or self.clock,
            name=name,
            attempt=attempt,
            lease=timedelta(seconds=60),
            linger=timedelta(seconds=linger),
            retry_ladder=tuple(timedelta(minutes=m) for m in (5, 25, 125)),
        )

    def job(self, job_id: str = JOB_ID) -> Any:
        job = self.table.get(job_id)
        assert job is not None
        return job


__all__ = ["JOB_ID", "STATS", "TRANSCRIBE", "TRANSCRIPT", "VIDEO", "Clock", "InOneStep", "World"]


def silent_wav(seconds: int = 2) -> bytes:
    """A recording in which nobody speaks."""
    return wav(np.zeros(16_000 * seconds, np.int16))


def wav(samples: npt.NDArray[np.int16]) -> bytes:
    """A recording of `samples` (n,) or (n, channels): 16-bit, 16 kHz."""
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())
    return data.getvalue()
