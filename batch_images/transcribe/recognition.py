"""What was said: words with times, from samples."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel, download_model

from batch_images.transcribe.media import SAMPLE_RATE, Samples
from debate_analyzer.errors import Misconfigured
from debate_analyzer.transcript import Warning

# Whisper's own thresholds for a segment that is a loop, or words on silence:
# https://github.com/openai/whisper/blob/main/whisper/transcribe.py
_LOOP_COMPRESSION = 2.4
_SILENCE_PROBABILITY = 0.6
_SILENCE_LOG_PROBABILITY = -1.0

# More at once is no faster on a CPU and takes more memory: 24 minutes peak at 0.9 GB with 4 and at
# 1.3 GB with 8 (base, int8).
_BATCH_SIZE = {"cpu": 4, "cuda": 8}

# Features of a whole recording are held at once: an hour takes 0.9 GB, so long ones go in blocks.
_BLOCK_SECONDS = 20 * 60
_CUT_WITHIN_SECONDS = 60
_FRAME_SECONDS = 0.25


@dataclass(frozen=True)
class SpokenWord:
    """A word as the engine gives it: `text` has the space before it that the language wants."""

    start: float
    end: float
    text: str
    probability: float


@dataclass(frozen=True)
class Recognition:
    """Words in order of their start, in seconds; empty where nothing is said."""

    words: list[SpokenWord]
    language: str | None
    language_probability: float | None
    warnings: list[Warning] = field(default_factory=list)


class Recognizer(Protocol):
    """`provenance` says what made the words, down to the model's hash."""

    @property
    def provenance(self) -> dict[str, Any]: ...

    def recognize(
        self, samples: Samples, *, language: str | None, on_progress: Callable[[float], None]
    ) -> Recognition:
        """`samples`: float32, mono, 16 kHz. `on_progress` hears the fraction done, 0 to 1."""


class WhisperRecognizer:
    """faster-whisper, batched over speech that Silero's VAD finds, loaded once.

    `model` is a name that faster-whisper knows, which it downloads once, or a folder. Beam 5
    always: batched with beam 1 it drops whole sentences. Raises Misconfigured when the model cannot
    be loaded.
    """

    def __init__(
        self,
        model: str,
        *,
        device: str = "auto",
        compute_type: str = "default",
        threads: int = 0,
    ) -> None:
        self._name = Path(model).name
        try:
            self._folder = Path(model if Path(model).is_dir() else download_model(model))
            self._model = WhisperModel(
                str(self._folder), device=device, compute_type=compute_type, cpu_threads=threads
            )
        except (ValueError, RuntimeError, OSError) as error:
            raise Misconfigured(
                f"The Whisper model {model!r} cannot be loaded on {device!r}: {error}"
            ) from error
        self._pipeline = BatchedInferencePipeline(self._model)
        self._batch_size = _BATCH_SIZE[self._model.model.device]

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Computed once: hashing a large model takes seconds."""
        return {
            "engine": "faster-whisper",
            "engine_version": version("faster-whisper"),
            "model": self._name,
            "model_sha256": _sha256(self._folder / "model.bin"),
            "compute_type": self._model.model.compute_type,
            "device": self._model.model.device,
            "beam_size": 5,
            "batch_size": self._batch_size,
        }

    def recognize(
        self, samples: Samples, *, language: str | None, on_progress: Callable[[float], None]
    ) -> Recognition:
        """Raises nothing of its own; silence gives no words.

        Where no language is given, each half minute of speech is taken in its own: debates change
        languages. The first heard is the recording's.
        """
        multilingual = language is None and self._model.model.is_multilingual
        words: list[SpokenWord] = []
        warnings: list[Warning] = []
        probability: float | None = None
        for first, last in blocks(samples):
            offset = first / SAMPLE_RATE
            segments, info = self._pipeline.transcribe(
                samples[first:last],
                language=language,
                beam_size=5,
                batch_size=self._batch_size,
                word_timestamps=True,
                vad_filter=True,
                multilingual=multilingual,
            )
            for segment in segments:
                on_progress(min(1.0, (offset + segment.end) * SAMPLE_RATE / len(samples)))
                if reason := _not_speech(segment):
                    warnings.append(_removed(segment, offset, reason))
                    continue
                words += _words(segment, offset)
            if language is None and words:
                # The first block with speech in it decides for the rest.
                language, probability = info.language, info.language_probability
        on_progress(1.0)
        words.sort(key=lambda word: word.start)
        return Recognition(words, language, probability, warnings)


def blocks(samples: Samples) -> Iterator[tuple[int, int]]:
    """Cut a long recording into ranges of samples, each cut in the quietest moment of a minute."""
    first = 0
    while len(samples) - first > (_BLOCK_SECONDS + _CUT_WITHIN_SECONDS) * SAMPLE_RATE:
        frame = int(_FRAME_SECONDS * SAMPLE_RATE)
        start = first + _BLOCK_SECONDS * SAMPLE_RATE
        window = samples[start : start + _CUT_WITHIN_SECONDS * SAMPLE_RATE]
        frames = window[: len(window) // frame * frame].reshape(-1, frame)
        quietest = int(np.argmin(np.mean(np.square(frames), axis=1)))
        last = start + quietest * frame + frame // 2
        yield first, last
        first = last
    yield first, len(samples)


def _words(segment: Any, offset: float) -> list[SpokenWord]:
    return [
        SpokenWord(
            start=offset + float(word.start),
            end=offset + max(float(word.start), float(word.end)),
            text=word.word,
            probability=min(1.0, max(0.0, float(word.probability))),
        )
        for word in segment.words or []
    ]


def _not_speech(segment: Any) -> str | None:
    """Why the words of a segment are the model's own and nobody's, if they are."""
    if segment.compression_ratio > _LOOP_COMPRESSION:
        return "the same words over and over"
    silent = segment.no_speech_prob > _SILENCE_PROBABILITY
    if silent and segment.avg_logprob < _SILENCE_LOG_PROBABILITY:
        return "words where nothing is said"
    return None


def _removed(segment: Any, offset: float, reason: str) -> Warning:
    return Warning(
        code="hallucination_removed",
        message=f"The recogniser gave {reason}; they were left out.",
        start=round(offset + float(segment.start), 3),
        end=round(offset + float(segment.end), 3),
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
