"""Debates through the API: who sees which, and what becomes of them when somebody says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from debate_analyzer import bootstrap
from debate_analyzer.job import (
    ANONYMOUS_OWNER,
    SHARED_OWNER,
    Claim,
    Fault,
    Figures,
    Job,
    Media,
    announced,
    new_job_id,
)
from debate_analyzer.key import (
    dataset_key,
    edits_key,
    part_key,
    private_statistics_key,
    statistics_key,
)
from debate_analyzer.part import Part, part_job
from debate_analyzer.pipeline import STATS, TRANSCRIBE, Status
from debate_analyzer.publication import PublishRequest
from tests.api.conftest import ANA, Api
from tests.world import JOB_ID, TRANSCRIPT, VIDEO, World

ONE = f"/api/jobs/{JOB_ID}"
FIGURES = Figures(duration=60, speaking_time=50, words=120, speakers=2)


@pytest.fixture
def api(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> Api:
    api.environment |= {"PUBLISH_QUEUE_URL": world.publish_queue.url, "WHISPER_MODELS": "base,tiny"}
    monkeypatch.setattr(bootstrap, "dispatcher", lambda *_: world.dispatcher)
    monkeypatch.setattr(bootstrap, "utc_now", world.clock)
    return api


def put(world: World, owner: str = ANA, *, job_id: str = "", status: Status | None = None) -> Job:
    """A row, made a second after the one before."""
    now = world.clock.advance(seconds=1)
    job = announced(
        owner=owner, title="t", media=None, now=now, job_id=job_id or new_job_id(), published=True
    )
    if status is not None:
        job = job.model_copy(update={"status": status})
    world.table.create(job)
    return job


def arrived(world: World) -> Job:
    """A recording of Ana's that waits for a worker."""
    media = Media(key=VIDEO, bytes=15, content_type="video/mp4")
    world.table.create(
        announced(
            owner=ANA, title="t", media=media, now=world.clock(), job_id=JOB_ID, published=True
        )
    )
    world.drop(VIDEO)
    world.arrive()
    return world.job()


def held(world: World) -> Claim:
    """A worker has it in hand."""
    job = world.job()
    assert job.unit is not None
    until = world.clock() + timedelta(minutes=1)
    claim = Claim(worker="w", until=until.timestamp())
    world.table.replace(job.claimed(job.unit, claim, world.clock()))
    return claim


def complete(world: World) -> Job:
    """Transcribed, counted, published."""
    arrived(world)
    held(world)
    told = {"duration": 60.0, "language": "en", "speakers_count": 2, "warnings": []}
    world.table.replace(world.job().transcribed(world.clock(), **told))  # type: ignore[arg-type]
    world.drop(TRANSCRIPT, b"{}", "application/json")
    world.arrive(TRANSCRIPT)
    held(world)
    for key in (private_statistics_key(JOB_ID), statistics_key(JOB_ID)):
        world.drop(key, b"{}", "application/json")
    world.drop(dataset_key(JOB_ID, world.job().created_at.date()), b"PAR1", "application/parquet")
    world.table.replace(world.job().completed(FIGURES, world.clock()))
    world.publication.publish([PublishRequest(job_id=JOB_ID)])
    return world.job()


# --- lists ----------------------------------------------------------------------------------------


def test_a_list_is_of_a_status_or_of_all_that_is_not_at_an_end(api: Api, world: World) -> None:
    made = {status: put(world, status=status).job_id for status in Status}

    def listed(**query: str) -> list[str]:
        return [job["job_id"] for job in api("GET", "/api/jobs", **query).body["jobs"]]

    for status in set(Status) - {Status.DELETED}:
        assert listed(status=status) == [made[status]]
    active = [made[status] for status in Status][:7]
    assert listed(status="active") == active[::-1]
    assert listed(status="complete") == listed(status="COMPLETE")
    assert listed(status="DELETED") == []
    assert len(listed()) == len(Status) - 1


def test_a_list_is_of_a_stretch_of_time(api: Api, world: World) -> None:
    jobs = [put(world) for _ in range(5)]
    times = [job.created_at.isoformat() for job in jobs]

    answer = api("GET", "/api/jobs", **{"from": times[1], "to": times[3]})

    assert [job["job_id"] for job in answer.body["jobs"]] == [job.job_id for job in jobs[3:0:-1]]
    assert api("GET", "/api/jobs", **{"from": times[3], "to": times[1]}).body["jobs"] == []
    assert api("GET", "/api/jobs", **{"from": "yesterday"}).status == 422
    assert api("GET", "/api/jobs", **{"from": "2026-11-21T12:00:00"}).status == 400  # which zone?


@pytest.mark.parametrize("status", [None, "active"])
def test_pages_join_whatever_was_made_at_the_same_moment(
    api: Api, world: World, status: str | None
) -> None:
    first = put(world)
    twins = [first.model_copy(update={"job_id": new_job_id()}) for _ in range(6)]
    others = [job.model_copy(update={"owner": SHARED_OWNER}) for job in twins[:3]]
    for job in [*others, *twins[3:]]:
        world.table.create(job)
    query = {"status": status} if status else {}
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(9):
        page = api("GET", "/api/jobs", limit=2, **query, **cursor).body
        seen += [job["job_id"] for job in page["jobs"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert sorted(seen) == sorted(job.job_id for job in [first, *twins])


@pytest.mark.parametrize("cursor", ["x", "AAAA", "MjAyNg==", "é", "2026-11-21T12:00:00Z", "=" * 9])
def test_a_cursor_that_no_list_gave_is_refused(api: Api, cursor: str) -> None:
    refused = api("GET", "/api/jobs", cursor=cursor)

    assert (refused.status, refused.body["code"]) == (422, "invalid_request")


# --- people ---------------------------------------------------------------------------------------


def test_an_admin_sees_everything_and_nobody_else_does(api: Api, world: World) -> None:
    world.clock.advance(days=-4)  # an admin's list begins today
    hers, his = put(world), put(world, "bob")
    world.clock.advance(days=2)
    later = put(world, "bob")

    everything = api("GET", "/api/jobs", sub="root", groups="[staff admin]").body["jobs"]
    assert [job["job_id"] for job in everything] == [later.job_id, his.job_id, hers.job_id]
    of_one = api("GET", "/api/jobs", sub="root", groups="admin", owner="bob").body["jobs"]
    assert [job["job_id"] for job in of_one] == [later.job_id, his.job_id]
    assert api("GET", f"/api/jobs/{his.job_id}", sub="root", groups="[admin]").status == 200
    assert api("GET", f"/api/jobs/{his.job_id}", groups="[administrators]").status == 404
    assert api("GET", "/api/jobs", owner="bob").status == 403


def test_who_does_not_say_who_he_is_is_told_to(api: Api, world: World) -> None:
    job = put(world)

    for method, path in [("GET", "/api/jobs"), ("DELETE", f"/api/jobs/{job.job_id}")]:
        refused = api(method, path, sub=None)
        assert (refused.status, refused.body["code"]) == (401, "not_signed_in")
        assert refused.headers["www-authenticate"] == "Bearer"
    assert api("GET", "/api/openapi.json", sub=None).body["openapi"] == "3.1.0"


def test_where_nobody_signs_in_the_id_is_the_whole_authority(api: Api, world: World) -> None:
    api.environment["ACCESS"] = "anonymous"
    said = {"filename": "x.mp4", "size": 15}
    job_id = api("POST", "/api/uploads", said, sub=None).body["job"]["job_id"]
    owned = put(world, "bob")

    assert api("GET", f"/api/jobs/{job_id}", sub=None).status == 200
    assert api("GET", "/api/jobs", sub=None).status == 403
    assert api("GET", f"/api/jobs/{owned.job_id}", sub=None).status == 404
    assert api("DELETE", f"/api/jobs/{job_id}", sub=None).status == 200
    assert api("GET", f"/api/jobs/{job_id}", sub=None).status == 404


def test_where_an_id_is_the_authority_nothing_gives_ids_away(api: Api, world: World) -> None:
    complete(world)
    mine = world.job().model_copy(update={"owner": ANONYMOUS_OWNER, "published": False})
    world.table.replace(mine)
    world.publication.publish([PublishRequest(job_id=JOB_ID)])
    shared = put(world, SHARED_OWNER)
    api.environment["ACCESS"] = "anonymous"

    assert api("PATCH", ONE, {"published": True}, sub=None).body["published"] is False
    world.publication.publish([PublishRequest(job_id=JOB_ID)])

    assert JOB_ID not in (world.store.get("statistics/index.json") or (b"",))[0].decode()
    assert world.store.head(statistics_key(JOB_ID)) is None
    assert api("DELETE", f"/api/jobs/{shared.job_id}", sub=None).status == 404


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "GET"])
def test_what_belongs_to_others_cannot_be_touched(api: Api, world: World, method: str) -> None:
    job = put(world, "bob")

    answer = api(method, f"/api/jobs/{job.job_id}", {"title": "mine"}, sub="eve")

    assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert world.table.get(job.job_id) == job


# --- changes --------------------------------------------------------------------------------------


def test_title_and_language_are_what_people_say(api: Api, world: World) -> None:
    complete(world)

    changed = api("PATCH", ONE, {"title": " Another ", "language": "es"}).body

    assert (changed["title"], changed["language"]) == ("Another", "es")
    assert world.publish_requests() == [PublishRequest(job_id=JOB_ID)]
    for senseless in ({"title": "  "}, {"language": "klingon"}, {"owner": "eve"}, []):
        assert api("PATCH", ONE, senseless).status in (400, 422)
    assert world.job().title == "Another"


def test_a_debate_is_withdrawn_and_published_again(api: Api, world: World) -> None:
    complete(world)

    assert api("PATCH", ONE, {"published": False}).body["published"] is False
    world.publication.publish([PublishRequest(job_id=JOB_ID)])
    assert world.store.head(statistics_key(JOB_ID)) is None
    assert api("PATCH", ONE, {"published": True}).body["published"] is True
    world.publication.publish([PublishRequest(job_id=JOB_ID)])
    assert world.store.head(statistics_key(JOB_ID)) is not None


# --- cancelling -----------------------------------------------------------------------------------


def test_what_waits_is_cancelled_and_no_worker_takes_it(api: Api, world: World) -> None:
    arrived(world)

    assert api("POST", f"{ONE}/cancel").body["status"] == "CANCELLED"
    assert api("POST", f"{ONE}/cancel").status == 200  # it is so
    world.arrive()
    assert world.job().status is Status.CANCELLED


def test_what_is_in_hand_is_dropped_at_the_next_heartbeat(api: Api, world: World) -> None:
    arrived(world)
    claim = held(world)
    unit = world.job().unit
    assert unit is not None

    api("POST", f"{ONE}/cancel")

    assert not world.job().held_by(claim, unit)


def test_parts_are_cancelled_with_their_whole(api: Api, world: World) -> None:
    arrived(world)
    held(world)
    world.table.replace(world.job().split(2, 0.1, world.clock()))
    part = part_job(Part(JOB_ID, 1, 0), world.job(), world.clock())
    world.table.create(part)

    api("POST", f"{ONE}/cancel")

    assert world.job(part.job_id).status is Status.CANCELLED


def test_a_part_that_has_failed_keeps_no_other_from_being_cancelled(api: Api, world: World) -> None:
    arrived(world)
    held(world)
    world.table.replace(world.job().split(3, 0.1, world.clock()))
    failed, waiting = (part_job(Part(JOB_ID, 1, n), world.job(), world.clock()) for n in (0, 1))
    world.table.create(failed)
    world.table.create(waiting)
    world.table.replace(
        world.job(failed.job_id).failed(Fault(code="no_audio", message="Silence."), world.clock())
    )

    assert api("POST", f"{ONE}/cancel").body["status"] == "CANCELLED"

    assert world.job(failed.job_id).status is Status.FAILED
    assert world.job(waiting.job_id).status is Status.CANCELLED


def test_what_is_done_cannot_be_cancelled(api: Api, world: World) -> None:
    complete(world)

    refused = api("POST", f"{ONE}/cancel")

    assert (refused.status, refused.body["code"]) == (409, "conflict")
    assert world.job().status is Status.COMPLETE


# --- once more ------------------------------------------------------------------------------------


def test_it_is_transcribed_again_as_it_is_asked_for(api: Api, world: World) -> None:
    complete(world)
    world.clock.advance(minutes=1)
    asked = {"model": "tiny", "language": "es", "speakers": 3}

    retried = api("POST", f"{ONE}/retry", asked)

    assert (retried.status, retried.body["status"]) == (202, "QUEUED")
    job = world.job()
    assert (job.model, job.language, job.speakers, job.round) == ("tiny", "es", 3, 3)
    assert job.unit is not None
    assert (job.unit.stage, job.unit.key) == (TRANSCRIBE, VIDEO)
    assert world.pool.started[-1] == TRANSCRIBE.name


def test_only_the_statistics_are_counted_again(api: Api, world: World) -> None:
    complete(world)
    world.drop(edits_key(JOB_ID), b"{}", "application/json")

    assert api("POST", f"{ONE}/retry", {"stage": "stats"}).body["status"] == "STATS_QUEUED"
    unit = world.job().unit
    assert unit is not None
    assert unit.stage is STATS
    assert unit.edits is not None


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED, Status.TRANSCRIBING])
def test_whatever_came_of_it_before_it_is_tried_again(
    api: Api, world: World, status: Status
) -> None:
    arrived(world)
    claim = held(world)
    unit = world.job().unit
    assert unit is not None
    world.table.replace(world.job().model_copy(update={"status": status}))

    assert api("POST", f"{ONE}/retry", {}).status == 202
    assert world.job().status is Status.QUEUED
    assert not world.job().held_by(claim, unit)


def test_what_cannot_be_tried_is_said(api: Api, world: World) -> None:
    job = put(world)
    path = f"/api/jobs/{job.job_id}/retry"

    assert api("POST", path, {}).body["code"] == "not_found"  # it never had a recording
    assert api("POST", path, {"stage": "stats"}).body["code"] == "not_ready"
    for senseless in ({"stage": "x"}, {"speakers": 0}, {"language": "x"}):
        assert api("POST", path, senseless).body["code"] == "invalid_request"
    assert api("POST", path, {"model": "../../etc"}).body["code"] == "unknown_model"
    arrived(world)
    world.s3.delete_object(Bucket=world.store.bucket, Key=VIDEO)
    assert api("POST", f"{ONE}/retry", {}).body["code"] == "not_ready"


# --- deletion -------------------------------------------------------------------------------------


def test_everything_of_a_debate_goes_and_is_told(api: Api, world: World) -> None:
    complete(world)
    kept = f"jobs/{new_job_id()}/videos/other.mp4"
    world.drop(kept)
    keys = {found.key for found in world.store.list("") if JOB_ID in found.key}
    part = part_job(Part(JOB_ID, 1, 0), world.job(), world.clock())
    world.table.create(part)

    deleted = api("DELETE", ONE)

    assert deleted.status == 200
    assert keys | {f"row {JOB_ID}", f"row {part.job_id}"} <= set(deleted.body["deleted"])
    world.publication.publish([PublishRequest(job_id=JOB_ID)])
    left = {found.key for found in world.store.list("") if JOB_ID in found.key}
    assert {key for key in left if not key.endswith(".mark")} == set()  # which search is told by
    assert world.store.head(kept) is not None
    assert world.table.get(part.job_id) is None
    assert JOB_ID not in (world.store.get("statistics/index.json") or (b"",))[0].decode()
    assert world.cdn.forgotten == [statistics_key(JOB_ID)]
    tombstone = world.job()
    assert (tombstone.title, tombstone.media, tombstone.units) == ("", None, {})


def test_what_is_gone_is_not_there_however_often_it_is_asked_for(api: Api, world: World) -> None:
    complete(world)
    api("DELETE", ONE)

    for method, path in [
        ("DELETE", ONE),
        ("GET", ONE),
        ("PATCH", ONE),
        ("POST", f"{ONE}/cancel"),
        ("POST", f"{ONE}/retry"),
        ("GET", f"{ONE}/video"),
    ]:
        assert api(method, path, {}).status == 404
    assert api("GET", "/api/jobs").body["jobs"] == []
    assert api("DELETE", f"/api/jobs/{new_job_id()}").status == 404
    assert api("DELETE", "/api/jobs/..").status == 404


def test_nothing_comes_back_when_somebody_writes_late(api: Api, world: World) -> None:
    arrived(world)
    held(world)
    api("DELETE", ONE)

    # The upload that was still under way, and the worker that did not know yet.
    world.drop(VIDEO)
    assert world.arrive() is None
    world.drop(TRANSCRIPT, b"{}", "application/json")
    assert world.arrive(TRANSCRIPT) is None
    world.sweeper.sweep(world.clock())

    assert list(world.store.list(f"jobs/{JOB_ID}/")) == []
    assert world.job().status is Status.DELETED


def test_what_no_event_tells_of_is_erased_when_the_sweeper_comes_by(api: Api, world: World) -> None:
    complete(world)
    api("DELETE", ONE)
    looks = 0
    for key in (private_statistics_key(JOB_ID), part_key(JOB_ID, 1, 0), statistics_key(JOB_ID)):
        world.drop(key, b"late", "application/json")
        world.clock.advance(hours=4)
        looks += world.sweeper.sweep(world.clock()).get("DELETED", 0)
        world.publication.publish([PublishRequest(job_id=JOB_ID)])
        assert world.store.head(key) is None
    while world.job().check_at is not None:
        world.clock.advance(hours=12)
        looks += world.sweeper.sweep(world.clock()).get("DELETED", 0)

    assert looks < 12
    assert world.job().expires_at is not None


def test_a_deletion_that_died_half_way_is_finished(world: World) -> None:
    arrived(world)
    world.table.replace(world.job().deleted(world.clock()))  # and then nothing more

    world.clock.advance(minutes=3)
    world.sweeper.sweep(world.clock())

    assert list(world.store.list(f"jobs/{JOB_ID}/")) == []
