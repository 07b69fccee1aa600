"""Recordings that somebody points at, through the API."""

from __future__ import annotations

from typing import Any

import pytest

from debate_analyzer import bootstrap
from debate_analyzer.job import SHARED_OWNER, Claim, Fault, Media
from debate_analyzer.key import transcript_key, video_key
from debate_analyzer.pipeline import STATS, Status
from tests.api.conftest import ANA, Answered, Api
from tests.debate_analyzer.hostile import REFUSED
from tests.world import BUCKET, JOB_ID, ROOT, TRANSCRIPT, VIDEO, World

URL = "https://videos.example/debate"
DEMO = (ROOT / "demo" / "debate.mp4").read_bytes()
BEN = "22222222-2222-3333-4444-555555555555"


@pytest.fixture
def api(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setattr(bootstrap, "dispatcher", lambda *_: world.dispatcher)
    monkeypatch.setattr(bootstrap, "imports", lambda *_: world.imports)
    api.environment |= {"PUBLISH_QUEUE_URL": world.publish_queue.url, "WHISPER_MODELS": "base"}
    monkeypatch.setattr(bootstrap, "utc_now", world.clock)
    return api


def ask(api: Api, said: Any = None, **more: Any) -> Answered:
    return api("POST", "/api/imports", {"url": URL} if said is None else said, **more)


def register(api: Api, key: str, said: Any = None, **more: Any) -> Answered:
    return api("POST", "/api/jobs", {"uri": f"s3://{BUCKET}/{key}"} | (said or {}), **more)


def rows(world: World) -> list[Any]:
    return list(world.imports.table.dynamodb.scan(TableName=world.table.name)["Items"])


# --- from the web ---------------------------------------------------------------------------------


def test_a_url_is_answered_with_a_job_that_waits_for_it(api: Api, world: World) -> None:
    said = {"title": " Town hall ", "language": "en", "speakers": 3, "notify": "ana@news.example"}
    answer = ask(api, {"url": "HTTPS://Videos.Example/d", "published": False} | said)
    assert answer.status == 202
    row = world.job(answer.body["job_id"])
    assert (row.owner, row.status, row.title) == (ANA, Status.UPLOADING, "Town hall")
    assert (row.language, row.speakers, row.notify) == ("en", 3, "ana@news.example")
    assert (row.published, row.source_url) == (False, "https://videos.example/d")
    told = {"VIDEO_URL": "https://videos.example/d", "MAX_PLAYLIST_ENTRIES": "1"}
    assert world.importers.started == [{"JOB_ID": row.job_id} | told]
    shown = api("GET", f"/api/jobs/{row.job_id}").body
    assert (shown["stage"], shown["source_url"]) == ("upload", "https://videos.example/d")


def test_until_the_site_s_title_is_known_the_address_stands_for_it(api: Api, world: World) -> None:
    job = ask(api).body
    assert job["title"] == URL
    media = Media(key=VIDEO, bytes=15, content_type="video/mp4")
    world.table.replace(world.job(job["job_id"]).expecting(media, "Evening"))
    assert api("GET", f"/api/jobs/{job['job_id']}").body["title"] == "Evening"


def test_as_much_of_a_playlist_is_taken_as_the_deployment_allows(api: Api, world: World) -> None:
    api.environment["MAX_PLAYLIST_ENTRIES"] = "20"
    assert ask(api, {"url": URL, "playlist": 20}).status == 202
    assert world.importers.started[0]["MAX_PLAYLIST_ENTRIES"] == "20"
    refused = ask(api, {"url": URL, "playlist": 21})
    assert (refused.status, refused.body["code"]) == (422, "invalid_request")
    assert len(rows(world)) == 1


def test_no_hostile_address_gets_in(api: Api, world: World) -> None:
    assert len(REFUSED) >= 300
    for url in REFUSED:
        answer = ask(api, {"url": url})
        assert (answer.status, answer.body["code"]) == (422, "invalid_address"), url
        assert answer.body["detail"].endswith("."), url
    assert rows(world) == world.importers.started == []


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({}, 400),
        ([], 400),
        ({"url": 5}, 400),
        ({"url": URL, "language": "xx"}, 422),
        ({"url": URL, "playlist": 0}, 400),
        ({"url": URL, "notify": "nobody"}, 422),
        ({"url": URL, "speakers": 51}, 400),
        ({"url": URL, "title": "x" * 201}, 400),
        ({"url": URL, "JOB_ID": JOB_ID}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(api: Api, world: World, said: Any, status: int) -> None:
    answer = ask(api, said)
    assert answer.status == status
    assert not answer.body["detail"].endswith("..")
    assert rows(world) == world.importers.started == []


def test_an_import_counts_as_a_debate_that_is_worked_on(api: Api, world: World) -> None:
    api.environment["MAX_ACTIVE_JOBS"] = "1"
    job = ask(api).body
    refused = ask(api)
    assert (refused.status, refused.body["code"]) == (429, "too_many_jobs")
    assert api("POST", f"/api/jobs/{job['job_id']}/cancel", {}).status == 200
    assert ask(api).status == 202


# --- from the bucket ------------------------------------------------------------------------------


def test_a_recording_in_a_job_s_folder_is_worked_on_where_it_is(api: Api, world: World) -> None:
    world.drop(VIDEO, DEMO)
    answer = register(api, VIDEO, {"title": "Evening", "language": "es"})
    assert (answer.status, answer.body["status"]) == (202, "QUEUED")
    row = world.job()
    assert (row.owner, row.title, row.language) == (ANA, "Evening", "es")
    [unit] = world.waiting()
    assert (unit.key, unit.owner) == (VIDEO, ANA)
    assert world.arrive() == unit  # its event, which comes as well


def test_a_transcript_in_a_job_s_folder_is_counted(api: Api, world: World) -> None:
    world.drop(TRANSCRIPT, b"{}", "application/json")
    answer = register(api, TRANSCRIPT)
    assert (answer.status, answer.body["status"]) == (202, "STATS_QUEUED")
    assert (world.job().title, world.job().owner) == ("town hall", ANA)
    assert len(world.waiting(STATS)) == 1


def test_what_is_registered_twice_is_one_debate(api: Api, world: World) -> None:
    world.drop(VIDEO, DEMO)
    first, second = register(api, VIDEO), register(api, VIDEO)
    assert (second.status, second.body) == (202, first.body)
    assert len(rows(world)) == 1
    assert len({unit.id for unit in world.waiting()}) == 1


def test_whoever_registers_what_nobody_announced_owns_it(api: Api, world: World) -> None:
    """The event was faster, and made a row for everybody."""
    world.drop(VIDEO, DEMO)
    world.arrive()
    assert world.job().owner == SHARED_OWNER
    answer = register(api, VIDEO, {"title": "Evening", "published": False, "speakers": 2})
    assert answer.status == 202
    row = world.job()
    assert (row.owner, row.title, row.speakers, row.published) == (ANA, "Evening", 2, False)
    assert (row.status, row.attempt) == (Status.QUEUED, 0)
    assert api("GET", f"/api/jobs/{JOB_ID}", sub=BEN).status == 404


def test_what_is_somebody_else_s_is_not_there(api: Api, world: World) -> None:
    world.drop(VIDEO, DEMO)
    register(api, VIDEO)
    row = world.job()
    refused = register(api, VIDEO, {"title": "Mine"}, sub=BEN)
    nothing = register(api, VIDEO.replace("town hall", "nothing"), sub=BEN)
    assert (refused.status, refused.body) == (404, nothing.body)
    assert world.job() == row


def test_what_was_deleted_does_not_come_back(api: Api, world: World) -> None:
    world.drop(VIDEO, DEMO)
    register(api, VIDEO)
    world.table.replace(world.job().deleted(world.clock()))
    assert register(api, VIDEO).status == 404
    assert world.job().status is Status.DELETED


@pytest.mark.parametrize("name", ["town hall.MP4", "2026/town hall.mp4", "evening.json"])
def test_what_lies_below_incoming_is_copied_into_a_job(api: Api, world: World, name: str) -> None:
    world.drop(f"incoming/{name}", DEMO)
    answer = register(api, f"incoming/{name}", {"speakers": 4})
    assert (answer.status, answer.body["status"]) == (202, "UPLOADING")
    row = world.job(answer.body["job_id"])
    stem = name.rsplit("/", 1)[-1].split(".")[0]
    assert (row.owner, row.title, row.speakers) == (ANA, stem, 4)
    assert world.importers.started == [{"JOB_ID": row.job_id, "SOURCE_KEY": f"incoming/{name}"}]


def test_a_file_below_incoming_is_held_to_the_limits_of_uploads(api: Api, world: World) -> None:
    world.drop("incoming/a.mp4", DEMO)
    api.environment["MAX_UPLOAD_BYTES"] = "1000"
    answer = register(api, "incoming/a.mp4")
    assert (answer.status, answer.body["code"]) == (413, "upload_too_large")
    api.environment |= {"MAX_UPLOAD_BYTES": "1000000", "MAX_BYTES_PER_DAY": "1000"}
    answer = register(api, "incoming/a.mp4")
    assert (answer.status, answer.body["code"]) == (429, "daily_bytes_used")
    assert rows(world) == world.importers.started == []


def test_where_nobody_signs_in_nothing_is_taken_from_incoming(api: Api, world: World) -> None:
    world.drop("incoming/a.mp4", DEMO)
    world.drop(VIDEO, DEMO)
    api.environment["ACCESS"] = "anonymous"
    assert register(api, "incoming/a.mp4", sub=None).status == 403
    assert register(api, VIDEO, sub=None).status == 202  # the id is the authority
    other = video_key(BEN, "a.mp4")
    world.drop(other, DEMO)
    world.arrive(other)
    assert register(api, other, sub=None).status == 404  # it is shown to all who sign in


ELSEWHERE = [
    *("users/u-1/audio/sessions/s/chunks/1-0-1.webm", "statistics/index.json", "website/a.mp4"),
    *("private/cookies.json", "dataset/speakers/date=2026-11-21/a.json", "manifests/m.json"),
    *(f"jobs/{JOB_ID}/captions/a.srt", f"jobs/{JOB_ID}/edits/edits.json", f"jobs/{JOB_ID}/"),
    *(f"jobs/{JOB_ID}/parts/0-0000.flac", f"jobs/{JOB_ID}/subtitles/a.en.vtt"),
    *(f"jobs/{JOB_ID}/videos/a.txt", f"jobs/{JOB_ID}/transcripts/a.mp4", "jobs/x/videos/a.mp4"),
    *(f"jobs/{JOB_ID.upper()}/videos/a.mp4", f"jobs/{JOB_ID}/videos/b/a.mp4", "a.mp4", ""),
    *(f"jobs/{JOB_ID}/statistics/statistics.json", "incoming/", "incoming//a.mp4", "incoming/a"),
    *(
        "incoming/a.exe",
        "incoming/../private/a.mp4",
        "incoming/..",
        f"jobs/{JOB_ID}/videos/\x00.mp4",
    ),
    *("incoming/a\u202eb.mp4", "incoming/" + "x/" * 600 + "a.mp4", "Incoming/a.mp4", "/incoming/a"),
]


@pytest.mark.parametrize("key", ELSEWHERE)
def test_nothing_else_in_the_bucket_can_be_registered(api: Api, world: World, key: str) -> None:
    """Were it there or not: what is refused is not even looked for."""
    answer = register(api, key)
    assert answer.status == 422
    assert rows(world) == world.importers.started == []


@pytest.mark.parametrize(
    "uri",
    [
        *("s3://elsewhere/jobs/x", f"s3://{BUCKET}", f"s3://{BUCKET}-two/{VIDEO}", VIDEO, ""),
        *(f"https://{BUCKET}.s3.amazonaws.com/{VIDEO}", f"S3://{BUCKET}/{VIDEO}", f"s3:/{VIDEO}"),
        *(
            f"arn:aws:s3:::{BUCKET}/{VIDEO}",
            f"s3://{BUCKET}\\{VIDEO}",
            f"s3://user@{BUCKET}/{VIDEO}",
        ),
    ],
)
def test_no_other_bucket_is_read(api: Api, world: World, uri: str) -> None:
    world.drop(VIDEO, DEMO)
    answer = api("POST", "/api/jobs", {"uri": uri})
    assert (answer.status, answer.body["code"]) == (422, "invalid_request")
    assert rows(world) == []


@pytest.mark.parametrize(
    "key", [video_key(JOB_ID, "a.mp4"), transcript_key(JOB_ID, "a"), "incoming/a.mp4"]
)
def test_what_is_not_there_is_not_found(api: Api, world: World, key: str) -> None:
    assert register(api, key).status == 404
    assert rows(world) == world.importers.started == []


# --- once more ------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["FAILED", "CANCELLED", "UPLOADING"])
def test_what_never_came_can_be_asked_for_again(api: Api, world: World, end: str) -> None:
    """A day later, too: the sweeper counts from there."""
    job_id = ask(api).body["job_id"]
    row = world.job(job_id)
    if end == "FAILED":
        fault = Fault(code="download_failed", message="The site gave no recording.")
        world.table.replace(row.failed(fault, world.clock()))
    elif end == "CANCELLED":
        world.table.replace(row.cancelled(world.clock()))
    world.clock.advance(days=3)
    answer = api("POST", f"/api/jobs/{job_id}/retry", {"language": "es"})
    assert (answer.status, answer.body["status"], answer.body["error"]) == (202, "UPLOADING", None)
    row = world.job(job_id)
    assert (row.attempt, row.language, row.importing.batch_id) == (1, "es", "import-2")
    assert world.importers.started[0] == world.importers.started[1]
    world.sweeper.sweep(world.clock.advance(minutes=3))
    assert world.job(job_id).status is Status.UPLOADING


def test_the_first_job_leaves_when_another_was_asked_for(api: Api, world: World) -> None:
    job_id = ask(api).body["job_id"]
    claim = Claim(worker="import-1", until=world.clock().timestamp() + 60)
    world.table.replace(world.job(job_id).import_claimed(claim, world.clock()))
    api("POST", f"/api/jobs/{job_id}/retry", {})
    assert not world.job(job_id).held_by(claim, None)


def test_what_has_come_is_not_fetched_again(api: Api, world: World) -> None:
    world.drop(VIDEO, DEMO)
    register(api, VIDEO)
    assert api("POST", f"/api/jobs/{JOB_ID}/retry", {}).body["status"] == "QUEUED"
    assert world.importers.started == []
