"""Lambda: the product's handlers, fed by queues, a stream, a schedule and events."""

from __future__ import annotations

import importlib.util
import itertools
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

from debate_analyzer.aws import row_of
from debate_analyzer.job import Job
from tests.faults.simulation.loop import Event, Loop, Process
from tests.faults.simulation.sqs import Message, Queue, receipt
from tests.world import ROOT

_CONTEXT = SimpleNamespace(
    function_name="simulated",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:simulated",
    aws_request_id="00000000-0000-0000-0000-000000000000",
)
_NUMBERS = itertools.count()

Handler = Callable[[dict[str, Any], Any], Any]


def load(name: str) -> ModuleType:
    """functions/<name>/handler.py, anew."""
    path = ROOT / "functions" / name / "handler.py"
    spec = importlib.util.spec_from_file_location(f"simulated_{name}_{next(_NUMBERS)}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.logger.setLevel(logging.CRITICAL)
    return module


def invoke(handler: Handler, event: dict[str, Any]) -> Any:
    return handler(event, _CONTEXT)


@dataclass
class EventSource:
    """A queue's event source mapping: batches to as many functions as may run at once, partial
    answers. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html

    `overhead` is what an invocation costs besides what its handler waits for; assumed.
    """

    loop: Loop
    queue: Queue
    handler: Handler
    concurrency: int
    batch: int = 10
    window: float = 0.0
    timeout: float = 30.0
    overhead: float = 0.010
    counts: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        for number in range(self.concurrency):
            self.loop.spawn(self._poll, Process(f"{self.queue.name}-{number}"))

    def _poll(self) -> None:
        while True:
            messages = self.queue.receive(wait=1e9, most=self.batch)
            if self.window and len(messages) < self.batch:
                self.loop.sleep(self.window)
                messages += self.queue.receive(wait=0, most=self.batch - len(messages))
            began = self.loop.now
            self.loop.sleep(self.overhead)
            event = {"Records": [_record(message) for message in messages]}
            try:
                answer = invoke(self.handler, event)
            except Exception:  # noqa: BLE001 - the function failed: the whole batch comes again
                self.counts["failed"] += 1
                continue
            self.counts["invoked"] += 1
            if self.loop.now - began > self.timeout:
                self.counts["timed out"] += 1
                continue
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
            self.counts["failed messages"] += len(failed)
            for message in messages:
                if f"message-{message.number}" not in failed:
                    self.queue.delete(receipt(message))


def _record(message: Message) -> dict[str, Any]:
    return {
        "messageId": f"message-{message.number}",
        "receiptHandle": receipt(message),
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(int(message.sent * 1000)),
            "ApproximateFirstReceiveTimestamp": str(int(message.first_received * 1000)),
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:simulated",
        "awsRegion": "us-east-1",
    }


@dataclass
class Stream:
    """The job table's stream, which passes on what came to an end. A batch that failed comes
    again, with all that is in it; so does one in a hundred that did not."""

    loop: Loop
    handler: Handler
    batch: int = 100
    counts: Counter[str] = field(default_factory=Counter)
    _records: list[tuple[Job, Job]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._news = Event(self.loop)

    def put(self, before: Job, after: Job) -> None:
        self._records.append((before, after))
        self._news.set()

    def start(self) -> None:
        self.loop.spawn(self._poll, Process("stream"))

    def _poll(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            self.loop.sleep(0.25)
            while self._records:
                some = self._records[: self.batch]
                event = {"Records": [_change(before, after) for before, after in some]}
                repeats = 2 if self.counts["invoked"] % 100 == 99 else 1
                try:
                    for _ in range(repeats):
                        invoke(self.handler, event)
                except Exception:  # noqa: BLE001 - the function failed: the stream waits for it
                    self.counts["failed"] += 1
                    self.loop.sleep(1)
                    continue
                self.counts["invoked"] += 1
                del self._records[: len(some)]


def _change(before: Job, after: Job) -> dict[str, Any]:
    return {
        "eventID": f"{after.job_id}-{after.version}",
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {"job_id": {"S": after.job_id}},
            "OldImage": row_of(before),
            "NewImage": row_of(after),
            "SequenceNumber": str(after.version),
            "ApproximateCreationDateTime": after.updated_at.timestamp(),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }
