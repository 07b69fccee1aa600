"""Words to speakers, by the times of the words.

Pure functions. Recognisers place words, and diarizers turns, no better than to a tenth of a second
or two, so a word near a change of speakers may be either's. The likeliest course of the
conversation is taken (Viterbi): every word as near as possible to the turns of its speaker, and as
few changes of speaker as possible, above all within a sentence. A word that no turn comes near
belongs to nobody.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from batch_images.transcribe.spoken import SpokenWord
from debate_analyzer.transcript import Segment, Turn, Word

# A word further from every turn than this is nobody's.
NEAR_SECONDS = 0.5

# Costs, as negative log likelihoods. How far outside its speaker's turns a word lies is taken as
# Laplace distributed with this scale; one in three ends of a sentence is a change of speaker, one
# in a hundred other words. These are priors: docs/recognition.md says what else was tried.
_OUTSIDE_SECONDS = 0.05
_CHANGE_AFTER_SENTENCE = -math.log(1 / 3)
_CHANGE_WITHIN_SENTENCE = -math.log(1 / 100)

# A word's distance is the mean of so many moments in it, evenly spread.
_MOMENTS = 5

# Recognisers stretch a word over the pause before or after it.
_LONGEST_WORD_SECONDS = 0.6

_PAUSE_SECONDS = 1.0
_SENTENCE_SECONDS = 6.0
_LONGEST_SECONDS = 20.0
_SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")


def assign(words: Sequence[SpokenWord], turns: Sequence[Turn]) -> list[str | None]:
    """The speaker of each word, in the order of the words.

    While two people speak, words stay with the first to the end of a sentence; the next one is the
    second's.
    """
    timeline = _Timeline(turns)
    costs: dict[str | None, float] = {None: 0.0}
    came_from: list[dict[str | None, str | None]] = []
    sentence_begins = True
    for word in words:
        costs_before, costs = costs, {}
        came_from.append({})
        for speaker, distance in timeline.near(word).items():
            before, cost = _cheapest(costs_before, speaker, sentence_begins)
            came_from[-1][speaker] = before
            costs[speaker] = cost + distance / _OUTSIDE_SECONDS
        sentence_begins = word.text.rstrip().endswith(_SENTENCE_ENDS)
    speaker = min(costs, key=lambda name: costs[name])
    speakers: list[str | None] = []
    for before_it in reversed(came_from):
        speakers.append(speaker)
        speaker = before_it[speaker]
    return speakers[::-1]


def _cheapest(
    costs: dict[str | None, float], speaker: str | None, sentence_begins: bool
) -> tuple[str | None, float]:
    """Who spoke the word before `speaker`'s, and what it costs. From or to nobody is no change.

    Of equal ways, a change at the first end of a sentence, or at the last word within one.
    """
    change = _CHANGE_AFTER_SENTENCE if sentence_begins else _CHANGE_WITHIN_SENTENCE
    ways = (
        (before, cost + (change if before and speaker and before != speaker else 0.0))
        for before, cost in costs.items()
    )
    return min(ways, key=lambda way: (round(way[1], 6), (way[0] == speaker) is not sentence_begins))


def segment(words: Sequence[SpokenWord], speakers: Sequence[str | None]) -> list[Segment]:
    """Words in a row of one speaker, cut at pauses and, where they grow long, at sentence ends."""
    segments: list[Segment] = []
    held: list[SpokenWord] = []
    speaker: str | None = None
    for word, whose in zip(words, speakers, strict=True):
        if held and (whose != speaker or _is_over(held, word)):
            segments.append(_segment(held, speaker))
            held = []
        held.append(word)
        speaker = whose
    if held:
        segments.append(_segment(held, speaker))
    return segments


def _is_over(held: Sequence[SpokenWord], word: SpokenWord) -> bool:
    length = held[-1].end - held[0].start
    return (
        word.start - held[-1].end > _PAUSE_SECONDS
        or length > _LONGEST_SECONDS
        or (length > _SENTENCE_SECONDS and held[-1].text.rstrip().endswith(_SENTENCE_ENDS))
    )


def _segment(words: Sequence[SpokenWord], speaker: str | None) -> Segment:
    confidence = sum(word.probability for word in words) / len(words)
    return Segment(
        start=round(words[0].start, 3),
        end=round(max(word.end for word in words), 3),
        text="".join(word.text for word in words).strip(),
        speaker=speaker,
        confidence=round(confidence, 4),
        words=[
            Word(
                start=round(word.start, 3),
                end=round(word.end, 3),
                word=word.text.strip(),
                probability=round(word.probability, 4),
                speaker=speaker,
            )
            for word in words
        ],
    )


class _Timeline:
    """Turns in order of their start, and how far before a moment one that lasts may have begun."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        self._turns = sorted(turns, key=lambda turn: turn.start)
        self._starts = [turn.start for turn in self._turns]
        self._longest = max((turn.duration for turn in self._turns), default=0.0)

    def near(self, word: SpokenWord) -> dict[str | None, float]:
        """Whose the word may be, and the mean distance of its moments from their turns, in seconds.

        Nobody's, at no distance, where no turn is near.
        """
        near: dict[str | None, list[Turn]] = {}
        for turn in self._around(word):
            if max(turn.start - word.end, word.start - turn.end) <= NEAR_SECONDS:
                near.setdefault(turn.speaker, []).append(turn)
        if not near:
            return {None: 0.0}
        return {speaker: _distance(word, turns) for speaker, turns in near.items()}

    def _around(self, word: SpokenWord) -> Sequence[Turn]:
        first = bisect_left(self._starts, word.start - self._longest - NEAR_SECONDS)
        last = bisect_left(self._starts, word.end + NEAR_SECONDS + 1e-9)
        return self._turns[first:last]


def _distance(word: SpokenWord, turns: Sequence[Turn]) -> float:
    """Of a word that is too long, the end that is nearer counts: the other is a pause's."""
    length = min(word.end - word.start, _LONGEST_WORD_SECONDS)
    return min(
        sum(_away(start + length * (number + 0.5) / _MOMENTS, turns) for number in range(_MOMENTS))
        / _MOMENTS
        for start in {word.start, word.end - length}
    )


def _away(moment: float, turns: Sequence[Turn]) -> float:
    return min(max(turn.start - moment, moment - turn.end, 0.0) for turn in turns)
