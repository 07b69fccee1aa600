"""What a longer recording costs in memory: `python -m benchmarks.memory --hours 1 8`.

The demo debate over and over, as a compressed file of so many hours, through decoding, diarization,
clustering, assignment and the transcript's JSON, each length in a process of its own. `--recognizer
whisper` does the words as well, at the pace of the machine; by default they are the debate's true
ones, as many as people say, and what is measured is what is kept of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from batch_images.transcribe.block import MARGIN_SECONDS, Block
from batch_images.transcribe.diarization import create_diarizer
from batch_images.transcribe.guard import Stretch
from batch_images.transcribe.pauses import cut
from batch_images.transcribe.recognition import Recognizer, WhisperRecognizer
from batch_images.transcribe.recording import open_recording
from batch_images.transcribe.sound import Sound
from batch_images.transcribe.speech import Span
from batch_images.transcribe.spoken import SpokenWord
from batch_images.transcribe.transcriber import Transcriber
from benchmarks.machine import describe
from benchmarks.speech.worker import peak_mib
from demo.truth import DEMO, read_truth

DEBATE = DEMO.with_name("debate.mp4")


@dataclass(frozen=True)
class Truth:
    """A Recognizer that says the debate's words again every `period` seconds."""

    words: list[SpokenWord]
    period: float

    @property
    def provenance(self) -> dict[str, Any]:
        """Nothing was recognised."""
        return {"engine": "truth"}

    def hear(
        self,
        sound: Sound,
        *,
        language: str | None,
        on_progress: Callable[[float], None],
        own: Span | None = None,
    ) -> list[Block]:
        """In blocks, as Whisper does."""
        return [
            Block(start, end, [Stretch(self._said(start, end), 5.0, -0.3, 0.1)], [], "en", 1.0)
            for start, end in cut(sound, own or (0.0, sound.duration), every=1200)
        ]

    def _said(self, start: float, end: float) -> list[SpokenWord]:
        first, last = start - MARGIN_SECONDS, end + MARGIN_SECONDS
        rounds = range(int(first // self.period), int(last // self.period) + 1)
        said = (
            replace(word, start=word.start + n * self.period, end=word.end + n * self.period)
            for n in rounds
            for word in self.words
        )
        return [word for word in said if first <= word.middle <= last]


def truth() -> Truth:
    """Words evenly spread over their turns."""
    words = []
    turns = read_truth().turns
    for turn in turns:
        said = turn.text.split()
        each = (turn.end - turn.start) / max(len(said), 1)
        for n, text in enumerate(said):
            begin = turn.start + n * each
            words.append(SpokenWord(begin, begin + 0.8 * each, f" {text}", 0.9))
    with tempfile.TemporaryDirectory() as folder:
        period = open_recording(DEBATE, Path(folder, "sound"), key="debate").duration
    return Truth(words, period)


def measure(hours: float, recognizer: str, models: Path) -> dict[str, Any]:
    """In this process, which must be fresh."""
    engine: Recognizer = (
        WhisperRecognizer(str(models / "whisper-base"), device="cpu", compute_type="int8")
        if recognizer == "whisper"
        else truth()
    )
    transcriber = Transcriber(engine, create_diarizer("onnx", models_dir=models))
    loaded = peak_mib()
    with tempfile.TemporaryDirectory(prefix="memory-") as folder:
        file = _long(Path(folder, "long.m4a"), hours)
        began = time.perf_counter()
        recording = open_recording(file, Path(folder, "sound"), key=file.name)
        transcript = transcriber.transcribe(recording, job_id="memory")
        document = transcript.model_dump_json().encode()
        return {
            "loaded": loaded,
            "peak": peak_mib(),
            "seconds": time.perf_counter() - began,
            "words": sum(len(segment.words) for segment in transcript.transcription),
            "speakers": transcript.speakers_count,
            "document": len(document) / 2**20,
        }


def _long(path: Path, hours: float) -> Path:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-stream_loop", "-1"]
    command += ["-i", str(DEBATE), "-vn", "-t", str(hours * 3600), "-c:a", "copy", str(path)]
    subprocess.run(command, check=True)
    return path


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 8.0])
    parser.add_argument("--recognizer", choices=["truth", "whisper"], default="truth")
    parser.add_argument("--models-dir", type=Path, default=Path(".models"))
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.hours[0], options.recognizer, options.models_dir)))
        return
    print(f"words: {options.recognizer}, diarizer: onnx; {describe()}\n")
    print("| hours | words | speakers | transcript, MiB | loaded, MiB | peak, MiB | more | RTF |")
    print("|---|---|---|---|---|---|---|---|")
    for hours in options.hours:
        command = [sys.executable, "-m", "benchmarks.memory", "--measure", "--hours", str(hours)]
        command += ["--recognizer", options.recognizer, "--models-dir", str(options.models_dir)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        got = json.loads(done.stdout.splitlines()[-1])
        print(
            f"| {hours:g} | {got['words']} | {got['speakers']} | {got['document']:.1f} "
            f"| {got['loaded']:.0f} | {got['peak']:.0f} | {got['peak'] - got['loaded']:.0f} "
            f"| {got['seconds'] / hours / 3600:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
