from __future__ import annotations

import numpy as np

from benchmarks.speech.intervals import difference_interval, rate_interval


def test_one_clip_has_no_interval() -> None:
    assert rate_interval([1], [10]) is None
    assert difference_interval([1], [2], [10]) is None


def test_long_clips_weigh_more() -> None:
    # The mean of the rates of what is drawn goes up to 0.75.
    interval = rate_interval([100, 0, 0, 0], [100, 1000, 1000, 1000])
    assert interval is not None
    assert interval[0] == 0
    assert interval[1] < 0.3


def test_nineteen_of_twenty_intervals_hold_the_true_rate() -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        errors = rng.binomial(100, 0.2, size=30)
        interval = rate_interval(errors.tolist(), [100] * 30)
        assert interval is not None
        held += interval[0] <= 0.2 <= interval[1]
    assert 0.88 <= held / 200 <= 0.99


def test_a_small_steady_difference_is_seen_among_clips_that_differ_much() -> None:
    errors = [5.0, 90.0, 20.0, 60.0]
    interval = difference_interval([e + 1 for e in errors], errors, [100] * 4)
    assert interval is not None
    assert np.allclose(interval, 0.01)
