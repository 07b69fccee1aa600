"""What was said: words with times, from samples."""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel, download_model
from faster_whisper.vad import get_vad_model

from batch_images.transcribe.guard import Stretch, guard
from batch_images.transcribe.media import SAMPLE_RATE, Samples
from batch_images.transcribe.speech import Detected, passed_over, read_detected
from batch_images.transcribe.spoken import SpokenWord
from debate_analyzer.errors import Misconfigured, UnknownLanguage
from debate_analyzer.transcript import Warning

# More at once is no faster on a CPU and takes more memory: 24 minutes peak at 0.9 GB with 4 and at
# 1.3 GB with 8 (base, int8).
_BATCH_SIZE = {"cpu": 4, "cuda": 8}

# Features of a whole recording are held at once: an hour takes 0.9 GB, so long ones go in blocks.
_BLOCK_SECONDS = 20 * 60
_CUT_WITHIN_SECONDS = 60

# Silero's VAD as faster-whisper uses it: the samples of a frame, and where a pause begins.
_VAD_SAMPLES = 512
_VAD_PAUSE = 0.35


@dataclass(frozen=True)
class Recognition:
    """Words in order of their start, in seconds; empty where nothing is said."""

    words: list[SpokenWord]
    language: str | None
    language_probability: float | None
    warnings: list[Warning] = field(default_factory=list)


@dataclass(frozen=True)
class Heard:
    """What an engine gives, before anybody asks whether it was said.

    `recovered`: from a second hearing of speech that the first passed over.
    """

    stretches: list[Stretch]
    recovered: list[Stretch]
    language: str | None
    language_probability: float | None


class Recognizer(Protocol):
    """`provenance` says what made the words, down to the model's hash."""

    @property
    def provenance(self) -> dict[str, Any]: ...

    def recognize(
        self, samples: Samples, *, language: str | None, on_progress: Callable[[float], None]
    ) -> Recognition:
        """`samples`: float32, mono, 16 kHz. `on_progress` hears the fraction done, 0 to 1.

        `language`: a code of Whisper's, or None to hear it. Raises UnknownLanguage.
        """


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
        """See Recognizer. Silence gives no words."""
        heard = self.hear(samples, language=language, on_progress=on_progress)
        words, warnings = guard([*heard.stretches, *heard.recovered])
        return Recognition(words, heard.language, heard.language_probability, warnings)

    def hear(
        self, samples: Samples, *, language: str | None, on_progress: Callable[[float], None]
    ) -> Heard:
        """What the engine gives, hallucinations and all.

        Where no language is given, each half minute of speech is taken in its own: debates change
        languages. What is said within one in another language is passed over by Whisper, so where
        speech has no words it is heard again alone. The first language heard is the recording's.
        """
        if language is not None and not self._knows(language):
            raise UnknownLanguage(
                f"The model {self._name} does not know the language {language!r}. "
                "Give another, or none: then the language is heard."
            )
        transcribe = partial(
            self._pipeline.transcribe,
            beam_size=5,
            batch_size=self._batch_size,
            word_timestamps=True,
            multilingual=language is None and self._model.model.is_multilingual,
        )
        stretches: list[Stretch] = []
        recovered: list[Stretch] = []
        probability: float | None = None
        for first, last in blocks(samples):
            block, offset = samples[first:last], first / SAMPLE_RATE
            segments, info = transcribe(block, language=language, vad_filter=True)
            detected = read_detected(info, last - first)
            heard: list[Stretch] = []
            for segment in segments:
                on_progress(min(1.0, (offset + segment.end) * SAMPLE_RATE / len(samples)))
                heard += _stretches(segment, detected, offset)
            stretches += heard
            if language is None and guard(stretches)[0]:
                # The first block with speech in it decides for the rest.
                language, probability = info.language, info.language_probability
            said = [(w.start - offset, w.end - offset) for part in heard for w in part.words]
            if clips := passed_over(detected, said):
                segments, _ = transcribe(
                    block,
                    language=language,
                    clip_timestamps=[{"start": start, "end": end} for start, end in clips],
                )
                # No speech to the first hearing: one sign more is enough against its words.
                recovered += [
                    _stretch(segment, _words(segment, offset), 0.0) for segment in segments
                ]
        on_progress(1.0)
        return Heard(stretches, recovered, language, probability)

    def _knows(self, language: str) -> bool:
        if not self._model.model.is_multilingual:
            return language == "en"
        return self._model.hf_tokenizer.token_to_id(f"<|{language}|>") is not None


def blocks(samples: Samples) -> Iterator[tuple[int, int]]:
    """Cut a long recording into ranges of samples, each cut in the longest pause of a minute."""
    first = 0
    while len(samples) - first > (_BLOCK_SECONDS + _CUT_WITHIN_SECONDS) * SAMPLE_RATE:
        start = first + _BLOCK_SECONDS * SAMPLE_RATE
        last = start + _pause(samples[start : start + _CUT_WITHIN_SECONDS * SAMPLE_RATE])
        yield first, last
        first = last
    yield first, len(samples)


def _pause(samples: Samples) -> int:
    """The middle of the longest stretch without speech; without one, the least of speech.

    Not the quietest moment: between the syllables of a word it is as quiet as between sentences.
    """
    frames = len(samples) // _VAD_SAMPLES
    speech = get_vad_model()(samples[: frames * _VAD_SAMPLES]).ravel()
    pauses = [
        list(run)
        for silent, run in groupby(range(frames), lambda n: speech[n] < _VAD_PAUSE)
        if silent
    ]
    longest = max(pauses, key=len, default=[int(np.argmin(speech))])
    return (longest[0] + longest[-1] + 1) * _VAD_SAMPLES // 2


def _stretches(segment: Any, detected: Sequence[Detected], offset: float) -> Iterator[Stretch]:
    """What the engine gives at once is up to half a minute of speech without its pauses."""
    ends = [stretch.end for stretch in detected[:-1]]
    words = _words(segment, offset)
    for index, said in groupby(words, key=lambda word: bisect(ends, word.middle - offset)):
        yield _stretch(segment, list(said), detected[index].speech)


def _stretch(segment: Any, words: list[SpokenWord], speech: float) -> Stretch:
    return Stretch(words, speech, segment.avg_logprob, segment.no_speech_prob)


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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
