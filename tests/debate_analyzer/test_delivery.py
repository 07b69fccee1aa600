"""What webhooks are told, with a real receiver: once if it can be, at least once in any case."""

from __future__ import annotations

import asyncio
import functools
import json
import random
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest

from debate_analyzer import internet
from debate_analyzer.aws import DynamoLedger
from debate_analyzer.courier import Courier
from debate_analyzer.delivery import (
    KEPT,
    TRIES,
    WAITS,
    Deliveries,
    DeliveriesQuery,
    Delivery,
    Order,
    Outcome,
    State,
    forget,
)
from debate_analyzer.errors import Conflict, InvalidRequest, NotFound
from debate_analyzer.job import Claim, Fault, Figures, Job, announced
from debate_analyzer.pipeline import STATS
from debate_analyzer.unit import Unit
from debate_analyzer.webhook import Event, Webhook, WebhookRequest, Webhooks, secret_of, signed
from tests.debate_analyzer.receiver import HOST, Internet, Receiver, answer, receiving
from tests.world import JOB_ID, Clock, template

OWNER = "ada"
MASTER = "correct horse battery staple"


@dataclass
class Queue:
    """ports.DeliveryQueue in memory: what was sent, and nothing taken off."""

    orders: list[Order] = field(default_factory=list)

    def send(self, order: Order) -> None:
        self.orders.append(order)

    def postpone(self, receipt: str, wait: timedelta) -> None:
        raise AssertionError("the handler does")


@dataclass
class Office:
    """Everything between a row and a receiver."""

    clock: Clock
    ledger: DynamoLedger
    receiver: Receiver
    internet: Internet
    trust: ssl.SSLContext
    queue: Queue = field(default_factory=Queue)

    def __post_init__(self) -> None:
        self.webhooks = Webhooks(self.ledger)
        self.deliveries = Deliveries(self.ledger, self.queue)
        self.courier = Courier(
            self.deliveries, self.webhooks, lambda: MASTER, self._post, self.clock
        )

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        return asyncio.run(
            internet.post(
                url,
                headers,
                body,
                seconds=20,
                resolve=self.internet.resolve,
                connect=self.internet.connect,
                trust=lambda: self.trust,
            )
        )

    def subscribe(self, *events: Event, host: str = HOST) -> Webhook:
        wanted = list(events or (Event.COMPLETED, Event.FAILED))
        request = WebhookRequest.model_validate({"url": f"https://{host}/", "events": wanted})
        return self.webhooks.subscribe(OWNER, request, self.clock())

    def announce(self, job: Job) -> Order:
        self.deliveries.announce(job, self.clock())
        return self.queue.orders[-1]

    def deliver(self, order: Order) -> list[timedelta]:
        """As the queue does, until there is nothing more to do; the waits in between."""
        waits = []
        while (due := self.courier.deliver(order)) is not None:
            waits.append(due - self.clock())
            self.clock.time = due
        return waits

    def log(self, subject: str = JOB_ID) -> list[Any]:
        return list(self.deliveries.page(subject, DeliveriesQuery()).deliveries)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = Clock()
    with moto.mock_aws(), receiving(tmp_path) as (receiver, trust):
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        properties = template()["Resources"]["LedgerTable"]["Properties"]
        wanted = ("AttributeDefinitions", "KeySchema", "BillingMode")
        dynamodb.create_table(TableName="ledger", **{name: properties[name] for name in wanted})
        ledger = DynamoLedger(dynamodb, "ledger", clock)
        yield Office(clock, ledger, receiver, Internet(receiver.port), trust)


def complete(now: datetime, version: int = 7) -> Job:
    unit = Unit(job_id=JOB_ID, stage_name=STATS.name, key="k", etag="e", owner=OWNER)
    queued = announced(
        owner=OWNER, title="Köln", media=None, now=now, job_id=JOB_ID, published=True
    ).queued(unit, now)
    claim = Claim(worker="w", until=now.timestamp() + 60)
    figures = Figures(duration=60, speaking_time=50, words=120, speakers=3)
    done = queued.claimed(unit, claim, now).completed(figures, now)
    return done.model_copy(update={"version": version})


def failed(now: datetime) -> Job:
    job = announced(
        owner=OWNER, title="Town hall", media=None, now=now, job_id=JOB_ID, published=True
    )
    return job.failed(Fault(code="no_speech", message="Nobody speaks."), now)


# --- What is told, and to whom --------------------------------------------------------------------


def test_a_receiver_is_told_who_it_was_and_what(office: Office) -> None:
    webhook = office.subscribe()
    order = office.announce(complete(office.clock()))

    assert office.deliver(order) == []
    [posted] = office.receiver.posted
    told = json.loads(posted.body)
    assert told["type"] == "job.completed"
    assert (told["data"]["job"]["job_id"], told["data"]["job"]["title"]) == (JOB_ID, "Köln")
    expected = signed(
        secret_of(webhook.webhook_id, MASTER), order.delivery_id, posted.body, office.clock()
    )
    assert {name: posted.headers[name] for name in expected} == expected
    assert posted.headers["content-type"] == "application/json"


def test_each_is_told_of_what_it_asked_for(office: Office) -> None:
    successes = office.subscribe(Event.COMPLETED)
    failures = office.subscribe(Event.FAILED)
    everything = office.subscribe()

    office.announce(failed(office.clock()))
    told = {order.webhook_id for order in office.queue.orders}
    assert told == {failures.webhook_id, everything.webhook_id}
    office.queue.orders.clear()
    office.announce(complete(office.clock()))
    told = {order.webhook_id for order in office.queue.orders}
    assert told == {successes.webhook_id, everything.webhook_id}


def test_nobody_is_told_of_what_belongs_to_others(office: Office) -> None:
    office.subscribe()
    theirs = complete(office.clock()).model_copy(update={"owner": "bob"})
    assert office.deliveries.announce(theirs, office.clock()) == []


# --- Once, if it can be ---------------------------------------------------------------------------


def test_an_end_that_is_told_of_twice_is_one_delivery(office: Office) -> None:
    office.subscribe()
    job = complete(office.clock())
    office.announce(job)
    office.clock.advance(minutes=3)
    office.announce(job)  # the stream again, after a crash

    first, second = office.queue.orders
    assert first == second
    office.deliver(first)
    office.deliver(second)
    assert len(office.receiver.posted) == 1
    [delivery] = office.log()
    assert [attempt.outcome for attempt in delivery.attempts] == [Outcome.DELIVERED]


def test_an_end_after_another_is_a_delivery_of_its_own(office: Office) -> None:
    office.subscribe()
    ids = [office.announce(complete(office.clock(), version=v)).delivery_id for v in (7, 12)]
    assert len(set(ids)) == 2
    assert [delivery.delivery_id for delivery in office.log()] == ids


def test_of_two_who_hold_the_same_order_one_delivers(office: Office) -> None:
    """Both have looked, and neither has claimed it yet."""
    office.subscribe()
    order = office.announce(complete(office.clock()))
    claim, others = Deliveries.claim, [None]

    def overtaken(self: Deliveries, *claimed: Any) -> None:
        if others:
            others.pop()
            assert office.courier.deliver(order) is None
        claim(self, *claimed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Deliveries, "claim", overtaken)
        assert office.courier.deliver(order) is not None
    assert len(office.receiver.posted) == 1
    assert office.deliver(order) == []
    assert len(office.receiver.posted) == 1


def test_a_try_that_was_lost_is_made_again_under_the_same_id(office: Office) -> None:
    """The function died after the receiver was told, before it could say so."""
    office.subscribe()
    order = office.announce(complete(office.clock()))
    settle = office.deliveries.settle
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Deliveries, "settle", _dies)
        with pytest.raises(_Killed):
            office.courier.deliver(order)
    assert office.deliveries.settle == settle

    [wait] = office.deliver(order)
    assert wait > timedelta(seconds=30)  # as long as it may be alive, it is left alone
    assert [posted.headers["webhook-id"] for posted in office.receiver.posted] == [
        order.delivery_id
    ] * 2
    [delivery] = office.log()
    assert [attempt.outcome for attempt in delivery.attempts] == ["failed", "delivered"]
    assert "lost" in delivery.attempts[0].error


class _Killed(BaseException):
    pass


def _dies(*_: Any) -> None:
    raise _Killed


# --- Again and again ------------------------------------------------------------------------------


def test_a_receiver_that_is_down_is_tried_eight_times_over_a_day(office: Office) -> None:
    office.receiver.answers = [answer(503)]
    office.subscribe()
    order = office.announce(complete(office.clock()))

    assert office.deliver(order) == list(WAITS)
    assert len(office.receiver.posted) == TRIES == len(WAITS) + 1
    assert len({posted.headers["webhook-id"] for posted in office.receiver.posted}) == 1
    assert len({posted.headers["webhook-timestamp"] for posted in office.receiver.posted}) == TRIES
    assert len({posted.body for posted in office.receiver.posted}) == 1
    [delivery] = office.log()
    assert delivery.state is State.FAILED
    assert all(attempt.status_code == 503 for attempt in delivery.attempts)
    assert office.courier.deliver(order) is None
    assert max(WAITS) < timedelta(hours=12)  # SQS hides a message no longer


def test_a_receiver_that_comes_back_is_told_then(office: Office) -> None:
    office.receiver.answers = [answer(500), answer(302), answer(404), answer(204)]
    office.subscribe()
    order = office.announce(complete(office.clock()))

    assert office.deliver(order) == list(WAITS[:3])
    [delivery] = office.log()
    assert delivery.state is State.DELIVERED
    assert [attempt.status_code for attempt in delivery.attempts] == [500, 302, 404, 204]


def test_an_order_that_comes_early_waits(office: Office) -> None:
    office.receiver.answers = [answer(500), answer(204)]
    office.subscribe()
    order = office.announce(complete(office.clock()))
    due = office.courier.deliver(order)

    for _ in range(3):
        office.clock.advance(seconds=2)
        assert office.courier.deliver(order) == due
    assert len(office.receiver.posted) == 1


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda office: office.internet.names.update({HOST: [["10.0.0.1"]]}), "public internet"),
        (lambda office: setattr(office.internet, "port", 1), "does not answer"),
        (lambda office: setattr(office, "trust", ssl.create_default_context()), "TLS"),
    ],
    ids=["private", "nobody", "untrusted"],
)
def test_why_nobody_was_told_is_in_the_log(
    office: Office, break_it: Callable[[Office], None], said: str
) -> None:
    break_it(office)
    office.subscribe()
    assert office.courier.deliver(office.announce(complete(office.clock()))) is not None

    assert office.receiver.posted == []
    [delivery] = office.log()
    assert delivery.state is State.PENDING
    [attempt] = delivery.attempts
    assert said in attempt.error
    assert attempt.host == HOST


def test_a_receiver_that_is_down_blocks_nobody_else(office: Office) -> None:
    office.internet.names["down.example"] = [["127.0.0.1"]]
    down = office.subscribe(host="down.example")
    up = office.subscribe()
    office.announce(complete(office.clock()))
    due = {order.webhook_id: office.courier.deliver(order) for order in office.queue.orders}
    assert due[down.webhook_id] is not None
    assert due[up.webhook_id] is None
    assert len(office.receiver.posted) == 1


# --- Who is not told any more ---------------------------------------------------------------------


def test_a_receiver_that_is_gone_is_told_nothing_until_a_test_arrives(office: Office) -> None:
    office.receiver.answers = [answer(410), answer(204)]
    webhook = office.subscribe()
    under_way = office.announce(complete(office.clock(), version=8))
    assert office.deliver(office.announce(complete(office.clock(), version=7))) == []
    assert office.webhooks.get(OWNER, webhook.webhook_id).paused_at is not None

    assert office.deliveries.announce(complete(office.clock(), version=9), office.clock()) == []
    assert office.deliver(under_way) == []
    assert [delivery.state for delivery in office.log()] == [State.FAILED] * 2
    assert len(office.receiver.posted) == 1

    office.deliveries.test(OWNER, webhook, office.clock())
    assert office.deliver(office.queue.orders[-1]) == []
    assert json.loads(office.receiver.posted[-1].body)["type"] == "webhook.test"
    assert office.webhooks.get(OWNER, webhook.webhook_id).paused_at is None


def test_a_test_is_tried_once_and_logged_with_its_webhook(office: Office) -> None:
    office.receiver.answers = [answer(500)]
    webhook = office.subscribe()
    delivery = office.deliveries.test(OWNER, webhook, office.clock())

    assert office.deliver(office.queue.orders[-1]) == []
    [logged] = office.log(webhook.webhook_id)
    assert (logged.delivery_id, logged.state) == (delivery.delivery_id, State.FAILED)


def test_a_webhook_that_was_deleted_is_told_nothing(office: Office) -> None:
    webhook = office.subscribe()
    order = office.announce(complete(office.clock()))
    office.webhooks.delete(OWNER, webhook.webhook_id)

    assert office.deliver(order) == []
    assert office.receiver.posted == []
    [delivery] = office.log()
    assert delivery.state is State.FAILED


def test_of_a_deleted_debate_nothing_is_told_and_nothing_kept(office: Office) -> None:
    office.subscribe()
    orders = [office.announce(complete(office.clock(), version=v)) for v in range(1, 4)]
    office.deliver(orders[0])
    assert forget(office.ledger, JOB_ID) == 4

    assert [office.courier.deliver(order) for order in orders] == [None] * 3
    assert len(office.receiver.posted) == 1
    assert office.log() == []


# --- By hand --------------------------------------------------------------------------------------


def test_a_delivery_is_made_once_more_by_hand(office: Office) -> None:
    office.receiver.answers = [answer(503)]
    office.subscribe()
    order = office.announce(complete(office.clock()))
    with pytest.raises(Conflict):
        office.deliveries.retry(JOB_ID, order.delivery_id)  # nothing was tried yet
    office.deliver(order)

    for told, state in ((503, State.FAILED), (204, State.DELIVERED), (204, State.DELIVERED)):
        office.receiver.answers = [answer(told)]
        office.deliveries.retry(JOB_ID, order.delivery_id)
        assert office.deliver(office.queue.orders[-1]) == []
        assert office.deliver(office.queue.orders[-1]) == []  # it came twice
        [delivery] = office.log()
        assert delivery.state is state
    assert len(office.receiver.posted) == TRIES + 3
    assert len({posted.headers["webhook-id"] for posted in office.receiver.posted}) == 1


@pytest.mark.parametrize(
    "delivery_id", ["msg_0000000001_" + "0" * 24, "x", "msg_#00", "m" * 5000, "msg_0000000007"]
)
def test_what_never_was_cannot_be_sent_again(office: Office, delivery_id: str) -> None:
    office.subscribe()
    office.announce(complete(office.clock()))
    with pytest.raises(NotFound):
        office.deliveries.retry(JOB_ID, delivery_id)


# --- The log --------------------------------------------------------------------------------------


def test_the_log_is_read_in_pages_the_oldest_first(office: Office) -> None:
    office.receiver.answers = [answer(503)]
    office.subscribe()
    now = office.clock()
    ids = [office.announce(complete(now, version=v)).delivery_id for v in range(1, 8)]
    for order in office.queue.orders:
        office.deliver(order)

    read, cursor = [], None
    while True:
        page = office.deliveries.page(JOB_ID, DeliveriesQuery(cursor=cursor, limit=3))
        read += page.deliveries
        assert all(len(delivery.attempts) == TRIES for delivery in page.deliveries)
        if (cursor := page.next_cursor) is None:
            break
    assert [delivery.delivery_id for delivery in read] == ids


@pytest.mark.parametrize("cursor", ["x", "====", "bXNn", "/", "é", "A" * 200])
def test_a_cursor_of_one_s_own_is_refused(office: Office, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        office.deliveries.page(JOB_ID, DeliveriesQuery(cursor=cursor))


def test_the_log_goes_after_thirty_days(office: Office) -> None:
    office.subscribe()
    order = office.announce(complete(office.clock()))
    office.deliver(order)
    office.clock.advance(seconds=KEPT.total_seconds() + 1)

    assert office.log() == []
    assert office.courier.deliver(order) is None


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_lost_or_comes_twice_the_receiver_is_told(office: Office, seed: int) -> None:
    """Functions die at any write, orders come early, late and twice, the stream comes again."""
    chance = random.Random(seed)
    office.receiver.answers = [
        answer(chance.choice((204, 500))) if chance.random() < 0.5 else b"" for _ in range(4)
    ] + [answer(204)]
    office.subscribe()
    job, orders = complete(office.clock()), office.queue.orders

    def dying(put: Any) -> Any:
        @functools.wraps(put)
        def unlucky(*given: Any, **told: Any) -> None:
            if chance.random() < 0.2:
                raise _Killed
            put(*given, **told)
            if chance.random() < 0.2:
                raise _Killed

        return unlucky

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DynamoLedger, "put", dying(DynamoLedger.put))
        while not orders:  # the stream comes until it was heard
            try:
                office.deliveries.announce(job, office.clock())
            except _Killed:
                continue
        orders.append(orders[0])
        for _ in range(12):
            office.clock.advance(minutes=chance.choice((0, 2, 700)))
            try:
                office.courier.deliver(chance.choice(orders))
            except _Killed:
                continue
    for order in orders:
        office.deliver(order)

    told = _delivery(office)
    assert len(told.attempts) <= TRIES
    assert (told.state is State.DELIVERED) or len(told.attempts) == TRIES
    assert {posted.headers["webhook-id"] for posted in office.receiver.posted} == {told.delivery_id}


def _delivery(office: Office) -> Delivery:
    found = office.deliveries.get(JOB_ID, office.queue.orders[0].delivery_id)
    assert found is not None
    return found
