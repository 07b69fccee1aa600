from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from debate_analyzer.errors import NoAudioTrack
from debate_analyzer.job import Claim, Job
from debate_analyzer.pipeline import Status
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Result, Stopped
from tests.world import JOB_ID, VIDEO, World


def _transcribe(world: World) -> Callable[..., Result]:
    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        report(0.5)
        return Result(
            settle=lambda job: job.transcribed(
                world.clock(), duration=9.0, language="en", speakers_count=2, warnings=[]
            ),
            afterwards=lambda: world.drop(f"done/{unit.etag}"),
        )

    return process


def _queue(world: World, key: str = VIDEO) -> Unit:
    world.drop(key)
    unit = world.arrive(key)
    assert unit is not None
    return unit


def test_a_unit_is_done_and_its_message_gone(world: World) -> None:
    unit = _queue(world)

    assert world.worker(_transcribe(world)).run() == 1

    assert world.job().status is Status.TRANSCRIBED
    assert world.job().claim is None
    assert world.store.head(f"done/{unit.etag}") is not None
    assert world.queues["transcribe"].is_empty()


def test_the_same_unit_twice_in_the_queue_is_done_once(world: World) -> None:
    unit = _queue(world)
    world.queues["transcribe"].send(unit)
    times: list[str] = []

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        times.append(unit.id)
        return _transcribe(world)(job, unit, report)

    world.worker(process).run()

    assert times == [unit.id]
    assert world.queues["transcribe"].is_empty()


def test_a_bad_file_fails_with_its_sentence_and_its_neighbour_does_not(world: World) -> None:
    _queue(world)
    other = "8d9e6679-7425-40de-944b-e07fc1f90ae7"
    _queue(world, VIDEO.replace(JOB_ID, other))

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        if job.job_id == JOB_ID:
            raise NoAudioTrack("The video has no sound. Upload one that has.")
        return _transcribe(world)(job, unit, report)

    world.worker(process, linger=0.3).run()

    assert world.job().status is Status.FAILED
    assert world.job().fault.model_dump() == {
        "code": "no_audio_track",
        "message": "The video has no sound. Upload one that has.",
    }
    assert world.job(other).status is Status.TRANSCRIBED


def test_an_outage_is_retried_after_5_25_and_125_minutes_and_then_given_up(world: World) -> None:
    _queue(world)

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        raise ConnectionError("the network is away")

    waits = []
    for _ in range(3):
        world.worker(process).run()
        job = world.job()
        assert job.status is Status.QUEUED
        waits.append((job.retry_at - world.clock().timestamp()) / 60)
        world.clock.advance(seconds=job.retry_at - world.clock().timestamp() - 1)
        assert world.sweeper.sweep(world.clock()) == {}
        world.clock.advance(seconds=1)
        assert world.sweeper.sweep(world.clock()) == {Status.QUEUED: 1}
    world.worker(process).run()

    assert waits == [5, 25, 125]
    assert world.job().status is Status.FAILED
    assert "4 times" in world.job().fault.message


def test_a_unit_that_waits_for_its_retry_is_not_taken_early(world: World) -> None:
    unit = _queue(world)

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        raise ConnectionError("the network is away")

    world.worker(process).run()
    world.queues["transcribe"].send(unit)
    world.worker(_transcribe(world)).run()

    assert world.job().status is Status.QUEUED


def test_newer_content_takes_the_place_of_what_is_being_worked_on(world: World) -> None:
    _queue(world)

    old = world.job().unit
    done: list[Unit] = []

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        if unit == old:
            world.drop(VIDEO, b"a better recording")
            world.arrive()
        done.append(unit)
        return _transcribe(world)(job, unit, report)

    world.worker(process, linger=0.3).run()

    newer = world.job().unit or world.job().units["transcribe"]
    assert done == [old, newer]
    assert world.job().status is Status.TRANSCRIBED
    assert world.store.head(f"done/{old.etag}") is None
    assert world.store.head(f"done/{newer.etag}") is not None


def test_a_worker_that_is_told_to_stop_gives_its_unit_back_at_once(world: World) -> None:
    unit = _queue(world)

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        raise Stopped

    with pytest.raises(Stopped):
        world.worker(process).run()

    assert world.job().status is Status.QUEUED
    assert world.job().attempt == 0
    assert world.waiting() == [unit]


def test_a_restarted_worker_takes_over_what_its_dead_attempt_held(world: World) -> None:
    unit = _queue(world)
    claim = Claim(worker="batch-1", attempt=1, until=world.clock().timestamp() + 60)
    world.table.replace(world.job().claimed(unit, claim, world.clock()))

    world.worker(_transcribe(world), name="batch-1", attempt=2).run()

    assert world.job().status is Status.TRANSCRIBED


def test_another_worker_does_not_take_over_while_the_lease_lasts(world: World) -> None:
    unit = _queue(world)
    claim = Claim(worker="batch-1", attempt=1, until=world.clock().timestamp() + 60)
    world.table.replace(world.job().claimed(unit, claim, world.clock()))

    world.worker(_transcribe(world), name="batch-2").run()
    assert world.job().claim.worker == "batch-1"

    world.clock.advance(seconds=61)
    world.queues["transcribe"].send(unit)
    world.worker(_transcribe(world), name="batch-2").run()
    assert world.job().status is Status.TRANSCRIBED


def test_progress_and_lease_are_written_while_the_engine_works(world: World) -> None:
    _queue(world)
    seen: list[tuple[float, float]] = []

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        report(0.4)
        deadline = time.monotonic() + 20
        while world.job().progress != 0.4 and time.monotonic() < deadline:
            time.sleep(0.1)
        seen.append((world.job().progress, world.job().claim.until))
        return _transcribe(world)(job, unit, report)

    world.worker(process, now=lambda: datetime.now(UTC)).run()

    progress, until = seen[0]
    assert progress == 0.4
    assert until > datetime.now(UTC).timestamp() + 30


def test_a_worker_that_lost_its_claim_is_told_so_and_writes_nothing(world: World) -> None:
    unit = _queue(world)

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        world.table.replace(world.job().requeued(world.clock()))
        return _transcribe(world)(job, unit, report)

    world.worker(process).run()

    assert world.job().status is Status.QUEUED
    assert world.store.head(f"done/{unit.etag}") is None


def test_a_message_that_is_no_unit_stays_for_the_dead_letter_queue(world: World) -> None:
    world.sqs.send_message(QueueUrl=world.queues["transcribe"].url, MessageBody="not a unit")

    _queue(world)

    world.worker(_transcribe(world), linger=0.3).run()

    assert world.job().status is Status.TRANSCRIBED
    assert not world.queues["transcribe"].is_empty()
