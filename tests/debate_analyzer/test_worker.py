from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from debate_analyzer.errors import NoAudioTrack, NotFound
from debate_analyzer.job import Claim, FailedAttempt, Job
from debate_analyzer.pipeline import Status
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Report, Result, Stopped
from tests.world import JOB_ID, MOVING_PICTURES, VIDEO, World


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
    assert world.queues["transcribe"].depth().is_empty


def test_the_same_unit_twice_in_the_queue_is_done_once(world: World) -> None:
    unit = _queue(world)
    world.queues["transcribe"].send(unit)
    times: list[str] = []

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        times.append(unit.id)
        return _transcribe(world)(job, unit, report)

    world.worker(process).run()

    assert times == [unit.id]
    assert world.queues["transcribe"].depth().is_empty


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
            world.drop(VIDEO, MOVING_PICTURES + b"in colour")
            world.arrive()
        done.append(unit)
        return _transcribe(world)(job, unit, report)

    world.worker(process, linger=0.3).run()

    newer = world.job().unit or world.job().units["transcribe"]
    assert done == [old, newer]
    assert world.job().status is Status.TRANSCRIBED
    assert world.store.head(f"done/{old.etag}") is None
    assert world.store.head(f"done/{newer.etag}") is not None


def test_what_was_overtaken_is_not_put_over_what_overtook_it(world: World) -> None:
    """By another worker, which was faster."""
    old = _queue(world)

    def slow(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        if unit == old:
            world.drop(VIDEO, MOVING_PICTURES + b"in colour")
            world.arrive()
            world.worker(quick, name="batch-2").run()
        return quick(job, unit, report)

    def quick(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        done = _transcribe(world)(job, unit, report)
        beforehand = lambda: world.drop("result", unit.etag.encode())  # noqa: E731
        return Result(settle=done.settle, afterwards=done.afterwards, beforehand=beforehand)

    world.worker(slow).run()

    newer = world.job().units["transcribe"]
    assert newer != old
    found = world.store.get("result")
    assert found is not None
    assert found[0] == newer.etag.encode()


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


def test_a_message_that_is_no_unit_goes_to_the_dead_letters_with_its_reason(world: World) -> None:
    world.sqs.send_message(QueueUrl=world.queues["transcribe"].url, MessageBody="not a unit")
    _queue(world)

    world.worker(_transcribe(world), linger=0.3).run()

    assert world.job().status is Status.TRANSCRIBED
    assert world.queues["transcribe"].depth().is_empty
    [(body, tried)] = buried(world)
    assert (body, [each["code"] for each in tried]) == ("not a unit", ["no_unit"])


def buried(world: World, stage: str = "transcribe") -> list[tuple[str, list[dict[str, str]]]]:
    """The stage's dead letters, with how each was tried."""
    answer = world.sqs.receive_message(
        QueueUrl=world.queues[stage].dead_letters,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageAttributeNames=["All"],
    )
    return [
        (message["Body"], json.loads(message["MessageAttributes"]["tried"]["StringValue"]))
        for message in answer.get("Messages", [])
    ]


def test_a_unit_that_is_given_up_leaves_a_letter_with_every_attempt(world: World) -> None:
    unit = _queue(world)
    errors = iter(
        [
            ConnectionError("the network is away"),
            MemoryError(),
            OSError(errno.ENOSPC, "No space left on device"),
            ValueError("a defect"),
        ]
    )

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        raise next(errors)

    for _ in range(3):
        world.worker(process).run()
        assert buried(world) == []
        world.clock.time = datetime.fromtimestamp(world.job().retry_at, UTC)
        world.sweeper.sweep(world.clock())
    world.worker(process).run()

    codes = ["network", "out_of_memory", "disk_full", "internal"]
    [(body, tried)] = buried(world)
    assert Unit.model_validate_json(body) == unit
    assert [each["code"] for each in tried] == codes
    assert [each["at"][11:16] for each in tried] == ["12:00", "12:05", "12:30", "14:35"]
    assert tried[-1]["message"] == "ValueError: a defect"
    assert world.job().fault.code == "internal"
    assert "a defect" not in world.job().fault.message


def test_a_unit_that_no_worker_survives_leaves_a_letter_too(world: World) -> None:
    unit = _queue(world)
    tried = FailedAttempt(code="network", message="OSError: away", at=world.clock())
    claim = Claim(worker="batch-1", until=world.clock().timestamp() + 60)
    held = world.job().claimed(unit, claim, world.clock())
    world.table.replace(held.model_copy(update={"attempt": 4, "tried": [tried]}))

    world.sweeper.release("batch-1", world.clock())

    [(body, told)] = buried(world)
    assert Unit.model_validate_json(body) == unit
    assert [each["code"] for each in told] == ["network", "worker_lost"]
    assert world.job().fault.code == "worker_lost"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoAudioTrack("The video has no sound."), "no_audio_track"),
        (NotFound("videos/town hall.mp4 is not there."), "recording_gone"),
    ],
)
def test_what_no_retry_would_change_fails_at_once_and_leaves_no_letter(
    world: World, error: Exception, code: str
) -> None:
    _queue(world)

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        raise error

    world.worker(process).run()

    assert (world.job().status, world.job().fault.code) == (Status.FAILED, code)
    assert world.job().retry_at is None
    assert buried(world) == []


def test_a_recording_that_is_gone_from_the_bucket_is_not_waited_for(world: World) -> None:
    with pytest.raises(NotFound):
        world.store.download(VIDEO, Path("nowhere"))


def test_of_a_unit_that_another_has_taken_over_nobody_writes_a_letter(world: World) -> None:
    _queue(world)
    world.table.replace(world.job().model_copy(update={"attempt": 3}))

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        world.table.replace(world.job().requeued(world.clock()))
        raise ConnectionError("the network is away")

    world.worker(process).run()

    assert world.job().status is Status.QUEUED
    assert buried(world) == []


@dataclass
class _Steps:
    """A Process that says when it prepares and when it works; either may fail or wait."""

    world: World
    preparing: Callable[[Unit], None] = lambda unit: None
    working: Callable[[Unit], None] = lambda unit: None
    said: list[str] = field(default_factory=list)
    open: int = 0

    def prepare(
        self, job: Job, unit: Unit, report: Report, resources: ExitStack
    ) -> Callable[[Report], Result]:
        self.said.append(f"prepare {unit.job_id[:1]}")
        self.open += 1
        resources.callback(self._close)
        self.preparing(unit)
        report(0.1)
        return lambda report: self._work(job, unit, report)

    def _close(self) -> None:
        self.open -= 1

    def _work(self, job: Job, unit: Unit, report: Report) -> Result:
        self.said.append(f"work {unit.job_id[:1]}")
        report(0.9)  # after no time at all: so the rest takes none either
        self.working(unit)
        return _transcribe(self.world)(job, unit, report)


def _several(world: World, count: int) -> list[str]:
    """Jobs whose ids begin with 1, 2, …"""
    ids = [JOB_ID.replace("7c9e", f"{number}c9e", 1) for number in range(1, count + 1)]
    for job_id in ids:
        _queue(world, VIDEO.replace(JOB_ID, job_id))
    return ids


def _wait_for(said: list[str], what: str) -> None:
    deadline = time.monotonic() + 20
    while what not in said:
        assert time.monotonic() < deadline, f"{what} not in {said}"
        time.sleep(0.01)


def test_the_next_unit_is_prepared_while_one_is_worked_on(world: World) -> None:
    first, second, third = _several(world, 3)
    process = _Steps(world)
    following = {first: "prepare 2", second: "prepare 3"}

    def work(unit: Unit) -> None:
        if unit.job_id in following:
            _wait_for(process.said, following[unit.job_id])

    process.working = work
    assert world.worker(process).run() == 3

    assert process.said == [
        *("prepare 1", "work 1", "prepare 2", "work 2", "prepare 3", "work 3"),
    ]
    assert [world.job(each).status for each in (first, second, third)] == [Status.TRANSCRIBED] * 3
    assert process.open == 0


def test_a_unit_with_long_to_go_keeps_no_other_from_another_worker(world: World) -> None:
    first, _ = _several(world, 2)

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        if job.job_id == first:
            time.sleep(0.2)
            report(0.001)  # at this pace more than three minutes
            time.sleep(1.5)
            assert len(world.waiting()) == 1
        return _transcribe(world)(job, unit, lambda progress: None)

    world.worker(process).run()
    assert world.job(first).status is Status.TRANSCRIBED


@pytest.mark.parametrize("where", ["preparing", "working"])
def test_of_two_in_hand_one_may_fail_and_the_other_is_done(world: World, where: str) -> None:
    first, second, third = _several(world, 3)

    def fail(unit: Unit) -> None:
        if unit.job_id == second:
            raise NoAudioTrack("The video has no sound. Upload one that has.")

    process = _Steps(world, **{where: fail})
    assert world.worker(process, linger=0.3).run() == 3
    assert world.job(second).fault.code == "no_audio_track"
    assert [world.job(each).status for each in (first, third)] == [Status.TRANSCRIBED] * 2
    assert process.open == 0
    assert world.queues["transcribe"].depth().is_empty


def test_a_worker_that_is_told_to_stop_gives_back_what_it_works_on_and_what_it_prepares(
    world: World,
) -> None:
    ids = _several(world, 3)
    process = _Steps(world)

    def stop(unit: Unit) -> None:
        _wait_for(process.said, "prepare 2")
        raise Stopped

    process.working = stop
    with pytest.raises(Stopped):
        world.worker(process).run()

    assert [world.job(each).status for each in ids] == [Status.QUEUED] * 3
    assert [world.job(each).attempt for each in ids] == [0] * 3
    assert {unit.job_id for unit in world.waiting()} == set(ids)
    assert process.open == 0
    assert process.said[-1] == "prepare 2"


def test_a_unit_named_by_the_one_before_is_taken_past_the_queue(world: World) -> None:
    first, second = _several(world, 2)
    following = world.job(second).unit
    world.waiting()
    world.queues["transcribe"].send(world.job(first).unit)

    def process(job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        done = _transcribe(world)(job, unit, report)
        return Result(done.settle, lambda: following if unit.job_id == first else None)

    assert world.worker(process).run() == 2
    assert world.job(second).status is Status.TRANSCRIBED


def test_what_is_shown_of_the_progress_never_falls(world: World) -> None:
    unit = _queue(world)
    claim = Claim(worker="batch-1", until=world.clock().timestamp() + 60)
    started = world.job().claimed(unit, claim, world.clock())
    world.clock.advance(seconds=30)
    half = started.renewed(claim, 0.5, world.clock())
    assert (half.expected_at - world.clock()).total_seconds() == 30

    again = half.requeued(world.clock()).claimed(unit, claim, world.clock())
    world.clock.advance(seconds=30)
    behind = again.renewed(claim, 0.25, world.clock())
    assert [job.progress for job in (half, again, behind)] == [0.5, 0.5, 0.5]
    assert (behind.expected_at - world.clock()).total_seconds() == 90
    done = behind.transcribed(
        world.clock(), duration=9.0, language="en", speakers_count=2, warnings=[]
    )
    assert (done.progress, done.expected_at) == (None, None)
