"""A shard: debates of the index in two objects that never change.

`<name>.words` is an SQLite database: where each word is said (FTS5), and a row a debate.
`<name>.text` is what is shown of them: a debate's passages, packed, one debate after the other.

Debates are in order of their age, and rows of FTS5 in order of debates and passages: what is found
comes newest first, and a question stops when it has enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import apsw

from debate_analyzer.search.piece import Passage, Piece, packed, unpacked
from debate_analyzer.search.words import Phrase, words

# Bytes of SQLite's pages, and FTS5's. In the bucket few and large ones: each that a question needs
# may be a request. In memory small ones: a debate alone fills no large one.
_STORED, _IN_MEMORY = (32_768, 16_000), (4_096, 1_000)
_SORTED = 32 << 20  # bytes of words that are sorted before they are written: a few hundred debates
_CHUNK = 64  # candidates that are fetched at once

_SCHEMA = """
    PRAGMA page_size = {page};
    PRAGMA journal_mode = off;
    PRAGMA synchronous = off;
    CREATE TABLE debate (
        first INTEGER PRIMARY KEY,  -- row of its first passage
        age INTEGER, job_id TEXT, version INTEGER, owner TEXT, published INTEGER,
        start INTEGER, length INTEGER  -- of its passages in .text
    );
    CREATE VIRTUAL TABLE words USING fts5(
        text, speaker, content='', columnsize=0, tokenize='ascii'
    );
    INSERT INTO words (words, rank) VALUES ('pgsz', {leaf}), ('hashsize', {sorted});
"""
_INDEXES = """
    CREATE INDEX by_age ON debate (age, job_id, version);
    CREATE INDEX by_job ON debate (job_id, version);
    INSERT INTO words (words) VALUES ('optimize');
"""


class Place(NamedTuple):
    """Where a passage is in the order of all; no two have the same."""

    age: int
    job_id: str
    version: int
    number: int


@dataclass(frozen=True)
class Candidate:
    """A passage with what was asked for; whether it may be shown, its debate's row says."""

    place: Place
    start: int
    length: int


@dataclass(frozen=True)
class Look:
    """What is asked of every shard. `phrases` are all in the passage, `speaker` in the speaker's
    name. From `after`, exclusive, to `before`, an age, exclusive.

    `owners`: whose private debates are candidates; None for everybody's. What the index says of
    owners and publication may be late: so it is not asked about those in `unsure`.
    """

    phrases: Sequence[Phrase]
    speaker: Phrase = ()
    after: Place | None = None
    before: int | None = None
    owners: tuple[str, ...] | None = None
    unsure: frozenset[str] = frozenset()

    @cached_property
    def expression(self) -> str:
        """FTS5's: quoted, of letters and digits only (https://sqlite.org/fts5.html, section 3)."""
        asked = [("text", phrase) for phrase in self.phrases]
        asked += [("speaker", self.speaker)] if self.speaker else []
        return " AND ".join(f'{{{column}}} : "{" ".join(phrase)}"' for column, phrase in asked)


@dataclass(frozen=True)
class Written:
    """What was written: ages and counts for the manifest."""

    newest: int
    oldest: int
    debates: int
    words: int


def write(pieces: Iterable[Piece], words_path: str, text: BinaryIO) -> Written | None:
    """A shard of pieces, which come in order of `age`, `job_id` and `version`. None where there are
    none."""
    with closing(apsw.Connection(words_path)) as database:
        return _fill(database, pieces, text, _STORED)


def _fill(
    database: apsw.Connection, pieces: Iterable[Piece], text: BinaryIO, pages: tuple[int, int]
) -> Written | None:
    page, leaf = pages
    # Pragmas answer with rows, which are to be read before the next statement runs.
    list(database.execute(_SCHEMA.format(page=page, leaf=leaf, sorted=_SORTED)))
    row, start, debates, count = 1, 0, 0, 0
    ages: list[int] = []
    with database:
        for piece in pieces:
            data = packed(piece.passages)
            text.write(data)
            database.execute(
                "INSERT INTO debate VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(row, piece.age, piece.job_id, piece.version),
                    *(piece.owner, piece.published, start, len(data)),
                ),
            )
            for passage in piece.passages:
                said = words(passage.text)
                database.execute(
                    "INSERT INTO words (rowid, text, speaker) VALUES (?, ?, ?)",
                    (row, " ".join(said), " ".join(words(passage.speaker or ""))),
                )
                row, count = row + 1, count + len(said)
            row += not piece.passages  # every debate has a row of its own
            start, debates = start + len(data), debates + 1
            ages = [*ages[:1], piece.age]
        database.execute(_INDEXES)
    return Written(ages[0], ages[-1], debates, count) if ages else None


@dataclass(frozen=True)
class Shard:
    """A shard that is open. `read(start, length)` answers of its .text."""

    database: apsw.Connection
    read: Callable[[int, int], bytes]

    def candidates(self, look: Look) -> Iterator[list[Candidate]]:
        """In order, some at a time; an empty list comes last."""
        first, last = self._rows(look)
        narrowed = "" if look.owners is None else _NARROWED
        owners = look.owners or ()
        rows = self.database.execute(
            _CANDIDATES.format(
                narrowed=narrowed.format(owners=_marks(owners), unsure=_marks(look.unsure))
            ),
            (look.expression, first, last, *((*owners, *look.unsure) if narrowed else ())),
        )
        while True:
            some = [
                Candidate(Place(age, job_id, version, number), start, length)
                for (number, age, job_id, version, start, length), _ in zip(
                    rows, range(_CHUNK), strict=False
                )
            ]
            yield some
            if not some:
                return

    def _rows(self, look: Look) -> tuple[int, int]:
        """The passages that a look is about: from row, to row."""
        first, last = 0, 1 << 62
        if look.after is not None:
            *debate, number = look.after
            row = self._row(
                "SELECT first, age, job_id, version FROM debate"
                " WHERE (age, job_id, version) >= (?, ?, ?) ORDER BY age, job_id, version",
                debate,
            )
            first = last if row is None else row[0]
            if row is not None and list(row[1:]) == debate:
                first += number + 1
        if look.before is not None:
            row = self._row("SELECT first FROM debate WHERE age >= ? ORDER BY age", [look.before])
            last = last if row is None else row[0]
        return first, last

    def _row(self, query: str, bindings: Sequence[object]) -> tuple[Any, ...] | None:
        return next(iter(self.database.execute(f"{query} LIMIT 1", tuple(bindings))), None)

    def passages(self, candidate: Candidate) -> tuple[Passage, ...]:
        """Of the candidate's debate."""
        return unpacked(self.read(candidate.start, candidate.length))

    def versions(self, job_ids: Iterable[str]) -> list[tuple[str, int]]:
        """Which of the debates are here, and in which version."""
        wanted = sorted(job_ids)
        query = f"SELECT job_id, version FROM debate WHERE job_id IN ({_marks(wanted)})"
        return list(self.database.execute(query, wanted)) if wanted else []

    def pieces(self) -> Iterator[Piece]:
        """Everything, in order."""
        for age, job_id, version, owner, published, start, length in self.database.execute(
            "SELECT age, job_id, version, owner, published, start, length FROM debate"
            " ORDER BY first"
        ):
            said = unpacked(self.read(start, length))
            yield Piece(job_id, version, age, owner, bool(published), said)


_CANDIDATES = """
    SELECT words.rowid - first, age, job_id, version, start, length
    FROM words CROSS JOIN debate ON first = (
        SELECT first FROM debate WHERE first <= words.rowid ORDER BY first DESC LIMIT 1
    )
    WHERE words MATCH ? AND words.rowid >= ? AND words.rowid < ? {narrowed}
    ORDER BY words.rowid
"""
_NARROWED = "AND (published OR owner IN ({owners}) OR job_id IN ({unsure}))"


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)


def in_memory(piece: Piece) -> Shard:
    """A shard of one debate, for what is not merged yet."""
    database, text = apsw.Connection(":memory:"), BytesIO()
    _fill(database, [piece], text, _IN_MEMORY)
    data = text.getvalue()
    return Shard(database, lambda start, length: data[start : start + length])


def on_disk(words: Path, text: Path) -> Shard:
    """A shard in two files."""

    def read(start: int, length: int) -> bytes:
        with text.open("rb") as file:
            file.seek(start)
            return file.read(length)

    return Shard(apsw.Connection(str(words), flags=apsw.SQLITE_OPEN_READONLY), read)
