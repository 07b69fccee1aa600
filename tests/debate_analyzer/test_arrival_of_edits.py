"""Edits lead to the statistics again; a transcript is counted with those that lie beside it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from debate_analyzer.arrival import Arrivals
from debate_analyzer.job import Claim, Figures, Job, announced
from debate_analyzer.key import edits_key
from debate_analyzer.pipeline import Status
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Report, Result
from tests.world import JOB_ID, STATS, TRANSCRIPT, VIDEO, World

EDITS = edits_key(JOB_ID)
FIGURES = Figures(duration=9.0, speaking_time=8.0, words=20, speakers=2)
JSON = "application/json"


def put(world: World, key: str, data: bytes = b"{}") -> str:
    """The new etag."""
    return world.store.put(key, data, JSON)


class Counting:
    """A stats worker that remembers which contents it has read."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.read: list[tuple[bytes | None, bytes | None]] = []

    def __call__(self, job: Job, unit: Unit, report: Report) -> Result:
        found = [self.world.store.get(key) for key in (unit.key, edits_key(job.job_id))]
        transcript, edits = (each[0] if each else None for each in found)
        self.read.append((transcript, edits))
        return Result(
            settle=lambda job: job.completed(FIGURES, self.world.clock()),
            afterwards=lambda: None,
        )

    def drain(self) -> None:
        self.world.worker(lambda *given: self(*given), stage=STATS).run()


@pytest.fixture
def counted(world: World) -> Counting:
    """A transcript that was counted, without edits."""
    counting = Counting(world)
    put(world, TRANSCRIPT)
    world.arrive(TRANSCRIPT)
    counting.drain()
    assert world.job().status is Status.COMPLETE
    return counting


def test_edits_have_the_transcript_counted_again(world: World, counted: Counting) -> None:
    world.clock.advance(minutes=1)
    version = put(world, EDITS, b"renamed")
    unit = world.arrive(EDITS)

    assert unit is not None
    assert (unit.key, unit.edits) == (TRANSCRIPT, version)
    assert world.job().status is Status.STATS_QUEUED
    assert world.pool.started == ["stats", "stats"]
    counted.drain()
    assert counted.read == [(b"{}", None), (b"{}", b"renamed")]
    assert world.job().status is Status.COMPLETE


def test_the_same_edits_again_cost_nothing(world: World, counted: Counting) -> None:
    put(world, EDITS, b"renamed")
    world.arrive(EDITS)
    counted.drain()
    before = world.job()

    assert world.arrive(EDITS) is None
    assert world.arrive(TRANSCRIPT) is None
    put(world, EDITS, b"renamed")
    assert world.arrive(EDITS) is None
    assert world.job() == before
    assert world.waiting(STATS) == []


def test_a_late_event_of_older_edits_costs_nothing(world: World, counted: Counting) -> None:
    for text in (b"one", b"two"):
        put(world, EDITS, text)
    assert world.arrive(EDITS) is not None
    counted.drain()

    assert world.arrive(EDITS) is None
    assert counted.read[-1] == (b"{}", b"two")
    assert len(counted.read) == 2


def test_a_transcript_is_counted_with_the_edits_that_lie_there(world: World) -> None:
    version = put(world, EDITS, b"renamed")
    assert world.arrive(EDITS) is None  # of nothing that anybody knows
    assert world.table.get(JOB_ID) is None

    put(world, TRANSCRIPT)
    unit = world.arrive(TRANSCRIPT)
    assert unit is not None
    assert unit.edits == version


def test_edits_wait_while_the_recording_is_transcribed(world: World, counted: Counting) -> None:
    world.drop(VIDEO)
    recording = world.arrive(VIDEO)
    assert recording is not None
    version = put(world, EDITS, b"renamed")
    steps: list[Any] = [
        lambda job: job,
        lambda job: job.claimed(recording, Claim(worker="w", until=9e9), world.clock()),
        lambda job: job.transcribed(
            world.clock(), duration=9, language="en", speakers_count=2, warnings=[]
        ),
    ]
    for step in steps:
        world.table.replace(step(world.job()))
        before = world.job()
        assert world.arrive(EDITS) is None
        assert world.job() == before
    assert world.waiting(STATS) == []

    put(world, TRANSCRIPT, b'{"duration": 2}')
    unit = world.arrive(TRANSCRIPT)
    assert unit is not None
    assert unit.edits == version


@pytest.mark.parametrize("status", [Status.UPLOADING, Status.CANCELLED, Status.DELETED])
def test_what_has_no_transcript_or_is_over_is_left_alone(world: World, status: Status) -> None:
    job = announced(
        owner="ana", title="t", media=None, now=world.clock(), job_id=JOB_ID, published=True
    )
    unit = Unit(job_id=JOB_ID, stage_name="stats", key=TRANSCRIPT, etag="e")
    units = {} if status is Status.UPLOADING else {"stats": unit}
    world.table.create(job.model_copy(update={"status": status, "units": units}))
    put(world, TRANSCRIPT)
    put(world, EDITS)
    before = world.job()

    assert world.arrive(EDITS) is None
    after = world.job()
    if status is Status.DELETED:  # but for the sweeper, who is to erase what came late
        assert after.check_at == world.clock().timestamp()
        after = after.model_copy(update={"check_at": before.check_at, "version": before.version})
    assert after == before


def test_edits_of_a_debate_whose_statistics_failed_have_them_tried_again(
    world: World, counted: Counting
) -> None:
    failed = world.job().model_copy(update={"status": Status.FAILED})
    world.table.replace(failed)
    put(world, EDITS, b"mended")
    assert world.arrive(EDITS) is not None
    assert world.job().status is Status.STATS_QUEUED


def test_edits_that_come_while_a_worker_counts_make_its_unit_void(
    world: World, counted: Counting
) -> None:
    put(world, EDITS, b"one")
    world.arrive(EDITS)
    settled: list[Unit] = []

    def process(job: Job, unit: Unit, report: Report) -> Result:
        if not settled:
            put(world, EDITS, b"two")
            assert world.arrive(EDITS) is not None
        settled.append(unit)
        done = counted(job, unit, report)
        return Result(settle=done.settle, afterwards=lambda: world.drop(f"done/{unit.edits}"))

    world.worker(process, stage=STATS, linger=0.3).run()

    first, second = settled
    assert (first.key, first.etag) == (second.key, second.etag)
    assert first.edits != second.edits
    assert world.store.head(f"done/{first.edits}") is None  # the claim was lost: Settled
    assert world.store.head(f"done/{second.edits}") is not None
    assert world.job().units["stats"] == second
    assert world.job().status is Status.COMPLETE


class _Rival:
    """The table, beside which somebody puts something at the worst moment, once."""

    def __init__(self, world: World, key: str, *, before: str) -> None:
        self.world, self.key, self.before, self.done = world, key, before, False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.world.table, name)

        def call(*args: Any, **options: Any) -> Any:
            if name == self.before and not self.done:
                self.done = True
                put(self.world, self.key, b"at the worst moment")
                self.world.arrive(self.key)
            return method(*args, **options)

        return call


@pytest.mark.parametrize("before", ["get", "create", "replace"])
@pytest.mark.parametrize(("mine", "theirs"), [(TRANSCRIPT, EDITS), (EDITS, TRANSCRIPT)])
def test_what_comes_at_the_same_moment_is_counted(
    world: World, mine: str, theirs: str, before: str
) -> None:
    """The edits' own event may find no unit yet, and the transcript's no edits."""
    if mine == EDITS:
        put(world, TRANSCRIPT)
        world.arrive(TRANSCRIPT)
        Counting(world).drain()
    put(world, mine, b"mine")
    rival: Any = _Rival(world, theirs, before=before)
    Arrivals(rival, world.store, world.dispatcher, publish_by_default=True).receive(
        mine, world.clock()
    )
    counting = Counting(world)
    counting.drain()

    assert rival.done or (mine, before) == (EDITS, "create")
    lie_there = [world.store.get(key) for key in (TRANSCRIPT, EDITS)]
    assert counting.read[-1] == tuple(each[0] if each else None for each in lie_there)
    done = world.job().units["stats"]
    heads = [world.store.head(key) for key in (TRANSCRIPT, EDITS)]
    assert (done.etag, done.edits) == tuple(each.etag if each else None for each in heads)


ACTIONS = st.sampled_from(
    [
        *("transcript a", "transcript b", "edits a", "edits b"),
        *("tell of transcript", "tell of edits", "tell of both, again", "count"),
    ]
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.uuids(version=4), st.lists(ACTIONS, max_size=12))
def test_in_any_order_what_lies_there_is_counted_in_the_end_and_nothing_twice(
    world: World, job_id: UUID, actions: list[str]
) -> None:
    """Events come late, twice and in any order; in the end each object's was delivered."""
    keys = {"transcript": TRANSCRIPT.replace(JOB_ID, str(job_id)), "edits": edits_key(str(job_id))}
    world.store.delete(f"jobs/{job_id}/")  # the same example may come again
    world.table.delete(str(job_id))
    counting = Counting(world)
    changes = 0
    for action in actions:
        match action.split():
            case ["transcript" | "edits" as what, text]:
                put(world, keys[what], text.encode())
                changes += 1
            case ["tell", "of", "transcript" | "edits" as what]:
                world.arrive(keys[what])
            case ["count"]:
                counting.drain()
            case _:
                for what in ("edits", "transcript", "edits"):
                    world.arrive(keys[what])
    for what in ("edits", "transcript"):
        world.arrive(keys[what])
    counting.drain()

    there = [world.store.get(key) for key in keys.values()]
    transcript, edits = (each[0] if each else None for each in there)
    assert counting.read[-1:] == ([] if transcript is None else [(transcript, edits)])
    assert len(counting.read) <= changes
    times = len(counting.read)
    for what in ("transcript", "edits"):
        world.arrive(keys[what])
    counting.drain()
    assert len(counting.read) == times
