"""Recordings in chunks: the domain's own desk, on a bucket in memory whose addresses lead here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from debate_analyzer.config import Allowance
from debate_analyzer.errors import DebateError
from debate_analyzer.importing import Imports
from debate_analyzer.job import ANONYMOUS_OWNER, FailedAttempt
from debate_analyzer.limits import Limits
from debate_analyzer.ports import ObjectStore
from debate_analyzer.recording import ChunkRequest, Manifest, SessionRequest, parse_manifest
from debate_analyzer.recording_desk import (
    CompleteRequest,
    FinalizeRequest,
    ManifestRequest,
    RecordingDesk,
    RetryRequest,
)
from tests.faults import memory
from tests.frontend.refusal import refused

if TYPE_CHECKING:
    from tests.frontend.backend import Backend

_SESSIONS = "/api/audio/sessions"
_BUCKET = "/bucket/recordings/"


def _now() -> datetime:
    return datetime.now(UTC)


class _Bucket(memory.Store):
    def presigned_put(
        self,
        key: str,
        *,
        content_type: str,
        size: int,
        lifetime: timedelta,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[str, dict[str, str]]:
        headers = {"Content-Type": content_type, "Content-Length": str(size), "If-None-Match": "*"}
        headers |= {f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}
        return f"{_BUCKET}{key}", headers

    def presigned_part(
        self, key: str, upload_id: str, number: int, *, size: int, lifetime: timedelta
    ) -> str:
        return f"{_BUCKET}{key}?upload={upload_id}&part={number}"


class _Nobody:
    """Whom nothing is told that a page could see."""

    def send(self, kind: str, detail: Mapping[str, Any]) -> None:
        pass

    def bury(self, body: str, tried: Sequence[FailedAttempt]) -> None:
        pass


class Recordings:
    """`puts` counts how often each chunk came; `lost` are answers that the browser never sees: a
    chunk's PUT or `complete` that does its work and breaks off, by the last word of the path."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.store = _Bucket(_now)
        self.puts: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        table, ledger = memory.Table(), memory.Ledger(_now)
        batch = memory.Batch(_now)
        self._desk = RecordingDesk(
            owner=ANONYMOUS_OWNER,
            party="127.0.0.1",
            table=table,
            store=cast("ObjectStore", self.store),  # as much of one as is asked for
            ledger=ledger,
            bus=_Nobody(),
            imports=Imports(table, memory.ImportPool(batch), _Nobody(), ()),
            limits=Limits(ledger, table, Allowance()),
            publish_by_default=True,
            now=_now,
        )

    @property
    def manifests(self) -> list[Manifest]:
        """The recordings as the server knows them."""
        keys = [key for key in list(self.store.objects) if key.endswith("manifest.json")]
        found = (self.store.get(key) for key in keys)
        return [parse_manifest(document) for document, _ in filter(None, found)]

    def joined(self, manifest: Manifest) -> bytes:
        """Its chunks, one after the other."""
        found = (self.store.get(chunk.key) for chunk in manifest.complete_chunks)
        return b"".join(data for data, _ in filter(None, found))

    def routes(self) -> list[Route]:
        one = f"{_SESSIONS}/{{id}}"
        return [
            Route(_SESSIONS, self._create, methods=["POST"]),
            Route(one, self._answer, methods=["GET", "DELETE"]),
            Route(f"{one}/{{call:path}}", self._answer, methods=["POST", "PUT"]),
            Route(f"{_BUCKET}{{key:path}}", self._put, methods=["PUT"]),
        ]

    async def _create(self, request: Request) -> Response:
        UUID(request.headers["idempotency-key"])
        said = SessionRequest.model_validate_json(await request.body())
        return _json(self._desk.create(said), 201)

    async def _answer(self, request: Request) -> Response:
        session, body = request.path_params["id"], await request.body()
        call = request.path_params.get("call", "")
        try:
            answer = self._done(f"{request.method} {call}".strip(), session, body)
        except DebateError as error:
            return refused(error)
        if isinstance(answer, list):
            return JSONResponse({"session_id": session, "deleted": answer})
        return self._lost(call.rsplit("/", 1)[-1]) or _json(answer)

    def _done(self, call: str, session: str, body: bytes) -> BaseModel | list[str]:
        desk = self._desk
        match call:
            case "GET":
                return desk.get(session)
            case "DELETE":
                return desk.delete(session)
            case "PUT manifest":
                return desk.upsert(session, ManifestRequest.model_validate_json(body))
            case "POST chunks/presign":
                return desk.presign(session, ChunkRequest.model_validate_json(body))
            case "POST chunks/retry":
                return desk.retry(session, RetryRequest.model_validate_json(body))
            case "POST chunks/complete":
                return desk.complete(session, CompleteRequest.model_validate_json(body))
            case "POST finalize":
                done = desk.finalize(session, FinalizeRequest.model_validate_json(body))
                if done.job_id not in self._backend.jobs:
                    job_id = self._backend.add(done.title, "QUEUED", job_id=done.job_id)
                    self._backend.jobs[done.job_id or ""] = self._backend.jobs.pop(job_id)
                return done
        raise AssertionError(f"no such call: {call}")

    async def _put(self, request: Request) -> Response:
        key, data = request.path_params["key"], await request.body()
        self.puts[key] += 1
        if upload := request.query_params.get("upload"):
            self.store.put_part(upload, int(request.query_params["part"]), data)
            return Response()
        assert request.headers["x-amz-meta-seq"]
        if self.store.head(key):
            assert request.headers["if-none-match"] == "*"
            return Response(status_code=412)
        self.store.put(key, data, request.headers["content-type"])
        return self._lost("put") or Response()

    def _lost(self, what: str) -> Response | None:
        if not self.lost[what]:
            return None
        self.lost[what] -= 1
        return Response(status_code=503)


def _json(answer: BaseModel, status: int = 200) -> Response:
    return Response(answer.model_dump_json(), status, media_type="application/json")
