"""What is written of a request: every line of the debate's, under its id."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from debate_analyzer.api.entry import answer
from debate_analyzer.config import Settings
from tests.api.conftest import ANA, Api
from tests.world import JOB_ID


class Log(io.StringIO):
    """What a function's logger writes."""

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def log() -> Log:
    return Log()


def _asked(log: Log, environment: dict[str, str], method: str, path: str, body: Any = None) -> Any:
    """As the handlers hand it over; each has a logger of its own name."""
    event = {
        "rawPath": path,
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.9"},
            "authorizer": {"jwt": {"claims": {"sub": ANA}}},
        },
        "body": json.dumps(body),
    }
    return answer(event, Settings(environment), Logger(service=str(id(log)), stream=log))


def test_what_begins_a_debate_is_written_under_its_id(api: Api, log: Log) -> None:
    wanted = {"filename": "a.mp4", "size": 15, "content_type": "video/mp4"}
    made = _asked(log, api.environment, "POST", "/api/uploads", wanted)
    job_id = json.loads(made["body"])["job"]["job_id"]
    assert [(line["message"], line["correlation_id"]) for line in log.lines()] == [
        ("begun", job_id)
    ]


def test_a_defect_is_written_under_the_debate_s_id_and_not_told(api: Api, log: Log) -> None:
    broken = {**api.environment, "JOB_TABLE": ""}
    answered = _asked(log, broken, "GET", f"/api/jobs/{JOB_ID}")
    [line] = log.lines()
    assert (line["level"], line["correlation_id"]) == ("ERROR", JOB_ID)
    assert "JOB_TABLE" in line["exception"]
    assert answered["statusCode"] == 500
    assert "JOB_TABLE" not in answered["body"]
