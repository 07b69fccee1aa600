"""A recording as the engines want it: its sound, and what is known of the file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from batch_images.transcribe.channels import distinct
from batch_images.transcribe.media import decode, decode_channels, probe
from batch_images.transcribe.sound import Sound
from batch_images.transcribe.stopwatch import timed
from debate_analyzer.transcript import Source, Warning

_ONE_CHANNEL = Warning(
    code="one_channel",
    message=(
        "The recording has no channel per speaker: one alone has sound, or all have the same. "
        "The speakers were told apart by their voices."
    ),
)


@dataclass(frozen=True)
class Recording:
    """`sounds`: one in which everybody is heard, or one for each speaker, all equally long.

    `seconds`: what it took to get there, by step.
    """

    source: Source
    sounds: list[Sound]
    warnings: list[Warning]
    seconds: dict[str, float]

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.sounds[0].duration


def open_recording(
    path: Path,
    into: Path,
    *,
    key: str,
    channel_per_speaker: bool = False,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Recording:
    """The file at `path`, which lies at `key` in the bucket, with its sound decoded to `into`.

    `channel_per_speaker`: each speaker has a channel, or so the user says; where fewer than two
    channels have a voice of their own, there is one sound and a warning. Their files are named
    after `into`. Raises InvalidMedia and its kinds, and what `on_progress` raises.
    """
    seconds: dict[str, float] = {}
    warnings: list[Warning] = []
    with timed(seconds, "decode"):
        media = probe(path)
        if channel_per_speaker:
            sounds = distinct(decode_channels(path, into, media, on_progress))
            if len(sounds) == 1:
                warnings.append(_ONE_CHANNEL)
        else:
            sounds = [decode(path, into, media, on_progress)]
    source = Source(
        key=key, bytes=path.stat().st_size, sha256=_sha256(path), duration=media.duration
    )
    return Recording(source, sounds, warnings, seconds)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
