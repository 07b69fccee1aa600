"""The worker: takes units of one stage from its queue until the queue stays empty, then leaves.

Its model is loaded once, by whoever makes the `process` function. Each unit's fate is its own: a
file that fails takes neither the worker nor its neighbours with it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import ValidationError

from debate_analyzer.change import change
from debate_analyzer.errors import InvalidInput, NotFound
from debate_analyzer.job import Claim, Fault, Job, Settled
from debate_analyzer.ports import Delivery, JobTable, WorkQueue
from debate_analyzer.unit import Unit

logger = logging.getLogger(__name__)

_INTERNAL = Fault(
    code="internal",
    message=(
        "Something went wrong on our side while this file was worked on. "
        "It is tried again by itself; if it fails for good, the log of the worker says why."
    ),
)


class Stopped(BaseException):
    """The worker was told to leave (spot reclaim, Ctrl-C): it gives its unit back first."""


@dataclass(frozen=True)
class Result:
    """What became of a unit.

    `settle` is the job's step, taken only if the claim still holds. `afterwards` runs when it has
    been taken: what starts the next stage comes last, so that nothing overtakes the row.
    """

    settle: Callable[[Job], Job]
    afterwards: Callable[[], None]


class Process(Protocol):
    """The work itself. `report(progress)`, 0 to 1, raises Settled once the claim is lost."""

    def __call__(self, job: Job, unit: Unit, report: Callable[[float], None]) -> Result: ...


@dataclass
class Worker:
    """`name` is the Batch job id, `attempt` Batch's count of starts of that job."""

    table: JobTable
    queue: WorkQueue
    process: Process
    now: Callable[[], datetime]
    name: str
    attempt: int
    lease: timedelta
    linger: timedelta
    retry_ladder: tuple[timedelta, ...]
    done: int = field(default=0, init=False)

    def run(self) -> int:
        """Drain the queue; how many units were done. Returns after `linger` without a unit."""
        idle_since = time.monotonic()
        while (left := self.linger.total_seconds() - (time.monotonic() - idle_since)) > 0:
            wait = timedelta(seconds=min(left, 20))
            delivery = self.queue.receive(wait=wait, visibility=self.lease)
            if delivery is not None:
                self._take(delivery)
                idle_since = time.monotonic()
        return self.done

    def _take(self, delivery: Delivery) -> None:
        try:
            unit = Unit.model_validate_json(delivery.body)
        except ValidationError:
            logger.exception("not a unit; left to the dead-letter queue: %.200s", delivery.body)
            return
        claim = Claim(worker=self.name, attempt=self.attempt, until=self._until())
        try:
            job = change(self.table, unit.job_id, lambda job: job.claimed(unit, claim, self.now()))
        except (Settled, NotFound) as reason:
            logger.info("unit %s needs no work: %s", unit.id, reason)
            delivery.settle()
            return
        started = time.monotonic()
        logger.info("unit %s: attempt %d", unit.id, job.attempt)
        try:
            with self._heartbeat(delivery, unit, claim) as report:
                result = self.process(job, unit, report)
            self._step(unit, claim, result.settle)
            result.afterwards()
        except Settled as reason:
            logger.info("unit %s is dropped: %s", unit.id, reason)
        except InvalidInput as error:
            logger.info("unit %s fails: %s: %s", unit.id, error.code, error)
            fault = Fault(code=error.code, message=str(error))
            self._end(unit, claim, lambda job: job.failed(fault, self.now()))
        except Stopped:
            self._end(unit, claim, lambda job: job.released(self.now()))
            delivery.extend(timedelta(0))
            raise
        except Exception:  # whatever one unit raises, the next is not to blame
            logger.exception("unit %s: attempt %d failed", unit.id, job.attempt)
            self._end(unit, claim, self._postpone)
        delivery.settle()
        self.done += 1
        logger.info("unit %s: left after %.1f s", unit.id, time.monotonic() - started)

    def _until(self) -> float:
        return (self.now() + self.lease).timestamp()

    def _step(self, unit: Unit, claim: Claim, step: Callable[[Job], Job]) -> Job:
        """Take a step that only the holder of the claim may take. Raises Settled without it."""

        def guarded(job: Job) -> Job:
            if not job.held_by(claim, unit):
                raise Settled("The claim was lost.")
            return step(job)

        return change(self.table, unit.job_id, guarded)

    def _end(self, unit: Unit, claim: Claim, step: Callable[[Job], Job]) -> None:
        try:
            self._step(unit, claim, step)
        except (Settled, NotFound) as reason:
            logger.info("unit %s went on without us: %s", unit.id, reason)

    def _postpone(self, job: Job) -> Job:
        if job.attempt > len(self.retry_ladder):
            return job.failed(
                Fault(
                    code=_INTERNAL.code,
                    message=(
                        f"Something went wrong on our side {job.attempt} times while this file was "
                        "worked on. The log of the worker says what; the file is kept."
                    ),
                ),
                self.now(),
            )
        wait = self.retry_ladder[job.attempt - 1]
        return job.postponed(_INTERNAL, self.now() + wait, self.now())

    @contextmanager
    def _heartbeat(
        self, delivery: Delivery, unit: Unit, claim: Claim
    ) -> Iterator[Callable[[float], None]]:
        """Renews claim and message three times a lease, and writes the progress reported.

        A thread of its own, since an engine may be silent for longer than a lease. A beat that
        fails is not fatal: the next may succeed, and without any the lease runs out by itself.
        """
        progress = 0.0
        lost = threading.Event()
        over = threading.Event()

        def beat() -> None:
            delivery.extend(self.lease)
            renewed = claim.model_copy(update={"until": self._until()})
            try:
                self._step(unit, claim, lambda job: job.renewed(renewed, progress, self.now()))
            except (Settled, NotFound):
                lost.set()

        def keep_beating() -> None:
            shown = 0.0
            last = time.monotonic()
            every = self.lease.total_seconds() / 3
            while not over.wait(0.5) and not lost.is_set():
                # Progress is shown at most every two seconds: each beat is a write to the table.
                moved = progress > shown and time.monotonic() - last > 2
                if moved or time.monotonic() - last > every:
                    shown, last = progress, time.monotonic()
                    try:
                        beat()
                    except Exception:
                        logger.exception("unit %s: a heartbeat failed", unit.id)

        def report(value: float) -> None:
            nonlocal progress
            progress = max(progress, min(value, 1.0))
            if lost.is_set():
                raise Settled("The claim was lost.")

        thread = threading.Thread(target=keep_beating, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield report
        finally:
            over.set()
            thread.join()
