"""Files as programs make them: no recording is refused, and what is plainly none is."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import imageio_ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate_analyzer.content import HEAD_BYTES, plainly
from debate_analyzer.pipeline import MEDIA_SUFFIXES, Status
from tests.world import MOVING_PICTURES, ROOT, TRANSCRIPT, VIDEO, World, silent_wav

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def _encoded(folder: Path, name: str, *options: str) -> bytes:
    """A second of a picture and a tone."""
    path = folder / name
    sources = ("-f", "lavfi", "-i", "testsrc=d=1:s=64x64", "-f", "lavfi", "-i", "sine=d=1")
    command = [FFMPEG, "-nostdin", "-v", "error", "-y", *sources, *options, str(path)]
    subprocess.run(command, check=True)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", MEDIA_SUFFIXES)
def test_no_recording_is_refused_whatever_it_is_written_as(tmp_path: Path, suffix: str) -> None:
    sound_only = ("-map", "1:a") if suffix in MEDIA_SUFFIXES[9:] else ()
    data = _encoded(tmp_path, f"a{suffix}", *sound_only)
    assert plainly(data[:HEAD_BYTES]) is None


@pytest.mark.parametrize(
    "options",
    [
        ("a.mp3", "-map", "1:a", "-id3v2_version", "0", "-write_xing", "0"),
        ("a.mp4", "-movflags", "frag_keyframe+empty_moov"),
        ("a.mov", "-brand", "qt  "),
        ("a.wav", "-map", "1:a", "-rf64", "always"),
        ("a.3gp", "-map", "0:v", "-c:v", "mpeg4"),
    ],
    ids=lambda options: " ".join(options),
)
def test_no_recording_is_refused_for_how_it_begins(tmp_path: Path, options: tuple[str]) -> None:
    assert plainly(_encoded(tmp_path, *options)[:HEAD_BYTES]) is None


def _zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.txt", "a")
    return data.getvalue()


def _tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.add(ROOT / "README.md", "README.md")
    return data.getvalue()


def _word() -> bytes:
    data = io.BytesIO()
    docx.Document().save(data)
    return data.getvalue()


def _database() -> bytes:
    with sqlite3.connect(":memory:") as database:
        database.execute("create table a (b)")
        return database.serialize()


_PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
_OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
_WINDOWS = b"MZ\x90\x00\x03" + bytes(55) + b"\x80\0\0\0" + bytes(64) + b"PE\0\0"
_HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"

MADE: dict[str, tuple[Callable[[], bytes], str]] = {
    "pdf": (lambda: _PDF, "a PDF document"),
    "zip": (_zip, "an Office document or a ZIP archive"),
    "docx": (_word, "an Office document or a ZIP archive"),
    "doc": (lambda: _OLD_WORD, "an Office document or a ZIP archive"),
    "tar": (_tar, "an archive"),
    "gzip": (lambda: gzip.compress(b"a"), "an archive"),
    "bzip2": (lambda: bz2.compress(b"a"), "an archive"),
    "xz": (lambda: lzma.compress(b"a"), "an archive"),
    "program": (lambda: Path(sys.executable).resolve().read_bytes()[:HEAD_BYTES], "a program"),
    "windows program": (lambda: _WINDOWS, "a program"),
    "java class": (lambda: b"\xca\xfe\xba\xbe\0\0\0\x41", "a program"),
    "script": (lambda: b"#!/bin/sh\nrm -rf /\n", "a program"),
    "database": (_database, "a database"),
    "heic": (lambda: _HEIC, "an image"),
    "page": (lambda: (ROOT / "frontend" / "index.html").read_bytes(), "a web page"),
    "error page": (lambda: b"\r\n  <HTML><title>404</title>", "a web page"),
    "svg": (lambda: (ROOT / "frontend" / "icon.svg").read_bytes(), "an XML document"),
    "json": (lambda: json.dumps({"duration": 1}).encode(), "a JSON document"),
    "text": (lambda: (ROOT / "README.md").read_bytes(), "a text"),
    "marked text": (lambda: b"\xef\xbb\xbfstart,end\r\n", "a text"),
    "captions": (lambda: b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n", "a text"),
    "playlist": (lambda: b"#EXTM3U\nhttp://169.254.169.254/\n", "a text"),
    "TypeScript": (lambda: b"export const a: number = 1;\n", "a text"),
}


@pytest.mark.parametrize("kind", MADE)
def test_what_is_plainly_no_recording_is_named(kind: str) -> None:
    make, name = MADE[kind]
    assert plainly(make()[:HEAD_BYTES]) == name


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".bmp", ".tiff", ".webp"])
def test_images_are_none(tmp_path: Path, suffix: str) -> None:
    data = _encoded(tmp_path, f"a{suffix}", "-map", "0:v", "-frames:v", "1")
    assert plainly(data[:HEAD_BYTES]) == "an image"


def test_what_is_two_things_is_what_it_is_first() -> None:
    """An archive behind a film, or a page within one, is a film to all that read it here."""
    assert plainly((MOVING_PICTURES + _zip())[:HEAD_BYTES]) is None
    assert plainly((silent_wav(1) + b"<html>")[:HEAD_BYTES]) is None
    assert plainly((b"GIF89a" + silent_wav(1))[:HEAD_BYTES]) == "an image"


@given(st.binary(max_size=64))
def test_any_bytes_have_an_answer(head: bytes) -> None:
    plainly(head)


@given(st.binary(min_size=1, max_size=64))
def test_noise_in_a_container_is_the_decoder_s_to_judge(noise: bytes) -> None:
    assert plainly(b"\0\0\0\x18ftypisom" + noise) is None


# --- On arrival -----------------------------------------------------------------------------------


def test_it_fails_with_a_sentence_and_no_worker_is_started(world: World) -> None:
    world.drop(VIDEO, _PDF)
    assert world.arrive() is None

    job = world.job()
    assert (job.status, job.fault.code) == (Status.FAILED, "no_recording")
    assert "PDF" in job.fault.message
    assert (world.waiting(), world.pool.started) == ([], [])


def test_an_empty_file_fails_too(world: World) -> None:
    world.drop(VIDEO, b"")
    assert world.arrive() is None
    assert world.job().fault.code == "empty_file"
    assert world.pool.started == []


def test_told_of_it_twice_nothing_changes_and_a_recording_after_it_is_welcome(
    world: World,
) -> None:
    world.drop(VIDEO, _PDF)
    world.arrive()
    refused = world.job()
    world.arrive()
    assert world.job() == refused

    world.drop(VIDEO)
    unit = world.arrive()
    assert world.waiting() == [unit]
    assert (world.job().status, world.job().fault) == (Status.QUEUED, None)


def test_over_a_debate_that_is_done_it_is_refused_as_any_other(world: World) -> None:
    world.drop(VIDEO)
    world.arrive()
    world.table.replace(world.job().model_copy(update={"status": Status.COMPLETE}))
    world.drop(VIDEO, _PDF)
    assert world.arrive() is None
    assert world.job().fault.code == "no_recording"


def test_a_transcript_is_text_and_is_not_asked(world: World) -> None:
    world.drop(TRANSCRIPT, b'{"duration": 1}', "application/json")
    assert world.arrive(TRANSCRIPT) is not None


def test_the_first_bytes_of_an_object(world: World) -> None:
    world.drop(VIDEO, b"0123456789")
    assert world.store.head_bytes(VIDEO, 4) == b"0123"
    assert world.store.head_bytes(VIDEO, 100) == b"0123456789"
    world.drop(VIDEO, b"")
    assert world.store.head_bytes(VIDEO, 4) == b""
    assert world.store.head_bytes(VIDEO + ".gone", 4) is None
