"""Turns: who has the floor, from when to when; and who began while another was speaking.

Definitions, thresholds and their sources are in docs/statistics.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batch_images.stats.debate import Debate, Floats, Integers
from batch_images.stats.intervals import NO_TIME, Times, union
from debate_analyzer.statistics import OverlapKind

PAUSE_SECONDS = 0.2  # shorter silences of one speaker are within an utterance
LEAST_TURN_SECONDS = 0.25  # a shorter utterance is within the collar of its boundaries
TURN_GAP_SECONDS = 2.0  # after a longer silence the same speaker begins a new turn
SHORT_SECONDS = 1.0  # a very short utterance may be a backchannel
LEAST_WITHIN_SECONDS = 0.25  # less is within the collar of the diarization's boundaries
LEAST_OVERLAP_SECONDS = 0.5  # where one goes on alone, less may be two boundaries and no overlap
FLOOR_SECONDS = 1.0  # so long before the other stops, and so long alone after it, takes the floor

KINDS: tuple[OverlapKind, ...] = ("backchannel", "overlap", "floor_taken")


@dataclass(frozen=True)
class Utterances:
    """Speech of one speaker without pauses of more than PAUSE_SECONDS, in order of start."""

    speaker: Integers
    start: Floats
    end: Floats

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True)
class OverlapStarts:
    """A row for each time that `speaker` began while `over` spoke. `kind`: index into KINDS."""

    speaker: Integers
    over: Integers
    start: Floats
    end: Floats
    kind: Integers
    utterance: Integers

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
        return self.end - self.start

    def of(self, speaker: int) -> Integers:
        """The rows of a speaker."""
        return np.flatnonzero(self.speaker == speaker)

    def nearest(self, speaker: int, times: Floats) -> Integers:
        """For each moment the row of the speaker's turn that is nearest; -1 without any turn."""
        rows = self.of(speaker)
        if not len(rows):
            return np.full(len(times), -1)
        after = np.clip(np.searchsorted(self.start[rows], times, side="right"), 1, len(rows)) - 1
        following = np.minimum(after + 1, len(rows) - 1)
        nearer = self.start[rows[following]] - times < times - self.end[rows[after]]
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
    for row, moment in enumerate(start):
        speaking = [other for other in speaking if end[other] > moment]
        earlier = [other for other in speaking if start[other] < moment]
        for other in earlier:
            within = end[row] <= end[other]
            least = LEAST_WITHIN_SECONDS if within else LEAST_OVERLAP_SECONDS
            if min(end[other], end[row]) - moment >= least:
                rows.append((row, other, _kind(moment, end[row], end[other])))
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
        utterance=utterance,
    )


def _kind(start: float, end: float, others_end: float) -> int:
    if end <= others_end and end - start <= SHORT_SECONDS:
        return KINDS.index("backchannel")
    if others_end - start >= FLOOR_SECONDS and end - others_end >= FLOOR_SECONDS:
        return KINDS.index("floor_taken")
    return KINDS.index("overlap")


def find_turns(debate: Debate, utterances: Utterances, starts: OverlapStarts) -> Turns:
    """Utterances of some length that are no backchannels, joined where nobody else speaks between
    them."""
    backchannels = starts.utterance[starts.kind == KINDS.index("backchannel")]
    long_enough = np.flatnonzero(utterances.end - utterances.start >= LEAST_TURN_SECONDS)
    holding = np.setdiff1d(long_enough, backchannels)
    speaker = utterances.speaker[holding]
    times = np.column_stack([utterances.start[holding], utterances.end[holding]])
    spans = [_joined(times, speaker, number) for number in range(len(debate.speakers))]
    owner = np.repeat(np.arange(len(spans)), [len(each) for each in spans])
    joined = np.concatenate([NO_TIME, *spans])
    order = np.lexsort((joined[:, 1], joined[:, 0]))
    turns = Turns(
        speaker=owner[order],
        start=joined[order, 0],
        end=joined[order, 1],
        speech=np.zeros(len(order)),
        words=np.zeros(len(order), np.int64),
    )
    for number, speech in enumerate(debate.speech):
        _add(turns.speech, turns.nearest(number, speech.mean(axis=1)), speech[:, 1] - speech[:, 0])
        own = debate.words.speaker == number
        _add(turns.words, turns.nearest(number, debate.words.middle[own]), np.ones(own.sum(), int))
    return turns


def _joined(times: Times, speaker: Integers, number: int) -> Times:
    own: Times = times[speaker == number]
    others = union(times[speaker != number])
    if len(own) < 2:
        return own
    pause_start, pause_end = own[:-1, 1], own[1:, 0]
    # The first of the others' spans that ends after the pause began: does it begin within?
    following = np.searchsorted(others[:, 1], pause_start, side="right")
    begins = np.append(others[:, 0], np.inf)[following]
    apart = (pause_end - pause_start > TURN_GAP_SECONDS) | (begins < pause_end)
    first = np.concatenate([[True], apart])
    last = np.concatenate([apart, [True]])
    return np.column_stack([own[first, 0], own[last, 1]])


def _add(totals: Floats | Integers, rows: Integers, amounts: Floats | Integers) -> None:
    np.add.at(totals, rows[rows >= 0], amounts[rows >= 0])
