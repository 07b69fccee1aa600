from __future__ import annotations

import json

import pytest

from debate_analyzer.aws import DynamoJobTable
from debate_analyzer.job import SHARED_OWNER, Claim, Job, Media, announced
from debate_analyzer.pipeline import Status
from tests.world import JOB_ID, MOVING_PICTURES, STATS, TRANSCRIPT, VIDEO, World


def _announce(world: World, size: int = 15, content_type: str = "video/mp4") -> None:
    world.table.create(
        announced(
            owner="ana",
            title="Town hall",
            media=Media(key=VIDEO, bytes=size, content_type=content_type),
            now=world.clock(),
            job_id=JOB_ID,
            published=True,
        )
    )


def test_an_announced_upload_is_queued_and_a_worker_called(world: World) -> None:
    _announce(world)
    world.drop(VIDEO)

    unit = world.arrive()

    assert world.job().status is Status.QUEUED
    assert world.waiting() == [unit]
    assert unit is not None
    assert unit.owner == "ana"
    assert world.pool.started == ["transcribe"]


def test_an_object_without_a_row_gets_one(world: World) -> None:
    world.drop(VIDEO)
    world.arrive()

    job = world.job()
    assert (job.owner, job.title, job.status) == (SHARED_OWNER, "town hall", Status.QUEUED)
    assert job.media.key == VIDEO


def test_a_transcript_without_a_row_goes_straight_to_statistics(world: World) -> None:
    world.drop(TRANSCRIPT, b"{}", "application/json")
    world.arrive(TRANSCRIPT)

    assert world.job().status is Status.STATS_QUEUED
    assert len(world.waiting(STATS)) == 1
    assert world.job().media is None


def test_a_duplicate_of_what_a_worker_holds_changes_nothing(world: World) -> None:
    world.drop(VIDEO)
    unit = world.arrive()
    assert unit is not None
    claim = Claim(worker="batch-1", until=world.clock().timestamp() + 60)
    world.table.replace(world.job().claimed(unit, claim, world.clock()))
    world.waiting()
    before = world.job()

    assert world.arrive() is None
    assert world.job() == before
    assert world.waiting() == []


def test_a_crash_between_row_and_queue_is_mended_by_the_redelivery(world: World) -> None:
    world.drop(VIDEO)
    world.arrive()
    world.waiting()  # the message was never sent

    unit = world.arrive()

    assert unit is not None
    assert world.waiting() == [unit]


def test_new_content_under_the_same_name_is_new_work(world: World) -> None:
    world.drop(VIDEO)
    first = world.arrive()
    world.drop(VIDEO, MOVING_PICTURES + b"in colour")
    second = world.arrive()

    assert first is not None
    assert second is not None
    assert first.etag != second.etag
    assert world.job().unit == second


def test_of_two_events_at_the_same_moment_the_slower_does_not_bring_older_content_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has looked at the object when it is replaced; the second is through before it."""
    world.drop(VIDEO)
    create, others = DynamoJobTable.create, iter([world.arrivals])

    def after_another(table: DynamoJobTable, job: Job) -> None:
        if other := next(others, None):
            world.drop(VIDEO, MOVING_PICTURES + b"newer")
            other.receive(VIDEO, world.clock())
        create(table, job)

    monkeypatch.setattr(DynamoJobTable, "create", after_another)
    world.arrive()

    found = world.store.head(VIDEO)
    assert found is not None
    assert world.job().units["transcribe"].etag == found.etag


def test_an_event_for_a_deleted_object_is_stale(world: World) -> None:
    assert world.arrive() is None
    assert world.table.get(JOB_ID) is None


@pytest.mark.parametrize(
    ("size", "content_type"), [(16, "video/mp4"), (15, "video/webm")], ids=["size", "type"]
)
def test_what_differs_from_the_announcement_fails_and_stays_failed(
    world: World, size: int, content_type: str
) -> None:
    _announce(world, size, content_type)
    world.drop(VIDEO)

    assert world.arrive() is None
    assert world.arrive() is None

    job = world.job()
    assert job.status is Status.FAILED
    assert job.fault.code == "upload_mismatch"
    assert world.waiting() == []


def test_a_foreign_transcript_does_not_interrupt_a_transcription(world: World) -> None:
    world.drop(VIDEO)
    world.arrive()
    world.drop(TRANSCRIPT, b"{}", "application/json")

    assert world.arrive(TRANSCRIPT) is None
    assert world.job().status is Status.QUEUED


def test_an_older_recording_s_transcript_does_not_stand_for_the_one_to_come(world: World) -> None:
    """Whoever was to publish it died after it had said so; an old event comes once more."""
    world.drop(VIDEO)
    unit = world.arrive()
    assert unit is not None
    claim = Claim(worker="batch-1", until=world.clock().timestamp() + 60)
    said = {"duration": 1, "language": "en", "speakers_count": 1, "warnings": []}
    claimed = world.table.replace(world.job().claimed(unit, claim, world.clock()))
    world.table.replace(claimed.transcribed(world.clock(), **said, token=claimed.version))

    for token, status in ((claimed.version - 1, "TRANSCRIBED"), (claimed.version, "STATS_QUEUED")):
        world.store.put(TRANSCRIPT, b"{}", "application/json", fencing_token=token)
        assert (world.arrive(TRANSCRIPT) is None) is (status == "TRANSCRIBED")
        assert world.job().status == status


@pytest.mark.parametrize(
    "key",
    [
        f"jobs/{JOB_ID}/captions/town hall.vtt",
        f"jobs/{JOB_ID}/transcripts/town hall_speaker_stats.parquet",
        f"jobs/{JOB_ID}/statistics/statistics.json",
        f"jobs/{JOB_ID}/videos/notes.json",
        f"jobs/{JOB_ID}/videos/deep/down.mp4",
        "jobs/not-a-uuid/videos/x.mp4",
        f"jobs/{JOB_ID}/videos/..%2fx.json",
        "statistics/by-job/x.json",
    ],
)
def test_what_the_jobs_write_starts_nothing_so_the_chain_ends(world: World, key: str) -> None:
    world.drop(key, json.dumps({}).encode(), "application/json")

    assert world.arrive(key) is None
    assert world.table.get(JOB_ID) is None


def test_workers_that_fail_one_after_the_other_are_not_called_again_at_once(world: World) -> None:
    world.pool.failed_lately = 6
    world.drop(VIDEO)
    unit = world.arrive()
    assert world.pool.started == []

    world.pool.failed_lately = 5
    world.sweeper.follow_up()
    assert world.pool.started == ["transcribe"]
    assert world.waiting() == [unit]


def test_one_worker_is_called_for_a_burst(world: World) -> None:
    world.drop(VIDEO)
    world.arrive()
    world.pool.coming = 1
    for number in range(5):
        key = VIDEO.replace(JOB_ID, f"7c9e6679-7425-40de-944b-e07fc1f90a{number:02d}")
        world.drop(key)
        world.arrive(key)

    assert world.pool.started == ["transcribe"]
