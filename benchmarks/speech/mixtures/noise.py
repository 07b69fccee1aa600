"""What disturbs speech. Each gives float32 of about unit power."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from batch_images.transcribe.sound import SAMPLE_RATE, Samples

NoiseName = Literal["white", "pink", "hum", "babble"]

_BABBLERS = 6
_HARMONICS = 8


def make_noise(
    name: NoiseName, length: int, rng: np.random.Generator, *, speech: Sequence[Samples]
) -> Samples:
    """`length` samples. `speech`: what babble is made of, of people who are not in the mixture."""
    match name:
        case "white":
            noise = rng.normal(size=length)
        case "pink":
            noise = _pink(length, rng)
        case "hum":
            noise = _hum(length, rng)
        case "babble":
            noise = _babble(length, rng, speech)
    unit: Samples = (noise / np.sqrt(np.mean(np.square(noise)))).astype(np.float32)
    return unit


def _pink(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Power falls by 3 dB an octave, down to 20 Hz."""
    spectrum = np.fft.rfft(rng.normal(size=length))
    frequency = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    pink: NDArray[np.float64] = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequency, 20)), length)
    return pink


def _hum(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Mains of 50 or 60 Hz with harmonics that fall off."""
    mains = rng.choice([50.0, 60.0])
    time = np.arange(length) / SAMPLE_RATE
    hum = np.zeros(length)
    for number in range(1, _HARMONICS + 1):
        phase = rng.uniform(0, 2 * np.pi)
        hum += rng.uniform(0.3, 1) / number * np.sin(2 * np.pi * mains * number * time + phase)
    return hum


def _babble(
    length: int, rng: np.random.Generator, speech: Sequence[Samples]
) -> NDArray[np.float64]:
    """People talking without end, each a loop of all there is in an order of its own."""
    babble = np.zeros(length)
    for _ in range(_BABBLERS):
        order = rng.permutation(len(speech))
        loop = np.concatenate([speech[i] / np.sqrt(np.mean(speech[i] ** 2)) for i in order])
        babble += np.resize(np.roll(loop, int(rng.integers(len(loop)))), length)
    return babble
