"""What the laptop stack costs: its starts, and the chain around the two jobs.

    python -m benchmarks.chain [--file demo/debate.mp4] [--models-dir .models] [--runs 2]

A stack starts on an empty folder, takes a file from upload to COMPLETE, stops and starts again on
what it left; it is started when page and API both answer. Every second from the last byte uploaded
to the time that the row gives for COMPLETE goes to one of: a worker's start (from the start of its
process to its first unit, the load of the models among it), its work on the unit, or the chain,
which is the rest. The job is looked at once a second. The peer is the same work in
one process, without queue, table, bucket or function, in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from benchmarks.machine import describe

PROJECT = Path(__file__).resolve().parent.parent
DEMO = PROJECT / "demo" / "debate.mp4"
_LOGGED = re.compile(r"^(\S+ \S+) INFO unit .*: (?:attempt 1|left after ([\d.]+) s)$")
_ENDS = ("COMPLETE", "FAILED")


@dataclass(frozen=True)
class Spent:
    """Seconds: from the last byte uploaded to COMPLETE, and the parts of it that are the jobs'."""

    total: float
    transcribe_start: float
    transcribe_work: float
    stats_start: float
    stats_work: float

    @property
    def chain(self) -> float:
        starts = self.transcribe_start + self.stats_start
        return self.total - starts - self.transcribe_work - self.stats_work


@contextmanager
def _stack(data: Path, models: Path) -> Iterator[tuple[str, float]]:
    """The address of a running stack, and the seconds until page and API answered."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "local", "run", "--no-open", "--port", str(port)]
    command += ["--data", str(data), "--models", str(models.resolve())]
    url = f"http://127.0.0.1:{port}"
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL) as process:
        try:
            while not _works(url):
                if process.poll() is not None:
                    raise SystemExit(f"The stack ended with {process.returncode}.")
                time.sleep(0.02)
            yield url, time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGINT)


def _works(url: str) -> bool:
    try:
        return all(httpx.get(url + path).status_code == 200 for path in ("/", "/api/jobs"))
    except httpx.TransportError:
        return False


def _send(url: str, file: Path) -> tuple[str, float]:
    """Upload as a browser does; the job's id and the seconds from the last byte to its end."""
    data = file.read_bytes()
    body = {"filename": file.name, "size": len(data)}
    with httpx.Client(base_url=url, timeout=60) as client:
        announced = client.post("/api/uploads", json=body).raise_for_status().json()
        target = announced["upload"]
        httpx.put(
            target["url"], content=data, headers=target["headers"], timeout=600
        ).raise_for_status()
        uploaded = time.time()
        job_id = announced["job"]["job_id"]
        while (job := client.get(f"/api/jobs/{job_id}").json())["status"] not in _ENDS:
            time.sleep(1)
    if job["status"] == "FAILED":
        raise SystemExit(f"{file.name} failed: {job['error']['message']}")
    completed = datetime.fromisoformat(job["completed_at"]).timestamp()
    return job_id, completed - uploaded


def _worker(data: Path, stage: str, job_id: str) -> tuple[float, float]:
    """Seconds that the worker of a stage took to start, and for the job, as its log has them."""
    for journal in (data / "batch" / "jobs").glob("*.json"):
        batch_job = json.loads(journal.read_text())
        if not batch_job["logStreamName"].startswith(f"debate-analyzer-{stage}/"):
            continue
        log = data / "logs" / "batch" / f"{batch_job['logStreamName']}.log"
        lines = [line for line in log.read_text().splitlines() if job_id in line]
        found = [match for line in lines if (match := _LOGGED.match(line))]
        if len(found) == 2:
            taken = datetime.strptime(found[0][1], "%Y-%m-%d %H:%M:%S,%f").timestamp()
            return taken - batch_job["attempts"][0]["startedAt"] / 1000, float(found[1][2])
    raise SystemExit(f"No {stage} worker wrote of job {job_id}.")


def _through_the_stack(file: Path, models: Path) -> tuple[float, float, Spent]:
    """Seconds of the first and the second start, and where the time of the job went."""
    with tempfile.TemporaryDirectory(prefix="chain-") as folder:
        data = Path(folder, "data")
        with _stack(data, models) as (url, first):
            job_id, total = _send(url, file)
            time.sleep(1)  # the worker writes its last line after the row says COMPLETE
            transcribe = _worker(data, "transcribe", job_id)
            stats = _worker(data, "stats", job_id)
        with _stack(data, models) as (_, second):
            pass
    return first, second, Spent(total, *transcribe, *stats)


def _directly(file: Path, models: Path) -> None:
    """The two jobs' code, in this process. Prints the seconds of their work."""
    from batch_images.stats.analysis import Input, analyse
    from batch_images.stats.parquet import write_parquet
    from batch_images.transcribe.diarization import create_diarizer
    from batch_images.transcribe.recognition import WhisperRecognizer
    from batch_images.transcribe.recording import open_recording
    from batch_images.transcribe.transcriber import Transcriber
    from debate_analyzer.captions import WRITERS

    transcriber = Transcriber(
        WhisperRecognizer(str(models / "whisper-base"), device="cpu", compute_type="int8"),
        create_diarizer("onnx", models_dir=models),
    )
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="directly-") as folder:
        recording = open_recording(file, Path(folder, "sound"), key=file.name)
        transcript = transcriber.transcribe(recording, job_id="direct")
    for write in WRITERS.values():
        write(transcript)
    document = Input("", transcript.model_dump_json().encode(), "", datetime.now(UTC))
    write_parquet(analyse(document, job_id="direct", video_label=""))
    print(time.perf_counter() - began)


def _peer(file: Path, models: Path) -> tuple[float, float]:
    """Seconds of the whole process, and of the work in it."""
    command = [sys.executable, "-m", "benchmarks.chain", "--directly"]
    command += ["--file", str(file), "--models-dir", str(models)]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return time.perf_counter() - began, float(done.stdout)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--file", type=Path, default=DEMO)
    parser.add_argument("--models-dir", type=Path, default=PROJECT / ".models")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--directly", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    file, models = options.file.resolve(), options.models_dir.resolve()
    if options.directly:
        _directly(file, models)
        return
    os.chdir(PROJECT)
    print(f"{file.name}, seconds; {describe()}")
    heads = (
        *("first start", "second start", "to COMPLETE", "transcribe start", "transcribe work"),
        *("stats start", "stats work", "chain", "peer total", "peer work"),
    )
    print(" | ".join(heads))
    for _ in range(options.runs):
        peer = _peer(file, models)
        first, second, spent = _through_the_stack(file, models)
        figures = (
            *(first, second, spent.total, spent.transcribe_start, spent.transcribe_work),
            *(spent.stats_start, spent.stats_work, spent.chain, *peer),
        )
        print(" | ".join(f"{f:{len(h)}.1f}" for h, f in zip(heads, figures, strict=True)))


if __name__ == "__main__":
    main()
