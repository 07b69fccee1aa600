"""The commands that edit a debate, against a server that keeps edits as the API does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from debate_analyzer.edit_desk import EditRequest
from debate_analyzer.edits import Edits
from debate_analyzer.errors import InvalidEdit
from local.cli import main
from local.server import Server
from tests.local.test_cli import ESCAPE, NOW, job, problem


@dataclass
class Api:
    """One debate, and what was said of it. Others are faster when `rival` is set."""

    edits: Edits = field(default_factory=Edits)
    rival: bool = False

    def __post_init__(self) -> None:
        self.job = job()

    def application(self) -> Starlette:
        path = f"/api/jobs/{self.job.job_id}"
        return Starlette(
            routes=[
                Route("/api/jobs", self.list),
                Route(path, self.list),
                Route(f"{path}/edits", self.read),
                Route(f"{path}/edits", self.add, methods=["POST"]),
            ]
        )

    async def list(self, request: Request) -> Response:
        return JSONResponse({"jobs": [self.job.model_dump(mode="json")], "next_cursor": None})

    def _state(self) -> dict[str, Any]:
        return {
            "version": str(len(self.edits.entries)),
            "entries": [entry.model_dump(mode="json") for entry in self.edits.entries],
            "in_force": [entry.id for entry in self.edits.in_force()],
        }

    async def read(self, request: Request) -> Response:
        return JSONResponse(self._state())

    async def add(self, request: Request) -> Response:
        said = EditRequest.model_validate_json(await request.body())
        if self.rival or said.version not in (None, self._state()["version"]):
            return problem(409, "Somebody else edited this debate meanwhile.")
        try:
            self.edits = self.edits.appended(said.operations, by="ana", at=NOW, transcript="e")
        except InvalidEdit as error:
            return problem(400, str(error))
        return JSONResponse(self._state(), 201)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    server = Server(0)
    api = Api()
    server.start(api.application())
    monkeypatch.setenv("DEBATE_API", server.url)
    monkeypatch.delenv("DEBATE_TOKEN", raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    yield api
    server.stop()


def run(api: Api, command: str, *arguments: str) -> int:
    return main([command, api.job.job_id[:8], *arguments])


def said(api: Api) -> list[dict[str, Any]]:
    return [entry.operation.model_dump(exclude_none=True) for entry in api.edits.entries]


def test_what_is_said_of_speakers(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(api, "rename", "SPEAKER_00", "Ana Pérez") == 0
    assert run(api, "merge", "SPEAKER_02", "SPEAKER_00") == 0
    assert run(api, "role", "SPEAKER_00", "debater", "--side", "for") == 0
    assert run(api, "role", "SPEAKER_01", "moderator") == 0
    assert said(api) == [
        {"op": "rename", "speaker": "SPEAKER_00", "name": "Ana Pérez"},
        {"op": "merge", "speaker": "SPEAKER_02", "into": "SPEAKER_00"},
        {"op": "role", "speaker": "SPEAKER_00", "role": "debater", "side": "for"},
        {"op": "role", "speaker": "SPEAKER_01", "role": "moderator"},
    ]
    assert capsys.readouterr().out.split() == [entry.id for entry in api.edits.entries]


def test_undo_takes_back_one_after_the_other_and_can_be_undone(api: Api) -> None:
    for name in ("Ana", "Bo"):
        run(api, "rename", "SPEAKER_00", name)
    ana, bo = api.edits.entries
    assert run(api, "undo") == 0
    assert api.edits.in_force() == [ana]
    assert run(api, "undo") == 0
    assert api.edits.in_force() == []
    assert run(api, "undo") == 2
    assert run(api, "undo", api.edits.entries[2].id[:13]) == 0
    assert api.edits.in_force() == [bo]


def test_an_undo_is_of_what_was_seen(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    run(api, "rename", "SPEAKER_00", "Ana")
    api.rival = True
    assert run(api, "undo") == 2
    assert "Somebody else" in capsys.readouterr().err


def test_edits_are_listed_with_what_counts(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(api, "edits") == 0
    assert "Nothing was edited." in capsys.readouterr().err
    run(api, "rename", "SPEAKER_00", "Ana")
    everything: list[Any] = [
        {"op": "leave_out", "start": 60, "end": 75},
        {"op": "word", "segment": 3, "word": 0, "text": "yes"},
        {"op": "speaker", "segment": 4, "speaker": f"A{ESCAPE}"},
        {"op": "boundary", "segment": 5, "start": 1.5, "end": 2.25},
        {"op": "schedule", "slots": [{"speaker": "A", "seconds": 60}] * 2},
    ]
    request = EditRequest.model_validate({"operations": everything})
    api.edits = api.edits.appended(request.operations, by="bo", at=NOW, transcript="e")
    run(api, "undo", api.edits.entries[0].id)
    capsys.readouterr()

    assert run(api, "edits") == 0
    out = capsys.readouterr().out
    lines = out.splitlines()[1:]
    assert "SPEAKER_00 is called Ana" in lines[0]
    assert [line.rstrip().endswith("undone") for line in lines] == [True] + [False] * 6
    for words in (
        "left out from 1:00 to 1:15",
        "segment 3, word 0: 'yes'",
        "segment 4 is said by A",
        "segment 5 goes from 1.5 s to 2.25 s",
        "2 agreed speaking times",
        f"undo of {api.edits.entries[0].id[:8]}",
    ):
        assert words in out
    assert "\x1b]" not in out
    assert run(api, "edits", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["entries"]) == 7


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("rename", ["SPEAKER_00", "a" * 101]),
        ("rename", ["SPEAKER_00", "a\x07b"]),
        ("merge", ["SPEAKER_00", "SPEAKER_00"]),
        ("undo", ["no-such-edit"]),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    api: Api, capsys: pytest.CaptureFixture[str], command: str, arguments: list[str]
) -> None:
    assert run(api, command, *arguments) == 2
    assert capsys.readouterr().err.strip().endswith(".")
    assert said(api) == []
