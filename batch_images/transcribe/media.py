"""A media file's sound.

Headers are read with PyAV (faster-whisper brings it); samples come from the ffmpeg binary that
`imageio-ffmpeg` pins, so that the same file gives the same samples on every machine, whatever
lies on its PATH. A file is somebody's upload: `demuxers` says what ffmpeg may take it for.
"""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
from av.error import FFmpegError

from batch_images.transcribe.sound import SAMPLE_RATE, Sound
from debate_analyzer.demuxers import INPUT_OPTIONS, input_arguments
from debate_analyzer.errors import EmptyFile, InvalidMedia, NoAudioTrack, TruncatedMedia

LONGEST_SECONDS = 12 * 3600
MOST_CHANNELS = 8

# Their duration is written in the header; the others' is guessed from the bit rate, or read off
# the last page, and says nothing about what was cut off.
_ANNOUNCING = {"mov", "matroska", "avi", "wav", "w64", "flac"}

# ffmpeg takes the third of three channels, and the fourth of six, for a subwoofer's and leaves it
# out of the mix. On a mixing desk somebody may speak into it.
_MIX = "out_chlayout=mono:lfe_mix_level=1"

# Gaps in the file's own timestamps become silence.
_ON_TIME = "aresample=async=1:first_pts=0"

# How often a decoding is looked at, in seconds.
_LOOK = 0.2

# Recorders that write to a pipe cannot know the size; each has its own impossible one.
_UNKNOWN_RIFF_SIZE = 0x7FFF_0000


@dataclass(frozen=True)
class Media:
    """What the container says of itself. `duration` is in seconds, None where it says nothing;
    `channels`: how many each of its audio tracks has."""

    container: str
    duration: float | None
    has_audio: bool
    has_video: bool
    channels: tuple[int, ...] = ()

    @property
    def announces_duration(self) -> bool:
        return self.duration is not None and self.container in _ANNOUNCING


def probe(path: Path) -> Media:
    """Read the headers of `path`.

    Raises EmptyFile for no bytes and InvalidMedia for a file that is not of a known format.
    """
    size = path.stat().st_size
    if size == 0:
        raise EmptyFile("The file is empty: it has no bytes. Upload it again.")
    try:
        with av.open(_url(path), options=INPUT_OPTIONS) as container:
            duration = container.duration / av.time_base if container.duration else None
            return Media(
                container=container.format.name.split(",")[0],
                duration=duration and duration * _riff_announces(path, size),
                has_audio=bool(container.streams.audio),
                has_video=bool(container.streams.video),
                channels=tuple(track.channels for track in container.streams.audio),
            )
    except FFmpegError as error:
        raise InvalidMedia(
            "The file cannot be read as audio or video; it may be damaged, cut off, or of another "
            "kind than its name says. Try to play it, then upload it again or convert it to MP4."
        ) from error


def decode(
    path: Path,
    into: Path,
    media: Media | None = None,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Sound:
    """The sound of `path`, written to `into`, sample 0 at the start of the recording.

    Gaps in the file's own timestamps become silence, so that a word's time is the moment it is
    heard in a player. `on_progress` hears the fraction done, as far as the header tells; what it
    raises ends the decoding. Raises NoAudioTrack, EmptyFile for a track without samples,
    TruncatedMedia where the file ends before its header says, InvalidMedia for what ffmpeg refuses
    and for what is too long.
    """
    sound = Sound(into)
    outputs = ["-af", f"{_ON_TIME}:{_MIX}", *_raw(sound)]
    _decode(path, media or probe(path), [sound], outputs, on_progress)
    return sound


def decode_channels(
    path: Path,
    into: Path,
    media: Media,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> list[Sound]:
    """A sound for each channel of the audio track that has the most, in files named after `into`.

    Otherwise as `decode`. There are 1 to MOST_CHANNELS; InvalidMedia where there are more.
    """
    count = max(media.channels, default=0)
    if count > MOST_CHANNELS:
        raise InvalidMedia(
            f"The recording has {count} channels; a channel per speaker works up to "
            f"{MOST_CHANNELS}. Upload it without that choice, or leave out the others."
        )
    sounds = [Sound(into.with_name(f"{into.name}.{number}")) for number in range(count)]
    track = media.channels.index(count) if count else 0
    copies = "".join(f"[copy{number}]" for number in range(count))
    graph = [f"[0:a:{track}]{_ON_TIME},asplit={count}{copies}"]
    graph += [f"[copy{number}]pan=mono|c0=c{number}[out{number}]" for number in range(count)]
    outputs = [
        option
        for number, sound in enumerate(sounds)
        for option in ("-map", f"[out{number}]", *_raw(sound))
    ]
    _decode(path, media, sounds, ["-filter_complex", ";".join(graph), *outputs], on_progress)
    return sounds


def _riff_announces(path: Path, size: int) -> float:
    """How many times its own size a WAV or AVI says it has: libavformat corrects it silently."""
    with path.open("rb") as file:
        magic, announced = file.read(4), int.from_bytes(file.read(4), "little")
    if magic != b"RIFF" or announced >= _UNKNOWN_RIFF_SIZE:
        return 1.0
    return max(1.0, (announced + 8) / size)


def _raw(sound: Sound) -> list[str]:
    """ffmpeg's options for an output that is to be `sound`."""
    return [
        *("-vn", "-sn", "-dn", "-t", str(LONGEST_SECONDS + 1)),
        *("-ac", "1", "-ar", str(SAMPLE_RATE), "-f", "s16le", _url(sound.path)),
    ]


def _decode(
    path: Path,
    media: Media,
    sounds: Sequence[Sound],
    outputs: Sequence[str],
    on_progress: Callable[[float], None],
) -> None:
    """Run ffmpeg with `outputs`, which write `sounds`, all as long as each other. See `decode`."""
    if not media.has_audio:
        raise NoAudioTrack(
            "The video has no sound, so there is nothing to transcribe. "
            "Upload a version with its audio track."
        )
    for each in sounds:
        each.path.touch()
    sound = sounds[0]
    _run(path, sound, media.duration, outputs, on_progress)
    if sound.duration > LONGEST_SECONDS:
        raise InvalidMedia(
            f"The recording is longer than {LONGEST_SECONDS // 3600} hours. "
            "Cut it into parts and upload them one by one."
        )
    if media.duration is not None and media.announces_duration:
        _refuse_truncated(path, media.duration, sound.duration)
    if not len(sound):
        raise EmptyFile("The file's audio track holds no sound at all. Record or export it again.")


def _run(
    path: Path,
    sound: Sound,
    expected: float | None,
    outputs: Sequence[str],
    on_progress: Callable[[float], None],
) -> None:
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-nostdin", "-v", "error", "-y"),
        *(*input_arguments(), "-i", _url(path), *outputs),
    ]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=complaints
        ) as ffmpeg,
    ):
        try:
            while not _has_ended(ffmpeg):
                on_progress(min(sound.duration / expected, 1.0) if expected else 0.0)
        except BaseException:
            ffmpeg.kill()
            raise
        complaints.seek(0)
        reason = complaints.read(2000).decode(errors="replace").strip()
    if os.strerror(errno.ENOSPC) in reason:
        raise OSError(
            errno.ENOSPC, "there is no room for the sound of the recording", str(sound.path)
        )
    if ffmpeg.returncode != 0 and not len(sound):
        raise InvalidMedia(
            "The sound of the file cannot be decoded; it may be damaged. "
            "Try to play it, then upload it again or convert it to MP4."
        ) from RuntimeError(reason)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_LOOK)
    except subprocess.TimeoutExpired:
        return False
    return True


def _refuse_truncated(path: Path, announced: float, decoded: float) -> None:
    """Sound may end before the picture does, so the file is short only if all its streams are."""
    allowed = max(1.0, 0.02 * announced)
    if announced - decoded <= allowed:
        return
    held = max(decoded, _reach(path))
    if announced - held > allowed:
        raise TruncatedMedia(
            f"The file holds {held:.0f} s of the {announced:.0f} s its header announces; "
            "it was probably cut off while copying. Upload it again."
        )


def _reach(path: Path) -> float:
    """The end of the last packet of any stream, in seconds from the start of the recording."""
    reach = Fraction(0)
    with av.open(_url(path), options=INPUT_OPTIONS) as container:
        start = Fraction(container.start_time or 0, av.time_base)
        try:
            for packet in container.demux():
                # A packet cut off in its middle is still delivered, marked as corrupt.
                if packet.pts is not None and packet.size and not packet.is_corrupt:
                    end = packet.pts + (packet.duration or 0)
                    reach = max(reach, end * Fraction(packet.time_base) - start)
        except FFmpegError:
            return float(reach)  # the data ends here, which is what was asked
    return float(reach)


def _url(path: Path) -> str:
    """With its protocol named, no file name can be an option or another protocol."""
    return f"file:{path}"
