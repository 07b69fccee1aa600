"""What ffmpeg may take a stranger's file for, wherever it is given one.

A playlist is a file that makes ffmpeg read other files and fetch from the network, and it need not
be named like one: ffmpeg looks at the content. So no playlist is among the formats, and no protocol
but `file` and `pipe` is open (https://ffmpeg.org/ffmpeg-protocols.html#Protocol-Options).
"""

from __future__ import annotations

# The formats of pipeline.MEDIA_SUFFIXES, under the names that ffmpeg gives its demuxers.
DEMUXERS = "mov,matroska,avi,mpeg,mpegts,mp3,wav,w64,flac,ogg,aac"

INPUT_OPTIONS = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file,pipe"}


def input_arguments() -> list[str]:
    """INPUT_OPTIONS for ffmpeg's command line; they go before the `-i` that they are for."""
    return [word for name, value in INPUT_OPTIONS.items() for word in (f"-{name}", value)]
