"""The courier: makes one try of a delivery, and says when to come again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlsplit

from debate_analyzer import internet
from debate_analyzer.delivery import WAITS, Attempt, Deliveries, Delivery, Order, Outcome
from debate_analyzer.errors import Conflict, InvalidAddress, NotFound, Unreachable
from debate_analyzer.webhook import Event, Webhook, Webhooks, secret_of, signed

_PATIENCE = 10.0
_LOST = timedelta(minutes=1)
"""After so long a try that has no outcome is taken for lost: the function runs for half of it."""
_LOST_ERROR = "The try was lost on our side; nobody knows whether it arrived."


class Post(Protocol):
    """Raises InvalidAddress and Unreachable with a sentence."""

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int: ...


def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """To the internet; the status of the answer."""
    return asyncio.run(internet.post(url, headers, body, seconds=_PATIENCE))


@dataclass(frozen=True)
class Courier:
    """At least once: a try whose outcome is lost is made again, under the same message id."""

    deliveries: Deliveries
    webhooks: Webhooks
    master: Callable[[], str]
    post: Post
    now: Callable[[], datetime]

    def deliver(self, order: Order) -> datetime | None:
        """Make the try that is due; when the next one is, or None when there is none."""
        delivery = self.deliveries.get(order.subject, order.delivery_id)
        if delivery is None:
            return None  # its job was deleted
        made = delivery.attempts[order.after :]
        if made:
            due = self._due(delivery, made[-1], is_last=len(made) >= order.tries)
            if due is None or due > self.now():
                return due
        return self._try(delivery, order, order.after + len(made) + 1)

    def _due(self, delivery: Delivery, last: Attempt, *, is_last: bool) -> datetime | None:
        """When to go on after the last attempt; None for never."""
        if last.outcome is not Outcome.SENDING:
            return last.next_at
        lost_at = last.started_at + _LOST
        if lost_at > self.now():
            return lost_at
        next_at = None if is_last else self.now()
        lost = {"outcome": Outcome.FAILED, "error": _LOST_ERROR, "next_at": next_at}
        self.deliveries.settle(delivery, last.model_copy(update=lost))
        return next_at

    def _try(self, delivery: Delivery, order: Order, number: int) -> datetime | None:
        webhook = self._receiver(delivery)
        attempt = Attempt(
            number=number,
            started_at=self.now(),
            host=urlsplit(webhook.url).hostname if webhook else None,
            outcome=Outcome.SENDING,
        )
        try:
            self.deliveries.claim(delivery, attempt)
        except Conflict:
            return self.now() + _LOST  # somebody else makes it: look then how it ended
        ended = attempt.model_copy(update=self._post(delivery, webhook))
        if webhook is not None and ended.outcome is Outcome.FAILED:
            nth = number - order.after
            if ended.status_code == HTTPStatus.GONE:
                self.webhooks.pause(delivery.owner, webhook.webhook_id, self.now())
            elif nth < order.tries:
                ended = ended.model_copy(update={"next_at": self.now() + WAITS[nth - 1]})
        elif webhook is not None and webhook.paused_at is not None:
            self.webhooks.resume(delivery.owner, webhook.webhook_id)
        self.deliveries.settle(delivery, ended)
        return ended.next_at

    def _receiver(self, delivery: Delivery) -> Webhook | None:
        try:
            webhook = self.webhooks.get(delivery.owner, delivery.webhook_id)
        except NotFound:
            return None
        return webhook if webhook.paused_at is None or delivery.event is Event.TEST else None

    def _post(self, delivery: Delivery, webhook: Webhook | None) -> dict[str, Any]:
        """How it ended."""
        if webhook is None:
            return {"outcome": Outcome.FAILED, "error": "The webhook was deleted, or is paused."}
        body = delivery.body.encode()
        secret = secret_of(webhook.webhook_id, self.master())
        headers = {
            "content-type": "application/json",
            "user-agent": "debate-analyzer",
            **signed(secret, delivery.delivery_id, body, self.now()),
        }
        began = time.monotonic()
        try:
            status = self.post(webhook.url, headers, body)
        except (InvalidAddress, Unreachable) as error:
            told = {"outcome": Outcome.FAILED, "error": str(error)}
        else:
            told = _outcome(status) | {"status_code": status}
        return told | {"duration": round(time.monotonic() - began, 3)}


def _outcome(status: int) -> dict[str, Any]:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return {"outcome": Outcome.DELIVERED}
    return {"outcome": Outcome.FAILED, "error": f"The receiver answered {status}, not 2xx."}
