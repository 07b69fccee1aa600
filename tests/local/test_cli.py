"""The `debate` command against a server that speaks the API's contract.

The same commands run against the real API in the end-to-end tests.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from batch_images.stats.analysis import Input, analyse
from debate_analyzer.catalogue import JobView
from debate_analyzer.pipeline import Status
from debate_analyzer.statistics import Statistics
from debate_analyzer.transcript import Segment, Transcript
from local.cli import main
from local.cli.show import clock, plain
from local.server import Server

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ESCAPE = "\x1b]0;owned\x07"
SENT = {"content-type": "video/mp4", "if-none-match": "*"}


def job(**facts: Any) -> JobView:
    given: dict[str, Any] = {
        "job_id": str(uuid.uuid4()),
        "title": "A debate",
        "filename": "debate.mp4",
        "status": Status.UPLOADING,
        "stage": "upload",
        "progress": None,
        "expected_at": None,
        "attempt": 1,
        "retry_at": None,
        "error": None,
        "created_at": NOW,
        "updated_at": NOW,
        "completed_at": None,
        "duration": None,
        "language": None,
        "model": None,
        "speakers": None,
        "channel_per_speaker": False,
        "speakers_count": None,
        "bytes": None,
        "content_type": None,
        "published": True,
        "source_url": None,
        "data_url": None,
        "warnings": [],
    }
    return JobView.model_validate({**given, **facts})


def statistics(job_id: str) -> Statistics:
    speech = [
        Segment(start=0, end=6, text="one two three", speaker="SPEAKER_00"),
        Segment(start=6, end=10, text="four", speaker="SPEAKER_01"),
    ]
    transcript = Transcript(duration=10, transcription=speech).model_dump_json().encode()
    return analyse(
        Input("k", transcript, "etag", datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        job_id=job_id,
        video_label="A debate",
    )


@dataclass
class Contract:
    """What `docs/architecture.md` says of the API, with the jobs of one test."""

    jobs: list[JobView] = field(default_factory=list)
    course: list[Status] = field(default_factory=list)
    """Statuses a job goes through, one each time somebody looks."""
    fault: dict[str, str] | None = None
    busy: int = 0
    """How often somebody who looks at a job is told to wait."""
    outage: range = range(0)
    """Which of the looks at a job get no answer."""
    looks: int = 0
    announced: dict[str, Any] = field(default_factory=dict)
    received: bytes = b""
    token: str | None = None
    page: int = 2
    url: str = ""

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/uploads", self.announce, methods=["POST"]),
                Route("/api/jobs", self.list),
                Route("/api/jobs/{id}", self.get),
                Route("/api/jobs/{id}/{what}", self.document),
                Route("/older/api/jobs/{id}", lambda _: JSONResponse({"job_id": "7c9e"})),
                Route("/elsewhere/api/jobs", lambda _: PlainTextResponse("<html>")),
                Route("/bucket/video", self.put, methods=["PUT"]),
                Route("/bucket/{id}/{what}", self.object),
            ]
        )

    async def announce(self, request: Request) -> Response:
        self.token = request.headers.get("authorization")
        self.announced = await request.json()
        if not self.announced["filename"].endswith(".mp4"):
            return problem(400, f"{ESCAPE} is not a recording we can read.")
        self.jobs.insert(0, job(title=self.announced.get("title", "debate")))
        expires = (NOW + timedelta(hours=1)).isoformat()
        target = {"url": f"{self.url}/bucket/video", "headers": SENT, "expires_at": expires}
        body = {"job": self.jobs[0].model_dump(mode="json"), "upload": {"method": "PUT", **target}}
        return JSONResponse(body, 201)

    async def put(self, request: Request) -> Response:
        if "authorization" in request.headers:
            return PlainTextResponse("<Error><Message>Two credentials.</Message></Error>", 400)
        if {name: request.headers.get(name) for name in SENT} != SENT:
            return PlainTextResponse("<Error><Message>Not as signed.</Message></Error>", 403)
        if request.headers["content-length"] != str(self.announced["size"]):
            return PlainTextResponse("<Error><Message>Not the size.</Message></Error>", 403)
        self.received = await request.body()
        return Response()

    async def list(self, request: Request) -> Response:
        start = int(request.query_params.get("cursor", "0"))
        end = start + self.page
        cursor = str(end) if end < len(self.jobs) else None
        found = [one.model_dump(mode="json") for one in self.jobs[start:end]]
        return JSONResponse({"jobs": found, "next_cursor": cursor})

    async def get(self, request: Request) -> Response:
        self.looks += 1
        if self.looks in self.outage:
            return PlainTextResponse("Bad Gateway", 502)
        if self.busy:
            self.busy -= 1
            body = {"code": "too_many_requests", "detail": "Ask again in 7 seconds."}
            media = "application/problem+json"
            return JSONResponse(body, 429, headers={"retry-after": "7"}, media_type=media)
        for number, one in enumerate(self.jobs):
            if one.job_id == request.path_params["id"]:
                if self.course:
                    change = {"status": self.course.pop(0), "error": self.fault, "progress": 0.5}
                    one = self.jobs[number] = one.model_copy(update=change)
                return JSONResponse(one.model_dump(mode="json"))
        return problem(404, "There is no such debate here.")

    async def document(self, request: Request) -> Response:
        path = "/".join(request.path_params[name] for name in ("id", "what"))
        location = f"{self.url}/bucket/{path}?{request.url.query}"
        return PlainTextResponse("", 302, {"location": location})

    async def object(self, request: Request) -> Response:
        if request.path_params["what"] == "statistics":
            body = statistics(request.path_params["id"]).model_dump_json(by_alias=True)
            return Response(body, media_type="application/json")
        return PlainTextResponse(f"{request.query_params['format']}: {ESCAPE}\n")


def problem(status: int, detail: str) -> Response:
    body = {"status": status, "code": "x", "title": "x", "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Contract]:
    server = Server(0)
    contract = Contract(url=server.url)
    server.start(contract.application())
    monkeypatch.setenv("DEBATE_API", server.url)
    monkeypatch.delenv("DEBATE_TOKEN", raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr("time.sleep", lambda _: None)
    yield contract
    server.stop()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "debate.mp4"
    path.write_bytes(bytes(range(256)) * 10_000)
    return path


def test_upload_sends_the_file_as_the_api_says(
    api: Contract, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["upload", str(video), "--title", "Tonight", "--language", "en", "--speakers", "3"]
    assert main([*arguments, "--channel-per-speaker"]) == 0
    assert api.announced == {
        "filename": "debate.mp4",
        "size": 2_560_000,
        "content_type": "",
        "title": "Tonight",
        "language": "en",
        "speakers": 3,
        "channel_per_speaker": True,
    }
    assert api.received == video.read_bytes()
    assert capsys.readouterr().out.strip() == api.jobs[0].job_id


def test_the_token_goes_to_the_api_and_not_to_the_storage(api: Contract, video: Path) -> None:
    assert main(["--token", "secret", "upload", str(video)]) == 0
    assert api.token == "Bearer secret"
    assert api.received == video.read_bytes()


def test_a_token_does_not_travel_in_the_clear(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--api", "http://debates.example", "--token", "secret", "list"]) == 2
    assert "https" in capsys.readouterr().err


def test_waiting_ends_with_the_statistics(
    api: Contract, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.course = [Status.QUEUED, Status.TRANSCRIBING, Status.ANALYZING, Status.COMPLETE]
    assert main(["upload", str(video), "--wait"]) == 0
    out = capsys.readouterr().out
    assert "SPEAKER_00" in out
    assert "60%" in out
    assert api.course == []


def test_who_looks_too_often_waits_as_long_as_they_are_told(
    api: Contract, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    api.jobs = [job()]
    api.course = [Status.QUEUED, Status.COMPLETE]
    api.busy = 2
    prefix = api.jobs[0].job_id[:8]  # found in the list
    assert main(["follow", prefix, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "COMPLETE"
    assert waited.count(7.0) == 2
    api.busy = 1
    assert main(["show", api.jobs[0].job_id]) == 2
    assert "Ask again in 7 seconds. (too_many_requests)" in capsys.readouterr().err


def test_an_outage_while_waiting_is_waited_out_unless_it_stays(
    api: Contract, capsys: pytest.CaptureFixture[str]
) -> None:
    api.jobs = [job()]
    api.course = [Status.QUEUED, Status.COMPLETE]
    api.outage = range(2, 30)
    assert main(["follow", api.jobs[0].job_id[:8], "--json"]) == 0
    api.course, api.looks = [Status.QUEUED, Status.COMPLETE], 0
    api.outage = range(2, 1000)
    assert main(["follow", api.jobs[0].job_id[:8]]) == 3
    api.looks = 2
    assert main(["show", api.jobs[0].job_id]) == 3


def test_an_api_of_another_version_is_no_riddle(
    api: Contract, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEBATE_API", f"{api.url}/older")
    assert main(["show", str(uuid.uuid4())]) == 3
    assert "as another version would (title)" in capsys.readouterr().err


def test_waiting_for_a_debate_that_fails_tells_why(
    api: Contract, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.course = [Status.QUEUED, Status.FAILED]
    api.fault = {"code": "no_speech", "message": "Nobody speaks in this recording."}
    assert main(["upload", str(video), "--wait"]) == 1
    assert "Nobody speaks in this recording." in capsys.readouterr().err


def test_json_is_the_finished_job_and_nothing_else(
    api: Contract, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.course = [Status.COMPLETE]
    assert main(["upload", str(video), "--wait", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "COMPLETE"


def test_a_refusal_is_a_sentence_without_terminal_escapes(
    api: Contract, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes.pdf"
    notes.write_bytes(b"x")
    assert main(["upload", str(notes)]) == 2
    error = capsys.readouterr().err
    assert "is not a recording we can read." in error
    assert "\x1b]" not in error


@pytest.mark.parametrize(
    "arguments",
    [
        ["upload", "no-such-file.mp4"],
        ["upload", "VIDEO", "--title", "t" * 201],
        ["upload", "VIDEO", "--language", "English"],
        ["show", "ffff"],
        ["show", str(uuid.uuid4())],
        ["transcript", "ffff"],
    ],
)
def test_what_makes_no_sense_is_refused(
    api: Contract, video: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(video) if argument == "VIDEO" else argument for argument in arguments]) == 2
    assert capsys.readouterr().err.strip()
    assert api.received == b""


@pytest.mark.parametrize(
    "arguments", [["list", "--limit", "0"], ["upload"], ["transcript", "1", "--format", "pdf"]]
)
def test_wrong_usage_ends_with_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2


def test_an_api_that_is_not_there_ends_with_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    nobody = Server(0)
    nobody.stop()
    assert main(["--api", nobody.url, "list"]) == 3
    assert nobody.url in capsys.readouterr().err


def test_another_service_at_the_address_is_not_taken_for_the_api(
    api: Contract, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEBATE_API", f"{api.url}/elsewhere")
    assert main(["list"]) == 3
    assert "not as the API" in capsys.readouterr().err


def test_jobs_lists_every_page_up_to_the_limit(
    api: Contract, capsys: pytest.CaptureFixture[str]
) -> None:
    api.jobs = [job(title=f"debate {number} {ESCAPE}") for number in range(5)]
    assert main(["list", "--limit", "4"]) == 0
    out = capsys.readouterr().out
    assert [f"debate {number}" in out for number in range(5)] == [True] * 4 + [False]
    assert "\x1b]" not in out
    assert main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["job_id"] for one in listed] == [one.job_id for one in api.jobs]


def test_a_markup_title_is_shown_as_it_is(
    api: Contract, capsys: pytest.CaptureFixture[str]
) -> None:
    api.jobs = [job(title="[red]stop[/red] [link=http://evil.example]here[/link]")]
    assert main(["list"]) == 0
    assert "[red]stop[/red] [link=http://evil.example]here[/link]" in capsys.readouterr().out


def test_show_takes_the_start_of_an_id(api: Contract, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [f"{start}{str(uuid.uuid4())[4:]}" for start in ("abcd", "abce", "dcba")]
    api.jobs = [job(job_id=one, status=Status.COMPLETE) for one in ids]
    assert main(["show", "DCB"]) == 0
    out = capsys.readouterr().out
    assert ids[2] in out
    assert "SPEAKER_01" in out
    assert main(["show", "abc"]) == 2
    assert "2 debates" in capsys.readouterr().err


def test_a_transcript_goes_to_a_file_byte_for_byte(api: Contract, tmp_path: Path) -> None:
    api.jobs = [job()]
    target = tmp_path / "debate.srt"
    arguments = ["transcript", api.jobs[0].job_id, "--format", "srt", "-o", str(target)]
    assert main(arguments) == 0
    assert target.read_text() == f"srt: {ESCAPE}\n"


def test_a_transcript_on_a_terminal_obeys_nobody(
    api: Contract, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api.jobs = [job()]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["transcript", api.jobs[0].job_id]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Señor 👩‍👧 ok", "Señor 👩‍👧 ok"),
        ("a\x1b[31mb", "a�[31mb"),
        ("a\x9bb\x00", "a�b�"),
        ("exe.\u202etxt", "exe.�txt"),
    ],
)
def test_plain_keeps_words_and_drops_orders(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (84.2, "1:24"), (3723, "1:02:03")])
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
