"""Objects of the bucket, read from the emulator's folder and written by its own hand.

Bytes need not pass through two servers: to read one, the emulator is asked for permission only, and
the bytes come from the file; to write one, it takes them from the browser's connection.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope

from local.s3.door import Answer, Closed
from local.s3.incoming import Incomplete
from local.web.guard import OBJECT_POLICY
from local.web.problem import problem
from local.web.upstream import CLIENT_CLOSED_REQUEST, Upstream, relayed, unreachable

_OVERRIDES = ("cache-control", "content-disposition", "content-language", "content-type", "expires")
_ONLY_EMULATOR = ("versionId", "partNumber", "uploadId")
S3 = Callable[[Scope, Receive], Awaitable[Answer]]
STATISTICS_CACHE = "public, max-age=5, stale-while-revalidate=60"


@dataclass(frozen=True)
class StoredObject:
    """A body on disk, and what S3 says of it. `etag` is quoted."""

    path: Path
    stat: os.stat_result
    etag: str
    content_type: str

    def response(self, request: Request, headers: dict[str, str]) -> Response:
        """The object: whole, a range of it, or word that the client's copy is still good."""
        headers = {"etag": self.etag, "content-type": self.content_type, **headers}
        known = request.headers.get("if-none-match", "")
        if self.etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]:
            del headers["content-type"]
            return Response(status_code=304, headers=headers)
        return FileResponse(
            self.path,
            headers=headers,
            media_type=headers["content-type"],
            stat_result=self.stat,
        )


class ObjectFolder:
    """The bodies of one account's buckets: `<folder>/<bucket>/<key>`, facts in `….meta.json`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def find(self, bucket: str, key: str) -> StoredObject | None:
        """The object, or None when it is not there under its own name (the emulator may know it
        under another: not every key can be a path)."""
        root = self._folder / bucket
        path = root / key
        if "\0" in key or ".." in path.parts or not path.resolve().is_relative_to(root):
            return None
        try:
            facts = json.loads((path.parent / f"{path.name}.meta.json").read_bytes())
            stat = path.stat()
        except OSError:  # not there, or no path can be named so
            return None
        if facts.get("size") != stat.st_size:
            return None  # caught between the two writes
        return StoredObject(path, stat, f'"{facts["etag"].strip(chr(34))}"', facts["content_type"])


class Objects:
    """The routes that answer with objects of the bucket."""

    def __init__(self, bucket: str, folder: ObjectFolder, upstream: Upstream, s3: S3) -> None:
        self._bucket = bucket
        self._folder = folder
        self._upstream = upstream
        self._s3 = s3

    async def statistics(self, request: Request) -> Response:
        """`/statistics/*`, which on AWS anybody may read through CloudFront."""
        found = self._folder.find(self._bucket, "statistics/" + request.path_params["key"])
        if found is None:
            return problem(404, "not_found", "There are no statistics here (yet).")
        return found.response(request, {"cache-control": STATISTICS_CACHE})

    async def presigned(self, request: Request) -> Response:
        """`/<bucket>/<key>?X-Amz-Signature=…`: what S3 would do with it."""
        query = request.query_params
        if "X-Amz-Signature" not in query:
            return problem(403, "not_signed", "Objects are read with a presigned URL.")
        if request.method == "PUT":
            return await self._ask(request.scope, request.receive)
        if request.method != "GET" or any(name in query for name in _ONLY_EMULATOR):
            return await self._upstream.forward(request)
        return await self._read(request)

    async def _ask(self, scope: Scope, receive: Receive) -> Response:
        try:
            answer = await self._s3(scope, receive)
        except Closed:
            return unreachable()
        except Incomplete:  # and nobody is there to be told
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        return relayed(Response(answer.body, answer.status), answer.headers)

    async def _read(self, request: Request) -> Response:
        # To this condition S3 answers 304 for an object that is there and may be read: signature,
        # expiry and the signer's policies are checked, and no body is touched.
        answer = await self._ask(_if_none_matches(request.scope), request.receive)
        if answer.status_code != 304:
            return answer
        found = self._folder.find(self._bucket, request.path_params["key"])
        if found is None or found.etag != answer.headers.get("etag"):
            return await self._upstream.forward(request)
        headers = {
            "content-security-policy": OBJECT_POLICY,
            "cache-control": "private, no-cache",
            **_overrides(request.query_params),
        }
        return found.response(request, headers)


def _if_none_matches(scope: Scope) -> Scope:
    kept = [(name, value) for name, value in scope["headers"] if name != b"if-none-match"]
    return {**scope, "headers": [*kept, (b"if-none-match", b"*")]}


def _overrides(query: QueryParams) -> dict[str, str]:
    """Headers that the signed query sets: `response-content-disposition` and its like."""
    given = {name: query.get(f"response-{name}") for name in _OVERRIDES}
    return {name: value for name, value in given.items() if value is not None}
