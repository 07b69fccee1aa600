"""Webhooks: who is told when a debate is done or has failed, and what became of it."""

from __future__ import annotations

from pydantic import BaseModel

from debate_analyzer.bootstrap import catalogue, deliveries, ledger, webhook_master
from debate_analyzer.caller import Caller
from debate_analyzer.config import Settings
from debate_analyzer.delivery import (
    DeliveriesPage,
    DeliveriesQuery,
    DeliveryView,
    delivery_view,
    forget,
)
from debate_analyzer.errors import Forbidden
from debate_analyzer.job import utc_now
from debate_analyzer.webhook import Webhook, WebhookRequest, Webhooks, secret_of


class WebhooksList(BaseModel):
    """The oldest first."""

    webhooks: list[Webhook]


class Secret(BaseModel):
    """What signatures are verified with: `whsec_` and 32 bytes in base64."""

    secret: str


def subscribe(body: WebhookRequest, caller: Caller, settings: Settings) -> Webhook:
    """Have a receiver told of your debates. Its secret is at …/secret."""
    return _webhooks(caller, settings).subscribe(caller.owner, body, utc_now())


def list_webhooks(caller: Caller, settings: Settings) -> WebhooksList:
    """Yours, ten at most."""
    return WebhooksList(webhooks=_webhooks(caller, settings).of(caller.owner))


def get(webhook_id: str, caller: Caller, settings: Settings) -> Webhook:
    """One of yours; `paused_at` where its receiver answered 410 Gone, until a test arrives."""
    return _webhooks(caller, settings).get(caller.owner, webhook_id)


def get_secret(webhook_id: str, caller: Caller, settings: Settings) -> Secret:
    """What its receiver verifies signatures with, as Standard Webhooks says. Keep it to yourself;
    for another one, make another webhook."""
    webhook = _webhooks(caller, settings).get(caller.owner, webhook_id)
    return Secret(secret=secret_of(webhook.webhook_id, webhook_master(settings)))


def delete(webhook_id: str, caller: Caller, settings: Settings) -> None:
    """Tell it nothing more, of what is under way neither."""
    _webhooks(caller, settings).delete(caller.owner, webhook_id)
    forget(ledger(settings), webhook_id)


def send_test(webhook_id: str, caller: Caller, settings: Settings) -> DeliveryView:
    """Send it a webhook.test, once. What became of it is among its deliveries a moment later."""
    webhook = _webhooks(caller, settings).get(caller.owner, webhook_id)
    return delivery_view(deliveries(settings).test(caller.owner, webhook, utc_now()))


def list_tests(
    webhook_id: str, query: DeliveriesQuery, caller: Caller, settings: Settings
) -> DeliveriesPage:
    """What became of its tests, the oldest first. What it was told of a debate is with the
    debate."""
    webhook = _webhooks(caller, settings).get(caller.owner, webhook_id)
    return deliveries(settings).page(webhook.webhook_id, query)


def list_deliveries(
    job_id: str, query: DeliveriesQuery, caller: Caller, settings: Settings
) -> DeliveriesPage:
    """Who was told of the debate within thirty days, when, and with what success, the oldest
    first."""
    return deliveries(settings).page(catalogue(settings).get(job_id, caller).job_id, query)


def retry(job_id: str, delivery_id: str, caller: Caller, settings: Settings) -> DeliveryView:
    """Send it once more, as it was; delivered or not."""
    job = catalogue(settings).get(job_id, caller)
    return delivery_view(deliveries(settings).retry(job.job_id, delivery_id))


def _webhooks(caller: Caller, settings: Settings) -> Webhooks:
    if caller.is_anonymous:
        raise Forbidden("Nobody signs in here, so there is nobody whose webhooks they would be.")
    return Webhooks(ledger(settings))
