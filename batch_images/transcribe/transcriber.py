"""A media file becomes a transcript."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from batch_images.transcribe.assignment import assign, segment
from batch_images.transcribe.diarization import Diarizer
from batch_images.transcribe.media import SAMPLE_RATE, Samples, decode, probe
from batch_images.transcribe.recognition import Recognizer
from debate_analyzer.errors import DebateError, NoSpeech
from debate_analyzer.transcript import Source, Transcript, Turn, Warning

logger = logging.getLogger(__name__)

# How the progress is shared out: about as long as each takes on two cores.
_DECODED, _RECOGNIZED = 0.05, 0.7


class DiarizationFailed(RuntimeError):
    """The engine broke down. The words are kept, without speakers."""


@dataclass(frozen=True)
class Transcriber:
    """Holds the engines; one serves any number of files, one after the other."""

    recognizer: Recognizer
    diarizer: Diarizer

    def transcribe(
        self,
        path: Path,
        *,
        job_id: str,
        key: str,
        language: str | None = None,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = lambda fraction: None,
    ) -> Transcript:
        """The transcript of the file at `path`, which lies at `key` in the bucket.

        Raises InvalidMedia (and its kinds) for a file that cannot be used, NoSpeech for one in
        which nobody says a word. What `on_progress` raises ends the work.
        """
        seconds: dict[str, float] = {}
        media = probe(path)
        with _timed(seconds, "decode"):
            samples = decode(path, media)
        on_progress(_DECODED)
        with _timed(seconds, "recognition"):
            recognition = self.recognizer.recognize(
                samples,
                language=language,
                on_progress=lambda done: on_progress(_DECODED + done * (_RECOGNIZED - _DECODED)),
            )
        if not recognition.words:
            raise NoSpeech(
                "Nobody is heard speaking in this recording. "
                "Check that it has the right audio track, and that it is loud enough."
            )
        warnings = list(recognition.warnings)
        with _timed(seconds, "diarization"):
            try:
                turns = self._diarize(
                    samples, speakers, lambda d: on_progress(_RECOGNIZED + d * (1 - _RECOGNIZED))
                )
            except DiarizationFailed as error:
                logger.warning("diarization failed", exc_info=error)
                turns = []
                warnings.append(
                    Warning(
                        code="diarization_failed",
                        message="Speakers could not be told apart; the words are complete.",
                    )
                )
        whose = assign(recognition.words, turns)
        segments = segment(recognition.words, whose)
        unassigned = whose.count(None)
        if unassigned and not any(warning.code == "diarization_failed" for warning in warnings):
            warnings.append(
                Warning(
                    code="unassigned_words",
                    message=f"{unassigned} of {len(whose)} words could not be given to a speaker.",
                )
            )
        return Transcript(
            job_id=job_id,
            source=Source(
                key=key,
                bytes=path.stat().st_size,
                sha256=_sha256(path),
                duration=media.duration,
            ),
            duration=round(len(samples) / SAMPLE_RATE, 3),
            speakers_count=len({turn.speaker for turn in turns}),
            language=recognition.language,
            language_probability=recognition.language_probability,
            transcription=segments,
            turns=turns,
            warnings=warnings,
            provenance=self._provenance(seconds, len(samples) / SAMPLE_RATE),
        )

    def _diarize(
        self, samples: Samples, speakers: int | None, on_progress: Callable[[float], None]
    ) -> list[Turn]:
        try:
            return self.diarizer.diarize(samples, speakers=speakers, on_progress=on_progress)
        except DebateError:
            raise  # the claim was lost, or the installation lacks something: not the engine's fault
        except Exception as error:
            raise DiarizationFailed(f"{self.diarizer.name}: {error}") from error

    def _provenance(self, seconds: dict[str, float], duration: float) -> dict[str, Any]:
        took = sum(seconds.values())
        return {
            "recognition": self.recognizer.provenance,
            "diarization": {"engine": self.diarizer.name},
            "debate_analyzer_version": _own_version(),
            "seconds": {name: round(value, 2) for name, value in seconds.items()},
            "real_time_factor": round(took / duration, 4) if duration else None,
        }


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - began


def _own_version() -> str | None:
    """None in an image, where the source is copied and not installed."""
    try:
        return version("debate-analyzer")
    except PackageNotFoundError:
        return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
