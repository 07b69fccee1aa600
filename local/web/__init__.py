"""One origin for the browser: the page, the statistics, the API and the bucket.

It stands where CloudFront stands on AWS, and before S3 as well, so that a presigned URL leads to
the same origin and needs no CORS.

    /                   frontend/
    /statistics/*       the bucket's statistics/, for anybody
    /api/*              the HTTP API, in the name of the local user
    /<bucket>/<key>     the bucket, for whoever has a presigned URL
    /status             how the stack is; /status.json for programs
    /livez              that it is this stack, from nobody but the server itself
"""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from local.status import Health, page
from local.web.guard import Guard
from local.web.objects import S3, ObjectFolder, Objects
from local.web.pages import Pages
from local.web.upstream import Upstream

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".vtt": "text/vtt",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_HERE = Path(__file__).parent
_SERVICE = "debate-analyzer"


@dataclass(frozen=True)
class Site:
    """What the origin is made of."""

    frontend: Path
    endpoint: str
    """The emulator, without a slash at the end."""
    api: str
    """Path of the deployed HTTP API on the emulator, without a slash at the end."""
    token: Callable[[], str]
    """A JWT of the local user that is still good."""
    bucket: str
    objects: Path
    """Where the emulator keeps the objects of the account: `<bucket>/<key>` below it."""
    s3: S3
    """The emulator's S3, to take a body from here: see `local.s3.door`."""
    look: Callable[[bool], Health]
    """How the stack is, told whether the emulator answers."""


def application(site: Site, port: int) -> Starlette:
    """The origin, to be served on `port` of 127.0.0.1."""
    for suffix, media_type in _TYPES.items():
        mimetypes.add_type(media_type, suffix)  # the system's own table may differ
    upstream = Upstream(site.endpoint)
    objects = Objects(site.bucket, ObjectFolder(site.objects), upstream, site.s3)

    async def api(request: Request) -> Response:
        token = await run_in_threadpool(site.token)
        headers = {"authorization": f"Bearer {token}"}
        return await upstream.forward(request, prefix=site.api, headers=headers)

    async def status(request: Request) -> Response:
        up = await upstream.is_up()
        health = await run_in_threadpool(site.look, up)
        code, headers = 200 if up else 503, {"cache-control": "no-store"}
        if request.url.path.endswith(".json"):
            return JSONResponse(health.model_dump(mode="json"), code, headers)
        return HTMLResponse(page(health, request.headers.get("accept-language", "")), code, headers)

    async def alive(_: Request) -> Response:
        return JSONResponse({"service": _SERVICE}, headers={"cache-control": "no-store"})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await upstream.close()

    return Starlette(
        routes=[
            Route("/status", status),
            Route("/status.json", status),
            Route("/livez", alive),
            *(Route(f"/{name}", _file(name)) for name in ("status.css", "status.js")),
            Route("/statistics/{key:path}", objects.statistics),
            Route("/api/{path:path}", api, methods=_METHODS),
            Route(f"/{site.bucket}/{{key:path}}", objects.presigned, methods=_METHODS),
            Mount("/", Pages(directory=site.frontend, html=True)),
        ],
        middleware=[Middleware(Guard, port=port)],
        lifespan=lifespan,
    )


def is_served(url: str) -> bool:
    """Whether a stack of ours, rather than something else or nothing, answers there.

    Asks for no more than a name: `/status.json` takes seconds on a machine that is transcribing."""
    try:
        told = httpx.get(f"{url}/livez", timeout=15).json()
    except (httpx.TransportError, ValueError):
        return False
    return isinstance(told, dict) and told.get("service") == _SERVICE


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def respond(_: Request) -> Response:
        return FileResponse(_HERE / name, headers={"cache-control": "no-cache"})

    return respond
