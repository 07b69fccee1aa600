"""The uncertainty of every figure of a debate, from one seed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from batch_images.stats.debate import Debate
from batch_images.stats.turns import Turns
from batch_images.stats.uncertainty import measurement
from batch_images.stats.uncertainty.draws import DRAWS, Draws, interval, sureness
from batch_images.stats.uncertainty.observed import Events, Observed
from batch_images.stats.uncertainty.process import Process
from batch_images.stats.uncertainty.rehearing import rehear
from batch_images.stats.uncertainty.unassigned import unassigned_words
from debate_analyzer.statistics import Bounds, Comparison, Uncertainty

# Figures, and the standard deviation of the difference of their logarithms between two people.
COMPARED = {"speakingTime": 0.7, "words": 0.7, "wordsPerMinute": 0.2, "meanTurn": 0.7}
MOST_COMPARED = 12  # speakers: those who speak longest
MOST_SPANS = 50_000  # of speech: more than a day of it; time and memory grow with them
MOST_SPEAKERS = 100


@dataclass(frozen=True)
class Uncertainties:
    """By the published names of the figures; `speakers` in the order of `Debate.speakers`."""

    speakers: list[dict[str, Uncertainty]]
    totals: dict[str, Uncertainty]
    comparisons: list[Comparison]


def estimate(debate: Debate, turns: Turns, events: Events, *, seed: int) -> Uncertainties:
    """The same input and seed give the same figures. Never fails on a debate, be it empty; one
    beyond MOST_SPANS or MOST_SPEAKERS, days long, is counted without."""
    observed = Observed(debate, turns, events)
    spans = sum(len(speech) for speech in debate.speech)
    if spans > MOST_SPANS or len(debate.speakers) > MOST_SPEAKERS:
        nothing: list[Draws] = [{} for _ in debate.speakers]
        return _put_together(observed, nothing, nothing, {}, {})
    generator = np.random.default_rng(seed)
    given = unassigned_words(debate, generator, DRAWS)
    rehearing = rehear(debate, events.left_out, generator)
    process = Process(observed, rehearing, given, generator)
    return _put_together(
        observed,
        measurement.draw_speakers(observed, rehearing, given, generator),
        process.speakers(),
        measurement.draw_totals(observed, rehearing, generator),
        process.totals(),
    )


def _put_together(
    observed: Observed,
    this_debate: list[Draws],
    such_debates: list[Draws],
    totals_of_this: Draws,
    totals_of_such: Draws,
) -> Uncertainties:
    people = zip(observed.figures, this_debate, such_debates, strict=True)
    return Uncertainties(
        speakers=[_uncertainties(*person) for person in people],
        totals=_uncertainties(observed.totals, totals_of_this, totals_of_such),
        comparisons=_comparisons(observed, this_debate, such_debates),
    )


def _uncertainties(
    figures: dict[str, float], this_debate: Draws, such_debates: Draws
) -> dict[str, Uncertainty]:
    return {
        name: Uncertainty(
            this_debate=_bounds(this_debate, name, figure),
            such_debates=_bounds(such_debates, name, figure),
        )
        for name, figure in figures.items()
    }


def _bounds(draws: Draws, name: str, figure: float) -> Bounds | None:
    plausible = draws.get(name)
    if plausible is None or not np.isfinite(plausible).all() or not np.ptp(plausible):
        return None
    return interval(plausible, figure)


def _comparisons(
    observed: Observed, this_debate: list[Draws], such_debates: list[Draws]
) -> list[Comparison]:
    """Between all pairs, by figure, where it can be said how sure they are."""
    labels = observed.debate.speakers
    time = observed.debate.speaking_time
    people = np.argsort(-time, kind="stable")[:MOST_COMPARED].tolist()
    comparisons = []
    for figure in COMPARED:
        ranks = [
            (-observed.figures[person][figure], labels[person], person)
            for person in people
            if figure in observed.figures[person]
        ]
        for (_, _, more), (_, _, less) in combinations(sorted(ranks), 2):
            sure = [_sureness(draws, figure, more, less) for draws in (this_debate, such_debates)]
            if sure != [None, None]:
                comparisons.append(
                    Comparison(
                        figure=figure,
                        more=labels[more],
                        less=labels[less],
                        this_debate=sure[0],
                        such_debates=sure[1],
                    )
                )
    return comparisons


def _sureness(draws: list[Draws], figure: str, more: int, less: int) -> float | None:
    one, other = (draws[person].get(figure) for person in (more, less))
    if one is None or other is None or not np.isfinite([one, other]).all():
        return None
    if not np.ptp(one) and not np.ptp(other):
        return None
    return sureness(one, other, COMPARED[figure])
