"""What the transcribe job asks of a diarization engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy.typing as npt

from batch_images.transcribe.sound import Sound
from debate_analyzer.transcript import Turn

# What an engine keeps of a sound: arrays, which may be stored and read by another worker.
Evidence = Mapping[str, npt.NDArray[Any]]


def ignore_progress(_fraction: float) -> None:
    """For callers that do not follow the progress."""


class Diarizer(Protocol):
    """Finds who speaks when, in two steps: a long recording's parts are listened to by several
    workers, and only who has heard all of them can tell that a voice is the same person's.

    `name` goes into the transcript's provenance.
    """

    name: str

    def listen(
        self,
        sound: Sound,
        *,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = ignore_progress,
    ) -> Evidence:
        """The voices of a recording or of a part of one. `on_progress` hears the fraction done.

        `speakers`: how many speak in this very sound, if known.
        """
        ...

    def tell_apart(
        self,
        heard: Sequence[tuple[float, Evidence]],
        *,
        duration: float,
        speakers: int | None = None,
    ) -> list[Turn]:
        """Turns in order of their start; they may overlap. Silence has none.

        `heard`: what was kept of each part and the second at which it begins, in order; parts may
        overlap. `duration` in seconds: nothing is said after it. `speakers`: how many, if known.
        Labels are SPEAKER_00, SPEAKER_01, … in order of first appearance.
        """
        ...


class NoDiarizer:
    """Nobody is told apart: every word of the transcript stays without a speaker."""

    name = "none"

    def listen(
        self,
        sound: Sound,
        *,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = ignore_progress,
    ) -> Evidence:
        """Nothing."""
        del sound, speakers
        on_progress(1.0)
        return {}

    def tell_apart(
        self,
        heard: Sequence[tuple[float, Evidence]],
        *,
        duration: float,
        speakers: int | None = None,
    ) -> list[Turn]:
        """No turns."""
        del heard, duration, speakers
        return []


def in_order(spans: Iterable[tuple[float, float, int]]) -> list[Turn]:
    """Turns of (start, end, person) by start, speakers numbered by their first appearance."""
    ordered = sorted(spans)
    labels = {
        person: f"SPEAKER_{index:02d}"
        for index, person in enumerate(dict.fromkeys(person for _, _, person in ordered))
    }
    return [Turn(start=start, end=end, speaker=labels[person]) for start, end, person in ordered]


def diarize(diarizer: Diarizer, sound: Sound, *, speakers: int | None = None) -> list[Turn]:
    """The turns of a recording that is all in one part."""
    heard = diarizer.listen(sound, speakers=speakers)
    return diarizer.tell_apart([(0.0, heard)], duration=sound.duration, speakers=speakers)
