"""Failures: the dead letters of every queue, for those who run this."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from debate_analyzer.bootstrap import dead_letters
from debate_analyzer.caller import Caller
from debate_analyzer.config import Settings
from debate_analyzer.dead_letters import DeadLetters, Drop, Letter, QueueView, Replay
from debate_analyzer.errors import Forbidden


class QueuesList(BaseModel):
    """Every queue whose dead letters you may see."""

    queues: list[QueueView]


class LettersList(BaseModel):
    """Some of a queue's letters, in no order. Who looks while others look may see fewer."""

    letters: list[Letter]


class LettersQuery(BaseModel):
    """How many to look at."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=20, ge=1, le=50)


def list_queues(caller: Caller, settings: Settings) -> QueuesList:
    """How many dead letters each queue has, approximately; no queue for those who are neither
    admins nor operators, to whom all else here is forbidden."""
    if not caller.is_operator:
        return QueuesList(queues=[])
    return QueuesList(queues=_letters(caller, settings).queues())


def list_letters(
    queue: str, query: LettersQuery, caller: Caller, settings: Settings
) -> LettersList:
    """What a queue gave up: why, what it was, and when it was tried. Bodies are cut short."""
    return LettersList(letters=_letters(caller, settings).letters(queue, query.limit))


def get(queue: str, letter_id: str, caller: Caller, settings: Settings) -> Letter:
    """One letter, with up to 250,000 characters of its body."""
    return _letters(caller, settings).letter(queue, letter_id)


def replay(queue: str, letter_id: str, caller: Caller, settings: Settings) -> Replay:
    """Have it done once more. Done twice it has one effect; of a debate that was deleted, none."""
    return _letters(caller, settings).replay(queue, letter_id)


def replay_all(queue: str, caller: Caller, settings: Settings) -> Replay:
    """Have a hundred of them done once more. Ask again while there are some left."""
    return _letters(caller, settings).replay_all(queue)


def drop(queue: str, letter_id: str, caller: Caller, settings: Settings) -> Drop:
    """Throw it away, for good."""
    return _letters(caller, settings).drop(queue, letter_id)


def drop_all(queue: str, caller: Caller, settings: Settings) -> Drop:
    """Throw a hundred of them away, for good. Ask again while there are some left."""
    return _letters(caller, settings).drop_all(queue)


def _letters(caller: Caller, settings: Settings) -> DeadLetters:
    if not caller.is_operator:
        raise Forbidden("What was given up is shown to those alone who run this.")
    return dead_letters(settings)
