"""What the chain costs a worker that has many files: `python -m benchmarks.worker`.

A model that takes long to load and a little while for each file, both asleep, so that all that is
measured is ours: leases, rows, downloads, decoding, transcripts, messages, on the emulated AWS in
the same process. Beside it, in the same run, a bare loop over the same files on disk with the same
model.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import uuid
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from batch_images.transcribe.block import Block
from batch_images.transcribe.diarization import Diarizer, create_diarizer
from batch_images.transcribe.guard import Stretch
from batch_images.transcribe.process import Lengths, TranscribeProcess
from batch_images.transcribe.recording import open_recording
from batch_images.transcribe.sound import SAMPLE_RATE, Sound
from batch_images.transcribe.spoken import SpokenWord
from batch_images.transcribe.transcriber import Transcriber
from benchmarks.machine import describe
from debate_analyzer import aws
from debate_analyzer.arrival import Arrivals
from debate_analyzer.job import utc_now
from debate_analyzer.key import transcript_key, video_key
from debate_analyzer.worker import Worker
from local.emulator import Emulator
from local.server import bind

BUCKET, TABLE = "debates", "jobs"
CLIP_SECONDS = 60


@dataclass
class Asleep:
    """A Recognizer that takes its time and hears one word; `loads` counts its making."""

    load: float
    work: float
    loads: int = 0
    provenance: dict[str, Any] = field(default_factory=dict)

    def loaded(self) -> Asleep:
        """As a worker does it, once."""
        time.sleep(self.load)
        self.loads += 1
        return self

    def hear(self, sound: Sound, *, on_progress: Callable[[float], None], **_: Any) -> list[Block]:
        """A tenth of the work at a time, as an engine reports."""
        for tenth in range(10):
            time.sleep(self.work / 10)
            on_progress((tenth + 1) / 10)
        stretch = Stretch([SpokenWord(0.1, 0.5, " Buenas", 0.9)], 5.0, -0.3, 0.1)
        return [Block(0.0, sound.duration, [stretch], [], "es", 0.9)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--load", type=float, default=30.0, help="seconds, once")
    parser.add_argument("--work", type=float, default=1.0, help="seconds a file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="worker-") as folder:
        clip = _clip(Path(folder, "clip.wav"))
        diarizer = create_diarizer("none", models_dir=Path(folder))
        bare_model = Asleep(options.load, options.work)
        bare = _bare(bare_model, diarizer, clip, Path(folder), options.files)
        model = Asleep(options.load, options.work)
        ours = _ours(model, diarizer, clip, Path(folder), options.files)
    asleep = options.load + options.files * options.work
    print(
        f"{options.files} files of {CLIP_SECONDS} s, {options.load:g} s to load the model, ", end=""
    )
    print(f"{options.work:g} s a file; {describe()}\n")
    print("| | loads | seconds | over the model's own | a file, ms |")
    print("|---|---|---|---|---|")
    for name, loads, seconds in [
        ("worker", model.loads, ours),
        ("bare loop", bare_model.loads, bare),
    ]:
        over = seconds - asleep
        share, each = over / asleep, over / options.files * 1000
        print(f"| {name} | {loads} | {seconds:.1f} | {share:.2%} | {each:.1f} |")


def _bare(model: Asleep, diarizer: Diarizer, clip: Path, folder: Path, files: int) -> float:
    began = time.perf_counter()
    transcriber = Transcriber(model.loaded(), diarizer)
    for _ in range(files):
        recording = open_recording(clip, folder / "sound", key=clip.name)
        transcriber.transcribe(recording, job_id="bare").model_dump_json()
    return time.perf_counter() - began


def _ours(model: Asleep, diarizer: Diarizer, clip: Path, folder: Path, files: int) -> float:
    free = bind(0)
    port = free.getsockname()[1]
    free.close()
    emulator = Emulator(folder / "aws", port, batch_endpoint=None, public_endpoint=None)
    emulator.start()
    try:
        table, store, queue = _resources(emulator)
        arrivals = Arrivals(
            table,
            store,
            queue,
            publish_by_default=True,
        )
        keys = [video_key(str(uuid.uuid4()), "clip.wav") for _ in range(files)]
        for key in keys:
            store.upload(clip, key, "audio/wav")
            arrivals.receive(key, utc_now())
        began = time.perf_counter()
        transcriber = Transcriber(model.loaded(), diarizer)
        process = TranscribeProcess(
            table, store, lambda model: transcriber, Lengths(7200, 600), utc_now
        )
        worker = Worker(
            table=table,
            queue=queue,
            process=process,
            now=utc_now,
            name="benchmark",
            attempt=1,
            lease=timedelta(seconds=60),
            linger=timedelta(seconds=0.1),
            retry_ladder=(),
        )
        done = worker.run()
        seconds = time.perf_counter() - began
        _check(store, keys, done)
    finally:
        emulator.stop()
    return seconds


def _resources(
    emulator: Emulator,
) -> tuple[aws.DynamoJobTable, aws.S3ObjectStore, aws.SqsWorkQueue]:
    dynamodb, s3, sqs = (emulator.client(name) for name in ("dynamodb", "s3", "sqs"))
    dynamodb.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "job_id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "job_id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    s3.create_bucket(Bucket=BUCKET)
    queue = sqs.create_queue(QueueName="work")["QueueUrl"]
    return (
        aws.DynamoJobTable(dynamodb, TABLE),
        aws.S3ObjectStore(s3, BUCKET),
        aws.SqsWorkQueue(sqs, queue),
    )


def _check(store: aws.S3ObjectStore, keys: Sequence[str], done: int) -> None:
    """Figures of work that was not done are worth nothing."""
    missing = [key for key in keys if not store.head(transcript_key(key.split("/")[1], "clip"))]
    if missing or done != len(keys):
        raise RuntimeError(f"{done} of {len(keys)} units done, {len(missing)} transcripts missing")


def _clip(path: Path) -> Path:
    tone = 8000 * np.sin(np.arange(CLIP_SECONDS * SAMPLE_RATE) * (2 * np.pi * 440 / SAMPLE_RATE))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(tone.astype("<i2").tobytes())
    return path


if __name__ == "__main__":
    main()
