from __future__ import annotations

import json
from typing import Any

import pytest

from debate_analyzer import edit_desk
from debate_analyzer.edit_desk import EditDesk, EditRequest, EditsView
from debate_analyzer.edits import parse_edits
from debate_analyzer.errors import Conflict, InvalidEdit, InvalidTranscript, NotReady
from debate_analyzer.job import Job
from debate_analyzer.key import edits_key
from tests.world import JOB_ID, TRANSCRIPT, VIDEO, World

EDITS = edits_key(JOB_ID)
SPOKEN = {
    "duration": 12.0,
    "transcription": [
        {"start": 0.0, "end": 5.0, "text": "good evening", "speaker": "A"},
        {"start": 6.0, "end": 8.0, "text": "thank you", "speaker": "B"},
    ],
}


@pytest.fixture
def job(world: World) -> Job:
    world.drop(TRANSCRIPT, json.dumps(SPOKEN).encode(), "application/json")
    world.arrive(TRANSCRIPT)
    job: Job = world.job()
    return job


def rename(name: str, speaker: str = "A") -> dict[str, Any]:
    return {"op": "rename", "speaker": speaker, "name": name}


class Desk:
    """Ana at the desk."""

    def __init__(self, world: World, store: Any = None) -> None:
        self.clock = world.clock
        self.desk = EditDesk(store or world.store)

    def say(self, job: Job, *operations: dict[str, Any], version: str | None = None) -> EditsView:
        request = EditRequest.model_validate({"operations": operations, "version": version})
        return self.desk.edit(job, request, by="ana", now=self.clock())


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def test_what_is_said_is_kept_with_who_when_and_of_what(world: World, desk: Desk, job: Job) -> None:
    transcript = world.store.get(TRANSCRIPT)
    assert transcript is not None
    view = desk.say(job, rename("Ana"), rename("Bo", "B"))

    first, second = view.entries
    assert (first.by, first.at, first.transcript) == ("ana", world.clock(), transcript[1])
    assert view.in_force == [first.id, second.id]
    assert desk.desk.history(job) == view
    stored = world.store.get(EDITS)
    assert stored is not None
    assert stored[1] == view.version
    assert parse_edits(stored[0]).entries == view.entries
    assert world.store.get(TRANSCRIPT) == transcript


def test_before_anything_was_said_there_is_nothing(desk: Desk, job: Job) -> None:
    assert desk.desk.history(job) == EditsView(version="", entries=(), in_force=[])


def test_who_names_a_version_adds_to_that_one_only(desk: Desk, job: Job) -> None:
    first = desk.say(job, rename("Ana"), version="")
    second = desk.say(job, rename("Anna"), version=first.version)
    for stale in ("", first.version):
        with pytest.raises(Conflict, match="Somebody else"):
            desk.say(job, rename("Hannah"), version=stale)
    assert desk.desk.history(job) == second


def test_undoing_and_undoing_that(desk: Desk, job: Job) -> None:
    view = desk.say(job, rename("Ana"))
    undone = desk.say(job, {"op": "undo", "entry": view.entries[0].id})
    redone = desk.say(job, {"op": "undo", "entry": undone.entries[1].id})
    assert (undone.in_force, redone.in_force) == ([], view.in_force)
    assert len(redone.entries) == 3


class _Raced:
    """The store, with somebody who writes first, so many times."""

    def __init__(self, world: World, job: Job, times: int) -> None:
        self.world, self.job, self.left, self.puts = world, job, times, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.store, name)

    def put(self, *arguments: Any, **options: Any) -> str:
        self.puts += 1
        if self.left:
            self.left -= 1
            Desk(self.world).say(self.job, rename(f"Rival {self.left}", "B"))
        return self.world.store.put(*arguments, **options)


def test_of_two_who_write_at_the_same_moment_nothing_is_lost(world: World, job: Job) -> None:
    raced = _Raced(world, job, times=2)
    view = Desk(world, raced).say(job, rename("Ana"))
    said = [entry.operation.name for entry in view.entries]  # type: ignore[union-attr]
    assert said == ["Rival 1", "Rival 0", "Ana"]


def test_who_named_a_version_is_told_of_the_one_who_was_faster(world: World, job: Job) -> None:
    raced = _Raced(world, job, times=1)
    with pytest.raises(Conflict):
        Desk(world, raced).say(job, rename("Ana"), version="")
    assert len(Desk(world).desk.history(job).entries) == 1


def test_the_tries_have_an_end(world: World, job: Job) -> None:
    raced = _Raced(world, job, times=99)
    with pytest.raises(Conflict):
        Desk(world, raced).say(job, rename("Ana"))
    assert raced.puts == 5


def test_all_operations_are_taken_or_none(world: World, desk: Desk, job: Job) -> None:
    with pytest.raises(InvalidEdit, match="no speaker 'Z'"):
        desk.say(job, rename("Ana"), rename("Zoe", "Z"))
    assert world.store.head(EDITS) is None


def test_without_a_transcript_there_is_nothing_to_edit(world: World, desk: Desk) -> None:
    world.drop(VIDEO)
    world.arrive(VIDEO)
    with pytest.raises(NotReady, match="no transcript yet"):
        desk.say(world.job(), rename("Ana"))


def test_while_it_is_transcribed_again_the_old_transcript_is_spoken_of(
    world: World, desk: Desk, job: Job
) -> None:
    world.drop(VIDEO)
    world.arrive(VIDEO)
    transcript = world.store.head(TRANSCRIPT)
    assert transcript is not None
    assert "stats" not in world.job().units
    assert desk.say(world.job(), rename("Ana")).entries[0].transcript == transcript.etag


def test_a_transcript_too_large_for_a_function_is_not_read(
    world: World, desk: Desk, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit_desk, "MAX_CHECKED_BYTES", 10)
    view = desk.say(job, rename("Zoe", "Z"))  # the statistics worker passes it by, and warns
    transcript = world.store.head(TRANSCRIPT)
    assert transcript is not None
    assert view.entries[0].transcript == transcript.etag


def test_what_cannot_be_read_is_said(world: World, desk: Desk, job: Job) -> None:
    world.drop(EDITS, b"[]", "application/json")
    with pytest.raises(InvalidEdit, match="cannot be read"):
        desk.desk.history(job)
    world.s3.delete_object(Bucket=world.store.bucket, Key=EDITS)
    world.drop(TRANSCRIPT, b"[]", "application/json")
    with pytest.raises(InvalidTranscript):
        desk.say(job, rename("Ana"))
