"""A hundredth of what benchmarks.reliability does, by the same code."""

from __future__ import annotations

import pytest

from debate_analyzer import sweeper
from debate_analyzer.dispatch import Dispatcher
from debate_analyzer.pipeline import Status
from debate_analyzer.sweeper import Sweeper
from tests.faults.simulation import scenarios

SWEEPERS_MINUTE = 65.0
"""With the seconds that the sweep itself takes, and those between two looks of the simulation."""


def test_a_burst_loses_nothing_is_never_throttled_and_drains_as_fast_as_its_workers_can() -> None:
    outcome = scenarios.burst(3_000, workers=16)

    assert outcome.statuses == {Status.COMPLETE: 3_000}
    assert outcome.lost == 0
    assert outcome.dead_letters == {}
    assert outcome.throttles_surfaced == 0
    assert outcome.submits <= 0.01 * 3_000
    assert outcome.rate == pytest.approx(outcome.modelled_rate, rel=0.1)
    assert outcome.chain.longest_gap <= SWEEPERS_MINUTE


def test_one_file_alone_has_its_worker_called_at_once() -> None:
    one = scenarios.alone()

    assert one.submitted < 10
    assert one.submits == 2  # one to transcribe, one to count


def test_one_file_does_not_wait_for_the_many_of_another_owner() -> None:
    fair = scenarios.flood(1_000)
    plain = scenarios.flood(1_000, fair=False)

    assert fair.worker < 0.5 * plain.worker
    assert fair.worker < 0.5 * fair.flood
    assert fair.event < 10


def test_a_day_of_failures_and_outages_ends_every_file_and_tells_every_owner_once() -> None:
    outcome = scenarios.day(1_000, workers=4)

    assert outcome.lost == 0
    assert outcome.untold == 0
    assert outcome.told_twice == 0
    assert outcome.dead_letters == {}
    assert outcome.throttles_surfaced == 0
    assert outcome.chain.longest_gap <= SWEEPERS_MINUTE
    assert set(outcome.reasons) <= {"no_speech"}
    assert outcome.chain.table.latest_retry <= SWEEPERS_MINUTE
    assert outcome.chain.told.mails.total() == outcome.files


def test_a_retry_is_taken_up_within_a_minute_of_its_time_however_many_files_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweeper, "_LIMIT", sweeper._LIMIT // 10)  # to as many files

    outcome = scenarios.burst(2_000, workers=16, transient=0.05)

    assert outcome.lost == 0
    assert 0 < outcome.chain.table.latest_retry <= SWEEPERS_MINUTE


def test_whoever_dies_before_a_worker_is_called_is_made_up_for_within_the_sweeper_s_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Dispatcher, "call_worker", lambda self, stage: None)

    one = scenarios.alone()

    assert one.submits == 2
    assert one.submitted <= SWEEPERS_MINUTE


def test_without_a_sweeper_files_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sweeper, "sweep", lambda self, now: {})

    outcome = scenarios.day(300, workers=4)

    assert outcome.lost > 0
