"""Uploads from announcement to arrival, on moto's bucket: whole, in parts, resumed, given up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate_analyzer.caller import Caller
from debate_analyzer.config import Allowance
from debate_analyzer.errors import (
    Conflict,
    IncompleteUpload,
    InvalidRequest,
    NotFound,
    TooManyJobs,
    UploadTooLarge,
)
from debate_analyzer.job import Job
from debate_analyzer.limits import Limits
from debate_analyzer.pipeline import Status
from debate_analyzer.upload import MAX_PARTS, MultipartTarget, Parts, UploadRequest, UploadTarget
from debate_analyzer.upload_desk import PartsQuery, SentPart, UploadDesk
from tests.world import BUCKET, World

ANA = Caller("ana")
MIB = 2**20
PART = 16 * MIB
SIZE = 2 * PART + 5  # three parts


def _desk(world: World, **allowance: int) -> UploadDesk:
    return UploadDesk(
        table=world.table,
        store=world.store,
        limits=Limits(world.ledger, world.table, Allowance(**allowance)),
        max_bytes=50 * 2**30,
        url_lifetime=timedelta(hours=1),
        publish_by_default=True,
        now=world.clock,
    )


@pytest.fixture
def desk(world: World) -> UploadDesk:
    return _desk(world)


def _announce(desk: UploadDesk, **said: Any) -> tuple[Job, Any]:
    request = {"filename": "Town hall.mp4", "size": SIZE, "multipart": True} | said
    return desk.announce(UploadRequest(**request), ANA)


def _send(world: World, job: Job, number: int, size: int | None = None) -> str:
    """A part, as its URL would take it."""
    assert job.media is not None
    answer = world.s3.upload_part(
        Bucket=BUCKET,
        Key=job.media.key,
        UploadId=job.upload_id,
        PartNumber=number,
        Body=bytes(Parts(job.media.bytes).bytes_of(number) if size is None else size),
    )
    return str(answer["ETag"])


# --- how a file is cut --------------------------------------------------------------------------


@given(st.integers(1, 5 * 2**40))
def test_parts_are_what_s3_takes_and_together_the_file(size: int) -> None:
    parts = Parts(size)
    assert 5 * MIB <= parts.part_size <= 5 * 2**30
    assert parts.part_size % MIB == 0
    assert parts.count <= MAX_PARTS
    last = parts.bytes_of(parts.count)
    assert (parts.count - 1) * parts.part_size + last == size
    assert 1 <= last <= parts.part_size


@pytest.mark.parametrize(
    ("size", "asked", "method"),
    [
        (100 * MIB, None, "PUT"),
        (100 * MIB + 1, None, "MULTIPART"),
        (1, True, "MULTIPART"),
        (5 * 2**30, False, "PUT"),
        (50 * 2**30, None, "MULTIPART"),
    ],
)
def test_what_is_large_goes_in_parts_and_what_asks_for_it(
    desk: UploadDesk, size: int, asked: bool | None, method: str
) -> None:
    _, target = _announce(desk, size=size, multipart=asked)
    assert target.method == method


def test_one_put_takes_no_more_than_s3_does(desk: UploadDesk) -> None:
    with pytest.raises(UploadTooLarge, match="Leave multipart out"):
        _announce(desk, size=5 * 2**30 + 1, multipart=False)


# --- in parts -----------------------------------------------------------------------------------


def test_parts_out_of_order_become_the_recording_that_starts_the_chain(
    world: World, desk: UploadDesk
) -> None:
    job, target = _announce(desk, notify="ana@example.org", published=False)
    assert (target.part_size, target.parts, target.missing) == (PART, 3, [1, 2, 3])
    assert (job.notify, job.published) == ("ana@example.org", False)
    sent = [SentPart(number=n, etag=_send(world, job, n)) for n in (3, 1, 2)]

    desk.complete(job, sent)

    assert job.media is not None
    unit = world.arrive(job.media.key)
    assert unit is not None
    arrived = world.job(job.job_id)
    assert (arrived.status, arrived.media.bytes) == (Status.QUEUED, SIZE)


def test_a_resumed_upload_is_told_what_is_missing_and_signed_anew(
    world: World, desk: UploadDesk
) -> None:
    job, _ = _announce(desk)
    _send(world, job, 2)

    target = desk.target(job)
    assert isinstance(target, MultipartTarget)
    assert target.missing == [1, 3]
    signed = desk.sign(job, target.missing)
    assert [(each.number, each.bytes) for each in signed.urls] == [(1, PART), (3, 5)]
    assert signed.expires_at == world.clock() + timedelta(hours=1)
    world.clock.advance(hours=2)
    assert desk.sign(job, [1]).expires_at == world.clock() + timedelta(hours=1)


def test_parts_that_arrived_are_listed_in_pages(world: World, desk: UploadDesk) -> None:
    job, _ = _announce(desk)
    etags = {number: _send(world, job, number).strip('"') for number in (1, 2, 3)}

    first = desk.arrived(job, PartsQuery(limit=2))
    assert first.next_cursor == 2
    rest = desk.arrived(job, PartsQuery(cursor=2, limit=2))
    assert rest.next_cursor is None
    parts = [*first.parts, *rest.parts]
    assert [(p.number, p.bytes) for p in parts] == [(1, PART), (2, PART), (3, 5)]
    assert {p.number: p.etag for p in parts} == etags


def test_what_is_missing_or_wrong_is_said_by_number(world: World, desk: UploadDesk) -> None:
    job, _ = _announce(desk)
    with pytest.raises(IncompleteUpload, match=r"Of 3 parts some are missing: 1, 2, 3\."):
        desk.complete(job, [])
    _send(world, job, 1, size=5 * MIB)
    etag = _send(world, job, 2)
    with pytest.raises(
        IncompleteUpload, match=r"missing: 3; not what was to be sent: 1\. Send those"
    ):
        desk.complete(job, [SentPart(number=2, etag=etag)])
    _send(world, job, 1)
    _send(world, job, 3)
    with pytest.raises(IncompleteUpload, match=r"not what was to be sent: 2\."):
        desk.complete(job, [SentPart(number=2, etag="of another try")])
    desk.complete(job, [])


def test_a_long_list_of_missing_parts_ends_in_a_number(desk: UploadDesk) -> None:
    job, _ = _announce(desk, size=40 * PART)
    with pytest.raises(IncompleteUpload, match=r"18, 19, 20 and 20 more\."):
        desk.complete(job, [])


@pytest.mark.parametrize("numbers", [[0], [4], [1, -2], [10**9]])
def test_a_part_that_the_file_has_not_is_not_signed(desk: UploadDesk, numbers: list[int]) -> None:
    job, _ = _announce(desk)
    with pytest.raises(InvalidRequest, match="has parts 1 to 3"):
        desk.sign(job, numbers)


def test_completed_twice_is_completed_once(world: World, desk: UploadDesk) -> None:
    job, _ = _announce(desk)
    for number in (1, 2, 3):
        _send(world, job, number)
    desk.complete(job, [])
    assert job.media is not None
    before = world.store.head(job.media.key)
    desk.complete(job, [])
    world.arrive(job.media.key)
    desk.complete(world.job(job.job_id), [])
    assert world.store.head(job.media.key) == before
    assert desk.target(world.job(job.job_id)) is None


@pytest.mark.parametrize("told", [Conflict, NotFound])
def test_whoever_completes_at_the_same_moment_gets_the_same_answer(
    world: World, desk: UploadDesk, monkeypatch: pytest.MonkeyPatch, told: type[Exception]
) -> None:
    """S3 says that there is an object already, or no such upload any more."""
    job, _ = _announce(desk)
    for number in (1, 2, 3):
        _send(world, job, number)
    complete = world.store.complete_multipart

    def another_is_faster(*upload: Any) -> str:
        complete(*upload)
        raise told("Another was faster.")

    monkeypatch.setattr(
        type(world.store), "complete_multipart", lambda _, *a: another_is_faster(*a)
    )
    desk.complete(job, [])
    assert job.media is not None
    assert world.store.head(job.media.key) is not None


# --- given up -----------------------------------------------------------------------------------


def test_an_upload_that_is_given_up_leaves_nothing(world: World, desk: UploadDesk) -> None:
    job, _ = _announce(desk)
    _send(world, job, 1)
    desk.abort(job)
    desk.abort(job)

    assert world.job(job.job_id).status is Status.CANCELLED
    assert world.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
    cancelled = world.job(job.job_id)
    assert desk.target(cancelled) is None
    for refused in (
        lambda: desk.sign(cancelled, [1]),
        lambda: desk.arrived(cancelled, PartsQuery()),
        lambda: desk.complete(cancelled, []),
    ):
        with pytest.raises(Conflict, match="CANCELLED"):
            refused()


def test_a_part_after_the_end_is_told_so(world: World, desk: UploadDesk) -> None:
    """The bucket's lifecycle was faster than the sweeper."""
    job, _ = _announce(desk)
    assert job.media is not None
    world.store.abort_multipart(job.media.key, job.upload_id or "")
    for refused in (
        lambda: desk.target(job),
        lambda: desk.arrived(job, PartsQuery()),
        lambda: desk.complete(job, []),
    ):
        with pytest.raises(Conflict, match="announce it anew"):
            refused()


def test_what_has_arrived_cannot_be_given_up(world: World, desk: UploadDesk) -> None:
    job, _ = _announce(desk, size=15, multipart=False)
    assert job.media is not None
    world.drop(job.media.key)
    world.arrive(job.media.key)
    with pytest.raises(Conflict, match="has arrived"):
        desk.abort(world.job(job.job_id))


def test_an_upload_in_parts_has_two_days(world: World, desk: UploadDesk) -> None:
    whole, _ = _announce(desk, multipart=False)
    parted, target = _announce(desk)
    assert target.expires_at == world.clock() + timedelta(days=2)
    for hours, statuses in (
        (25, (Status.FAILED, Status.UPLOADING)),
        (24, (Status.FAILED, Status.FAILED)),
    ):
        world.clock.advance(hours=hours)
        world.sweeper.sweep(world.clock())
        assert tuple(world.job(job.job_id).status for job in (whole, parted)) == statuses


# --- whole --------------------------------------------------------------------------------------


def test_a_file_that_is_sent_whole_has_a_url_that_is_new(world: World, desk: UploadDesk) -> None:
    job, _ = _announce(desk, size=15, multipart=False)
    world.clock.advance(hours=2)
    again = desk.target(job)
    assert isinstance(again, UploadTarget)
    assert again.headers == {"Content-Type": "video/mp4", "If-None-Match": "*"}
    assert again.expires_at == world.clock() + timedelta(hours=1)
    with pytest.raises(Conflict, match="sent whole"):
        desk.sign(job, [1])


def test_what_comes_by_another_way_is_no_upload(world: World, desk: UploadDesk) -> None:
    job, _ = _announce(desk, multipart=False)
    with pytest.raises(NotFound):
        desk.target(job.model_copy(update={"media": None}))


def test_what_is_refused_leaves_nothing(world: World) -> None:
    desk = _desk(world, active_jobs=1, bytes_per_day=10 * SIZE)
    _announce(desk)
    for _ in range(10):
        with pytest.raises(TooManyJobs):
            _announce(desk)
    assert len(world.s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]) == 1
    assert world.ledger.count("bytes ana", "2026-11-21", 1, expires_at=2**40) == SIZE + 1
