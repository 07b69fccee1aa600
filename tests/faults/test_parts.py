"""Kills while a long recording is cut, heard in parts and put together, by the real process and
decoder: only what is heard is known beforehand."""

from __future__ import annotations

import gc
import json
import os
import warnings
from collections.abc import Iterator

import pytest

from batch_images.transcribe.process import Lengths, TranscribeProcess
from debate_analyzer import bootstrap
from debate_analyzer.config import Settings
from debate_analyzer.transcript import Turn
from tests.batch_images.transcribe.engines import Seats
from tests.batch_images.transcribe.test_parts import Counted, Ear, clockwork
from tests.faults.boundaries import KILLS, Strike, tell
from tests.faults.cloud import ENVIRONMENT, Cloud
from tests.faults.engines import WORKS
from tests.faults.judge import Wish
from tests.faults.stories import by_console
from tests.world import TRANSCRIPT

_KILLS = int(os.environ.get("PART_KILLS", "10"))
_SECONDS = 170
_SOUND = clockwork(_SECONDS)


@pytest.fixture(autouse=True)
def _left_behind() -> Iterator[None]:
    """Who is killed leaves its folders, which are found here, and not in a later test."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        yield
        gc.collect()


def _in_parts(cloud: Cloud) -> TranscribeProcess:
    settings = Settings(ENVIRONMENT)
    transcriber = Counted(Ear(), Seats([Turn(start=0, end=_SECONDS, speaker="SPEAKER_00")]))
    return TranscribeProcess(
        table=bootstrap.job_table(settings),
        store=bootstrap.object_store(settings),
        transcriber=lambda model: transcriber,
        lengths=Lengths(longest=60, part=30),
        now=cloud.machine.now,
    )


def _story(cloud: Cloud) -> list[Wish]:
    return by_console(cloud, _SOUND)


def test_whatever_call_a_worker_is_killed_at_every_word_of_a_long_recording_is_there_once() -> None:
    works = {**WORKS, "transcribe": _in_parts}
    calls = tell(_story, works, lambda call: None).machine.calls
    of_workers = [n for n, call in enumerate(calls) if call.process.kind == "transcribe"]
    assert len(of_workers) > 50
    for turn, number in enumerate(of_workers[:: max(1, len(of_workers) // _KILLS)]):
        cloud = tell(_story, works, Strike(number, KILLS[turn % 2]))
        found = cloud.store.get(TRANSCRIPT)
        assert found is not None
        segments = json.loads(found[0])["transcription"]
        said = [word["word"] for segment in segments for word in segment["words"]]
        assert said == [f"word{at}" for at in range(1, _SECONDS, 2)]
