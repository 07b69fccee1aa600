"""What one party may have, on moto's tables with a clock that the tests move."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate_analyzer.config import Allowance
from debate_analyzer.errors import (
    DailyBytesUsed,
    DailyMinutesUsed,
    LimitReached,
    TooManyJobs,
    TooManyRequests,
)
from debate_analyzer.job import Job, announced, new_job_id
from debate_analyzer.limits import Limits, _day, _until_tomorrow, network
from debate_analyzer.pipeline import Status
from tests.world import LEDGER, Clock, World

GIB = 2**30


@pytest.fixture
def grant(world: World) -> Callable[..., Limits]:
    return lambda **allowance: Limits(world.ledger, world.table, Allowance(**allowance))


def _make(world: World, limits: Limits, party: str = "ana", size: int = 0) -> str:
    """A job, made as a desk makes one."""
    job_id = new_job_id()
    with limits.admitted(party, job_id, world.clock(), size=size):
        world.table.create(
            announced(
                owner=party, title="t", media=None, now=world.clock(), job_id=job_id, published=True
            )
        )
    return job_id


def _becomes(world: World, job_id: str, status: Status, **changes: object) -> None:
    job: Job = world.job(job_id)
    world.table.replace(job.model_copy(update={"status": status, **changes}))


# --- requests -----------------------------------------------------------------------------------


def test_an_address_has_so_many_requests_in_a_minute(
    world: World, grant: Callable[..., Limits]
) -> None:
    limits = grant(requests_per_minute=3)
    now = world.clock.advance(seconds=20)
    for _ in range(3):
        limits.ask("203.0.113.9", now)
    with pytest.raises(TooManyRequests, match=r"More than 3 requests .* Go on in 40 seconds") as no:
        limits.ask("203.0.113.9", now)
    assert no.value.retry_after == 40

    limits.ask("203.0.113.10", now)  # somebody else
    limits.ask("203.0.113.9", world.clock.advance(seconds=40))


def test_of_two_hundred_requests_at_once_as_many_pass_as_may(
    world: World, grant: Callable[..., Limits]
) -> None:
    limits = grant(requests_per_minute=10)

    def passes(_: int) -> bool:
        try:
            limits.ask("203.0.113.9", world.clock())
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(passes, range(200))) == 10


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_what_a_household_has_is_one_address(address: str, same: str) -> None:
    assert network(address) == network(same)


def test_other_households_are_others() -> None:
    assert network("2001:db8:1:2::1") != network("2001:db8:1:3::1")
    assert network("203.0.113.9") != network("203.0.113.10")


@given(st.text())
def test_whatever_an_address_is_it_is_counted(address: str) -> None:
    assert len(network(address)) <= 64


# --- jobs at once -------------------------------------------------------------------------------


def test_a_job_more_than_is_allowed_waits_for_one_to_end(
    world: World, grant: Callable[..., Limits]
) -> None:
    limits = grant(active_jobs=2)
    first, _ = _make(world, limits), _make(world, limits)
    with pytest.raises(TooManyJobs, match=r"2 of your debates are being worked on") as no:
        _make(world, limits)
    assert no.value.retry_after == 60
    _make(world, limits, "bob")

    _becomes(world, first, Status.FAILED)
    _make(world, limits)
    with pytest.raises(TooManyJobs):
        _make(world, limits)


def test_of_many_jobs_made_at_once_as_many_are_made_as_may(
    world: World, grant: Callable[..., Limits]
) -> None:
    """From empty, and again where all places are to be handed over."""
    limits = grant(active_jobs=5)

    def made(_: int) -> str | None:
        try:
            return _make(world, limits)
        except TooManyJobs:
            return None

    for _ in range(2):
        with ThreadPoolExecutor(8) as pool:
            jobs = [job_id for job_id in pool.map(made, range(40)) if job_id]
        assert len(jobs) == 5
        for job_id in jobs:
            _becomes(world, job_id, Status.COMPLETE)


def test_a_place_whose_job_never_came_to_be_is_free_after_a_while(
    world: World, grant: Callable[..., Limits]
) -> None:
    limits = grant(active_jobs=1)
    with limits.admitted("ana", new_job_id(), world.clock()):
        pass  # the process died before it wrote the row
    with pytest.raises(TooManyJobs):
        _make(world, limits)
    world.clock.advance(minutes=6)
    _make(world, limits)


# --- bytes a day --------------------------------------------------------------------------------


def test_a_day_s_bytes_are_used_up_and_there_again_tomorrow(
    world: World, grant: Callable[..., Limits]
) -> None:
    limits = grant(bytes_per_day=10 * GIB)
    _make(world, limits, size=6 * GIB)
    with pytest.raises(DailyBytesUsed, match=r"more than 10\.0 GiB today.* in 12 h 0 min") as no:
        _make(world, limits, size=5 * GIB)
    assert no.value.retry_after == 12 * 3600 + 1
    _make(world, limits, size=4 * GIB)

    world.clock.advance(hours=12)
    _make(world, limits, size=10 * GIB)


def test_a_file_that_no_day_has_room_for_need_not_wait(
    world: World, grant: Callable[..., Limits]
) -> None:
    with pytest.raises(DailyBytesUsed, match=r"11\.0 GiB, and 10\.0 GiB is the most") as no:
        _make(world, grant(bytes_per_day=10 * GIB), size=11 * GIB)
    assert no.value.retry_after is None


def test_what_is_refused_or_fails_has_used_nothing(
    world: World, grant: Callable[..., Limits]
) -> None:
    limits = grant(bytes_per_day=10, active_jobs=1)
    with pytest.raises(ZeroDivisionError), limits.admitted("ana", "x", world.clock(), size=10):
        raise ZeroDivisionError
    job_id = _make(world, limits, size=1)
    for _ in range(3):
        with pytest.raises(TooManyJobs):
            _make(world, limits, size=9)
    _becomes(world, job_id, Status.COMPLETE)
    _make(world, limits, size=9)


def test_bytes_that_are_promised_at_once_never_exceed_the_day_s(
    world: World, grant: Callable[..., Limits]
) -> None:
    limits = grant(bytes_per_day=10)

    def taken(size: int) -> int:
        try:
            _make(world, limits, size=size)
        except DailyBytesUsed:
            return 0
        return size

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(taken, [3] * 60)) == 9


# --- minutes a day ------------------------------------------------------------------------------


def test_minutes_count_from_when_they_are_known(world: World, grant: Callable[..., Limits]) -> None:
    limits = grant(minutes_per_day=60)
    first, second = _make(world, limits), _make(world, limits)
    _becomes(world, first, Status.TRANSCRIBED, duration=59 * 60.0)
    _make(world, limits)
    _becomes(world, second, Status.COMPLETE, duration=90.0)
    with pytest.raises(DailyMinutesUsed, match=r"60 minutes .* 60 are the limit .* 12 h 0 min"):
        _make(world, limits)
    _make(world, limits, "bob")
    world.clock.advance(hours=12)
    _make(world, limits)


def test_a_deleted_debate_has_used_its_minutes(world: World, grant: Callable[..., Limits]) -> None:
    limits = grant(minutes_per_day=60)
    job_id = _make(world, limits)
    _becomes(world, job_id, Status.COMPLETE, duration=3600.0)
    world.table.replace(world.job(job_id).deleted(world.clock()))
    with pytest.raises(DailyMinutesUsed):
        _make(world, limits)


# --- all of them --------------------------------------------------------------------------------


def test_without_limits_nothing_is_counted(world: World, grant: Callable[..., Limits]) -> None:
    limits = grant()
    limits.ask("203.0.113.9", world.clock())
    _make(world, limits, size=GIB)
    assert world.ledger.dynamodb.scan(TableName=LEDGER)["Items"] == []


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3)))
def test_a_wait_leads_to_another_day(spell: timedelta) -> None:
    now = Clock().time + spell
    assert _day(now + timedelta(seconds=_until_tomorrow(now))) > _day(now)


def test_every_limit_is_one_kind_of_error() -> None:
    for kind in (TooManyRequests, TooManyJobs, DailyBytesUsed, DailyMinutesUsed):
        assert issubclass(kind, LimitReached)
