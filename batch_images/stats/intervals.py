"""Spans of time as arrays of shape (n, 2): start and end in seconds.

Times are whole milliseconds, so that what is said of a threshold is exact: 0.3 - 0.1 is 0.2. A time
is the double nearest to its milliseconds, and equal to another just where these are; differences
and sums are off by far less than SLACK_SECONDS, which comparisons with a threshold allow for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]

NO_TIME: Times = np.empty((0, 2))

SLACK_SECONDS = 1e-6


def to_milliseconds(times: Times) -> Times:
    """Rounded to what is told apart, in seconds; infinities and NaN stay."""
    with np.errstate(over="ignore"):
        rounded: Times = np.rint(times * 1000) / 1000 + 0.0  # no -0.0
    return rounded


def at_most(time: float, limit: float) -> bool:
    """Whether a difference of times is within a limit."""
    return time <= limit + SLACK_SECONDS


def at_least(time: float, limit: float) -> bool:
    """Whether a difference of times reaches a limit."""
    return time >= limit - SLACK_SECONDS


def union(spans: Times, *, gap: float = 0.0) -> Times:
    """The same time as disjoint spans in order; those with no more than `gap` between are one, and
    those without length none."""
    spans = spans[spans[:, 1] > spans[:, 0]]
    if not len(spans):
        return NO_TIME
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    until = np.maximum.accumulate(spans[:, 1])
    first = np.concatenate([[True], spans[1:, 0] > until[:-1] + gap + SLACK_SECONDS])
    return np.column_stack([spans[first, 0], until[np.concatenate([first[1:], [True]])]])


def length(spans: Times) -> float:
    """Seconds in disjoint spans."""
    return float(to_milliseconds((spans[:, 1] - spans[:, 0]).sum()))


def complement(spans: Times, start: float, end: float) -> Times:
    """What lies between disjoint spans in order, from `start` to `end`."""
    edges = np.concatenate([[start], spans.ravel(), [end]]).reshape(-1, 2)
    return edges[edges[:, 1] > edges[:, 0]]


def overlap(speakers: Sequence[Times]) -> Times:
    """The time in which two or more are heard; `speakers` each with disjoint spans."""
    spans = np.concatenate([NO_TIME, *speakers])
    times = np.concatenate([spans[:, 0], spans[:, 1]])
    changes = np.concatenate([np.ones(len(spans)), -np.ones(len(spans))])
    order = np.lexsort((changes, times))  # an end before a start at the same moment
    times, speaking = times[order], np.cumsum(changes[order])
    together = speaking[:-1] >= 2
    return union(np.column_stack([times[:-1][together], times[1:][together]]))


def within(spans: Times, start: float, end: float) -> Times:
    """The part of the spans that lies between `start` and `end`."""
    cut = np.clip(spans, start, end)
    return cut[cut[:, 1] > cut[:, 0]]
