"""The API function's handler on moto; through the real gateway in tests/e2e."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from debate_analyzer import bootstrap
from debate_analyzer.job import Figures
from debate_analyzer.pipeline import Status
from tests.world import BUCKET, JOB_ID, LEDGER, ROOT, TABLE, TRANSCRIPT, VIDEO, World

ANA = "11111111-2222-3333-4444-555555555555"


class Context:
    function_name = "api"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:api"
    aws_request_id = "request"


@pytest.fixture
def api(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("BUCKET", BUCKET)
    monkeypatch.setenv("JOB_TABLE", TABLE)
    monkeypatch.setenv("LEDGER_TABLE", LEDGER)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "api")
    bootstrap._client.cache_clear()
    module = _load()

    def call(method: str, path: str, body: Any = None, sub: str = ANA, **query: str) -> Any:
        event = json.loads((ROOT / "events" / "api-get-job.json").read_text())
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        event["requestContext"]["http"]["method"] = method
        event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = sub
        event["queryStringParameters"] = query
        event["body"] = body if isinstance(body, str) else json.dumps(body)
        answer = module.handler(event, Context())
        text = answer["body"]
        return httpx.Response(
            answer["statusCode"],
            headers=answer.get("headers")
            or {k: v[0] for k, v in answer.get("multiValueHeaders", {}).items()},
            text=text,
        )

    yield call
    bootstrap._client.cache_clear()


def _load() -> ModuleType:
    path = Path(ROOT, "functions", "api", "handler.py")
    spec = importlib.util.spec_from_file_location("api_handler", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _announce(api: Any, **changes: Any) -> Any:
    body = {"filename": "Town hall.mp4", "size": 15, "content_type": "video/mp4"} | changes
    return api("POST", "/api/uploads", body)


def test_an_upload_is_announced_and_listed(api: Any) -> None:
    made = _announce(api, title="Town hall 2026")

    assert made.status_code == 201
    job, upload = made.json()["job"], made.json()["upload"]
    assert (job["title"], job["status"], job["stage"]) == ("Town hall 2026", "UPLOADING", "upload")
    assert upload["headers"] == {"Content-Type": "video/mp4", "If-None-Match": "*"}
    signed = dict(httpx.URL(upload["url"]).params)["X-Amz-SignedHeaders"].split(";")
    assert signed == ["content-length", "content-type", "host", "if-none-match"]
    assert [j["job_id"] for j in api("GET", "/api/jobs").json()["jobs"]] == [job["job_id"]]
    assert api("GET", f"/api/jobs/{job['job_id']}").json() == job


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"filename": "../x.mp4"}, "invalid_upload"),
        ({"filename": "x.pdf"}, "invalid_upload"),
        ({"size": 0}, "invalid_upload"),
        ({"size": "many"}, "invalid_request"),
        ({"unknown": 1}, "invalid_request"),
        ({"speakers": 0}, "invalid_request"),
        ({"channel_per_speaker": "left"}, "invalid_request"),
    ],
)
def test_a_refusal_is_a_problem_with_a_code_and_a_sentence(api: Any, body: Any, code: str) -> None:
    refused = _announce(api, **body)

    assert refused.status_code == (400 if code == "invalid_request" else 422)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == code
    assert refused.json()["detail"].endswith(".")
    assert api("GET", "/api/jobs").json()["jobs"] == []


def test_what_the_user_knows_is_kept(api: Any, world: World) -> None:
    for said, kept in [({}, False), ({"channel_per_speaker": True}, True)]:
        job = _announce(api, **said).json()["job"]
        assert job["channel_per_speaker"] is kept
        row = world.table.get(job["job_id"])
        assert row is not None
        assert row.channel_per_speaker is kept


def test_a_body_that_is_no_json_is_refused(api: Any) -> None:
    assert api("POST", "/api/uploads", "{").json()["code"] == "invalid_request"


def test_what_belongs_to_others_does_not_exist(api: Any, world: World) -> None:
    job_id = _announce(api).json()["job"]["job_id"]

    for path in ("", "/transcript", "/statistics", "/video", "/edits"):
        assert api("GET", f"/api/jobs/{job_id}{path}", sub="eve").status_code == 404
    assert api("GET", "/api/jobs", sub="eve").json()["jobs"] == []


def test_what_nobody_announced_is_seen_by_everybody(api: Any, world: World) -> None:
    world.drop(VIDEO)
    world.arrive()

    assert api("GET", f"/api/jobs/{JOB_ID}").json()["title"] == "town hall"
    assert api("GET", "/api/jobs", sub="eve").json()["jobs"][0]["job_id"] == JOB_ID


def test_pages_of_the_list_join_without_gap_or_repetition(api: Any, world: World) -> None:
    made = [_announce(api, filename=f"{n}.mp4").json()["job"]["job_id"] for n in range(7)]
    world.drop(VIDEO)
    world.arrive()
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = api("GET", "/api/jobs", limit="3", **cursor).json()
        seen += [job["job_id"] for job in page["jobs"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert sorted(seen) == sorted([*made, JOB_ID])


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x"])
def test_a_senseless_limit_is_refused(api: Any, limit: str) -> None:
    assert api("GET", "/api/jobs", limit=limit).json()["code"] == "invalid_request"


def test_links_lead_to_what_is_there_and_say_when_it_is_not(api: Any, world: World) -> None:
    world.drop(VIDEO)
    world.arrive()
    assert api("GET", f"/api/jobs/{JOB_ID}/transcript").json()["code"] == "not_ready"
    assert api("GET", f"/api/jobs/{JOB_ID}/statistics").json()["code"] == "not_ready"

    world.drop(TRANSCRIPT, b"{}", "application/json")
    world.drop(f"jobs/{JOB_ID}/captions/town hall.srt", b"1", "text/plain")
    figures = Figures(duration=1, speaking_time=1, words=1, speakers=1)
    done = world.job().model_copy(update={"status": Status.COMPLETE, "figures": figures})
    world.table.replace(done)

    for path, query in [("transcript", {}), ("transcript", {"format": "srt"}), ("statistics", {})]:
        answer = api("GET", f"/api/jobs/{JOB_ID}/{path}", **query)
        assert answer.status_code == 302
        assert "X-Amz-Signature" in answer.headers["location"]
    video = api("GET", f"/api/jobs/{JOB_ID}/video").json()
    assert video["content_type"] == "video/mp4"
    assert "town%20hall.mp4" in video["url"]
    assert api("GET", f"/api/jobs/{JOB_ID}/transcript", format="doc").status_code == 400


SPOKEN = {
    "duration": 9,
    "transcription": [{"start": 0, "end": 9, "text": "good evening", "speaker": "A"}],
}
NAMED = {"op": "rename", "speaker": "A", "name": "Ana"}


def _edit(api: Any, *operations: Any, **more: Any) -> Any:
    return api("POST", f"/api/jobs/{JOB_ID}/edits", {"operations": operations, **more})


def test_edits_are_added_read_undone_and_have_the_statistics_counted_again(
    api: Any, world: World
) -> None:
    world.drop(TRANSCRIPT, json.dumps(SPOKEN).encode(), "application/json")
    world.arrive(TRANSCRIPT)
    path = f"/api/jobs/{JOB_ID}/edits"
    assert api("GET", path).json() == {"version": "", "entries": [], "in_force": []}

    made = _edit(api, NAMED)
    assert made.status_code == 201
    [entry] = made.json()["entries"]
    assert entry["operation"] == NAMED
    assert (entry["by"], made.json()["in_force"]) == (ANA, [entry["id"]])
    assert api("GET", path).json() == made.json()
    unit = world.arrive(f"jobs/{JOB_ID}/edits/edits.json")
    assert unit is not None
    assert unit.edits == made.json()["version"]

    undone = _edit(api, {"op": "undo", "entry": entry["id"]}, version=made.json()["version"])
    assert undone.json()["in_force"] == []
    stale = _edit(api, NAMED, version=made.json()["version"])
    assert (stale.status_code, stale.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        ({"operations": []}, "invalid_request", "at least 1 item"),
        ({"operations": [{"op": "shout"}]}, "invalid_request", "'shout'"),
        ({"operations": [NAMED | {"name": " "}]}, "invalid_request", "1 to 100 characters."),
        ({"operations": [NAMED] * 1001}, "invalid_request", "at most 1000 items"),
        ({"operations": [NAMED], "note": "x"}, "invalid_request", "note"),
        ({"operations": [NAMED | {"speaker": "B"}]}, "invalid_edit", "There are: A."),
        ({"operations": [{"op": "undo", "entry": "x"}]}, "invalid_edit", "no edit 'x'"),
        (
            {"operations": [{"op": "speaker", "segment": 1, "speaker": "A"}]},
            "invalid_edit",
            "has 1 segments",
        ),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused_with_a_sentence(
    api: Any, world: World, body: Any, code: str, detail: str
) -> None:
    world.drop(TRANSCRIPT, json.dumps(SPOKEN).encode(), "application/json")
    world.arrive(TRANSCRIPT)

    refused = api("POST", f"/api/jobs/{JOB_ID}/edits", body)

    assert (refused.status_code, refused.json()["code"]) == (refused.status_code, code)
    assert refused.status_code in (400, 422)
    assert detail in refused.json()["detail"]
    assert world.store.head(f"jobs/{JOB_ID}/edits/edits.json") is None


def test_nobody_edits_what_is_not_transcribed_or_belongs_to_others(api: Any, world: World) -> None:
    job_id = _announce(api).json()["job"]["job_id"]
    path, body = f"/api/jobs/{job_id}/edits", {"operations": [NAMED]}
    assert api("POST", path, body).json()["code"] == "not_ready"
    assert api("POST", path, body, sub="eve").status_code == 404


def test_an_unknown_address_and_an_outage_are_problems_too(
    api: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api("GET", "/api/nothing").json()["code"] == "no_such_route"

    monkeypatch.setenv("JOB_TABLE", "")
    answer = api("GET", "/api/jobs")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "JOB_TABLE" not in answer.text
