"""A recording as the engines want it: its sound, and what is known of the file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from batch_images.transcribe.media import decode, probe
from batch_images.transcribe.sound import Sound
from batch_images.transcribe.stopwatch import timed
from debate_analyzer.transcript import Source


@dataclass(frozen=True)
class Recording:
    """`seconds`: what it took to get there, by step."""

    source: Source
    sound: Sound
    seconds: dict[str, float]


def open_recording(
    path: Path,
    into: Path,
    *,
    key: str,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Recording:
    """The file at `path`, which lies at `key` in the bucket, with its sound decoded to `into`.

    Raises InvalidMedia and its kinds, and what `on_progress` raises.
    """
    seconds: dict[str, float] = {}
    with timed(seconds, "decode"):
        media = probe(path)
        sound = decode(path, into, media, on_progress)
    source = Source(
        key=key, bytes=path.stat().st_size, sha256=_sha256(path), duration=media.duration
    )
    return Recording(source, sound, seconds)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
