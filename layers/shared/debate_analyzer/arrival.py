"""An object has arrived, or so an event says: bring its job to the stage that the object starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol

from debate_analyzer.change import change
from debate_analyzer.content import HEAD_BYTES, plainly
from debate_analyzer.errors import Conflict, EmptyFile, NoRecording, UploadMismatch
from debate_analyzer.job import SHARED_OWNER, Fault, Job, Media, announced
from debate_analyzer.key import (
    EDITS_FOLDER,
    PARTS_FOLDER,
    VIDEOS_FOLDER,
    JobKey,
    edits_key,
    parse_key,
)
from debate_analyzer.part import is_wanted, part_job, read_part
from debate_analyzer.pipeline import STATS, TRANSCRIBE, Stage, Status, stage_started_by
from debate_analyzer.ports import JobTable, ObjectStore, StoredObject
from debate_analyzer.unit import Unit


class Sender(Protocol):
    """Takes a unit on its way to a worker: a dispatcher, or the worker itself (errand)."""

    def send(self, unit: Unit) -> None: ...


@dataclass(frozen=True)
class Arrivals:
    """The event is a hint, the object is the truth: it is looked at before anything is decided, so
    events may come twice, late and in any order."""

    table: JobTable
    store: ObjectStore
    dispatcher: Sender
    publish_by_default: bool

    def receive(
        self, key_text: str, now: datetime, *, only: Stage | None = None, again: bool = False
    ) -> Unit | None:
        """The unit that was queued, or None where there was nothing to do.

        `again` queues what has been through the stage before.
        """
        key = parse_key(key_text)
        stage = stage_started_by(key) if key else None
        if key is None or stage is None or (only is not None and stage is not only):
            return None
        if key.folder == EDITS_FOLDER:
            return self._edited(key.job_id, now)
        found = self.store.head(key_text)
        if found is None:
            return None  # deleted since; the event is stale
        job = self._row(key, stage, found, now)
        if job is None:
            return None
        unit = unit_of(self.store, job, stage, found)
        refusal = self._refusal(found) if key.folder == VIDEOS_FOLDER else None
        job = change(
            self.table, job.job_id, lambda job: _admit(job, unit, found, refusal, now, again)
        )
        if self._is_overtaken(job, unit):
            return self.receive(key_text, now, again=again)
        if job.unit != unit or job.status is not stage.queued or job.retry_at is not None:
            return None
        # Also for a unit that was already queued: the crash may have come before the sending.
        self.dispatcher.send(unit)
        return unit

    def _edited(self, job_id: str, now: datetime) -> Unit | None:
        """Edits arrive as their transcript does, once more: it is counted with them. Where there is
        none yet, its own arrival finds them."""
        job = self.table.get(job_id)
        counted = job.units.get(STATS.name) if job else None
        return self.receive(counted.key, now) if counted else None

    def _refusal(self, found: StoredObject) -> Fault | None:
        """Why the file is not even given to a decoder."""
        if not found.bytes:
            return Fault(code=EmptyFile.code, message="The file is empty. Upload it again.")
        what = plainly(self.store.head_bytes(found.key, HEAD_BYTES) or b"")
        if what is None:
            return None
        return Fault(
            code=NoRecording.code,
            message=(
                f"The file is {what}, whatever its name says, and no audio or video. "
                "Upload the recording itself."
            ),
        )

    def _is_overtaken(self, job: Job, unit: Unit) -> bool:
        """Whether the object, or a transcript's edits, changed after they were looked at: the event
        that tells of the newer may have been here before the row knew of the older."""
        found = self.store.head(unit.key)
        return found is not None and unit_of(self.store, job, unit.stage, found) != unit

    def _row(self, key: JobKey, stage: Stage, found: StoredObject, now: datetime) -> Job | None:
        """The job that the object belongs to, made where there is none. None for a part of nothing
        that anybody waits for."""
        if key.folder == PARTS_FOLDER:
            part = read_part(key)
            whole = self.table.get(key.job_id)
            if part is None or whole is None or not is_wanted(part, whole):
                return None
            return self.table.get(part.job_id) or self._made(part_job(part, whole, now))
        return self.table.get(key.job_id) or self._made(
            announced(
                owner=SHARED_OWNER,
                title=PurePosixPath(key.stem).name,
                media=_media(found) if stage is TRANSCRIBE else None,
                now=now,
                job_id=key.job_id,
                published=self.publish_by_default,
            )
        )

    def _made(self, job: Job) -> Job:
        try:
            self.table.create(job)
        except Conflict:
            return self.table.get(job.job_id) or job
        return job


def unit_of(store: ObjectStore, job: Job, stage: Stage, found: StoredObject) -> Unit:
    """What a stage does of a job from the object on, with the edits as they are now."""
    edits = store.head(edits_key(job.job_id)) if stage is STATS else None
    return Unit(
        job_id=job.job_id,
        stage_name=stage.name,
        key=found.key,
        etag=found.etag,
        edits=edits.etag if edits else None,
        owner=job.owner,
    )


def _admit(
    job: Job, unit: Unit, found: StoredObject, refusal: Fault | None, now: datetime, again: bool
) -> Job:
    """The job as the arrival leaves it; unchanged by a duplicate and by what may not interrupt."""
    under_way = job.status in (unit.stage.queued, unit.stage.running) and job.retry_at is None
    if job.units.get(unit.stage_name) == unit and (under_way or not again):
        return job
    if job.status is Status.CANCELLED:
        return job
    if job.status is Status.DELETED:
        return job.checked(now)  # the sweeper erases what comes late
    if unit.stage is STATS and job.stage is TRANSCRIBE:
        return job  # a transcript that is not ours; the one being made will take its place
    if job.status is Status.TRANSCRIBED and 0 < found.fencing_token < job.transcript_token:
        return job  # of an older recording; the one of this is not there yet
    if unit.stage is TRANSCRIBE:
        if fault := _mismatch(job, found):
            return job if job.status is Status.FAILED else job.failed(fault, now)
        arrived = job.queued(unit, now, media=_media(found))
        return arrived.failed(refusal, now) if refusal else arrived
    return job.queued(unit, now)


def _mismatch(job: Job, found: StoredObject) -> Fault | None:
    """The signature already fixes size and type; this is for writers that need no signature."""
    said = job.media
    if said is None or said.key != found.key or said.etag is not None:
        return None
    if (said.bytes, said.content_type) == (found.bytes, found.content_type):
        return None
    return Fault(
        code=UploadMismatch.code,
        message=(
            f"What arrived ({found.bytes} bytes, {found.content_type}) is not what was announced "
            f"({said.bytes} bytes, {said.content_type}). Upload the file again."
        ),
    )


def _media(found: StoredObject) -> Media:
    return Media(key=found.key, bytes=found.bytes, content_type=found.content_type, etag=found.etag)
