"""A long recording is heard in blocks, which overlap; here they become one again.

Pure functions. Blocks are cut in pauses where there are any. Around each cut both neighbours hear
the same few seconds, and the seam is laid where neither loses or doubles a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from batch_images.transcribe.guard import Stretch, guard
from batch_images.transcribe.spoken import SpokenWord
from debate_analyzer.transcript import Warning

# Each block also hears so much of its neighbours: longer than a word and its context.
MARGIN_SECONDS = 5.0

# How far apart two hearings may place a word that is the same.
_SAME_WORD_SECONDS = 0.5


@dataclass(frozen=True)
class Block:
    """What an engine hears from `start` to `end`, in seconds, and for MARGIN_SECONDS around it.

    `recovered`: from a second hearing of speech that the first passed over. `language` and its
    probability: as heard; None where it was given, or known from an earlier block.
    """

    start: float
    end: float
    stretches: list[Stretch]
    recovered: list[Stretch]
    language: str | None = None
    language_probability: float | None = None

    @property
    def words(self) -> list[SpokenWord]:
        """In order of their start, hallucinations and all."""
        heard = (word for part in [*self.stretches, *self.recovered] for word in part.words)
        return sorted(heard, key=lambda word: word.start)

    def shifted(self, seconds: float) -> Block:
        """The block of a part that begins `seconds` into the whole recording."""

        def shift(stretch: Stretch) -> Stretch:
            words = [
                replace(word, start=word.start + seconds, end=word.end + seconds)
                for word in stretch.words
            ]
            return replace(stretch, words=words)

        return replace(
            self,
            start=self.start + seconds,
            end=self.end + seconds,
            stretches=[shift(stretch) for stretch in self.stretches],
            recovered=[shift(stretch) for stretch in self.recovered],
        )


@dataclass(frozen=True)
class Recognition:
    """Words in order of their start, in seconds; empty where nothing is said."""

    words: list[SpokenWord]
    language: str | None
    language_probability: float | None
    warnings: list[Warning]


def join(blocks: Sequence[Block], *, language: str | None) -> Recognition:
    """The words that somebody said, each once. `blocks` in order; `language`: as given, if it was.

    Otherwise the recording's language is that of the first block in which somebody speaks.
    """
    seams = [seam(one.words, other.words, other.start) for one, other in pairwise(blocks)]
    stretches = [
        replace(stretch, words=[word for word in stretch.words if first <= word.middle < last])
        for block, first, last in zip(blocks, [-1.0, *seams], [*seams, float("inf")], strict=True)
        for stretch in [*block.stretches, *block.recovered]
    ]
    words, warnings = guard(stretches)
    probability: float | None = None
    if language is None:
        language, probability = next(
            (
                (block.language, block.language_probability)
                for block in blocks
                if block.language and guard(block.stretches)[0]
            ),
            (None, None),
        )
    return Recognition(words, language, probability, warnings)


def seam(before: Sequence[SpokenWord], after: Sequence[SpokenWord], cut: float) -> float:
    """The moment near `cut` at which to go over from one hearing to the other, in seconds.

    Of `before`, words whose middle is earlier are kept, of `after` the others. The best moment has
    no word on both sides or on neither, then lies within no word, then is nearest to `cut`.
    """
    before, after = _near(before, cut), _near(after, cut)
    same = [
        (one.middle, other.middle)
        for one in before
        for other in after
        if one.plain == other.plain and abs(one.middle - other.middle) <= _SAME_WORD_SECONDS
    ]
    edges = sorted({edge for word in [*before, *after] for edge in (word.start, word.end)})
    moments = [cut, *((one + other) / 2 for one, other in pairwise(edges))]

    def cost(moment: float) -> tuple[int, int, float]:
        split = sum((one < moment) == (moment <= other) for one, other in same)
        within = sum(word.start < moment < word.end for word in [*before, *after])
        return split, within, abs(moment - cut)

    return min(moments, key=cost)


def _near(words: Sequence[SpokenWord], cut: float) -> list[SpokenWord]:
    return [word for word in words if abs(word.middle - cut) <= MARGIN_SECONDS]
