"""The chain as one table: which object leads to which stage, and the states a stage moves through.

A further step is a further row here (and its queues in the template).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from debate_analyzer.key import EDITS_FOLDER, PARTS_FOLDER, VIDEOS_FOLDER, JobKey


class Status(StrEnum):
    """Where a job stands. The last four are ends."""

    UPLOADING = "UPLOADING"
    QUEUED = "QUEUED"
    TRANSCRIBING = "TRANSCRIBING"
    SPLIT = "SPLIT"
    TRANSCRIBED = "TRANSCRIBED"
    STATS_QUEUED = "STATS_QUEUED"
    ANALYZING = "ANALYZING"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    DELETED = "DELETED"


class Phase(StrEnum):
    """What a list of jobs is filtered by: coarser than the status, so that an index can have it."""

    ACTIVE = "active"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


MEDIA_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts"),
    *(".m4a", ".mp3", ".wav", ".flac", ".ogg", ".opus", ".aac"),
)


@dataclass(frozen=True)
class Stage:
    """A step with queues and workers of its own; an object `folders`/*`suffixes` starts it, and so
    does one of `companions` (`folder/name`), which the step works with. `units_per_worker` is about
    what a worker does in three to five minutes, as long as a job of Batch should last at least
    (docs.aws.amazon.com/batch/latest/userguide/best-practices.html)."""

    name: str
    folders: tuple[str, ...]
    suffixes: tuple[str, ...]
    queued: Status
    running: Status
    done: Status
    units_per_worker: int
    split: Status | None = None  # while its parts are worked on
    companions: tuple[str, ...] = ()

    def starts_from(self, key: JobKey) -> bool:
        if f"{key.folder}/{key.name}" in self.companions:
            return True
        return key.folder in self.folders and key.suffix in self.suffixes


TRANSCRIBE = Stage(
    name="transcribe",
    folders=(VIDEOS_FOLDER, PARTS_FOLDER),
    suffixes=MEDIA_SUFFIXES,
    queued=Status.QUEUED,
    running=Status.TRANSCRIBING,
    done=Status.TRANSCRIBED,
    units_per_worker=10,
    split=Status.SPLIT,
)
STATS = Stage(
    name="stats",
    folders=("transcripts",),
    suffixes=(".json",),
    queued=Status.STATS_QUEUED,
    running=Status.ANALYZING,
    done=Status.COMPLETE,
    units_per_worker=1000,
    companions=(f"{EDITS_FOLDER}/edits.json",),
)
STAGES = {stage.name: stage for stage in (TRANSCRIBE, STATS)}

_OUT = {Status.FAILED, Status.CANCELLED, Status.DELETED}
ENDS = frozenset({Status.COMPLETE, *_OUT})

# What may follow what. A queued or running status may return to its own queue: that is a retry. An
# import is claimed, renewed and retried while its job is UPLOADING, and can be asked for again.
TRANSITIONS: dict[Status, set[Status]] = {
    Status.UPLOADING: {Status.UPLOADING, Status.QUEUED, Status.STATS_QUEUED} | _OUT,
    Status.QUEUED: {Status.QUEUED, Status.TRANSCRIBING} | _OUT,
    Status.TRANSCRIBING: {Status.TRANSCRIBING, Status.SPLIT, Status.TRANSCRIBED, Status.QUEUED}
    | _OUT,
    Status.SPLIT: {Status.SPLIT, Status.TRANSCRIBING, Status.QUEUED} | _OUT,
    Status.TRANSCRIBED: {Status.STATS_QUEUED, Status.QUEUED} | _OUT,
    Status.STATS_QUEUED: {Status.STATS_QUEUED, Status.ANALYZING, Status.QUEUED} | _OUT,
    Status.ANALYZING: {Status.ANALYZING, Status.COMPLETE, Status.STATS_QUEUED, Status.QUEUED}
    | _OUT,
    Status.COMPLETE: {Status.QUEUED, Status.STATS_QUEUED, Status.DELETED},
    Status.FAILED: {Status.UPLOADING, Status.QUEUED, Status.STATS_QUEUED, Status.DELETED},
    Status.CANCELLED: {Status.UPLOADING, Status.QUEUED, Status.STATS_QUEUED, Status.DELETED},
    Status.DELETED: set(),
}


def stage_started_by(key: JobKey) -> Stage | None:
    """The stage that an object starts, or None for one that only lies there."""
    return next((stage for stage in STAGES.values() if stage.starts_from(key)), None)


def stage_of(status: Status) -> Stage | None:
    """The stage whose queue or workers hold a job of this status."""
    return next((s for s in STAGES.values() if status in (s.queued, s.running, s.split)), None)


def phase_of(status: Status) -> Phase | None:
    """None for what is gone."""
    if status is Status.DELETED:
        return None
    return Phase(status.value.lower()) if status in ENDS else Phase.ACTIVE
