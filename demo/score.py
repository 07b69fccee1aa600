"""How far a transcript is from the truth.

WER: word error rate, after lower-casing and without punctuation; the script spells its numbers.
DER: diarization error rate with collar 0 and overlaps counted (missed speech, false alarm and
confusion over speech), under the best mapping of names, as pyannote.metrics defines it:
https://pyannote.github.io/pyannote-metrics/reference.html#diarization. The times are swept exactly,
without frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import jiwer
import numpy as np
from scipy.optimize import linear_sum_assignment

from debate_analyzer.transcript import Transcript, Turn
from demo.truth import Truth

_NORMALISED = jiwer.Compose(
    [
        jiwer.ToLowerCase(),
        jiwer.RemovePunctuation(),  # type: ignore[no-untyped-call]
        jiwer.RemoveMultipleSpaces(),
        jiwer.Strip(),
        jiwer.ReduceToListOfListOfWords(),
    ]
)


@dataclass(frozen=True)
class Score:
    """Rates as fractions; `speakers` is how many were found."""

    wer: float
    der: float
    speakers: int


def score(transcript: Transcript, truth: Truth) -> Score:
    """Compare the words in the order of their times, and the turns as heard."""
    segments = sorted(transcript.transcription, key=lambda segment: segment.start)
    return Score(
        wer=word_error_rate(truth.text, " ".join(segment.text for segment in segments)),
        der=diarization_error_rate(truth.turns, transcript.turns),
        speakers=len({turn.speaker for turn in transcript.turns}),
    )


def word_error_rate(truth: str, heard: str) -> float:
    """Substituted, left out and added words, over the words of the truth."""
    return float(
        jiwer.wer(truth, heard, reference_transform=_NORMALISED, hypothesis_transform=_NORMALISED)
    )


def diarization_error_rate(truth: Sequence[Turn], heard: Sequence[Turn]) -> float:
    """Over the speech of the truth, where a second of two speakers is two seconds of speech."""
    edges = sorted({edge for turn in (*truth, *heard) for edge in (turn.start, turn.end)})
    true_names = sorted({turn.speaker for turn in truth})
    heard_names = sorted({turn.speaker for turn in heard})
    together = np.zeros((len(true_names), len(heard_names)))
    speech = errors = 0.0
    for start, end in pairwise(edges):
        spoken = _active(truth, start, end)
        found = _active(heard, start, end)
        for name in spoken:
            for other in found:
                together[true_names.index(name), heard_names.index(other)] += end - start
        speech += len(spoken) * (end - start)
        errors += max(len(spoken), len(found)) * (end - start)
    matched = together[linear_sum_assignment(-together)].sum()
    return float((errors - matched) / speech) if speech else float(bool(errors))


def _active(turns: Sequence[Turn], start: float, end: float) -> set[str]:
    return {turn.speaker for turn in turns if turn.start <= start and turn.end >= end}
