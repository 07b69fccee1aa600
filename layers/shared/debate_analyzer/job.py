"""The job: one recording on its way from upload to statistics.

Pure: every method returns the job as it would be after the step, or says why the step may not be
taken. `ports.JobTable` writes it only if nobody else wrote first.

`check_at` is the heart of recovery: while anything is still owed to a job, it names the moment at
which the sweeper has to look at it. Each step that hands the job on sets it, the last removes it.
"""

from __future__ import annotations

import uuid
import zlib
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from debate_analyzer.errors import Conflict, DebateError
from debate_analyzer.pipeline import ENDS, STATS, TRANSCRIBE, TRANSITIONS, Stage, Status, stage_of
from debate_analyzer.unit import Unit

CHECK_SHARDS = 8
PAGE_JOBS = 500  # on a page of the published index
SHARED_OWNER = "shared"  # who owns what arrived without an announcement: everybody who may sign in

_QUEUED_CHECK = timedelta(minutes=2)
_HANDOVER_CHECK = timedelta(minutes=2)
_UPLOAD_CHECK = timedelta(minutes=10)

_TELLING = 0.05  # of the work: less says nothing about how long the rest will take


# Always with microseconds, so that the text sorts as the time does: it is an index's sort key.
Timestamp = Annotated[
    datetime, PlainSerializer(lambda time: time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), return_type=str)
]


class Settled(DebateError):
    """The unit needs no work: it is done, superseded, or in somebody else's hands."""

    code = "settled"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Media(_Part):
    """The recording as announced (no etag yet) or as found in the bucket."""

    key: str
    bytes: int
    content_type: str = "application/octet-stream"
    etag: str | None = None


class Fault(_Part):
    """Why a job failed, or why its last attempt did. `message` is a sentence for the user."""

    code: str
    message: str


class Claim(_Part):
    """A worker's hold on the job until `until` (epoch seconds), renewed while the worker lives."""

    worker: str
    attempt: int = 1
    until: float


class Figures(_Part):
    """The few numbers that lists and totals show without opening the statistics."""

    duration: float
    speaking_time: float
    words: int
    speakers: int


class Job(_Part):
    """One row of the job table. Times are UTC; `check_at` and `retry_at` are epoch seconds."""

    job_id: str
    owner: str
    title: str
    status: Status
    version: int = 0
    created_at: Timestamp
    updated_at: Timestamp
    completed_at: Timestamp | None = None
    media: Media | None = None
    language: str | None = None
    speakers: int | None = Field(default=None, description="how many speak, if the user said so")
    channel_per_speaker: bool = Field(default=False, description="as the user says")
    progress: float | None = None
    since: Timestamp | None = Field(
        default=None, description="when the work began that is under way"
    )
    expected_at: Timestamp | None = Field(default=None, description="when the stage may be done")
    round: int = Field(default=0, description="how often new work has come")
    parts: int | None = Field(default=None, description="in how many it is worked on, if split")
    attempt: int = 0
    retry_at: float | None = None
    check_at: float | None = None
    claim: Claim | None = None
    units: dict[str, Unit] = {}
    fault: Fault | None = None
    duration: float | None = None
    speakers_count: int | None = None
    figures: Figures | None = None
    warnings: list[str] = []
    published: bool = True
    place: int | None = Field(default=None, description="in the published index; see placed()")

    @property
    def stage(self) -> Stage | None:
        return stage_of(self.status)

    @property
    def unit(self) -> Unit | None:
        """The work that the job waits for or is in, if it is in a stage."""
        return self.units.get(self.stage.name) if self.stage else None

    @property
    def check_shard(self) -> str | None:
        """The partition of `by_check`: only jobs that somebody has to look at are in that index."""
        if self.check_at is None:
            return None
        return str(zlib.crc32(self.job_id.encode()) % CHECK_SHARDS)

    @property
    def is_listed(self) -> bool:
        """Whether the published index shows the job; while it is counted again, too."""
        return self.published and self.figures is not None and self.status is not Status.DELETED

    @property
    def index_page(self) -> int | None:
        """The page of the index with the job's place, whether the job is shown there or not."""
        return None if self.place is None else page_of(self.place)

    def _step(self, status: Status, now: datetime, **changes: Any) -> Self:
        if status not in TRANSITIONS[self.status]:
            raise Conflict(f"A job that is {self.status} cannot become {status}.")
        unless_said = {
            "claim": None,
            "retry_at": None,
            "check_at": None,
            "since": None,
            "expected_at": None,
        }
        if stage_of(status) is not self.stage:
            unless_said["progress"] = None
        changes = unless_said | changes
        return self.model_copy(update={"status": status, "updated_at": now, **changes})

    # --- arrival ---------------------------------------------------------------------------

    def queued(self, unit: Unit, now: datetime, **changes: Any) -> Self:
        """New content for a stage waits for a worker; what was known of older content is gone."""
        return self._step(
            unit.stage.queued,
            now,
            units=_units_up_to(unit, self.units),
            round=self.round + 1,
            parts=None,
            progress=None,
            attempt=0,
            fault=None,
            check_at=(now + _QUEUED_CHECK).timestamp(),
            **changes,
        )

    # --- a worker --------------------------------------------------------------------------

    def claimed(self, unit: Unit, claim: Claim, now: datetime) -> Self:
        """Take the unit. Raises Settled when there is nothing left to take."""
        if self.units.get(unit.stage.name) != unit:
            raise Settled("Newer content has taken the place of this unit.")
        if self.status is unit.stage.running:
            if not self._may_take_over(claim, now):
                raise Settled("Another worker holds this unit.")
        elif self.status not in (unit.stage.queued, unit.stage.split):
            raise Settled(f"The job is {self.status}.")
        elif self.retry_at is not None and self.retry_at > now.timestamp():
            raise Settled("The unit is to be retried later.")
        return self._step(
            unit.stage.running,
            now,
            claim=claim,
            attempt=self.attempt + 1,
            progress=self.progress or 0.0,
            since=now,
            check_at=claim.until,
        )

    def _may_take_over(self, claim: Claim, now: datetime) -> bool:
        held = self.claim
        if held is None or held.until < now.timestamp():
            return True
        # Batch started the same worker again: its earlier attempt is certainly dead.
        return held.worker == claim.worker and held.attempt < claim.attempt

    def held_by(self, claim: Claim, unit: Unit) -> bool:
        """Whether the claim is still good: same worker, same attempt, same unit."""
        held = self.claim
        return (
            held is not None
            and (held.worker, held.attempt) == (claim.worker, claim.attempt)
            and self.unit == unit
        )

    def renewed(self, claim: Claim, progress: float, now: datetime) -> Self:
        """A heartbeat: the claim is good until `claim.until`.

        What is shown of the progress never falls, also where a second attempt begins anew.
        """
        return self._step(
            self.status,
            now,
            claim=claim,
            progress=max(self.progress or 0.0, progress),
            since=self.since,
            expected_at=_expected(self.since, progress, now) or self.expected_at,
            check_at=claim.until,
        )

    def split(self, parts: int, progress: float, now: datetime) -> Self:
        """The recording is with as many workers as there are; `progress` by how many are done."""
        since = self.since or now
        return self._step(
            Status.SPLIT,
            now,
            attempt=0,
            fault=None,
            parts=parts,
            progress=max(self.progress or 0.0, progress),
            since=since,
            expected_at=_expected(since, progress, now),
            check_at=(now + _HANDOVER_CHECK).timestamp(),
        )

    def heard(self, now: datetime) -> Self:
        """A part is done: what was heard of it lies in the bucket, and nothing is owed to it."""
        return self._step(Status.TRANSCRIBED, now, attempt=0, fault=None)

    def transcribed(
        self,
        now: datetime,
        *,
        duration: float,
        language: str | None,
        speakers_count: int,
        warnings: list[str],
    ) -> Self:
        """The transcript is about to be published; its arrival starts the next stage."""
        return self._step(
            Status.TRANSCRIBED,
            now,
            attempt=0,
            fault=None,
            duration=duration,
            language=language,
            speakers_count=speakers_count,
            warnings=warnings,
            check_at=(now + _HANDOVER_CHECK).timestamp(),
        )

    def completed(self, figures: Figures, now: datetime, **changes: Any) -> Self:
        """Done; `check_at` stays until the index shows it (`indexed`)."""
        return self._step(
            Status.COMPLETE,
            now,
            attempt=0,
            fault=None,
            figures=figures,
            duration=figures.duration,
            speakers_count=figures.speakers,
            completed_at=now,
            check_at=(now + _HANDOVER_CHECK).timestamp(),
            **changes,
        )

    # --- the published index ---------------------------------------------------------------

    def placed(self, place: int) -> Self:
        """At its place in the index, which it keeps for good: it never moves between pages."""
        return self if self.place is not None else self.model_copy(update={"place": place})

    def unpublished(self, now: datetime) -> Self:
        """Out of the index; everything else stays."""
        return self._published(False, now)

    def republished(self, now: datetime) -> Self:
        """Back in the index, where it was."""
        return self._published(True, now)

    def _published(self, published: bool, now: datetime) -> Self:
        changes: dict[str, Any] = {"published": published, "updated_at": now}
        if self.status in ENDS:  # otherwise the work that goes on ends with a look at the index
            changes["check_at"] = (now + _HANDOVER_CHECK).timestamp()
        return self.model_copy(update=changes)

    def deleted(self, now: datetime) -> Self:
        """Gone; `check_at` stays until the index no longer shows it (`indexed`)."""
        check_at = (now + _HANDOVER_CHECK).timestamp()
        return self._step(Status.DELETED, now, check_at=check_at)

    def indexed(self) -> Self:
        """The index shows the job as it is now: nothing is owed to it any more."""
        return self.model_copy(update={"check_at": None})

    def checked(self, check_at: datetime) -> Self:
        """Nothing to be done now; look again at `check_at`."""
        return self.model_copy(update={"check_at": check_at.timestamp()})

    # --- trouble ---------------------------------------------------------------------------

    def failed(self, fault: Fault, now: datetime) -> Self:
        """The end, with a sentence. What the index shows of it is looked at once more."""
        check_at = (now + _HANDOVER_CHECK).timestamp() if self.place is not None else None
        return self._step(Status.FAILED, now, fault=fault, check_at=check_at)

    def requeued(self, now: datetime) -> Self:
        """Back to its queue at once: the worker went away, the file is not to blame."""
        stage = self.stage or (TRANSCRIBE if self.status is Status.TRANSCRIBED else STATS)
        return self._step(stage.queued, now, check_at=(now + _QUEUED_CHECK).timestamp())

    def released(self, now: datetime) -> Self:
        """As `requeued`, by a worker that was told to stop: the attempt does not count."""
        return self.requeued(now).model_copy(update={"attempt": max(0, self.attempt - 1)})

    def postponed(self, fault: Fault, retry_at: datetime, now: datetime) -> Self:
        """Back to its queue at `retry_at`, when the sweeper sends it again."""
        if self.stage is None:
            raise Conflict(f"A job that is {self.status} has nothing to retry.")
        due = retry_at.timestamp()
        return self._step(self.stage.queued, now, fault=fault, retry_at=due, check_at=due)


def announced(
    *,
    owner: str,
    title: str,
    media: Media | None,
    now: datetime,
    job_id: str,
    published: bool,
    language: str | None = None,
    speakers: int | None = None,
    channel_per_speaker: bool = False,
) -> Job:
    """A job whose recording has still to arrive."""
    return Job(
        job_id=job_id,
        owner=owner,
        title=title,
        status=Status.UPLOADING,
        created_at=now,
        updated_at=now,
        media=media,
        language=language,
        speakers=speakers,
        channel_per_speaker=channel_per_speaker,
        published=published,
        check_at=(now + _UPLOAD_CHECK).timestamp(),
    )


def page_of(place: int) -> int:
    """The page of the published index that a place is on."""
    return place // PAGE_JOBS


def new_job_id() -> str:
    """A random UUID: it names a prefix in the bucket and must not be guessable."""
    return str(uuid.uuid4())


def utc_now() -> datetime:
    """The clock that composition hands to everything that needs one."""
    return datetime.now(UTC)


def _expected(since: datetime | None, progress: float, now: datetime) -> datetime | None:
    """When the work may be done if it goes on at its pace; None while too little is."""
    if since is None or progress < _TELLING:
        return None
    return now + (now - since) * ((1 - progress) / progress)


def _units_up_to(unit: Unit, units: dict[str, Unit]) -> dict[str, Unit]:
    """A new recording makes the old transcript's unit void; a new transcript voids nothing."""
    earlier = {} if unit.stage is TRANSCRIBE else units
    return {**earlier, unit.stage_name: unit}
