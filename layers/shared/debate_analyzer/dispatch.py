"""Units to workers: put the unit on its stage's queue, see to it that a worker comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from debate_analyzer.pipeline import Stage
from debate_analyzer.ports import WorkerPool, WorkQueue
from debate_analyzer.unit import Unit

FAILURES_TOLERATED = 6


@dataclass(frozen=True)
class Dispatcher:
    """`queues` and `max_workers` by stage name."""

    queues: Mapping[str, WorkQueue]
    pool: WorkerPool
    max_workers: Mapping[str, int]

    def send(self, unit: Unit) -> None:
        """Queue the unit, then call a worker.

        In this order: a crash in between leaves a waiting unit, which the redelivered event or the
        sweeper finds; the other way round would leave a worker that found nothing and left.
        """
        self.queues[unit.stage_name].send(unit)
        self.call_worker(unit.stage)

    def call_worker(self, stage: Stage) -> None:
        """Submit a worker unless one is on its way or as many as may run are running.

        A worker that runs drains the queue, so one more helps only while there is room; two calls
        at the same moment may submit two, and the second worker finds an empty queue and leaves.

        Workers that fail one after the other (a broken image, a missing model) are not called
        again until the failures are `ports.FAILURE_WINDOW` old: each may cost a machine's start.
        One file that kills every worker that takes it stays below the limit.
        """
        count = self.pool.count(stage)
        if count.failed_lately >= FAILURES_TOLERATED:
            return
        if count.coming == 0 and count.running < self.max_workers[stage.name]:
            self.pool.start(stage)

    def is_idle(self, stage: Stage) -> bool:
        """No unit queued: a job that still waits for this stage has lost its message."""
        return self.queues[stage.name].is_empty()
