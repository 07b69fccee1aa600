"""The statistics worker on a debate that was edited, from the desk to the files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch_images.stats.job import StatsProcess
from debate_analyzer.edit_desk import EditDesk, EditRequest
from debate_analyzer.key import INDEX_KEY, edits_key, private_statistics_key
from debate_analyzer.pipeline import Status
from tests.world import JOB_ID, STATS, TRANSCRIPT, World

SPOKEN = {
    "duration": 20.0,
    "transcription": [
        {"start": 0.0, "end": 5.0, "text": "good evening all", "speaker": "A"},
        {"start": 6.0, "end": 8.0, "text": "thank you", "speaker": "B"},
        {"start": 9.0, "end": 12.0, "text": "and now", "speaker": "C"},
    ],
}


@pytest.fixture
def process(world: World) -> StatsProcess:
    return StatsProcess(world.table, world.store, world.publish_queue, world.clock)


def edit(world: World, *operations: dict[str, Any]) -> list[str]:
    """As the API does; the ids of what counts."""
    request = EditRequest.model_validate({"operations": operations})
    view = EditDesk(world.store).edit(world.job(), request, by="ana", now=world.clock())
    world.arrive(edits_key(JOB_ID))
    return view.in_force


def count(world: World, process: StatsProcess) -> Any:
    """What the API serves after the worker has been."""
    world.worker(process, stage=STATS, linger=0.3).run()
    assert world.job().status is Status.COMPLETE
    found = world.store.get(private_statistics_key(JOB_ID))
    assert found is not None
    return json.loads(found[0])


def speaking_times(statistics: Any) -> dict[str, float]:
    return {each["speaker"]: each["speakingTime"] for each in statistics["speakers"]}


def test_the_figures_follow_the_edits_and_come_back_when_they_are_undone(
    world: World, process: StatsProcess
) -> None:
    world.drop(TRANSCRIPT, json.dumps(SPOKEN).encode(), "application/json")
    world.arrive(TRANSCRIPT)
    before = count(world, process)
    assert speaking_times(before) == {"A": 5.0, "B": 2.0, "C": 3.0}

    ids = edit(
        world,
        {"op": "merge", "speaker": "C", "into": "A"},
        {"op": "rename", "speaker": "A", "name": "Ana"},
        {"op": "leave_out", "start": 4, "end": 7},
    )
    edited = count(world, process)
    assert speaking_times(edited) == {"A": 7.0, "B": 1.0}
    assert [(s["start"], s["end"]) for s in edited["leftOut"]] == [(4.0, 7.0)]

    edit(world, *({"op": "undo", "entry": each} for each in ids))
    undone = count(world, process)
    assert speaking_times(undone) == speaking_times(before)
    assert (undone["leftOut"], undone["warnings"]) == ([], before["warnings"])


def test_the_index_follows_the_names_that_people_give(world: World, process: StatsProcess) -> None:
    world.drop(TRANSCRIPT, json.dumps(SPOKEN).encode(), "application/json")
    world.arrive(TRANSCRIPT)
    count(world, process)
    assert listed_people(world) == []

    _, ana = edit(
        world,
        {"op": "rename", "speaker": "B", "name": "Bo"},
        {"op": "rename", "speaker": "A", "name": "Ana"},
    )
    count(world, process)
    assert listed_people(world) == [("Ana", 5.0, 0.5, 3), ("Bo", 2.0, 0.2, 2)]

    edit(world, {"op": "undo", "entry": ana})
    count(world, process)
    assert listed_people(world) == [("Bo", 2.0, 0.2, 2)]


def listed_people(world: World) -> list[tuple[Any, ...]]:
    """Name, speaking time, its share and words, as the published index has them."""
    world.publication.publish(world.publish_requests())
    found = world.store.get(INDEX_KEY)
    assert found is not None
    [entry] = json.loads(found[0])["jobs"]
    fields = ("name", "speakingTime", "speakingShare", "words")
    return [tuple(person[field] for field in fields) for person in entry["people"]]


def test_what_the_worker_writes_leads_nowhere(world: World, process: StatsProcess) -> None:
    """So the chain ends: none of it is an edit, a transcript or a recording."""
    world.drop(TRANSCRIPT, json.dumps(SPOKEN).encode(), "application/json")
    world.arrive(TRANSCRIPT)
    edit(world, {"op": "rename", "speaker": "A", "name": "Ana"})
    there = {found.key: found.etag for found in world.store.list("")}
    count(world, process)

    written = [f.key for f in world.store.list("") if there.get(f.key) != f.etag]
    assert private_statistics_key(JOB_ID) in written
    for key in (*written, edits_key(JOB_ID), TRANSCRIPT):
        assert world.arrive(key) is None
    assert world.waiting(STATS) == []
