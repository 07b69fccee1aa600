from __future__ import annotations

import pytest

from batch_images.stats.job import StatsProcess
from debate_analyzer import bootstrap
from debate_analyzer.config import Settings
from tests.api.conftest import Api
from tests.batch_images.stats.test_job import FOREIGN, _run
from tests.world import JOB_ID, World


@pytest.fixture
def counted(world: World) -> World:
    """With a debate that belongs to nobody in particular, and is published."""
    process = StatsProcess(world.table, world.store, world.publish_queue, world.clock)
    _run(world, process, FOREIGN)
    return world


def test_what_was_said_is_found_with_its_moment(api: Api, counted: World) -> None:
    answer = api("GET", "/api/search", q="EVENING all")

    assert answer.status == 200
    assert answer.body["next_cursor"] is None
    [hit] = answer.body["hits"]
    assert hit == {
        "job_id": JOB_ID,
        "title": "town hall",
        "created_at": hit["created_at"],
        "start": 0.0,
        "end": 5.0,
        "speaker": "A",
        "snippet": [
            {"text": "good ", "match": False},
            {"text": "evening", "match": True},
            {"text": " ", "match": False},
            {"text": "all", "match": True},
        ],
    }


def test_it_is_found_by_speaker_and_day_and_by_nothing_else(api: Api, counted: World) -> None:
    day = counted.job().created_at.date().isoformat()

    def found(**query: str) -> int:
        return len(api("GET", "/api/search", q="you", **query).body["hits"])

    assert found() == found(speaker="b") == found(**{"from": day, "to": day}) == 1
    assert found(speaker="a") == found(to="2001-01-01") == found(**{"from": "2101-01-01"}) == 0


def test_it_is_found_the_same_when_it_is_merged(api: Api, counted: World) -> None:
    before = api("GET", "/api/search", q="you").body
    environment = Settings({"BUCKET": counted.store.bucket, "JOB_TABLE": counted.table.name})
    assert bootstrap.merger(environment).run() == 1
    assert api("GET", "/api/search", q="you").body == before


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"q": ""},
        {"q": "*"},
        {"q": '"'},
        {"q": "word " * 2000},
        {"q": " ".join(f"w{n}" for n in range(99))},
        {"q": "tax", "from": "2026-02-02", "to": "2026-02-01"},
        {"q": "tax", "from": "yesterday"},
        {"q": "tax", "to": "-1"},
        {"q": "tax", "speaker": "?"},
        {"q": "tax", "cursor": "nonsense"},
        {"q": "tax", "limit": "0"},
        {"q": "tax", "limit": "101"},
        {"q": "tax", "columns": "owner"},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(api: Api, query: dict[str, str]) -> None:
    answer = api("GET", "/api/search", **query)
    assert answer.status in (400, 422)
    assert answer.body["code"] in ("malformed_request", "invalid_request")


@pytest.mark.parametrize(
    "q",
    [
        'evening" OR "x',
        "evening NEAR(good all)",
        "{speaker} : evening",
        "evening AND NOT all",
        "^evening*",
        "evening' --",
        'evening "unbalanced',
        "evening\x00\ud7ff\U0001f600",
        "rank MATCH evening",
    ],
)
def test_no_question_is_a_program(api: Api, counted: World, q: str) -> None:
    assert api("GET", "/api/search", q=q).status == 200


def test_whoever_is_not_signed_in_is_refused(api: Api, counted: World) -> None:
    assert api("GET", "/api/search", q="evening", sub=None).status == 401


def test_without_sign_in_what_is_published_is_found(api: Api, counted: World) -> None:
    api.environment["ACCESS"] = "anonymous"
    assert len(api("GET", "/api/search", q="evening", sub=None).body["hits"]) == 1
    job = counted.job()
    counted.table.replace(job.unpublished(counted.clock()))
    assert api("GET", "/api/search", q="evening", sub=None).body["hits"] == []
