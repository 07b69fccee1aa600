from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.sounds import KINDS, make, mix, sounds


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_is_the_same_for_the_same_seed_and_another_for_another(kind: str) -> None:
    first, again, other = (make(kind, seed, seconds=1.3, level=-6) for seed in (1, 1, 2))
    assert first.shape == (20_800,)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert kind == "silence" or not np.array_equal(first, other)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "silence"])
def test_a_sound_has_the_level_that_was_asked_for(kind: str) -> None:
    peak = np.abs(make(kind, 3, seconds=2, level=-20)).max()
    assert peak == pytest.approx(0.1, rel=1e-3)


def test_kinds_and_levels_are_as_often_as_one_another() -> None:
    made = list(sounds(100, seconds=0.1))
    assert sorted(Counter(sound.kind for sound in made).values()) == [9] * 10 + [10]
    levels = Counter(sound.level for sound in made)
    assert len(levels) == 10
    assert max(levels.values()) - min(levels.values()) <= 2


@pytest.mark.parametrize("snr", [20, 0, -5])
def test_a_mixture_has_its_ratio_of_powers(snr: float) -> None:
    speech = make("choir", 1, seconds=3, level=-20)
    noise = make("white noise", 1, seconds=1, level=-3)
    mixed = mix(speech, noise, snr=snr)
    ratio = np.mean(speech**2) / np.mean((mixed - speech) ** 2)
    assert 10 * np.log10(ratio) == pytest.approx(snr, abs=0.01)


def test_a_mixture_does_not_clip() -> None:
    speech = make("choir", 1, seconds=1, level=0)
    assert np.abs(mix(speech, make("drums", 1, seconds=1, level=0), snr=-20)).max() <= 1
