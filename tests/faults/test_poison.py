"""One among ten that nobody can do: nine are done once, and it fails with its reason."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import pytest

from batch_images.transcribe.process import Lengths, TranscribeProcess
from batch_images.transcribe.transcriber import Transcriber
from debate_analyzer import bootstrap
from debate_analyzer.config import Settings
from debate_analyzer.job import Job
from debate_analyzer.pipeline import Status
from debate_analyzer.transcript import Turn
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Process as Work
from debate_analyzer.worker import Report, Result
from tests.batch_images.transcribe.engines import Script, Seats
from tests.batch_images.transcribe.test_parts import WORDS
from tests.faults.cloud import ENVIRONMENT, Cloud, deployed, handler
from tests.faults.engines import WORKS
from tests.faults.judge import Judge
from tests.faults.machine import Killed, Machine
from tests.faults.memory import Message
from tests.faults.stories import announced, settle
from tests.world import MOVING_PICTURES, wav

_TEN = 10
_SEEDS = int(os.environ.get("POISON_SEEDS", "3"))
_TITLE = "poison"


def _raise(cloud: Cloud) -> None:
    raise RuntimeError("a defect of ours")


def _die(cloud: Cloud) -> None:
    process = cloud.machine.current
    assert process is not None
    process.is_killed = True
    raise Killed


Strike = Callable[[Cloud], None]


@dataclass(frozen=True)
class Poisoned:
    """worker.Process of which one unit is the end, before the work or in its midst."""

    of: Work
    cloud: Cloud
    ahead: bool
    strike: Strike

    def prepare(
        self, job: Job, unit: Unit, report: Report, resources: ExitStack
    ) -> Callable[[Report], Result]:
        work = self.of.prepare(job, unit, report, resources)
        if job.title != _TITLE:
            return work
        if self.ahead:
            self.strike(self.cloud)

        def end(report: Report) -> Result:
            self.strike(self.cloud)
            return work(report)

        return end


def _one_among(
    count: int,
    works: Mapping[str, Callable[[Cloud], Work]],
    *,
    code: str,
    seed: int = 0,
    recordings: Callable[[int], bytes] = lambda number: MOVING_PICTURES,
) -> tuple[Cloud, Job]:
    """As it is in the end, judged; and the one."""
    cloud = Cloud(Machine(random.Random(seed)), works)
    with deployed(cloud):
        wishes = [
            announced(cloud, recordings(number), title=_TITLE if number == count // 2 else "t")
            for number in range(count)
        ]
        poison = wishes[count // 2]
        poison.fails_with = code
        settle(cloud)
        Judge(cloud, wishes).judge()
    rows = [cloud.table.rows[wish.job_id] for wish in wishes]
    assert [job.status for job in rows].count(Status.COMPLETE) == count - 1
    return cloud, cloud.table.rows[poison.job_id]


def _letters(cloud: Cloud) -> dict[str, list[Message]]:
    return {name: queue.dead for name, queue in cloud.queues.items() if queue.dead}


@pytest.mark.parametrize("stage", sorted(WORKS))
@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize(("strike", "code"), [(_raise, "internal"), (_die, "worker_lost")])
def test_what_takes_its_worker_with_it_takes_no_neighbour(
    stage: str, ahead: bool, strike: Strike, code: str
) -> None:
    def poisoned(cloud: Cloud) -> Work:
        return Poisoned(WORKS[stage](cloud), cloud, ahead, strike)

    for seed in range(_SEEDS):
        cloud, job = _one_among(_TEN, {**WORKS, stage: poisoned}, code=code, seed=seed)
        ((queue, (letter,)),) = _letters(cloud).items()
        assert queue == f"{stage}-work"
        assert Unit.model_validate_json(letter.body) == job.units[stage]
        assert {attempt.code for attempt in letter.tried} == {code}


@pytest.fixture
def one_worker() -> Iterator[None]:
    """At a time, as on a laptop."""
    with patch.dict(ENVIRONMENT, TRANSCRIBE_MAX_WORKERS="1"):
        handler.cache_clear()  # of functions whose settings are read
        yield
    handler.cache_clear()


@pytest.mark.usefixtures("one_worker")
@pytest.mark.parametrize("ahead", [True, False])
def test_an_only_neighbour_is_taken_along_once_at_most(ahead: bool) -> None:
    """Made ready beside it, or finished: from then on nothing is beside either of them."""

    def poisoned(cloud: Cloud) -> Work:
        return Poisoned(WORKS["transcribe"](cloud), cloud, ahead, _die)

    for seed in range(2 * _SEEDS):
        cloud, job = _one_among(2, {**WORKS, "transcribe": poisoned}, code="worker_lost", seed=seed)
        rows = [after for _, after in cloud.table.writes if after is not None]
        assert max(row.attempt for row in rows if row.job_id != job.job_id) <= 2


def _listening(cloud: Cloud) -> TranscribeProcess:
    """The real process and decoder: only what is heard is known beforehand."""
    settings = Settings(ENVIRONMENT)
    transcriber = Transcriber(Script(WORDS[:2]), Seats([Turn(start=0, end=3, speaker="A")]))
    return TranscribeProcess(
        table=bootstrap.job_table(settings),
        store=bootstrap.object_store(settings),
        transcriber=lambda model: transcriber,
        lengths=Lengths(longest=60, part=30),
        now=cloud.machine.now,
    )


def test_a_corrupt_recording_among_ten_fails_at_once_and_alone() -> None:
    whole = wav(np.zeros(16_000 * 4, np.int16))
    corrupt = whole[:44] + b"\xff" * 20

    def recording(number: int) -> bytes:
        return corrupt if number == _TEN // 2 else whole

    cloud, job = _one_among(
        _TEN, {**WORKS, "transcribe": _listening}, code="truncated_media", recordings=recording
    )
    assert job.fault is not None
    assert "Upload" in job.fault.message
    assert _letters(cloud) == {}  # to try again would change nothing
    assert max(after.attempt for _, after in cloud.table.writes if after) == 1
