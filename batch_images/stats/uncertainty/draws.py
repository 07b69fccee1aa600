"""What is plausible of a figure as draws from its confidence distribution, and what they say."""

from __future__ import annotations

import numpy as np

from batch_images.stats.debate import Floats
from debate_analyzer.statistics import Bounds

Draws = dict[str, Floats]  # by the published names of the figures

DRAWS = 2000
LEVEL = 0.95

_TAIL = (1 - LEVEL) / 2
_NOTHING = 1e-6


def interval(draws: Floats, figure: float) -> Bounds:
    """Between its bounds lies LEVEL of the draws, and the figure: as much in both tails, unless the
    figure is at the end of what is plausible (it counts no word without a speaker)."""
    low, high = (float(bound) for bound in np.quantile(draws, [_TAIL, 1 - _TAIL]))
    if figure <= low:
        low, high = figure, float(np.quantile(draws, LEVEL + np.mean(draws < figure)))
    elif figure >= high:
        low, high = float(np.quantile(draws, np.mean(draws <= figure) - LEVEL)), figure
    return low, max(high, figure)


def sureness(more: Floats, less: Floats, scatter: float) -> float:
    """Probability that the one is above the other; what is equal counts half.

    People differ, the logarithms of their figures by `scatter` (standard deviation of the
    difference of two): draws that make them more different are less likely to be true (importance
    weights of a normal prior). Without it the winner of many close comparisons is believed too much
    (Efron 2011, doi:10.1198/jasa.2011.tm11181).
    """
    logs = [np.log(np.maximum(draws, _NOTHING)) for draws in (more, less)]
    squares = ((logs[0] - logs[1]) / scatter) ** 2
    weights = np.exp((squares.min() - squares) / 2)
    return float(np.average((more > less) + (more == less) / 2, weights=weights))


def ratio(above: Floats, below: Floats) -> Floats:
    """Not a number where there is nothing below."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: Floats = above / below
    return quotient
