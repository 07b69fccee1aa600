"""Turns: who has the floor, from when to when; and who began while another was speaking.

Definitions, thresholds and their sources are in docs/statistics.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from batch_images.stats.debate import Booleans, Debate, Floats, Integers, rows_by_speaker
from batch_images.stats.intervals import (
    NO_TIME,
    SLACK_SECONDS,
    Times,
    at_least,
    at_most,
    to_milliseconds,
    union,
)
from debate_analyzer.statistics import OverlapKind

COLLAR_SECONDS = 0.25  # within which the diarization's boundaries are not known
PAUSE_SECONDS = 0.2  # shorter silences of one speaker are within an utterance
LEAST_TURN_SECONDS = COLLAR_SECONDS
TURN_GAP_SECONDS = 2.0  # after a longer silence the same speaker begins a new turn
SHORT_SECONDS = 1.0  # a very short utterance may be a backchannel
LEAST_WITHIN_SECONDS = COLLAR_SECONDS
LEAST_OVERLAP_SECONDS = 2 * COLLAR_SECONDS  # where one goes on alone, less may be no overlap
FLOOR_SECONDS = 1.0  # so long before the other stops, and so long without him after it

KINDS: tuple[OverlapKind, ...] = ("backchannel", "overlap", "floor_taken")


@dataclass(frozen=True)
class Utterances:
    """Speech of one speaker without pauses of more than PAUSE_SECONDS, in order of start."""

    speaker: Integers
    start: Floats
    end: Floats

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def next(self) -> Integers:
        """The row of the same speaker's next; their number where there is none."""
        rows = np.full(len(self), len(self))
        order = np.lexsort((self.start, self.speaker))
        same = self.speaker[order[1:]] == self.speaker[order[:-1]]
        rows[order[:-1][same]] = order[1:][same]
        return rows


@dataclass(frozen=True)
class OverlapStarts:
    """A row for each time that `speaker` began while `over` spoke. `kind`: index into KINDS.

    `interjected`, of all utterances: whether it is short and within somebody else's. Such are
    backchannels, but for those that are too short to be counted; they take no turn.
    """

    speaker: Integers
    over: Integers
    start: Floats
    end: Floats
    kind: Integers
    interjected: Booleans

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True)
class Turns:
    """In order of start. `speech` in seconds and `words` are those of the turn's speaker nearest
    to it, so that over a speaker's turns they add up to all of his or hers."""

    speaker: Integers
    start: Floats
    end: Floats
    speech: Floats
    words: Integers

    def __len__(self) -> int:
        return len(self.start)

    @property
    def duration(self) -> Floats:
        return to_milliseconds(self.end - self.start)  # of two as long neither is longer

    def of(self, speaker: int) -> Integers:
        """The rows of a speaker."""
        return self._rows[speaker] if speaker < len(self._rows) else np.empty(0, np.int64)

    @cached_property
    def _rows(self) -> list[Integers]:
        return rows_by_speaker(self.speaker, int(self.speaker.max(initial=-1)) + 1)

    def nearest(self, speaker: int, times: Floats) -> Integers:
        """For each moment the row of the speaker's turn that is nearest, of two as near the
        earlier; -1 without any turn."""
        rows = self.of(speaker)
        if not len(rows):
            return np.full(len(times), -1)
        after = np.clip(np.searchsorted(self.start[rows], times, side="right"), 1, len(rows)) - 1
        following = np.minimum(after + 1, len(rows) - 1)
        before, until = times - self.end[rows[after]], self.start[rows[following]] - times
        nearer = until < before - SLACK_SECONDS
        chosen: Integers = rows[np.where(nearer & (following > after), following, after)]
        return chosen


def find_utterances(debate: Debate) -> Utterances:
    spans = [union(speech, gap=PAUSE_SECONDS) for speech in debate.speech]
    speaker = np.repeat(np.arange(len(spans)), [len(each) for each in spans])
    times = np.concatenate([NO_TIME, *spans])
    order = np.lexsort((times[:, 1], times[:, 0]))
    return Utterances(speaker[order], times[order, 0], times[order, 1])


def find_overlap_starts(utterances: Utterances) -> OverlapStarts:
    """Who began over whom: over the one who has been speaking longest, if over several."""
    rows: list[tuple[int, int, int]] = []
    speaking: list[int] = []
    start, end = utterances.start.tolist(), utterances.end.tolist()
    interjected = _interjected(utterances)
    resumes = np.append(utterances.start, np.inf)[utterances.next].tolist()
    goes_on_until = _goes_on_until(utterances)
    for row, moment in enumerate(start):
        speaking = [other for other in speaking if end[other] > moment]
        for other in speaking:
            if start[other] == moment:
                break
            within = end[row] <= end[other]
            least = LEAST_WITHIN_SECONDS if within else LEAST_OVERLAP_SECONDS
            if at_least(min(end[other], end[row]) - moment, least):
                alone = 0.0 if within else min(goes_on_until[row], resumes[other]) - end[other]
                rows.append((row, other, _kind(bool(interjected[row]), end[other] - moment, alone)))
                break
        speaking.append(row)
    found = np.array(rows, np.int64).reshape(-1, 3)
    utterance, over, kind = found[:, 0], found[:, 1], found[:, 2]
    return OverlapStarts(
        speaker=utterances.speaker[utterance],
        over=utterances.speaker[over],
        start=utterances.start[utterance],
        end=utterances.end[utterance],
        kind=kind,
        interjected=interjected,
    )


def _interjected(utterances: Utterances) -> Booleans:
    until = np.maximum.accumulate(np.append(-np.inf, utterances.end))
    # Of one speaker none begins within another: what goes on for longer is somebody else's.
    before = until[np.searchsorted(utterances.start, utterances.start)]
    short: Booleans = utterances.end - utterances.start <= SHORT_SECONDS + SLACK_SECONDS
    return short & (before >= utterances.end)


def _goes_on_until(utterances: Utterances) -> list[float]:
    """For each utterance when its speaker stops, if not for longer than within a turn."""
    start, end = utterances.start.tolist(), utterances.end.tolist()
    until = list(end)
    following = utterances.next.tolist()
    for row in reversed(range(len(until))):
        after = following[row]
        if after < len(until) and at_most(start[after] - end[row], TURN_GAP_SECONDS):
            until[row] = until[after]
    return until


def _kind(interjected: bool, together: float, alone: float) -> int:
    if interjected:
        return KINDS.index("backchannel")
    if at_least(min(together, alone), FLOOR_SECONDS):
        return KINDS.index("floor_taken")
    return KINDS.index("overlap")


def find_turns(debate: Debate, utterances: Utterances, starts: OverlapStarts) -> Turns:
    """Utterances of some length that are not interjected, joined where nobody else takes a turn
    between them."""
    holding = utterances.end - utterances.start >= LEAST_TURN_SECONDS - SLACK_SECONDS
    holding &= ~starts.interjected
    speaker, times = _joined(
        utterances.speaker[holding],
        np.column_stack([utterances.start[holding], utterances.end[holding]]),
    )
    order = np.lexsort((times[:, 1], times[:, 0]))
    turns = Turns(
        speaker=speaker[order],
        start=times[order, 0],
        end=times[order, 1],
        speech=np.zeros(len(order)),
        words=np.zeros(len(order), np.int64),
    )
    for number, (speech, words) in enumerate(zip(debate.speech, debate.word_rows, strict=True)):
        _add(turns.speech, turns.nearest(number, speech.mean(axis=1)), speech[:, 1] - speech[:, 0])
        near = turns.nearest(number, debate.words.middle[words])
        _add(turns.words, near, np.ones(len(words), np.int64))
    return turns


def _joined(speaker: Integers, times: Times) -> tuple[Integers, Times]:
    """Utterances as turns, by speaker."""
    held = union(times)
    order = np.lexsort((times[:, 0], speaker))
    speaker, times = speaker[order], times[order]
    pause_start, pause_end = times[:-1, 1], times[1:, 0]
    # Who pauses is not heard: what else is heard in the pause is somebody else's. The first that
    # ends after the pause began, does it begin before the pause is over?
    following = np.searchsorted(held[:, 1], pause_start, side="right")
    begins = np.append(held[:, 0], np.inf)[following]
    apart = (speaker[1:] != speaker[:-1]) | (begins < pause_end)
    apart |= pause_end - pause_start > TURN_GAP_SECONDS + SLACK_SECONDS
    first = np.append(True, apart)[: len(times)]
    last = np.append(apart, True)[: len(times)]
    return speaker[first], np.column_stack([times[first, 0], times[last, 1]])


def _add(totals: Floats | Integers, rows: Integers, amounts: Floats | Integers) -> None:
    np.add.at(totals, rows[rows >= 0], amounts[rows >= 0])
