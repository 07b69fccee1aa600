"""The body of a request on its way into a file: written and hashed in threads, block by block,
while the next block comes. A request holds two blocks in memory at most."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import zlib
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from starlette.datastructures import Headers
from starlette.types import Receive

from local.s3.body import Body, Digests, Region
from local.s3.chunked import Decoder, Malformed

T = TypeVar("T")

_BLOCK = 2**20
_WRITERS = ThreadPoolExecutor(8, thread_name_prefix="s3-body")


class Incomplete(Exception):
    """The body is not what its headers announced, or its sender has gone."""


class Incoming:
    """A body that nobody has read yet.

    It may be awaited from any event loop: the reading is done on the one that it was made on.
    """

    def __init__(self, receive: Receive, headers: Headers) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._is_framed = _is_framed(headers)
        self._is_awaited = headers.get("expect", "").lower() == "100-continue"
        self._is_begun = False
        self._is_over = False
        self.size = declared_size(headers)
        self.trailers: dict[str, str] = {}

    async def into(self, region: Region, algorithms: Collection[str]) -> Body:
        """The body, safe on disk, with MD5 and those of the `algorithms` that go with the stream.

        Raises Incomplete, and OSError when the disk does not take it.
        """
        return await self._here(self._into(region, algorithms))

    async def whole(self) -> bytes:
        """The body as it came, framing and all, in memory. Raises Incomplete."""
        return await self._here(self._whole())

    async def discard(self) -> None:
        """Read what is left, so that the sender comes to read its answer. To be awaited on the
        loop that the body was made on."""
        if self._is_awaited and not self._is_begun:
            return  # it has not been told to send, and reads already
        try:
            while not self._is_over:
                await self._next()
        except Incomplete:
            pass

    async def _here(self, work: Coroutine[Any, Any, T]) -> T:
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _whole(self) -> bytes:
        pieces = []
        while not self._is_over:
            pieces.append(await self._next())
        return b"".join(pieces)

    async def _into(self, region: Region, algorithms: Collection[str]) -> Body:
        hashes = _Hashes(algorithms)
        file = os.open(region.path, os.O_WRONLY | os.O_CREAT, 0o600)
        written: asyncio.Future[None] | None = None
        at = region.offset
        try:
            async for block, size in self._blocks():
                if at + size > region.offset + region.size:
                    raise Incomplete("there is more of it than was announced")
                if written is not None:
                    await written
                written = _in_thread(_take, file, block, at, hashes)
                at += size
            if written is not None:
                await written
            if at != region.offset + region.size:
                raise Incomplete("it is shorter than was announced")
            await _in_thread(os.fsync, file)
        finally:
            if written is not None:
                await asyncio.wait([written])
            os.close(file)
        return Body(region, hashes.digests())

    async def _blocks(self) -> AsyncIterator[tuple[list[bytes | memoryview], int]]:
        block: list[bytes | memoryview] = []
        size = 0
        async for piece in self._pieces():
            block.append(piece)
            size += len(piece)
            if size >= _BLOCK:
                yield block, size
                block, size = [], 0
        if block:
            yield block, size

    async def _pieces(self) -> AsyncIterator[bytes | memoryview]:
        if not self._is_framed:
            while not self._is_over:
                if data := await self._next():
                    yield data
            return
        decoder = Decoder()
        try:
            while not self._is_over:
                for piece in decoder.feed(await self._next()):
                    yield piece
            decoder.finish()
        except Malformed as error:
            raise Incomplete(str(error)) from error
        self.trailers = decoder.trailers

    async def _next(self) -> bytes:
        self._is_begun = True
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._is_over = True
            raise Incomplete("its sender has gone")
        self._is_over = not message.get("more_body", False)
        body: bytes = message.get("body", b"")
        return body


def declared_size(headers: Headers) -> int:
    """Bytes of the body itself, without framing; -1 when nobody says."""
    name = "x-amz-decoded-content-length" if _is_framed(headers) else "content-length"
    value = headers.get(name, "").strip()
    return int(value) if value.isascii() and value.isdigit() else -1


def _is_framed(headers: Headers) -> bool:
    return "aws-chunked" in headers.get("content-encoding", "") or headers.get(
        "x-amz-content-sha256", ""
    ).startswith("STREAMING-")


class _Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


_STREAMED: dict[str, Callable[[], _Hash]] = {
    "CRC32": _Crc32,
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
}


class _Hashes:
    def __init__(self, algorithms: Collection[str]) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._checksums = {name: new() for name, new in _STREAMED.items() if name in algorithms}

    def update(self, data: bytes | memoryview) -> None:
        for each in (self._md5, *self._checksums.values()):
            each.update(data)

    def digests(self) -> Digests:
        checksums = {name: each.digest() for name, each in self._checksums.items()}
        return Digests(
            md5=self._md5.hexdigest(),
            sha256=checksums["SHA256"].hex() if "SHA256" in checksums else None,
            checksums={name: base64.b64encode(value).decode() for name, value in checksums.items()},
        )


def _take(file: int, block: list[bytes | memoryview], at: int, hashes: _Hashes) -> None:
    for piece in block:
        left = memoryview(piece)
        while left:
            done = os.pwrite(file, left, at)
            at += done
            left = left[done:]
        hashes.update(piece)


def _in_thread(call: Callable[..., None], *given: Any) -> asyncio.Future[None]:
    return asyncio.get_running_loop().run_in_executor(_WRITERS, call, *given)
