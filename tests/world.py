"""A small AWS for unit tests: moto's table, bucket and queues, the table as the template has it."""

from __future__ import annotations

import functools
import io
import os
import wave
from collections.abc import Callable, Iterable, Mapping
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
from debate_analyzer.erasure import Erasure
from debate_analyzer.importing import Imports
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
BUCKET, TABLE, LEDGER = "debates", "jobs", "ledger"
MOVING_PICTURES = b"\0\0\0\x0fftypmp42..."  # what begins as a recording does
RETRIES = tuple(timedelta(minutes=minutes) for minutes in (5, 25, 125))


@functools.cache
def template() -> Any:
    return load_template(str(ROOT / "template.yaml"))


@functools.cache
def _client(service: str, endpoint: str | None) -> Any:
    """moto answers whatever client there is, one from an earlier test's world as well."""
    return boto3.client(service, region_name="us-east-1", endpoint_url=endpoint)


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
    ended: set[str] = field(default_factory=set)

    def count(self, stage: Stage) -> WorkerCount:
        return WorkerCount(self.coming, self.running, self.failed_lately)

    def start(self, stage: Stage) -> str:
        self.started.append(stage.name)
        return f"batch-{len(self.started)}"

    def over(self, workers: Iterable[str]) -> set[str]:
        return self.ended & set(workers)


@dataclass
class Importers:
    """ports.ImportPool that remembers what was started; `ended` is set by the test."""

    started: list[dict[str, str]] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)

    def start(self, job_id: str, environment: Mapping[str, str]) -> str:
        self.started.append({"JOB_ID": job_id, **environment})
        return f"import-{len(self.started)}"

    def is_alive(self, batch_id: str) -> bool:
        return batch_id not in self.ended

    def waiting_long(self) -> int:
        return 0


@dataclass
class RememberingCdn:
    """ports.Cdn that remembers what it was to forget."""

    forgotten: list[str] = field(default_factory=list)

    def forget(self, key: str) -> None:
        self.forgotten.append(key)


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
    importers: Importers = field(default_factory=Importers)
    cdn: RememberingCdn = field(default_factory=RememberingCdn)
    pauses: list[float] = field(default_factory=list)
    """What was waited between tries: nobody waits here."""

    def __post_init__(self) -> None:
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        self.s3, self.sqs, dynamodb = (
            _client(name, endpoint) for name in ("s3", "sqs", "dynamodb")
        )
        self.s3.create_bucket(Bucket=BUCKET)
        for resource, name in (("JobTable", TABLE), ("LedgerTable", LEDGER)):
            properties = template()["Resources"][resource]["Properties"]
            wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
            dynamodb.create_table(
                TableName=name, **{key: properties[key] for key in wanted if key in properties}
            )
        self.table = aws.DynamoJobTable(dynamodb, TABLE)
        self.ledger = aws.DynamoLedger(dynamodb, LEDGER, self.clock)
        self.store = aws.S3ObjectStore(self.s3, BUCKET)
        self.queues = {
            name: aws.SqsWorkQueue(self.sqs, self._queue(name), self._queue(f"{name}-dead"))
            for name in STAGES
        }
        self.publish_queue = aws.SqsPublishQueue(self.sqs, self._queue("publish"))
        self.dispatcher = Dispatcher(
            self.queues, self.pool, dict.fromkeys(STAGES, 1), self.ledger, self.clock
        )
        self.arrivals = Arrivals(self.table, self.store, self.dispatcher, publish_by_default=True)
        self.erasure = Erasure(self.table, self.store, self.ledger, self.publish_queue, self.clock)
        self.import_letters = aws.SqsLetterQueue(self.sqs, self._queue("downloads-dead"))
        self.imports = Imports(self.table, self.importers, self.import_letters, RETRIES)
        self.sweeper = Sweeper(
            self.table,
            self.store,
            self.dispatcher,
            self.arrivals,
            self.imports,
            self.publish_queue,
            self.erasure,
            retries=3,
        )
        self.publication = Publication(
            self.table, self.store, self.publish_queue, self.cdn, self.clock, self.pauses.append
        )
        self.catalogue = Catalogue(self.table, self.store)

    def _queue(self, name: str) -> str:
        url: str = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        return url

    def drop(
        self, key: str, data: bytes = MOVING_PICTURES, content_type: str = "video/mp4"
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
            retry_ladder=RETRIES,
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
