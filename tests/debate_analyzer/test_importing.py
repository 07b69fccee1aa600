"""Imports: rows that wait for a job of Batch, whatever dies between two lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from debate_analyzer.aws import BatchImportPool
from debate_analyzer.errors import Conflict
from debate_analyzer.importing import batch_job_name, imported_job
from debate_analyzer.job import Claim, Fault, Job, Media, Settled, announced
from debate_analyzer.pipeline import Status
from tests.world import JOB_ID, RETRIES, VIDEO, World

URL = "https://videos.example/debate"
LEASE = timedelta(seconds=60)


def ask(world: World, told: dict[str, str] | None = None) -> Job:
    return world.imports.start(new(world), told or {"VIDEO_URL": URL}, world.clock())


def new(world: World) -> Job:
    return announced(
        owner="u-1", title="", media=None, now=world.clock(), job_id=JOB_ID, published=True
    )


def claim(world: World, worker: str, attempt: int = 1) -> Claim:
    return Claim(worker=worker, attempt=attempt, until=(world.clock() + LEASE).timestamp())


def hold(world: World, job: Job, worker: str) -> Job:
    """As a job of Batch does that begins."""
    row: Job = world.job(job.job_id)
    return world.table.replace(row.import_claimed(claim(world, worker), world.clock()))


def sweep(world: World, **later: float) -> None:
    world.clock.advance(**later)
    world.sweeper.sweep(world.clock())


# --- asked for ------------------------------------------------------------------------------------


def test_an_import_is_a_row_that_waits_and_a_job_of_batch(world: World) -> None:
    job = ask(world, {"VIDEO_URL": URL, "MAX_PLAYLIST_ENTRIES": "4"})
    row = world.job(job.job_id)
    assert row == job
    assert (row.status, row.media, row.importing.batch_id) == (Status.UPLOADING, None, "import-1")
    told = {"JOB_ID": job.job_id, "VIDEO_URL": URL, "MAX_PLAYLIST_ENTRIES": "4"}
    assert world.importers.started == [told]


def test_a_start_that_is_said_again_submits_once(world: World) -> None:
    for _ in range(2):
        row = world.imports.start(new(world), {"RECORDING_MANIFEST": "m"}, world.clock())
    assert row.importing is not None
    assert row.importing.batch_id == "import-1"
    assert world.importers.started == [{"JOB_ID": JOB_ID, "RECORDING_MANIFEST": "m"}]


def test_a_start_that_died_before_the_submission_is_made_up_for_by_whoever_says_it_again(
    world: World,
) -> None:
    world.table.create(new(world).to_import({"VIDEO_URL": URL}, world.clock()))
    world.imports.start(new(world), {"VIDEO_URL": URL}, world.clock())
    assert len(world.importers.started) == 1
    assert world.job().importing.batch_id == "import-1"


def test_a_start_said_again_when_the_recording_is_there_leaves_it(world: World) -> None:
    world.imports.start(new(world), {"VIDEO_URL": URL}, world.clock())
    world.drop(VIDEO)
    world.arrive()
    row = world.job()
    assert world.imports.start(new(world), {"VIDEO_URL": URL}, world.clock()) == row
    assert len(world.importers.started) == 1


# --- one at a time --------------------------------------------------------------------------------


def test_of_two_jobs_for_one_row_one_brings_the_recording(world: World) -> None:
    job = ask(world)
    hold(world, job, "import-1")
    with pytest.raises(Settled):
        hold(world, job, "import-2")
    world.clock.advance(seconds=61)
    hold(world, job, "import-2")  # the first has not been heard of for a lease


def test_batch_s_second_attempt_of_a_job_takes_over_at_once(world: World) -> None:
    job = ask(world)
    held = hold(world, job, "import-1")
    again = held.import_claimed(claim(world, "import-1", attempt=2), world.clock())
    assert again.claim is not None
    assert again.claim.attempt == 2


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.FAILED, Status.QUEUED])
def test_nobody_begins_what_nobody_waits_for(world: World, status: Status) -> None:
    row = ask(world).model_copy(update={"status": status})
    with pytest.raises(Settled):
        row.import_claimed(claim(world, "import-1"), world.clock())


def test_an_upload_is_no_import(world: World) -> None:
    with pytest.raises(Settled):
        new(world).import_claimed(claim(world, "import-1"), world.clock())
    with pytest.raises(Conflict):
        new(world).postponed(world.importers, world.clock(), world.clock())  # type: ignore[arg-type]


# --- what fell between ----------------------------------------------------------------------------


def test_the_sweeper_submits_what_was_never_submitted(world: World) -> None:
    world.table.create(new(world).to_import({"VIDEO_URL": URL}, world.clock()))
    sweep(world, minutes=1)
    assert world.importers.started == []
    sweep(world, minutes=1)
    assert world.importers.started == [{"JOB_ID": JOB_ID, "VIDEO_URL": URL}]
    assert world.job().importing.batch_id == "import-1"


def test_an_import_that_waits_in_batch_s_queue_is_let_be(world: World) -> None:
    job = ask(world)
    for _ in range(10):
        sweep(world, minutes=3)
    assert len(world.importers.started) == 1
    assert world.job(job.job_id).attempt == 1


def test_a_heartbeat_is_not_looked_after(world: World) -> None:
    job = ask(world)
    row = hold(world, job, "import-1")
    for _ in range(5):
        world.clock.advance(seconds=40)
        row = world.table.replace(row.renewed(claim(world, "import-1"), 0.5, world.clock()))
        sweep(world)
    assert world.job(job.job_id) == row
    assert (row.progress, row.expected_at is not None) == (0.5, True)


@pytest.mark.parametrize("held", [True, False])
def test_a_job_of_batch_that_died_is_followed_by_another_after_a_wait(
    world: World, held: bool
) -> None:
    job = ask(world)
    if held:
        hold(world, job, "import-1")
    world.importers.ended.add("import-1")
    sweep(world, minutes=2)
    row = world.job(job.job_id)
    assert (row.status, row.claim, row.fault.code) == (Status.UPLOADING, None, "worker_lost")
    assert row.retry_at == (world.clock() + RETRIES[0]).timestamp()
    sweep(world, minutes=4)
    assert len(world.importers.started) == 1
    sweep(world, minutes=1)
    row = world.job(job.job_id)
    assert (row.attempt, row.retry_at, row.importing.batch_id) == (2, None, "import-2")
    assert world.importers.started[0] == world.importers.started[1]


def test_an_import_that_always_dies_fails_in_the_end(world: World) -> None:
    job = ask(world)
    world.importers.ended |= {f"import-{n}" for n in range(1, 10)}
    for _ in range(20):
        sweep(world, hours=1)
    row = world.job(job.job_id)
    assert (row.status, row.fault.code, row.check_at) == (Status.FAILED, "worker_lost", None)
    assert len(world.importers.started) == 1 + len(RETRIES)
    assert letters(world) == [{"job_id": job.job_id, "import": {"VIDEO_URL": URL}}]


def test_what_is_given_up_has_its_letter_before_its_row_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever dies in between is made up for, and leaves a letter too many."""
    job = ask(world)
    last = world.job(job.job_id).model_copy(update={"attempt": 1 + len(RETRIES)})
    world.table.replace(last)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("debate_analyzer.importing.change", die)
        with pytest.raises(KeyboardInterrupt):
            world.imports.ended(job.job_id, "import-1", world.clock())
    assert (world.job(job.job_id).status, len(letters(world))) == (Status.UPLOADING, 1)
    for _ in range(2):
        world.imports.ended(job.job_id, "import-1", world.clock())
    assert (world.job(job.job_id).status, len(letters(world))) == (Status.FAILED, 1)


def test_what_was_given_up_is_brought_from_the_beginning_however_often_it_is_said(
    world: World,
) -> None:
    job = ask(world)
    given_up = world.job(job.job_id).model_copy(update={"attempt": 4})
    fault = Fault(code="network", message="The network failed.")
    world.table.replace(given_up.failed(fault, world.clock()))
    for _ in range(2):
        world.imports.revive(job.job_id, world.clock())
    row = world.job(job.job_id)
    assert (row.status, row.attempt, row.fault) == (Status.UPLOADING, 1, None)
    assert world.importers.started[1:] == [{"JOB_ID": job.job_id, "VIDEO_URL": URL}]


def test_a_revival_that_died_before_the_submission_is_made_up_for_by_the_next(world: World) -> None:
    world.table.create(new(world).to_import({"VIDEO_URL": URL}, world.clock()))
    world.imports.revive(JOB_ID, world.clock())
    assert len(world.importers.started) == 1


def test_what_nobody_waits_for_any_more_is_not_revived(world: World) -> None:
    world.imports.revive(JOB_ID, world.clock())
    job = ask(world)
    world.table.replace(world.job(job.job_id).cancelled(world.clock()))
    world.imports.revive(job.job_id, world.clock())
    assert world.job(job.job_id).status is Status.CANCELLED
    assert len(world.importers.started) == 1


def letters(world: World) -> list[dict[str, Any]]:
    """The letters that lie among the dead, which are taken out."""
    return [json.loads(body) for body in world._bodies(world.import_letters.url)]


def test_batch_s_word_that_a_job_failed_counts_once(world: World) -> None:
    job = ask(world)
    world.imports.ended(job.job_id, "import-1", world.clock())
    row = world.job(job.job_id)
    assert row.retry_at is not None
    world.clock.advance(seconds=30)
    world.imports.ended(job.job_id, "import-1", world.clock())
    assert world.job(job.job_id) == row
    sweep(world, minutes=5)
    world.imports.ended(job.job_id, "import-1", world.clock())  # and once more, hours late
    assert world.job(job.job_id).importing.batch_id == "import-2"
    assert world.job(job.job_id).retry_at is None


def test_batch_s_word_of_a_job_that_nobody_knows_changes_nothing(world: World) -> None:
    world.imports.ended(JOB_ID, "import-1", world.clock())
    job = ask(world)
    hold(world, job, "import-7")
    row = world.job(job.job_id)
    world.imports.ended(job.job_id, "import-1", world.clock())
    assert world.job(job.job_id) == row


def test_a_recording_whose_event_was_lost_is_found_and_not_fetched_again(world: World) -> None:
    world.imports.start(new(world), {"VIDEO_URL": URL}, world.clock())
    held = hold(world, new(world), "import-1")
    media = Media(key=VIDEO, bytes=15, content_type="video/mp4")
    world.table.replace(held.expecting(media, "Town hall"))
    world.drop(VIDEO)
    world.importers.ended.add("import-1")
    sweep(world, minutes=2)
    assert (world.job().status, world.job().title) == (Status.QUEUED, "Town hall")
    assert len(world.importers.started) == 1


def test_an_import_is_given_up_after_a_day(world: World) -> None:
    job = ask(world)
    sweep(world, hours=25)
    assert world.job(job.job_id).fault.code == "upload_abandoned"


# --- whose job of Batch it is ---------------------------------------------------------------------


def test_a_job_of_batch_says_whose_it_is() -> None:
    assert imported_job(batch_job_name(JOB_ID), "batch-1") == JOB_ID
    assert imported_job("download", JOB_ID) == JOB_ID


# --- what Batch is asked --------------------------------------------------------------------------


@pytest.fixture
def batch() -> Iterator[Stubber]:
    client = boto3.client("batch", region_name="us-east-1")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def pool(batch: Stubber) -> BatchImportPool:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    return BatchImportPool(batch.client, "downloads", "download", lambda: now)


def test_batch_is_told_what_to_bring_and_whose_it_is(batch: Stubber) -> None:
    told = [{"name": "JOB_ID", "value": JOB_ID}, {"name": "VIDEO_URL", "value": URL}]
    request = {
        "jobName": f"import-{JOB_ID}",
        "jobQueue": "downloads",
        "jobDefinition": "download",
        "containerOverrides": {"environment": told},
    }
    batch.add_response("submit_job", {"jobName": "x", "jobId": "batch-1"}, request)
    assert pool(batch).start(JOB_ID, {"VIDEO_URL": URL}) == "batch-1"


@pytest.mark.parametrize(
    ("statuses", "alive"),
    [
        *(([s], True) for s in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")),
        *(([s], False) for s in ("SUCCEEDED", "FAILED")),
        ([], False),  # Batch forgets a job some days after its end
    ],
)
def test_batch_is_asked_whether_a_job_lives(
    batch: Stubber, statuses: list[str], alive: bool
) -> None:
    known = {"jobId": "b", "jobName": "n", "jobQueue": "q", "jobDefinition": "d", "startedAt": 0}
    jobs = [known | {"status": status} for status in statuses]
    batch.add_response("describe_jobs", {"jobs": jobs}, {"jobs": ["batch-1"]})
    assert pool(batch).is_alive("batch-1") is alive


def test_imports_that_find_no_machine_are_counted_on_every_page(batch: Stubber) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    minutes_old = [9, 11, 600]
    jobs = [
        {
            "jobId": str(age),
            "jobName": f"import-{age}",
            "createdAt": int((now - timedelta(minutes=age)).timestamp() * 1000),
        }
        for age in minutes_old
    ]
    asked = {"jobQueue": "downloads", "jobStatus": "RUNNABLE"}
    batch.add_response("list_jobs", {"jobSummaryList": jobs[:2], "nextToken": "2"}, asked)
    batch.add_response("list_jobs", {"jobSummaryList": jobs[2:]}, asked | {"nextToken": "2"})
    assert pool(batch).waiting_long() == 2
