"""The whole chain in virtual time: what the product is made of, on services that are modelled.

Real: the handlers of functions/, everything they call in debate_analyzer, `bootstrap.run_worker`
and the `Worker` with its threads, and the adapters of `aws` for SQS, Batch and SES. Modelled: the
services and how long they take. Made up: the work itself (`Engine`) and what it leaves in the
bucket. Left out: uploads in parts, imports, edits, search.
"""

from __future__ import annotations

import json
import os
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import UUID

from botocore.exceptions import ClientError

from debate_analyzer import bootstrap, courier, hold, job, publication, worker
from debate_analyzer.config import Settings
from debate_analyzer.errors import NoSpeech, Unreachable
from debate_analyzer.job import Figures, Job, Media, announced
from debate_analyzer.key import parse_key, private_statistics_key, statistics_key, transcript_key
from debate_analyzer.pipeline import STAGES, STATS, TRANSCRIBE, Stage, Status
from debate_analyzer.unit import Unit
from debate_analyzer.webhook import WebhookRequest, Webhooks
from debate_analyzer.worker import Report, Result, Stopped
from tests.faults.simulation.batch import Batch, BatchJob
from tests.faults.simulation.functions import EventSource, Stream, invoke, load
from tests.faults.simulation.loop import BEGAN, Event, Executor, Loop, Process, Thread
from tests.faults.simulation.services import (
    Ledger,
    Outages,
    Remote,
    Store,
    Table,
    notification,
    notified,
    object_seconds,
    row_seconds,
)
from tests.faults.simulation.sqs import Queue, Sqs

_VIDEO = b"\0\0\0\x18ftypmp42\0\0\0\0"
_ARRIVES = 1.0  # an S3 event, on average; assumed
_RECEIVER, _SES = 0.2, 0.1  # seconds until a webhook's receiver answers, and SES; assumed
_PAGE = 100  # of the published index, which benchmarks.index measures: written in no time here


@dataclass(frozen=True)
class Load:
    """What is asked of the chain. Shares are of attempts (transient) and of files (permanent).

    `seconds` is what a stage's engine takes for a file, on average (exponentially distributed
    beyond a third of it); about 10 minutes of speech on an L4, and a tenth of a second to count.
    `arrivals`: batches of uploads that are admitted at a time. `told`: whether anybody hears of
    the ends.
    """

    workers: Mapping[str, int]
    seconds: Mapping[str, float] = field(
        default_factory=lambda: {TRANSCRIBE.name: 8.0, STATS.name: 0.1}
    )
    transient: float = 0.0
    permanent: float = 0.0
    interruptions: float = 0.0
    duplicates: float = 0.001
    arrivals: int = 10
    told: bool = True
    s3_outages: tuple[tuple[float, float], ...] = ()
    receiver_outages: tuple[tuple[float, float], ...] = ()
    ses_outages: tuple[tuple[float, float], ...] = ()
    seed: int = 7


@dataclass
class Engine:
    """worker.Process: takes as long as an engine does, fails as often, and leaves as much."""

    chain: Chain
    stage: Stage
    store: Any
    publish_queue: Any

    def prepare(
        self, job: Job, unit: Unit, report: Report, resources: ExitStack
    ) -> Callable[[Report], Result]:
        if self.store.get(unit.key) is None:
            raise NoSpeech("The recording was deleted.")
        return partial(self._work, job, unit)

    def _work(self, job: Job, unit: Unit, report: Report) -> Result:
        load, random, loop = self.chain.load, self.chain.random, self.chain.loop
        mean = load.seconds[self.stage.name]
        seconds = mean / 3 + random.expovariate(1.5 / mean)
        loop.sleep(seconds / 2)
        report(0.5)
        if random.random() < load.transient / len(STAGES):
            raise ConnectionResetError("The connection was reset.")
        if self.stage is TRANSCRIBE and UUID(job.job_id).int % 100_000 < 100_000 * load.permanent:
            raise NoSpeech("Nobody speaks in this recording.")
        loop.sleep(seconds / 2)
        report(1.0)
        return self._heard(job, unit) if self.stage is TRANSCRIBE else self._counted(job)

    def _heard(self, job: Job, unit: Unit) -> Result:
        key = parse_key(unit.key)
        assert key
        self.chain.heard.append(self.chain.loop.now)
        return Result(
            settle=lambda job: job.transcribed(
                self.chain.loop.utc(),
                duration=600.0,
                language="en",
                speakers_count=3,
                warnings=[],
            ),
            afterwards=lambda: self._put(transcript_key(job.job_id, key.stem)),
        )

    def _counted(self, job: Job) -> Result:
        def write() -> None:
            self._put(private_statistics_key(job.job_id))
            self._put(statistics_key(job.job_id))

        figures = Figures(duration=600.0, speaking_time=540.0, words=1500, speakers=3)
        return Result(
            beforehand=write,
            settle=lambda job: job.completed(figures, self.chain.loop.utc()),
            afterwards=lambda: self.publish_queue.send(job),
        )

    def _put(self, key: str) -> None:
        self.store.put(key, b'{"speakers": []}', "application/json")


@dataclass
class Told:
    """The receivers of webhooks, and SES: who was told what."""

    loop: Loop
    receivers_down: Outages
    ses_down: Outages
    ends: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The ids of messages about a job."""
    mails: Counter[str] = field(default_factory=Counter)
    """By job: each has an address of its own here."""
    counts: Counter[str] = field(default_factory=Counter)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.loop.sleep(_RECEIVER)
        if self.loop.now in self.receivers_down:
            raise Unreachable("The receiver does not answer.")
        job = json.loads(body)["data"]["job"]
        self.ends[job["job_id"]].add(headers["webhook-id"])
        self.counts["posts"] += 1
        return 200

    def send_email(self, **request: Any) -> dict[str, str]:
        """SES, which throttles at fourteen a second, and not here, where it takes longer."""
        self.loop.sleep(_SES)
        if self.loop.now in self.ses_down:
            told = {"Code": "ServiceUnavailable", "Message": "SES is down."}
            raise ClientError({"Error": told}, "SendEmail")
        (address,) = request["Destination"]["ToAddresses"]
        self.mails[address.partition("@")[0]] += 1
        return {"MessageId": f"mail-{self.mails.total()}"}


@dataclass
class Chain:
    """To be made and used inside `running`."""

    load: Load
    loop: Loop = field(default_factory=Loop)
    depths: list[tuple[float, int, int, int]] = field(default_factory=list)
    """Each minute: seconds, events that wait, recordings that wait for a worker, workers."""
    longest_gap: float = 0.0
    """For how long a unit waited and no worker was on its way, at most, in seconds."""
    uploaded: int = 0
    ended: dict[str, float] = field(default_factory=dict)
    """When a job came to an end."""
    heard: list[float] = field(default_factory=list)
    """When recordings were transcribed, every time one was."""

    def __post_init__(self) -> None:
        load, loop = self.load, self.loop
        self.random = Random(load.seed)
        self.s3_down = Outages(list(load.s3_outages))
        self.told = Told(
            loop, Outages(list(load.receiver_outages)), Outages(list(load.ses_outages))
        )
        self.table = Table(now=loop.utc, on_end=self._ended)
        self.ledger = Ledger(loop.utc)
        self.store = Store(loop.utc, self._created)
        self.queues: dict[str, Queue] = _Queues(loop, load.duplicates)
        self.batch = Batch(
            loop,
            {stage.name: partial(self._run_worker, stage) for stage in STAGES.values()},
            Stopped,
            self._stopped,
            interruptions=load.interruptions,
        )
        self._clients = {
            "sqs": Sqs(loop, self.queues),
            "batch": self.batch,
            "sesv2": self.told,
            "secretsmanager": SimpleNamespace(
                get_secret_value=lambda **_: {"SecretString": "a master secret"}
            ),
        }
        self.environment = _environment(load)

    @contextmanager
    def running(self) -> Iterator[Chain]:
        """With the product's threads, clocks and services replaced by these."""
        loop = self.loop
        threads = SimpleNamespace(
            Event=partial(Event, loop), Thread=partial(Thread, loop), Lock=hold.threading.Lock
        )
        clock = SimpleNamespace(monotonic=lambda: loop.now, sleep=loop.sleep, time=lambda: loop.now)
        executor = partial(Executor, loop)
        table = Remote(loop, self.table, row_seconds)
        store = Remote(loop, self.store, object_seconds, self.s3_down)
        ledger = Remote(loop, self.ledger, row_seconds)
        replaced: list[tuple[Any, dict[str, Any]]] = [
            (worker, {"threading": threads, "time": clock, "ThreadPoolExecutor": executor}),
            (hold, {"threading": threads, "time": clock, "_LOOK": 5.0}),
            (job, {"PAGE_JOBS": _PAGE}),
            (publication, {"ThreadPoolExecutor": executor, "CHAPTER_PAGES": _PAGE, "NEWEST": 20}),
            (courier, {"post": self.told.post, "time": clock}),
            (
                bootstrap,
                {
                    "_client": lambda service, endpoint=None: self._clients[service],
                    "job_table": lambda settings: table,
                    "object_store": lambda settings: store,
                    "ledger": lambda settings: ledger,
                    "utc_now": loop.utc,
                    "signal": SimpleNamespace(signal=lambda *_: None, SIGTERM=15, SIG_IGN=1),
                    "Publication": partial(publication.Publication, pause=loop.sleep),
                },
            ),
        ]
        with ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")  # Powertools: that there are no metrics
            nowhere = stack.enter_context(Path(os.devnull).open("w"))
            stack.enter_context(redirect_stdout(nowhere))  # the functions' metrics
            for module, names in replaced:
                stack.enter_context(patch.multiple(module, **names))
            self._start()
            yield self

    def _start(self) -> None:
        load, loop = self.load, self.loop
        for stage in STAGES.values():
            submit = self._function("submit", STAGE=stage.name)
            queue = self.queues[f"{stage.name}-arrivals"]
            self._source(queue, submit, load.arrivals if stage is TRANSCRIBE else 2)
        self._source(self.queues["publish"], self._function("publish"), 2, batch=100, window=2.0)
        self._source(self.queues["webhooks"], self._function("deliver"), 5, batch=1)
        self._source(self.queues["mail"], self._function("mail"), 2, batch=1)
        self.track = self._function("track")
        self.stream = Stream(loop, self._function("notify").handler)
        self.stream.start()
        sweep = self._function("sweep")
        loop.spawn(lambda: self._each_minute(sweep), Process("sweep"))
        loop.spawn(self._watch, Process("watch"))

    def _function(self, name: str, **environment: str) -> ModuleType:
        module = load(name)
        module.settings = Settings(self.environment | environment)
        module.utc_now = self.loop.utc
        return module

    def _source(
        self, queue: Queue, function: ModuleType, concurrency: int, **how: Any
    ) -> EventSource:
        source = EventSource(self.loop, queue, function.handler, concurrency, **how)
        source.start()
        return source

    def _each_minute(self, sweep: ModuleType) -> None:
        while True:
            self.loop.sleep(60 - self.loop.now % 60)
            self.loop.spawn(lambda: self._sweep(sweep), Process("sweep"))

    def _sweep(self, sweep: ModuleType) -> None:
        try:
            invoke(sweep.handler, {})
        except Exception as error:  # noqa: BLE001 - the next minute is the retry
            self.batch.counts[f"sweep failed: {type(error).__name__}"] += 1

    # --- what the services do to one another -----------------------------------------------------

    def _ended(self, before: Job, after: Job) -> None:
        self.ended[after.job_id] = self.loop.now
        if self.load.told:
            self.stream.put(before, after)

    def _created(self, stored: Any) -> None:
        stage = notified(stored.key)
        if stage is not None:
            after = self.loop.now + self.random.expovariate(1 / _ARRIVES)
            body = notification(stored)
            self.loop.at(after, lambda: self.queues[f"{stage}-arrivals"].send(body))

    def _run_worker(self, stage: Stage, job_id: str, attempt: int) -> int:
        settings = Settings(self.environment)
        engine = Engine(
            self,
            stage,
            bootstrap.object_store(settings),
            bootstrap.publish_queue(settings),
        )
        said = {"AWS_BATCH_JOB_ID": job_id, "AWS_BATCH_JOB_ATTEMPT": str(attempt)}
        return bootstrap.run_worker(stage, engine, self.environment | said)

    def _stopped(self, job: BatchJob) -> None:
        """EventBridge tells of it, one time in a hundred twice."""
        detail = {
            "jobId": job.job_id,
            "jobName": job.name,
            "jobQueue": job.queue,
            "status": job.status,
            "statusReason": job.reason,
        }
        for _ in range(2 if self.random.random() < 0.01 else 1):
            self.loop.sleep(self.random.expovariate(1.0))
            for _ in range(20):  # template.yaml: the rule's RetryPolicy
                try:
                    invoke(self.track.handler, {"detail-type": "x", "detail": detail})
                    break
                except Exception:  # noqa: BLE001 - EventBridge tries again
                    self.loop.sleep(30)

    def _watch(self) -> None:
        gaps: dict[str, float] = {}
        while True:
            for stage in STAGES.values():
                waits = self.queues[f"{stage.name}-work"].waiting > 0
                if waits and not self.batch.alive(stage.name):
                    gap = self.loop.now - gaps.setdefault(stage.name, self.loop.now)
                    self.longest_gap = max(self.longest_gap, gap)
                else:
                    gaps.pop(stage.name, None)
            if self.loop.now % 60 == 0:
                self.depths.append(
                    (
                        self.loop.now,
                        self.queues["transcribe-arrivals"].waiting,
                        self.queues["transcribe-work"].waiting,
                        self.batch.running(TRANSCRIBE.name),
                    )
                )
            self.loop.sleep(5)

    # --- what people do --------------------------------------------------------------------------

    def subscribe(self, *owners: str) -> None:
        request = WebhookRequest(
            url="https://example.org/told", events=["job.completed", "job.failed"]
        )
        for owner in owners:
            Webhooks(self.ledger).subscribe(owner, request, BEGAN)

    def upload(self, owner: str) -> str:
        """A file is announced and put into the bucket, now; the job's id."""
        self.uploaded += 1
        job_id = str(UUID(int=self.random.getrandbits(128), version=4))
        key = f"jobs/{job_id}/videos/debate.mp4"
        media = Media(key=key, bytes=len(_VIDEO), content_type="video/mp4")
        self.table.create(
            announced(
                owner=owner,
                title="Council meeting",
                media=media,
                now=self.loop.utc(),
                job_id=job_id,
                published=True,
                notify=f"{job_id}@example.org" if self.load.told else None,
            )
        )
        self.store.put(key, _VIDEO, "video/mp4")
        return job_id

    def uploads(self, owner: str, count: int, *, start: float, seconds: float) -> None:
        """So many files, evenly over so many seconds. While S3 is down they wait in the browser."""

        def one() -> None:
            if self.loop.now in self.s3_down:
                self.loop.at(self.loop.now + 60 + 60 * self.random.random(), one)
            else:
                self.upload(owner)

        def all_of_them() -> None:
            for _ in range(count):
                one()
                self.loop.sleep(seconds / count)

        self.loop.at(start, lambda: self.loop.spawn(all_of_them, Process("uploads")))

    def run_until_done(self, *, files: int, limit: float, settle: float = 300.0) -> float:
        """Until every file is at an end and has been told of, or the limit; when the last was."""
        done = self.loop.now
        while self.loop.now < limit:
            self.loop.run(until=self.loop.now + 60)
            done = self.loop.now
            if self.uploaded >= files and not self.open():
                break
        self.loop.run(until=self.loop.now + settle)
        return done

    def open(self) -> int:
        """Jobs that are not at an end."""
        return self.uploaded - len(self.ended)

    def statuses(self) -> Counter[Status]:
        return Counter(job.status for job in self.table.rows.values())


class _Queues(dict[str, Queue]):
    """By name, which is the URL; each with the dead letters that template.yaml gives it."""

    def __init__(self, loop: Loop, duplicates: float) -> None:
        super().__init__()
        for stage in STAGES:
            self._add(loop, f"{stage}-arrivals", visibility=180, duplicates=duplicates)
            self._add(loop, f"{stage}-work", visibility=120, duplicates=duplicates)
        self._add(loop, "publish", visibility=722, duplicates=duplicates)
        self._add(loop, "webhooks", visibility=180, most=50, duplicates=duplicates)
        self._add(loop, "mail", visibility=180, most=20, duplicates=duplicates)

    def _add(
        self, loop: Loop, name: str, *, visibility: float, duplicates: float, most: int = 5
    ) -> None:
        dead = self[f"{name}-dead"] = Queue(loop, f"{name}-dead", visibility=30)
        self[name] = Queue(loop, name, visibility, most, dead, duplicates=duplicates)


def _environment(load: Load) -> dict[str, str]:
    environment = {
        "BUCKET": "debates",
        "JOB_TABLE": "jobs",
        "LEDGER_TABLE": "ledger",
        "PUBLISH_QUEUE_URL": "publish",
        "WEBHOOK_QUEUE_URL": "webhooks",
        "WEBHOOK_SECRET_ARN": "secret",
        "MAIL_QUEUE_URL": "mail",
        "MAIL_FROM": "debates@example.org",
        "MAIL_CONFIGURATION_SET": "mail",
        "SITE_URL": "https://example.org",
        "DOWNLOAD_BATCH_QUEUE": "download",
        "DOWNLOAD_JOB_DEFINITION": "download",
    }
    for stage in STAGES:
        name = stage.upper()
        environment[f"{name}_WORK_QUEUE_URL"] = f"{stage}-work"
        environment[f"{name}_WORK_DEAD_LETTERS_URL"] = f"{stage}-work-dead"
        environment[f"{name}_BATCH_QUEUE"] = environment[f"{name}_JOB_DEFINITION"] = stage
        environment[f"{name}_MAX_WORKERS"] = str(load.workers[stage])
    return environment
