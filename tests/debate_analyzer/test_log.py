"""One id from the first byte to the last line that is written about a debate."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from debate_analyzer.api.trace import asked_about, begun
from debate_analyzer.job import Job
from debate_analyzer.log import JsonLines, about
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Report, Result, Stopped
from tests.world import JOB_ID, VIDEO, World

OTHER = "8d9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the workers of this process write."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    root = logging.getLogger("debate_analyzer")
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def _told(lines: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_every_line_of_a_worker_names_the_debate_that_it_is_about(
    world: World, lines: io.StringIO
) -> None:
    for key in (VIDEO, VIDEO.replace(JOB_ID, OTHER)):
        world.drop(key)
        world.arrive(key)

    def fail(job: Job, unit: Unit, report: Report) -> Result:
        raise ZeroDivisionError("one line\nand another")

    assert world.worker(fail).run() == 2

    told = _told(lines)
    assert {line["correlation_id"] for line in told} == {JOB_ID, OTHER}
    for job_id in (JOB_ID, OTHER):
        mine = [line for line in told if line["correlation_id"] == job_id]
        assert any("attempt 1" in line["message"] for line in mine)
        assert any("ZeroDivisionError" in line.get("exception", "") for line in mine)
        assert all(line["service"] == "debate-analyzer" for line in mine)


def test_so_do_those_of_one_who_was_told_to_stop(world: World, lines: io.StringIO) -> None:
    world.drop(VIDEO)
    world.arrive()

    def stop(job: Job, unit: Unit, report: Report) -> Result:
        world.table.replace(world.job().cancelled(world.clock()))
        raise Stopped

    with pytest.raises(Stopped):
        world.worker(stop).run()

    [last] = [line for line in _told(lines) if "went on without us" in line["message"]]
    assert last["correlation_id"] == JOB_ID


def test_a_part_is_its_recording_s(lines: io.StringIO) -> None:
    logger = logging.getLogger("debate_analyzer.test")
    with about(f"{JOB_ID}.1-0003"):
        logger.info("¿qué?")
    logger.info("nobody's")
    first, last = _told(lines)
    assert (first["correlation_id"], first["message"]) == (JOB_ID, "¿qué?")
    assert "correlation_id" not in last


def test_a_request_is_about_what_its_path_names_or_its_answer_begins() -> None:
    assert asked_about({"rawPath": f"/api/jobs/{JOB_ID}/transcript"}) == JOB_ID
    assert asked_about({"rawPath": "/api/jobs"}) is None
    made = {"statusCode": 201, "body": json.dumps({"job": {"job_id": JOB_ID}, "upload": {}})}
    assert begun(made) == JOB_ID
    assert begun({**made, "body": json.dumps({"job_id": JOB_ID})}) == JOB_ID
    assert begun({**made, "body": "[]"}) is None
    assert begun({"statusCode": 200, "body": ""}) is None
