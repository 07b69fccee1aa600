"""A port of this machine's loopback, at an address that containers reach, too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

_CHUNK = 64 * 2**10


@contextmanager
def relayed(host: str, *ports: int) -> Iterator[None]:
    """Whoever connects to one of the ports at `host` is connected to it at 127.0.0.1."""
    loop = asyncio.new_event_loop()
    servers = [
        loop.run_until_complete(asyncio.start_server(partial(_connect, port), host, port))
        for port in ports
    ]
    thread = threading.Thread(target=loop.run_forever, name="relay", daemon=True)
    thread.start()
    try:
        yield
    finally:
        for server in servers:
            loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
            loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()


async def _connect(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    behind = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_copy(reader, behind[1]), _copy(behind[0], writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until either side is gone; then both are."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass  # as good as the end
    finally:
        writer.close()
