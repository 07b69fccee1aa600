"""Three hundred schedules; ten thousand and more by `python -m tests.faults.schedules 10000`."""

from __future__ import annotations

import os

import pytest

from debate_analyzer import arrival
from debate_analyzer.job import Job
from tests.faults.schedules import Schedule, run

_COUNT = int(os.environ.get("FAULT_SCHEDULES", "300"))
_AT_ONCE = 50


@pytest.mark.parametrize("first", range(0, _COUNT // 2, _AT_ONCE // 2))
def test_whatever_comes_twice_late_or_not_at_all_every_debate_comes_to_its_end_once(
    first: int,
) -> None:
    outcomes, wrong = run(range(first, first + _AT_ONCE // 2))
    assert wrong == []
    assert sum(outcome.faults for outcome in outcomes) > 0


def test_a_seed_makes_one_schedule() -> None:
    assert Schedule(7, with_people=True).run() == Schedule(7, with_people=True).run()


def test_a_step_that_is_not_written_down_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def queued(self: Job, *args: object, **changes: object) -> Job:
        again = real(self, *args, **changes)  # type: ignore[arg-type]
        return again.model_copy(update={"status": "TRANSCRIBED"})

    real = Job.queued
    monkeypatch.setattr(Job, "queued", queued)
    _, wrong = run(range(3))
    assert wrong


def test_events_that_are_taken_at_their_word_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event starts the work anew, as it would where nobody compares what it is of."""
    admit = arrival._admit
    monkeypatch.setattr(arrival, "_admit", lambda *args: admit(*args[:-1], True))
    _, wrong = run(range(10))
    assert any("twice" in each or "began again" in each for each in wrong)
