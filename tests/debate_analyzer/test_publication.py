from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from debate_analyzer.job import Figures, Job, announced
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import ObjectStore
from debate_analyzer.publication import Publication, PublishRequest
from tests.world import World


def _complete(world: World, number: int, *, days_ago: int = 0, language: str = "en") -> Job:
    created = world.clock() - timedelta(days=days_ago) + timedelta(seconds=number)
    job = announced(
        owner="ana",
        title=f"Debate {number}",
        media=None,
        now=created,
        job_id=f"7c9e6679-7425-40de-944b-{number:012d}",
        published=True,
    )
    figures = Figures(duration=60.0, speaking_time=50.0, words=100 * number, speakers=3)
    done = job.model_copy(
        update={
            "status": Status.COMPLETE,
            "figures": figures,
            "completed_at": created,
            "language": language,
            "check_at": created.timestamp(),
        }
    )
    world.table.create(done)
    return done


def _ask(*jobs: Job) -> list[PublishRequest]:
    return [
        PublishRequest(job_id=job.job_id, day=job.created_at.date().isoformat()) for job in jobs
    ]


def _read(world: World, name: str) -> Any:
    found = world.store.get(f"statistics/{name}.json")
    assert found is not None
    return json.loads(found[0])


def test_the_index_names_the_newest_first_and_the_pages(world: World) -> None:
    old, new = _complete(world, 1, days_ago=3), _complete(world, 2)

    world.publication.publish(_ask(old, new))

    index = _read(world, "index")
    assert [job["jobId"] for job in index["jobs"]] == [new.job_id, old.job_id]
    assert index["jobs"][0]["videoLabel"] == "Debate 2"
    assert [page["day"] for page in index["pages"]] == ["2026-11-21", "2026-11-18"]
    assert _read(world, "index/2026-11-18")["jobs"][0]["words"] == 100


def test_the_summary_adds_up_what_the_pages_hold(world: World) -> None:
    jobs = [
        _complete(world, 1, days_ago=3, language="es"),
        _complete(world, 2),
        _complete(world, 3),
    ]

    for job in jobs:
        world.publication.publish(_ask(job))

    summary = _read(world, "summary")
    assert (summary["jobs"], summary["words"], summary["duration"]) == (3, 600, 180.0)
    assert summary["languages"] == {"en": 2, "es": 1}


def test_publishing_twice_changes_nothing(world: World) -> None:
    job = _complete(world, 1)
    world.publication.publish(_ask(job, job))
    before = [_read(world, name) for name in ("index", "summary", "index/2026-11-21")]

    world.publication.publish(_ask(job))

    assert [_read(world, name) for name in ("index", "summary", "index/2026-11-21")] == before
    row = world.table.get(job.job_id)
    assert row is not None
    assert row.check_at is None


def test_what_is_no_longer_published_leaves_the_index(world: World) -> None:
    kept, hidden = _complete(world, 1), _complete(world, 2)
    world.publication.publish(_ask(kept, hidden))
    row = world.table.get(hidden.job_id)
    assert row is not None
    world.table.replace(row.model_copy(update={"published": False}))

    world.publication.publish(_ask(hidden))

    assert [job["jobId"] for job in _read(world, "index")["jobs"]] == [kept.job_id]
    assert _read(world, "summary")["jobs"] == 1


class _Raced:
    """The store, with somebody who publishes at the worst moment, once a file."""

    def __init__(self, store: ObjectStore, rival: Publication, requests: list[PublishRequest]):
        self._store, self._rival, self._requests = store, rival, requests
        self._done: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, key: str, *args: Any, **kwargs: Any) -> None:
        if key not in self._done:
            self._done.add(key)
            self._rival.publish(self._requests)
        self._store.put(key, *args, **kwargs)


def test_of_two_rebuilds_at_the_same_moment_neither_is_lost(world: World) -> None:
    mine, theirs = _complete(world, 1), _complete(world, 2, days_ago=1)
    raced = _Raced(world.store, world.publication, _ask(theirs, mine))

    Publication(world.table, raced, world.clock).publish(_ask(mine))  # type: ignore[arg-type]

    assert len(_read(world, "index")["jobs"]) == 2
    assert _read(world, "summary")["jobs"] == 2


def test_a_job_that_changed_while_it_was_published_is_looked_at_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _complete(world, 1)
    put = world.store.put

    def change_then_put(key: str, *args: Any, **kwargs: Any) -> None:
        row = world.table.get(job.job_id)
        if row is not None and row.version == 0:
            world.table.replace(row.model_copy(update={"title": "Another title"}))
        put(key, *args, **kwargs)

    store = type("Store", (), {"__getattr__": lambda _, name: getattr(world.store, name)})()
    store.put = change_then_put
    Publication(world.table, store, world.clock).publish(_ask(job))

    row = world.table.get(job.job_id)
    assert row is not None
    assert row.check_at is not None
