"""What a debate brings to the index: its passages, and who may find them.

A piece is written once, by whoever counted the debate, under a name of its own; nobody has to agree
with anybody. The row of the debate says which version of its text counts (`Job.searchable`).
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from debate_analyzer.job import Job

NEW_PREFIX = "search/new/"
LONGEST_PASSAGE = 2_000  # characters, about two minutes: a longer speech is several

_NEW_KEY = re.compile(
    rf"{NEW_PREFIX}(?P<job_id>[0-9a-f-]{{36}})/(?P<name>[0-9a-f-]+)\.(?P<kind>\w+)"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Said:
    """A segment of the transcript: times in seconds from the start of the recording."""

    start: float
    end: float
    speaker: str | None
    text: str


@dataclass(frozen=True)
class Passage:
    """What one speaker says in a row. `segments`: where in `text` each begins, its start and its
    end in seconds."""

    speaker: str | None
    text: str
    segments: tuple[tuple[int, float, float], ...]

    def times(self, start: int, end: int) -> tuple[float, float]:
        """When the characters from `start` to `end` are said: from the beginning of the segment of
        the first to the end of that of the last."""
        begun = [segment for segment in self.segments if segment[0] <= start]
        reached = [segment for segment in self.segments if segment[0] < end]
        return begun[-1][1], max(segment[2] for segment in reached[len(begun) - 1 :])


@dataclass(frozen=True)
class Piece:
    """A debate as the index has it. `age` orders debates, the newest first: microseconds from its
    creation to 1970."""

    job_id: str
    version: int
    age: int
    owner: str
    published: bool
    passages: tuple[Passage, ...]

    @property
    def key(self) -> str:
        """Where it lies until it is merged."""
        return f"{NEW_PREFIX}{self.job_id}/{self.version}.piece"


@dataclass(frozen=True)
class NewKey:
    """`search/new/<job id>/<version>.piece` or `…/<uuid>.mark`."""

    job_id: str
    version: int | None

    @property
    def is_mark(self) -> bool:
        return self.version is None


def parse_new_key(key: str) -> NewKey | None:
    """None for any other shape."""
    match = _NEW_KEY.fullmatch(key)
    if match is None or match["kind"] not in ("piece", "mark"):
        return None
    return NewKey(match["job_id"], int(match["name"]) if match["kind"] == "piece" else None)


def age(created_at: datetime) -> int:
    """See `Piece.age`."""
    return (_EPOCH - created_at) // _MICROSECOND


def piece_of(job: Job, passages: Iterable[Passage], *, published: bool) -> Piece:
    """What was said in the debate; `job` is the row as it was claimed for counting it."""
    return Piece(
        job_id=job.job_id,
        version=job.version,
        age=age(job.created_at),
        owner=job.owner,
        published=published,
        passages=tuple(passages),
    )


def passages(said: Iterable[Said]) -> list[Passage]:
    """Segments in order of time become passages: a phrase may go on in the speaker's next one."""
    found: list[Passage] = []
    for each in said:
        if not (text := each.text.strip()):
            continue
        last = found[-1] if found else None
        if last and last.speaker == each.speaker and len(last.text) + len(text) < LONGEST_PASSAGE:
            segments = (*last.segments, (len(last.text) + 1, each.start, each.end))
            found[-1] = Passage(last.speaker, f"{last.text} {text}", segments)
        else:
            found.append(Passage(each.speaker, text, ((0, each.start, each.end),)))
    return found


def packed(said: Iterable[Passage]) -> bytes:
    """Passages as they are stored."""
    rows = [[each.speaker, each.text, each.segments] for each in said]
    return zlib.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())


def unpacked(data: bytes) -> tuple[Passage, ...]:
    return _passages(json.loads(zlib.decompress(data)))


def dump(piece: Piece) -> bytes:
    """A piece as it lies in the bucket."""
    document = {
        "job_id": piece.job_id,
        "version": piece.version,
        "age": piece.age,
        "owner": piece.owner,
        "published": piece.published,
        "passages": [[each.speaker, each.text, each.segments] for each in piece.passages],
    }
    return zlib.compress(json.dumps(document, ensure_ascii=False).encode())


def load(data: bytes) -> Piece:
    document = json.loads(zlib.decompress(data))
    return Piece(**{**document, "passages": _passages(document["passages"])})


def _passages(rows: Iterable[Any]) -> tuple[Passage, ...]:
    return tuple(
        Passage(speaker, text, tuple(tuple(segment) for segment in segments))
        for speaker, text, segments in rows
    )
