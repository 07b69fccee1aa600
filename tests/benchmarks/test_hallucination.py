from __future__ import annotations

from pathlib import Path

import numpy as np

from batch_images.transcribe.block import Block
from batch_images.transcribe.guard import Stretch
from batch_images.transcribe.spoken import SpokenWord
from benchmarks.hallucination import Recording, correct, excerpts, mixtures, run
from benchmarks.sounds import SAMPLE_RATE
from benchmarks.speech.manifest import Clip
from benchmarks.speech.truth import Turn

SILENT = np.zeros(60 * SAMPLE_RATE, dtype=np.float32)


def _words(text: str, start: float = 0.0) -> list[SpokenWord]:
    return [SpokenWord(start + n, start + n + 1, f" {w}", 0.9) for n, w in enumerate(text.split())]


class Engine:
    """A recogniser that gives the same stretches for everything."""

    def __init__(self, *stretches: Stretch, recovered: tuple[Stretch, ...] = ()) -> None:
        self.heard = [Block(0, 60, list(stretches), list(recovered), "en", 0.9)]

    def hear(self, sound: object, **options: object) -> list[Block]:
        return self.heard


def _clip(*utterances: Turn) -> Clip:
    text = " ".join(turn.text for turn in utterances)
    return Clip("clip", Path("clip.wav"), "made up", "en", utterances, utterances, text)


def _recording(text: str, engine: Engine) -> Recording:
    truth = text.split()
    times = {n: word.middle for n, word in enumerate(_words(text))}
    return Recording(_clip(), SILENT, truth, times, run(engine, SILENT))  # type: ignore[arg-type]


def test_both_sides_come_from_one_hearing() -> None:
    said = Stretch(_words("good evening"), 5.0, -0.2, 0.1)
    noise = Stretch(_words("thank you", 10), 0.1, -1.5, 0.9)
    second = Stretch(_words("buenas noches", 20), 0.0, -0.2, 0.1)
    outcome = run(Engine(said, noise, recovered=(second,)), SILENT)  # type: ignore[arg-type]
    assert outcome.engine == [*said.words, *noise.words]
    assert outcome.product == [*said.words, *second.words]
    assert outcome.removed == noise.words


def test_a_word_is_correct_only_when_it_was_said() -> None:
    recording = _recording("so it is", Engine())
    words = [*_words("so"), *_words("it is", 7)]
    assert correct(recording, words) == set(words[:1])
    assert correct(recording, _words("so it was")) == set(_words("so it"))


def test_excerpts_are_cut_where_nobody_speaks() -> None:
    turns = (
        Turn(1, 10, "a", "good"),
        Turn(10, 17, "b", "evening"),
        Turn(16, 20, "a", "and"),
        Turn(21, 24, "b", "welcome"),
    )
    whole = Recording(_clip(*turns), SILENT, [], {}, run(Engine(), SILENT))  # type: ignore[arg-type]
    first, second = excerpts(Engine(), whole)  # type: ignore[arg-type]
    assert (first.truth, second.truth) == (["good", "evening", "and"], ["welcome"])
    assert [len(part.samples) / SAMPLE_RATE for part in (first, second)] == [19, 3]


def test_mixtures_take_every_recording_at_every_ratio() -> None:
    recordings = [_recording(text, Engine()) for text in ("one", "two", "three")]
    made = list(mixtures(recordings, 30))
    assert len(made) == 30
    assert {(snr, recording.truth[0]) for snr, recording, _ in made[:15]} == {
        (snr, name) for snr in (20, 10, 5, 0, -5) for name in ("one", "two", "three")
    }
    assert len({kind for _, _, kind in made}) == 10
