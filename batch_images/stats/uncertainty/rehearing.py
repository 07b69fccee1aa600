"""How figures change when every boundary of speech is off once more, and once more again.

What is heard is the truth with an error on every boundary. Hearing it again, with another error of
the same size on each, tells how far and to which side such errors move a figure, and so where it
was without any: the simulation-extrapolation of Cook & Stefanski (1994),
doi:10.1080/01621459.1994.10476871. The figures are found by the functions that found them at first.

Sums of time move smoothly: from the truth to what is heard they have moved as from there to what
is heard again. What hangs on thresholds (where a turn ends, what an overlap is called) does not: a
silence of 2.05 s was as likely 1.9 s, and hearing it again tells so on average. There the errors
are judged by a second hearing against the first, and the figure lies between itself and its
hearings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from batch_images.stats.debate import NOBODY, Debate, Floats, Words
from batch_images.stats.exchange import find_responses
from batch_images.stats.intervals import Times, complement, length, overlap, union
from batch_images.stats.turns import (
    COLLAR_SECONDS,
    KINDS,
    find_overlap_starts,
    find_turns,
    find_utterances,
)

_HEARINGS = 12
_LEAST_HEARINGS = 8
_SPANS = 120_000  # to hear in all: a debate with more than 10,000 is heard less often

_NO_INTEGERS = np.empty(0, np.int64)
_NO_FLOATS = np.empty(0)
_NO_WORDS = Words(_NO_FLOATS, _NO_FLOATS, _NO_INTEGERS, _NO_INTEGERS, _NO_FLOATS, [])

Figures = dict[str, Floats]


SUMS = ("speakingTime", "silence", "overlap")


@dataclass(frozen=True)
class Rehearing:
    """Figures by their published names, as arrays: by speaker, `overlapStarts` by speaker and kind,
    `silence` and `overlap` of the debate. `without` errors they are about so much, with so large a
    standard error (`deviation`); `bias` is by how much errors raise them. NaN where there is
    nothing to take a figure of."""

    hearings: int
    bias: Figures
    without: Figures
    deviation: Figures

    def draws(self, figure: str, generator: np.random.Generator, size: int) -> Floats:
        """Of a figure without errors, shape (size, …). Student's t: the deviation is known from so
        many hearings only."""
        shape = (size, *self.without[figure].shape)
        spread = self.deviation[figure] * generator.standard_t(self.hearings - 1, shape)
        draws: Floats = self.without[figure] + spread
        return draws


def rehear(debate: Debate, left_out: Times, generator: np.random.Generator) -> Rehearing:
    """`left_out`: what of the recording is not counted, be it silent or not."""
    debate = replace(debate, words=_NO_WORDS)
    nobody = _nobody(debate)
    spans = sum(len(speech) for speech in debate.speech)
    hearings = int(np.clip(_SPANS // max(spans, 1), _LEAST_HEARINGS, _HEARINGS))
    heard = _figures(debate, nobody, left_out)
    first, second = [], []
    for _ in range(hearings):
        again = _misheard(debate, nobody, generator)
        first.append(_figures(*again, left_out))
        second.append(_figures(*_misheard(*again, generator), left_out))
    bias, without, deviation = {}, {}, {}
    for name, figure in heard.items():
        once = np.array([each[name] for each in first])
        twice = np.array([each[name] for each in second])
        variance = once.var(axis=0, ddof=1) * (1 + 1 / hearings)
        moved = once.mean(axis=0) - figure
        if name in SUMS:
            bias[name] = undone = moved
            without[name] = figure - undone
            noise = once.var(axis=0, ddof=1) / hearings
        else:
            bias[name] = (twice - once).mean(axis=0)
            # Halfway between the figure (one error) and its hearings (two).
            undone = 1.5 * bias[name]
            without[name] = figure + moved / 2 - undone
            noise = 1.5**2 * (twice - once).var(axis=0, ddof=1) / hearings
            variance += moved**2 / 2 + noise
        # What is undone may be nothing, or twice as much: the variance of a uniform distribution,
        # less what is in it because there are so few hearings.
        doubt = np.maximum(undone**2 - noise, 0.0) / 3
        deviation[name] = np.sqrt(variance + doubt)
    return Rehearing(hearings, bias, without, deviation)


def _nobody(debate: Debate) -> Times:
    """Where somebody speaks and it is not known who."""
    rows = debate.segments.speaker == NOBODY
    if debate.basis == "turns":
        rows = np.zeros(len(rows), bool)
    return union(np.column_stack([debate.segments.start[rows], debate.segments.end[rows]]))


def _misheard(
    debate: Debate, nobody: Times, generator: np.random.Generator
) -> tuple[Debate, Times]:
    speech = tuple(_off(spans, generator) for spans in debate.speech)
    return replace(debate, speech=speech), _off(nobody, generator)


def _off(spans: Times, generator: np.random.Generator) -> Times:
    """With an error on each boundary; what would end before it began is not heard."""
    off = spans + generator.uniform(-COLLAR_SECONDS, COLLAR_SECONDS, spans.shape)
    return union(off[off[:, 1] > off[:, 0]])


def _figures(debate: Debate, nobody: Times, left_out: Times) -> Figures:
    utterances = find_utterances(debate)
    starts = find_overlap_starts(utterances)
    turns = find_turns(debate, utterances, starts)
    responses = find_responses(turns)
    speakers = range(len(debate.speakers))
    lengths = [turns.duration[turns.of(speaker)] for speaker in speakers]
    latencies = [responses.latency[responses.speaker == speaker] for speaker in speakers]
    kinds = np.zeros((len(debate.speakers), len(KINDS)))
    np.add.at(kinds, (starts.speaker, starts.kind), 1)
    covered = union(np.concatenate([*debate.speech, nobody, left_out]))
    return {
        "speakingTime": debate.speaking_time,
        "meanTurn": _by_speaker(np.mean, lengths),
        "medianTurn": _by_speaker(np.median, lengths),
        "longestTurn": _by_speaker(np.max, lengths),
        "responseLatency": _by_speaker(np.median, latencies),
        "overlapStarts": kinds,
        "silence": np.array(length(complement(covered, 0.0, debate.duration))),
        "overlap": np.array(length(overlap(debate.speech))),
    }


def _by_speaker(figure: Callable[[Floats], Any], values: Sequence[Floats]) -> Floats:
    return np.array([figure(each) if len(each) else np.nan for each in values])
