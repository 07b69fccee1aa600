"""Parts: a recording too long for one worker is heard by many, ten minutes each.

A part is a job of its own, whose recording is a piece of another's: it is queued, claimed, retried
and failed as any other. Its row is the whole's in all that the user said, is owned by the whole (so
that the index `by_owner` lists the parts of one and no user's list has them), and is gone when the
whole is done. A part is done when what was heard of it lies in the bucket.

`round` tells the parts of one time that a recording is worked on from those of another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from debate_analyzer.job import Job, announced
from debate_analyzer.key import PARTS_FOLDER, JobKey, hearing_key, parts_prefix
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, ObjectStore
from debate_analyzer.transcript import Source, Warning

_NAME = re.compile(r"(?P<round>\d+)-(?P<number>\d{4})")


class Plan(BaseModel):
    """How a recording was cut. Times in seconds; `seconds` is what the cutting took,
    `warnings` what was found amiss before.

    The sound of a part also has `margin` seconds of each neighbour's, where there is one.
    """

    source: Source
    duration: float
    warnings: list[Warning] = []
    seconds: dict[str, float]
    margin: float
    spans: list[tuple[float, float]]

    def offset(self, number: int) -> float:
        """The second at which the sound of the part begins."""
        return max(0.0, self.spans[number][0] - self.margin)

    def own(self, number: int) -> tuple[float, float]:
        """Of the part's sound, what is not its neighbours'."""
        start, end = self.spans[number]
        return start - self.offset(number), end - self.offset(number)


@dataclass(frozen=True)
class Part:
    """The `number`th part, from 0, of the `round` of a recording."""

    whole: str
    round: int
    number: int

    @property
    def job_id(self) -> str:
        """No UUID, so that the API knows nothing of it."""
        return f"{self.whole}.{self.round}-{self.number:04d}"


def read_part(key: JobKey) -> Part | None:
    """Which part's sound lies at `key`, if one's does."""
    match = _NAME.fullmatch(key.stem) if key.folder == PARTS_FOLDER else None
    return Part(key.job_id, int(match["round"]), int(match["number"])) if match else None


def whole_of(job_id: str) -> str:
    """The recording's id, of a part's or of its own."""
    return job_id.partition(".")[0]


def part_job(part: Part, whole: Job, now: datetime) -> Job:
    """The row of a part that has not arrived."""
    return announced(
        owner=whole.job_id,
        title=whole.title,
        media=None,
        now=now,
        job_id=part.job_id,
        published=False,
        language=whole.language,
        model=whole.model,
    )


def is_wanted(part: Part, whole: Job | None) -> bool:
    """Whether anybody waits for the part: not where the whole was cancelled, failed or is newer."""
    return (
        whole is not None
        and whole.round == part.round
        and whole.status in (Status.TRANSCRIBING, Status.SPLIT)
    )


def missing(store: ObjectStore, whole: Job) -> list[int]:
    """The numbers of the parts that are not done. One request a thousand parts."""
    found = {stored.key for stored in store.list(f"{parts_prefix(whole.job_id)}{whole.round}-")}
    return [
        number
        for number in range(whole.parts or 0)
        if hearing_key(whole.job_id, whole.round, number) not in found
    ]


def clear(table: JobTable, store: ObjectStore, whole: Job) -> None:
    """The recording is done: nothing is left of its parts. May be repeated."""
    store.delete(parts_prefix(whole.job_id))
    for number in range(whole.parts or 0):
        table.delete(Part(whole.job_id, whole.round, number).job_id)
