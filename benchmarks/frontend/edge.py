"""What stands on AWS between a browser and everything else, as stacks/site.yaml has it.

TLS and HTTP/2. The page's files are compressed and at hand, published statistics compressed. Of
the API CloudFront caches nothing, and what it does not cache it does not compress; S3, where the
transcript is, compresses nothing:
docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deploy.site import PREFIX, File, files
from local.server import HOST, bind
from local.web.guard import Guard
from tests.frontend.certificate import Certificate

PROTOCOL = "h2"
_LEAST, _MOST = 1_000, 10_000_000
"""Bytes of what CloudFront compresses."""
_PATIENCE_S = 5


class Edge:
    """Takes the port at construction, as `local.server.Server` does."""

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate
        self._socket = bind(0)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"https://{HOST}:{self.port}"

    @contextmanager
    def serving(self, page: Path, origin: ASGIApp) -> Iterator[None]:
        """The page's folder, and the origin for whatever is not in it."""
        loop, ended = asyncio.new_event_loop(), asyncio.Event()
        loop.set_exception_handler(_without_goodbyes)
        config = Config()
        config.bind = f"fd://{self._socket.detach()}"  # which closes it
        config.keyfile, config.certfile = str(self._certificate.key), str(self._certificate.chain)
        config.alpn_protocols = [PROTOCOL]
        config.errorlog = logging.getLogger(__name__)
        app = _Plain(Guard(_Cache(page, origin), self.port))
        running = serve(app, config, shutdown_trigger=ended.wait)  # type: ignore[arg-type]
        thread = threading.Thread(target=partial(loop.run_until_complete, running), daemon=True)
        thread.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(ended.set)
            # hypercorn may wait for ever for a connection on which it has come to a halt.
            thread.join(_PATIENCE_S)
            if not thread.is_alive():
                loop.close()


def _without_goodbyes(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A browser that was ended takes no leave of TLS: hypercorn waits for it, and complains."""
    if not isinstance(context.get("exception"), TimeoutError):
        loop.default_exception_handler(context)


class _Plain:
    """TLS ends here: what is behind takes for a stranger whoever comes by https."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = MutableHeaders(scope=scope)
            if origin := headers.get("origin"):
                headers["origin"] = origin.replace("https:", "http:", 1)
        await self._app(scope, receive, send)


class _Cache:
    def __init__(self, page: Path, origin: ASGIApp) -> None:
        self._origin, self._statistics = origin, GZipMiddleware(origin, _LEAST)
        self._page = {
            f"/{file.key.removeprefix(PREFIX)}": _answer(file) for file in files(page, {})
        }
        self._page["/"] = self._page["/index.html"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        is_published = path.startswith("/statistics/")
        behind = self._statistics if is_published else self._origin
        await self._page.get(path, behind)(scope, receive, send)


def _answer(file: File) -> Response:
    headers = {"content-type": file.content_type, "cache-control": file.cache_control}
    content = file.read()
    if _LEAST <= len(content) <= _MOST:
        content = gzip.compress(content)
        headers |= {"content-encoding": "gzip", "vary": "accept-encoding"}
    return Response(content, headers=headers)
