"""How much of a figure is the choice of recordings: the percentile bootstrap over them.

Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13. Recordings are drawn, not words
or turns: those of one recording are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_DRAWS = 2_000
_SEED = 1

Interval = tuple[float, float]


def rate_interval(errors: Sequence[float], totals: Sequence[float]) -> Interval | None:
    """95 % interval of sum(errors) / sum(totals), a pair a recording. None below two recordings."""
    if len(errors) < 2:
        return None
    return _percentiles(_rates(errors, totals))


def difference_interval(
    errors: Sequence[float], others: Sequence[float], totals: Sequence[float]
) -> Interval | None:
    """The same of how much higher the first rate is, both engines on the same recordings."""
    if len(errors) < 2:
        return None
    return _percentiles(_rates(errors, totals) - _rates(others, totals))


def _rates(errors: Sequence[float], totals: Sequence[float]) -> NDArray[np.float64]:
    # The same seed draws the same recordings, which is what pairs two engines.
    drawn = np.random.default_rng(_SEED).integers(len(errors), size=(_DRAWS, len(errors)))
    rates: NDArray[np.float64] = np.asarray(errors, dtype=np.float64)[drawn].sum(
        axis=1
    ) / np.asarray(totals, dtype=np.float64)[drawn].sum(axis=1)
    return rates


def _percentiles(values: NDArray[np.float64]) -> Interval:
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)
