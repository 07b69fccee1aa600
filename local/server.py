"""An ASGI application served on 127.0.0.1 by a thread of its own."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from debate_analyzer.errors import Misconfigured

HOST = "127.0.0.1"
_BACKLOG = 128


class PortTaken(Misconfigured):
    """Something else listens on the port."""

    code = "port_taken"


def bind(port: int) -> socket.socket:
    """A socket bound to the port on 127.0.0.1 (0: any free one). Raises PortTaken."""
    # With its protocol by name: asyncio turns Nagle's algorithm off for no other socket, and an
    # answer in two writes then waits 40 ms for the acknowledgement of the first.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A restart must not wait for the connections of the last run to time out.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        # Two sockets may be bound with SO_REUSEADDR, but only one may listen.
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise PortTaken(f"Port {port} on {HOST} is taken: {error.strerror}.") from error
        raise
    return sock


class _Uvicorn(uvicorn.Server):
    """Says when it listens, so that nobody has to poll."""

    def __init__(self, config: uvicorn.Config, listening: threading.Event) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set()


class Server:
    """Takes the port at construction; what connects before `start` waits for its answer."""

    def __init__(self, port: int) -> None:
        self._socket = bind(port)
        self.port: int = self._socket.getsockname()[1]
        self._listening = threading.Event()
        self._uvicorn: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is served, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    def start(self, app: ASGIApp) -> None:
        """Return once requests are answered. Raises RuntimeError when the application refuses."""
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._uvicorn = server = _Uvicorn(config, self._listening)
        name = f"http-{self.port}"
        self._thread = threading.Thread(target=self._serve, args=(server,), name=name, daemon=True)
        self._thread.start()
        self._listening.wait()
        if not server.started:
            raise RuntimeError(f"the application on port {self.port} did not start; see above")

    def _serve(self, server: uvicorn.Server) -> None:
        try:
            asyncio.run(server.serve(sockets=[self._socket]))
        finally:
            self._listening.set()

    def stop(self) -> None:
        """End open requests, the application's lifespan and the thread, and free the port."""
        if self._uvicorn is not None and self._thread is not None:
            self._uvicorn.should_exit = True
            self._thread.join()
        self._socket.close()
