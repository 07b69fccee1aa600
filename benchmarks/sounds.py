"""Sounds in which nobody speaks, made with numpy: silence, noise, hum, tones and music.

All of it is synthetic. Real music has voices and real rooms have birds, doors and applause; none of
those are here. Every sound is mono, float32, 16 kHz, and the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

SAMPLE_RATE = 16_000

Samples = npt.NDArray[np.float32]
Signal = npt.NDArray[np.float64]
Maker = Callable[[np.random.Generator, int], Signal]

# Peaks, in dB below full scale: from hardly audible to loud.
_LEVELS = (-60, -50, -40, -34, -28, -22, -16, -12, -6, -3)

_MAJOR, _MINOR = (0, 4, 7, 12), (0, 3, 7, 12)
_VOWELS = ((730, 1090, 2440), (570, 840, 2410), (270, 2290, 3010), (300, 870, 2240))


@dataclass(frozen=True)
class Sound:
    """`kind` is a key of KINDS, `level` its peak in dB below full scale."""

    kind: str
    seed: int
    level: int
    samples: Samples


def sounds(count: int, *, seconds: float) -> Iterator[Sound]:
    """`count` sounds, every kind and every level as often as any other, within one."""
    kinds = list(KINDS)
    for seed, kind in enumerate(islice(cycle(kinds), count)):
        level = _LEVELS[(seed // len(kinds) + seed) % len(_LEVELS)]
        yield Sound(kind, seed, level, make(kind, seed, seconds=seconds, level=level))


def make(kind: str, seed: int, *, seconds: float, level: float) -> Samples:
    """One sound with its peak at `level` dB below full scale; silence has none."""
    signal = KINDS[kind](np.random.default_rng(seed), int(seconds * SAMPLE_RATE))
    peak = np.abs(signal).max(initial=0.0)
    return (signal / peak * 10 ** (level / 20) if peak else signal).astype(np.float32)


def mix(speech: Samples, sound: Samples, *, snr: float) -> Samples:
    """Speech over a sound, repeated to its length. `snr` in dB, of their powers over all of it."""
    under = np.resize(sound, len(speech)).astype(np.float64)
    power = np.mean(np.square(speech, dtype=np.float64)) / np.mean(np.square(under))
    mixed = speech + under * np.sqrt(power / 10 ** (snr / 10))
    return np.asarray(mixed / max(1.0, np.abs(mixed).max()), dtype=np.float32)


def _silence(_random: np.random.Generator, length: int) -> Signal:
    return np.zeros(length)


def _noise(slope: float) -> Maker:
    """Noise whose power falls with frequency to the power of `slope`: 0 white, 1 pink, 2 brown."""

    def make_noise(random: np.random.Generator, length: int) -> Signal:
        spectrum = np.fft.rfft(random.standard_normal(length))
        frequencies = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
        shape = np.maximum(frequencies, 20.0) ** (-slope / 2)
        return np.fft.irfft(spectrum * shape, length)

    return make_noise


def _hum(random: np.random.Generator, length: int) -> Signal:
    """Mains of 50 or 60 Hz with its harmonics, and a little noise."""
    time = _time(length)
    base = random.choice([50.0, 60.0])
    hum = sum(
        random.uniform(0.1, 1.0) / n * np.sin(2 * np.pi * base * n * time + random.uniform(0, 6))
        for n in range(1, 12)
    )
    return np.asarray(hum + 0.01 * random.standard_normal(length))


def _tones(random: np.random.Generator, length: int) -> Signal:
    """Beeps of a telephone line and a siren, by turns."""
    time = _time(length)
    pair = random.choice([350, 440, 480, 620, 697, 770, 852, 1209, 1336, 1477], 2, replace=False)
    on = (time % random.uniform(0.4, 4.0)) < random.uniform(0.1, 2.0)
    beeps = on * sum(np.sin(2 * np.pi * frequency * time) for frequency in pair)
    swing = np.cumsum(700 + 400 * np.sin(2 * np.pi * random.uniform(0.1, 0.7) * time))
    siren = np.sin(2 * np.pi * swing / SAMPLE_RATE)
    return np.asarray(np.where((time // 5) % 2 == 0, beeps, siren))


def _chords(random: np.random.Generator, length: int) -> Signal:
    """Held chords of an organ, two seconds each."""
    signal = np.zeros(length)
    for start in range(0, length, 2 * SAMPLE_RATE):
        root = int(random.integers(45, 60))
        for step in _MAJOR if random.random() < 0.5 else _MINOR:
            _add(signal, start, _string(root + step, 2.0, harmonics=8, decay=0.3))
    return signal


def _arpeggio(random: np.random.Generator, length: int) -> Signal:
    """Plucked strings, a fifth of a second each."""
    signal = np.zeros(length)
    step = SAMPLE_RATE // int(random.integers(3, 8))
    root = int(random.integers(48, 64))
    for number, start in enumerate(range(0, length, step)):
        if number % 16 == 0:
            root += int(random.choice([-5, -3, 2, 4]))
        note = root + _MINOR[number % 4] + 12 * int(random.random() < 0.2)
        _add(signal, start, _string(note, 0.8, harmonics=10, decay=4.0))
    return signal


def _drums(random: np.random.Generator, length: int) -> Signal:
    """Bass drum, snare and cymbal in four-four time."""
    signal = np.zeros(length)
    eighth = int(SAMPLE_RATE * 30 / random.uniform(70, 160))
    for number, start in enumerate(range(0, length, eighth)):
        _add(signal, start, 0.2 * _hit(random, 0.05, noise=1.0, pitch=0))
        if number % 4 == 0:
            _add(signal, start, _hit(random, 0.25, noise=0.02, pitch=90))
        if number % 4 == 2:
            _add(signal, start, 0.7 * _hit(random, 0.15, noise=0.8, pitch=190))
    return signal


def _band(random: np.random.Generator, length: int) -> Signal:
    """Drums, chords, and a melody with vibrato."""
    parts = [_drums(random, length), _chords(random, length), _melody(random, length)]
    return np.asarray(sum(part / max(np.abs(part).max(), 1e-9) for part in parts))


def _choir(random: np.random.Generator, length: int) -> Signal:
    """Vowels sung without words: pulses through three formants. What is nearest to a voice."""
    signal = np.zeros(length)
    for _ in range(3):
        tune = _melody(random, length, harmonics=30)
        sung = np.zeros(length)
        for start in range(0, length, SAMPLE_RATE):
            piece = tune[start : start + SAMPLE_RATE]
            for formant in _VOWELS[random.integers(len(_VOWELS))]:
                piece = _resonance(piece, formant)
            sung[start : start + SAMPLE_RATE] = piece / max(np.abs(piece).max(), 1e-9)
        signal += sung
    return signal


def _melody(random: np.random.Generator, length: int, harmonics: int = 6) -> Signal:
    time = _time(length)
    scale = 57 + np.array([0, 2, 4, 5, 7, 9, 11, 12])
    notes = random.choice(scale, length // (SAMPLE_RATE // 2) + 1)
    held = np.repeat(notes, SAMPLE_RATE // 2)[:length]
    pitch = 440 * 2 ** ((held - 69) / 12) * (1 + 0.008 * np.sin(2 * np.pi * 5.5 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    # No harmonic beyond half the sampling rate.
    return np.asarray(
        sum(np.sin(n * phase) / n * (n * pitch < 7500) for n in range(1, harmonics + 1))
    )


def _string(note: float, seconds: float, *, harmonics: int, decay: float) -> Signal:
    time = _time(int(seconds * SAMPLE_RATE))
    frequency = 440 * 2 ** ((note - 69) / 12)
    tone = sum(np.sin(2 * np.pi * frequency * n * time) / n for n in range(1, harmonics))
    attack = np.minimum(1.0, time / 0.01) * np.minimum(1.0, (seconds - time) / 0.02)
    return np.asarray(tone * attack * np.exp(-decay * time))


def _hit(random: np.random.Generator, seconds: float, *, noise: float, pitch: float) -> Signal:
    time = _time(int(seconds * SAMPLE_RATE))
    falling = np.sin(2 * np.pi * pitch * (time - time**2))
    crack = noise * random.standard_normal(len(time))
    return np.asarray((falling + crack) * np.exp(-5 * time / seconds))


def _resonance(signal: Signal, frequency: float, bandwidth: float = 80.0) -> Signal:
    """A pair of poles: one formant."""
    radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE)
    angle = 2 * np.pi * frequency / SAMPLE_RATE
    return np.asarray(lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], signal))


def _add(signal: Signal, start: int, part: Signal) -> None:
    span = signal[start : start + len(part)]
    span += part[: len(span)]


def _time(length: int) -> Signal:
    return np.arange(length) / SAMPLE_RATE


KINDS: dict[str, Maker] = {
    "silence": _silence,
    "white noise": _noise(0),
    "pink noise": _noise(1),
    "brown noise": _noise(2),
    "hum": _hum,
    "tones": _tones,
    "chords": _chords,
    "arpeggio": _arpeggio,
    "drums": _drums,
    "band": _band,
    "choir": _choir,
}
