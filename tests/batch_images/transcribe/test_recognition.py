from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES

from batch_images.transcribe import pauses, recognition
from batch_images.transcribe.block import MARGIN_SECONDS, Recognition, join
from batch_images.transcribe.recognition import WhisperRecognizer
from batch_images.transcribe.sound import SAMPLE_RATE, Samples
from benchmarks.samples import on_disk
from debate_analyzer.errors import Misconfigured, UnknownLanguage
from debate_analyzer.language import LANGUAGES


def _silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)


class Engine:
    """faster-whisper's pipeline: the segments it was given, and the sound it was asked about."""

    def __init__(self, *answers: list[Any]) -> None:
        self.answers = list(answers)
        self.lengths: list[int] = []
        self.languages: list[str | None] = []
        self.multilingual: list[bool] = []
        self.clips: list[Any] = []

    def transcribe(self, samples: Samples, **options: Any) -> tuple[Any, Any]:
        self.lengths.append(len(samples))
        self.languages.append(options["language"])
        self.multilingual.append(options["multilingual"])
        self.clips.append(options.get("clip_timestamps"))
        answer = self.answers.pop(0)
        detected = [
            {"start": int(s.start * SAMPLE_RATE), "end": int(s.end * SAMPLE_RATE)} for s in answer
        ]
        info = SimpleNamespace(
            language="es",
            language_probability=0.9,
            vad_options=SimpleNamespace(speech_pad_ms=400),
            transcription_options=SimpleNamespace(clip_timestamps=detected),
        )
        return iter(answer), info


def _segment(text: str, start: float = 0.0, **properties: float) -> SimpleNamespace:
    words = [
        SimpleNamespace(start=start + n, end=start + n + 0.5, word=f" {word}", probability=0.8)
        for n, word in enumerate(text.split())
    ]
    usual = {"compression_ratio": 1.4, "no_speech_prob": 0.05, "avg_logprob": -0.3}
    return SimpleNamespace(start=start, end=start + len(words), words=words, **usual | properties)


def _recognize(
    engine: Engine,
    seconds: float = 20.0,
    language: str | None = None,
    multilingual: bool = True,
) -> Recognition:
    """What is made of the engine's answers, without a model."""
    with pytest.MonkeyPatch.context() as patch:
        network = SimpleNamespace(device="cpu", is_multilingual=multilingual)
        tokens = SimpleNamespace(token_to_id={"<|en|>": 1, "<|es|>": 2}.get)
        model = SimpleNamespace(model=network, hf_tokenizer=tokens)
        patch.setattr(recognition, "WhisperModel", lambda *_, **__: model)
        patch.setattr(recognition, "download_model", lambda name: name)
        patch.setattr(recognition, "BatchedInferencePipeline", lambda _: engine)
        recognizer = WhisperRecognizer("base")
    with on_disk(_silence(seconds)) as sound:
        blocks = recognizer.hear(sound, language=language, on_progress=lambda fraction: None)
    return join(blocks, language=language)


@pytest.mark.parametrize(
    ("properties", "kept"),
    [
        ({}, True),
        ({"no_speech_prob": 0.9, "avg_logprob": -1.2}, False),
        ({"no_speech_prob": 0.9, "avg_logprob": -0.4}, True),
    ],
)
def test_words_that_nobody_said_are_left_out_with_a_warning(
    properties: dict[str, float], kept: bool
) -> None:
    found = _recognize(Engine([_segment("good evening"), _segment("you you", 5, **properties)]))
    assert [word.text for word in found.words] == [" good", " evening", *[" you"] * 2 * kept]
    spans = [(w.code, w.start, w.end) for w in found.warnings]
    assert spans == ([] if kept else [("hallucination_removed", 5, 6.5)])


def test_speech_that_was_passed_over_is_heard_again_alone() -> None:
    """Another language within the same half minute, say."""
    first = _segment("buenas noches", 12)
    first.start = 0.0  # speech was detected from here on
    engine = Engine([first], [_segment("my fellow Americans ask", 1)])
    found = _recognize(engine)
    assert [word.text for word in found.words][-2:] == [" buenas", " noches"]
    assert [word.start for word in found.words] == [1, 2, 3, 4, 12, 13]
    assert engine.clips == [None, [{"start": 0.0, "end": 12.0}]]


def test_what_is_heard_the_second_time_needs_no_second_sign_against_it() -> None:
    first = _segment("buenas noches", 12)
    first.start = 0.0
    doubtful = _segment("thank you so much", 1, avg_logprob=-1.1)
    found = _recognize(Engine([first], [doubtful]))
    assert [word.text for word in found.words] == [" buenas", " noches"]
    assert [warning.code for warning in found.warnings] == ["hallucination_removed"]


def test_times_and_language_go_on_from_block_to_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "_BLOCK_SECONDS", 20)
    monkeypatch.setattr(pauses, "LOOK_SECONDS", 1)
    silence = _segment("you", 6, no_speech_prob=0.9, avg_logprob=-1.2)
    engine = Engine([silence], [_segment("buenas noches", 7)], [_segment("ya", 6)])
    found = _recognize(engine, 61)
    first, second, _ = (length / SAMPLE_RATE for length in engine.lengths)
    # Each but the first begins a margin early, each but the last ends one late.
    second_starts = first - 2 * MARGIN_SECONDS
    third_starts = second_starts + second - 2 * MARGIN_SECONDS
    assert [word.start for word in found.words] == pytest.approx(
        [second_starts + 7, second_starts + 8, third_starts + 6]
    )
    assert engine.languages == [None, None, "es"]  # silence decides nothing
    assert (found.language, found.language_probability) == ("es", 0.9)


@pytest.mark.parametrize(("language", "multilingual"), [(None, True), ("es", False)])
def test_languages_may_change_unless_one_is_given(language: str | None, multilingual: bool) -> None:
    engine = Engine([_segment("gracias")])
    _recognize(engine, language=language)
    assert engine.languages == [language]
    assert engine.multilingual == [multilingual]


@pytest.mark.parametrize(
    ("multilingual", "language"), [(True, "yue"), (True, "xx"), (True, ""), (False, "es")]
)
def test_a_language_that_the_model_does_not_know(multilingual: bool, language: str) -> None:
    engine = Engine()
    with pytest.raises(UnknownLanguage, match=f"does not know the language '{language}'"):
        _recognize(engine, language=language, multilingual=multilingual)
    assert engine.lengths == []


def test_a_model_of_one_language_may_be_told_so() -> None:
    engine = Engine([_segment("thanks")])
    assert len(_recognize(engine, language="en", multilingual=False).words) == 1


def test_the_languages_offered_are_those_of_whisper() -> None:
    assert set(_LANGUAGE_CODES) == LANGUAGES


def test_silence_has_no_words_and_no_language() -> None:
    found = _recognize(Engine([]))
    assert (found.words, found.language, found.language_probability) == ([], None, None)


def test_a_word_never_ends_before_it_starts_and_is_never_more_than_certain() -> None:
    segment = _segment("hm")
    segment.words[0].end = -1.0
    segment.words[0].probability = 1.0000001
    (word,) = _recognize(Engine([segment])).words
    assert (word.start, word.end, word.probability) == (0.0, 0.0, 1.0)


def test_a_model_that_is_not_there(tmp_path: Any) -> None:
    with pytest.raises(Misconfigured, match="cannot be loaded"):
        WhisperRecognizer(str(tmp_path), device="cpu", compute_type="int8")
