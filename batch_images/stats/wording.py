"""What words are used: fillers, variety, and what one says more than the others do."""

from __future__ import annotations

import math
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from batch_images.stats.debate import NOBODY, Debate, Integers

# Filled pauses that are no words: "like" or "este" may be either and are left out.
FILLERS = {
    "en": frozenset({"uh", "uhh", "um", "umm", "uhm", "er", "erm", "hm", "hmm", "mm"}),
    "es": frozenset({"eh", "ehm", "em", "hm", "hmm", "mm", "mmm"}),
    "de": frozenset({"äh", "ähm", "öh", "öhm", "hm", "hmm"}),
    "fr": frozenset({"euh", "heu", "hum", "hm"}),
}

WINDOW_WORDS = 100
_DISTINCTIVE = 10
_LEAST_USES = 3
_LEAST_Z = 1.96
_PRIOR_WORDS = 100.0

_PUNCTUATION = string.punctuation + "¿¡…“”‘’«»–—。，、？！؟،"


def normalized(text: str) -> str:
    """The word as it is counted: without case and the punctuation around it."""
    return text.strip(_PUNCTUATION).casefold()


@dataclass(frozen=True)
class Wording:
    """The words of a debate as they are counted; `words` in the order of `Debate.words`."""

    debate: Debate
    words: tuple[str, ...]

    @classmethod
    def of(cls, debate: Debate) -> Wording:
        return cls(debate, tuple(normalized(text) for text in debate.words.texts))

    def fillers(self) -> Integers | None:
        """Rows in `Debate.words` that are filled pauses; None for a language without a list."""
        language = (self.debate.language or "").split("-")[0].lower()
        if language not in FILLERS:
            return None
        known = FILLERS[language]
        speaker = self.debate.words.speaker.tolist()
        return np.array(
            [
                row
                for row, word in enumerate(self.words)
                if word in known and speaker[row] != NOBODY
            ],
            np.int64,
        )

    def by_speaker(self) -> list[list[str]]:
        """What each speaker said, in order."""
        said: list[list[str]] = [[] for _ in self.debate.speakers]
        for word, speaker in zip(self.words, self.debate.words.speaker.tolist(), strict=True):
            if word and speaker != NOBODY:
                said[speaker].append(word)
        return said


def moving_type_token_ratio(words: Sequence[str]) -> float | None:
    """Mean share of different words in every window of WINDOW_WORDS in a row.

    Covington & McFall (2010), doi:10.1080/09296171003643098: unlike the plain ratio it does not
    fall with length. None with fewer words than a window.
    """
    if len(words) < WINDOW_WORDS:
        return None
    window = Counter(words[:WINDOW_WORDS])
    total = len(window)
    for leaving, coming in zip(words, words[WINDOW_WORDS:], strict=False):
        window[coming] += 1
        window[leaving] -= 1
        if not window[leaving]:
            del window[leaving]
        total += len(window)
    return total / (len(words) - WINDOW_WORDS + 1) / WINDOW_WORDS


def distinctive_words(said: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """For each speaker the words used more than by the others, the surest first.

    Log odds with an informative Dirichlet prior, Monroe, Colaresi & Quinn (2008),
    doi:10.1093/pan/mpn018: z of at least 1.96 and at least three uses.
    """
    counts = [Counter(words) for words in said]
    together: Counter[str] = Counter()
    for own in counts:
        together.update(own)
    everything = together.total()
    for own in counts:
        own_total = own.total()
        others_total = everything - own_total
        scores: list[tuple[float, str]] = []
        for word, uses in own.items():
            if uses < _LEAST_USES or not others_total or len(together) == 1:
                continue
            prior = _PRIOR_WORDS * together[word] / everything
            others = together[word] - uses
            odds = math.log((uses + prior) / (own_total + _PRIOR_WORDS - uses - prior))
            odds -= math.log((others + prior) / (others_total + _PRIOR_WORDS - others - prior))
            z = odds / math.sqrt(1 / (uses + prior) + 1 / (others + prior))
            if z >= _LEAST_Z:
                scores.append((-z, word))
        yield [word for _, word in sorted(scores)[:_DISTINCTIVE]]
