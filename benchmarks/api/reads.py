"""How long lists and single debates take on the laptop stack, with many debates there.

    python -m benchmarks.api.reads [--jobs 10000] [--requests 300] [--models-dir .models]

The stack is the one that `make run` starts, in a process of its own, IAM and the JWT authorizer
enforced; the rows are written beside the API. Each request goes over HTTP to the web server, and on
to the gateway, the function, the table. `at once` is how many clients ask, each waiting for its
answer before it asks again. The peer is the web server's own page of the same run: a static file,
with nothing behind it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from debate_analyzer.aws import DynamoJobTable, row_of
from debate_analyzer.job import Figures, Job, announced, new_job_id
from debate_analyzer.pipeline import Status

PROJECT = Path(__file__).resolve().parent.parent.parent
_BATCH = 25  # what one call takes


@dataclass(frozen=True)
class Stack:
    """A running stack. `jobs`: the ids of the debates in it, newest first."""

    url: str
    jobs: list[str]


@contextmanager
def running(data: Path, models: Path, count: int) -> Iterator[Stack]:
    """A stack on an empty folder with `count` debates of the local user's in it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "local", "run", "--no-open", "--port", str(port)]
    command += ["--data", str(data), "--models", str(models.resolve())]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while not _answers(f"{url}/api/jobs"):
            if process.poll() is not None:
                raise RuntimeError("the stack did not start; run it by hand to see why")
            time.sleep(0.2)
        yield Stack(url, _fill(data, url, count))
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).is_success
    except httpx.TransportError:
        return False


def _fill(data: Path, url: str, count: int) -> list[str]:
    """Most are complete, one in a hundred failed, some are under way; a minute apart."""
    endpoint = f"http://127.0.0.1:{json.loads((data / 'ports.json').read_text())['emulator']}"

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    [stack] = client("cloudformation").describe_stacks(StackName="debate-analyzer")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    dynamodb = client("dynamodb")
    said = {"filename": "whose.mp4", "size": 1}
    announced_id = httpx.post(f"{url}/api/uploads", json=said).json()["job"]["job_id"]
    mine = DynamoJobTable(dynamodb, outputs["JobTable"]).get(announced_id)
    assert mine is not None
    functions = client("lambda")
    for source in functions.list_event_source_mappings()["EventSourceMappings"]:
        # Nobody is to be told of debates that never took place.
        functions.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    jobs = [_job(mine.owner, number) for number in range(count)]
    # Not through the job table, which makes sure with each row that it is new.
    for first in range(0, count, _BATCH):
        rows = [{"PutRequest": {"Item": row_of(job)}} for job in jobs[first : first + _BATCH]]
        dynamodb.batch_write_item(RequestItems={outputs["JobTable"]: rows})
    return [job.job_id for job in jobs]


def _job(owner: str, number: int) -> Job:
    now = datetime.now(UTC) - timedelta(minutes=number)
    job = announced(
        owner=owner,
        title=f"Town hall, session {number}: the budget, the bridge and the school",
        media=None,
        now=now,
        job_id=new_job_id(),
        published=True,
    )
    status = {7: Status.FAILED, 3: Status.TRANSCRIBING}.get(number % 100, Status.COMPLETE)
    figures = Figures(duration=3600, speaking_time=3300, words=9000, speakers=4)
    more = {"status": status, "check_at": None, "duration": 3600.0, "figures": figures}
    return job.model_copy(update=more)


def _timed(url: str, path: str) -> float:
    began = time.perf_counter()
    answer = _CLIENT.get(url + path)
    took = time.perf_counter() - began
    answer.raise_for_status()
    return took * 1000


_CLIENT = httpx.Client(timeout=60, limits=httpx.Limits(max_connections=64))


def _row(stack: Stack, name: str, paths: list[str], at_once: int, requests: int) -> list[str]:
    asked = list(itertools.islice(itertools.cycle(paths), requests))
    for path in paths[:10]:
        _timed(stack.url, path)
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        times = list(pool.map(lambda path: _timed(stack.url, path), asked))
    rate = len(times) / (time.perf_counter() - began)
    cuts = statistics.quantiles(times, n=100)
    return [name, str(at_once), *(f"{cuts[p - 1]:.1f}" for p in (50, 95, 99)), f"{rate:.0f}"]


def _deep(stack: Stack, pages: int) -> str:
    """The path of a page far down the list."""
    cursor = ""
    for _ in range(pages):
        answer = _CLIENT.get(f"{stack.url}/api/jobs?limit=100{cursor}").json()
        cursor = f"&cursor={answer['next_cursor']}"
    return f"/api/jobs?limit=50{cursor}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--models-dir", type=Path, default=PROJECT / ".models")
    options = parser.parse_args()
    table = Table(title=f"{options.jobs:,} debates · {describe()}", title_justify="left")
    for name in ("what", "at once", "p50 ms", "p95 ms", "p99 ms", "a second"):
        table.add_column(name, justify="left" if name == "what" else "right")
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
        running(Path(folder), options.models_dir, options.jobs) as stack,
    ):
        cases = {
            "a debate": [f"/api/jobs/{job_id}" for job_id in stack.jobs[:: len(stack.jobs) // 50]],
            "list, newest 50": ["/api/jobs?limit=50"],
            "list, 50 that failed": ["/api/jobs?limit=50&status=failed"],
            "list, 50 of a day": [
                f"/api/jobs?limit=50&to={datetime.now(UTC) - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"
            ],
            "list, 50 after 5,000": [_deep(stack, min(50, options.jobs // 200))],
            "the page itself (peer)": ["/"],
        }
        for at_once in (1, 4):
            for name, paths in cases.items():
                table.add_row(*_row(stack, name, paths, at_once, options.requests))
    Console().print(table)


if __name__ == "__main__":
    main()
