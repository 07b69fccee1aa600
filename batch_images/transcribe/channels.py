"""A recording in which every speaker has a channel: whose the words are is known, not asked.

A microphone also hears its neighbours, only softer, and the recogniser hears them with it. What is
said once must stay once: a word belongs to the channel in which it is loud.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from batch_images.transcribe.assignment import segment
from batch_images.transcribe.sound import SAMPLE_RATE, Samples, Sound
from batch_images.transcribe.spoken import SpokenWord
from debate_analyzer.transcript import Segment, Turn

# Words of one channel with a shorter pause between them are one turn.
PAUSE_SECONDS = 0.5

# Channels whose samples correlate more than this have the same voices in them.
_SAME_CORRELATION = 0.95
# Loudest ten seconds of a channel that nobody speaks into, in dB of full scale.
_SILENT_DB = -70.0
_PIECE = 10 * SAMPLE_RATE

# A voice is this much softer, or more, in its neighbours' microphones: docs/recognition.md.
CROSSTALK_DB = 8.0
# Loudness is that of so many samples, long enough for two periods of the lowest voice.
_MOMENT = SAMPLE_RATE // 20
# How far apart two channels may place the same word.
_SAME_WORD_SECONDS = 0.3

# Recognisers stretch a word over the pause before or after it.
_LONGEST_WORD_SECONDS = 1.0

_FLOOR = 1e-12


def distinct(sounds: Sequence[Sound]) -> list[Sound]:
    """Those in which somebody may be heard who is not heard in a louder one; one at least.

    Silent channels go, and of channels with the same samples, up to a factor, all but the loudest:
    a recording with one voice in two channels is a mixed one. All of `sounds` are equally long.
    """
    products = np.zeros((len(sounds), len(sounds)))
    loudest = np.zeros(len(sounds))
    for first in range(0, len(sounds[0]), _PIECE):
        piece = np.stack([sound.read(first, first + _PIECE) for sound in sounds])
        piece_products = (piece @ piece.T).astype(np.float64)
        products += piece_products
        loudest = np.maximum(loudest, np.diag(piece_products) / piece.shape[1])
    energy = np.diag(products)
    order = np.argsort(-energy, kind="stable")
    kept: list[int] = []
    for one in order:
        correlations = [
            abs(products[one, other]) / np.sqrt(energy[one] * energy[other] + _FLOOR)
            for other in kept
        ]
        if _decibels(loudest[one]) > _SILENT_DB and max(correlations, default=0.0) < (
            _SAME_CORRELATION
        ):
            kept.append(int(one))
    return [sounds[index] for index in sorted(kept or [int(order[0])])]


def without_crosstalk(
    sounds: Sequence[Sound], heard: Sequence[Sequence[SpokenWord]]
) -> list[list[SpokenWord]]:
    """Of the words `heard` in each of `sounds`, in order, those of the channel's own speaker.

    A word is another's where a channel that has words at that time is louder by CROSSTALK_DB, or
    louder at all and has the same word. They are compared at the moment at which the word is
    loudest: recognisers stretch words over pauses, in which others speak. What is longer than a
    word is cut to the second around that moment.
    """
    own: list[list[SpokenWord]] = []
    for channel, words in enumerate(heard):
        neighbours = [
            _Neighbour(sounds[other], heard[other])
            for other in range(len(sounds))
            if other != channel and heard[other]
        ]
        own.append(
            [
                _tightened(word, sounds[channel])
                for word in words
                if not _is_anothers(word, sounds[channel], neighbours)
            ]
        )
    return own


def told(channels: Sequence[Sequence[SpokenWord]]) -> tuple[list[Segment], list[Turn]]:
    """The segments and the turns of the speakers, each whole, in order of their start.

    They overlap where people talk at the same time. SPEAKER_00 is whose first word is the first.
    """
    speaking = sorted((words for words in channels if words), key=lambda words: words[0].start)
    segments: list[Segment] = []
    turns: list[Turn] = []
    for number, words in enumerate(speaking):
        speaker = f"SPEAKER_{number:02d}"
        segments += segment(words, [speaker] * len(words))
        turns += _turns(words, speaker)
    segments.sort(key=lambda each: each.start)
    turns.sort(key=lambda each: each.start)
    return segments, turns


class _Neighbour:
    """Another channel, asked about moments. `words` in order of their start."""

    def __init__(self, sound: Sound, words: Sequence[SpokenWord]) -> None:
        self.sound = sound
        self._words = words
        self._starts = [word.start for word in words]
        self._longest = max(word.end - word.start for word in words)

    def around(self, word: SpokenWord) -> list[SpokenWord]:
        """What is said here while `word` is said there, or as near as the same word may be."""
        start, end = word.start - _SAME_WORD_SECONDS, word.end + _SAME_WORD_SECONDS
        first = bisect_left(self._starts, start - self._longest)
        last = bisect_right(self._starts, end)
        return [other for other in self._words[first:last] if other.end >= start]


def _is_anothers(word: SpokenWord, sound: Sound, neighbours: Sequence[_Neighbour]) -> bool:
    meeting = [(other, said) for other in neighbours if (said := other.around(word))]
    if not meeting:
        return False
    moment, loudness = _loudest(sound, word)
    for neighbour, said in meeting:
        louder = _decibels(_power(neighbour.sound.read(moment, moment + _MOMENT))) - loudness
        same = any(
            other.plain == word.plain and abs(other.middle - word.middle) <= _SAME_WORD_SECONDS
            for other in said
        )
        if louder >= CROSSTALK_DB or (same and louder > 0):
            return True
    return False


def _tightened(word: SpokenWord, sound: Sound) -> SpokenWord:
    if word.end - word.start <= _LONGEST_WORD_SECONDS:
        return word
    moment, _ = _loudest(sound, word)
    middle = (moment + _MOMENT / 2) / SAMPLE_RATE
    return replace(
        word,
        start=max(word.start, middle - _LONGEST_WORD_SECONDS / 2),
        end=min(word.end, middle + _LONGEST_WORD_SECONDS / 2),
    )


def _loudest(sound: Sound, word: SpokenWord) -> tuple[int, float]:
    """The sample at which the loudest moment of the word begins, and how loud it is, in dB."""
    first = round(word.start * SAMPLE_RATE)
    samples = sound.read(first, max(round(word.end * SAMPLE_RATE), first + _MOMENT))
    powers = [_power(samples[at : at + _MOMENT]) for at in range(0, len(samples), _MOMENT)]
    loudest = int(np.argmax(powers)) if powers else 0
    return first + loudest * _MOMENT, _decibels(powers[loudest] if powers else 0.0)


def _power(samples: Samples) -> float:
    return float(np.mean(np.square(samples))) if len(samples) else 0.0


def _decibels(power: float) -> float:
    return float(10 * np.log10(power + _FLOOR))


def _turns(words: Sequence[SpokenWord], speaker: str) -> list[Turn]:
    turns: list[Turn] = []
    for word in words:
        if turns and word.start - turns[-1].end <= PAUSE_SECONDS:
            turns[-1].end = max(turns[-1].end, round(word.end, 3))
        else:
            turns.append(Turn(start=round(word.start, 3), end=round(word.end, 3), speaker=speaker))
    return turns
