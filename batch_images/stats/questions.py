"""Questions, as the recogniser punctuates them, and who answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batch_images.stats.debate import NOBODY, Debate, Floats, Integers
from batch_images.stats.intervals import SLACK_SECONDS, at_most
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
        start=np.minimum(words.start[first[last]], words.start[last]),
        end=end,
        segment=words.segment[last],
        answered_by=_answered_by(turns, speaker, end),
    )


def _ends(text: str, marks: tuple[str, ...]) -> bool:
    return text.rstrip(_CLOSING).endswith(marks)


def _answered_by(turns: Turns, askers: Integers, ends: Floats) -> Integers:
    """Whose turn comes next after each question, if the asker lets it."""
    stops = ends.copy()
    for asker in np.unique(askers).tolist():
        asked = np.flatnonzero(askers == asker)
        own = turns.nearest(asker, ends[asked])
        stops[asked[own >= 0]] = turns.end[own[own >= 0]]
    first = np.searchsorted(turns.start, ends - EARLY_SECONDS - SLACK_SECONDS)
    last = np.searchsorted(turns.start, ends + ANSWER_SECONDS + SLACK_SECONDS)
    speaker, start = turns.speaker.tolist(), turns.start.tolist()
    answered_by = np.full(len(ends), NOBODY)
    for question, (asker, stop, low, high) in enumerate(
        zip(askers.tolist(), stops.tolist(), first.tolist(), last.tolist(), strict=True)
    ):
        other = next((row for row in range(low, high) if speaker[row] != asker), None)
        if other is not None and at_most(stop - start[other], STOP_SECONDS):
            answered_by[question] = speaker[other]
    return answered_by
