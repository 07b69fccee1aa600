"""Where a long recording may be cut: in pauses, which Silero's VAD finds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np
from faster_whisper.vad import get_vad_model

from batch_images.transcribe.sound import SAMPLE_RATE, Samples, Sound
from batch_images.transcribe.speech import Span

# A pause is looked for in so much sound, or in half of what a piece has at least.
LOOK_SECONDS = 60.0

# Silero's VAD as faster-whisper uses it: the samples of a frame, and where a pause begins.
_VAD_SAMPLES = 512
_VAD_PAUSE = 0.35


def cut(sound: Sound, span: Span, *, every: float) -> Iterator[Span]:
    """`span` in pieces of `every` seconds and up to a minute more, cut in the longest pauses."""
    start, end = span
    look = min(LOOK_SECONDS, every / 2)
    while end - start > every + look:
        first = round((start + every) * SAMPLE_RATE)
        pause = first + _pause(sound.read(first, first + round(look * SAMPLE_RATE)))
        yield start, pause / SAMPLE_RATE
        start = pause / SAMPLE_RATE
    yield start, end


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
