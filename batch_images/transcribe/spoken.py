"""A word as it was heard, before anybody is known."""

from __future__ import annotations

import re
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

    @property
    def plain(self) -> str:
        """As it is compared: without case, space and punctuation."""
        return "".join(re.findall(r"\w", self.text.casefold()))
