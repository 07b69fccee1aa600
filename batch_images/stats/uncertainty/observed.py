"""What was found in a debate: its figures, and what each turn adds to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from batch_images.stats.debate import Debate, Floats, Integers
from batch_images.stats.exchange import Responses
from batch_images.stats.intervals import NO_TIME, Times, length, overlap
from batch_images.stats.questions import Questions
from batch_images.stats.turns import (
    COLLAR_SECONDS,
    KINDS,
    TURN_GAP_SECONDS,
    OverlapStarts,
    Turns,
)

# The published names, by the index of the kind.
OVERLAP_STARTS = ("overlapStarts.backchannel", "overlapStarts.overlap", "overlapStarts.floorTaken")

_PAUSE_SECONDS = TURN_GAP_SECONDS + 2 * COLLAR_SECONDS


@dataclass(frozen=True)
class Events:
    """What was found in a debate; None where the transcript cannot tell. `fillers`: rows in
    `Debate.words`. `left_out`: what of the recording is not counted."""

    overlap_starts: OverlapStarts | None
    questions: Questions | None
    fillers: Integers | None
    responses: Responses
    left_out: Times = field(default_factory=lambda: NO_TIME)


@dataclass(frozen=True)
class Observed:
    """A debate, its turns and events."""

    debate: Debate
    turns: Turns
    events: Events

    @cached_property
    def rows(self) -> list[Integers]:
        """Each speaker's turns."""
        return [self.turns.of(person) for person in range(len(self.debate.speakers))]

    @cached_property
    def stretches(self) -> list[Integers]:
        """For each speaker's turns the number of the stretch that each is in. What goes on no later
        than a pause would have let it, had its boundaries been heard right, may be one turn that
        another's interjection broke: its parts tell of each other."""
        numbers = []
        for rows in self.rows:
            silence = self.turns.start[rows[1:]] - self.turns.end[rows[:-1]]
            anew = np.concatenate([np.ones(min(len(rows), 1)), silence > _PAUSE_SECONDS])
            numbers.append(np.cumsum(anew, dtype=np.int64) - 1)
        return numbers

    def by_stretch(self, person: int, values: Floats) -> Floats:
        """Values of all turns, added up over the person's stretches."""
        weights = values[self.rows[person]]
        return np.bincount(self.stretches[person], weights=weights).astype(np.float64)

    def latencies(self, person: int) -> Floats:
        """Of a speaker's responses."""
        responses = self.events.responses
        latencies: Floats = responses.latency[responses.speaker == person]
        return latencies

    @cached_property
    def sureness(self) -> Floats:
        """The recogniser's probabilities, added up by turn."""
        words = self.debate.words
        return self._by_turn(words.speaker, words.middle, words.probability)

    @cached_property
    def fillers(self) -> Floats | None:
        """By turn."""
        if (rows := self.events.fillers) is None:
            return None
        words = self.debate.words
        return self._by_turn(words.speaker[rows], words.middle[rows], np.ones(len(rows)))

    @cached_property
    def questions(self) -> Floats | None:
        """By turn."""
        if (asked := self.events.questions) is None:
            return None
        return self._by_turn(asked.speaker, asked.end, np.ones(len(asked)))

    @cached_property
    def begun(self) -> Floats | None:
        """How often each speaker began over each turn, shape (speakers, turns, kinds)."""
        if (starts := self.events.overlap_starts) is None:
            return None
        begun = np.zeros((len(self.debate.speakers), len(self.turns), len(KINDS)))
        for over in range(len(self.debate.speakers)):
            own = np.flatnonzero(starts.over == over)
            row = self.turns.nearest(over, starts.start[own])
            own, row = own[row >= 0], row[row >= 0]
            np.add.at(begun, (starts.speaker[own], row, starts.kind[own]), 1)
        return begun

    @cached_property
    def silence(self) -> Floats:
        """Until the next turn begins, by turn; what is before the first is the first's."""
        return self._until_the_next(self.debate.silences(self.events.left_out))

    @cached_property
    def overlap(self) -> Floats:
        """Time in which two or more are heard, likewise."""
        return self._until_the_next(overlap(self.debate.speech))

    @cached_property
    def figures(self) -> list[dict[str, float]]:
        """By speaker, without those that the transcript cannot tell."""
        return [self._figures(person) for person in range(len(self.debate.speakers))]

    def _figures(self, person: int) -> dict[str, float]:
        debate, rows = self.debate, self.rows[person]
        time, words = float(debate.speaking_time[person]), int(debate.word_counts[person])
        lengths, latencies = self.turns.duration[rows], self.latencies(person)
        figures = {"speakingTime": time, "words": words}
        if all_time := debate.speaking_time.sum():
            figures["speakingShare"] = time / all_time
        if all_words := debate.segments.words.sum():
            figures["wordShare"] = words / all_words
        if words and time:
            figures["wordsPerMinute"] = 60 * words / time
        if len(rows):
            figures["meanTurn"] = lengths.mean()
            figures["medianTurn"] = np.median(lengths)
            figures["longestTurn"] = lengths.max()
        if len(latencies):
            figures["responseLatency"] = np.median(latencies)
        if self.events.questions is not None:
            figures["questions"] = (self.events.questions.speaker == person).sum()
        if self.events.fillers is not None:
            figures["fillers"] = (debate.words.speaker[self.events.fillers] == person).sum()
            if time:
                figures["fillersPerMinute"] = 60 * figures["fillers"] / time
        if (starts := self.events.overlap_starts) is not None:
            kinds = np.bincount(starts.kind[starts.speaker == person], minlength=len(KINDS))
            figures |= dict(zip(OVERLAP_STARTS, kinds, strict=True))
        own = debate.words.probability[debate.words.speaker == person]
        if len(own) and debate.words_are_rated:
            figures["confidence"] = own.mean()
        return {name: float(figure) for name, figure in figures.items()}

    @cached_property
    def totals(self) -> dict[str, float]:
        """Those of the debate."""
        debate = self.debate
        figures = {
            "speakingTime": float(debate.speaking_time.sum()),
            "words": float(debate.segments.words.sum()),
            "silence": length(debate.silences(self.events.left_out)),
        }
        if debate.basis == "turns":
            figures["overlap"] = length(overlap(debate.speech))
        return figures

    def _by_turn(self, speaker: Integers, time: Floats, amount: Floats) -> Floats:
        totals = np.zeros(len(self.turns))
        for person in range(len(self.debate.speakers)):
            own = np.flatnonzero(speaker == person)
            row = self.turns.nearest(person, time[own])
            np.add.at(totals, row[row >= 0], amount[own][row >= 0])
        return totals

    def _until_the_next(self, spans: Times) -> Floats:
        """Seconds of disjoint spans in order that lie between a turn's start and the next's."""
        if not len(self.turns) or not len(spans):
            return np.zeros(len(self.turns))
        lengths = spans[:, 1] - spans[:, 0]
        until = np.column_stack([np.cumsum(lengths) - lengths, np.cumsum(lengths)])
        before = np.interp(self.turns.start[1:], spans.ravel(), until.ravel())
        seconds: Floats = np.diff(np.concatenate([[0.0], before, [lengths.sum()]]))
        return seconds
