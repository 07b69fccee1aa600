"""What is measured: the laptop's own web server, with a long debate behind it.

The page's files come from `local.web` as on the laptop, and so do the API's answers, which it
passes on; in place of the emulated AWS the browser tests' server answers. What a browser waits for
is then the page and this machine.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import imageio_ffmpeg
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.frontend.edge import Edge
from debate_analyzer.transcript import Transcript
from local.server import Server
from local.web import Site, application
from tests.frontend.backend import Backend
from tests.frontend.certificate import certify
from tests.frontend.debate import Line, make_transcript

ROOT = Path(__file__).parents[2]
HOURS, SEGMENTS, WORDS, SPEAKERS = 3, 3_000, 25_000, 5
SHORT_DEBATES = 20
_SAID = (
    "the of and we must say that government people because taxes never always question minister "
    "answer budget schools hospitals vote time street market closed open cars shops"
)
_VOCABULARY = _SAID.split()


@dataclass(frozen=True)
class Served:
    """Where it is."""

    url: str
    edge: str
    """The same once more, as CloudFront serves it."""
    pin: str
    """Of the edge's certificate, which nobody else vouches for."""
    debate: str
    """The long debate, from there on."""
    transcript: Transcript
    recording: Path


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """The site, until the end of the block. Files that it needs are made in the folder."""
    recording = _recording(folder / "debate.webm")
    backend = Backend(recording)
    for number in range(SHORT_DEBATES):
        backend.add(f"Debate {number + 1}")
    job_id = backend.add("Three hours of the council")
    transcript = make_transcript(list(_lines()), job_id=job_id, language="en")
    transcript = transcript.model_copy(update={"duration": HOURS * 3600.0, "warnings": []})
    backend.complete(job_id, transcript)
    behind, laptop = Server(0), Server(0)
    certificate = certify(folder)
    edge = Edge(certificate)
    site = Site(
        frontend=ROOT / "frontend",
        endpoint=behind.url,
        api="",
        token=lambda: "nobody asks for it",
        bucket="no-bucket",
        objects=folder,
        s3=_not_here,
        look=_not_here,
    )
    behind.start(backend.app)
    laptop.start(_Front(application(site, laptop.port), backend.app))
    origin = _Front(application(site, edge.port), backend.app)
    try:
        with edge.serving(site.frontend, origin):
            debate = f"/?job={job_id}"
            yield Served(laptop.url, edge.url, certificate.pin, debate, transcript, recording)
    finally:
        for server in (laptop, behind):
            server.stop()


def _not_here(*_: Any) -> NoReturn:
    raise AssertionError("nobody asks for it")


class _Front:
    """The bucket and what is published are files: they come from the tests' server at once."""

    def __init__(self, page: ASGIApp, files: ASGIApp) -> None:
        self._page, self._files = page, files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_file = scope["type"] == "http" and scope["path"].startswith(("/bucket/", "/statistics/"))
        await (self._files if is_file else self._page)(scope, receive, send)


def _lines() -> Iterator[Line]:
    """Turns of several segments each; every tenth begins before the last one has ended."""
    random_ = random.Random(1)
    step, speaker = HOURS * 3600 / SEGMENTS, 0
    for number in range(SEGMENTS):
        if random_.random() < 0.3:
            speaker = (speaker + random_.randrange(1, SPEAKERS)) % SPEAKERS
        start = max(0.0, number * step - (1.0 if number % 10 == 0 else 0.0))
        count = WORDS * (number + 1) // SEGMENTS - WORDS * number // SEGMENTS
        words = " ".join(random_.choices(_VOCABULARY, k=count))
        yield f"SPEAKER_0{speaker}", start, (number + 0.95) * step, words


def _recording(path: Path) -> Path:
    """A minute of silence, again and again."""
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    minute = path.with_suffix(".minute.webm")
    silence = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "60"]
    subprocess.run([*program, *silence, "-c:a", "libopus", "-b:a", "6k", str(minute)], check=True)
    again = ["-stream_loop", str(HOURS * 60 - 1), "-i", str(minute), "-c", "copy", str(path)]
    subprocess.run([*program, *again], check=True)
    return path
