"""The opening of the demo debate, for tests that want speech and no truth to hold it against."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg

from tests.world import ROOT

DEMO = ROOT / "demo" / "debate.mp4"
SECONDS_OF_EXCERPT = 24


@functools.cache
def opening() -> bytes:
    """Its first SECONDS_OF_EXCERPT: the moderator asks, and one side answers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "opening.mp4"
        program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(DEMO)]
        subprocess.run(
            [*program, "-t", str(SECONDS_OF_EXCERPT), "-c", "copy", str(path)], check=True
        )
        return path.read_bytes()
