"""One origin for the browser: the page, the statistics, the API and the bucket.

It stands where CloudFront stands on AWS, and before S3 as well, so that a presigned URL leads to
the same origin and needs no CORS.

    /                   frontend/
    /statistics/*       the bucket's statistics/, for anybody
    /api/*              the HTTP API, in the name of the local user
    /<bucket>/<key>     the bucket, for whoever has a presigned URL
    /status             how the stack is
"""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from local.web.guard import Guard
from local.web.objects import ObjectFolder, Objects
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
SERVICE = "debate-analyzer"
"""What `/status` calls itself, so that a second launcher knows whom it has met."""


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
    jobs: Callable[[], Mapping[str, Mapping[str, int]]]
    """Unfinished Batch jobs by queue and status."""


def application(site: Site, port: int) -> Starlette:
    """The origin, to be served on `port` of 127.0.0.1."""
    for suffix, media_type in _TYPES.items():
        mimetypes.add_type(media_type, suffix)  # the system's own table may differ
    upstream = Upstream(site.endpoint)
    objects = Objects(site.bucket, ObjectFolder(site.objects), upstream)

    async def api(request: Request) -> Response:
        token = await run_in_threadpool(site.token)
        headers = {"authorization": f"Bearer {token}"}
        return await upstream.forward(request, prefix=site.api, headers=headers)

    async def status(_: Request) -> Response:
        up = await upstream.is_up()
        body = {"service": SERVICE, "status": "ok" if up else "down", "jobs": site.jobs()}
        return JSONResponse(body, 200 if up else 503, headers={"cache-control": "no-store"})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await upstream.close()

    return Starlette(
        routes=[
            Route("/status", status),
            Route("/statistics/{key:path}", objects.statistics),
            Route("/api/{path:path}", api, methods=_METHODS),
            Route(f"/{site.bucket}/{{key:path}}", objects.presigned, methods=_METHODS),
            Mount("/", _Pages(directory=site.frontend, html=True)),
        ],
        middleware=[Middleware(Guard, port=port)],
        lifespan=lifespan,
    )


def is_served(url: str) -> bool:
    """Whether a stack of ours, rather than something else or nothing, answers there."""
    try:
        status = httpx.get(f"{url}/status", timeout=5).json()
    except (httpx.TransportError, ValueError):
        return False
    return isinstance(status, dict) and status.get("service") == SERVICE


class _Pages(StaticFiles):
    """Files that a browser keeps, and asks about before each use: an edit shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response
