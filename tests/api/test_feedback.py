"""Whether a debate is of use: one mark a person, and a metric that knows no person."""

from __future__ import annotations

import json
from typing import Any

import pytest

from debate_analyzer.feedback import FeedbackBook, forget
from debate_analyzer.job import SHARED_OWNER
from tests.api.conftest import ANA, Api
from tests.api.test_jobs import put
from tests.world import JOB_ID, World

MARK = f"/api/jobs/{JOB_ID}/feedback"
BOB = "22222222-3333-4444-5555-666666666666"


def metrics(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"_aws"')]


def test_a_mark_is_the_newest_of_each_person(api: Api, world: World) -> None:
    put(world, SHARED_OWNER, job_id=JOB_ID)
    assert api("GET", MARK).status == 404

    first = api("PUT", MARK, {"useful": False, "comment": "Two voices are one."})
    assert (first.status, first.body["useful"]) == (200, False)
    api("PUT", MARK, {"useful": True})
    api("PUT", MARK, {"useful": False}, sub=BOB)
    mine = api("GET", MARK).body
    assert (mine["useful"], mine["comment"]) == (True, None)
    assert api("GET", MARK, sub=BOB).body["useful"] is False

    assert api("DELETE", MARK).status == 204
    assert api("DELETE", MARK).status == 204
    assert api("GET", MARK).status == 404
    assert api("GET", MARK, sub=BOB).status == 200


def test_a_mark_is_counted_when_it_changes(
    api: Api, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    put(world, job_id=JOB_ID)
    for useful, comment in ((True, None), (True, "said twice"), (False, "after all"), (True, None)):
        api("PUT", MARK, {"useful": useful, "comment": comment})

    counted = metrics(capsys)
    names = [each["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] for each in counted]
    assert names == ["DebatesUseful", "DebatesNotUseful", "DebatesUseful"]
    spaces = {each["_aws"]["CloudWatchMetrics"][0]["Namespace"] for each in counted}
    assert spaces == {"DebateAnalyzer"}
    told = json.dumps(counted)
    assert not [word for word in (ANA, JOB_ID, "after all") if word in told]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"useful": None},
        {"useful": "perhaps"},
        {"useful": True, "comment": "x" * 1001},
        {"useful": True, "by": BOB},
        "",
    ],
)
def test_what_is_no_mark_is_refused(api: Api, world: World, body: Any) -> None:
    put(world, job_id=JOB_ID)
    assert api("PUT", MARK, body).status == 400
    assert api("GET", MARK).status == 404


def test_another_s_debate_cannot_be_marked(api: Api, world: World) -> None:
    put(world, job_id=JOB_ID)
    assert api("PUT", MARK, {"useful": True}, sub=BOB).status == 404
    assert api("PUT", MARK, {"useful": True}, sub=None).status == 401


def test_what_was_said_of_a_deleted_debate_is_forgotten(api: Api, world: World) -> None:
    put(world, SHARED_OWNER, job_id=JOB_ID)
    for sub in (ANA, BOB):
        api("PUT", MARK, {"useful": True, "comment": "I was there."}, sub=sub)

    assert forget(world.ledger, JOB_ID) == 2
    assert forget(world.ledger, JOB_ID) == 0
    assert FeedbackBook(world.ledger).find(JOB_ID, ANA) is None
