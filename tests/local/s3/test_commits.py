"""A file becomes an object at once, whenever the process dies."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local.s3 import commits as module
from local.s3.commits import Commits, Completion

DONE = Completion("000000000000", "an-upload", "jobs/1/x.mp4", {}, "<Result/>")


class Died(Exception):
    """In place of a kill -9 at this line."""


def draft(root: Path, name: str = "draft", body: bytes = b"new") -> Path:
    path = Commits(root).drafts / name
    path.write_bytes(body)
    return path


def object_at(path: Path) -> tuple[bytes, object]:
    return path.read_bytes(), json.loads((path.parent / f"{path.name}.meta.json").read_bytes())


def test_body_and_facts_are_there_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "s3" / "bucket" / "jobs" / "1" / "x.mp4"
    Commits(tmp_path).commit(draft(tmp_path), target, {"size": 3})
    assert object_at(target) == (b"new", {"size": 3})
    assert not [path for path in (tmp_path / "incoming").rglob("*") if path.is_file()]


def test_the_other_file_of_the_key_goes(tmp_path: Path) -> None:
    stale = tmp_path / "s3" / "old"
    stale.parent.mkdir()
    stale.write_bytes(b"old")
    (tmp_path / "s3" / "old.meta.json").write_text("{}")
    Commits(tmp_path).commit(draft(tmp_path), tmp_path / "s3" / "x", {}, stale=stale)
    assert sorted(path.name for path in (tmp_path / "s3").iterdir()) == ["x", "x.meta.json"]


@pytest.mark.parametrize("step", range(1, 5))
def test_a_death_between_any_two_steps_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """The steps: the record, the body, the facts, the record crossed out."""
    target = tmp_path / "s3" / "x"
    Commits(tmp_path).commit(draft(tmp_path, body=b"old"), target, {"etag": "old"})
    new = draft(tmp_path)
    taken = 0

    def counted(call: Callable[..., object]) -> Callable[..., object]:
        def take(path: Path, *given: object) -> object:
            nonlocal taken
            taken += path.suffix != ".tmp"  # which is a part of `write`, and no step of its own
            if taken == step:
                raise Died
            return call(path, *given)

        return take

    with monkeypatch.context() as patch:
        patch.setattr(module, "write", counted(module.write))
        patch.setattr(os, "replace", counted(os.replace))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        with pytest.raises(Died):
            Commits(tmp_path).commit(new, target, {"etag": "new"})
    Commits(tmp_path).recover()
    expected = (b"old", {"etag": "old"}) if step == 1 else (b"new", {"etag": "new"})
    assert object_at(target) == expected
    assert not [path for path in (tmp_path / "incoming").rglob("*") if path.is_file()]


def test_what_was_half_received_goes_at_the_next_start(tmp_path: Path) -> None:
    half = draft(tmp_path)
    Commits(tmp_path).recover()
    assert not half.exists()


def test_a_folder_that_was_moved_is_made_good_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"

    replace = os.replace

    def die(source: Path, target: Path) -> None:
        if source.name == "draft":
            raise Died
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", die)
        with pytest.raises(Died):
            Commits(here).commit(draft(here), here / "s3" / "x", {"size": 3})
    here.rename(there)
    Commits(there).recover()
    assert object_at(there / "s3" / "x") == (b"new", {"size": 3})


def test_a_completed_upload_is_remembered_for_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "uploads" / "an-upload"
    folder.mkdir(parents=True)
    (folder / "object").write_bytes(b"new")
    Commits(tmp_path).commit(folder / "object", tmp_path / "s3" / "x", {}, completion=DONE)
    assert not folder.exists()
    Commits(tmp_path).recover()
    assert list(Commits(tmp_path).completions()) == [DONE]
    yesterday = time.time() - 24 * 3600 - 1
    os.utime(tmp_path / "incoming" / "completed" / "an-upload.json", (yesterday, yesterday))
    Commits(tmp_path).recover()
    assert list(Commits(tmp_path).completions()) == []
