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


@dataclass(frozen=True)
class Uncertainties:
    """By the published names of the figures; `speakers` in the order of `Debate.speakers`."""

    speakers: list[dict[str, Uncertainty]]
    totals: dict[str, Uncertainty]
    comparisons: list[Comparison]


def estimate(debate: Debate, turns: Turns, events: Events, *, seed: int) -> Uncertainties:
    """The same input and seed give the same figures. Never fails on a debate, be it empty."""
    generator = np.random.default_rng(seed)
    observed = Observed(debate, turns, events)
    given = unassigned_words(debate, generator, DRAWS)
    rehearing = rehear(debate, events.left_out, generator)
    process = Process(observed, rehearing, given, generator)
    this_debate = measurement.draw_speakers(observed, rehearing, given, generator)
    such_debates = process.speakers()
    return Uncertainties(
        speakers=[
            _uncertainties(*each)
            for each in zip(observed.figures, this_debate, such_debates, strict=True)
        ],
        totals=_uncertainties(
            observed.totals,
            measurement.draw_totals(observed, rehearing, generator),
            process.totals(),
        ),
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
    if plausible is None or not np.isfinite(plausible).all():
        return None
    return interval(plausible, figure)


def _comparisons(
    observed: Observed, this_debate: list[Draws], such_debates: list[Draws]
) -> list[Comparison]:
    """Between all pairs, by figure."""
    time = observed.debate.speaking_time
    people = np.argsort(-time, kind="stable")[:MOST_COMPARED].tolist()
    comparisons = []
    for figure in COMPARED:
        known = [person for person in people if figure in observed.figures[person]]
        known.sort(key=lambda person: -observed.figures[person][figure])
        for more, less in combinations(known, 2):
            comparisons.append(
                Comparison(
                    figure=figure,
                    more=observed.debate.speakers[more],
                    less=observed.debate.speakers[less],
                    this_debate=_sureness(this_debate, figure, more, less),
                    such_debates=_sureness(such_debates, figure, more, less),
                )
            )
    return comparisons


def _sureness(draws: list[Draws], figure: str, more: int, less: int) -> float | None:
    plausible = [draws[person].get(figure) for person in (more, less)]
    if any(each is None or not np.isfinite(each).all() for each in plausible):
        return None
    return sureness(draws[more][figure], draws[less][figure], COMPARED[figure])
