"""What was said: words with times, from samples."""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from faster_whisper import BatchedInferencePipeline, WhisperModel, download_model

from batch_images.transcribe import gpu
from batch_images.transcribe.block import MARGIN_SECONDS, Block
from batch_images.transcribe.guard import Stretch, guard
from batch_images.transcribe.pauses import cut
from batch_images.transcribe.sound import SAMPLE_RATE, Sound
from batch_images.transcribe.speech import Detected, Span, passed_over, read_detected
from batch_images.transcribe.spoken import SpokenWord
from debate_analyzer.errors import Misconfigured, UnknownLanguage

# More at once is no faster on a CPU and takes more memory: 24 minutes peak at 0.9 GB with 4 and at
# 1.3 GB with 8 (base, int8).
_CPU_BATCH_SIZE = 4

# Features of a whole recording are held at once: an hour takes 0.9 GB, so long ones go in blocks.
_BLOCK_SECONDS = 20 * 60


class Recognizer(Protocol):
    """`provenance` says what made the words, down to the model's hash."""

    @property
    def provenance(self) -> dict[str, Any]: ...

    def hear(
        self,
        sound: Sound,
        *,
        language: str | None,
        on_progress: Callable[[float], None],
        own: Span | None = None,
    ) -> list[Block]:
        """What is heard, in blocks in order. `on_progress` hears the fraction done, 0 to 1.

        `language`: a code of Whisper's, or None to hear it. `own`: the seconds of the sound that
        are to be heard, the rest being there for its context; by default all. Raises
        UnknownLanguage.
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
        self._batch_size = _CPU_BATCH_SIZE
        if self._model.model.device == "cuda":
            weights = (self._folder / "model.bin").stat().st_size
            self._batch_size = gpu.batch_size(weights, gpu.memory())

    def load(self) -> None:
        """Into memory again, onto the same device."""
        self._model.model.load_model()

    def unload(self) -> None:
        """The weights go out of memory; everything else stays."""
        self._model.model.unload_model()

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

    def hear(
        self,
        sound: Sound,
        *,
        language: str | None,
        on_progress: Callable[[float], None],
        own: Span | None = None,
    ) -> list[Block]:
        """See Recognizer. What the engine gives, hallucinations and all: `block.join` is next.

        Where no language is given, each half minute of speech is taken in its own: debates change
        languages. What is said within one in another language is passed over by Whisper, so where
        speech has no words it is heard again alone. The first language heard is the recording's.
        """
        if language is not None and not self._knows(language):
            raise UnknownLanguage(
                f"The model {self._name} does not know the language {language!r}. "
                "Give another, or none: then the language is heard."
            )
        given = language is not None
        start, end = own or (0.0, sound.duration)
        found: list[Block] = []
        for span in cut(sound, (start, end), every=_BLOCK_SECONDS):
            block = self._hear_block(
                sound,
                span,
                language=language,
                multilingual=not given,
                on_progress=lambda at: on_progress(min(1.0, max(0.0, at - start) / (end - start))),
            )
            found.append(block)
            if language is None and guard(block.stretches)[0]:
                language = block.language  # the first block with speech in it decides for the rest
        on_progress(1.0)
        return found

    def _hear_block(
        self,
        sound: Sound,
        own: Span,
        *,
        language: str | None,
        multilingual: bool,
        on_progress: Callable[[float], None],
    ) -> Block:
        """`on_progress` hears how far into the sound, in seconds."""
        start, end = own
        first = max(0, round((start - MARGIN_SECONDS) * SAMPLE_RATE))
        samples = sound.read(first, round((end + MARGIN_SECONDS) * SAMPLE_RATE))
        offset = first / SAMPLE_RATE
        transcribe = partial(
            self._pipeline.transcribe,
            samples,
            language=language,
            beam_size=5,
            batch_size=self._batch_size,
            word_timestamps=True,
            multilingual=multilingual and self._model.model.is_multilingual,
        )
        segments, info = transcribe(vad_filter=True)
        detected = read_detected(info, len(samples))
        stretches: list[Stretch] = []
        for segment in segments:
            on_progress(offset + segment.end)
            stretches += _stretches(segment, detected, offset)
        recovered: list[Stretch] = []
        said = [(w.start - offset, w.end - offset) for part in stretches for w in part.words]
        if clips := passed_over(detected, said):
            segments, _ = transcribe(
                clip_timestamps=[{"start": begin, "end": finish} for begin, finish in clips]
            )
            # No speech to the first hearing: one sign more is enough against its words.
            recovered = [_stretch(segment, _words(segment, offset), 0.0) for segment in segments]
        return Block(
            start,
            end,
            stretches,
            recovered,
            info.language if language is None else None,
            info.language_probability if language is None else None,
        )

    def _knows(self, language: str) -> bool:
        if not self._model.model.is_multilingual:
            return language == "en"
        return self._model.hf_tokenizer.token_to_id(f"<|{language}|>") is not None


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
