from __future__ import annotations

from datetime import timedelta

import pytest

from debate_analyzer.job import Claim, Figures, Media, announced, new_job_id
from debate_analyzer.pipeline import Status
from debate_analyzer.unit import Unit
from tests.world import JOB_ID, STATS, TRANSCRIPT, VIDEO, World

FIGURES = Figures(duration=9.0, speaking_time=8.0, words=20, speakers=2)


def _announced(world: World) -> None:
    media = Media(key=VIDEO, bytes=15, content_type="video/mp4")
    world.table.create(
        announced(
            owner="ana", title="t", media=media, now=world.clock(), job_id=JOB_ID, published=True
        )
    )


def _claimed(world: World, worker: str = "batch-1") -> Unit:
    world.drop(VIDEO)
    unit = world.arrive()
    assert unit is not None
    claim = Claim(worker=worker, until=world.clock().timestamp() + 60)
    world.table.replace(world.job().claimed(unit, claim, world.clock()))
    world.waiting()
    return unit


def _transcribed(world: World) -> Unit:
    unit = _claimed(world)
    done = world.job().transcribed(
        world.clock(), duration=9.0, language="en", speakers_count=2, warnings=[]
    )
    world.table.replace(done)
    return unit


def test_an_upload_whose_event_was_lost_is_found(world: World) -> None:
    _announced(world)
    world.drop(VIDEO)
    world.clock.advance(minutes=11)

    assert world.sweeper.sweep(world.clock()) == {Status.UPLOADING: 1}

    assert world.job().status is Status.QUEUED
    assert len(world.waiting()) == 1


def test_an_upload_under_way_is_waited_for_and_one_that_never_came_fails(world: World) -> None:
    _announced(world)
    world.clock.advance(minutes=11)
    world.sweeper.sweep(world.clock())
    assert world.job().status is Status.UPLOADING

    world.clock.advance(hours=24)
    world.sweeper.sweep(world.clock())
    assert world.job().fault.code == "upload_abandoned"


def test_a_lost_message_is_sent_again(world: World) -> None:
    world.drop(VIDEO)
    unit = world.arrive()
    world.waiting()
    world.clock.advance(minutes=3)

    world.sweeper.sweep(world.clock())

    assert world.waiting() == [unit]


def test_a_unit_that_waits_behind_others_is_not_sent_again_but_gets_a_worker(world: World) -> None:
    world.drop(VIDEO)
    unit = world.arrive()
    world.pool.started.clear()
    world.clock.advance(minutes=3)

    world.sweeper.sweep(world.clock())

    assert world.waiting() == [unit]
    assert world.pool.started == ["transcribe"]


def test_a_lease_that_ran_out_gives_the_unit_back(world: World) -> None:
    unit = _claimed(world)
    world.clock.advance(seconds=59)
    assert world.sweeper.sweep(world.clock()) == {}

    world.clock.advance(seconds=2)
    world.sweeper.sweep(world.clock())

    assert world.job().status is Status.QUEUED
    assert world.waiting() == [unit]


def test_a_file_that_kills_four_workers_is_given_up_with_a_sentence(world: World) -> None:
    unit = _claimed(world)
    for attempt in range(2, 6):
        world.clock.advance(seconds=61)
        world.sweeper.sweep(world.clock())
        if world.job().status is Status.FAILED:
            break
        claim = Claim(worker=f"batch-{attempt}", until=world.clock().timestamp() + 60)
        world.table.replace(world.job().claimed(unit, claim, world.clock()))

    assert world.job().fault.code == "worker_lost"
    assert "4 times" in world.job().fault.message


def test_a_dead_worker_s_units_are_released_at_once_and_only_its_own(world: World) -> None:
    unit = _claimed(world, "batch-1")

    assert world.sweeper.release("batch-2", world.clock()) == []
    assert world.sweeper.release("batch-1", world.clock()) == [JOB_ID]
    assert world.sweeper.release("batch-1", world.clock()) == []

    assert world.waiting() == [unit]


def test_a_transcript_whose_event_was_lost_goes_on_to_statistics(world: World) -> None:
    _transcribed(world)
    world.drop(TRANSCRIPT, b"{}", "application/json")
    world.clock.advance(minutes=3)

    world.sweeper.sweep(world.clock())

    assert world.job().status is Status.STATS_QUEUED
    assert len(world.waiting(STATS)) == 1


def test_a_worker_that_died_before_its_transcript_was_written_has_it_done_again(
    world: World,
) -> None:
    unit = _transcribed(world)
    world.clock.advance(minutes=3)

    world.sweeper.sweep(world.clock())

    assert world.job().status is Status.QUEUED
    assert world.waiting() == [unit]


def test_a_complete_job_is_looked_at_until_the_index_shows_it(world: World) -> None:
    _transcribed(world)
    world.drop(TRANSCRIPT, b"{}", "application/json")
    unit = world.arrive(TRANSCRIPT)
    assert unit is not None
    claim = Claim(worker="s", until=world.clock().timestamp() + 60)
    world.table.replace(world.job().claimed(unit, claim, world.clock()))
    world.table.replace(world.job().completed(FIGURES, world.clock()))
    world.clock.advance(minutes=3)

    world.sweeper.sweep(world.clock())
    requests = world.publish_requests()
    world.publication.publish(requests)

    assert [request.job_id for request in requests] == [JOB_ID]
    world.clock.advance(minutes=10)
    assert world.sweeper.sweep(world.clock()) == {}


def test_a_worker_that_leaves_while_a_unit_arrives_is_followed_by_another(world: World) -> None:
    world.drop(VIDEO)
    world.pool.running = 1
    world.arrive()
    assert world.pool.started == []

    world.pool.running = 0
    world.sweeper.follow_up()

    assert world.pool.started == ["transcribe"]


def test_a_job_in_motion_is_not_swept(world: World) -> None:
    _claimed(world)
    job = world.job()
    claim = Claim(worker="batch-1", until=world.clock().timestamp() + 120)
    world.table.replace(job.renewed(claim, 0.5, world.clock()))
    world.clock.time += timedelta(seconds=90)

    assert world.sweeper.sweep(world.clock()) == {}
    assert world.job().progress == 0.5


def test_a_job_that_cannot_be_mended_keeps_no_other_from_it_and_is_put_off(world: World) -> None:
    _claimed(world)
    world.clock.advance(minutes=3)
    broken = announced(
        owner="ana",
        title="t",
        media=None,
        now=world.clock(),
        job_id=new_job_id(),
        published=True,
    ).model_copy(update={"status": Status.QUEUED})  # without a unit
    world.table.create(broken.checked(world.clock() - timedelta(hours=1)))

    with pytest.raises(ExceptionGroup) as raised:
        world.sweeper.sweep(world.clock())

    assert broken.job_id in raised.value.exceptions[0].__notes__[0]
    assert world.job().status is Status.QUEUED
    assert world.sweeper.sweep(world.clock()) == {}
    world.clock.advance(minutes=2)
    assert broken.job_id in [job.job_id for job in world.table.due(world.clock(), limit=99)]
