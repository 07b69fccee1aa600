"""A word as it was heard, before anybody is known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SpokenWord:
    """A word as the engine gives it: `text` has the space before it that the language wants.

    Times in seconds.
    """

    start: float
    end: float
    text: str
    probability: float

    @property
    def middle(self) -> float:
        """Seconds."""
        return (self.start + self.end) / 2
