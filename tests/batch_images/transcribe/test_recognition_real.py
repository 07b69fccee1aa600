"""The real model on real sounds. `python -m benchmarks.hallucination` does the same at length."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import jiwer
import numpy as np
import pytest

from batch_images.transcribe import pauses, recognition
from batch_images.transcribe.block import Block, Recognition, join
from batch_images.transcribe.guard import guard
from batch_images.transcribe.recognition import WhisperRecognizer
from batch_images.transcribe.sound import SAMPLE_RATE, Samples
from benchmarks.samples import on_disk, read_samples
from benchmarks.sounds import KINDS, make, mix
from demo.truth import DEMO, read_truth

pytestmark = pytest.mark.models

SPEECH = Path(__file__).with_name("test_recognition_speech")
ENGLISH = (
    "and so my fellow americans ask not what your country can do for you"
    " ask what you can do for your country"
)
SPANISH = (
    "una vez finalizada la prueba que viene indicado por el cambio de estado a succeeded correcto"
    " encontrará un número de wer para ambos modelos incluidos en la prueba haga clic en el nombre"
    " de la prueba para ver la página de detalles de las pruebas"
)


@pytest.fixture(scope="module")
def whisper() -> WhisperRecognizer:
    models = Path(os.environ.get("MODELS_DIR", ".models"))
    return WhisperRecognizer(str(models / "whisper-base"), device="cpu", compute_type="int8")


@pytest.fixture(scope="module")
def english() -> Samples:
    return read_samples(SPEECH / "english.opus")


@pytest.fixture(scope="module")
def spanish() -> Samples:
    return read_samples(SPEECH / "spanish.opus")


@pytest.fixture(scope="module")
def debate() -> Samples:
    return read_samples(DEMO.with_name("debate.mp4"))


def _recognize(
    whisper: WhisperRecognizer, samples: Samples, language: str | None = None
) -> Recognition:
    return join(_hear(whisper, samples, language), language=language)


def _hear(whisper: WhisperRecognizer, samples: Samples, language: str | None = None) -> list[Block]:
    with on_disk(samples) as sound:
        return whisper.hear(sound, language=language, on_progress=lambda _: None)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _errors(truth: str, found: Recognition) -> jiwer.WordOutput:
    return jiwer.process_words(_plain(truth), _plain("".join(w.text for w in found.words)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_without_speech_has_no_words(whisper: WhisperRecognizer, kind: str) -> None:
    assert _recognize(whisper, make(kind, 18, seconds=20, level=-3)).words == []


@pytest.mark.parametrize(("kind", "snr"), [("pink noise", 10), ("band", 0), ("arpeggio", -2)])
def test_no_correct_word_is_taken_from_speech_under_a_sound(
    whisper: WhisperRecognizer, debate: Samples, kind: str, snr: float
) -> None:
    first, second, *_ = read_truth().turns
    samples = debate[: int(second.end * SAMPLE_RATE)]
    samples = mix(samples, make(kind, 7, seconds=20, level=-6), snr=snr)
    (heard,) = _hear(whisper, samples)
    alone = [word for stretch in heard.stretches for word in stretch.words]
    kept, _ = guard(heard.stretches)
    removed = Counter(_plain(word.text) for word in alone)
    removed.subtract(_plain(word.text) for word in kept)

    truth = _plain(f"{first.text} {second.text}")
    engine = jiwer.process_words(truth, _plain("".join(word.text for word in alone)))
    left = jiwer.process_words(truth, _plain("".join(word.text for word in kept)))
    assert left.hits >= engine.hits, f"left out: {+removed}"


def test_clean_speech_is_left_as_the_engine_gives_it(
    whisper: WhisperRecognizer, english: Samples, spanish: Samples
) -> None:
    for samples in (english, spanish):
        (heard,) = _hear(whisper, samples)
        assert heard.recovered == []
        assert guard(heard.stretches)[0] == [w for s in heard.stretches for w in s.words]


def test_english_and_spanish(
    whisper: WhisperRecognizer, english: Samples, spanish: Samples
) -> None:
    """Of the Spanish words, one is an English name and one an abbreviation."""
    for code, samples, truth, most in (("en", english, ENGLISH, 0), ("es", spanish, SPANISH, 3)):
        found = _recognize(whisper, samples)
        out = _errors(truth, found)
        assert out.substitutions + out.deletions + out.insertions <= most
        assert (found.language, _errors(truth, _recognize(whisper, samples, code)).wer) == (
            code,
            out.wer,
        )
        assert found.language_probability is not None
        assert found.language_probability > 0.9


@pytest.mark.parametrize("first", ["english", "spanish"])
def test_a_change_of_language_costs_no_words(
    whisper: WhisperRecognizer, english: Samples, spanish: Samples, first: str
) -> None:
    """Within one half minute, of which Whisper hears only one language."""
    parts = [(english, ENGLISH), (spanish, SPANISH)]
    if first == "spanish":
        parts.reverse()
    found = _recognize(whisper, np.concatenate([samples for samples, _ in parts]))
    out = _errors(" ".join(text for _, text in parts), found)
    assert out.deletions <= 1
    assert out.wer < 0.07


def test_no_word_is_lost_or_doubled_where_blocks_meet(
    whisper: WhisperRecognizer, debate: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One clip four times over, so that each seam is in another place of it."""
    monkeypatch.setattr(recognition, "_BLOCK_SECONDS", 11)
    monkeypatch.setattr(pauses, "LOOK_SECONDS", 6)
    _, turn, *_ = read_truth().turns
    clip = debate[int((turn.start - 0.2) * SAMPLE_RATE) : int((turn.end + 0.2) * SAMPLE_RATE)]
    samples = np.tile(clip, 4)
    blocks = _hear(whisper, samples, "en")
    assert len(blocks) >= 4
    assert len({round(block.end * SAMPLE_RATE) % len(clip) for block in blocks}) == len(blocks)

    out = _errors(f"{turn.text} " * 4, join(blocks, language="en"))
    assert (out.deletions, out.insertions) == (0, 0)
