"""A file on its way to where the API said: whole, or in parts, several at once.

What fails is sent again to an address that is new. Whether it is still wanted, the API says.
"""

from __future__ import annotations

import os
import threading
import time
from base64 import b64encode
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5
from pathlib import Path
from typing import BinaryIO

from debate_analyzer.catalogue import JobView
from debate_analyzer.upload import MultipartTarget, UploadTarget
from debate_analyzer.upload_desk import ArrivedPart, PartUrl, PartUrls
from local.cli.client import ApiError, Client, FileChanged, Progress

_AT_ONCE = 4
_SIGNED = 100  # of 16 MiB: 1.6 GiB, in the hour for which their addresses are good
_CHUNK = 1 << 20
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before what failed is sent once more


class Sender:
    """One file. `progress` is told of bytes as they go; of fewer than none, when they were in
    vain."""

    def __init__(self, client: Client, job_id: str, file: Path, progress: Progress) -> None:
        self._client = client
        self._path = f"/api/uploads/{job_id}"
        self._job_id = job_id
        self._file = file
        self._progress = progress
        self._stopped = threading.Event()

    def send(self, target: UploadTarget | MultipartTarget) -> None:
        """Raises Refused, FileChanged among it, and Unreachable."""
        if isinstance(target, MultipartTarget):
            self._send_parts(target)
        else:
            self._send_whole(target)

    # --- whole -----------------------------------------------------------------------------

    def _send_whole(self, target: UploadTarget) -> None:
        for pause in (*_PAUSES, None):
            sent = _Counted(self._progress)
            try:
                with self._file.open("rb") as source:
                    size = os.fstat(source.fileno()).st_size
                    headers = {**target.headers, "content-length": str(size)}
                    content = self._told(_read(source), sent)
                    self._client.store(target.method, target.url, content, headers)
            except FileChanged:
                raise
            except ApiError:
                if pause is None:
                    raise
                sent.take_back()
                time.sleep(pause)
                awaited = self._client.upload(self._job_id).upload
                if not isinstance(awaited, UploadTarget):
                    return  # it had arrived: only the answer was lost
                target = awaited
            else:
                return

    # --- in parts --------------------------------------------------------------------------

    def _send_parts(self, target: MultipartTarget) -> None:
        with self._file.open("rb") as source:
            there = {part.number for part in self._arrived(source, target)}
            missing = [n for n in range(1, target.parts + 1) if n not in there]
            pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="part")
            try:
                for start in range(0, len(missing), _SIGNED):
                    urls = self._signed(missing[start : start + _SIGNED])
                    list(pool.map(lambda url: self._send_part(source, target, url), urls))
            finally:
                self._stopped.set()  # whoever interrupts us need not wait for what is under way
                pool.shutdown(cancel_futures=True)
        self._client.post(f"{self._path}/complete", JobView, {})

    def _arrived(self, source: BinaryIO, target: MultipartTarget) -> Iterator[ArrivedPart]:
        """The parts that need not be sent. Another file's are: where the bucket's encryption makes
        ETags something else than MD5 (SSE-KMS), so are our own."""
        parts = self._client.pages(f"{self._path}/parts", "parts", ArrivedPart)
        for part in parts:
            data = _part(source, target, part.number, part.bytes)
            if md5(data, usedforsecurity=False).hexdigest() == part.etag:
                self._progress(part.bytes)
                yield part

    def _send_part(self, source: BinaryIO, target: MultipartTarget, url: PartUrl) -> None:
        data = _part(source, target, url.number, url.bytes)
        digest = b64encode(md5(data, usedforsecurity=False).digest()).decode()
        headers = {"content-length": str(len(data)), "content-md5": digest}
        for pause in (*_PAUSES, None):
            sent = _Counted(self._progress)
            try:
                self._client.store("PUT", url.url, self._told(_cut(data), sent), headers)
            except ApiError:
                if pause is None:
                    raise
                sent.take_back()
                if self._stopped.wait(pause):
                    raise
                [url] = self._signed([url.number])
            else:
                return

    def _signed(self, numbers: Iterable[int]) -> list[PartUrl]:
        wanted = {"numbers": list(numbers)}
        return self._client.post(f"{self._path}/parts", PartUrls, wanted).urls

    def _told(self, chunks: Iterable[bytes], sent: _Counted) -> Iterator[bytes]:
        for chunk in chunks:
            if self._stopped.is_set():
                raise _Stopped
            yield chunk
            sent.add(len(chunk))


class _Stopped(Exception):
    """Nobody waits for this part any more."""


class _Counted:
    """Bytes of one try."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._sent = 0

    def add(self, count: int) -> None:
        self._sent += count
        self._progress(count)

    def take_back(self) -> None:
        self._progress(-self._sent)


def _part(source: BinaryIO, target: MultipartTarget, number: int, size: int) -> bytes:
    """pread: the others read at other places. Raises FileChanged."""
    data = os.pread(source.fileno(), size, (number - 1) * target.part_size)
    if len(data) != size:
        raise FileChanged
    return data


def _read(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk


def _cut(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK]
