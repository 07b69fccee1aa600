"""Recordings through the API: statuses and codes. What they do is tests/debate_analyzer's."""

from __future__ import annotations

from typing import Any

import pytest

from debate_analyzer import aws
from tests.api.conftest import Answered, Api
from tests.world import World

SESSIONS = "/api/audio/sessions"
CHUNK = {"seq": 0, "t_start": 0, "t_end": 5000, "size": 8}


@pytest.fixture(autouse=True)
def batch(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is submitted to Batch, which moto would want Docker for."""
    api.environment |= {"DOWNLOAD_BATCH_QUEUE": "download", "DOWNLOAD_JOB_DEFINITION": "download"}
    started: list[Any] = []

    def start(pool: aws.BatchImportPool, job_id: str, environment: Any) -> str:
        started.append(environment)
        return "import-1"

    monkeypatch.setattr(aws.BatchImportPool, "start", start)
    return started


@pytest.fixture
def session(api: Api) -> str:
    begun = api("POST", SESSIONS, {"content_type": "audio/webm;codecs=opus", "title": "Council"})
    assert begun.status == 201
    return f"{SESSIONS}/{begun.body['session_id']}"


def code(answer: Answered) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status, answer.body["code"]


def send(world: World, target: Any) -> None:
    world.drop(target["key"], bytes(8), "audio/webm")


def test_from_the_first_route_to_the_last(
    api: Api, world: World, session: str, batch: list[Any]
) -> None:
    target = api("POST", f"{session}/chunks/presign", CHUNK)
    assert target.status == 200
    assert code(api("POST", f"{session}/chunks/complete", {"seq": 0})) == (409, "not_ready")
    send(world, target.body)
    done = api("POST", f"{session}/chunks/complete", {"seq": 0})
    assert (done.status, done.body["session"]["duration_ms"]) == (200, 5000)

    late = {"seq": 2, "t_start": 9000, "t_end": 9500, "size": 8}
    assert api("PUT", f"{session}/manifest", {"chunks": [CHUNK, late]}).body["missing"] == [1, 2]
    holes = api("POST", f"{session}/finalize", {})
    assert code(holes) == (409, "incomplete_recording")
    assert "chunks 1-2 are missing" in holes.body["detail"]
    retry = api("POST", f"{session}/chunks/retry", {})
    send(world, retry.body["chunks"][0])
    assert api("POST", f"{session}/chunks/retry", {}).body["completed"] == [2]

    sealed = api("POST", f"{session}/finalize", {"without": [1]})
    assert (sealed.status, sealed.body["state"]) == (200, "finalized")
    assert api("POST", f"{session}/finalize", {}).body == sealed.body
    assert len(batch) == 1
    whole = api("GET", session)
    assert whole.body["job_id"] == sealed.body["job_id"]
    assert [chunk["status"] for chunk in whole.body["manifest"]["chunks"]] == ["complete"] * 2
    assert api("GET", f"/api/jobs/{sealed.body['job_id']}").body["title"] == "Council"
    [entry] = api("GET", SESSIONS).body["sessions"]
    assert entry["state"] == "finalized"
    assert code(api("DELETE", session)) == (409, "conflict")


def test_what_is_refused_says_why(api: Api, session: str) -> None:
    presign = f"{session}/chunks/presign"
    assert api("POST", presign, CHUNK).status == 200
    overlap = CHUNK | {"seq": 1, "t_start": 4000, "t_end": 9000}
    assert code(api("POST", presign, overlap)) == (422, "invalid_chunk")
    assert code(api("POST", presign, CHUNK | {"size": 9})) == (409, "conflict")
    assert code(api("POST", presign, CHUNK | {"seq": -1})) == (400, "invalid_request")
    assert code(api("POST", presign, CHUNK | {"ext": "../x"})) == (400, "invalid_request")
    assert code(api("POST", f"{session}/chunks/retry", {"seqs": [7]})) == (404, "not_found")
    assert code(api("POST", f"{session}/finalize", {"without": [7]})) == (422, "invalid_request")
    assert code(api("POST", SESSIONS, {"content_type": "text/html"})) == (422, "invalid_request")
    nobody = {"notify": "nobody"}
    assert code(api("POST", SESSIONS, nobody)) == (422, "invalid_request")
    assert code(api("PUT", f"{session}/manifest", nobody)) == (422, "invalid_request")
    assert code(api("GET", SESSIONS, cursor="../users")) == (400, "invalid_request")


def test_anothers_recording_is_not_there(api: Api, session: str) -> None:
    assert code(api("GET", session, sub="bo")) == (404, "not_found")
    assert code(api("DELETE", session, sub="bo")) == (404, "not_found")
    assert api("GET", SESSIONS, sub="bo").body == {"sessions": [], "next_cursor": None}
    assert code(api("GET", session, sub=None)) == (401, "not_signed_in")


def test_deleted_it_says_what_is_gone(api: Api, session: str) -> None:
    deleted = api("DELETE", session)
    assert deleted.status == 200
    assert any(key.endswith("/manifest.json") for key in deleted.body["deleted"])
    assert code(api("DELETE", session)) == (404, "not_found")


def test_where_nobody_signs_in_the_id_is_all_it_takes(api: Api) -> None:
    api.environment |= {"ACCESS": "anonymous", "REQUESTS_PER_MINUTE": "0"}
    begun = api("POST", SESSIONS, {}, sub=None).body
    assert api("GET", f"{SESSIONS}/{begun['session_id']}", sub=None).status == 200
    assert api("GET", SESSIONS, sub=None).body["sessions"] == []
