"""What benchmarks.index measures, smaller: the work does not grow, and nobody's update is lost."""

from __future__ import annotations

import random

import pytest

from benchmarks.index import contention, hour, lost
from benchmarks.storage import Turns
from debate_analyzer import job, publication
from debate_analyzer.publication import TRIES


def test_a_second_s_work_is_the_same_however_much_was_published_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job, "PAGE_JOBS", 20)
    monkeypatch.setattr(publication, "CHAPTER_PAGES", 10)
    monkeypatch.setattr(publication, "NEWEST", 10)

    archive, windows = hour(seconds=80, window=20, per_second=10)

    assert lost(archive) == 0
    for call in ("GET", "PUT", "LIST", "Query", "BatchGetItem", "PutItem", "rows read"):
        assert windows[-1][call] <= 1.05 * windows[1][call] + 1, call
    # The index has a link more for each chapter, of 200 jobs here and 250,000 in earnest.
    assert windows[-1]["bytes written"] < 1.2 * windows[1]["bytes written"]


def test_sixteen_writers_lose_nothing_and_try_no_more_often_than_they_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publication, "random", random.Random(1))

    archive, turns, given_up = contention(writers=16, updates=8)

    assert lost(archive) == 0
    assert given_up == 0
    assert max(tries for _, tries in archive.files.tries) <= TRIES
    assert turns.now < 16 * 8  # seconds, of which none passed here


def test_threads_that_wait_go_on_in_the_order_of_their_waits() -> None:
    turns, order = Turns(), []

    def work(name: str, *waits: float) -> None:
        for wait in waits:
            turns.wait(wait)
            order.append((name, turns.now))

    turns.run([lambda: work("a", 3, 1), lambda: work("b", 1, 1, 5)])

    assert order == [("b", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 7)]


def test_what_one_of_them_raises_is_raised() -> None:
    turns = Turns()

    def fail() -> None:
        turns.wait(1)
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        turns.run([fail, lambda: turns.wait(2)])
    assert turns.now == 2
