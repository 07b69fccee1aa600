"""The chunks of a recording, made one file in which every moment is where it was.

A browser's recorder gives one stream in pieces, of which the first alone says what it is; put
behind one another they are the stream. Where the recorder was started anew, or gives files that
stand by themselves (WAV), there are several streams: those are decoded and become one FLAC. So do
those with gaps between their chunks: silence takes the place of what was not recorded.
"""

from __future__ import annotations

import logging
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from debate_analyzer.demuxers import input_arguments
from debate_analyzer.errors import InvalidMedia
from debate_analyzer.ports import ObjectStore
from debate_analyzer.recording import EXTENSIONS, Chunk, Manifest

logger = logging.getLogger(__name__)

# Recorders' clocks and their sound disagree by some milliseconds a chunk. Only when as much as this
# has come together it is made up for, since a silence within speech can be heard.
TOLERANCE_MS = 250

_FETCHED_AT_ONCE = 8
_BLOCK = 1 << 20
_SAMPLE_BYTES = 2
_FETCHED = 0.5  # of the work; the rest is to put it together

Report = Callable[[float], None]


@dataclass
class Stream:
    """Chunks that are one file when they are put behind one another. `spans` are the stretches of
    time that it fills, in milliseconds from the beginning of the recording."""

    path: Path
    chunks: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)

    def add(self, chunk: Chunk) -> None:
        self.chunks += 1
        if self.spans and chunk.t_start - self.spans[-1][1] <= TOLERANCE_MS:
            self.spans[-1] = (self.spans[-1][0], chunk.t_end)
        else:
            self.spans.append((chunk.t_start, chunk.t_end))


@dataclass(frozen=True)
class _Form:
    """Of decoded sound: 16-bit samples."""

    rate: int
    channels: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * _SAMPLE_BYTES

    def frames(self, milliseconds: int) -> int:
        return milliseconds * self.rate // 1000


def join(manifest: Manifest, store: ObjectStore, folder: Path, report: Report) -> Path:
    """One file in `folder`, whatever the size of the recording in little memory.

    `report` is told how much is done, 0 to 1. Raises InvalidMedia where there is no sound in it.
    """
    streams = _fetch(manifest, store, folder, lambda part: report(part * _FETCHED))
    [first, *others] = streams
    is_whole = len(first.spans) == 1 and first.spans[0][0] <= TOLERANCE_MS
    if is_whole and not others:
        return _rewritten(first)
    joined = folder / "joined.flac"
    end = max(1, manifest.duration_ms)
    _decode(streams, joined, lambda done: report(_FETCHED + (1 - _FETCHED) * min(done / end, 1)))
    return joined


def begins(head: bytes) -> str | None:
    """The suffix of the file that begins so, or None for what continues one.

    Of MP3 and ADTS frames nothing tells the first from the others, and nothing needs to.
    """
    if head.startswith(b"\x1a\x45\xdf\xa3"):  # RFC 8794, the EBML header with its DocType
        return ".mkv" if b"matroska" in head[:64] else ".webm"
    if head.startswith(b"OggS") and len(head) > 5 and head[5] & 2:  # RFC 3533, 6: first page
        return ".ogg"
    if head[4:8] == b"ftyp":  # ISO 14496-12, 4.3
        return ".mp4"
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return ".wav"
    if head.startswith(b"fLaC"):  # RFC 9639, 6
        return ".flac"
    if head.startswith(b"ID3"):
        return ".mp3"
    return None


def _fetch(manifest: Manifest, store: ObjectStore, folder: Path, report: Report) -> list[Stream]:
    """Every chunk in its place on disk, a few at a time."""
    chunks = manifest.complete_chunks
    streams: list[Stream] = []
    fetched = 0
    with ThreadPoolExecutor(_FETCHED_AT_ONCE) as pool:
        for some in _slices(chunks, _FETCHED_AT_ONCE):
            paths = [folder / f"chunk-{chunk.seq}" for chunk in some]
            list(pool.map(lambda pair: _download(store, *pair), zip(some, paths, strict=True)))
            for chunk, path in zip(some, paths, strict=True):
                _append(chunk, path, streams, folder)
                fetched += chunk.bytes
            report(fetched / max(1, manifest.bytes))
    return streams


def _slices(chunks: Sequence[Chunk], size: int) -> Iterator[Sequence[Chunk]]:
    return (chunks[start : start + size] for start in range(0, len(chunks), size))


def _download(store: ObjectStore, chunk: Chunk, path: Path) -> None:
    found = store.head(chunk.key)
    if found is None or found.etag != chunk.etag:
        raise InvalidMedia(
            f"Chunk {chunk.seq} of the recording is no longer what it was when it was completed."
        )
    store.download(chunk.key, path)


def _append(chunk: Chunk, path: Path, streams: list[Stream], folder: Path) -> None:
    with path.open("rb") as piece:
        head = piece.read(64)
        piece.seek(0)
        suffix = begins(head)
        if suffix or not streams:
            suffix = suffix or f".{EXTENSIONS[chunk.content_type]}"
            streams.append(Stream(folder / f"stream-{len(streams)}{suffix}"))
        streams[-1].add(chunk)
        with streams[-1].path.open("ab") as whole:
            shutil.copyfileobj(piece, whole, _BLOCK)
    path.unlink()


# --- One stream -----------------------------------------------------------------------------------


def _rewritten(stream: Stream) -> Path:
    """The same sound and picture in a container that says how long it is and where each moment
    lies: a recorder writes the beginning before it knows the end, and no page can seek in that."""
    suffix = ".m4a" if stream.path.suffix == ".aac" else stream.path.suffix
    for each in (suffix, ".mkv"):  # which takes what a browser calls WebM and is none: H.264
        path = stream.path.with_name(f"joined{each}")
        command = [
            *_ffmpeg(stream),
            *("-map", "0:a", "-map", "0:v?", "-c", "copy"),
            # What a FLAC says of its length stands in its head, which is copied as it is.
            *(("-c:a", "flac") if each == ".flac" else ()),
            *(("-movflags", "+faststart") if each in (".mp4", ".m4a") else ()),
            *(("-rf64", "auto") if each == ".wav" else ()),  # from 4 GiB on
            f"file:{path}",
        ]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0:
            stream.path.unlink()
            return path
        logger.info("not as %s: %s", each, done.stderr.decode(errors="replace")[-300:])
    raise InvalidMedia(_NO_SOUND)


_NO_SOUND = (
    "There is no sound that can be read in this recording. "
    "Check that its chunks were sent whole and in the order of their numbers."
)


# --- Several --------------------------------------------------------------------------------------


def _decode(streams: Sequence[Stream], path: Path, report: Report) -> None:
    """The sound of all streams, each where it belongs; a pause is silence.

    A stream that has no sound in it is one, too: a recorder that was started and stopped at once
    leaves a header.
    """
    form = next((form for stream in streams if (form := _form(stream))), None)
    if form is None:
        raise InvalidMedia(_NO_SOUND)
    with _encoder(path, form) as sink:
        written = 0
        for stream in streams:
            with _decoder(stream, form) as source:
                for number, (start, end) in enumerate(stream.spans):
                    is_last = number == len(stream.spans) - 1
                    written += _silence(sink, form, form.frames(start) - written)
                    written += _copy(
                        source, sink, form, None if is_last else form.frames(end - start)
                    )
                    report(end)
            stream.path.unlink()


def _form(stream: Stream) -> _Form | None:
    """That of a stream's own sound, None where it has none: ffmpeg tells in the head of a WAV."""
    command = [
        *_ffmpeg(stream),
        *("-map", "0:a:0", "-t", "0.1", "-c:a", "pcm_s16le", "-f", "wav", "pipe:1"),
    ]
    wav = subprocess.run(command, capture_output=True, check=False).stdout
    where = wav.find(b"fmt ")
    if where < 0 or wav.find(b"data") < 0 or len(wav) <= wav.find(b"data") + 8:
        return None
    channels, rate = struct.unpack_from("<HI", wav, where + 10)
    return _Form(rate, min(channels, 8))  # as many as FLAC has


@contextmanager
def _decoder(stream: Stream, form: _Form) -> Iterator[IO[bytes]]:
    command = [
        *_ffmpeg(stream),
        *("-map", "0:a:0", *_raw(form), "pipe:1"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.kill()


@contextmanager
def _encoder(path: Path, form: _Form) -> Iterator[IO[bytes]]:
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y"),
        *(*_raw(form), "-i", "pipe:0", "-c:a", "flac", f"file:{path}"),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        try:
            yield process.stdin
        except BaseException:
            process.kill()
            raise
        process.stdin.close()
        if process.wait() != 0:
            raise OSError(f"ffmpeg ended with {process.returncode} while it wrote {path.name}")


def _raw(form: _Form) -> tuple[str, ...]:
    return ("-f", "s16le", "-ar", str(form.rate), "-ac", str(form.channels))


def _ffmpeg(stream: Stream) -> list[str]:
    """To read a file of strangers'. The head of a WAV in several chunks was written with the first,
    and says nothing of the others."""
    goes_on = stream.path.suffix == ".wav" and stream.chunks > 1
    return [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error", "-y"),
        *(*input_arguments(), *(("-ignore_length", "1") if goes_on else ())),
        *("-i", f"file:{stream.path}"),
    ]


def _silence(sink: IO[bytes], form: _Form, frames: int) -> int:
    """So many frames, but none for what is within the tolerance; how many were written."""
    if frames <= form.frames(TOLERANCE_MS):
        return 0
    left = frames * form.frame_bytes
    while left:
        left -= sink.write(bytes(min(left, _BLOCK)))
    return frames


def _copy(source: IO[bytes], sink: IO[bytes], form: _Form, frames: int | None) -> int:
    """So many frames, or all that there are; how many there were."""
    left = None if frames is None else frames * form.frame_bytes
    copied = 0
    while left is None or copied < left:
        block = source.read(_BLOCK if left is None else min(_BLOCK, left - copied))
        if not block:
            break
        sink.write(block)
        copied += len(block)
    return copied // form.frame_bytes
