"""The sound of a recording, on disk: a recording of eight hours is read a piece at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000

_BYTES_PER_SAMPLE = 2
_FULL_SCALE = 32768.0

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Sound:
    """Mono, 16 kHz, 16 bits, little-endian, without a header: 110 MiB an hour at `path`.

    Not mapped into memory: pages that were read once would count as the worker's until the machine
    is short of them.
    """

    path: Path

    def __len__(self) -> int:
        return self.path.stat().st_size // _BYTES_PER_SAMPLE

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self) / SAMPLE_RATE

    def read(self, first: int = 0, last: int | None = None) -> Samples:
        """Samples `first` to `last` (exclusive), within -1..1; fewer where the recording ends."""
        samples: Samples = np.frombuffer(self.read_bytes(first, last), "<i2").astype(np.float32)
        samples /= _FULL_SCALE
        return samples

    def read_bytes(self, first: int = 0, last: int | None = None) -> bytes:
        """As `read`, two bytes a sample."""
        with self.path.open("rb") as file:
            file.seek(first * _BYTES_PER_SAMPLE)
            return file.read(-1 if last is None else max(0, last - first) * _BYTES_PER_SAMPLE)


def write_sound(samples: Samples, path: Path) -> Sound:
    """`samples` (n,) within -1..1 as a Sound at `path`; louder ones are clipped."""
    clipped = np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    path.write_bytes(clipped.astype("<i2").tobytes())
    return Sound(path)
