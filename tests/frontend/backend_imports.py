"""Recordings that lie elsewhere: asked for by an address, refused as the server refuses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from debate_analyzer.address import check_url
from debate_analyzer.errors import DebateError, NotFound
from debate_analyzer.import_desk import ImportRequest, RegisterRequest
from tests.frontend.refusal import refused

if TYPE_CHECKING:
    from tests.frontend.backend import Backend


class Imports:
    """What the backend was asked to fetch. In its bucket there is nothing but `objects`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.fetched: list[ImportRequest] = []
        self.registered: list[RegisterRequest] = []
        self.keys: list[str] = []
        self.objects: set[str] = set()

    def routes(self) -> list[Route]:
        return [
            Route("/api/imports", self._fetch, methods=["POST"]),
            Route("/api/jobs", self._register, methods=["POST"]),
        ]

    async def _fetch(self, request: Request) -> Response:
        asked = ImportRequest.model_validate_json(await request.body())
        self.keys.append(request.headers["idempotency-key"])
        try:
            check_url(asked.url)
        except DebateError as error:
            return refused(error)
        self.fetched.append(asked)
        return self._job(asked.url)

    async def _register(self, request: Request) -> Response:
        asked = RegisterRequest.model_validate_json(await request.body())
        if asked.uri not in self.objects:
            return refused(NotFound("There is no such object in the bucket."))
        self.registered.append(asked)
        return self._job(asked.uri.rsplit("/", 1)[-1])

    def _job(self, title: str) -> Response:
        job_id = self._backend.add(title, "UPLOADING", filename=None, stage="upload")
        job = self._backend.jobs[job_id]
        return Response(job.model_dump_json(), 202, media_type="application/json")
