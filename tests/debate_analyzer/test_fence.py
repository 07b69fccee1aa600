"""What an older claim made never lies over what a newer one made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate_analyzer.errors import Conflict
from debate_analyzer.fence import put_fenced
from debate_analyzer.job import Settled
from debate_analyzer.ports import StoredObject
from tests.faults import memory
from tests.world import World

KEY, TYPE = "jobs/1/statistics/statistics.json", "application/json"


def _clock() -> datetime:
    return datetime(2026, 11, 22, tzinfo=UTC)


def _said(token: int) -> bytes:
    return f"by {token}".encode()


class Overlapping(memory.Store):
    """At each call others may come in between, as a sleeper finds them."""

    def __init__(self, others: list[int]) -> None:
        super().__init__(_clock)
        self.others = others
        self.refused: list[int] = []

    def write(self, token: int) -> None:
        try:
            put_fenced(self, KEY, _said(token), TYPE, token=token)
        except Settled:
            self.refused.append(token)

    def _let_others_by(self) -> None:
        if self.others and (token := self.others.pop()):
            self.write(token)

    def head(self, key: str) -> StoredObject | None:
        found = super().head(key)
        self._let_others_by()
        return found

    def put(self, *args: Any, **kwargs: Any) -> str:
        self._let_others_by()
        etag = super().put(*args, **kwargs)
        self._let_others_by()
        return etag


@given(
    writers=st.permutations(range(1, 5)),
    gaps=st.lists(st.integers(0, 2), min_size=4, max_size=4),
)
def test_whoever_comes_in_between_the_newest_remains(writers: list[int], gaps: list[int]) -> None:
    first, *others = writers
    spread = [
        token for gap, each in zip(gaps, others, strict=False) for token in (*[0] * gap, each)
    ]
    store = Overlapping(spread)
    store.write(first)
    while store.others:
        if token := store.others.pop():
            store.write(token)

    assert store.objects[KEY].data == _said(4)
    assert store.objects[KEY].about.fencing_token == 4
    assert 4 not in store.refused
    assert len(store.puts[KEY]) + len(store.refused) == 4


def test_a_newer_claim_writes_over_an_older_one_and_not_the_other_way(world: World) -> None:
    put_fenced(world.store, KEY, b"older", TYPE, token=3)
    put_fenced(world.store, KEY, b"newer", TYPE, token=7)
    with pytest.raises(Settled):
        put_fenced(world.store, KEY, b"older", TYPE, token=3)
    found = world.store.get(KEY)
    assert found is not None
    assert found[0] == b"newer"


def test_a_write_that_is_repeated_is_done_once(world: World) -> None:
    """boto3 asks again when an answer is lost, and is refused because of itself."""
    put_fenced(world.store, KEY, b"it", TYPE, token=3)
    there = world.store.head(KEY)
    put_fenced(world.store, KEY, b"it", TYPE, token=3)
    assert world.store.head(KEY) == there
    assert there is not None
    assert there.fencing_token == 3


def test_what_has_no_token_is_older_than_any_claim(world: World) -> None:
    world.store.put(KEY, b"of an older version", TYPE)
    put_fenced(world.store, KEY, b"it", TYPE, token=1)
    found = world.store.get(KEY)
    assert found is not None
    assert found[0] == b"it"


def test_one_who_never_gets_a_turn_is_told_so() -> None:
    class Busy(memory.Store):
        def put(self, *args: Any, **kwargs: Any) -> str:
            raise Conflict("Somebody else writes all the time.")

    with pytest.raises(Conflict, match="5 times"):
        put_fenced(Busy(_clock), KEY, b"it", TYPE, token=1)
