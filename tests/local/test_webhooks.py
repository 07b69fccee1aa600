"""From a row to a webhook on the emulator: the table's stream, both functions, the queue between
them. Receivers on this machine are refused, which is what is looked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from debate_analyzer import aws
from debate_analyzer.delivery import Deliveries, DeliveriesQuery
from debate_analyzer.job import Fault, announced, new_job_id
from debate_analyzer.webhook import WebhookRequest, Webhooks
from tests.debate_analyzer.test_delivery import Queue
from tests.e2e.laptop import free_port, until
from tests.local.deployed import client, deployed, kill

pytestmark = pytest.mark.emulator

OWNER = "ada"


class Stack:
    """The tables of a stack that is deployed."""

    def __init__(self, emulation: Any) -> None:
        deployment, _ = emulation.deploy()
        pages = client(emulation, "cloudformation").get_paginator("list_stack_resources")
        physical = {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages.paginate(StackName="debate-analyzer")
            for each in page["StackResourceSummaries"]
        }
        dynamodb = client(emulation, "dynamodb")
        ledger = aws.DynamoLedger(dynamodb, physical["LedgerTable"], lambda: datetime.now(UTC))
        self.jobs = aws.DynamoJobTable(dynamodb, deployment.outputs["JobTable"])
        self.webhooks = Webhooks(ledger)
        self.deliveries = Deliveries(ledger, Queue())

    def fail_one(self) -> str:
        """A debate that fails; its id."""
        job = announced(
            owner=OWNER,
            title="Town hall",
            media=None,
            now=datetime.now(UTC),
            job_id=new_job_id(),
            published=True,
        )
        self.jobs.create(job)
        fault = Fault(code="no_speech", message="Nobody speaks.")
        failed = self.jobs.replace(job.failed(fault, datetime.now(UTC)))
        self.jobs.replace(failed.model_copy(update={"title": "Town hall, spring"}))
        return job.job_id

    def tried(self, job_id: str) -> Iterator[Any]:
        """The deliveries that were tried once at least."""
        for delivery in self.deliveries.page(job_id, DeliveriesQuery()).deliveries:
            if any(attempt.outcome != "sending" for attempt in delivery.attempts):
                yield delivery


def test_an_end_is_told_after_a_stop_and_after_a_kill(tmp_path: Path) -> None:
    port = free_port()  # the queues' addresses name it
    with deployed(tmp_path, port=port) as emulation:
        stack = Stack(emulation)
        request = WebhookRequest.model_validate(
            {"url": "https://localhost/told", "events": ["job.failed"]}
        )
        webhook = stack.webhooks.subscribe(OWNER, request, datetime.now(UTC))
        _is_told_once(stack, webhook.webhook_id)
    with deployed(tmp_path, port=port) as emulation:
        stack = Stack(emulation)
        _is_told_once(stack, webhook.webhook_id)
        kill(emulation)
    with deployed(tmp_path, port=port) as emulation:
        _is_told_once(Stack(emulation), webhook.webhook_id)


def _is_told_once(stack: Stack, webhook_id: str) -> None:
    job_id = stack.fail_one()
    tried = until(lambda: list(stack.tried(job_id)) or None, seconds=60, what="a try")
    [delivery] = tried
    assert (delivery.webhook_id, delivery.event) == (webhook_id, "job.failed")
    first = delivery.attempts[0]
    assert first.host == "localhost"
    assert "not on the public internet" in first.error
    assert first.next_at is not None
