"""Which of the files a transcript's address leads to: the newest that there is of it."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from debate_analyzer.errors import NotReady
from debate_analyzer.key import captions_key, exports_key
from tests.world import JOB_ID, STATS, TRANSCRIPT, VIDEO, World

OTHERS = ("srt", "vtt", "txt", "csv", "docx")


def _leads_to(world: World, wanted: Any, **options: bool) -> str:
    """The key behind the link."""
    path = urlsplit(world.catalogue.transcript_url(world.job(), wanted, **options)).path
    return unquote(path)[path.index("jobs/") :]


def _transcribed(world: World) -> None:
    """By our own worker: the captions come with the transcript."""
    world.drop(VIDEO)
    world.arrive(VIDEO)
    for suffix in ("srt", "vtt", "txt"):
        world.drop(captions_key(JOB_ID, "town hall", suffix))
    world.drop(TRANSCRIPT, b"{}", "application/json")


def _counted(world: World, *suffixes: str) -> None:
    for suffix in suffixes:
        world.drop(exports_key(JOB_ID, "town hall", suffix))


def test_before_there_is_a_transcript_there_is_none_in_any_format(world: World) -> None:
    world.drop(VIDEO)
    world.arrive(VIDEO)
    for wanted in ("json", *OTHERS):
        with pytest.raises(NotReady):
            _leads_to(world, wanted)


def test_what_was_only_transcribed_has_its_captions(world: World) -> None:
    _transcribed(world)
    for wanted in ("srt", "vtt", "txt"):
        assert _leads_to(world, wanted) == captions_key(JOB_ID, "town hall", wanted)
    for wanted in ("csv", "docx"):
        with pytest.raises(NotReady, match=wanted):
            _leads_to(world, wanted)


def test_what_was_counted_is_as_it_was_counted(world: World) -> None:
    _transcribed(world)
    _counted(world, *OTHERS, "json")
    for wanted in OTHERS:
        assert _leads_to(world, wanted) == exports_key(JOB_ID, "town hall", wanted)


def test_json_stays_the_original_unless_it_is_asked_for_as_edited(world: World) -> None:
    _transcribed(world)
    assert _leads_to(world, "json", edited=True) == TRANSCRIPT
    _counted(world, "json")
    assert _leads_to(world, "json") == TRANSCRIPT
    assert _leads_to(world, "json", edited=True) == exports_key(JOB_ID, "town hall", "json")


def test_what_was_counted_of_an_earlier_transcript_is_passed_by(world: World) -> None:
    """Transcribed once more, with another model, and not counted yet."""
    _transcribed(world)
    _counted(world, "txt", "csv", "json")
    time.sleep(1.1)  # S3 knows no less than seconds
    world.drop(TRANSCRIPT, b"{}", "application/json")
    assert _leads_to(world, "txt") == captions_key(JOB_ID, "town hall", "txt")
    assert _leads_to(world, "json", edited=True) == TRANSCRIPT
    with pytest.raises(NotReady):
        _leads_to(world, "csv")


def test_a_transcript_that_came_by_itself_has_every_format_once_it_is_counted(
    world: World,
) -> None:
    world.drop(TRANSCRIPT, b"{}", "application/json")
    world.arrivals.receive(TRANSCRIPT, world.clock(), only=STATS)
    with pytest.raises(NotReady):
        _leads_to(world, "srt")
    _counted(world, *OTHERS)
    for wanted in OTHERS:
        assert _leads_to(world, wanted) == exports_key(JOB_ID, "town hall", wanted)
