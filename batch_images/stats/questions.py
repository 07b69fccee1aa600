"""Questions, as the recogniser punctuates them, and who answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batch_images.stats.debate import NOBODY, Debate, Floats, Integers
from batch_images.stats.turns import Turns

_MARKS = ("?", "？", "؟")
_ENDS = (".", "!", "…", "。", "！", *_MARKS)
_CLOSING = "\"'”’»)]"

EARLY_SECONDS = 1.0  # an answer may begin so long before the question is over
ANSWER_SECONDS = 5.0  # a later turn answers something else
STOP_SECONDS = 2.0  # who goes on for longer gave nobody the floor


@dataclass(frozen=True)
class Questions:
    """A row for each, in order of time. `answered_by` is a speaker or NOBODY, `segment` a row."""

    speaker: Integers
    start: Floats
    end: Floats
    segment: Integers
    answered_by: Integers

    def __len__(self) -> int:
        return len(self.start)


def is_punctuated(debate: Debate) -> bool:
    """Whether sentences have ends: without any, nothing can be said of questions."""
    return any(_ends(text, _ENDS) for text in debate.words.texts)


def find_questions(debate: Debate, turns: Turns) -> Questions:
    """Sentences that end with a question mark, by the segments that their ends are in."""
    words = debate.words
    ends = np.array([_ends(text, _ENDS) for text in words.texts], bool)
    last = np.flatnonzero([_ends(text, _MARKS) for text in words.texts])
    last = last[words.speaker[last] != NOBODY]
    # A sentence begins after the one before it, or with its segment.
    begins = np.concatenate([[True], ends[:-1] | (np.diff(words.segment) > 0)])[: len(words)]
    first = np.maximum.accumulate(np.where(begins, np.arange(len(words)), 0))
    end = words.end[last]
    speaker = words.speaker[last]
    return Questions(
        speaker=speaker,
        start=words.start[first[last]] if len(last) else end,
        end=end,
        segment=words.segment[last],
        answered_by=np.array(
            [_answer(turns, *asked) for asked in zip(speaker.tolist(), end.tolist(), strict=True)],
            np.int64,
        ),
    )


def _ends(text: str, marks: tuple[str, ...]) -> bool:
    return text.rstrip(_CLOSING).endswith(marks)


def _answer(turns: Turns, asker: int, end: float) -> int:
    """Whose turn comes next, if the asker lets it."""
    own = int(turns.nearest(asker, np.array([end]))[0])
    low, high = np.searchsorted(turns.start, [end - EARLY_SECONDS, end + ANSWER_SECONDS])
    for row in range(int(low), int(high)):
        if turns.speaker[row] != asker:
            stops = own < 0 or turns.end[own] <= turns.start[row] + STOP_SECONDS
            return int(turns.speaker[row]) if stops else NOBODY
    return NOBODY
