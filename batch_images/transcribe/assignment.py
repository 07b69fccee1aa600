"""Words to speakers, by the times of the words.

Pure functions. A word goes to the speaker whose turns cover most of it. Where people speak at the
same moment it stays with whoever was speaking; a word that no turn comes near belongs to nobody.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from batch_images.transcribe.spoken import SpokenWord
from debate_analyzer.transcript import Segment, Turn, Word

# Recognisers place words, and diarizers turns, to about a quarter of a second.
NEAR_SECONDS = 0.5

_PAUSE_SECONDS = 1.0
_SENTENCE_SECONDS = 6.0
_LONGEST_SECONDS = 20.0
_SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")


def assign(words: Sequence[SpokenWord], turns: Sequence[Turn]) -> list[str | None]:
    """The speaker of each word, in the order of the words."""
    timeline = _Timeline(turns)
    speakers: list[str | None] = []
    previous: str | None = None
    for word in words:
        speaker = timeline.speaker(word, previous)
        speakers.append(speaker)
        previous = speaker or previous
    return speakers


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

    def speaker(self, word: SpokenWord, previous: str | None) -> str | None:
        """Whose the word is. `previous` is the speaker of the word before, who wins a tie."""
        covered: dict[str, float] = {}
        nearest: tuple[float, str] | None = None
        for turn in self._around(word):
            gap = max(turn.start - word.end, word.start - turn.end)
            if gap < 0 or (gap == 0 and word.start == word.end):
                shared = min(turn.end, word.end) - max(turn.start, word.start)
                covered[turn.speaker] = covered.get(turn.speaker, 0.0) + shared
            elif gap <= NEAR_SECONDS and (nearest is None or gap < nearest[0]):
                nearest = (gap, turn.speaker)
        if covered:
            most = max(covered.values())
            best = [name for name, shared in covered.items() if shared >= most - 1e-9]
            return previous if previous in best else best[0]
        return nearest[1] if nearest else None

    def _around(self, word: SpokenWord) -> Sequence[Turn]:
        first = bisect_left(self._starts, word.start - self._longest - NEAR_SECONDS)
        last = bisect_left(self._starts, word.end + NEAR_SECONDS + 1e-9)
        return self._turns[first:last]
