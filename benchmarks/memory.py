"""What a longer recording costs in memory: `python -m benchmarks.memory --hours 1 8`.

As a worker has it that hears the last part of a long recording and puts all of them together: ten
minutes of the demo debate over and over are decoded and heard by the real engines, and what was
heard is put together as often as the recording has such parts. Each length in its own process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from batch_images.transcribe.diarization import create_diarizer
from batch_images.transcribe.hearing import Hearing
from batch_images.transcribe.recognition import WhisperRecognizer
from batch_images.transcribe.recording import open_recording
from batch_images.transcribe.transcriber import Transcriber
from benchmarks.machine import describe
from benchmarks.speech.worker import peak_mib
from demo.truth import DEMO

DEBATE = DEMO.with_name("debate.mp4")
PART_SECONDS = 600


def measure(hours: float, models: Path) -> dict[str, Any]:
    """In this process, which must be fresh."""
    transcriber = Transcriber(
        WhisperRecognizer(str(models / "whisper-base"), device="cpu", compute_type="int8"),
        create_diarizer("onnx", models_dir=models),
    )
    loaded = peak_mib()
    with tempfile.TemporaryDirectory(prefix="memory-") as folder:
        file = _part(Path(folder, "part.m4a"))
        recording = open_recording(file, Path(folder, "sound"), key=file.name)
        (sound,) = recording.sounds
        heard = transcriber.listen(sound, language="en").to_bytes()
    alone = peak_mib()
    parts = round(hours * 3600 / PART_SECONDS)
    began = time.perf_counter()
    transcript = transcriber.put_together(
        [(n * PART_SECONDS, Hearing.from_bytes(heard)) for n in range(parts)],
        source=recording.source,
        duration=parts * PART_SECONDS,
        job_id="memory",
        warnings=[],
        seconds={},
        language="en",
    )
    document = transcript.model_dump_json().encode()
    return {
        "loaded": loaded,
        "alone": alone,
        "peak": peak_mib(),
        "seconds": time.perf_counter() - began,
        "words": sum(len(segment.words) for segment in transcript.transcription),
        "speakers": transcript.speakers_count,
        "document": len(document) / 2**20,
    }


def _part(path: Path) -> Path:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-stream_loop", "-1"]
    command += ["-i", str(DEBATE), "-vn", "-t", str(PART_SECONDS), "-c:a", "copy", str(path)]
    subprocess.run(command, check=True)
    return path


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 8.0])
    parser.add_argument("--models-dir", type=Path, default=Path(".models"))
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.hours[0], options.models_dir)))
        return
    print(f"Whisper base int8, onnx diarizer; {describe()}\n")
    print("| hours | words | speakers | JSON, MiB | loaded, MiB | a part, MiB | peak, MiB | s |")
    print("|---|---|---|---|---|---|---|---|")
    for hours in options.hours:
        command = [sys.executable, "-m", "benchmarks.memory", "--measure", "--hours", str(hours)]
        command += ["--models-dir", str(options.models_dir)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        got = json.loads(done.stdout.splitlines()[-1])
        print(
            f"| {hours:g} | {got['words']} | {got['speakers']} | {got['document']:.1f} "
            f"| {got['loaded']:.0f} | {got['alone']:.0f} | {got['peak']:.0f} "
            f"| {got['seconds']:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
