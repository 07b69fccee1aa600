"""What single speakers say, cut out of recordings whose truth is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batch_images.transcribe.sound import SAMPLE_RATE, Samples
from benchmarks.samples import read_samples
from benchmarks.speech.manifest import Clip
from benchmarks.speech.truth import Turn

_FRAME = SAMPLE_RATE // 50
# Speech begins so far up from a recording's background to its speech, in decibels: a recording of
# 1961 has its pauses 30 dB below the voice, one made by a program 45.
_SPEECH_FROM = 0.3
_PAUSE_SECONDS = 0.3
_SHORTEST_SECONDS = 0.7
_LONGEST_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """Speech without silence before or after it. `text` is empty where it is not known.

    `stretches`: first and last sample, last exclusive, of what lies between pauses.
    """

    samples: Samples
    text: str
    stretches: tuple[tuple[int, int], ...]

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Voice:
    """A person, and all that is at hand of them alone."""

    name: str
    utterances: tuple[Utterance, ...]

    @property
    def duration(self) -> float:
        """Seconds."""
        return sum(utterance.duration for utterance in self.utterances)


def cut(clips: Sequence[Clip], *, with_words: bool) -> list[Voice]:
    """The voices of the clips, by name. A name in two clips is one person.

    Speech is cut at pauses; `with_words`, only at those between utterances of which the words are
    known. A clip of a text alone is taken to be of one speaker, named like the clip.
    """
    found: dict[str, list[Utterance]] = defaultdict(list)
    for clip in clips:
        samples = read_samples(clip.audio)
        loud = _loud(samples)
        for turn in _alone(clip, len(samples) / SAMPLE_RATE):
            found[turn.speaker] += (
                utterance
                for utterance in _utterances(samples, loud, turn, whole=with_words)
                if _SHORTEST_SECONDS <= utterance.duration <= _LONGEST_SECONDS
            )
    return [
        Voice(name, tuple(utterances)) for name, utterances in sorted(found.items()) if utterances
    ]


def _alone(clip: Clip, duration: float) -> Iterator[Turn]:
    """Whole utterances that nobody talks into; of turns, the parts in which nobody does."""
    if clip.utterances:
        # Names in RTTM and STM may differ, so that others are known by when they speak.
        for turn in clip.utterances:
            if not any(_shared(turn, other) > 0 for other in clip.utterances if other != turn):
                yield turn
    elif clip.turns:
        for turn in clip.turns:
            start = turn.start
            for other in (t for t in clip.turns if t != turn and _shared(turn, t) > 0):
                if other.start > start:
                    yield Turn(start, other.start, turn.speaker)
                start = max(start, other.end)
            if start < turn.end:
                yield Turn(start, turn.end, turn.speaker)
    else:
        yield Turn(0.0, duration, clip.name, clip.text or "")


def _shared(turn: Turn, other: Turn) -> float:
    return min(turn.end, other.end) - max(turn.start, other.start)


def _loud(samples: Samples) -> NDArray[np.bool_]:
    """Frame by frame, whether it may be speech: (len(samples) // _FRAME,)."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    decibels = 10 * np.log10(np.mean(np.square(frames), axis=1) + 1e-9)
    background, voice = np.percentile(decibels, (5, 95))
    loud: NDArray[np.bool_] = decibels > background + _SPEECH_FROM * (voice - background)
    return loud


def _utterances(
    samples: Samples, loud: NDArray[np.bool_], turn: Turn, *, whole: bool
) -> Iterator[Utterance]:
    """Without the silence around them: the turn with its words, or what lies between its pauses."""
    begin, end = (round(second * SAMPLE_RATE / _FRAME) for second in (turn.start, turn.end))
    frames = np.flatnonzero(loud[begin:end]) + begin
    if not len(frames) or (whole and not turn.text):
        return
    pauses = np.flatnonzero(np.diff(frames) * _FRAME > _PAUSE_SECONDS * SAMPLE_RATE)
    parts = [
        (int(part[0]) * _FRAME, (int(part[-1]) + 1) * _FRAME)
        for part in np.split(frames, pauses + 1)
    ]
    if whole:
        first, last = parts[0][0], parts[-1][1]
        stretches = tuple((start - first, stop - first) for start, stop in parts)
        yield Utterance(samples[first:last], turn.text, stretches)
    else:
        for start, stop in parts:
            yield Utterance(samples[start:stop], "", ((0, stop - start),))
