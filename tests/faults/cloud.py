"""A deployment in one process: the real functions and workers, between queues that repeat, delay
and reorder, on `machine` and `memory`.

What triggers what is as template.yaml has it, and so are the counts of tries and the times for
which messages are hidden. Every message may come twice and late.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from pathlib import PurePosixPath
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

from batch_images.download import job as download_job
from batch_images.download import joiner
from batch_images.stats import job as stats_job
from debate_analyzer import aws, bootstrap, courier
from debate_analyzer.aws import row_of
from debate_analyzer.job import Job
from debate_analyzer.pipeline import ENDS, MEDIA_SUFFIXES, STAGES, STATS, TRANSCRIBE, Stage
from debate_analyzer.ports import StoredObject
from debate_analyzer.search.piece import NEW_PREFIX
from debate_analyzer.worker import Process as Work
from tests.faults import memory
from tests.faults.machine import NOON, AtOnce, Machine, Process, Wired, taking_turns
from tests.world import BUCKET, LEDGER, ROOT, TABLE

OWNER, HOOK = "ana", "https://receiver.example/"
ENVIRONMENT = {
    "BUCKET": BUCKET,
    "JOB_TABLE": TABLE,
    "LEDGER_TABLE": LEDGER,
    "TRANSCRIBE_WORK_QUEUE_URL": "transcribe-work",
    "TRANSCRIBE_BATCH_QUEUE": "transcribe",
    "TRANSCRIBE_JOB_DEFINITION": "transcribe",
    "TRANSCRIBE_MAX_WORKERS": "2",
    "STATS_WORK_QUEUE_URL": "stats-work",
    "STATS_BATCH_QUEUE": "stats",
    "STATS_JOB_DEFINITION": "stats",
    "STATS_MAX_WORKERS": "2",
    "DOWNLOAD_BATCH_QUEUE": "download",
    "DOWNLOAD_JOB_DEFINITION": "download",
    "DOWNLOAD_DEAD_LETTERS_URL": "downloads",
    "PUBLISH_QUEUE_URL": "publish",
    "WEBHOOK_QUEUE_URL": "webhooks",
    "WEBHOOK_SECRET_ARN": "webhooks",
    "WHISPER_MODELS": "base",
    "MAIL_QUEUE_URL": "mail",
    "MAIL_FROM": "debates@example.org",
    "MAIL_CONFIGURATION_SET": "mails",
    "SITE_URL": "https://site.example",
    "EVENT_BUS": "default",
}
# How long a message is hidden, how many a batch has, how often it may be received.
_FED = {
    "transcribe-arrivals": (180, 10, 5),
    "stats-arrivals": (180, 10, 5),
    "publish": (722, 100, 5),
    "webhooks": (180, 1, 50),
    "mail": (180, 1, 20),
}
_QUEUES = {**{name: most for name, (_, _, most) in _FED.items()}} | {
    "transcribe-work": 5,
    "stats-work": 5,
    "downloads": 5,
}
_MINUTE = timedelta(minutes=1)
_LATE = (0.0, 0.0, 0.0, 1.0, 30.0, 200.0, 1500.0, 9000.0)  # seconds
_TRIED_ASYNC, _TRIED_STREAM, _HOST_LOST, _ASKED = 3, 100, 3, 10


@cache
def handler(name: str, stage: str = "") -> ModuleType:
    """`functions/<name>/handler.py`, once for each stage that it is deployed for."""
    path = ROOT / "functions" / name / "handler.py"
    module_name = f"faults_{name}_{stage}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    service = {
        "POWERTOOLS_SERVICE_NAME": "faults",
        "POWERTOOLS_LOG_LEVEL": os.environ.get("FAULTS_LOG", "CRITICAL"),
    }
    with patch.dict(os.environ, {**ENVIRONMENT, **service}):
        spec.loader.exec_module(module)
        module.settings = bootstrap.Settings({**ENVIRONMENT, "STAGE": stage})  # type: ignore[attr-defined]
    return module


FUNCTIONS = {
    "submit-transcribe": ("submit", "transcribe"),
    "submit-stats": ("submit", "stats"),
    **{name: (name, "") for name in ("track", "sweep", "publish", "notify", "deliver", "mail")},
    "index": ("index", ""),
    "api": ("api", ""),
}
_CONSUMER = {
    "transcribe-arrivals": "submit-transcribe",
    "stats-arrivals": "submit-stats",
    "publish": "publish",
    "webhooks": "deliver",
    "mail": "mail",
}


@dataclass
class Later:
    """An event that EventBridge has Lambda take, `tries` times at most."""

    at: datetime
    function: str
    event: dict[str, Any]
    tries: int = _TRIED_ASYNC
    answered: Callable[[dict[str, Any]], None] = lambda answer: None


@dataclass
class Cloud:
    """`works` are what the workers of the stages do. `repeats`: how likely a message comes twice,
    `delays`: that it is late."""

    machine: Machine
    works: Mapping[str, Callable[[Cloud], Work]]
    repeats: float = 0.0
    delays: float = 0.0
    searches: bool = True
    posts: list[str] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    """What the bus was told, and of what."""
    later: list[Later] = field(default_factory=list)
    plans: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)
    """What people do, and when."""
    handled: set[memory.Message] = field(default_factory=set)
    """What a function has settled, though SQS may have forgotten it until it lay among the dead."""
    swept_at: datetime | None = None
    told: int = 0
    untold: int = 0

    def __post_init__(self) -> None:
        now = lambda: self.machine.time  # noqa: E731 - AWS's own clock
        self.table = memory.Table()
        self.ledger = memory.Ledger(now)
        self.store = memory.Store(now, on_created=self._created)
        self.queues = {name: memory.Queue(now, most) for name, most in _QUEUES.items()}
        self.batch = memory.Batch(now)
        self.notifying: Process | None = None
        hook = {"url": HOOK, "events": ["job.completed", "job.failed"], "created_at": str(NOON)}
        self.ledger.put(f"webhooks#{OWNER}", "hook", hook)

    # --- what AWS does by itself ---------------------------------------------------------------

    def _created(self, stored: StoredObject) -> None:
        suffix = PurePosixPath(stored.key).suffix
        if not stored.key.startswith("jobs/"):
            return
        if suffix.lower() in MEDIA_SUFFIXES:
            self.notify("transcribe-arrivals", stored)
        elif suffix == ".json":
            self.notify("stats-arrivals", stored)

    def notify(self, queue: str, stored: StoredObject) -> None:
        """S3 tells of an object: at least once, in no order, with a sequencer of any length."""
        draw = self.machine.random
        for _ in range(1 + (draw.random() < self.repeats)):
            sequencer = f"{draw.getrandbits(draw.choice((32, 64, 72))):X}"
            record = {
                "eventVersion": "2.6",
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {
                    "bucket": {"name": BUCKET},
                    "object": {"key": stored.key, "eTag": stored.etag, "sequencer": sequencer},
                },
            }
            self.queues[queue].add(json.dumps({"Records": [record]}), delay=self._delay())

    def _delay(self) -> timedelta:
        draw = self.machine.random
        late = draw.choice(_LATE) if draw.random() < self.delays else 0.0
        return timedelta(seconds=late)

    def invoke(
        self, function: str, event: dict[str, Any], ended: Callable[[Process], None]
    ) -> Process:
        module = handler(*FUNCTIONS[function])
        context = SimpleNamespace(
            function_name=function,
            memory_limit_in_mb=256,
            invoked_function_arn=f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
            aws_request_id="request",
        )
        return self.machine.start(function, lambda: module.handler(event, context), ended=ended)

    def _feed(self, name: str) -> None:
        """A batch of a queue's messages to its function; what it does not settle comes back."""
        queue, draw = self.queues[name], self.machine.random
        hidden, most, _ = _FED[name]
        visible = queue.visible()
        chosen = draw.sample(visible, draw.randint(1, min(most, len(visible))))
        taken = [each for each in chosen if queue.take(each, timedelta(seconds=hidden))]
        if not taken:
            return
        records = [
            {
                "messageId": str(each.number),
                "receiptHandle": str(each.receipt),
                "body": each.body,
                "attributes": {
                    "ApproximateReceiveCount": str(each.receives),
                    "SentTimestamp": "1795243200000",
                    "ApproximateFirstReceiveTimestamp": "1795243200001",
                },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{name}",
            }
            for each in taken
        ]
        receipts = {each: each.receipt for each in taken}

        def ended(process: Process) -> None:
            if process.is_killed or process.error is not None:
                return
            failed = {each["itemIdentifier"] for each in process.result["batchItemFailures"]}
            for message, receipt in receipts.items():
                if str(message.number) in failed:
                    continue
                self.handled.add(message)
                if draw.random() >= self.repeats / 4:
                    queue.delete(receipt)  # otherwise SQS forgets that it did, and it comes again

        self.invoke(_CONSUMER[name], {"Records": records}, ended)

    def _tell(self) -> None:
        """The table's stream, a batch at a time, in order; again from the start where it failed."""
        news = self.table.writes[self.told :]
        some = news[: self.machine.random.randint(1, len(news))]
        event = {"Records": [{"dynamodb": _images(before, after)} for before, after in some]}

        def ended(process: Process) -> None:
            self.notifying = None
            failed = process.is_killed or process.error is not None
            self.untold = self.untold + 1 if failed else 0
            if not failed or self.untold > _TRIED_STREAM:
                self.told += len(some)

        self.notifying = self.invoke("notify", event, ended)

    def _send(self, event: Later) -> None:
        def ended(process: Process) -> None:
            failed = process.is_killed or process.error is not None
            if not failed and event.function == "api":  # who asked the API asks again
                failed = process.result["statusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR
                event.answered(process.result)
            if failed and event.tries > 1:
                at = self.machine.time + _MINUTE
                self.later.append(replace(event, at=at, tries=event.tries - 1))

        self.later.remove(event)
        self.invoke(event.function, event.event, ended)

    def _begin(self, job: memory.BatchJob) -> None:
        """Batch has found a machine."""
        job.status = "RUNNING"
        environment = {
            **ENVIRONMENT,
            **job.environment,
            "AWS_BATCH_JOB_ID": job.batch_id,
            "AWS_BATCH_JOB_ATTEMPT": str(job.attempt),
        }

        def ended(process: Process) -> None:
            lost_host = process.is_killed and self.machine.random.random() < 0.5
            if lost_host and job.attempt < _HOST_LOST:
                job.attempt += 1
                job.status = "RUNNABLE"
                return
            failed = process.is_killed or process.error is not None or process.result != 0
            job.status = "FAILED" if failed else "SUCCEEDED"
            job.stopped_at = self.machine.time
            self._changed(job)

        self.machine.start(
            job.stage.name if job.stage else "download",
            lambda: self._job(job.stage, environment),
            ended=ended,
            environment=environment,
            is_worker=True,
        )

    def _job(self, stage: Stage | None, environment: Mapping[str, str]) -> int:
        if stage is None:
            return download_job.main()
        return bootstrap.run_worker(stage, self.works[stage.name](self), environment)

    def _changed(self, job: memory.BatchJob) -> None:
        """EventBridge tells of it: at least once, and not in order with anything."""
        name = f"{job.stage.name}-worker" if job.stage else f"import-{job.environment['JOB_ID']}"
        detail = {
            "jobId": job.batch_id,
            "jobName": name,
            "jobQueue": "arn:aws:batch:us-east-1:000000000000:job-queue/queue",
            "status": job.status,
        }
        event = {"detail-type": "Batch Job State Change", "source": "aws.batch", "detail": detail}
        for _ in range(1 + (self.machine.random.random() < self.repeats)):
            self.later.append(Later(self.machine.time + self._delay(), "track", event))

    def _sweep(self) -> None:
        self.swept_at = self.machine.time
        self.invoke("sweep", {}, lambda process: None)
        if self.searches and next(self.store.list(NEW_PREFIX), None):
            self.invoke("index", {}, lambda process: None)

    # --- time -----------------------------------------------------------------------------------

    def step(self) -> bool:
        """One turn of one of those who could have it, or time passes; False where nothing is left
        to be done."""
        options: list[Callable[[], None]] = [
            lambda process=process: self.machine.run(process)  # type: ignore[misc]
            for process in self.machine.ready()
        ]
        options += [
            lambda name=name: self._feed(name)  # type: ignore[misc]
            for name in _FED
            if self.queues[name].visible()
        ]
        options += [
            lambda job=job: self._begin(job)  # type: ignore[misc]
            for job in self.batch.jobs.values()
            if job.status == "RUNNABLE"
        ]
        options += [
            lambda event=event: self._send(event)  # type: ignore[misc]
            for event in self.later
            if event.at <= self.machine.time
        ]
        options += [
            lambda plan=plan: self._carry_out(plan)  # type: ignore[misc]
            for plan in self.plans
            if plan[0] <= self.machine.time
        ]
        if self.told < len(self.table.writes) and self.notifying is None:
            options.append(self._tell)
        if options:
            self.machine.random.choice(options)()
            return True
        return self._wait()

    def _carry_out(self, plan: tuple[datetime, Callable[[], object]]) -> None:
        self.plans.remove(plan)
        plan[1]()

    def _wait(self) -> bool:
        """To the next moment at which anything happens. A minute in which the sweeper would find
        nothing is passed over."""
        now = self.machine.time
        times = [process.wakes_at for process in self.machine.processes]
        times += [event.at for event in self.later]
        times += [at for at, _ in self.plans]
        times += [each.visible_at for name in _FED for each in self.queues[name].messages]
        if swept := self._next_sweep():
            times.append(swept)
        if not times:
            return False
        moment = min(times)
        self.machine.time = max(now, moment)
        if swept is not None and swept <= self.machine.time:
            self._sweep()
        return True

    def _next_sweep(self) -> datetime | None:
        due = [job.check_at for job in self.table.rows.values() if job.check_at is not None]
        if self.searches and next(self.store.list(NEW_PREFIX), None):
            due.append(self.machine.time.timestamp())
        waiting = any(self.queues[name].messages for name in ("transcribe-work", "stats-work"))
        if waiting:
            due.append(self.machine.time.timestamp())
        if not due:
            return None
        soonest = datetime.fromtimestamp(min(due), self.machine.time.tzinfo)
        earliest = (self.swept_at + _MINUTE) if self.swept_at else self.machine.time
        return max(soonest, earliest)

    def settle(self, *, within: timedelta, steps: int = 200_000) -> None:
        """Until nothing is owed to anybody. Raises AssertionError where that takes too long."""
        last = self.machine.time + within
        for _ in range(steps):
            if not self.step():
                return
            if self.machine.time > last:
                raise AssertionError(f"After {within} there is still something to do: {self}")
        raise AssertionError(f"After {steps} steps there is still something to do: {self}")

    def go(self, span: timedelta) -> None:
        """What happens meanwhile."""
        until = self.machine.time + span
        while self.machine.time < until and self.step():
            pass
        self.machine.time = max(self.machine.time, until)

    def __str__(self) -> str:
        rows = [
            f"{job.job_id}: {job.status}, check at {job.check_at}, {job.fault}"
            for job in self.table.rows.values()
        ]
        queues = [f"{name}: {len(queue.messages)}" for name, queue in self.queues.items()]
        return "; ".join([*rows, *queues, f"{len(self.machine.processes)} processes"])

    # --- people ---------------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        answered: Callable[[dict[str, Any]], None] = lambda answer: None,
    ) -> None:
        """Somebody uses the API, and again where that answered with a failure of ours. `answered`
        is told every answer."""
        event = {
            "version": "2.0",
            "rawPath": path,
            "headers": {"content-type": "application/json"},
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": "203.0.113.7"},
                "authorizer": {"jwt": {"claims": {"sub": OWNER}}},
            },
            "body": None if body is None else json.dumps(body),
        }
        self.later.append(Later(self.machine.time, "api", event, _ASKED, answered))


def _images(before: Job | None, after: Job | None) -> dict[str, Any]:
    images = {"OldImage": before, "NewImage": after}
    return {name: row_of(job) for name, job in images.items() if job is not None}


@dataclass(frozen=True)
class _Adapters:
    """Stands in for the module `aws`."""

    cloud: Cloud

    def __getattr__(self, name: str) -> Any:
        return getattr(aws, name)

    def _wired(self, name: str, port: Any) -> Wired:
        return Wired(self.cloud.machine, name, port)

    def DynamoJobTable(self, client: Any, name: str) -> Wired:
        return self._wired("table", self.cloud.table)

    def DynamoLedger(self, client: Any, name: str, now: Any) -> Wired:
        return self._wired("ledger", self.cloud.ledger)

    def S3ObjectStore(self, client: Any, bucket: str, signing: Any = None) -> Wired:
        return self._wired("store", self.cloud.store)

    def SqsWorkQueue(self, client: Any, url: str, dead_letters: str = "") -> _Patient:
        pick = self.cloud.machine.random.choice
        return _Patient(self, self._wired(url, memory.WorkQueue(self.cloud.queues[url], pick)))

    def SqsLetterQueue(self, client: Any, url: str) -> Wired:
        return self._wired(url, memory.WorkQueue(self.cloud.queues[url]))

    def SqsPublishQueue(self, client: Any, url: str) -> Wired:
        return self._wired("publish", memory.PublishQueue(self.cloud.queues[url]))

    def SqsDeliveryQueue(self, client: Any, url: str) -> Wired:
        return self._wired("webhooks", memory.DeliveryQueue(self.cloud.queues[url]))

    def SqsMailQueue(self, client: Any, url: str) -> Wired:
        return self._wired("mail", memory.MailQueue(self.cloud.queues[url]))

    def SesMailService(self, client: Any, sender: str, *settings: Any) -> Wired:
        return self._wired("ses", memory.MailService(self.cloud.letters))

    def EventBridgeBus(self, client: Any, name: str) -> Wired:
        return self._wired("bus", _Bus(self.cloud.events))

    def BatchWorkerPool(self, client: Any, resources: Any, now: Any) -> Wired:
        return self._wired("batch", memory.WorkerPool(self.cloud.batch))

    def BatchImportPool(self, client: Any, queue: str, definition: str, now: Any) -> Wired:
        return self._wired("batch", memory.ImportPool(self.cloud.batch))

    def secret_text(self, client: Any, arn: str) -> str:
        return "of the webhooks"


@dataclass(frozen=True)
class _Bus:
    """ports.EventBus."""

    events: list[tuple[str, Mapping[str, Any]]]

    def send(self, kind: str, detail: Mapping[str, Any]) -> None:
        self.events.append((kind, detail))


@dataclass(frozen=True)
class _Patient:
    """A work queue that is waited at."""

    adapters: _Adapters
    queue: Wired

    def __getattr__(self, name: str) -> Any:
        return getattr(self.queue, name)

    def receive(self, *, wait: timedelta, visibility: timedelta) -> Wired | None:
        found = self.queue.receive(wait=wait, visibility=visibility)
        if found is None:
            self.adapters.cloud.machine.sleep(wait.total_seconds())
            return None
        return self.adapters._wired("delivery", found)


class _Environment(Mapping[str, str]):
    """os.environ of whichever process asks."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def _of(self) -> Mapping[str, str]:
        process = self._machine.current
        return process.environment if process else {}

    def __getitem__(self, name: str) -> str:
        return self._of()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._of())

    def __len__(self) -> int:
        return len(self._of())


@contextmanager
def deployed(cloud: Cloud) -> Iterator[Cloud]:
    """While this lasts, whatever the composition root puts together belongs to the cloud."""
    machine = cloud.machine
    signals = SimpleNamespace(signal=lambda *args: None, SIGTERM=15, SIG_IGN=1)

    def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
        def received() -> int:
            cloud.posts.append(headers["webhook-id"])
            return 204

        status: int = machine.call("receiver", "post", received, conditional=False)
        return status

    with ExitStack() as stack:
        stack.enter_context(taking_turns(machine))
        nowhere = stack.enter_context(open(os.devnull, "w"))
        stack.enter_context(redirect_stdout(nowhere))  # the functions' metrics
        for module, name, stand_in in (
            (bootstrap, "aws", _Adapters(cloud)),
            (bootstrap, "utc_now", machine.now),
            (bootstrap, "signal", signals),
            (bootstrap, "ThreadPoolExecutor", AtOnce),
            (courier, "post", post),
            (stats_job, "ThreadPoolExecutor", AtOnce),
            (joiner, "ThreadPoolExecutor", AtOnce),
            (download_job, "utc_now", machine.now),
            (download_job, "signal", signals),
            (download_job, "os", SimpleNamespace(environ=_Environment(machine))),
        ):
            stack.enter_context(patch.object(module, name, stand_in))
        for function in FUNCTIONS.values():
            module = handler(*function)
            if hasattr(module, "utc_now"):
                stack.enter_context(patch.object(module, "utc_now", machine.now))
        yield cloud


__all__ = ["ENDS", "OWNER", "STAGES", "STATS", "TRANSCRIBE", "Cloud", "deployed"]
