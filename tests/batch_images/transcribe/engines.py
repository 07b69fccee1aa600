"""Engines that hear what they are told to, so that everything else is real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from batch_images.transcribe.block import MARGIN_SECONDS, Block
from batch_images.transcribe.diarization.diarizer import Evidence
from batch_images.transcribe.guard import Stretch
from batch_images.transcribe.sound import Sound
from batch_images.transcribe.speech import Span
from batch_images.transcribe.spoken import SpokenWord
from debate_analyzer.transcript import Turn


def stretch(words: list[SpokenWord], **properties: float) -> Stretch:
    """Words that nobody has a reason to doubt."""
    usual = {"speech": 5.0, "log_probability": -0.3, "no_speech_probability": 0.1}
    return Stretch(words, **usual | properties)


@dataclass
class Script:
    """A Recognizer that hears the same words in every sound; `during` runs while it listens."""

    words: list[SpokenWord]
    during: Callable[[], None] = lambda: None
    language: str = "en"
    asked: list[str | None] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=lambda: {"engine": "script"})

    def hear(
        self,
        sound: Sound,
        *,
        language: str | None,
        on_progress: Callable[[float], None],
        own: Span | None = None,
    ) -> list[Block]:
        self.asked.append(language)
        start, end = own or (0.0, sound.duration)
        heard = [
            w for w in self.words if start - MARGIN_SECONDS <= w.middle <= end + MARGIN_SECONDS
        ]
        for fraction in (0.3, 1.0):
            on_progress(fraction)
        self.during()
        stretches = [stretch(heard)] if heard else []
        return [Block(start, end, stretches, [], language or self.language, 0.98)]


@dataclass
class Seats:
    """A Diarizer that gives the turns it was given, or raises `failure`."""

    turns: list[Turn]
    failure: Exception | None = None
    asked: list[int | None] = field(default_factory=list)
    listened: int = 0
    name: str = "seats"

    def listen(
        self,
        sound: Sound,
        *,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = lambda fraction: None,
    ) -> Evidence:
        self.listened += 1
        for fraction in (0.5, 1.0):
            on_progress(fraction)
        if self.failure is not None:
            raise self.failure
        return {"samples": np.array([len(sound)])}

    def tell_apart(
        self,
        heard: Sequence[tuple[float, Evidence]],
        *,
        duration: float,
        speakers: int | None = None,
    ) -> list[Turn]:
        self.asked.append(speakers)
        return self.turns
