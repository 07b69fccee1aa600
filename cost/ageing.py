"""Ageing: how much lies in storage on average, of what arrives evenly and moves on with age."""

from __future__ import annotations

from math import inf

from cost.load import DAYS_A_MONTH


def average_stored(a_day: float, from_age: float, to_age: float, month: int) -> float:
    """Average of what is between `from_age` and `to_age` days old, over the month (1 is the first).

    `a_day` arrives a day, evenly, since the first day of month 1. In the unit of `a_day`.
    """
    start, end = (month - 1) * DAYS_A_MONTH, month * DAYS_A_MONTH
    return (
        a_day
        * (_integral(end, from_age, to_age) - _integral(start, from_age, to_age))
        / (end - start)
    )


def _integral(day: float, from_age: float, to_age: float) -> float:
    """From day 0 to `day`, of the days' arrivals that are in the range: a ramp, then a plateau."""
    if to_age <= from_age or day <= from_age:
        return 0.0
    ramp_end = min(day, to_age)
    ramp = (ramp_end - from_age) ** 2 / 2
    plateau = 0.0 if to_age == inf else max(0.0, day - to_age) * (to_age - from_age)
    return ramp + plateau
