"""Engines on clips, each engine and kind of clips in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from batch_images.transcribe.media import decode
from batch_images.transcribe.sound import SAMPLE_RATE
from benchmarks.speech.engines import ENGINES
from benchmarks.speech.heard import Heard
from benchmarks.speech.manifest import Clip

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Sound:
    """A clip on disk as engines take it, and its length in seconds."""

    clip: Clip
    wav: Path
    duration: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one clip. Wall and processor seconds without the load; MiB up to the end of this clip."""

    heard: Heard
    seconds: float
    cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Run:
    """Of one process: outcomes in the order of the clips, up to where it `failed`, if it did.
    `load_seconds` is None where it failed before it was ready."""

    load_seconds: float | None
    versions: dict[str, str]
    outcomes: tuple[Outcome, ...]
    failed: str | None

    @property
    def seconds(self) -> float:
        """For all clips, models loaded."""
        return sum(outcome.seconds for outcome in self.outcomes)


class NotInstalled(Exception):
    """The engine cannot be measured here; says why."""


@contextmanager
def sounds(clips: Sequence[Clip]) -> Iterator[list[Sound]]:
    """Every clip decoded to 16 kHz, mono, 16 bits, for the engines that take nothing else."""
    with tempfile.TemporaryDirectory(prefix="speech-") as folder:
        decoded = []
        for number, clip in enumerate(clips):
            wav = Path(folder, f"{number}.wav")
            sound = decode(clip.audio, Path(folder, f"{number}.pcm"))
            pcm = np.frombuffer(sound.read_bytes(), "<i2")
            wavfile.write(wav, SAMPLE_RATE, pcm)
            decoded.append(Sound(clip, wav, sound.duration))
        yield decoded


def run(engine: str, chosen: Sequence[Sound], *, models: Path, peers: Path) -> Run:
    """`peers`: the Python that has the peers' packages. Raises NotInstalled."""
    entry = ENGINES[engine]
    python = sys.executable if entry.environment == "project" else str(peers)
    if not Path(python).exists():
        raise NotInstalled(f"there is no {peers}; `make bench` makes it")
    files = [str(s.clip.audio if entry.takes == "media" else s.wav) for s in chosen]
    with tempfile.TemporaryDirectory(prefix="speech-") as folder:
        report = Path(folder, "report.jsonl")
        report.touch()
        done = subprocess.run(
            [python, "-m", "benchmarks.speech.worker", engine, str(models), str(report), *files],
            cwd=PROJECT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        lines = [json.loads(line) for line in report.read_text().splitlines()]
    if lines and "missing" in lines[0]:
        raise NotInstalled(lines[0]["missing"])
    failed = None
    if done.returncode:
        reason = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        failed = f"{reason[-1]} (after {max(0, len(lines) - 1)} of {len(files)} clips)"
    outcomes = (
        Outcome(
            Heard.from_json(line["heard"]), line["seconds"], line["cpu_seconds"], line["peak_mib"]
        )
        for line in lines[1:]
    )
    ready = lines[0] if lines else {}
    return Run(ready.get("load_seconds"), ready.get("versions", {}), tuple(outcomes), failed)
