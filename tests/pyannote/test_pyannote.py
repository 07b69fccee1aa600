"""The pyannote adapter with the real library and a real pipeline, on the processor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_whisper import decode_audio

from batch_images.transcribe.diarization.pyannote_diarizer import COMMUNITY_1
from batch_images.transcribe.sound import write_sound
from demo.truth import DEMO, read_truth
from tests.pyannote.hub import hub

RATE = 16_000
TOKEN = "hf_good"
MISSING = "/no/such/folder"

Turn = tuple[float, float, str]


@pytest.fixture(scope="module")
def answer(
    hearing: Callable[..., Any], pipeline: Path, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """All sounds in one start of the library."""
    debate = decode_audio(str(DEMO.with_name("debate.mp4")), sampling_rate=RATE)
    # The last words are cut off: the recording ends within a turn.
    start = debate[: 44 * RATE]
    sounds = {
        "debate": (start, [(0, 44)], None),
        "in two parts": (start, [(0, 29), (23, 44)], None),
        "two of them": (start, [(0, 44)], 2),
        "from the second speaker on": (debate[11 * RATE : 37 * RATE], [(0, 26)], None),
        "one second": (debate[2 * RATE : 3 * RATE], [(0, 1)], None),
        "a blink": (debate[2 * RATE : 2 * RATE + 100], [(0, 1)], None),
        "silence": (np.zeros(25 * RATE, dtype=np.float32), [(0, 25)], None),
        "nothing": (np.zeros(0, dtype=np.float32), [(0, 0)], None),
    }
    folder = tmp_path_factory.mktemp("sounds")
    request = {
        name: {
            "sound": str(write_sound(samples, folder / name).path),
            "parts": [(first * RATE, last * RATE) for first, last in parts],
            "speakers": speakers,
        }
        for name, (samples, parts, speakers) in sounds.items()
    }
    return hearing([MISSING, str(folder), str(pipeline)], request)


def turns(answer: Any, name: str) -> list[Turn]:
    return [tuple(turn) for turn in answer["heard"][name]["turns"]]


def said_by(turns: list[Turn], start: float, end: float) -> str:
    """Who is heard most between two moments."""
    heard: Counter[str] = Counter()
    for first, last, speaker in turns:
        heard[speaker] += int(1000 * max(0.0, min(last, end) - max(first, start)))
    return heard.most_common(1)[0][0]


@pytest.mark.parametrize("name", ["debate", "in two parts"])
def test_every_turn_of_a_debate_is_its_speakers(answer: Any, name: str) -> None:
    heard = turns(answer, name)
    true = [turn for turn in read_truth().turns if turn.start < 40]
    pairs = {(turn.speaker, said_by(heard, turn.start, turn.end)) for turn in true}
    assert len(pairs) == len({speaker for _, _, speaker in heard}) == 3
    for turn in true:
        assert any(abs(start - turn.start) < 0.3 for start, _, _ in heard), turn


@pytest.mark.parametrize("name", ["debate", "from the second speaker on", "two of them"])
def test_labels_are_in_order_of_first_appearance(answer: Any, name: str) -> None:
    heard = turns(answer, name)
    assert [start for start, _, _ in heard] == sorted(start for start, _, _ in heard)
    labels = list(dict.fromkeys(speaker for _, _, speaker in heard))
    assert labels == [f"SPEAKER_{index:02d}" for index in range(len(labels))]


def test_a_known_number_of_speakers_is_kept_to(answer: Any) -> None:
    assert len({speaker for _, _, speaker in turns(answer, "two of them")}) == 2


def test_speech_at_once_is_kept(answer: Any) -> None:
    both = [turn for turn in read_truth().turns if turn.start < 37.5 < turn.end]
    assert len(both) == 2
    at_once = [turn for turn in turns(answer, "debate") if turn[0] < 37.5 < turn[1]]
    assert len({speaker for _, _, speaker in at_once}) == 2


@pytest.mark.parametrize(("name", "seconds"), [("debate", 44.0), ("one second", 1.0)])
def test_no_turn_is_longer_than_the_recording(answer: Any, name: str, seconds: float) -> None:
    heard = turns(answer, name)
    assert all(0 <= start < end <= seconds for start, end, _ in heard)
    assert max(end for _, end, _ in heard) > seconds - 0.1


@pytest.mark.parametrize("name", ["silence", "nothing", "a blink"])
def test_silence_has_no_turns(answer: Any, name: str) -> None:
    assert turns(answer, name) == []


@pytest.mark.parametrize("name", ["debate", "two of them", "silence"])
def test_progress_never_falls_and_comes_to_an_end(answer: Any, name: str) -> None:
    progress = answer["heard"][name]["progress"]
    assert all(earlier <= later for earlier, later in pairwise(progress))
    assert progress[0] >= 0
    assert progress[-1] == 1


def test_it_tells_nobody(answer: Any) -> None:
    assert answer["hosts"] == []


# --- Where it comes from --------------------------------------------------------------------------


def test_what_is_no_pipeline_is_refused(answer: Any) -> None:
    missing, empty, made = answer["refusals"].values()
    assert f"The diarization pipeline {MISSING} cannot be loaded" in missing
    assert "config.yaml" in empty
    assert made is None


def test_a_gated_pipeline_wants_a_token_once(
    hearing: Callable[..., Any], pipeline: Path, tmp_path: Path
) -> None:
    home = str(tmp_path)
    with hub(COMMUNITY_1, pipeline, TOKEN) as here:
        (refusal,) = hearing([COMMUNITY_1], HF_ENDPOINT=here.url, HF_HOME=home)["refusals"].values()
        assert "restricted" in refusal
        assert "set HF_TOKEN" in refusal
        given = {"HF_ENDPOINT": here.url, "HF_HOME": home, "HF_TOKEN": TOKEN}
        assert hearing([COMMUNITY_1], **given)["refusals"] == {COMMUNITY_1: None}
    # As in an image that has the weights in it: what it has not, it does not look for.
    offline = {"HF_HOME": home, "HF_HUB_OFFLINE": "1"}
    other = "pyannote/speaker-diarization-3.1"
    refusals = hearing([other, COMMUNITY_1], **offline)["refusals"]
    assert refusals[COMMUNITY_1] is None
    assert f"{other} cannot be loaded" in refusals[other]
