"""Who says what when in a mixture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from batch_images.transcribe.sound import SAMPLE_RATE
from benchmarks.speech.mixtures.voices import Utterance, Voice

_LEAD = SAMPLE_RATE // 2  # before the first word
_SHORTEST_OVERLAP = SAMPLE_RATE // 5


@dataclass(frozen=True, slots=True)
class Placed:
    """An utterance with the sample at which it begins."""

    start: int
    speaker: str
    utterance: Utterance

    @property
    def end(self) -> int:
        """The sample after its last."""
        return self.start + len(self.utterance.samples)

    @property
    def stretches(self) -> list[tuple[int, int]]:
        """The utterance's, in samples of the mixture."""
        return [(self.start + first, self.start + last) for first, last in self.utterance.stretches]


def draw_scene(
    voices: Sequence[Voice],
    rng: np.random.Generator,
    *,
    seconds: float,
    overlap: float,
    pause: tuple[float, float],
) -> list[Placed]:
    """A conversation of at most `seconds`, in order of starts.

    Everybody speaks before anybody speaks again, no two utterances of one voice overlap, never do
    more than two people speak, and nothing is said twice: it ends early where no more is at hand.
    A turn begins before the last one ends whenever less than `overlap` of the time with speech has
    been overlapped.
    """
    left = {v.name: [v.utterances[i] for i in rng.permutation(len(v.utterances))] for v in voices}
    placed: list[Placed] = []
    spoken = overlapped = 0  # samples in which anybody speaks, in which two do
    while any(left.values()):
        holder = max(placed, key=lambda p: p.end, default=None)
        speaker = _next_speaker(left, placed, holder, rng)
        utterance = left[speaker].pop()
        length = len(utterance.samples)
        pause_samples = int(rng.uniform(*pause) * SAMPLE_RATE)
        if holder is None:
            start = _LEAD
        elif speaker == holder.speaker:
            start = holder.end + pause_samples
        else:
            # Who overlaps `holder` already must have ended, so that there are two at a time.
            free = max([holder.start, *(p.end for p in placed if p is not holder)])
            owed = (overlap * (spoken + length) - overlapped) / (1 + overlap)
            shared = min(int(owed * rng.uniform(0.5, 1.5)), holder.end - free, int(0.9 * length))
            start = holder.end + pause_samples
            if shared >= _SHORTEST_OVERLAP:
                start = holder.end - shared
        if start + length > seconds * SAMPLE_RATE:
            continue
        common = max(0, min(holder.end, start + length) - start) if holder else 0
        overlapped += common
        spoken += length - common
        placed.append(Placed(start, speaker, utterance))
    return placed


def _next_speaker(
    left: dict[str, list[Utterance]],
    placed: Sequence[Placed],
    holder: Placed | None,
    rng: np.random.Generator,
) -> str:
    """Who has not spoken yet, then who has more to say; the one who spoke last if all else is."""
    able = [name for name, utterances in left.items() if utterances]
    others = [name for name in able if holder is None or name != holder.speaker] or able
    heard = {p.speaker for p in placed}
    chosen = [name for name in others if name not in heard] or others
    weights = np.array([sum(len(u.samples) for u in left[name]) for name in chosen], dtype=float)
    return chosen[int(rng.choice(len(chosen), p=weights / weights.sum()))]
