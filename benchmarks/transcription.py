"""The transcriber beside faster-whisper alone: load, time and memory, file by file.

    python -m benchmarks.transcription [FILE...] [--models-dir .models] [--runs 3]

Both use the same Whisper weights, beam, batch and VAD on the same file in the same run; the product
decodes, recognises, tells speakers apart and assigns words, faster-whisper decodes and recognises.
Each measurement is a process of its own. Processes take turns, and the fastest of `--runs` counts.
The real-time factor is wall time over duration with the models loaded; memory is the peak resident
set of the process.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.machine import describe

PROJECT = Path(__file__).resolve().parent.parent
DEMO = PROJECT / "demo" / "debate.mp4"
MODEL, COMPUTE_TYPE = "whisper-base", "int8"


@dataclass(frozen=True)
class Measurement:
    """Seconds, words and MiB."""

    load: float
    work: float
    duration: float
    words: int
    memory: float


def product(path: Path, models: Path) -> Measurement:
    """As the worker does it."""
    began = time.perf_counter()
    from batch_images.transcribe.diarization import create_diarizer
    from batch_images.transcribe.recognition import WhisperRecognizer
    from batch_images.transcribe.transcriber import Transcriber

    transcriber = Transcriber(
        WhisperRecognizer(str(models / MODEL), device="cpu", compute_type=COMPUTE_TYPE),
        create_diarizer("onnx", models_dir=models),
    )
    loaded = time.perf_counter()
    transcript = transcriber.transcribe(path, job_id="benchmark", key=path.name)
    done = time.perf_counter()
    words = sum(len(segment.words) for segment in transcript.transcription)
    return Measurement(loaded - began, done - loaded, transcript.duration, words, _peak())


def faster_whisper(path: Path, models: Path) -> Measurement:
    """The peer, as its README has it."""
    began = time.perf_counter()
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    model = WhisperModel(str(models / MODEL), device="cpu", compute_type=COMPUTE_TYPE)
    pipeline = BatchedInferencePipeline(model)
    loaded = time.perf_counter()
    segments, info = pipeline.transcribe(
        str(path), beam_size=5, batch_size=4, word_timestamps=True, vad_filter=True
    )
    words = sum(len(segment.words or []) for segment in segments)
    return Measurement(loaded - began, time.perf_counter() - loaded, info.duration, words, _peak())


ENGINES = {"faster-whisper": faster_whisper, "product": product}


def _peak() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _measured_apart(engine: str, path: Path, models: Path) -> Measurement:
    command = [sys.executable, __file__, str(path), "--models-dir", str(models), "--only", engine]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def _fastest(path: Path, models: Path, runs: int) -> dict[str, Measurement]:
    best: dict[str, Measurement] = {}
    for _ in range(runs):
        for engine in ENGINES:
            found = _measured_apart(engine, path, models)
            best[engine] = min(found, best.get(engine, found), key=lambda m: m.work)
    return best


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="*", type=Path, default=[DEMO])
    parser.add_argument("--models-dir", type=Path, default=PROJECT / ".models")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=ENGINES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        measurement = ENGINES[options.only](options.files[0], options.models_dir)
        print(json.dumps(asdict(measurement)))
        return
    print(f"{MODEL} {COMPUTE_TYPE}, fastest of {options.runs}; {describe()}")
    print(
        f"{'clip':24} {'s':>7} {'engine':14} {'load s':>7} {'work s':>7} {'RTF':>6}"
        f" {'words':>6} {'MiB':>6} {'ratio':>6}"
    )
    for path in options.files:
        best = _fastest(path, options.models_dir, options.runs)
        for engine, m in best.items():
            ratio = m.work / best["faster-whisper"].work
            print(
                f"{path.name:24} {m.duration:7.1f} {engine:14} {m.load:7.1f} {m.work:7.1f}"
                f" {m.work / m.duration:6.3f} {m.words:6} {m.memory:6.0f} {ratio:6.2f}"
            )


if __name__ == "__main__":
    main()
