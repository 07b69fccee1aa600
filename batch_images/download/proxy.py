"""A forward proxy on loopback that leads to the public internet only.

A downloader makes requests of many kinds, in many libraries, to whatever a stranger's page names.
All of them take this one way out, whatever the name, the redirect or the notation, and it ends at
`internet.reach`, which judges the address that it connects to.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import SplitResult, urlsplit

from debate_analyzer.address import PORTS
from debate_analyzer.errors import DebateError, DownloadFailed, InvalidAddress
from debate_analyzer.internet import Connect, Connection, Resolve, connect, reach, resolve

_Answer = TypeVar("_Answer")

_HEAD_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
_CONNECT_SECONDS = 20
# Said between two neighbours, and not to be passed on (RFC 9110, 7.6.1).
_HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization"}


@dataclass(frozen=True)
class _Request:
    host: str
    port: int
    head: bytes | None
    """What to send on, None for a tunnel."""


class Proxy:
    """`with Proxy() as proxy`: what uses `proxy.url` reaches public addresses, ports 80 and 443.

    Nothing passes before `allow` has said how much may.
    """

    def __init__(self, *, resolve: Resolve = resolve, connect: Connect = connect) -> None:
        self._resolve = resolve
        self._connect = connect
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._left = 0
        self._timer: asyncio.TimerHandle | None = None
        self.url = ""
        self.trouble: DebateError | None = None
        """Why the latest connection was not made, in a sentence."""
        self.exhausted = False
        """Whether more was asked for than `allow` had allowed; nothing passes since."""

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(
            asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_HEAD_BYTES)
        )
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def allow(self, *, received: int, seconds: float) -> None:
        """From now on so many bytes may come in, for so long."""
        self._run(self._allow(received, seconds))

    def _run(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _allow(self, received: int, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._left, self.exhausted, self.trouble = received, False, None
        self._timer = self._loop.call_later(seconds, self._exhaust)

    def _exhaust(self) -> None:
        self.exhausted = True
        for task in self._tasks:
            task.cancel()

    async def _close(self) -> None:
        self._server.close()
        self._exhaust()
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = _parse(await reader.readuntil(b"\r\n\r\n"))
            there = await self._open(request.host, request.port)
        except DebateError as trouble:
            self.trouble = trouble
            status = b"403 Forbidden" if isinstance(trouble, InvalidAddress) else b"502 Bad Gateway"
            await _answer(writer, status, str(trouble).encode())
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass  # the client went away, or is none that speaks HTTP
        else:
            self.trouble = None
            try:
                await self._exchange(request, (reader, writer), there)
            except (OSError, EOFError, asyncio.LimitOverrunError):
                pass  # either side broke off; the other sees its connection end
            finally:
                there[1].transport.abort()
        finally:
            writer.close()

    async def _open(self, host: str, port: int) -> Connection:
        """To an address of the host, all of which must be public. Raises DebateError."""
        if self.exhausted or not self._left:
            raise DownloadFailed("No more is fetched from the site.")
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await reach(host, port, resolve=self._resolve, connect=self._connect)
        except OSError as error:  # a timeout is one
            raise DownloadFailed(f"{host} does not exist or does not answer.") from error

    async def _exchange(self, request: _Request, here: Connection, there: Connection) -> None:
        """Until either side has said all that it will."""
        if request.head is None:
            here[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            there[1].write(request.head)
        back = self._answers(there[0], here[1]) if request.head else self._back(there[0], here[1])
        ways = [asyncio.ensure_future(_pass(here[0], there[1])), asyncio.ensure_future(back)]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The answer, after which the connection ends: the next request may go elsewhere."""
        informational = True
        while informational:
            head = await reader.readuntil(b"\r\n\r\n")
            informational = head[9:10] == b"1"  # HTTP/1.1 100
            writer.write(head if informational else _last(head))
        await self._back(reader, writer)

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK_BYTES):
            self._left -= len(chunk)
            if self._left < 0:
                self._left = 0
                self._exhaust()
            writer.write(chunk)
            await writer.drain()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()


async def _answer(writer: asyncio.StreamWriter, status: bytes, text: bytes) -> None:
    writer.write(
        b"HTTP/1.1 %b\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(text), text)
    )
    try:
        await writer.drain()
    except OSError:
        return  # nobody waits for it


def _parse(head: bytes) -> _Request:
    """Raises InvalidAddress for what no client of ours would ask."""
    line, _, fields = head.partition(b"\r\n")
    method, _, rest = line.partition(b" ")
    target, _, version = rest.partition(b" ")
    tunnel = method == b"CONNECT"
    try:
        text = target.decode("ascii")
        url = urlsplit(f"https://{text}" if tunnel else text)
        port = url.port
    except ValueError as error:
        raise InvalidAddress("The site names an address that is none.") from error
    if not tunnel and url.scheme != "http":
        raise InvalidAddress(f"Nothing is fetched over {url.scheme or 'an unknown protocol'}.")
    return _Request(
        host=url.hostname or "",
        port=PORTS[url.scheme] if port is None else port,
        head=None if tunnel else _last(b"%b %b %b\r\n%b" % (method, _path(url), version, fields)),
    )


def _path(url: SplitResult) -> bytes:
    return f"{url.path or '/'}{'?' if url.query else ''}{url.query}".encode()


def _last(head: bytes) -> bytes:
    """The head of a message, saying that the connection ends with it."""
    first, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    kept = [field for field in fields if field.split(b":", 1)[0].strip().lower() not in _HOP_BY_HOP]
    return b"\r\n".join([first, *kept, b"Connection: close", b"", b""])
