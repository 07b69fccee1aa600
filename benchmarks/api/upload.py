"""A large upload to the laptop, against the disk's own speed: `python -m benchmarks.api.upload`.

The emulator and the web server in one process, as the launcher has them; the sender is another
process that makes its bytes from one block, so that it costs little. "Disk" is a plain write of the
same bytes to the same disk with one fsync at the end, before and after everything else. Meanwhile a
small object is read over and over. ministack alone is what uploads went through before: it has
them in memory.
"""

from __future__ import annotations

import argparse
import http.client
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from local import web
from local.emulator import REGION, Emulator
from local.server import HOST, Server, bind
from local.status import Health

BUCKET = "debates"
MIB = 2**20
BLOCK = os.urandom(MIB)
_SAMPLE_SECONDS = 0.02
_IDLE_SECONDS = 3


@dataclass(frozen=True)
class Stack:
    """What is measured: where uploads go, and whose memory counts."""

    url: str
    pid: int


@dataclass
class Measured:
    """A run: its seconds, the processor's for the process that is measured, how much memory that
    had at most above what it had before, and how long each small GET meanwhile took."""

    seconds: float = 0.0
    processor: float = 0.0
    memory: int = 0
    waits: list[float] = field(default_factory=list)


class Client(Protocol):
    """The part of boto3's S3 that is used."""

    def create_bucket(self, **given: Any) -> Any: ...

    def create_multipart_upload(self, **given: Any) -> Any: ...

    def complete_multipart_upload(self, **given: Any) -> Any: ...

    def generate_presigned_url(self, operation: str, **given: Any) -> str: ...


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--mib", type=int, default=2048, help="size of the upload")
    parser.add_argument("--part-mib", type=int, default=64)
    parser.add_argument("--at-once", type=int, default=4, help="parts in flight")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="upload-", dir=given.folder))
    try:
        _measure(folder, given.mib, given.part_mib, given.at_once)
    finally:
        shutil.rmtree(folder)


def _measure(folder: Path, mib: int, part: int, at_once: int) -> None:
    runs: dict[str, Measured] = {}
    disk = [_disk_seconds(folder, mib)]
    with _stack(folder / "laptop") as stack:
        s3 = _client(stack.url)
        runs["nothing, for comparison"] = _while_reading(stack, lambda: time.sleep(_IDLE_SECONDS))
        runs[f"{at_once} parts at once, to the page's origin"] = _while_reading(
            stack, lambda: _in_parts(stack, s3, "parts", mib, part, at_once)
        )
        runs["one PUT, to the page's origin"] = _while_reading(
            stack, lambda: _put(s3, "put_object", mib, Key="single")
        )
        runs["read whole"] = _while_reading(stack, lambda: _get(s3, "parts", None))
        middle = mib * MIB // 2
        runs["read 1 MiB in the middle"] = _while_reading(
            stack, lambda: _get(s3, "parts", f"bytes={middle}-{middle + MIB - 1}")
        )
    disk.append(_disk_seconds(folder, mib))
    with _ministack(folder / "ministack") as stack:
        s3 = _client(stack.url)
        s3.create_bucket(Bucket=BUCKET)
        _put(s3, "put_object", 1, Key="small")
        runs[f"ministack alone, {at_once} parts at once"] = _while_reading(
            stack, lambda: _in_parts(stack, s3, "parts", mib, part, at_once)
        )
    _print(mib, statistics.mean(disk), disk, runs)


def _print(mib: int, disk: float, disks: list[float], runs: dict[str, Measured]) -> None:
    table = Table(box=None, pad_edge=False, title=describe(), title_justify="left")
    table.add_column(f"{mib} MiB")
    for title in (
        "s",
        "MiB/s",
        "of the disk",
        "CPU s",
        "memory, MiB",
        "small GETs",
        "p95, ms",
        "worst, ms",
    ):
        table.add_column(title, justify="right")
    each = " and ".join(f"{seconds:.2f}" for seconds in disks)
    table.add_row(f"disk: write and fsync ({each} s)", f"{disk:.2f}", f"{mib / disk:.0f}", "100 %")
    for name, run in runs.items():
        is_whole = not name.startswith(("nothing", "read 1 MiB"))
        waits = sorted(run.waits) or [0.0]
        table.add_row(
            name,
            f"{run.seconds:.2f}" if is_whole else f"{run.seconds:.3f}",
            f"{mib / run.seconds:.0f}" if is_whole else "",
            f"{disk / run.seconds:.0%}" if is_whole else "",
            f"{run.processor:.1f}",
            f"{run.memory / MIB:.0f}",
            str(len(run.waits)),
            f"{1000 * waits[int(0.95 * (len(waits) - 1))]:.0f}",
            f"{1000 * waits[-1]:.0f}",
        )
    Console(width=140).print(table)


# --- What is sent and read ------------------------------------------------------------------------


def _disk_seconds(folder: Path, mib: int) -> float:
    path = folder / "plain"
    began = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for _ in range(mib):
            file.write(BLOCK)
        os.fsync(file.fileno())
    seconds = time.perf_counter() - began
    path.unlink()
    return seconds


def _in_parts(stack: Stack, s3: Client, key: str, mib: int, part: int, at_once: int) -> None:
    # The API begins and ends uploads at the emulator; here the one address does for all.
    upload = {"Key": key, "UploadId": _control(stack).create_multipart_upload(
        Bucket=BUCKET, Key=key
    )["UploadId"]}  # fmt: skip
    sizes = [min(part, mib - begin) for begin in range(0, mib, part)]

    def send(number: int, size: int) -> dict[str, Any]:
        etag = _put(s3, "upload_part", size, PartNumber=number, **upload)
        return {"PartNumber": number, "ETag": etag}

    with ThreadPoolExecutor(at_once) as pool:
        parts = list(pool.map(send, range(1, len(sizes) + 1), sizes))
    _control(stack).complete_multipart_upload(
        Bucket=BUCKET, MultipartUpload={"Parts": parts}, **upload
    )


def _put(s3: Client, operation: str, mib: int, **given: Any) -> str:
    """The ETag."""
    url = s3.generate_presigned_url(operation, Params={"Bucket": BUCKET, **given})
    with _request("PUT", url, {"content-length": str(mib * MIB)}) as connection:
        for _ in range(mib):
            connection.send(BLOCK)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {body.decode()}")
        return str(answer.headers["etag"])


def _get(s3: Client, key: str, range_: str | None) -> None:
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key})
    with _request("GET", url, {"range": range_} if range_ else {}) as connection:
        answer = connection.getresponse()
        if answer.status not in (200, 206):
            raise RuntimeError(f"{answer.status}: {answer.read().decode()}")
        buffer = bytearray(MIB)
        while answer.readinto(buffer):
            pass


@contextmanager
def _request(
    method: str, url: str, headers: dict[str, str]
) -> Iterator[http.client.HTTPConnection]:
    split = urlsplit(url)
    connection = http.client.HTTPConnection(split.netloc, timeout=600)
    connection.putrequest(method, f"{split.path}?{split.query}")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        yield connection
    finally:
        connection.close()


def _while_reading(stack: Stack, work: Callable[[], object]) -> Measured:
    measured = Measured()
    before = _memory(stack.pid)
    over = threading.Event()
    url = _client(stack.url).generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "small"}
    )

    def watch() -> None:
        while not over.wait(_SAMPLE_SECONDS):
            measured.memory = max(measured.memory, _memory(stack.pid) - before)

    ours, theirs = multiprocessing.Pipe()
    reader = multiprocessing.get_context("spawn").Process(target=_read, args=(url, theirs))
    reader.start()
    ours.recv()
    watcher = threading.Thread(target=watch)
    watcher.start()
    began, spent = time.perf_counter(), _processor(stack.pid)
    try:
        work()
    finally:
        measured.seconds = time.perf_counter() - began
        measured.processor = _processor(stack.pid) - spent
        over.set()
        watcher.join()
        ours.send("stop")
        measured.waits = ours.recv()
        reader.join()
    return measured


def _read(url: str, pipe: Connection) -> None:
    waits: list[float] = []
    pipe.send("ready")
    while not pipe.poll(_SAMPLE_SECONDS):
        began = time.perf_counter()
        with _request("GET", url, {"range": "bytes=0-999"}) as connection:
            connection.getresponse().read()
        waits.append(time.perf_counter() - began)
    pipe.send(waits)


def _memory(pid: int) -> int:
    """Resident bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _processor(pid: int) -> float:
    """Seconds of any core, so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- What is measured -----------------------------------------------------------------------------


def _client(url: str) -> Client:
    made: Client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, read_timeout=600),
    )
    return made


_CONTROLS: dict[str, str] = {}
"""The emulator behind a web server."""


def _control(stack: Stack) -> Client:
    return _client(_CONTROLS.get(stack.url, stack.url))


@contextmanager
def _stack(data: Path) -> Iterator[Stack]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(data, theirs))
    process.start()
    try:
        page, emulator = ours.recv()
        _CONTROLS[page] = emulator
        _client(emulator).create_bucket(Bucket=BUCKET)
        _put(_client(page), "put_object", 1, Key="small")
        yield Stack(page, process.pid or 0)
    finally:
        ours.send("stop")
        process.join()


def _nobody_looks(is_up: bool) -> Health:
    raise NotImplementedError


def _serve(data: Path, pipe: Connection) -> None:
    page = Server(0)
    emulator = Emulator(data, _free_port(), None, public_endpoint=page.url)
    emulator.start()
    frontend = data / "frontend"
    frontend.mkdir()
    site = web.Site(
        frontend=frontend,
        endpoint=emulator.endpoint,
        api="/",
        token=str,
        bucket=BUCKET,
        objects=emulator.objects,
        s3=emulator.s3,
        look=_nobody_looks,
    )
    page.start(web.application(site, page.port))
    pipe.send((page.url, emulator.endpoint))
    pipe.recv()
    page.stop()
    emulator.stop()


@contextmanager
def _ministack(data: Path) -> Iterator[Stack]:
    port = _free_port()
    environment = {
        **os.environ,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(data),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        for _ in range(300):
            try:
                socket.create_connection((HOST, port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        try:
            yield Stack(f"http://{HOST}:{port}", process.pid)
        finally:
            process.terminate()


def _free_port() -> int:
    with bind(0) as sock:
        port: int = sock.getsockname()[1]
    return port


if __name__ == "__main__":
    main()
