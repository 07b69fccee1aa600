"""Those in a debate who have names: what lists of more than one debate can tell apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from debate_analyzer.job import Person

MOST = 20
"""They stand in the debate's row and in the published index, which stay small."""


class _OverlapStarts(Protocol):
    @property
    def overlap(self) -> int: ...
    @property
    def floor_taken(self) -> int: ...


class _Speaker(Protocol):
    """A row of the statistics."""

    @property
    def speaker(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def speaking_time(self) -> float: ...
    @property
    def speaking_share(self) -> float: ...
    @property
    def words(self) -> int: ...
    @property
    def words_per_minute(self) -> float | None: ...
    @property
    def overlap_starts(self) -> _OverlapStarts | None: ...


def people(speakers: Iterable[_Speaker]) -> list[Person]:
    """Those who speak longest first. What two in a debate are called tells nobody apart: they are
    left out, until somebody merges them or names them better."""
    rows = list(speakers)
    called = Counter(name for row in rows for name in {row.speaker, row.name})
    named = [_person(row, row.name) for row in rows if row.name and called[row.name] == 1]
    return sorted(named, key=lambda person: (-person.speaking_time, person.name))[:MOST]


def _person(row: _Speaker, name: str) -> Person:
    starts = row.overlap_starts
    pace = row.words_per_minute
    return Person(
        name=name,
        speaking_time=round(row.speaking_time, 3),
        speaking_share=round(row.speaking_share, 6),
        words=row.words,
        words_per_minute=None if pace is None else round(pace, 3),
        overlap_starts=None if starts is None else starts.overlap + starts.floor_taken,
    )
