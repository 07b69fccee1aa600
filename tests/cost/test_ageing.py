from __future__ import annotations

from math import inf, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cost.ageing import average_stored
from cost.load import DAYS_A_MONTH

ages = st.floats(0, 400)
months = st.integers(1, 36)


@pytest.mark.parametrize(
    ("from_age", "to_age", "month", "days"),
    [
        (0, inf, 1, 15.2),  # half of what arrives in the first month
        (0, inf, 12, 11.5 * 30.4),
        (0, 30.4, 2, 30.4),  # a month's arrivals, once the first have gone
        (30.4, inf, 1, 0),  # nothing is so old yet
        (30.4, inf, 2, 15.2),
        (30, 30, 5, 0),
    ],
)
def test_on_paper(from_age: float, to_age: float, month: int, days: float) -> None:
    assert average_stored(2.0, from_age, to_age, month) == pytest.approx(2.0 * days)


@given(ages, ages, months)
def test_it_is_the_mean_over_the_month(one: float, other: float, month: int) -> None:
    younger, older = sorted((one, other))
    slices = 2000
    days = [(month - 1 + (i + 0.5) / slices) * DAYS_A_MONTH for i in range(slices)]
    mean = sum(max(0.0, min(day, older) - younger) for day in days) / slices
    assert average_stored(1.0, younger, older, month) == pytest.approx(mean, abs=0.01)


@given(ages, ages, months)
def test_ages_add_up_to_the_whole(one: float, other: float, month: int) -> None:
    younger, older = sorted((one, other))
    parts = [(0, younger), (younger, older), (older, inf)]
    whole = sum(average_stored(1.0, start, end, month) for start, end in parts)
    assert isclose(whole, average_stored(1.0, 0, inf, month), abs_tol=1e-6)


@given(months)
def test_what_never_expires_only_grows(month: int) -> None:
    assert average_stored(1.0, 0, inf, month + 1) > average_stored(1.0, 0, inf, month)
