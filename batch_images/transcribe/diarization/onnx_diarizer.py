"""The engine that needs no token, no torch and no network: two small models on ONNX Runtime.

segmentation-3.0 finds the local speakers of each window, CAM++ hears the voice in each snippet of
theirs, clustering finds the people, reconstruction puts them on the recording's clock.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from batch_images.transcribe.diarization.clustering import cluster
from batch_images.transcribe.diarization.diarizer import ignore_progress
from batch_images.transcribe.diarization.embedding import Snippets, VoiceEmbedding
from batch_images.transcribe.diarization.reconstruction import speech, turns
from batch_images.transcribe.diarization.segmentation import (
    SAMPLE_RATE,
    WINDOW,
    Segmentation,
    Windows,
    window_starts,
)
from debate_analyzer.transcript import Turn

STEP = 40_000  # samples from one window to the next: each moment is seen by four windows


class OnnxDiarizer:
    """Loads both networks from `models_dir` once. Raises Misconfigured when they are missing."""

    name = "onnx"

    def __init__(self, models_dir: Path, *, threads: int = 2, step: int = STEP) -> None:
        self._segmentation = Segmentation(models_dir / "segmentation-3.0.onnx", threads=threads)
        self._embedding = VoiceEmbedding(models_dir / "campplus.onnx", threads=threads)
        self._step = step

    def diarize(
        self,
        audio: npt.NDArray[np.float32],
        *,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = ignore_progress,
    ) -> list[Turn]:
        """See Diarizer."""
        total = len(window_starts(len(audio), self._step))
        batches: list[tuple[Windows, Snippets]] = []
        done = 0
        for windows in self._segmentation.windows(audio, step=self._step):
            snippets = self._embedding.snippets(audio, windows, first_window=done)
            batches.append((windows, snippets))
            done += len(windows.starts)
            on_progress(done / total)
        windows = Windows.concatenate([windows for windows, _ in batches])
        snippets = Snippets.concatenate([snippets for _, snippets in batches])
        overlap = total * WINDOW / max(len(audio), WINDOW)
        people = cluster(snippets, overlap=overlap, speakers=speakers)
        return turns(speech(windows, snippets, people), duration=len(audio) / SAMPLE_RATE)
