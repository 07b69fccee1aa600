"""pyannote.audio's pipeline alone: community-1, whose gated weights HF_TOKEN unlocks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pyannote.audio import Pipeline
from scipy.io import wavfile

from benchmarks.speech.heard import Heard
from benchmarks.speech.truth import Turn

_MODEL = "pyannote/speaker-diarization-community-1"


@dataclass(frozen=True)
class Pyannote:
    """https://github.com/pyannote/pyannote-audio#community-1-open-source-speaker-diarization"""

    pipeline: Any

    def hear(self, audio: Path) -> Heard:
        """Turns only."""
        rate, samples = wavfile.read(audio)
        waveform = torch.from_numpy(samples).float()[None] / 32768
        found = self.pipeline({"waveform": waveform, "sample_rate": rate}).speaker_diarization
        return Heard(
            turns=tuple(
                Turn(segment.start, segment.end, label)
                for segment, _, label in found.itertracks(yield_label=True)
            )
        )


def load(models: Path) -> Pyannote:
    """Raises ImportError where there is no token: without its weights it is not installed."""
    del models
    token = os.environ.get("HF_TOKEN")
    if not token:
        raise ImportError("HF_TOKEN is not set, so community-1 cannot be downloaded")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Pyannote(Pipeline.from_pretrained(_MODEL, token=token).to(device))
