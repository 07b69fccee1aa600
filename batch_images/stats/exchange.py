"""One turn after another: who speaks after whom, how soon, and whom a moderator brings in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batch_images.stats.debate import Floats, Integers
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
    """Turns (rows) of `moderator` after which `to` speaks, a follow-up where `to` spoke before."""

    turn: Integers
    moderator: Integers
    to: Integers
    follow_up: list[bool]


def matrix(turns: Turns, speakers: int) -> Integers:
    """`[i, j]`: how often a turn of j came next after one of i."""
    counts = np.zeros((speakers, speakers), np.int64)
    np.add.at(counts, (turns.speaker[:-1], turns.speaker[1:]), 1)
    return counts


def find_responses(turns: Turns) -> Responses:
    """A turn that is over before the other's answers nothing."""
    latency = turns.start[1:] - turns.end[:-1]
    answers = (
        (turns.speaker[1:] != turns.speaker[:-1])
        & (latency <= LONGEST_RESPONSE_SECONDS)
        & (turns.end[1:] > turns.end[:-1])
    )
    row = np.flatnonzero(answers) + 1
    return Responses(row, turns.speaker[row], turns.speaker[row - 1], latency[row - 1])


def find_handovers(turns: Turns, moderators: set[int]) -> Handovers:
    speaker = turns.speaker.tolist()
    rows = [
        row
        for row in range(len(speaker) - 1)
        if speaker[row] in moderators and speaker[row + 1] != speaker[row]
    ]
    turn = np.array(rows, np.int64)
    return Handovers(
        turn=turn,
        moderator=turns.speaker[turn],
        to=turns.speaker[turn + 1],
        follow_up=[row > 0 and speaker[row - 1] == speaker[row + 1] for row in rows],
    )
