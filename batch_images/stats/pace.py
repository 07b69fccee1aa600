"""Pace over time: words a minute in windows of the debate."""

from __future__ import annotations

import math

import numpy as np

from batch_images.stats.debate import Debate, Floats
from batch_images.stats.intervals import Times, at_least
from debate_analyzer.statistics import Pace

_WINDOWS = (10.0, 30.0, 60.0, 300.0, 900.0)
_MOST_WINDOWS = 120
LEAST_SPEECH_SECONDS = 3.0


def window_edges(duration: float) -> Floats:
    """Of equal windows, the last one shorter; as many as a picture can show."""
    fitting = (size for size in _WINDOWS if duration <= size * _MOST_WINDOWS)
    size = next(fitting, float(math.ceil(duration / _MOST_WINDOWS)))
    edges = np.arange(0.0, duration, size)
    return np.append(edges, duration)


def pace_over_time(debate: Debate, speaker: int, edges: Floats) -> list[Pace]:
    """The windows in which the speaker is heard or has words."""
    if len(edges) < 2:
        return []
    spoken = np.diff(_spoken_until(debate.speech[speaker], edges))
    moments = debate.words.middle[debate.word_rows[speaker]]
    window = np.searchsorted(edges, moments, side="right") - 1
    words = np.bincount(np.minimum(window, len(spoken) - 1), minlength=len(spoken))
    return [
        Pace(
            start=edges[window],
            end=edges[window + 1],
            speaking_time=spoken[window],
            words=int(words[window]),
            words_per_minute=60 * words[window] / spoken[window]
            if at_least(spoken[window], LEAST_SPEECH_SECONDS)
            else None,
        )
        for window in np.flatnonzero((spoken > 0) | (words > 0)).tolist()
    ]


def _spoken_until(speech: Times, moments: Floats) -> Floats:
    """Seconds of speech before each moment."""
    if not len(speech):
        return np.zeros(len(moments))
    done = np.concatenate([[0.0], np.cumsum(speech[:, 1] - speech[:, 0])])
    spoken: Floats = np.interp(moments, speech.ravel(), np.repeat(done, 2)[1:-1])
    return spoken
