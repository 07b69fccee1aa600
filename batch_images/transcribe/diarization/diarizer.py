"""What the transcribe job asks of a diarization engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from debate_analyzer.transcript import Turn


def ignore_progress(_fraction: float) -> None:
    """For callers that do not follow the progress."""


class Diarizer(Protocol):
    """Finds who speaks when. `name` goes into the transcript's provenance."""

    name: str

    def diarize(
        self,
        audio: npt.NDArray[np.float32],
        *,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = ignore_progress,
    ) -> list[Turn]:
        """Turns in order of their start; they may overlap. Silence has none.

        `audio`: (samples,), mono, 16 kHz, within -1..1. `speakers`: how many, if known.
        `on_progress` hears the fraction done, 0 to 1. Labels are SPEAKER_00, SPEAKER_01, … in order
        of first appearance.
        """
        ...


class NoDiarizer:
    """Nobody is told apart: every word of the transcript stays without a speaker."""

    name = "none"

    def diarize(
        self,
        audio: npt.NDArray[np.float32],
        *,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = ignore_progress,
    ) -> list[Turn]:
        """No turns."""
        del audio, speakers
        on_progress(1.0)
        return []
