"""A hold on a job: claim and message are renewed while it lasts, progress is written."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from datetime import datetime, timedelta

from debate_analyzer.change import change
from debate_analyzer.errors import NotFound
from debate_analyzer.job import Claim, Job, Settled
from debate_analyzer.ports import Delivery, JobTable
from debate_analyzer.unit import Unit

logger = logging.getLogger(__name__)

# Progress is shown at most so often, in seconds: each beat is a write to the table.
_SHOWN_EVERY = 2.0
_LOOK = 0.5


class Hold:
    """Beats from its making until `let_go`, three times a lease.

    In a thread of its own, since an engine may be silent for longer than a lease. A beat that fails
    is not fatal: the next may succeed, and without any the lease runs out by itself.
    """

    def __init__(
        self,
        table: JobTable,
        job_id: str,
        claim: Claim,
        *,
        lease: timedelta,
        now: Callable[[], datetime],
        unit: Unit | None = None,
        delivery: Delivery | None = None,
    ) -> None:
        """An import has neither unit nor delivery."""
        self._table = table
        self._job_id = job_id
        self._claim = claim
        self._unit = unit
        self._delivery = delivery
        self._lease = lease
        self._now = now
        self._progress = 0.0
        self._lost = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._keep_beating,), name="heartbeat", daemon=True
        )
        self._thread.start()

    @property
    def progress(self) -> float:
        """The most that was reported, 0 to 1."""
        return self._progress

    def report(self, progress: float) -> None:
        """So much is done, 0 to 1. Raises Settled once the claim is lost."""
        self._progress = max(self._progress, min(progress, 1.0))
        if self._lost.is_set():
            raise Settled("The claim was lost.")

    def step(self, step: Callable[[Job], Job]) -> Job:
        """Take a step that only the holder of the claim may take. Raises Settled without it."""

        def guarded(job: Job) -> Job:
            if not job.held_by(self._claim, self._unit):
                raise Settled("The claim was lost.")
            return step(job)

        return change(self._table, self._job_id, guarded)

    def let_go(self) -> None:
        """No beat comes after this. May be repeated."""
        self._over.set()
        self._thread.join()

    def _keep_beating(self) -> None:
        shown = 0.0
        last = time.monotonic()
        every = self._lease.total_seconds() / 3
        while not self._over.wait(_LOOK) and not self._lost.is_set():
            moved = self._progress > shown and time.monotonic() - last > _SHOWN_EVERY
            if moved or time.monotonic() - last > every:
                shown, last = self._progress, time.monotonic()
                try:
                    self._beat(shown)
                except Exception:
                    logger.exception("job %s: a heartbeat failed", self._job_id)

    def _beat(self, progress: float) -> None:
        if self._delivery is not None:
            self._delivery.extend(self._lease)
        now = self._now()
        claim = self._claim.model_copy(update={"until": (now + self._lease).timestamp()})
        try:
            self.step(lambda job: job.renewed(claim, progress, now))
        except (Settled, NotFound):
            self._lost.set()
