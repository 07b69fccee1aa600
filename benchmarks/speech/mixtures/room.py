"""Rooms by the image source method (Allen and Berkley, 1979), as pyroomacoustics has it."""

from __future__ import annotations

import numpy as np
import pyroomacoustics

from batch_images.transcribe.sound import SAMPLE_RATE, Samples

_SMALLEST, _LARGEST = (4.0, 3.5, 2.6), (7.0, 6.0, 3.2)
_FROM_WALL = 0.5
_REFLECTIONS = 40  # at most; later ones are weaker than 60 dB in rooms of these sizes


def impulse_responses(sources: int, t60: float, rng: np.random.Generator) -> list[Samples]:
    """One for each of `sources` people, who sit or stand about one microphone.

    The direct sound comes first and has height 1, so that turns stay where they are.
    """
    size = rng.uniform(_SMALLEST, _LARGEST)
    absorption, order = pyroomacoustics.inverse_sabine(t60, size)
    room = pyroomacoustics.ShoeBox(
        size,
        fs=SAMPLE_RATE,
        materials=pyroomacoustics.Material(absorption),
        max_order=min(order, _REFLECTIONS),
    )
    room.add_microphone(rng.uniform((_FROM_WALL, _FROM_WALL, 0.7), (*(size[:2] - _FROM_WALL), 1.2)))
    for _ in range(sources):
        room.add_source(rng.uniform((_FROM_WALL, _FROM_WALL, 1.1), (*(size[:2] - _FROM_WALL), 1.8)))
    room.compute_rir()
    return [_aligned(response) for response in room.rir[0]]


def _aligned(response: Samples) -> Samples:
    direct = int(np.argmax(np.abs(response)))
    aligned: Samples = (response[direct:] / response[direct]).astype(np.float32)
    return aligned
