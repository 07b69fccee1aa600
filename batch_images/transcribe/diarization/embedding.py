"""What a voice sounds like: one CAM++ embedding per local speaker of a window.

Taken from the frames where that speaker speaks alone, strung together: overlapped speech makes an
embedding that resembles nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import kaldi_native_fbank
import numpy as np
import numpy.typing as npt

from batch_images.transcribe.diarization.runtime import open_network
from batch_images.transcribe.diarization.segmentation import (
    FRAME_CENTRE,
    FRAME_STEP,
    FRAMES,
    SAMPLE_RATE,
    WINDOW,
    Windows,
)

DIMENSIONS = 192
FEATURES_PER_SECOND = 100

_FEATURE_STEP = 160  # samples from one feature frame to the next
_FEATURE_CENTRE = 200  # samples from the start of a window to the middle of its first feature frame
_FEATURES = 998  # feature frames in a window
_SHORTEST = 10  # feature frames: less than a tenth of a second says nothing about a voice
_LEAST_ALONE = 25  # feature frames: with less than this alone, overlapped speech is used as well
_GRAIN = 50  # feature frames: lengths are rounded up to this so that they can share a batch
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Voices:
    """Local speakers with what they sound like, n of them.

    `window`, `local`: (n,) which window, which of its local speakers.
    `alone`: (n,) seconds spoken alone. `embeddings`: (n, 192), each of length 1.
    """

    window: npt.NDArray[np.int64]
    local: npt.NDArray[np.int64]
    alone: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.window)

    @classmethod
    def concatenate(cls, parts: Sequence[Voices]) -> Voices:
        """Batches, in order, as one."""
        return cls(
            np.concatenate([part.window for part in parts]),
            np.concatenate([part.local for part in parts]),
            np.concatenate([part.alone for part in parts]),
            np.concatenate([part.embeddings for part in parts]),
        )


def log_mel(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Kaldi's 80 log-mel filter bank energies (frames, 80), 10 ms apart, as 3D-Speaker takes them:
    samples within -1..1, no dither."""
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = 80
    bank = kaldi_native_fbank.OnlineFbank(options)
    bank.accept_waveform(SAMPLE_RATE, samples)
    bank.input_finished()
    frames = [bank.get_frame(index) for index in range(bank.num_frames_ready)]
    return np.stack(frames) if frames else np.empty((0, 80), dtype=np.float32)


class VoiceEmbedding:
    """CAM++ on ONNX Runtime. `longest`: seconds of a voice that are looked at in one window."""

    def __init__(self, model: Path, *, threads: int, longest: float = 5.0) -> None:
        self._network = open_network(model, threads)
        self._longest = int(longest * FEATURES_PER_SECOND)

    def voices(
        self, audio: npt.NDArray[np.float32], windows: Windows, *, first_window: int = 0
    ) -> Voices:
        """The voices of some windows of a recording, numbered from `first_window`."""
        found: list[tuple[int, int, float]] = []
        features: list[npt.NDArray[np.float32]] = []
        origin = windows.starts[0]
        all_mels = log_mel(audio[origin : windows.starts[-1] + WINDOW])
        for row, (start, active) in enumerate(zip(windows.starts, windows.active, strict=True)):
            first = round((start - origin) / _FEATURE_STEP)
            mels = all_mels[first : first + _FEATURES]
            active = active[_segmentation_frame(len(mels))]
            single = active.sum(axis=1) == 1
            for local in np.flatnonzero(active.any(axis=0)):
                alone = active[:, local] & single
                count = int(alone.sum())
                chosen = mels[alone if count >= _LEAST_ALONE else active[:, local]]
                if len(chosen) >= _SHORTEST:
                    found.append((first_window + row, int(local), count / FEATURES_PER_SECOND))
                    features.append(self._prepare(chosen))
        return Voices(
            window=np.array([window for window, _, _ in found], dtype=np.int64),
            local=np.array([local for _, local, _ in found], dtype=np.int64),
            alone=np.array([alone for _, _, alone in found], dtype=np.float32),
            embeddings=self._embed(features),
        )

    def _prepare(self, mels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        mels = (mels - mels.mean(axis=0))[: self._longest]
        # A voice that is too short is repeated, as 3D-Speaker's pipeline does, not padded.
        return np.resize(mels, (-(-len(mels) // _GRAIN) * _GRAIN, mels.shape[1]))

    def _embed(self, features: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        embeddings = np.empty((len(features), DIMENSIONS), dtype=np.float32)
        by_length: dict[int, list[int]] = defaultdict(list)
        for index, mels in enumerate(features):
            by_length[len(mels)].append(index)
        for indices in by_length.values():
            for first in range(0, len(indices), _BATCH):
                chosen = indices[first : first + _BATCH]
                batch = np.stack([features[index] for index in chosen])
                (embeddings[chosen],) = self._network.run(None, {"features": batch})
        return normalised(embeddings)


def normalised(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Each row scaled to length 1, so that a dot product is a cosine."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: npt.NDArray[np.float32] = vectors / np.maximum(length, 1e-12)
    return unit


def _segmentation_frame(count: int) -> npt.NDArray[np.int64]:
    """The segmentation frame of each of `count` feature frames of the same window."""
    centres = np.arange(count) * _FEATURE_STEP + _FEATURE_CENTRE
    frames = np.rint((centres - FRAME_CENTRE) / FRAME_STEP).astype(np.int64)
    return np.clip(frames, 0, FRAMES - 1)
