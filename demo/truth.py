"""What is true of a recording: who spoke when, and what they said."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from debate_analyzer.transcript import Turn

DEMO = Path(__file__).with_name("debate.truth.json")


class SpokenTurn(Turn):
    """A turn with its words, as the script has them."""

    text: str


class Truth(BaseModel):
    """Turns in order of their start; they may overlap. Times in seconds."""

    duration: float
    turns: list[SpokenTurn]

    @property
    def text(self) -> str:
        return " ".join(turn.text for turn in self.turns)


def read_truth(path: Path = DEMO) -> Truth:
    """A `.truth.json`, by default that of the demo debate."""
    return Truth.model_validate_json(path.read_bytes())
