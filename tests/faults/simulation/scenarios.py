"""What is asked of the chain, and what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from debate_analyzer.pipeline import STATS, TRANSCRIBE, Status
from tests.faults.simulation.chain import Chain, Load

HOUR, DAY = 3600.0, 86_400.0
PER_SECOND = 300_000 / HOUR
WORKERS = 64
_FLOOD = "flood"


@dataclass(frozen=True)
class Outcome:
    """What became of all files. `done` is when the last was at its end, in seconds."""

    chain: Chain
    files: int
    done: float
    statuses: Counter[Status]

    @property
    def lost(self) -> int:
        """Files that are not at an end, or failed without a reason."""
        ended = self.statuses[Status.COMPLETE] + self.statuses[Status.FAILED]
        return self.files - ended + self._unexplained

    @property
    def _unexplained(self) -> int:
        rows = self.chain.table.rows.values()
        return sum(row.status is Status.FAILED and row.fault is None for row in rows)

    @property
    def reasons(self) -> Counter[str]:
        """Of failures, by code."""
        rows = self.chain.table.rows.values()
        return Counter(row.fault.code for row in rows if row.status is Status.FAILED and row.fault)

    @property
    def submits(self) -> int:
        return self.chain.batch.counts["SubmitJob"]

    @property
    def throttles_surfaced(self) -> int:
        return self.chain.batch.counts["throttles surfaced"]

    @property
    def dead_letters(self) -> dict[str, int]:
        queues = self.chain.queues
        return {
            name: q.waiting for name, q in queues.items() if name.endswith("-dead") and q.waiting
        }

    @property
    def told_twice(self) -> int:
        """Jobs whose end went out in more than one mail, or in more than one message (which itself
        may come more than once)."""
        told = self.chain.told
        more = {job_id for job_id, messages in told.ends.items() if len(messages) > 1}
        return len(more | {job_id for job_id, mails in told.mails.items() if mails > 1})

    @property
    def untold(self) -> int:
        """Jobs whose end nobody was told of, by mail or by webhook."""
        told = self.chain.told
        return self.files - len(told.ends.keys() & told.mails.keys())

    @property
    def rate(self) -> float:
        """Files a second that were transcribed while there was a backlog and all workers ran."""
        full = self.chain.load.workers[TRANSCRIBE.name]
        busy = [at for at, _, waiting, running in self.chain.depths if running == full and waiting]
        if not busy:
            return 0.0
        counted = sum(busy[0] <= at <= busy[-1] for at in self.chain.heard)
        return counted / max(1.0, busy[-1] - busy[0])

    @property
    def modelled_rate(self) -> float:
        """By the engine alone: what so many workers transcribe in a second."""
        load = self.chain.load
        return load.workers[TRANSCRIBE.name] / load.seconds[TRANSCRIBE.name]


def _finished(chain: Chain, files: int, limit: float, settle: float = 300.0) -> Outcome:
    done = chain.run_until_done(files=files, limit=limit, settle=settle)
    return Outcome(chain, files, done, chain.statuses())


def burst(files: int, *, workers: int = WORKERS, transient: float = 0.0, seed: int = 7) -> Outcome:
    """So many files at 83 a second, of which nobody wants to be told."""
    chain = Chain(
        Load(
            workers={TRANSCRIBE.name: workers, STATS.name: 4},
            transient=transient,
            told=False,
            seed=seed,
        )
    )
    with chain.running():
        chain.uploads("owner", files, start=0, seconds=files / PER_SECOND)
        return _finished(chain, files, limit=10 * DAY)


@dataclass(frozen=True)
class Alone:
    """Seconds from the upload of one file to the submit of its worker, to its running, and to the
    statistics."""

    submitted: float
    running: float
    complete: float
    submits: int


def alone() -> Alone:
    """One file, and nobody else."""
    chain = Chain(Load(workers={TRANSCRIBE.name: 16, STATS.name: 4}))
    with chain.running():
        chain.uploads("owner", 1, start=30, seconds=1)
        _finished(chain, 1, limit=DAY)
    first = next(iter(chain.batch.jobs.values()))
    (complete,) = chain.ended.values()
    return Alone(first.created - 30, first.started - 30, complete - 30, len(chain.batch.jobs))


@dataclass(frozen=True)
class Flood:
    """How long another owner's one file waited, in seconds: for its event to be handled, for a
    worker to take it then, and for its end; and the flood's own files for a worker, at most."""

    event: float
    worker: float
    end: float
    flood: float


def flood(files: int, *, workers: int = 16, fair: bool = True) -> Flood:
    """One owner sends so many files at 83 a second; another, half way, sends one."""
    chain = Chain(Load(workers={TRANSCRIBE.name: workers, STATS.name: 4}, told=False))
    for queue in chain.queues.values():
        queue.fair = fair
    lasts = files / PER_SECOND
    sent: list[tuple[str, float]] = []
    with chain.running():
        chain.uploads(_FLOOD, files, start=0, seconds=lasts)
        chain.loop.at(lasts / 2, lambda: sent.append((chain.upload("other"), chain.loop.now)))
        while not sent or sent[0][0] not in chain.ended:
            chain.loop.run(until=chain.loop.now + 60)
        chain.loop.run(until=max(chain.loop.now, lasts) + 600)
    waits = chain.queues[f"{TRANSCRIBE.name}-work"].waits
    ((taken, waited),) = ((at, wait) for at, group, wait in waits if group == "other")
    ((job_id, at),) = sent
    return Flood(
        event=taken - waited - at,
        worker=waited,
        end=chain.ended[job_id] - at,
        flood=max(wait for _, group, wait in waits if group == _FLOOD),
    )


OUTAGE = 1800.0
OWNERS = 50


def day(files: int, *, workers: int = 32, seed: int = 7) -> Outcome:
    """24 hours of so many files of fifty owners, who all want to be told, with failures, spot
    interruptions, half an hour without S3 at six, one without SES at noon, and one without the
    receivers of webhooks at six in the evening."""
    chain = Chain(
        Load(
            workers={TRANSCRIBE.name: workers, STATS.name: 4},
            transient=0.01,
            permanent=0.001,
            interruptions=0.1,
            s3_outages=((6 * HOUR, 6 * HOUR + OUTAGE),),
            ses_outages=((12 * HOUR, 12 * HOUR + OUTAGE),),
            receiver_outages=((18 * HOUR, 18 * HOUR + OUTAGE),),
            seed=seed,
        )
    )
    owners = [f"owner-{number}" for number in range(OWNERS)]
    with chain.running():
        chain.subscribe(*owners)
        for number, owner in enumerate(owners):
            each = files // OWNERS
            chain.uploads(owner, each, start=number, seconds=DAY)
        return _finished(chain, files // OWNERS * OWNERS, limit=3 * DAY, settle=HOUR)
