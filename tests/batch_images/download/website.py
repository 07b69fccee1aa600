"""A website on loopback, and a network in which every public address is that website."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

from debate_analyzer.internet import Address, Connection

PUBLIC = ip_address("93.184.215.14")


@dataclass
class Page:
    """What a path answers. Without a length, the end of the connection ends it."""

    body: bytes = b""
    content_type: str = "text/html"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: bool = True
    endless: bool = False
    """The body, over and over."""
    pause: float = 0
    """Seconds before each 64 KiB."""


@dataclass
class Website:
    """`asked` are the requests that came in: method, path, headers."""

    pages: dict[str, Page | Callable[[], Page]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    port: int = 0

    @property
    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]


@contextmanager
def serve() -> Iterator[Website]:
    site = Website()
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked.append((self.command, self.path, dict(self.headers)))
            page = site.pages.get(self.path, Page(b"nothing here", status=404))
            page = page if isinstance(page, Page) else page()
            self.send_response(page.status)
            self.send_header("Content-Type", page.content_type)
            for name, value in page.headers.items():
                self.send_header(name, value)
            if page.length:
                self.send_header("Content-Length", str(len(page.body)))
            else:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            if self.command != "HEAD":
                self._send(page)

        do_HEAD = do_GET  # noqa: N815
        do_POST = do_GET  # noqa: N815

        def _send(self, page: Page) -> None:
            try:
                while True:
                    for start in range(0, len(page.body), 65536):
                        if over.wait(page.pause):
                            return
                        self.wfile.write(page.body[start : start + 65536])
                    if not page.endless:
                        return
            except OSError:
                self.close_connection = True

        def log_message(self, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.block_on_close = False
        site.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield site
        over.set()
        server.shutdown()
        thread.join()


@dataclass
class Network:
    """The two ways out of `Proxy`. `names` has answers to successive look-ups of a host, the last
    of which stays; other hosts are at PUBLIC. `connected` is every address that was connected to;
    whatever it was, the website is there."""

    site: Website
    names: dict[str, list[list[str]]] = field(default_factory=dict)
    connected: list[Address] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> list[Address]:
        self.looked_up.append(host)
        try:
            return [ip_address(host)]
        except ValueError:
            pass
        answers = self.names.get(host)
        if answers is None:
            return [PUBLIC]
        answer = answers[0] if len(answers) == 1 else answers.pop(0)
        if not answer:
            raise OSError(f"no such host: {host}")
        return [ip_address(text) for text in answer]

    async def connect(self, address: Address, port: int) -> Connection:
        self.connected.append(address)
        return await asyncio.open_connection("127.0.0.1", self.site.port)


__all__ = ["PUBLIC", "Network", "Page", "Website", "serve"]
