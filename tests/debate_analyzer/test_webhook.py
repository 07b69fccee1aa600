"""Subscriptions, and signatures that any library of Standard Webhooks verifies."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import moto
import pytest
from pydantic import ValidationError

from debate_analyzer.aws import DynamoLedger
from debate_analyzer.errors import InvalidAddress, LimitReached, NotFound
from debate_analyzer.webhook import (
    MAX_WEBHOOKS,
    Event,
    WebhookRequest,
    Webhooks,
    secret_of,
    signed,
)
from tests.debate_analyzer.test_address import NO_URLS, NOTATIONS, PRIVATE
from tests.world import ROOT, Clock, template

URL = "https://hooks.example/debates"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def webhooks(clock: Clock) -> Iterator[Webhooks]:
    with moto.mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        properties = template()["Resources"]["LedgerTable"]["Properties"]
        wanted = ("AttributeDefinitions", "KeySchema", "BillingMode")
        dynamodb.create_table(TableName="ledger", **{name: properties[name] for name in wanted})
        yield Webhooks(DynamoLedger(dynamodb, "ledger", clock))


def wanted(url: str = URL, *events: Event) -> WebhookRequest:
    told = {"url": url, "events": list(events or (Event.COMPLETED,))}
    return WebhookRequest.model_validate(told)


def test_an_owner_s_webhooks_are_nobody_else_s(webhooks: Webhooks, clock: Clock) -> None:
    first = webhooks.subscribe("ada", wanted(), clock())
    second = webhooks.subscribe("ada", wanted(URL, Event.FAILED), clock.advance(seconds=1))
    theirs = webhooks.subscribe("bob", wanted(), clock())

    assert webhooks.of("ada") == [first, second]
    assert webhooks.get("bob", theirs.webhook_id) == theirs
    with pytest.raises(NotFound):
        webhooks.get("ada", theirs.webhook_id)
    with pytest.raises(NotFound):
        webhooks.delete("ada", theirs.webhook_id)
    webhooks.delete("ada", first.webhook_id)
    assert webhooks.of("ada") == [second]


def test_a_webhook_that_was_deleted_is_not_brought_back_by_a_pause(
    webhooks: Webhooks, clock: Clock
) -> None:
    webhook = webhooks.subscribe("ada", wanted(), clock())
    webhooks.pause("ada", webhook.webhook_id, clock())
    assert webhooks.get("ada", webhook.webhook_id).paused_at == clock()

    webhooks.delete("ada", webhook.webhook_id)
    webhooks.pause("ada", webhook.webhook_id, clock())  # by a try that was under way
    assert webhooks.of("ada") == []


def test_there_is_a_limit(webhooks: Webhooks, clock: Clock) -> None:
    for _ in range(MAX_WEBHOOKS):
        webhook = webhooks.subscribe("ada", wanted(), clock())
        webhooks.pause("ada", webhook.webhook_id, clock())
    with pytest.raises(LimitReached):
        webhooks.subscribe("ada", wanted(), clock())
    webhooks.subscribe("bob", wanted(), clock())


@pytest.mark.parametrize(
    "url",
    [
        *(f"https://{f'[{a}]' if ':' in a else a}/" for a in PRIVATE),
        *(url.replace("http:", "https:", 1) for url in NOTATIONS),
        *NO_URLS,
        *("http://hooks.example/", "https://hooks.example:8443/", "HTTP://hooks.example"),
    ],
)
def test_a_hostile_url_is_refused(webhooks: Webhooks, clock: Clock, url: str) -> None:
    with pytest.raises((InvalidAddress, ValidationError)):
        webhooks.subscribe("ada", wanted(url), clock())
    assert webhooks.of("ada") == []


@pytest.mark.parametrize("events", [[], ["job.deleted"], ["webhook.test"], "job.failed"])
def test_only_what_happens_to_debates_is_chosen(events: object) -> None:
    with pytest.raises(ValidationError):
        WebhookRequest.model_validate({"url": URL, "events": events})


def test_the_signature_is_that_of_the_specification() -> None:
    """Its reference vector, as its libraries test it."""
    headers = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_webhook_has_a_secret_of_its_own() -> None:
    secrets = {secret_of(one, master) for one in ("a", "b") for master in ("x", "y")}
    assert len(secrets) == 4
    assert secret_of("a", "x") == secret_of("a", "x")
    for secret in secrets:
        assert len(b64decode(secret.removeprefix("whsec_"))) == 32


def documented() -> Callable[[str, dict[str, str], bytes], None]:
    """The receiver's function, as docs/webhooks.md has it."""
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/webhooks.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    verify: Callable[[str, dict[str, str], bytes], None] = names["verify"]
    return verify


def test_a_receiver_that_does_as_documented_knows_that_it_was_us() -> None:
    secret, body, now = secret_of("a", "x"), '{"title":"Köln"}'.encode(), datetime.now(UTC)
    headers = signed(secret, "msg_1", body, now)
    verify = documented()

    verify(secret, headers, body)
    verify(secret, headers | {"webhook-signature": f"v1,AA== {headers['webhook-signature']}"}, body)
    for forged in (
        (secret_of("b", "x"), headers, body),
        (secret, headers, body + b" "),
        (secret, headers | {"webhook-id": "msg_2"}, body),
        (secret, headers | {"webhook-signature": "v1,"}, body),
        (secret, headers | {"webhook-timestamp": str(int(now.timestamp()) + 1)}, body),
        (secret, signed(secret, "msg_1", body, now - timedelta(minutes=6)), body),
    ):
        with pytest.raises(ValueError, match=r"not signed by us|too old"):
            verify(*forged)
