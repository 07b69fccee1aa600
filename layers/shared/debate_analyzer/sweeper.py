"""The sweeper: finds what fell between, and puts it back to work.

Every minute it looks at the jobs whose `check_at` has come. Each such job is owed something by an
event that was lost, a worker that died, or a wait that is over. What to do follows from its status
alone, and every mend is the same step that the lost event would have taken, so that an event which
was only late finds its work done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from debate_analyzer.arrival import Arrivals
from debate_analyzer.change import change
from debate_analyzer.dispatch import Dispatcher
from debate_analyzer.erasure import Erasure
from debate_analyzer.errors import Conflict, WorkerLost
from debate_analyzer.importing import Imports
from debate_analyzer.job import UPLOAD_LIFETIME, FailedAttempt, Fault, Job
from debate_analyzer.key import parse_key, part_key, transcript_key
from debate_analyzer.part import Part, missing
from debate_analyzer.pipeline import STAGES, Status
from debate_analyzer.ports import JobTable, ObjectStore, PublishQueue

_LIMIT = 1000
_LOOK_AGAIN = timedelta(minutes=2)
_UPLOAD_GIVEN_UP = timedelta(hours=24)


@dataclass(frozen=True)
class Sweeper:
    """`retries` is how often a unit may be started again after the first attempt."""

    table: JobTable
    store: ObjectStore
    dispatcher: Dispatcher
    arrivals: Arrivals
    imports: Imports
    publish_queue: PublishQueue
    erasure: Erasure
    retries: int

    def sweep(self, now: datetime) -> dict[str, int]:
        """Mend what is due; how many jobs of which status were looked at.

        Raises ExceptionGroup of what kept jobs from being mended, when all others are: these are
        looked at again later, lest they stand in the way every minute.
        """
        looked: dict[str, int] = {}
        errors: list[Exception] = []
        for job in self.table.due(now, limit=_LIMIT):
            try:
                self.mend(job, now)
            except Conflict:
                continue  # somebody else moved the job at this very moment, so it is not stuck
            except Exception as error:  # noqa: BLE001 - whatever one job raises, the next is not to blame
                error.add_note(f"Job {job.job_id}, which is {job.status}.")
                errors.append(error)
                self._later(job, now)
            looked[job.status] = looked.get(job.status, 0) + 1
        if errors:
            raise ExceptionGroup(f"{len(errors)} jobs could not be mended.", errors)
        return looked

    def release(self, worker: str, now: datetime) -> list[str]:
        """A worker has died: what it held goes back to its queue; the ids of those jobs."""
        released = []
        for job in self.table.held_by_worker(worker):
            try:
                self._give_back(job, now)
            except Conflict:
                continue  # taken over already
            released.append(job.job_id)
        return released

    def follow_up(self) -> None:
        """A worker has left: a unit that came at that very moment gets another."""
        for stage in STAGES.values():
            self.dispatcher.follow_up(stage)

    def mend(self, job: Job, now: datetime) -> None:
        """The step that the job is owed by its status. Raises Conflict where somebody else moved
        it meanwhile."""
        match job.status:
            case Status.UPLOADING:
                self._look_for_upload(job, now)
            case Status.QUEUED | Status.STATS_QUEUED:
                self._look_for_unit(job, now)
            case Status.TRANSCRIBING | Status.ANALYZING:
                self._give_back(job, now)
            case Status.SPLIT:
                self._look_for_parts(job, now)
            case Status.TRANSCRIBED:
                self._look_for_transcript(job, now)
            case Status.DELETED:
                self.erasure.follow_up(job)
            case _:
                self.publish_queue.send(job)
                self._later(job, now)

    def _look_for_upload(self, job: Job, now: datetime) -> None:
        began = job.updated_at if job.is_importing else job.created_at  # or begun again
        if job.media and self.store.head(job.media.key):
            self.arrivals.receive(job.media.key, now)
        elif now - began > (UPLOAD_LIFETIME if job.upload_id else _UPLOAD_GIVEN_UP):
            fault = Fault(
                code="upload_abandoned",
                message="The recording never arrived. Upload the file, or ask for it again.",
            )
            self.table.replace(job.failed(fault, now))
        elif job.is_importing:
            self.imports.look_after(job, now)
        else:
            self._later(job, now)

    def _look_for_unit(self, job: Job, now: datetime) -> None:
        unit = job.unit
        if unit is None:
            raise ValueError(f"Job {job.job_id} is {job.status} without a unit.")
        if job.retry_at is not None:
            self.table.replace(job.requeued(now))
            self.dispatcher.send(unit)
        elif self.dispatcher.is_idle(unit.stage):
            self._later(job, now)
            self.dispatcher.send(unit)
        else:
            self._later(job, now)
            self.dispatcher.call_worker(unit.stage)

    def _look_for_transcript(self, job: Job, now: datetime) -> None:
        unit = job.units.get("transcribe")
        if unit is None:
            raise ValueError(f"Job {job.job_id} is {job.status} without a recording.")
        recording = parse_key(unit.key)
        key = transcript_key(job.job_id, recording.stem) if recording else ""
        if self.arrivals.receive(key, now) is None:
            # The worker died between "transcribed" and the transcript.
            self.table.replace(job.requeued(now))
            self.dispatcher.send(unit)

    def _look_for_parts(self, job: Job, now: datetime) -> None:
        """All done: whoever was to put them together has died. One failed: so has the whole. One
        never became a job: its event was lost. The others are looked after by their own rows."""
        unit = job.unit
        if unit is None:
            raise ValueError(f"Job {job.job_id} is {job.status} without a recording.")
        numbers = missing(self.store, job)
        for number in numbers:
            part = self.table.get(Part(job.job_id, job.round, number).job_id)
            if part is None:
                self.arrivals.receive(part_key(job.job_id, job.round, number), now)
            elif part.status is Status.FAILED and part.fault is not None:
                self.table.replace(job.failed(part.fault, now))
                return
        if not numbers:
            self.dispatcher.send(unit)
        self._later(job, now)

    def _give_back(self, job: Job, now: datetime) -> None:
        unit = job.unit
        if unit is None:
            return
        if job.attempt > self.retries:
            fault = Fault(
                code=WorkerLost.code,
                message=(
                    f"The machine went away {job.attempt} times while it worked on this file, "
                    "which may need more memory than there is. Try a shorter recording."
                ),
            )
            last = FailedAttempt(at=now, **fault.model_dump())
            queue = self.dispatcher.queues[unit.stage_name]
            queue.bury(unit.model_dump_json(), [*job.tried, last])
            self.table.replace(job.failed(fault, now))
            return
        self.table.replace(job.requeued(now))
        self.dispatcher.send(unit)

    def _later(self, job: Job, now: datetime) -> None:
        change(
            self.table,
            job.job_id,
            lambda fresh: fresh.checked(now + _LOOK_AGAIN) if fresh.check_at is not None else fresh,
        )
