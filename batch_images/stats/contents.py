"""The index and the summary of a folder of statistics, from the files that are in it.

In S3 the publish function keeps them, from the job table. A folder on this machine has no table.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from batch_images.stats.people import people
from debate_analyzer.errors import InvalidRequest
from debate_analyzer.publication import Entry, Index, ListedPerson, Summary, sums_of


class _Totals(msgspec.Struct, rename="camel", gc=False):
    speaking_time: float
    words: int


class _OverlapStarts(msgspec.Struct, rename="camel", gc=False):
    overlap: int
    floor_taken: int


class _Speaker(msgspec.Struct, rename="camel", gc=False):
    speaker: str
    name: str | None
    speaking_time: float
    speaking_share: float
    words: int
    words_per_minute: float | None
    overlap_starts: _OverlapStarts | None


class _Debate(msgspec.Struct, rename="camel", gc=False):
    """What the index says of a debate."""

    job_id: str
    video_label: str
    updated_at: datetime
    duration: float
    language: str | None
    speakers_count: int
    totals: _Totals
    speakers: list[_Speaker]


_decoder = msgspec.json.Decoder(_Debate)
_NEVER = datetime.fromtimestamp(0, UTC)


def contents(folder: Path) -> tuple[Index, Summary]:
    """Of `by-job/*.json` in the folder, newest first. All are in the index itself: it has no pages.

    Raises InvalidRequest for a file that is none of ours.
    """
    debates = [_read(path) for path in folder.glob("by-job/*.json")]
    debates.sort(key=lambda debate: (debate.updated_at, debate.job_id))
    updated_at = debates[-1].updated_at if debates else _NEVER
    entries = [_entry(place, debate) for place, debate in enumerate(debates)]
    index = Index(updated_at=updated_at, jobs=entries[::-1], chapters=[])
    return index, Summary(updated_at=updated_at, **sums_of(entries))


def _read(path: Path) -> _Debate:
    try:
        return _decoder.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise InvalidRequest(
            f"{path} is no statistics of a debate ({error}); take it away for an index of the rest."
        ) from error


def _entry(place: int, debate: _Debate) -> Entry:
    return Entry(
        place=place,
        job_id=debate.job_id,
        video_label=debate.video_label,
        created_at=debate.updated_at,
        updated_at=debate.updated_at,
        completed_at=debate.updated_at,
        language=debate.language,
        duration=debate.duration,
        speaking_time=debate.totals.speaking_time,
        words=debate.totals.words,
        speakers_count=debate.speakers_count,
        people=[ListedPerson(**person.model_dump()) for person in people(debate.speakers)],
    )
