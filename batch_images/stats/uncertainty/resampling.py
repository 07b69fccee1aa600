"""Turns drawn again: where figures would tend to, did the same people speak as often again.

Bootstrap over the turns of each speaker, studentised (bootstrap-t: Efron & Tibshirani 1993, ch. 12;
Hesterberg 2015, doi:10.1080/00031305.2015.1089789), since plain percentiles are too narrow for few
turns of very different lengths. Means and ratios are taken as logarithms; their standard errors
come from sums over the turns (delta method), so that all replicates are matrix products.
"""

from __future__ import annotations

import math

import numpy as np

from batch_images.stats.debate import Floats
from batch_images.stats.uncertainty.draws import ratio

_MANY_STRETCHES = 1000  # what more of them give is the normal distribution
# Stretches are not quite independent, and errors of boundaries break some: variances are so much
# larger than they alone tell (Kish's design effect), as measured in docs/statistics-uncertainty.md.
_DESIGN_EFFECT = 1.17
_WIDER = math.sqrt(_DESIGN_EFFECT)
_FARTHEST = 5.0  # of a replicate's logarithm: a guard for exp()
_PRIOR_EVENTS = 10.0  # with as many, one's own scatter counts as much as everybody's
_LEAST_SCATTER = 0.2


class Turnover:
    """A speaker's stretches of turns drawn again `size` times. Every figure of the speaker is taken
    over the same draws."""

    def __init__(self, stretches: int, generator: np.random.Generator, size: int) -> None:
        self.stretches = stretches
        self.generator = generator
        self.size = size
        many = stretches > _MANY_STRETCHES
        self.weights = None if many else _weights(stretches, generator, size)

    def log_ratio(self, above: Floats, below: Floats) -> Floats:
        """Draws of the logarithm of sum(above) / sum(below) over all stretches there might be, less
        that over these: shape (size,). Both sums are above zero."""
        moments = np.column_stack([above, below, above**2, above * below, below**2])
        error = _log_error(moments.sum(axis=0), self.stretches)
        if self.weights is None:
            student = self.generator.standard_normal(self.size)
            return error * _WIDER * student
        replicates = (self.weights @ moments).T
        errors = _log_error(replicates, self.stretches)
        quotient = ratio(replicates[0], replicates[1]) / (above.sum() / below.sum())
        with np.errstate(divide="ignore", invalid="ignore"):
            student = np.log(quotient) / errors
        student[~np.isfinite(student)] = 0.0  # the same stretch every time
        draws: Floats = np.clip(-error * _WIDER * student, -_FARTHEST, _FARTHEST)
        return draws


def without_design_effect(draws: Floats) -> Floats:
    """As narrow as stretches alone tell: of sums over all speakers that is enough, as measured."""
    middle = np.median(draws)
    return middle + (draws - middle) / _WIDER


def _log_error(moments: Floats, stretches: int) -> Floats:
    """Standard error of log(sum(above) / sum(below)), from moments as in `log_ratio`."""
    above, below, above2, product, below2 = moments
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = above / below
        squares = np.maximum(above2 - 2 * ratio * product + ratio**2 * below2, 0.0)
        error: Floats = np.sqrt(squares * stretches / (stretches - 1)) / above
    return error


def _weights(stretches: int, generator: np.random.Generator, size: int) -> Floats:
    """How often each is drawn, shape (size, stretches)."""
    drawn = generator.integers(0, stretches, (size, stretches))
    drawn += np.arange(size)[:, None] * stretches
    counts = np.bincount(drawn.ravel(), minlength=size * stretches)
    return counts.reshape(size, stretches).astype(np.float64)


def median(values: Floats, independent: int, generator: np.random.Generator, size: int) -> Floats:
    """Draws of the median of all values there might be: that of n independent values is at a place
    among all that has a Beta((n + 1) / 2, (n + 1) / 2) distribution, whatever theirs is (order
    statistics, David & Nagaraja 2003, ch. 7)."""
    half = (independent / _DESIGN_EFFECT + 1) / 2
    places = generator.beta(half, half, size)
    draws: Floats = np.quantile(values, places, method="weibull")
    return draws


def expected_counts(
    counts: Floats, variances: Floats, generator: np.random.Generator, size: int
) -> Floats:
    """Draws of the speakers' expected counts, shape (size, speakers).

    Where events scatter d times as much as independent ones, a count says as much as one of
    count / d independent events (quasi-Poisson; McCullagh & Nelder 1989, ch. 6); of these Jeffreys'
    prior gives Gamma(count / d + 1/2), above zero for a count of zero (Brown, Cai & DasGupta 2003,
    Statistica Sinica 13:19). d is the variance to the count, of one speaker's few events drawn
    towards that of all.
    """
    pooled = variances.sum() / counts.sum() if counts.sum() > 0 else 1.0
    scatter = (variances + _PRIOR_EVENTS * pooled) / (counts + _PRIOR_EVENTS)
    scatter = np.maximum(scatter * _DESIGN_EFFECT, _LEAST_SCATTER)
    draws: Floats = scatter * generator.gamma(counts / scatter + 0.5, size=(size, len(counts)))
    return draws


def variance_of_sum(values: Floats, turns: Floats) -> float:
    """Of the sum of what stretches add, did they have as many turns again. Of a single stretch
    there is no variance to see: its events are taken as independent."""
    stretches = len(values)
    if stretches < 2 or not turns.any():
        return float(values.sum())
    residuals = values - turns * (values.sum() / turns.sum())
    return float((residuals**2).sum() * stretches / (stretches - 1))
