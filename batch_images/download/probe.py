"""What a downloaded file is, before anything else touches it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from debate_analyzer.demuxers import input_arguments
from debate_analyzer.errors import DownloadFailed

_INPUT = re.compile(r"^Input #0, (?P<formats>[^ ]+), from ", re.MULTILINE)
_DURATION = re.compile(r"^  Duration: (\d+):(\d+):(\d+\.\d+),", re.MULTILINE)
# For a file whose name says nothing: ffmpeg's name of the format, or the first of its names.
_SUFFIXES = {
    "mov": ".mp4",
    "matroska": ".mkv",
    "avi": ".avi",
    "mpeg": ".mpg",
    "mpegts": ".ts",
    "mp3": ".mp3",
    "wav": ".wav",
    "w64": ".wav",
    "flac": ".flac",
    "ogg": ".ogg",
    "aac": ".aac",
}


@dataclass(frozen=True)
class Found:
    """`suffix` is that of the format, with its dot; `duration` is in seconds, None where the file
    does not say."""

    suffix: str
    duration: float | None


def probe(path: Path) -> Found:
    """Read the headers. Raises DownloadFailed for what is neither audio nor video."""
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner"),
        *(*input_arguments(), "-i", f"file:{path}"),
    ]
    # It has no output to write and says so by its exit code; what it read, it tells on stderr.
    told = subprocess.run(command, capture_output=True, check=False).stderr.decode(errors="replace")
    found = _INPUT.search(told)
    if found is None:
        raise DownloadFailed(
            "What the site sent is neither audio nor video that can be read. "
            "Check in a browser that the address plays, or download the recording and upload it."
        )
    duration = _DURATION.search(told)
    return Found(
        suffix=_SUFFIXES[found["formats"].split(",")[0]],
        duration=_seconds(*duration.groups()) if duration else None,
    )


def _seconds(hours: str, minutes: str, seconds: str) -> float:
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
