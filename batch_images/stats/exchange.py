"""One turn after another: who speaks after whom, how soon, and whom a moderator brings in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batch_images.stats.debate import Floats, Integers
from batch_images.stats.intervals import to_milliseconds
from batch_images.stats.turns import Turns

LONGEST_RESPONSE_SECONDS = 10.0  # what comes later is a new beginning


@dataclass(frozen=True)
class Responses:
    """Turns (rows) that answer the turn before them, and the silence between in seconds: negative
    where the two overlap (floor transfer offset, Heldner & Edlund 2010,
    doi:10.1016/j.wocn.2010.08.002)."""

    turn: Integers
    speaker: Integers
    after: Integers
    latency: Floats


@dataclass(frozen=True)
class Handovers:
    """Turns (rows) of `moderator` that `to` answers, a follow-up where `to` spoke before."""

    turn: Integers
    moderator: Integers
    to: Integers
    follow_up: list[bool]


def succession(turns: Turns) -> Integers:
    """Turns (rows) one after another: all but those that are over before an earlier one is. Who is
    talked over throughout answers nobody, and nobody answers him or her."""
    until = np.append(-np.inf, np.maximum.accumulate(turns.end))[:-1]
    return np.flatnonzero(turns.end > until)


def matrix(turns: Turns, speakers: int) -> Integers:
    """`[i, j]`: how often a turn of j came next after one of i."""
    counts = np.zeros((speakers, speakers), np.int64)
    speaker = turns.speaker[succession(turns)]
    np.add.at(counts, (speaker[:-1], speaker[1:]), 1)
    return counts


def find_responses(turns: Turns) -> Responses:
    rows = succession(turns)
    before, after = rows[:-1], rows[1:]
    latency = to_milliseconds(turns.start[after] - turns.end[before])
    answers = turns.speaker[after] != turns.speaker[before]
    answers &= latency <= LONGEST_RESPONSE_SECONDS
    return Responses(
        turn=after[answers],
        speaker=turns.speaker[after[answers]],
        after=turns.speaker[before[answers]],
        latency=latency[answers],
    )


def find_handovers(turns: Turns, moderators: set[int]) -> Handovers:
    rows = succession(turns)
    speaker = turns.speaker[rows].tolist()
    responses = find_responses(turns)
    places = [
        place
        for place in (np.searchsorted(rows, responses.turn) - 1).tolist()
        if speaker[place] in moderators
    ]
    turn = rows[places]
    return Handovers(
        turn=turn,
        moderator=turns.speaker[turn],
        to=turns.speaker[rows[np.array(places, np.int64) + 1]],
        follow_up=[place > 0 and speaker[place - 1] == speaker[place + 1] for place in places],
    )
