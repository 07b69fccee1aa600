"""Where speech was detected, and where it was passed over. Times in seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from batch_images.transcribe.sound import SAMPLE_RATE

Span = tuple[float, float]

# Speech without words that is shorter is a hesitation.
_PASSED_OVER_SECONDS = 2.0
# Pauses within speech are shorter than twice the VAD's margin.
_PAUSE_SECONDS = 0.8
# What Whisper hears at once.
_LONGEST_SECONDS = 30.0


@dataclass(frozen=True)
class Detected:
    """A stretch of speech with the VAD's margins around it. `speech`: how long it is without."""

    start: float
    end: float
    speech: float


def read_detected(info: Any, samples: int) -> list[Detected]:
    """From faster-whisper's TranscriptionInfo on so many samples.

    A margin is known only where it meets neither its neighbour's nor the end; elsewhere it counts
    as speech.
    """
    margin = info.vad_options.speech_pad_ms / 1000
    spans = [(span["start"], span["end"]) for span in info.transcription_options.clip_timestamps]
    before = [0, *(end for _, end in spans)]
    after = [*(start for start, _ in spans[1:]), samples]
    return [
        Detected(
            start / SAMPLE_RATE,
            end / SAMPLE_RATE,
            (end - start) / SAMPLE_RATE - margin * ((start > left) + (end < right)),
        )
        for (start, end), left, right in zip(spans, before, after, strict=False)
    ]


def passed_over(detected: Sequence[Detected], said: Iterable[Span]) -> list[Span]:
    """Speech without words, in pieces of up to half a minute. `said`: the spans of the words."""
    clips: list[Span] = []
    for quiet_from, quiet_to in _gaps(said):
        for stretch in detected:
            start, end = max(stretch.start, quiet_from), min(stretch.end, quiet_to)
            if start >= end:
                continue
            if clips and _goes_on(clips[-1], (start, end)) and clips[-1][0] >= quiet_from:
                start = clips.pop()[0]
            clips.append((start, end))
    return [(start, end) for start, end in clips if end - start >= _PASSED_OVER_SECONDS]


def _goes_on(clip: Span, following: Span) -> bool:
    return following[0] - clip[1] < _PAUSE_SECONDS and following[1] - clip[0] <= _LONGEST_SECONDS


def _gaps(said: Iterable[Span]) -> Iterator[Span]:
    """Before, between and after the words, where there is time enough."""
    last = 0.0
    for start, end in [*sorted(said), (math.inf, math.inf)]:
        if start - last >= _PASSED_OVER_SECONDS:
            yield last, start
        last = max(last, end)
