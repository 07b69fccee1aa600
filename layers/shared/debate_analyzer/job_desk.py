"""What people want done with a debate: described, published, cancelled, tried again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from debate_analyzer.arrival import unit_of
from debate_analyzer.change import change
from debate_analyzer.dispatch import Dispatcher
from debate_analyzer.errors import NotFound, NotReady, UnknownModel
from debate_analyzer.importing import Imports
from debate_analyzer.job import Job
from debate_analyzer.language import Language
from debate_analyzer.pipeline import ENDS, STAGES, STATS, Stage, Status
from debate_analyzer.ports import JobTable, ObjectStore, PublishQueue, Window
from debate_analyzer.unit import Unit


class Changes(BaseModel):
    """What is to be different. What is left out, or null, stays as it is."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(default=None, max_length=200, pattern=r"\S")
    language: Language | None = Field(
        default=None, description="what was spoken; to have it transcribed so, see retry"
    )
    published: bool | None = None


class RetryRequest(BaseModel):
    """Once more from a stage on. What is left out stays as it was."""

    model_config = ConfigDict(extra="forbid")

    stage: Literal["transcribe", "stats"] = "transcribe"
    model: str | None = Field(default=None, max_length=100, description="of speech recognition")
    language: Language | None = None
    speakers: int | None = Field(default=None, ge=1, le=50)


@dataclass(frozen=True)
class JobDesk:
    """Jobs that whoever asks may change. `models`: those of speech recognition, by name."""

    table: JobTable
    store: ObjectStore
    dispatcher: Dispatcher
    imports: Imports
    publish_queue: PublishQueue
    models: tuple[str, ...]
    now: Callable[[], datetime]

    def change(self, job: Job, changes: Changes) -> Job:
        """Raises Conflict if others keep writing first."""

        def step(job: Job) -> Job:
            changed = job.described(
                self.now(),
                title=(changes.title or job.title).strip(),
                language=changes.language or job.language,
            )
            if changes.published is True and not job.published:
                return changed.republished(self.now())
            if changes.published is False and job.published:
                return changed.unpublished(self.now())
            return changed

        changed = _taken(self.table, job.job_id, step)
        # Also where nothing changed: the one who changed it may have died before asking.
        if changed.figures is not None:
            self.publish_queue.send(changed)
        return changed

    def cancel(self, job: Job) -> Job:
        """No more work for it; what is there stays. Cancelled twice is cancelled once.

        A worker that has it in hand lets it drop at its next heartbeat and goes on with others.
        Raises Conflict where there is nothing left to cancel.
        """
        cancelled = self._cancelled(job.job_id, unless={Status.CANCELLED})
        for part in self.table.owned_by(job.job_id, Window()):
            self._cancelled(part.job_id, unless=ENDS)  # one may have failed before its whole did
        return cancelled

    def _cancelled(self, job_id: str, unless: Collection[Status]) -> Job:
        def step(job: Job) -> Job:
            return job if job.status in unless else job.cancelled(self.now())

        return _taken(self.table, job_id, step)

    def retry(self, job: Job, request: RetryRequest) -> Job:
        """From a stage on, whatever came of it before: also while it is under way.

        Raises UnknownModel for one that there is not, NotReady where what the stage works
        with is not there, NotFound where it never was.
        """
        if request.model is not None and request.model not in self.models:
            raise UnknownModel(
                f"There is no model {request.model!r} here. There are: {', '.join(self.models)}."
            )

        def ordered(job: Job) -> Job:
            return job.ordered(
                model=request.model, language=request.language, speakers=request.speakers
            )

        if job.importing is not None and not job.units:  # it has never arrived
            return self.imports.submit(
                _taken(self.table, job.job_id, lambda job: ordered(job).imported_again(self.now()))
            )
        unit = self._unit(job, STAGES[request.stage])
        retried = _taken(self.table, job.job_id, lambda job: ordered(job).queued(unit, self.now()))
        self.dispatcher.send(unit)  # where this is never reached, the sweeper does it
        return retried

    def _unit(self, job: Job, stage: Stage) -> Unit:
        key = self._input(job, stage)
        found = self.store.head(key)
        if found is None:
            raise NotReady(f"What is to be worked on is not there: {key.rsplit('/', 1)[-1]}.")
        return unit_of(self.store, job, stage, found)

    def _input(self, job: Job, stage: Stage) -> str:
        if unit := job.units.get(stage.name):
            return unit.key
        if stage is STATS:
            raise NotReady("There is no transcript yet, so there is nothing to count again.")
        if job.media is None:
            raise NotFound("This debate came as a transcript, without its recording.")
        return job.media.key


def _taken(table: JobTable, job_id: str, step: Callable[[Job], Job]) -> Job:
    """A step on a debate that somebody may delete meanwhile."""

    def unless_deleted(job: Job) -> Job:
        if job.status is Status.DELETED:
            raise NotFound("There is no such debate here.")
        return step(job)

    return change(table, job_id, unless_deleted)
