"""Sound and truth of a mixture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, resample_poly

from batch_images.transcribe.sound import SAMPLE_RATE, Samples
from benchmarks.speech.mixtures.noise import make_noise
from benchmarks.speech.mixtures.recipe import Recipe
from benchmarks.speech.mixtures.room import impulse_responses
from benchmarks.speech.mixtures.scene import Placed, draw_scene
from benchmarks.speech.mixtures.voices import Utterance, Voice
from benchmarks.speech.truth import Turn

_LEVEL = 0.05  # RMS of speech at a gain of 0 dB, of full scale
_PEAK = 0.98
_LEAST_SECONDS = 4.0  # who has less at hand takes no part
_TAIL = SAMPLE_RATE // 2

# Ratios of lengths. Kaldi's recipes count a person at another speed as another person, for pitch
# and formants move along: https://www.danielpovey.com/files/2015_interspeech_augmentation.pdf
_SPEEDS = ((1, 1), (10, 11), (10, 9))


@dataclass(frozen=True, slots=True)
class Mixture:
    """`turns` are without the pauses in the `utterances`, and exact for the dry speech: a room's
    echo goes on after them. `speech` and `noise` have the same length; their sum is the recording,
    within -1..1."""

    turns: list[Turn]
    utterances: list[Turn]
    speech: Samples
    noise: Samples

    @property
    def recording(self) -> NDArray[np.int16]:
        """16 bits, 16 kHz."""
        pcm: NDArray[np.int16] = np.rint((self.speech + self.noise) * 32767).astype(np.int16)
        return pcm


class TooFewVoices(ValueError):
    """The speech at hand does not make the conversation asked for."""


def make_mixture(
    voices: Sequence[Voice], recipe: Recipe, rng: np.random.Generator, *, seconds: float
) -> Mixture:
    """The same generator state gives the same mixture. Of fewer voices than a recipe's most, as
    many as there are may take part; raises TooFewVoices where they are fewer than its least."""
    able = [voice for voice in voices if voice.duration >= _LEAST_SECONDS]
    least, most = recipe.speakers
    if len(able) < least:
        raise TooFewVoices(
            f"{recipe.kind}: {least} speakers are asked for, but only {len(able)} have "
            f"{_LEAST_SECONDS:.0f} s of speech at hand. Name more recordings."
        )
    count = int(rng.integers(least, min(most, len(able)) + 1))
    chosen = [able[i] for i in rng.choice(len(able), count, replace=False)]
    speakers = [_at_speed(voice, *_SPEEDS[rng.integers(len(_SPEEDS))]) for voice in chosen]
    scene = draw_scene(speakers, rng, seconds=seconds, overlap=recipe.overlap, pause=recipe.pause)
    speech = _speech(scene, recipe, rng)
    names = {voice.name for voice in chosen}
    others = [u.samples for voice in voices if voice.name not in names for u in voice.utterances]
    noises = [name for name in recipe.noises if name != "babble" or others]
    if not noises:
        raise TooFewVoices(f"{recipe.kind}: babble needs somebody who takes no part.")
    name = noises[rng.integers(len(noises))]
    noise = make_noise(name, len(speech), rng, speech=others)
    noise *= np.sqrt(_power(speech, scene) / 10 ** (rng.uniform(*recipe.snr_db) / 10))
    scale = min(1.0, _PEAK / float(np.max(np.abs(speech + noise))))
    return Mixture(
        turns=sorted(_turn(p.speaker, *span) for p in scene for span in p.stretches),
        utterances=sorted(_turn(p.speaker, p.start, p.end, p.utterance.text) for p in scene),
        speech=speech * np.float32(scale),
        noise=noise * np.float32(scale),
    )


def _turn(speaker: str, first: int, last: int, text: str = "") -> Turn:
    return Turn(first / SAMPLE_RATE, last / SAMPLE_RATE, speaker, text)


def _at_speed(voice: Voice, up: int, down: int) -> Voice:
    """`up` over `down` as long."""
    utterances = []
    for u in voice.utterances:
        samples = resample_poly(u.samples, up, down).astype(np.float32)
        stretches = tuple(
            (first * up // down, min(-(-last * up // down), len(samples)))
            for first, last in u.stretches
        )
        utterances.append(Utterance(samples, u.text, stretches))
    return Voice(voice.name, tuple(utterances))


def _speech(scene: Sequence[Placed], recipe: Recipe, rng: np.random.Generator) -> Samples:
    length = max(p.end for p in scene) + _TAIL
    names = sorted({p.speaker for p in scene})
    responses: list[Samples] | None = None
    if recipe.t60:
        responses = impulse_responses(len(names), rng.uniform(*recipe.t60), rng)
    whole = np.zeros(length, dtype=np.float32)
    for index, name in enumerate(names):
        own = np.zeros(length, dtype=np.float32)
        for p in scene:
            if p.speaker == name:
                own[p.start : p.end] = p.utterance.samples
        level = _LEVEL * 10 ** (rng.uniform(*recipe.gain_db) / 20)
        own *= level / np.sqrt(np.mean(np.square(own[own != 0])))
        if responses:
            own = fftconvolve(own, responses[index])[:length].astype(np.float32)
        whole += own
    return whole


def _power(speech: Samples, scene: Sequence[Placed]) -> float:
    """While anybody speaks."""
    spoken = np.zeros(len(speech), dtype=np.bool_)
    for first, last in (span for p in scene for span in p.stretches):
        spoken[first:last] = True
    return float(np.mean(np.square(speech[spoken])))
