"""How many workers a stage gets, and how seldom Batch is asked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate_analyzer.dispatch import STARTS_AT_ONCE, Dispatcher
from debate_analyzer.pipeline import STAGES, Stage
from debate_analyzer.ports import Delivery, Depth, WorkerCount
from debate_analyzer.unit import Unit
from tests.world import JOB_ID, TRANSCRIBE, VIDEO, Clock, World

UNIT = Unit(job_id=JOB_ID, stage_name="transcribe", key=VIDEO, etag="1")


@dataclass
class _Queue:
    """ports.WorkQueue that only counts; what is in hand is set by the test."""

    waiting: int = 0
    in_hand: int = 0

    def send(self, unit: Unit) -> None:
        self.waiting += 1

    def receive(self, *, wait: timedelta, visibility: timedelta) -> Delivery | None:
        raise NotImplementedError

    def depth(self) -> Depth:
        return Depth(self.waiting, self.in_hand)


@dataclass
class _Batch:
    """ports.WorkerPool: what is started is on its way until the test says it runs."""

    coming: int = 0
    running: int = 0
    asked: int = 0
    started: int = field(default=0, init=False)

    def count(self, stage: Stage) -> WorkerCount:
        self.asked += 1
        return WorkerCount(self.coming, self.running, failed_lately=0)

    def start(self, stage: Stage) -> str:
        self.started += 1
        self.coming += 1
        return str(self.started)


Site = tuple[Dispatcher, _Queue, _Batch, Clock]


@pytest.fixture
def site(world: World) -> Site:
    queue, batch = _Queue(), _Batch()
    return (
        Dispatcher({"transcribe": queue}, batch, {"transcribe": 16}, world.ledger, world.clock),
        queue,
        batch,
        world.clock,
    )


def test_one_file_alone_starts_a_worker_at_once(site: Site) -> None:
    dispatcher, _, batch, _ = site
    dispatcher.send(UNIT)
    assert batch.started == 1


def test_a_file_that_sqs_does_not_count_yet_starts_one_as_well(site: Site) -> None:
    dispatcher, queue, batch, _ = site
    queue.waiting = 0
    dispatcher.call_worker(TRANSCRIBE)
    assert batch.started == 1


def test_a_worker_with_nothing_in_hand_takes_it(site: Site) -> None:
    dispatcher, _, batch, _ = site
    batch.running = 1
    dispatcher.send(UNIT)
    assert batch.started == 0


def test_behind_a_busy_worker_it_gets_one_of_its_own(site: Site) -> None:
    dispatcher, queue, batch, _ = site
    batch.running = queue.in_hand = 1
    dispatcher.send(UNIT)
    assert batch.started == 1


def test_batch_is_asked_once_a_second_however_fast_files_come(site: Site) -> None:
    dispatcher, _, batch, clock = site
    for _ in range(10):
        for _ in range(83):
            dispatcher.send(UNIT)
        clock.advance(seconds=1)
    assert batch.asked == 10


def test_a_burst_starts_as_many_as_it_needs_within_two_seconds_and_no_more(site: Site) -> None:
    dispatcher, _, batch, clock = site
    for _ in range(83):
        dispatcher.send(UNIT)
    assert batch.started == 1  # the others came in the same second
    clock.advance(seconds=1)
    dispatcher.send(UNIT)
    assert batch.started == math.ceil(84 / TRANSCRIBE.units_per_worker)
    for _ in range(3600):
        clock.advance(seconds=1)
        dispatcher.send(UNIT)
    assert batch.started == 16


def test_nothing_is_started_for_what_is_in_hand(site: Site) -> None:
    """A file of two hours that one worker has must not call another every minute."""
    dispatcher, queue, batch, _ = site
    batch.running = queue.in_hand = 1
    dispatcher.follow_up(TRANSCRIBE)
    assert batch.asked == batch.started == 0


def test_whoever_follows_up_looks_though_somebody_has_just_looked(site: Site) -> None:
    """The look before may have counted the worker that has left since."""
    dispatcher, _, batch, _ = site
    batch.running = 1
    dispatcher.send(UNIT)
    assert batch.started == 0
    batch.running = 0
    dispatcher.follow_up(TRANSCRIBE)
    assert batch.started == 1


def test_workers_that_only_fail_are_not_called_again(world: World) -> None:
    world.pool.failed_lately = 6
    world.drop(VIDEO)
    world.arrive()
    assert world.pool.started == []


@given(
    waiting=st.integers(0, 5000),
    in_hand=st.integers(0, 300),
    coming=st.integers(0, 300),
    running=st.integers(0, 300),
    most=st.integers(1, 300),
    name=st.sampled_from(sorted(STAGES)),
)
def test_never_more_than_may_run_or_than_is_asked_for(
    waiting: int, in_hand: int, coming: int, running: int, most: int, name: str
) -> None:
    stage = STAGES[name]
    queue, batch = _Queue(waiting, in_hand), _Batch(coming, running)
    Dispatcher({name: queue}, batch, {name: most}, ledger=None, now=Clock()).follow_up(stage)  # type: ignore[arg-type]
    assert batch.started <= min(STARTS_AT_ONCE, math.ceil(waiting / stage.units_per_worker))
    assert batch.started == 0 or coming + running + batch.started <= most
    has_idle = running > in_hand
    if waiting and not coming and not has_idle and running < most:
        assert batch.started >= 1  # nobody waits without a worker on its way
