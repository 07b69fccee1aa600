"""Who is told when a debate is done or has failed, and what became of it."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Iterable

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from debate_analyzer.api.webhooks import Secret, WebhooksList
from debate_analyzer.delivery import DeliveryView, State
from debate_analyzer.webhook import Webhook, WebhookRequest
from local.cli.client import Client, the_one
from local.cli.exits import FAILED, OK
from local.cli.follow import refusal
from local.cli.show import SHORT_ID, facts_table, plain, print_json, when

_WEBHOOKS = "/api/webhooks"
_PATIENCE = 20  # seconds for a test, whose receiver has ten to answer


def add(client: Client, options: Namespace, errors: Console) -> int:
    """`debate webhooks add`"""
    events = options.event or ["completed", "failed"]
    try:
        request = WebhookRequest.model_validate(
            {"url": options.url, "events": [f"job.{event}" for event in events]}
        )
    except ValidationError as error:
        raise refusal(error) from error
    webhook = client.post(_WEBHOOKS, Webhook, request)
    _print_one(client, webhook, options)
    return OK


def list_webhooks(client: Client, options: Namespace, errors: Console) -> int:
    """`debate webhooks list`"""
    found = client.get(_WEBHOOKS, WebhooksList).webhooks
    if options.json:
        print_json([webhook.model_dump(mode="json") for webhook in found])
    elif found:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in ("id", "created", "told of", "receiver"):
            table.add_column(name, overflow="fold" if name == "receiver" else "ellipsis")
        for webhook in found:
            told = "paused" if webhook.paused_at else ", ".join(webhook.events)
            short = webhook.webhook_id[:SHORT_ID]
            table.add_row(short, when(webhook.created_at), told, Text(plain(webhook.url)))
        Console().print(table)
    else:
        errors.print("No webhooks. `debate webhooks add URL` makes one.")
    return OK


def show(client: Client, options: Namespace, errors: Console) -> int:
    """`debate webhooks show`"""
    webhook = client.get(_path(client, options.id), Webhook)
    _print_one(client, webhook, options)
    return OK


def remove(client: Client, options: Namespace, errors: Console) -> int:
    """`debate webhooks remove`"""
    path = _path(client, options.id)
    client.remove(path)
    print(path.rpartition("/")[2])
    return OK


def test(client: Client, options: Namespace, errors: Console) -> int:
    """`debate webhooks test`: send one, and wait for what becomes of it."""
    path = _path(client, options.id)
    sent = client.post(f"{path}/test", DeliveryView)
    for _ in range(_PATIENCE):
        tests = client.pages(f"{path}/deliveries", "deliveries", DeliveryView)
        latest = next((one for one in tests if one.delivery_id == sent.delivery_id), sent)
        if latest.state is not State.PENDING:
            break
        time.sleep(1)
    Console().print(_deliveries_table([latest]))
    return OK if latest.state is State.DELIVERED else FAILED


def deliveries(client: Client, options: Namespace, errors: Console) -> int:
    """`debate deliveries`"""
    path = f"/api/jobs/{client.find(options.id).job_id}/deliveries"
    if options.retry:
        again = client.post(f"{path}/{options.retry}/retry", DeliveryView)
        print(again.delivery_id)
        return OK
    found = list(client.pages(path, "deliveries", DeliveryView))
    if options.json:
        print_json([delivery.model_dump(mode="json") for delivery in found])
    elif found:
        Console().print(_deliveries_table(found))
    else:
        errors.print("Nobody was told of this debate within the last 30 days.")
    return OK


def _path(client: Client, prefix: str) -> str:
    known = client.get(_WEBHOOKS, WebhooksList).webhooks
    found = [webhook for webhook in known if webhook.webhook_id.startswith(prefix.lower())]
    return f"{_WEBHOOKS}/{the_one(found, 'webhook', prefix).webhook_id}"


def _print_one(client: Client, webhook: Webhook, options: Namespace) -> None:
    """With the secret, which its receiver needs."""
    secret = client.get(f"{_WEBHOOKS}/{webhook.webhook_id}/secret", Secret).secret
    if options.json:
        print_json({**webhook.model_dump(mode="json"), "secret": secret})
        return
    facts = [
        ("id", webhook.webhook_id),
        ("receiver", webhook.url),
        ("told of", ", ".join(webhook.events)),
        ("created", when(webhook.created_at)),
        ("paused", when(webhook.paused_at) if webhook.paused_at else None),
        ("secret", secret),
    ]
    Console().print(facts_table(facts))


def _deliveries_table(found: Iterable[DeliveryView]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("id", "when", "event", "state", "tries", "answer"):
        table.add_column(name, overflow="fold" if name in ("id", "answer") else "ellipsis")
    for delivery in found:
        last = delivery.attempts[-1] if delivery.attempts else None
        answer = str((last and (last.error or last.status_code)) or "")
        table.add_row(
            delivery.delivery_id,
            when(delivery.created_at),
            delivery.event,
            delivery.state,
            str(len(delivery.attempts)),
            Text(plain(answer)),
        )
    return table
