from __future__ import annotations

from pathlib import Path

from batch_images.transcribe.spoken import SpokenWord
from benchmarks.attribution import Attribution, attribution, true_speakers
from benchmarks.speech.manifest import Clip
from benchmarks.speech.truth import Turn


def _words(text: str) -> list[SpokenWord]:
    return [SpokenWord(n, n + 1, f" {word}", 0.9) for n, word in enumerate(text.split())]


def _clip(*utterances: tuple[str, str]) -> Clip:
    turns = tuple(Turn(n, n + 1, who, text) for n, (who, text) in enumerate(utterances))
    return Clip("clip", Path("clip.wav"), "made up", "en", turns, turns, None)


def test_words_have_the_speaker_of_what_they_are_aligned_with() -> None:
    clip = _clip(("ann", "I heard a beep."), ("bob", "They're here."))
    truth = true_speakers(clip, _words("I heard um a bleep. They're"))
    assert truth == {0: "ann", 1: "ann", 3: "ann", 4: "ann", 5: "bob"}


def test_wrong_words_are_counted_whatever_the_speakers_are_called() -> None:
    truth = {0: "ann", 1: "ann", 2: "bob", 3: "bob"}
    assert attribution(truth, ["x", "x", "y", "y"]) == Attribution(4, 0, 0)
    assert attribution(truth, ["y", "x", "x", "x"]) == Attribution(4, 1, 0)
    assert attribution(truth, ["x", None, "x", "y"]) == Attribution(4, 1, 1)
    assert attribution(truth, [None] * 4) == Attribution(4, 0, 4)
