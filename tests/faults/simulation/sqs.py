"""SQS standard queues: at least once, visibility, redrive, fairness between message groups.

What the product's own adapters (`aws.SqsWorkQueue` and its neighbours) call is `Sqs`, a client.

A queue is fair as AWS describes it: a group is noisy with more than a tenth of the messages in
flight and thirty of them at least, or with more than a tenth of the recent processing time; while
a group is noisy, others go first; it is quiet again when its backlog is gone or it has sent nothing
for five minutes. AWS calls the thresholds approximate and does not say how long "recent" is: five
minutes here.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from greenlet import getcurrent

from tests.faults.simulation.loop import Loop, Task

SECONDS = 0.010
"""A call of SQS; assumed."""

_RECENT = 300.0
_SHARE, _AT_LEAST = 0.1, 30


@dataclass(eq=False)
class Message:
    """`until` is when it can be seen again, while it is in flight."""

    number: int
    body: str
    group: str | None
    sent: float
    receives: int = 0
    first_received: float = 0.0
    received: float = 0.0
    until: float = 0.0


@dataclass
class _Group:
    waiting: deque[Message] = field(default_factory=deque)
    in_flight: int = 0
    sent: float = 0.0
    noisy: bool = False
    worked: deque[tuple[float, float]] = field(default_factory=deque)
    """When a message was done with, and how long it was in flight."""
    work: float = 0.0


@dataclass
class Queue:
    """`duplicates` is the share of messages that are delivered twice."""

    loop: Loop
    name: str
    visibility: float
    max_receives: int | None = None
    dead: Queue | None = None
    fair: bool = True
    duplicates: float = 0.0
    random: Random = field(default_factory=lambda: Random(1))
    counts: Counter[str] = field(default_factory=Counter)
    waits: list[tuple[float, str | None, float]] = field(default_factory=list)
    """Of messages that were received for the first time: when, the group, after how long."""

    def __post_init__(self) -> None:
        self._numbers = count()
        self._groups: dict[str | None, _Group] = {}
        self._flying: dict[int, Message] = {}
        self._receivers: deque[tuple[Task, int]] = deque()
        self._waiting = self._delayed = 0

    # --- what happens to a message ---------------------------------------------------------------

    def send(self, body: str, group: str | None = None, *, delay: float = 0.0) -> None:
        for _ in range(2 if self.duplicates and self.random.random() < self.duplicates else 1):
            message = Message(next(self._numbers), body, group, self.loop.now + delay)
            if delay:
                self._delayed += 1
                self.loop.at(message.sent, lambda message=message: self._ripen(message))
            else:
                self._add(message)
        self.counts["sent"] += 1

    def _ripen(self, message: Message) -> None:
        self._delayed -= 1
        self._add(message)

    def _add(self, message: Message) -> None:
        self._groups.setdefault(message.group, _Group()).sent = self.loop.now
        self._show(message)

    def _show(self, message: Message) -> None:
        self._groups[message.group].waiting.append(message)
        self._waiting += 1
        while self._receivers and not self.loop.wake(*self._receivers.popleft()):
            pass  # whoever waited there is gone

    def receive(
        self, *, wait: float, visibility: float | None = None, most: int = 1
    ) -> list[Message]:
        """Up to `most` at once; none after `wait` seconds without any."""
        deadline = self.loop.now + wait
        while not (
            found := self._take(self.visibility if visibility is None else visibility, most)
        ):
            if self.loop.now >= deadline:
                break
            task = getcurrent()
            self._receivers.append((task, task.turn + 1))
            self.loop.wait(deadline - self.loop.now)
        return found

    def _take(self, visibility: float, most: int) -> list[Message]:
        taken: list[Message] = []
        while self._waiting and len(taken) < most:
            message = self._next()
            self._waiting -= 1
            if self.max_receives and message.receives >= self.max_receives:
                self.counts["dead"] += 1
                if self.dead:
                    self.dead.send(message.body, message.group)
                continue
            if not message.receives:
                message.first_received = self.loop.now
                self.waits.append((self.loop.now, message.group, self.loop.now - message.sent))
            message.receives += 1
            message.received = self.loop.now
            message.until = self.loop.now + visibility
            self._flying[message.number] = message
            self._groups[message.group].in_flight += 1
            self.loop.at(message.until, lambda m=message, r=message.receives: self._expire(m, r))
            taken.append(message)
        return taken

    def _next(self) -> Message:
        groups = [group for group in self._groups.values() if group.waiting]
        if len(groups) == 1 or not self.fair:
            first = min(groups, key=lambda group: group.waiting[0].sent)
        else:
            self._judge(groups)
            first = min(
                groups,
                key=lambda group: (
                    group.noisy,
                    group.in_flight if group.noisy else 0,
                    group.waiting[0].sent,
                ),
            )
        message = first.waiting.popleft()
        if not first.waiting:
            first.noisy = False
        return message

    def _judge(self, groups: list[_Group]) -> None:
        now, work = self.loop.now, 0.0
        for each in self._groups.values():
            while each.worked and each.worked[0][0] < now - _RECENT:
                each.work -= each.worked.popleft()[1]
            work += each.work
        for group in groups:
            many = group.in_flight >= _AT_LEAST and group.in_flight > _SHARE * len(self._flying)
            if now - group.sent > _RECENT:
                group.noisy = False
            elif many or group.work > _SHARE * work > 0:
                group.noisy = True

    def _expire(self, message: Message, receives: int) -> None:
        if message.number not in self._flying or message.receives != receives:
            return
        if message.until > self.loop.now:
            self.loop.at(message.until, lambda: self._expire(message, receives))
            return
        self.counts["came back"] += 1
        self._land(message)
        self._show(message)

    def _land(self, message: Message) -> None:
        del self._flying[message.number]
        group = self._groups[message.group]
        group.in_flight -= 1
        spent = self.loop.now - message.received
        group.worked.append((self.loop.now, spent))
        group.work += spent

    def extend(self, receipt: str, visibility: float) -> None:
        message = self._of(receipt)
        if message:
            sooner = self.loop.now + visibility < message.until
            message.until = self.loop.now + visibility
            if sooner:  # otherwise the end that was to come finds that there is a later one
                receives = message.receives
                self.loop.at(message.until, lambda: self._expire(message, receives))

    def delete(self, receipt: str) -> None:
        if message := self._of(receipt):
            self._land(message)
            self.counts["done"] += 1

    def _of(self, receipt: str) -> Message | None:
        """What a receipt handle is for; void once the message was received again."""
        number, receives = map(int, receipt.split("."))
        message = self._flying.get(number)
        return message if message and message.receives == receives else None

    # --- what SQS tells of itself ----------------------------------------------------------------

    @property
    def waiting(self) -> int:
        return self._waiting

    @property
    def delayed(self) -> int:
        return self._delayed

    @property
    def in_flight(self) -> int:
        return len(self._flying)

    @property
    def oldest(self) -> float:
        """For how long the one has waited that waits longest."""
        heads = [group.waiting[0].sent for group in self._groups.values() if group.waiting]
        return self.loop.now - min(heads) if heads else 0.0

    def bodies(self) -> list[str]:
        """Of all that can be received."""
        return [message.body for group in self._groups.values() for message in group.waiting]


def receipt(message: Message) -> str:
    return f"{message.number}.{message.receives}"


@dataclass(frozen=True)
class Sqs:
    """The client, as far as it is used. `queues` by URL."""

    loop: Loop
    queues: dict[str, Queue]

    def _queue(self, url: str) -> Queue:
        self.loop.sleep(SECONDS)
        return self.queues[url]

    def send_message(self, **request: Any) -> dict[str, Any]:
        queue = self._queue(request["QueueUrl"])
        queue.send(
            request["MessageBody"],
            request.get("MessageGroupId"),
            delay=request.get("DelaySeconds", 0),
        )
        return {"MessageId": "sent"}

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        queue = self._queue(request["QueueUrl"])
        for entry in request["Entries"]:
            queue.send(entry["MessageBody"], entry.get("MessageGroupId"))
        return {"Successful": request["Entries"]}

    def receive_message(self, **request: Any) -> dict[str, Any]:
        found = self._queue(request["QueueUrl"]).receive(
            wait=request.get("WaitTimeSeconds", 0),
            visibility=request.get("VisibilityTimeout"),
            most=request.get("MaxNumberOfMessages", 1),
        )
        return {"Messages": [record(message) for message in found]} if found else {}

    def delete_message(self, **request: Any) -> None:
        self._queue(request["QueueUrl"]).delete(request["ReceiptHandle"])

    def change_message_visibility(self, **request: Any) -> None:
        queue = self._queue(request["QueueUrl"])
        queue.extend(request["ReceiptHandle"], request["VisibilityTimeout"])

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        queue = self._queue(request["QueueUrl"])
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(queue.waiting),
                "ApproximateNumberOfMessagesNotVisible": str(queue.in_flight),
                "ApproximateNumberOfMessagesDelayed": str(queue.delayed),
            }
        }


def record(message: Message) -> dict[str, Any]:
    """As ReceiveMessage has it."""
    return {
        "MessageId": f"message-{message.number}",
        "ReceiptHandle": receipt(message),
        "Body": message.body,
        "Attributes": {"ApproximateReceiveCount": str(message.receives)},
    }
