"""The job: one recording on its way from upload to statistics.

Pure: every method returns the job as it would be after the step, or says why the step may not be
taken. `ports.JobTable` writes it only if nobody else wrote first.

`check_at` is the heart of recovery: while anything is still owed to a job, it names the moment at
which the sweeper has to look at it. Each step that hands the job on sets it, the last removes it.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from debate_analyzer.errors import Conflict, DebateError
from debate_analyzer.pipeline import (
    ENDS,
    STATS,
    TRANSCRIBE,
    TRANSITIONS,
    Phase,
    Stage,
    Status,
    phase_of,
    stage_of,
)
from debate_analyzer.unit import Unit

# Of the index of what the sweeper has to look at. Jobs whose units lie in a queue, as they should,
# have shards of their own: however many wait, nobody whose retry is due waits behind them.
_SHARDS = 8
CHECK_SHARDS = (*map(str, range(_SHARDS)), *(f"{shard}-waiting" for shard in range(_SHARDS)))
PAGE_JOBS = 500  # on a page of the published index
ANONYMOUS_OWNER = "anonymous"  # who owns what is uploaded where nobody signs in
SHARED_OWNER = "shared"  # who owns what arrived without an announcement: everybody who may sign in

_QUEUED_CHECK = timedelta(minutes=2)
_HANDOVER_CHECK = timedelta(minutes=2)
_UPLOAD_CHECK = timedelta(minutes=10)

UPLOAD_LIFETIME = timedelta(days=2)  # in parts; template.yaml has the same of abandoned-uploads

TOMBSTONE = timedelta(days=30)  # so long is it known that a debate was deleted

_TELLING = 0.05  # of the work: less says nothing about how long the rest will take


def timestamp(time: datetime) -> str:
    """Always with microseconds, so that the text sorts as the time does: it is an index's key."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Timestamp = Annotated[datetime, PlainSerializer(timestamp, return_type=str)]


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


class FailedAttempt(Fault):
    """How one attempt of several ended, for whoever runs this."""

    at: Timestamp


class Claim(_Part):
    """A worker's hold on the job until `until` (epoch seconds), renewed while the worker lives."""

    worker: str
    attempt: int = 1
    until: float


class Import(_Part):
    """The job of Batch that is to bring the recording, where nobody uploads it.

    `environment` is what it is told beside JOB_ID; `batch_id` the newest that was submitted, None
    until that is known.
    """

    environment: dict[str, str]
    batch_id: str | None = None


class Person(_Part):
    """A speaker whom people gave a name, and his or her part in the debate."""

    name: str
    speaking_time: float
    speaking_share: float
    words: int
    words_per_minute: float | None = None
    overlap_starts: int | None = None  # overlaps and floors taken; backchannels not


class Figures(_Part):
    """The few numbers that lists and totals show without opening the statistics."""

    duration: float
    speaking_time: float
    words: int
    speakers: int
    confidence: float | None = None  # mean of the words', 0 to 1
    people: list[Person] = []


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
    upload_id: str | None = Field(default=None, description="of a multipart upload under way")
    source_url: str | None = Field(default=None, description="where the recording is fetched from")
    recording: str | None = Field(default=None, description="the manifest of its chunks, by key")
    language: str | None = Field(default=None, description="as the user says")
    detected_language: str | None = Field(default=None, description="as it was heard")
    speakers: int | None = Field(default=None, description="how many speak, if the user said so")
    channel_per_speaker: bool = Field(default=False, description="as the user says")
    model: str | None = Field(default=None, description="of speech recognition, if not the usual")
    notify: str | None = Field(default=None, description="whom to write to when it ends")
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
    importing: Import | None = None
    fault: Fault | None = None
    tried: list[FailedAttempt] = Field(default=[], description="how the last attempts failed")
    duration: float | None = None
    speakers_count: int | None = None
    figures: Figures | None = None
    warnings: list[str] = []
    published: bool = True
    place: int | None = Field(default=None, description="in the published index; see placed()")
    searchable: int | None = Field(
        default=None, description="version of its text that search finds"
    )
    transcript_token: int = Field(
        default=0, description="fencing token of the transcript that is there, or about to be"
    )
    expires_at: float | None = Field(default=None, description="when the row may go")

    @property
    def stage(self) -> Stage | None:
        return stage_of(self.status)

    @property
    def unit(self) -> Unit | None:
        """The work that the job waits for or is in, if it is in a stage."""
        return self.units.get(self.stage.name) if self.stage else None

    @property
    def is_importing(self) -> bool:
        """Whether the recording is still to be brought by a job of Batch."""
        return self.importing is not None and self.status is Status.UPLOADING

    @property
    def check_shard(self) -> str | None:
        """The partition of `by_check`: only jobs that somebody has to look at are in that index."""
        if self.check_at is None:
            return None
        shard = str(zlib.crc32(self.job_id.encode()) % _SHARDS)
        waits = self.stage is not None and self.status is self.stage.queued
        return f"{shard}-waiting" if waits and self.retry_at is None else shard

    @property
    def spoken(self) -> str | None:
        """The language: the user's word counts for more than what was heard."""
        return self.language or self.detected_language

    @property
    def phase(self) -> Phase | None:
        """What lists are filtered by; None for what no list shows."""
        return phase_of(self.status)

    @property
    def is_public(self) -> bool:
        """Whether everybody may read it. Never where nobody signs in: what is public names its id,
        which there is the whole authority over it."""
        return self.published and self.owner != ANONYMOUS_OWNER

    @property
    def is_listed(self) -> bool:
        """Whether the published index shows the job; while it is counted again, too."""
        return self.is_public and self.figures is not None and self.status is not Status.DELETED

    @property
    def index_page(self) -> int | None:
        """The page of the index with the job's place, whether the job is shown there or not."""
        return None if self.place is None else page_of(self.place)

    def _step(self, status: Status, now: datetime, **changes: Any) -> Self:
        if status not in TRANSITIONS[self.status]:
            raise Conflict(f"A job that is {self.status} cannot become {status}.")
        unless_said: dict[str, Any] = {
            "claim": None,
            "retry_at": None,
            "check_at": None,
            "since": None,
            "expected_at": None,
        }
        if stage_of(status) is not self.stage:
            unless_said["progress"] = None
        if changes.get("attempt") == 0:
            unless_said["tried"] = []
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

    # --- an import -------------------------------------------------------------------------

    def to_import(self, environment: Mapping[str, str], now: datetime) -> Self:
        """A job of Batch is about to be submitted for it, and not for the first time perhaps."""
        return self._step(
            Status.UPLOADING,
            now,
            importing=Import(environment=dict(environment)),
            attempt=self.attempt + 1,
            check_at=(now + _HANDOVER_CHECK).timestamp(),
        )

    def imported_again(self, now: datetime) -> Self:
        """Once more from the beginning, whatever came of it before. Raises Conflict for what is
        uploaded."""
        if self.importing is None:
            raise Conflict("Nothing brings this recording but an upload.")
        anew = self.model_copy(update={"attempt": 0, "fault": None, "tried": [], "progress": None})
        return anew.to_import(self.importing.environment, now)

    def submitted(self, batch_id: str) -> Self:
        """This is the job of Batch; unchanged if one holds the row by now."""
        if not self.is_importing or self.importing is None or self.claim is not None:
            return self
        return self.model_copy(
            update={"importing": self.importing.model_copy(update={"batch_id": batch_id})}
        )

    def import_claimed(self, claim: Claim, now: datetime) -> Self:
        """Begin to bring the recording. Raises Settled when nobody waits for it, or another brings
        it."""
        if not self.is_importing:
            raise Settled(f"The job is {self.status}.")
        if self.claim is not None and not self._may_take_over(claim, now):
            raise Settled("Another job of Batch brings this recording.")
        return self._step(
            Status.UPLOADING,
            now,
            claim=claim,
            progress=self.progress or 0.0,
            since=now,
            check_at=claim.until,
        )

    def expecting(self, media: Media, title: str) -> Self:
        """The recording is about to arrive, under this name."""
        return self.model_copy(update={"media": media, "title": self.title or title})

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

    def held_by(self, claim: Claim, unit: Unit | None) -> bool:
        """Whether the claim is still good: same worker, same attempt, same unit (of an import:
        none)."""
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
        token: int = 0,
    ) -> Self:
        """The transcript is about to be published, with this fencing token; its arrival starts the
        next stage."""
        return self._step(
            Status.TRANSCRIBED,
            now,
            attempt=0,
            fault=None,
            duration=duration,
            detected_language=language,
            speakers_count=speakers_count,
            warnings=warnings,
            transcript_token=token,
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

    def indexed(self) -> Self:
        """The index shows the job as it is now: nothing is owed to it any more."""
        return self.model_copy(update={"check_at": None})

    def checked(self, check_at: datetime) -> Self:
        """Nothing to be done now; look again at `check_at`."""
        return self.model_copy(update={"check_at": check_at.timestamp()})

    # --- what people want of it ------------------------------------------------------------

    def described(self, now: datetime, *, title: str, language: str | None) -> Self:
        """Under another title, or in another language than was thought."""
        changes: dict[str, Any] = {"title": title, "language": language}
        if changes == {"title": self.title, "language": self.language}:
            return self
        if self.status in ENDS and self.place is not None:  # the index shows the title
            changes["check_at"] = (now + _HANDOVER_CHECK).timestamp()
        return self.model_copy(update={**changes, "updated_at": now})

    def cancelled(self, now: datetime) -> Self:
        """The end, because somebody said so: who has it in hand drops it at the next heartbeat."""
        return self._step(Status.CANCELLED, now, check_at=self._look_at_index(now))

    def ordered(self, *, model: str | None, language: str | None, speakers: int | None) -> Self:
        """To be transcribed so; what is None stays as it was."""
        said = {"model": model, "language": language, "speakers": speakers}
        return self.model_copy(update={k: v for k, v in said.items() if v is not None})

    def deleted(self, now: datetime) -> Self:
        """Gone. That it was there is known for a while: what arrives late is erased, too."""
        return type(self)(
            job_id=self.job_id,
            owner=self.owner,
            title="",
            status=Status.DELETED,
            version=self.version,
            created_at=self.created_at,
            updated_at=now,
            published=False,
            recording=self.recording,  # its chunks are erased with it
            duration=self.duration,  # of the day's minutes: see limits
            place=self.place,
            round=self.round,
            parts=self.parts,
            check_at=(now + _HANDOVER_CHECK).timestamp(),
            expires_at=(now + TOMBSTONE).timestamp(),
        )

    # --- trouble ---------------------------------------------------------------------------

    def failed(self, fault: Fault, now: datetime) -> Self:
        """The end, with a sentence."""
        return self._step(Status.FAILED, now, fault=fault, check_at=self._look_at_index(now))

    def _look_at_index(self, now: datetime) -> float | None:
        """At an end without new figures: the index shows the older ones, or is to, or no longer."""
        was_counted = self.figures is not None or self.place is not None
        return (now + _HANDOVER_CHECK).timestamp() if was_counted else None

    def requeued(self, now: datetime) -> Self:
        """Back to its queue at once: the worker went away, the file is not to blame."""
        stage = self.stage or (TRANSCRIBE if self.status is Status.TRANSCRIBED else STATS)
        return self._step(stage.queued, now, check_at=(now + _QUEUED_CHECK).timestamp())

    def released(self, now: datetime) -> Self:
        """As `requeued`, by a worker that was told to stop: the attempt does not count."""
        return self.requeued(now).model_copy(update={"attempt": max(0, self.attempt - 1)})

    def postponed(self, fault: Fault, retry_at: datetime, now: datetime) -> Self:
        """Back to its queue at `retry_at`, when the sweeper sends it again; an import likewise."""
        if self.stage is None and not self.is_importing:
            raise Conflict(f"A job that is {self.status} has nothing to retry.")
        due = retry_at.timestamp()
        status = self.stage.queued if self.stage else self.status
        tried = [*self.tried, FailedAttempt(at=now, **fault.model_dump())]
        return self._step(status, now, fault=fault, tried=tried, retry_at=due, check_at=due)


def announced(
    *,
    owner: str,
    title: str,
    media: Media | None,
    now: datetime,
    job_id: str,
    published: bool,
    **said: Any,
) -> Job:
    """A job whose recording has still to arrive. `said`: what the user says of it, by field."""
    return Job(
        job_id=job_id,
        owner=owner,
        title=title,
        status=Status.UPLOADING,
        created_at=now,
        updated_at=now,
        media=media,
        published=published,
        check_at=(now + _UPLOAD_CHECK).timestamp(),
        **said,
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
