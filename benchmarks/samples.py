"""Samples in memory, for what is short, where the product has them on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batch_images.transcribe.media import decode
from batch_images.transcribe.sound import Samples, Sound, write_sound


def read_samples(path: Path) -> Samples:
    """The sound of a file."""
    with tempfile.TemporaryDirectory(prefix="samples-") as folder:
        return decode(path, Path(folder, "sound")).read()


@contextmanager
def on_disk(samples: Samples) -> Iterator[Sound]:
    """The other way round."""
    with tempfile.TemporaryDirectory(prefix="samples-") as folder:
        yield write_sound(samples, Path(folder, "sound"))
