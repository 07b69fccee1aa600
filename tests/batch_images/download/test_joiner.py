"""Chunks as recorders give them, cut where nobody would cut them, and joined by the real ffmpeg.

What was recorded is silence with beeps at known moments: they have to be where they were.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch_images.download import joiner
from batch_images.download.joiner import begins, join
from batch_images.download.probe import probe
from debate_analyzer.errors import InvalidMedia
from debate_analyzer.recording import Chunk, ChunkStatus, Manifest
from tests.world import World, wav

RATE = 16_000
Piece = tuple[int, int, bytes]  # t_start and t_end in milliseconds, and what was sent
RECORDERS = {
    "audio/webm": ("-c:a", "libopus", "-f", "webm", "-live", "1", "-cluster_time_limit", "500"),
    "audio/ogg": ("-c:a", "libopus", "-f", "ogg", "-page_duration", "300000"),
    "audio/mp4": ("-c:a", "aac", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov"),
    "audio/mpeg": ("-c:a", "libmp3lame", "-f", "mp3", "-write_xing", "0", "-id3v2_version", "0"),
    "audio/aac": ("-c:a", "aac", "-f", "adts"),
    "audio/wav": ("-c:a", "pcm_s16le", "-f", "wav"),
    "audio/flac": ("-c:a", "flac", "-f", "flac"),
}
SUFFIXES = {
    "audio/webm": ".webm",
    "audio/ogg": ".ogg",
    "audio/mp4": ".mp4",
    "audio/mpeg": ".mp3",
    "audio/aac": ".m4a",
    "audio/wav": ".wav",
    "audio/flac": ".flac",
}


def beeps(seconds: float, at: Sequence[float]) -> npt.NDArray[np.int16]:
    """Silence, and a tenth of a second of a tone at each of these moments."""
    samples = np.zeros(int(seconds * RATE))
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE // 10) / RATE)
    for moment in at:
        start = int(moment * RATE)
        samples[start : start + len(tone)] = tone[: len(samples) - start]
    return np.asarray(samples * 32767, np.int16)


def recorded(content_type: str, seconds: float, at: Sequence[float]) -> bytes:
    """As a recorder gives it that writes its beginning before it knows the end."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "wav", "-i", "pipe:0"]
    command += [*RECORDERS[content_type], "pipe:1"]
    return subprocess.run(
        command, input=wav(beeps(seconds, at)), capture_output=True, check=True
    ).stdout


def heard(path: Path) -> list[float]:
    """The moments at which a beep begins."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path)]
    command += ["-f", "s16le", "-ac", "1", "-ar", str(RATE), "pipe:1"]
    done = subprocess.run(command, capture_output=True, check=True)
    loud = np.abs(np.frombuffer(done.stdout, np.int16).astype(float)) > 3000
    where = np.flatnonzero(loud) / RATE
    return [float(b) for a, b in zip([-1.0, *where], where, strict=False) if b - a > 0.2]


def cut(data: bytes, seconds: float, number: int, *, shift: float = 0) -> list[Piece]:
    """The stream in so many pieces, as a recorder gives them: after equal times."""
    sizes = [len(data) * n // number for n in range(number + 1)]
    times = [round(1000 * (shift + seconds * n / number)) for n in range(number + 1)]
    return [(times[n], times[n + 1], data[sizes[n] : sizes[n + 1]]) for n in range(number)]


@pytest.fixture
def joined(world: World, tmp_path: Path) -> Any:
    def joined(content_type: str, pieces: Sequence[Piece]) -> Path:
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        told: list[float] = []
        path = join(keep(world, content_type, pieces), world.store, folder, told.append)
        assert told == sorted(told)
        assert told[-1] in (pytest.approx(0.5), pytest.approx(1))
        assert list(folder.iterdir()) == [path]  # nothing else stays on disk
        return path

    return joined


def keep(world: World, content_type: str, pieces: Sequence[Piece]) -> Manifest:
    """The chunks in the bucket, and the manifest that names them."""
    chunks = []
    for seq, (start, end, data) in enumerate(pieces):
        key = f"users/u/audio/sessions/s/chunks/{seq:05d}-{start}-{end}.x"
        etag = world.store.put(key, data, content_type)
        chunks.append(
            Chunk(
                seq=seq,
                key=key,
                t_start=start,
                t_end=end,
                bytes=len(data),
                content_type=content_type,
                status=ChunkStatus.COMPLETE,
                etag=etag,
            )
        )
    return Manifest(
        session_id="s",
        user_id="u",
        content_type=content_type,
        title="Evening",
        published=True,
        created_at=world.clock(),
        updated_at=world.clock(),
        chunks=tuple(chunks),
    )


# --- One stream in pieces -------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", RECORDERS)
def test_pieces_of_one_stream_become_the_stream(joined: Any, content_type: str) -> None:
    data = recorded(content_type, 9, at=(1, 4, 7.5))
    path = joined(content_type, cut(data, 9, 7))
    assert path.suffix == SUFFIXES[content_type]
    # An encoder of AAC begins with 64 ms of its own, and a stream does not say so.
    assert heard(path) == pytest.approx([1, 4, 7.5], abs=0.08)
    assert probe(path).duration == pytest.approx(9, abs=0.15)  # so that a page can seek in it


def test_what_is_copied_is_copied_as_it_is(joined: Any) -> None:
    """The samples of a recording without loss are those that were recorded."""
    data = recorded("audio/flac", 3, at=(1,))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", "FILE", "-f", "md5", "-"]
    command[4] = str(joined("audio/flac", cut(data, 3, 3)))
    as_joined = subprocess.run(command, capture_output=True, check=True).stdout
    command[4] = "pipe:0"
    assert subprocess.run(command, input=data, capture_output=True, check=True).stdout == as_joined


def test_the_picture_comes_along(joined: Any) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i"]
    command += ["testsrc=size=64x64:rate=10", "-f", "lavfi", "-i", "sine", "-t", "4"]
    command += ["-c:v", "libvpx", "-c:a", "libopus", "-f", "webm", "-live", "1", "pipe:1"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    path = joined("video/webm", cut(data, 4, 3))
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path)], capture_output=True
    ).stderr
    assert (told.count(b": Video: vp8"), told.count(b": Audio: opus")) == (1, 1)


@settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_a_stream_may_be_cut_at_any_byte(world: World, tmp_path_factory: Any, data: Any) -> None:
    whole = recorded("audio/webm", 4, at=(1, 3))
    ends = data.draw(st.lists(st.integers(1, len(whole) - 1), max_size=6, unique=True).map(sorted))
    edges = [0, *ends, len(whole)]
    pieces = [
        (round(4000 * a / len(whole)), round(4000 * b / len(whole)) or 1, whole[a:b])
        for a, b in pairwise(edges)
    ]
    manifest = keep(world, "audio/webm", pieces)
    path = join(manifest, world.store, tmp_path_factory.mktemp("cut"), lambda _: None)
    assert path.suffix == ".webm"
    assert heard(path) == pytest.approx([1, 3], abs=0.06)


# --- Several streams, and silence between ---------------------------------------------------------


@pytest.mark.parametrize("content_type", ["audio/webm", "audio/ogg", "audio/flac", "audio/wav"])
def test_files_of_their_own_become_one(joined: Any, content_type: str) -> None:
    pieces = [
        (3000 * n, 3000 * (n + 1), recorded(content_type, 3, at=(0.5 + n / 2,))) for n in range(4)
    ]
    path = joined(content_type, pieces)
    assert path.suffix == ".flac"
    assert heard(path) == pytest.approx([0.5, 4, 7.5, 11], abs=0.1)


def test_a_recorder_that_was_started_anew_goes_on_where_it_is(joined: Any) -> None:
    """A page that was reloaded: two streams in pieces, a minute apart."""
    first = cut(recorded("audio/webm", 6, at=(1, 5)), 6, 4)
    second = cut(recorded("audio/webm", 4, at=(2,)), 4, 3, shift=66)
    path = joined("audio/webm", [*first, *second])
    assert heard(path) == pytest.approx([1, 5, 68], abs=0.06)
    assert probe(path).duration == pytest.approx(70, abs=0.1)


def test_a_pause_within_a_stream_is_silence(joined: Any) -> None:
    """A recorder that was paused leaves the pause out of its stream."""
    data = recorded("audio/webm", 8, at=(1, 5))
    pieces = cut(data, 8, 4)
    later = [(start + 30_000, end + 30_000, piece) for start, end, piece in pieces[2:]]
    assert heard(joined("audio/webm", [*pieces[:2], *later])) == pytest.approx([1, 35], abs=0.06)


def test_what_was_lost_of_the_beginning_is_silence(joined: Any) -> None:
    path = joined("audio/wav", [(5000, 8000, recorded("audio/wav", 3, at=(1,)))])
    assert heard(path) == pytest.approx([6], abs=0.02)


def test_the_clock_counts_where_the_sound_is_short_of_it(joined: Any) -> None:
    """Each chunk lacks 40 ms of its five seconds: after an hour that would be half a minute."""
    pieces = [(5000 * n, 5000 * (n + 1), wav(beeps(4.96, at=(1,)))) for n in range(40)]
    moments = heard(joined("audio/wav", pieces))
    assert len(moments) == 40
    late = [5 * n + 1 - moment for n, moment in enumerate(moments)]
    assert max(map(abs, late)) < (joiner.TOLERANCE_MS + 40) / 1000


def test_no_sound_is_lost_where_there_is_more_than_the_clock_says(joined: Any) -> None:
    pieces = [(1000 * n, 1000 * (n + 1), wav(beeps(1.04, at=(0.9,)))) for n in range(20)]
    assert len(heard(joined("audio/wav", pieces))) == 20


def test_streams_of_different_forms_become_one_of_the_first_s(joined: Any) -> None:
    stereo = np.stack([beeps(2, at=(1,))] * 2, axis=1)
    path = joined("audio/wav", [(0, 2000, wav(stereo)), (2000, 4000, wav(beeps(2, at=(1,))))])
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path)], capture_output=True
    ).stderr
    assert b"16000 Hz, stereo" in told
    assert heard(path) == pytest.approx([1, 3], abs=0.02)


def test_a_stream_without_sound_is_silence(joined: Any) -> None:
    """A recorder that was started and stopped at once leaves a header."""
    head = recorded("audio/webm", 2, at=())[:200]
    pieces = [(0, 1000, head), *cut(recorded("audio/webm", 3, at=(1,)), 3, 2, shift=1)]
    assert heard(joined("audio/webm", pieces)) == pytest.approx([2], abs=0.06)


# --- What is none ---------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"x", b"#EXTM3U\nhttp://10.0.0.1/\n", bytes(5000)])
@pytest.mark.parametrize("number", [1, 2])
def test_what_is_no_sound_is_refused_with_a_sentence(
    world: World, tmp_path: Path, data: bytes, number: int
) -> None:
    pieces = [(60_000 * n, 60_000 * n + 1000, data) for n in range(number)]
    with pytest.raises(InvalidMedia, match="no sound that can be read"):
        join(keep(world, "audio/webm", pieces), world.store, tmp_path, lambda _: None)


def test_a_chunk_that_is_gone_or_another_is_named(world: World, tmp_path: Path) -> None:
    manifest = keep(world, "audio/wav", cut(recorded("audio/wav", 3, at=(1,)), 3, 3))
    world.store.put(manifest.chunks[1].key, b"other", "audio/wav")
    with pytest.raises(InvalidMedia, match="Chunk 1 of the recording"):
        join(manifest, world.store, tmp_path, lambda _: None)
    world.store.delete(manifest.chunks[1].key)
    with pytest.raises(InvalidMedia, match="Chunk 1 of the recording"):
        join(manifest, world.store, tmp_path, lambda _: None)


def test_whoever_cancels_ends_the_joining(world: World, tmp_path: Path) -> None:
    class CancelledError(Exception): ...

    def cancel(progress: float) -> None:
        if progress > 0.5:
            raise CancelledError

    pieces = [(3000 * n, 3000 * (n + 1), wav(beeps(3, at=()))) for n in range(3)]
    with pytest.raises(CancelledError):
        join(keep(world, "audio/wav", pieces), world.store, tmp_path, cancel)


# --- How a file begins ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "suffix"),
    [(kind, SUFFIXES[kind]) for kind in RECORDERS if kind not in ("audio/mpeg", "audio/aac")],
)
def test_a_file_is_known_by_its_beginning_and_a_piece_is_not(
    content_type: str, suffix: str
) -> None:
    data = recorded(content_type, 5, at=(1,))
    assert begins(data[:64]) == suffix
    middle = len(data) // 2
    assert begins(data[middle : middle + 64]) is None


@given(st.binary(max_size=64))
def test_no_bytes_make_the_look_at_a_beginning_stumble(head: bytes) -> None:
    begins(head)
