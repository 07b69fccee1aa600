"""Units to workers: put the unit on its stage's queue, see to it that workers come.

A worker drains its queue, so a burst needs few of them: one for every `Stage.units_per_worker` that
wait, and never more than `max_workers`. Of n files that come while no worker leaves, at most
min(ceil(n / units_per_worker), max_workers) lead to a SubmitJob; a worker that Batch does not list
yet may be submitted twice, finds an empty queue then, and leaves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from debate_analyzer.errors import Conflict
from debate_analyzer.pipeline import Stage
from debate_analyzer.ports import Ledger, WorkerPool, WorkQueue
from debate_analyzer.unit import Unit

FAILURES_TOLERATED = 6
STARTS_AT_ONCE = 20  # of the 50 SubmitJob a second that an account has
_PACE = timedelta(seconds=1)


@dataclass(frozen=True)
class Dispatcher:
    """`queues` and `max_workers` by stage name."""

    queues: Mapping[str, WorkQueue]
    pool: WorkerPool
    max_workers: Mapping[str, int]
    ledger: Ledger
    now: Callable[[], datetime]

    def send(self, unit: Unit) -> None:
        """Queue the unit, then call a worker.

        In this order: a crash in between leaves a waiting unit, which the redelivered event or the
        sweeper finds; the other way round would leave a worker that found nothing and left.
        """
        self.queues[unit.stage_name].send(unit)
        self.call_worker(unit.stage)

    def call_worker(self, stage: Stage) -> None:
        """A unit waits: see whether there are workers for it, once a second for all who ask.

        Whoever asks second in a second leaves it at that. Who asked first has found or started a
        worker, which takes this unit, too, or whose end has `follow_up` called. Should they have
        died over it, their own event comes again, and the sweeper looks every minute.
        """
        try:
            self.ledger.put(
                "dispatch",
                stage.name,
                {},
                expires_at=(self.now() + _PACE).timestamp(),
                if_absent=True,
            )
        except Conflict:
            return
        self._call(stage, at_least=1)  # which SQS may not count yet

    def follow_up(self, stage: Stage) -> int:
        """A worker has left, or a minute has passed: what waits by now gets others; how many."""
        return self._call(stage, at_least=0)

    def is_idle(self, stage: Stage) -> bool:
        """No unit queued: a job that still waits for this stage has lost its message."""
        return self.queues[stage.name].depth().is_empty

    def _call(self, stage: Stage, *, at_least: int) -> int:
        """Submit as many workers as the waiting units ask for, beyond those that have nothing in
        hand and those that are on their way.

        Workers that fail one after the other (a broken image, a missing model) are not called
        again until the failures are `ports.FAILURE_WINDOW` old: each may cost a machine's start.
        One file that kills every worker that takes it stays below the limit.
        """
        depth = self.queues[stage.name].depth()
        waiting = max(depth.waiting, at_least)
        if not waiting:
            return 0
        count = self.pool.count(stage)
        if count.failed_lately >= FAILURES_TOLERATED:
            return 0
        waiting -= max(0, count.running - depth.in_hand)
        wanted = math.ceil(waiting / stage.units_per_worker) - count.coming
        room = self.max_workers[stage.name] - count.running - count.coming
        starts = max(0, min(wanted, room, STARTS_AT_ONCE))
        for _ in range(starts):
            self.pool.start(stage)
        return starts
