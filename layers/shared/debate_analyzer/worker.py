"""The worker: takes units of one stage from its queue until the queue stays empty, then leaves.

Its model is loaded once, by whoever makes the `Process`. Each unit's fate is its own: a file that
fails takes neither the worker nor its neighbours with it. While one unit is worked on, the next is
made ready (its file is fetched and decoded) and the one before is finished (its results are put
where they belong), so that the model never waits for the network.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import ValidationError

from debate_analyzer.change import change
from debate_analyzer.errors import InvalidInput, NotFound
from debate_analyzer.hold import Hold
from debate_analyzer.job import Claim, FailedAttempt, Fault, Job, Settled
from debate_analyzer.log import about
from debate_analyzer.ports import Delivery, JobTable, WorkQueue
from debate_analyzer.trouble import Namer, lasting, passing, reason_of, trouble_of
from debate_analyzer.unit import Unit

logger = logging.getLogger(__name__)

_GONE = Fault(
    code="recording_gone",
    message="What was to be worked on is not there any more. Upload the recording again.",
)

# The next unit is made ready when the one in hand has no more than this to go: longer in advance it
# would be kept from another worker that could have begun.
_AHEAD_SECONDS = 30.0

Report = Callable[[float], None]


class Stopped(BaseException):
    """The worker was told to leave (spot reclaim, Ctrl-C): it gives its units back first."""


@dataclass(frozen=True)
class Result:
    """What became of a unit.

    `settle` is the job's step, taken only if the claim still holds: after what `beforehand` puts in
    place, and before `afterwards`. What starts the next stage comes last, so that nothing overtakes
    the row. It may name a unit that this worker is to take next, past the queue.
    """

    settle: Callable[[Job], Job]
    afterwards: Callable[[], Unit | None]
    beforehand: Callable[[], object] = lambda: None


class Process(Protocol):
    """The work itself, in two steps, of which the first may run beside another unit's second.

    `report(progress)`, 0 to 1 over both, raises Settled once the claim is lost.
    """

    def prepare(
        self, job: Job, unit: Unit, report: Report, resources: ExitStack
    ) -> Callable[[Report], Result]:
        """Fetch what the work needs, and return the work. `resources` are closed after it."""


@dataclass(frozen=True)
class InHand:
    """ports.Delivery of what never was in a queue."""

    body: str

    def extend(self, visibility: timedelta) -> None:
        """Nobody else can have it."""

    def settle(self) -> None:
        """It is nowhere."""


@dataclass(frozen=True)
class _Held:
    """A unit that this worker has claimed. `resources` are what its work needs on this machine."""

    unit: Unit
    delivery: Delivery
    hold: Hold
    job: Job
    resources: ExitStack = field(default_factory=ExitStack)

    @property
    def is_suspect(self) -> bool:
        """Whether a worker went away with it, and did not say why: it may be what kills them."""
        return self.job.attempt > 1 + len(self.job.tried)


@dataclass(frozen=True)
class _Ready:
    """A unit that can be worked on at once."""

    held: _Held
    work: Callable[[Report], Result]


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
    looks_ahead: bool = True
    trouble_of: Namer = trouble_of
    done: int = field(default=0, init=False)
    _held: list[_Held] = field(default_factory=list, init=False)
    _leaving: threading.Event = field(default_factory=threading.Event, init=False)
    _coming: Future[_Ready | None] | None = field(default=None, init=False)
    _finishing: Future[None] | None = field(default=None, init=False)
    _named: deque[str] = field(default_factory=deque, init=False)
    _counting: threading.Lock = field(default_factory=threading.Lock, init=False)

    def run(self) -> int:
        """Drain the queue; how many units were done. Returns after `linger` without a unit.

        On Stopped, everything in hand goes back to the queue at once.
        """
        with ThreadPoolExecutor(1) as ahead, ThreadPoolExecutor(1) as behind:
            try:
                ready = self._wait()
                while ready is not None:
                    with about(ready.held.unit.job_id):
                        self._work(ready, ahead, behind)
                    ready = self._next()
            except Stopped:
                self._leaving.set()
                ahead.shutdown()
                behind.shutdown()
                for held in list(self._held):
                    with about(held.unit.job_id):
                        self._give_back(held)
                raise
        return self.done

    def _wait(self) -> _Ready | None:
        idle_since = time.monotonic()
        while (left := self.linger.total_seconds() - (time.monotonic() - idle_since)) > 0:
            delivery = self.queue.receive(
                wait=timedelta(seconds=min(left, 20)), visibility=self.lease
            )
            if delivery is not None:
                if ready := self._take(delivery):
                    return ready
                idle_since = time.monotonic()
        return None

    def _next(self) -> _Ready | None:
        if ready := self._take_named():
            return ready
        coming, self._coming = self._coming, None
        if coming and (ready := coming.result()):
            return ready
        self._wait_until_finished()
        return self._take_named() or self._wait()

    def _take_named(self) -> _Ready | None:
        return self._take(InHand(self._named.popleft())) if self._named else None

    def _wait_until_finished(self) -> None:
        if self._finishing is not None:
            self._finishing.result()

    def _look_ahead(self) -> _Ready | None:
        delivery = self.queue.receive(wait=timedelta(seconds=1), visibility=self.lease)
        return self._take(delivery) if delivery else None

    def _take(self, delivery: Delivery) -> _Ready | None:
        """Claim the unit and make it ready; None where there is nothing to do or it failed."""
        try:
            unit = Unit.model_validate_json(delivery.body)
        except ValidationError:
            logger.exception("not a unit: %.200s", delivery.body)
            self._bury(delivery.body, [], "no_unit", "The message is no unit of work.")
            delivery.settle()
            return None
        with about(unit.job_id):
            return self._claim(unit, delivery)

    def _claim(self, unit: Unit, delivery: Delivery) -> _Ready | None:
        until = (self.now() + self.lease).timestamp()
        claim = Claim(worker=self.name, attempt=self.attempt, until=until)
        try:
            job = change(self.table, unit.job_id, lambda job: job.claimed(unit, claim, self.now()))
        except (Settled, NotFound) as reason:
            logger.info("unit %s needs no work: %s", unit.id, reason)
            delivery.settle()
            return None
        logger.info("unit %s: attempt %d", unit.id, job.attempt)
        hold = Hold(
            self.table,
            job.job_id,
            claim,
            lease=self.lease,
            now=self.now,
            unit=unit,
            delivery=delivery,
        )
        held = _Held(unit, delivery, hold, job)
        self._held.append(held)

        def report(progress: float) -> None:
            if self._leaving.is_set():
                raise Stopped
            hold.report(progress)

        def prepare() -> Callable[[Report], Result]:
            return self.process.prepare(job, unit, report, held.resources)

        if held.is_suspect:
            return _Ready(held, lambda report: prepare()(report))  # when its turn has come
        try:
            return _Ready(held, prepare())
        except Exception as error:  # noqa: BLE001 - whatever one unit raises, the next is not to blame
            self._fail(held, error)
            return None

    def _work(self, ready: _Ready, ahead: ThreadPoolExecutor, behind: ThreadPoolExecutor) -> None:
        """Do the unit, and leave it to be finished behind the next. A suspect has nothing beside
        it that it could take along."""
        held = ready.held
        if held.is_suspect:
            self._wait_until_finished()
        looks_ahead = self.looks_ahead and not held.is_suspect
        began, progress_before = time.monotonic(), held.hold.progress

        def report(progress: float) -> None:
            held.hold.report(progress)
            gained = held.hold.progress - progress_before
            elapsed = time.monotonic() - began
            nears_its_end = elapsed * (1 - held.hold.progress) <= gained * _AHEAD_SECONDS
            if nears_its_end and gained and self._coming is None and looks_ahead:
                self._coming = ahead.submit(self._look_ahead)

        try:
            result = ready.work(report)
        except Exception as error:  # noqa: BLE001 - whatever one unit raises, the next is not to blame
            self._fail(held, error)
            return
        logger.info("unit %s: done after %.1f s", held.unit.id, time.monotonic() - began)
        self._wait_until_finished()  # of the one before: one at a time
        self._finishing = behind.submit(copy_context().run, self._finish, held, result)

    def _finish(self, held: _Held, result: Result) -> None:
        try:
            held.hold.step(lambda job: job)  # what was overtaken must not lie over what overtook it
            result.beforehand()
            held.hold.step(result.settle)
            following = result.afterwards()
        except Exception as error:  # noqa: BLE001 - whatever one unit raises, the next is not to blame
            self._fail(held, error)
            return
        if following is not None:
            self._named.append(following.model_dump_json())
        self._let_go(held)

    def _fail(self, held: _Held, error: Exception) -> None:
        unit = held.unit
        match error:
            case Settled():
                logger.info("unit %s is dropped: %s", unit.id, error)
            case InvalidInput():
                logger.info("unit %s fails: %s: %s", unit.id, error.code, error)
                fault = Fault(code=error.code, message=str(error))
                self._end(held, lambda job: job.failed(fault, self.now()))
            case NotFound():
                logger.info("unit %s fails: %s", unit.id, error)
                self._end(held, lambda job: job.failed(_GONE, self.now()))
            case _:
                logger.error("unit %s: attempt failed", unit.id, exc_info=error)
                self._try_later(held, error)
        self._let_go(held)

    def _try_later(self, held: _Held, error: Exception) -> None:
        """After a wait, or never: then a letter says what was tried, before the row says that it
        is over. So there may be a letter too many, but none too few."""
        trouble, attempt = self.trouble_of(error), held.job.attempt
        if attempt <= len(self.retry_ladder):
            wait = self.retry_ladder[attempt - 1]
            self._end(
                held, lambda job: job.postponed(passing(trouble), self.now() + wait, self.now())
            )
        elif self._end(held, lambda job: job):  # nobody else has it by now
            reason = reason_of(error, self.trouble_of)
            self._bury(held.unit.model_dump_json(), held.job.tried, reason.code, reason.message)
            self._end(held, lambda job: job.failed(lasting(trouble, attempt), self.now()))

    def _bury(self, body: str, tried: list[FailedAttempt], code: str, message: str) -> None:
        last = FailedAttempt(code=code, message=message, at=self.now())
        self.queue.bury(body, [*tried, last])

    def _end(self, held: _Held, step: Callable[[Job], Job]) -> bool:
        try:
            held.hold.step(step)
        except (Settled, NotFound) as reason:
            logger.info("unit %s went on without us: %s", held.unit.id, reason)
            return False
        return True

    def _let_go(self, held: _Held) -> None:
        held.hold.let_go()
        held.resources.close()
        held.delivery.settle()
        with self._counting:
            self._held.remove(held)
            self.done += 1

    def _give_back(self, held: _Held) -> None:
        held.hold.let_go()
        held.resources.close()
        if self._end(held, lambda job: job.released(self.now())):
            held.delivery.extend(timedelta(0))
