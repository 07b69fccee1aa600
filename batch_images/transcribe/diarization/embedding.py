"""What a voice sounds like: one CAM++ embedding for each snippet of up to 1.5 seconds.

A snippet is a stretch in which one local speaker of a window speaks alone: overlapped speech makes
an embedding that resembles nobody. It is short because the segmentation takes two similar voices
that follow each other for one local speaker: a tenth of the time, a quarter in meetings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import kaldi_native_fbank
import numpy as np
import numpy.typing as npt

from batch_images.transcribe.diarization.runtime import open_network
from batch_images.transcribe.diarization.segmentation import (
    FRAME_CENTRE,
    FRAME_STEP,
    SAMPLE_RATE,
    WINDOW,
    Windows,
    runs,
)

DIMENSIONS = 192

_FEATURE_STEP = 160  # samples from one feature frame to the next
_FEATURES = 998  # feature frames in a window
_LONGEST = 150 * _FEATURE_STEP / FRAME_STEP  # segmentation frames: a second and a half
_PAUSE = 3  # segmentation frames: a pause of 0.05 s does not end a snippet
_SHORTEST = 10  # feature frames: a tenth of a second; less says nothing about a voice
_GRAIN = 50  # feature frames: lengths are rounded up to this so that snippets can share a batch
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Snippets:
    """Snippets and their embeddings, n of each, in order of their windows.

    `window`, `local`: (n,) which window, which of its local speakers. `first`, `last`: (n,) their
    frames in that window, `last` exclusive. `alone`: (n,) seconds, 0 if the local speaker is never
    heard alone and the snippet is all that was heard. `embeddings`: (n, 192), each of length 1.
    """

    window: npt.NDArray[np.int64]
    local: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    alone: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.window)

    @classmethod
    def concatenate(cls, parts: Sequence[Snippets]) -> Snippets:
        """Batches, in order, as one."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


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
    """CAM++ on ONNX Runtime."""

    def __init__(self, model: Path, *, threads: int) -> None:
        self._network = open_network(model, threads)

    def snippets(
        self, audio: npt.NDArray[np.float32], windows: Windows, *, first_window: int = 0
    ) -> Snippets:
        """The snippets of neighbouring windows of a recording, numbered from `first_window`."""
        origin = windows.starts[0]
        all_mels = log_mel(audio[origin : windows.starts[-1] + WINDOW])
        found: list[tuple[int, int, int, int, float]] = []
        features: list[npt.NDArray[np.float32]] = []
        for row, (start, active) in enumerate(zip(windows.starts, windows.active, strict=True)):
            offset = round((start - origin) / _FEATURE_STEP)
            mels = all_mels[offset : offset + _FEATURES]
            for local in range(active.shape[1]):
                for first, last, is_alone in _cut(active, local):
                    chosen = mels[_feature_frame(first) : _feature_frame(last)]
                    if len(chosen) >= _SHORTEST:
                        seconds = len(chosen) * _FEATURE_STEP / SAMPLE_RATE if is_alone else 0.0
                        found.append((first_window + row, local, first, last, seconds))
                        features.append(_prepared(chosen))
        window, local_speaker, begin, end, alone = np.array(found).reshape(-1, 5).T
        return Snippets(
            window=window.astype(np.int64),
            local=local_speaker.astype(np.int64),
            first=begin.astype(np.int64),
            last=end.astype(np.int64),
            alone=alone.astype(np.float32),
            embeddings=self.embed(features),
        )

    def embed(self, features: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        """Embeddings (n, 192) of length 1 for n mean-normalised features (frames, 80)."""
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


def _cut(active: npt.NDArray[np.bool_], local: int) -> Iterator[tuple[int, int, bool]]:
    """First frame, last frame (exclusive) and whether alone, of one local speaker's snippets."""
    alone = runs(active[:, local] & (active.sum(axis=1) == 1), bridge=_PAUSE)
    if not alone:
        yield from ((first, last, False) for first, last in runs(active[:, local], bridge=_PAUSE))
    for first, last in alone:
        pieces = int(np.ceil((last - first) / _LONGEST))
        edges = np.linspace(first, last, pieces + 1).astype(int).tolist()
        yield from ((begin, end, True) for begin, end in pairwise(edges))


def _feature_frame(frame: int) -> int:
    """The feature frame that begins where a segmentation frame does."""
    return round((frame * FRAME_STEP + FRAME_CENTRE - FRAME_STEP / 2) / _FEATURE_STEP)


def _prepared(mels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Mean-normalised, and repeated up to the next length that has a batch, as 3D-Speaker does."""
    length = -(-len(mels) // _GRAIN) * _GRAIN
    return np.resize(mels - mels.mean(axis=0), (length, mels.shape[1]))
