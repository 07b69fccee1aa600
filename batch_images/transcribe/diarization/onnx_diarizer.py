"""The engine that needs no token, no torch and no network: two small models on ONNX Runtime.

segmentation-3.0 finds the local speakers of each window, CAM++ hears the voice in each snippet of
theirs, clustering finds the people, reconstruction puts them on the recording's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from batch_images.transcribe.diarization.clustering import cluster
from batch_images.transcribe.diarization.diarizer import Evidence, ignore_progress
from batch_images.transcribe.diarization.embedding import Snippets, VoiceEmbedding
from batch_images.transcribe.diarization.reconstruction import speech, turns
from batch_images.transcribe.diarization.segmentation import (
    SAMPLE_RATE,
    WINDOW,
    Segmentation,
    Windows,
    window_starts,
)
from batch_images.transcribe.sound import Sound
from debate_analyzer.transcript import Turn

STEP = 40_000  # samples from one window to the next: each moment is seen by four windows

_AT_ONCE = 64  # windows: three minutes of sound are in memory


class OnnxDiarizer:
    """Loads both networks from `models_dir` once. Raises Misconfigured when they are missing."""

    name = "onnx"

    def __init__(self, models_dir: Path, *, threads: int = 2, step: int = STEP) -> None:
        self._segmentation = Segmentation(models_dir / "segmentation-3.0.onnx", threads=threads)
        self._embedding = VoiceEmbedding(models_dir / "campplus.onnx", threads=threads)
        self._step = step

    def listen(
        self,
        sound: Sound,
        *,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = ignore_progress,
    ) -> Evidence:
        """See Diarizer."""
        del speakers
        starts = window_starts(len(sound), self._step)
        batches: list[tuple[Windows, Snippets]] = []
        done = 0
        for first in range(0, len(starts), _AT_ONCE):
            begin, last = starts[first], starts[first : first + _AT_ONCE][-1]
            audio = sound.read(begin, last + WINDOW)
            for seen in self._segmentation.windows(audio, step=self._step):
                snippets = self._embedding.snippets(audio, seen, first_window=done)
                batches.append((Windows(seen.starts + begin, seen.active), snippets))
                done += len(seen.starts)
                on_progress(done / len(starts))
        windows = Windows.concatenate([windows for windows, _ in batches])
        snippets = Snippets.concatenate([snippets for _, snippets in batches])
        return {
            "windows.starts": windows.starts,
            "windows.active": windows.active,
            **{f"snippets.{f.name}": getattr(snippets, f.name) for f in fields(Snippets)},
            "samples": np.array([len(sound)]),
        }

    def tell_apart(
        self,
        heard: Sequence[tuple[float, Evidence]],
        *,
        duration: float,
        speakers: int | None = None,
    ) -> list[Turn]:
        """See Diarizer. A moment that two parts heard is seen by more windows, which all vote."""
        windows, snippets = _together(heard)
        samples = sum(max(int(evidence["samples"][0]), WINDOW) for _, evidence in heard)
        overlap = len(windows.starts) * WINDOW / samples
        people = cluster(snippets, overlap=overlap, speakers=speakers)
        return turns(speech(windows, snippets, people), duration=duration)


def _together(heard: Sequence[tuple[float, Evidence]]) -> tuple[Windows, Snippets]:
    """The windows and snippets of all parts, on the clock of the recording."""
    windows: list[Windows] = []
    snippets: list[Snippets] = []
    seen = 0
    for offset, evidence in heard:
        starts = evidence["windows.starts"] + round(offset * SAMPLE_RATE)
        windows.append(Windows(starts, evidence["windows.active"]))
        values = {f.name: evidence[f"snippets.{f.name}"] for f in fields(Snippets)}
        snippets.append(Snippets(**values | {"window": values["window"] + seen}))
        seen += len(starts)
    return Windows.concatenate(windows), Snippets.concatenate(snippets)
