"""Webhooks: whom an owner wants told when a debate is done or has failed, and how a receiver knows
that it was us.

Signatures are those of the Standard Webhooks specification, version 1: HMAC-SHA256 of
`<message id>.<timestamp>.<body>`, so that a receiver verifies them with any of its libraries.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

A webhook's secret is derived from one master secret and the webhook's id, and lies in no table.
"""

from __future__ import annotations

import hmac
import uuid
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from debate_analyzer.address import MAX_URL_LENGTH, check_https_url
from debate_analyzer.errors import LimitReached, NotFound
from debate_analyzer.job import Timestamp
from debate_analyzer.ports import Ledger

MAX_WEBHOOKS = 10
"""Of an owner. Two that are made in the same moment may be one too many."""

_SECRET = "whsec_"
_PAUSED = "#paused"


class Event(StrEnum):
    """What a webhook is told of. `TEST` is sent when somebody asks for it, and is not chosen."""

    COMPLETED = "job.completed"
    FAILED = "job.failed"
    TEST = "webhook.test"


class WebhookRequest(BaseModel):
    """Where to send what: over HTTPS, to a host of the public internet."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=MAX_URL_LENGTH)
    events: list[Literal[Event.COMPLETED, Event.FAILED]] = Field(min_length=1, max_length=2)


class Webhook(BaseModel):
    """A subscription. While `paused_at` is set nothing but tests is sent: the receiver answered
    410 Gone, and a test that arrives resumes it."""

    webhook_id: str
    url: str
    events: list[Event]
    created_at: Timestamp
    paused_at: Timestamp | None = None


@dataclass(frozen=True)
class Webhooks:
    """The webhooks of owners, in the ledger. That one is paused is a fact of its own, so that
    whoever pauses one never brings back one that was deleted."""

    ledger: Ledger

    def subscribe(self, owner: str, request: WebhookRequest, now: datetime) -> Webhook:
        """Raises InvalidAddress and LimitReached."""
        url = check_https_url(request.url)
        if len(self.of(owner)) >= MAX_WEBHOOKS:
            raise LimitReached(
                f"You have {MAX_WEBHOOKS} webhooks, and there can be no more. Delete one first."
            )
        webhook = Webhook(
            webhook_id=str(uuid.uuid4()),
            url=url,
            events=sorted(set(request.events)),
            created_at=now,
        )
        facts = webhook.model_dump(mode="json", exclude={"webhook_id", "paused_at"})
        self.ledger.put(_of(owner), webhook.webhook_id, facts)
        return webhook

    def of(self, owner: str) -> list[Webhook]:
        """The oldest first."""
        facts = dict(self.ledger.list(_of(owner), limit=4 * MAX_WEBHOOKS))
        found = [
            Webhook.model_validate({"webhook_id": name, **webhook, **facts.get(name + _PAUSED, {})})
            for name, webhook in facts.items()
            if not name.endswith(_PAUSED)
        ]
        return sorted(found, key=lambda webhook: webhook.created_at)

    def get(self, owner: str, webhook_id: str) -> Webhook:
        """Raises NotFound."""
        for webhook in self.of(owner):
            if webhook.webhook_id == webhook_id:
                return webhook
        raise NotFound("There is no such webhook.")

    def delete(self, owner: str, webhook_id: str) -> None:
        """Raises NotFound. What is under way to it is not sent any more."""
        self.get(owner, webhook_id)
        self.ledger.delete(_of(owner), webhook_id)
        self.resume(owner, webhook_id)

    def pause(self, owner: str, webhook_id: str, now: datetime) -> None:
        """Send it tests only."""
        paused = {"paused_at": now.isoformat()}
        self.ledger.put(_of(owner), webhook_id + _PAUSED, paused)

    def resume(self, owner: str, webhook_id: str) -> None:
        """Send it everything again."""
        self.ledger.delete(_of(owner), webhook_id + _PAUSED)


def _of(owner: str) -> str:
    return f"webhooks#{owner}"


def secret_of(webhook_id: str, master: str) -> str:
    """What the receiver verifies with: `whsec_` and 32 bytes in base64."""
    derived = hmac.digest(master.encode(), webhook_id.encode(), sha256)
    return _SECRET + b64encode(derived).decode()


def signed(secret: str, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers that go with the body."""
    timestamp = str(int(now.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    signature = hmac.digest(b64decode(secret.removeprefix(_SECRET)), content, sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{b64encode(signature).decode()}",
    }
