"""What an engine makes of a recording. Crosses from the engine's process as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.speech.truth import Turn


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word, in seconds; `speaker` is None where nobody was given it."""

    start: float
    end: float
    text: str
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """None is what the engine does not do: a recogniser has no turns, a diarizer no words."""

    words: tuple[Word, ...] | None = None
    turns: tuple[Turn, ...] | None = None

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Heard:
        """From what `dataclasses.asdict` gave."""
        words, turns = document["words"], document["turns"]
        return cls(
            None if words is None else tuple(Word(**word) for word in words),
            None if turns is None else tuple(Turn(**turn) for turn in turns),
        )
