"""Deliveries: what one webhook is told of one event, and the log of the tries.

All of it lies in the ledger, and goes after thirty days. A delivery's first row is what is sent,
the same at every try; each further row is a try, claimed before it is made, so that whoever comes
second, or twice, sees what was done. The log is the whole state: what goes through the queue only
says that there is something to do.
"""

from __future__ import annotations

import json
import re
import uuid
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import groupby
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from debate_analyzer.catalogue import view
from debate_analyzer.errors import Conflict, InvalidRequest, NotFound
from debate_analyzer.job import Job, Timestamp, timestamp
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import DeliveryQueue, Ledger
from debate_analyzer.webhook import Event, Webhook, Webhooks

TRIES = 8
"""Of what the chain sends; what somebody sends again by hand is tried once."""
WAITS = (
    *(timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30)),
    *(timedelta(hours=2), timedelta(hours=5), timedelta(hours=10)),
)
"""Between the tries. SQS hides a message for twelve hours at most."""
KEPT = timedelta(days=30)
MAX_PAGE = 100

_EVENTS = {Status.COMPLETE: Event.COMPLETED, Status.FAILED: Event.FAILED}
_MOST_ROWS = 1000  # of a page: a delivery has ten or so
_MOST_TRIES = 99  # two digits in the ledger
_ID = re.compile(r"msg_\d{10}_[0-9a-f]{24}")
_ROW = re.compile(rf"({_ID.pattern})#(\d\d)")


class Outcome(StrEnum):
    """Of a try. What stays `SENDING` for long was lost: nobody knows how it ended."""

    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"


class State(StrEnum):
    """Of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Order(BaseModel):
    """That a delivery is to be made: `tries` tries at most, beyond the first `after`.

    It may come twice. `subject` is the job, or the webhook that is tried out.
    """

    model_config = ConfigDict(frozen=True)

    subject: str
    delivery_id: str
    webhook_id: str
    after: int = 0
    tries: int = TRIES


class Attempt(BaseModel):
    """A try. `duration` in seconds; `next_at` is when the next one is due, if there is one."""

    number: int
    started_at: Timestamp
    host: str | None = None
    outcome: Outcome
    status_code: int | None = None
    error: str | None = None
    duration: float | None = None
    next_at: Timestamp | None = None


class Delivery(BaseModel):
    """`body` is JSON, as it is sent."""

    delivery_id: str
    subject: str
    owner: str
    webhook_id: str
    event: Event
    created_at: Timestamp
    body: str
    attempts: list[Attempt] = []

    @property
    def state(self) -> State:
        if any(attempt.outcome is Outcome.DELIVERED for attempt in self.attempts):
            return State.DELIVERED
        last = self.attempts[-1] if self.attempts else None
        if last is None or last.next_at or last.outcome is Outcome.SENDING:
            return State.PENDING
        return State.FAILED


class DeliveryView(BaseModel):
    """A delivery as the API shows it."""

    delivery_id: str = Field(description="the header webhook-id of every try")
    webhook_id: str
    event: Event
    state: State
    created_at: Timestamp
    attempts: list[Attempt]


class DeliveriesPage(BaseModel):
    """The oldest first. `next_cursor` is None on the last page."""

    deliveries: list[DeliveryView]
    next_cursor: str | None


class DeliveriesQuery(BaseModel):
    """Which part of the log."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


@dataclass(frozen=True)
class Deliveries:
    """The log, and the queue of what is to be sent."""

    ledger: Ledger
    queue: DeliveryQueue

    # --- what is to be sent ----------------------------------------------------------------------

    def announce(self, job: Job, now: datetime) -> list[str]:
        """Tell its owner's webhooks that the job is at an end; the ids of the deliveries.

        The same end, by the row's version, leads to the same deliveries.
        """
        event = _EVENTS[job.status]
        shown = {"job": view(job).model_dump(mode="json")}
        wanted = [each for each in Webhooks(self.ledger).of(job.owner) if event in each.events]
        made = [
            Delivery(
                delivery_id=_delivery_id(job.version, f"{job.job_id}/{webhook.webhook_id}"),
                subject=job.job_id,
                owner=job.owner,
                webhook_id=webhook.webhook_id,
                event=event,
                created_at=now,
                body=_body(event, job.updated_at, shown),
            )
            for webhook in wanted
            if webhook.paused_at is None
        ]
        for delivery in made:
            self._send(delivery)
        return [delivery.delivery_id for delivery in made]

    def test(self, owner: str, webhook: Webhook, now: datetime) -> Delivery:
        """Something to try the receiver out with."""
        told = {"webhook": webhook.model_dump(mode="json", include={"webhook_id", "events"})}
        delivery = Delivery(
            delivery_id=_delivery_id(int(now.timestamp()), str(uuid.uuid4())),
            subject=webhook.webhook_id,
            owner=owner,
            webhook_id=webhook.webhook_id,
            event=Event.TEST,
            created_at=now,
            body=_body(Event.TEST, now, told),
        )
        self._send(delivery, tries=1)
        return delivery

    def _send(self, delivery: Delivery, *, tries: int = TRIES) -> None:
        facts = delivery.model_dump(mode="json", exclude={"subject", "attempts"})
        # Where it was made before, nobody knows whether it was ever put on the queue.
        with suppress(Conflict):
            self.ledger.put(
                _of(delivery.subject),
                _row(delivery.delivery_id, 0),
                facts,
                expires_at=_expiry(delivery),
                if_absent=True,
            )
        self.queue.send(
            Order(
                subject=delivery.subject,
                delivery_id=delivery.delivery_id,
                webhook_id=delivery.webhook_id,
                tries=tries,
            )
        )

    def retry(self, subject: str, delivery_id: str) -> Delivery:
        """Once more, by hand. Raises NotFound, and Conflict while it is still being tried."""
        delivery = self.get(subject, delivery_id)
        if delivery is None:
            raise NotFound("There is no such delivery, or it was more than thirty days ago.")
        if delivery.state is State.PENDING:
            raise Conflict("The delivery is still being tried. See its next_at.")
        if len(delivery.attempts) >= _MOST_TRIES:
            raise Conflict(f"The delivery was tried {_MOST_TRIES} times, which is enough.")
        self.queue.send(
            Order(
                subject=subject,
                delivery_id=delivery_id,
                webhook_id=delivery.webhook_id,
                after=len(delivery.attempts),
                tries=1,
            )
        )
        return delivery

    # --- the log ---------------------------------------------------------------------------------

    def get(self, subject: str, delivery_id: str) -> Delivery | None:
        """With all of its attempts."""
        if not _ID.fullmatch(delivery_id):
            return None
        rows = self.ledger.list(_of(subject), after=delivery_id, limit=_MOST_TRIES + 1)
        return _delivery(subject, [row for row in rows if row[0].startswith(f"{delivery_id}#")])

    def page(self, subject: str, query: DeliveriesQuery) -> DeliveriesPage:
        """Raises InvalidRequest."""
        after = _read_cursor(query.cursor) if query.cursor else None
        rows = self.ledger.list(_of(subject), after=after, limit=_MOST_ROWS)
        each = [list(some) for _, some in groupby(rows, key=lambda row: row[0].split("#")[0])]
        if len(rows) == _MOST_ROWS:
            each.pop()  # the last one may have more rows than were read
        shown = each[: query.limit]
        more = len(each) > query.limit or len(rows) == _MOST_ROWS
        found = (_delivery(subject, some) for some in shown)
        return DeliveriesPage(
            deliveries=[delivery_view(delivery) for delivery in found if delivery],
            next_cursor=_cursor(shown[-1][-1][0]) if more else None,
        )

    def claim(self, delivery: Delivery, attempt: Attempt) -> None:
        """Nobody else makes this try from now on. Raises Conflict where somebody does."""
        self._put(delivery, attempt, if_absent=True)

    def settle(self, delivery: Delivery, attempt: Attempt) -> None:
        """How the try ended."""
        self._put(delivery, attempt, if_absent=False)

    def _put(self, delivery: Delivery, attempt: Attempt, *, if_absent: bool) -> None:
        self.ledger.put(
            _of(delivery.subject),
            _row(delivery.delivery_id, attempt.number),
            attempt.model_dump(mode="json", exclude={"number"}, exclude_none=True),
            expires_at=_expiry(delivery),
            if_absent=if_absent,
        )


def forget(ledger: Ledger, subject: str) -> int:
    """Everything that was told, and is to be told, of a debate that is deleted, or of a webhook's
    tests; in how many rows."""
    forgotten = 0
    while rows := ledger.list(_of(subject), limit=_MOST_ROWS):
        for name, _ in rows:
            ledger.delete(_of(subject), name)
        forgotten += len(rows)
    return forgotten


def delivery_view(delivery: Delivery) -> DeliveryView:
    """Without what was sent."""
    return DeliveryView.model_validate(delivery, from_attributes=True)


def _body(event: Event, time: datetime, data: dict[str, Any]) -> str:
    """The payload, as Standard Webhooks has it."""
    told = {"type": event.value, "timestamp": timestamp(time), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _delivery_id(order: int, what: str) -> str:
    """Sorts as the events happened. Without full stops, which the signature separates by."""
    return f"msg_{order:010d}_{sha256(what.encode()).hexdigest()[:24]}"


def _of(subject: str) -> str:
    return f"deliveries#{subject}"


def _row(delivery_id: str, number: int) -> str:
    return f"{delivery_id}#{number:02d}"


def _expiry(delivery: Delivery) -> float:
    return (delivery.created_at + KEPT).timestamp()


def _delivery(subject: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> Delivery | None:
    """None where the first row is not there: all of it is about to expire."""
    by_number = {int(name.rpartition("#")[2]): facts for name, facts in rows}
    first = by_number.pop(0, None)
    if first is None:
        return None
    attempts = [{"number": number, **facts} for number, facts in sorted(by_number.items())]
    return Delivery.model_validate({"subject": subject, **first, "attempts": attempts})


def _cursor(name: str) -> str:
    return urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        name = b64decode(padded, altchars=b"-_", validate=True).decode()
    except ValueError:
        name = ""
    if not _ROW.fullmatch(name):
        raise InvalidRequest("cursor is none that this list gave out.")
    return name
