"""A world in which all is done is broken in every way that a loss can break it, and mended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import moto
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from debate_analyzer.job import Claim, Figures, Job, Media, announced, utc_now
from debate_analyzer.key import (
    edits_key,
    index_page_key,
    private_statistics_key,
    statistics_key,
    transcript_key,
    video_key,
)
from debate_analyzer.pipeline import STAGES, STATS, Status
from debate_analyzer.publication import Page
from debate_analyzer.reconciliation import Finding, Kind, Reconciliation, Report
from debate_analyzer.share import Shares
from debate_analyzer.unit import Unit
from tests.world import BUCKET, JOB_ID, TRANSCRIPT, VIDEO, Clock, World

PUBLIC, PRIVATE, GONE, UNDER_WAY, NEW = (f"{n}c9e6679-7425-40de-944b-e07fc1f90ae7" for n in "12345")
FIGURES = Figures(duration=9.0, speaking_time=8.0, words=20, speakers=2)


def _round(world: World) -> list[Finding]:
    return _reconciliation(world).findings


def _reconciliation(world: World) -> Report:
    with ThreadPoolExecutor(1) as threads:  # moto is not for more
        made = Reconciliation(world.sweeper, world.ledger, threads, world.clock)
        since = world.clock() - timedelta(days=2)
        report = made.run(since=since, start=None, is_over=lambda: False)
    assert report.next is None
    return report


# --- a chain with engines that take no time -------------------------------------------------------


def _upload(world: World, job_id: str, *, published: bool = True) -> None:
    media = Media(key=video_key(job_id, "a.mp4"), bytes=15, content_type="video/mp4")
    world.table.create(
        announced(
            owner="ana",
            title="t",
            media=media,
            now=world.clock(),
            job_id=job_id,
            published=published,
        )
    )
    world.drop(media.key)
    world.arrive(media.key)


def _work(world: World, unit: Unit) -> None:
    """What the worker of the unit's stage does with it."""
    row = world.job(unit.job_id)
    if row.status is not unit.stage.queued or row.units.get(unit.stage_name) != unit:
        return
    claim = Claim(worker="batch-9", until=world.clock().timestamp() + 60)
    row = world.table.replace(row.claimed(unit, claim, world.clock()))
    if unit.stage is STATS:
        for key in (private_statistics_key(unit.job_id), statistics_key(unit.job_id)):
            if key.startswith("jobs/") or row.is_public:
                world.drop(key, b"{}", "application/json")
        world.table.replace(row.completed(FIGURES, world.clock()))
        world.publish_queue.send(row)
        return
    said = {"duration": 9.0, "language": "en", "speakers_count": 2, "warnings": []}
    world.table.replace(row.transcribed(world.clock(), **said))
    transcript = transcript_key(unit.job_id, "a")
    world.drop(transcript, b"{}", "application/json")
    world.arrive(transcript)


def _run(world: World) -> None:
    """The chain and the sweeper, until nothing moves."""
    moved = True
    while moved:
        units = [unit for stage in STAGES.values() for unit in world.waiting(stage)]
        for unit in units:
            _work(world, unit)
        world.publication.publish(world.publish_requests())
        world.store.delete("search/new/")  # as the merger does
        world.clock.advance(minutes=3)
        moved = bool(world.sweeper.sweep(world.clock()) or units)


def _finished() -> Iterator[World]:
    with moto.mock_aws():
        world = World(clock=Clock(utc_now()))  # objects are as old as they are
        for job_id in (PUBLIC, PRIVATE, GONE, UNDER_WAY):
            _upload(world, job_id, published=job_id != PRIVATE)
        _run(world)
        world.erasure.delete(world.job(GONE))
        world.clock.advance(days=1)
        _run(world)
        yield world


finished = contextmanager(_finished)


@pytest.fixture
def done() -> Iterator[World]:
    yield from _finished()


def _state(world: World) -> dict[str, Any]:
    """All that anybody can see of it."""
    rows = {
        job_id: (row.status, row.is_listed, row.place is not None, row.check_at, sorted(row.units))
        for job_id in (PUBLIC, PRIVATE, UNDER_WAY, NEW)
        if (row := world.table.get(job_id))
    }
    objects = {
        found.key
        for prefix in ("jobs/", "statistics/by-job/", "statistics/index/")
        for found in world.store.list(prefix)
    }
    uploads = [upload.key for upload in world.store.open_uploads("jobs/")]
    return {"rows": rows, "objects": objects, "index": _listed(world), "uploads": uploads}


def _listed(world: World) -> list[str]:
    stored = world.store.get(index_page_key(0, 0))
    assert stored is not None
    try:
        return sorted(entry.job_id for entry in Page.model_validate_json(stored[0]).jobs)
    except ValidationError:
        return []


def _set(world: World, job_id: str, **fields: Any) -> None:
    world.table.replace(world.job(job_id).model_copy(update=fields))


# --- the ways to break it -------------------------------------------------------------------------


def _an_upload_without_a_job(world: World) -> None:
    world.drop(video_key(NEW, "a.mp4"))


def _an_upload_without_its_event(world: World) -> None:
    _upload(world, NEW)
    world.waiting()
    row = world.job(NEW)
    _set(world, NEW, status=Status.UPLOADING, units={}, check_at=row.check_at)


def _a_unit_without_a_message_that_nobody_looks_at(world: World) -> None:
    _upload(world, NEW)
    world.waiting()
    _set(world, NEW, check_at=None)


def _a_unit_without_a_worker(world: World) -> None:
    _upload(world, NEW)
    world.pool.started.clear()


def _a_row_whose_worker_is_gone(world: World) -> None:
    _upload(world, NEW)
    [unit] = world.waiting()
    claim = Claim(worker="batch-7", until=world.clock().timestamp() + 3600)
    world.table.replace(world.job(NEW).claimed(unit, claim, world.clock()))
    world.pool.ended.add("batch-7")


def _statistics_that_are_gone(world: World) -> None:
    world.store.delete(private_statistics_key(PUBLIC))


def _a_transcript_that_is_gone(world: World) -> None:
    world.store.delete(transcript_key(PRIVATE, "a"))


def _a_published_copy_that_is_gone(world: World) -> None:
    world.store.delete(statistics_key(UNDER_WAY))


def _a_published_copy_of_what_is_private(world: World) -> None:
    world.drop(statistics_key(PRIVATE), b"{}", "application/json")


def _a_published_copy_of_what_is_deleted(world: World) -> None:
    world.drop(statistics_key(GONE), b"{}", "application/json")


def _a_published_copy_of_nobody_knows_what(world: World) -> None:
    world.drop(statistics_key(JOB_ID), b"{}", "application/json")


def _an_index_without_an_entry(world: World) -> None:
    _change_page(world, lambda jobs: [job for job in jobs if job["jobId"] != PUBLIC])


def _an_index_with_an_entry_too_many(world: World) -> None:
    _change_page(world, lambda jobs: [*jobs, {**jobs[0], "jobId": PRIVATE, "place": 77}])


def _an_index_page_that_nobody_can_read(world: World) -> None:
    world.drop(index_page_key(0, 0), b"{", "application/json")


def _an_upload_in_parts_that_nobody_waits_for(world: World) -> None:
    world.store.start_multipart(video_key(GONE, "b.mp4"), "video/mp4")


def _an_object_of_what_is_deleted(world: World) -> None:
    world.drop(video_key(GONE, "a.mp4"))


def _a_link_to_what_is_deleted(world: World) -> None:
    Shares(world.ledger).make(GONE, world.clock())


def _change_page(world: World, change: Callable[[list[Any]], list[Any]]) -> None:
    stored = world.store.get(index_page_key(0, 0))
    assert stored is not None
    try:
        page = json.loads(stored[0])
    except ValueError:
        return  # broken otherwise already
    changed = {**page, "jobs": change(page["jobs"])} if page["jobs"] else page
    world.drop(index_page_key(0, 0), json.dumps(changed).encode(), "application/json")


_NEW_ONES = {
    _an_upload_without_a_job: Kind.ARRIVAL_LOST,
    _an_upload_without_its_event: Kind.ARRIVAL_LOST,
    _a_unit_without_a_message_that_nobody_looks_at: Kind.UNATTENDED,
    _a_unit_without_a_worker: Kind.NO_WORKER,
    _a_row_whose_worker_is_gone: Kind.WORKER_GONE,
}
_OTHERS = {
    _statistics_that_are_gone: Kind.NO_STATISTICS,
    _a_transcript_that_is_gone: Kind.NO_TRANSCRIPT,
    _a_published_copy_that_is_gone: Kind.NOT_PUBLISHED,
    _a_published_copy_of_what_is_private: Kind.NOT_WITHDRAWN,
    _a_published_copy_of_what_is_deleted: Kind.NOT_WITHDRAWN,
    _a_published_copy_of_nobody_knows_what: Kind.NOT_WITHDRAWN,
    _an_index_without_an_entry: Kind.NOT_IN_INDEX,
    _an_index_with_an_entry_too_many: Kind.NOT_WITHDRAWN,
    _an_index_page_that_nobody_can_read: Kind.NOT_IN_INDEX,
    _an_upload_in_parts_that_nobody_waits_for: Kind.OPEN_UPLOAD,
    _an_object_of_what_is_deleted: Kind.REMAINS,
    _a_link_to_what_is_deleted: Kind.REMAINS,
}


def test_where_nothing_is_amiss_nothing_is_found(done: World) -> None:
    before = _state(done)
    assert _round(done) == []
    assert _state(done) == before
    assert before["index"] == sorted([PUBLIC, UNDER_WAY])


@pytest.mark.parametrize(("break_it", "kind"), [*_NEW_ONES.items(), *_OTHERS.items()])
def test_every_loss_is_found_and_mended(
    done: World, break_it: Callable[[World], None], kind: Kind
) -> None:
    whole = _state(done)
    break_it(done)
    assert break_it in _NEW_ONES or break_it is _a_link_to_what_is_deleted or _state(done) != whole

    found = _round(done)
    assert {(finding.kind, finding.mended) for finding in found} == {(kind, True)}
    _assert_whole(done, whole, with_new=break_it in _NEW_ONES)


@example(new=None, others=[_an_index_with_an_entry_too_many, _a_transcript_that_is_gone])
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    new=st.none() | st.sampled_from(list(_NEW_ONES)),
    others=st.lists(st.sampled_from(list(_OTHERS)), unique=True),
)
def test_losses_that_come_together_are_mended_together(
    new: Callable[[World], None] | None, others: list[Callable[[World], None]]
) -> None:
    with finished() as world:
        whole = _state(world)
        for break_it in [*others, *filter(None, [new])]:
            break_it(world)
        found = _round(world)
        assert all(finding.mended for finding in found)
        _assert_whole(world, whole, with_new=new is not None)


def _assert_whole(world: World, whole: dict[str, Any], *, with_new: bool) -> None:
    """Once the chain has run: as if nothing had happened; a second round finds nothing."""
    _run(world)
    if with_new:
        assert world.job(NEW).status is Status.COMPLETE
        assert NEW in _listed(world)
        world.erasure.delete(world.job(NEW))
        world.clock.advance(days=1)
        _run(world)
    state = _state(world)
    state["rows"].pop(NEW, None)
    assert state == whole
    assert _round(world) == []


# --- what cannot be mended, and what must not be touched ------------------------------------------


def test_what_cannot_be_made_again_is_reported(done: World) -> None:
    for key in (video_key(PUBLIC, "a.mp4"), transcript_key(PUBLIC, "a")):
        done.store.delete(key)
    [finding] = _round(done)
    assert (finding.kind, finding.job_id, finding.mended) == (Kind.NO_TRANSCRIPT, PUBLIC, False)
    assert "upload it again" in finding.sentence


def test_workers_that_only_fail_are_reported(done: World) -> None:
    _a_unit_without_a_worker(done)
    done.pool.failed_lately = 6
    [finding] = _round(done)
    assert (finding.kind, finding.mended) == (Kind.NO_WORKER, False)


def test_a_piece_that_search_does_not_take_is_reported(done: World) -> None:
    done.drop(f"search/new/{PUBLIC}/3.piece", b"", "application/octet-stream")
    assert _round(done) == []  # for a day it waits for its row
    done.clock.advance(days=1)
    [finding] = _round(done)
    assert (finding.kind, finding.job_id, finding.mended) == (Kind.NOT_MERGED, PUBLIC, False)


def test_a_worker_that_batch_does_not_know_keeps_what_it_holds(done: World) -> None:
    """One that runs by hand."""
    _a_row_whose_worker_is_gone(done)
    done.pool.ended.clear()
    assert _round(done) == []


def test_of_two_recordings_in_a_folder_the_older_is_left_alone(world: World) -> None:
    other = VIDEO.replace("town hall", "second")
    world.drop(VIDEO)
    world.drop(other)
    world.arrive(VIDEO)
    world.arrive(other)
    world.waiting()
    assert [f for f in _round(world) if f.kind is Kind.ARRIVAL_LOST] == []


def test_edits_that_nobody_told_of_are_found(world: World) -> None:
    world.drop(TRANSCRIPT, b"{}", "application/json")
    world.arrive(TRANSCRIPT)
    world.waiting(STATS)
    world.drop(edits_key(JOB_ID), b"{}", "application/json")

    assert [finding.kind for finding in _round(world)] == [Kind.ARRIVAL_LOST]
    assert [unit.edits for unit in world.waiting(STATS)] == [world.job().units["stats"].edits]
    assert _round(world) == []


def test_what_is_under_way_is_left_alone(world: World) -> None:
    _upload(world, NEW)
    world.pool.running = 1
    before = world.job(NEW)
    assert _round(world) == []
    assert world.job(NEW) == before


def test_a_round_in_pieces_finds_what_a_round_at_once_finds(done: World) -> None:
    for break_it in (_an_upload_without_a_job, *_OTHERS):
        break_it(done)
    found: list[Finding] = []
    start = None
    with ThreadPoolExecutor(1) as threads:
        made = Reconciliation(done.sweeper, done.ledger, threads, done.clock)
        runs = 0
        while runs == 0 or start is not None:
            since = done.clock() - timedelta(days=2)
            report = made.run(since=since, start=start, is_over=lambda: True)
            start, runs = report.next, runs + 1
            found += report.findings
    assert runs > 4  # the position was used
    assert {finding.kind for finding in found} >= set(_OTHERS.values()) - {Kind.NOT_PUBLISHED}
    _run(done)
    assert _round(done) == []


def test_debates_older_than_since_are_found_by_their_keys(world: World) -> None:
    _upload(world, NEW)
    _run(world)
    row: Job = world.job(NEW)
    world.store.delete(private_statistics_key(NEW))
    world.clock.advance(days=30)
    assert row.created_at < world.clock() - timedelta(days=2)
    assert [finding.kind for finding in _round(world)] == [Kind.NO_STATISTICS]
    assert world.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
