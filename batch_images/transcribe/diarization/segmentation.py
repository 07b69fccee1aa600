"""Who speaks when within ten seconds: pyannote's segmentation-3.0 on a sliding window.

The network tells up to three speakers of a window apart, two of them at a time, but does not know
them again in the next window: they are *local* speakers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from batch_images.transcribe.diarization.runtime import open_network

SAMPLE_RATE = 16_000
WINDOW = 160_000  # samples: what the network was trained on
FRAME_STEP = 270  # samples from one frame to the next
FRAME_CENTRE = 495  # samples from the start of a window to the middle of its first frame
FRAMES = 589  # frames in a window
LOCAL_SPEAKERS = 3

# The classes of the network in its order: nobody, one of three, two of three.
_POWERSET = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=np.bool_
)


@dataclass(frozen=True, slots=True)
class Windows:
    """Consecutive windows. `starts` (n,) in samples; `active` (n, frames, local speakers)."""

    starts: npt.NDArray[np.int64]
    active: npt.NDArray[np.bool_]

    @classmethod
    def concatenate(cls, parts: Sequence[Windows]) -> Windows:
        """Batches, in order, as one."""
        return cls(
            np.concatenate([part.starts for part in parts]),
            np.concatenate([part.active for part in parts]),
        )


def window_starts(samples: int, step: int) -> npt.NDArray[np.int64]:
    """Where windows begin: every `step` samples, the last one ending with the recording."""
    if samples <= WINDOW:
        return np.zeros(1, dtype=np.int64)
    return np.append(np.arange(0, samples - WINDOW, step), samples - WINDOW).astype(np.int64)


def runs(active: npt.NDArray[np.bool_], *, bridge: int = 0) -> list[tuple[int, int]]:
    """Stretches of True as (first, last), last exclusive; gaps of up to `bridge` are bridged."""
    edges = np.flatnonzero(np.diff(active, prepend=False, append=False)).tolist()
    found: list[tuple[int, int]] = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if found and first - found[-1][1] <= bridge:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


class Segmentation:
    """segmentation-3.0 on ONNX Runtime."""

    def __init__(self, model: Path, *, threads: int, batch: int = 16) -> None:
        self._network = open_network(model, threads)
        self._batch = batch

    def windows(self, audio: npt.NDArray[np.float32], *, step: int) -> Iterator[Windows]:
        """Yield the windows of a recording (mono, 16 kHz) in order, a batch at a time.

        A recording shorter than a window is padded with silence.
        """
        starts = window_starts(len(audio), step)
        for first in range(0, len(starts), self._batch):
            chosen = starts[first : first + self._batch]
            waveforms = np.zeros((len(chosen), 1, WINDOW), dtype=np.float32)
            for row, start in enumerate(chosen):
                samples = audio[start : start + WINDOW]
                waveforms[row, 0, : len(samples)] = samples
            (log_probs,) = self._network.run(None, {"waveform": waveforms})
            yield Windows(chosen, _POWERSET[np.argmax(log_probs, axis=-1)])
