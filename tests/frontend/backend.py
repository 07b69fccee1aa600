"""A server that keeps the contract of docs/architecture.md and does what a test tells it to."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from debate_analyzer.catalogue import JobView
from debate_analyzer.errors import DebateError
from debate_analyzer.pipeline import Status
from debate_analyzer.transcript import Transcript
from debate_analyzer.upload import UploadRequest, check_upload
from local.web.guard import PAGE_POLICY
from tests.frontend.debate import make_captions, make_statistics

PAGES = Path(__file__).parents[2] / "frontend"


class Backend:
    """Jobs in memory. `broken` maps a path prefix to the status that it answers with."""

    def __init__(self, video: Path) -> None:
        self.video = video
        self.jobs: dict[str, JobView] = {}
        self.transcripts: dict[str, Transcript] = {}
        self.statistics: dict[str, dict[str, Any]] = {}
        self.published: set[str] = set()
        self.summary: dict[str, Any] | None = {"jobs": 0}
        self.page_size = 50
        self.announced: list[UploadRequest] = []
        self.received: dict[str, int] = {}
        self.put_headers: dict[str, str] = {}
        self.broken: dict[str, int] = {}
        self.requests: Counter[str] = Counter()
        self.video_links = 0
        self.slow = False
        self.app = Starlette(
            routes=[
                Route("/api/uploads", self._announce, methods=["POST"]),
                Route("/api/jobs", self._list),
                Route("/api/jobs/{id}", self._get),
                Route("/api/jobs/{id}/transcript", self._transcript),
                Route("/api/jobs/{id}/statistics", self._statistics),
                Route("/api/jobs/{id}/video", self._video),
                Route("/bucket/{id}/upload", self._put, methods=["PUT"]),
                Route("/bucket/{id}/video/{link:int}", self._media),
                Route("/bucket/{id}/statistics", self._document),
                Route("/bucket/{id}/{format}", self._file),
                Route("/statistics/by-job/{id}.json", self._published),
                Route("/statistics/summary.json", self._summary),
                Mount("/", StaticFiles(directory=PAGES, html=True)),
            ],
            middleware=[Middleware(_Wrapper, backend=self)],
        )

    # --- what a test says ---------------------------------------------------------------------

    def add(self, title: str, status: str = "COMPLETE", **values: Any) -> str:
        """A job, newer than those before it; returns its id."""
        job_id = str(uuid4())
        now = datetime.now(UTC) - timedelta(minutes=3) + timedelta(seconds=len(self.jobs))
        fields: dict[str, Any] = {
            "job_id": job_id,
            "title": title,
            "filename": "debate.webm",
            "status": Status(status),
            "stage": None,
            "progress": None,
            "expected_at": None,
            "attempt": 1,
            "retry_at": None,
            "error": None,
            "created_at": now,
            "updated_at": now,
            "completed_at": now + timedelta(seconds=32) if status == "COMPLETE" else None,
            "duration": None,
            "language": None,
            "channel_per_speaker": False,
            "speakers_count": None,
            "bytes": 1_000_000,
            "content_type": "video/webm",
            "published": True,
            "warnings": [],
        }
        self.jobs[job_id] = JobView(**(fields | values))
        return job_id

    def change(self, job_id: str, **values: Any) -> None:
        if "status" in values:
            values["status"] = Status(values["status"])
        values.setdefault("updated_at", datetime.now(UTC))
        self.jobs[job_id] = self.jobs[job_id].model_copy(update=values)

    def complete(self, job_id: str, transcript: Transcript, *, published: bool = True) -> None:
        """What the two workers do, at once."""
        job = self.jobs[job_id]
        self.transcripts[job_id] = transcript
        self.statistics[job_id] = make_statistics(transcript, job_id=job_id, title=job.title)
        if published:
            self.published.add(job_id)
        self.change(
            job_id,
            status="COMPLETE",
            progress=None,
            completed_at=job.created_at + timedelta(seconds=32),
            duration=transcript.duration,
            language=transcript.language,
            speakers_count=transcript.speakers_count,
        )

    # --- what the page asks -------------------------------------------------------------------

    async def _announce(self, request: Request) -> Response:
        asked = UploadRequest.model_validate_json(await request.body())
        self.announced.append(asked)
        try:
            name, content_type = check_upload(asked, max_bytes=5 * 2**30)
        except DebateError as error:
            return problem(400, error.code, str(error))
        job_id = self.add(Path(name).stem, "UPLOADING", filename=name, stage="upload")
        headers = {
            "content-type": content_type,
            "content-length": str(asked.size),
            "if-none-match": "*",
        }
        upload = {
            "method": "PUT",
            "url": f"/bucket/{job_id}/upload",
            "headers": headers,
            "expires_at": "2099-01-01T00:00:00Z",
        }
        return JSONResponse({"job": self._view(job_id), "upload": upload}, status_code=201)

    async def _put(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        self.put_headers = dict(request.headers)
        size = 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if self.slow:
                    await anyio.sleep(0.05)
        except ClientDisconnect:
            return Response(status_code=400)
        self.received[job_id] = size
        self.change(job_id, status="QUEUED", stage="transcribe")
        return Response()

    async def _list(self, request: Request) -> Response:
        newest = sorted(self.jobs.values(), key=lambda job: job.created_at, reverse=True)
        offset = int(request.query_params.get("cursor", 0))
        end = offset + self.page_size
        page = [self._view(job.job_id) for job in newest[offset:end]]
        return JSONResponse({"jobs": page, "next_cursor": str(end) if end < len(newest) else None})

    async def _get(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        if job_id not in self.jobs:
            return problem(404, "not_found", "There is no such debate here.")
        return JSONResponse(self._view(job_id))

    async def _transcript(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        if job_id not in self.transcripts:
            return problem(409, "not_ready", "There is no transcript yet.")
        return RedirectResponse(f"/bucket/{job_id}/{request.query_params['format']}", 302)

    async def _file(self, request: Request) -> Response:
        transcript = self.transcripts[request.path_params["id"]]
        match request.path_params["format"]:
            case "json":
                return Response(transcript.model_dump_json(), media_type="application/json")
            case "vtt":
                return PlainTextResponse(make_captions(transcript), media_type="text/vtt")
            case _:
                return PlainTextResponse("\n".join(s.text for s in transcript.transcription))

    async def _statistics(self, request: Request) -> Response:
        return RedirectResponse(f"/bucket/{request.path_params['id']}/statistics", 302)

    async def _document(self, request: Request) -> Response:
        return JSONResponse(self.statistics[request.path_params["id"]])

    async def _published(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        if job_id not in self.published:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403)
        return JSONResponse(self.statistics[job_id])

    async def _summary(self, request: Request) -> Response:
        return JSONResponse(self.summary) if self.summary else Response(status_code=403)

    async def _video(self, request: Request) -> Response:
        self.video_links += 1
        url = f"/bucket/{request.path_params['id']}/video/{self.video_links}"
        link = {"url": url, "expires_at": "2099-01-01T00:00:00Z", "content_type": "video/webm"}
        return JSONResponse(link)

    async def _media(self, request: Request) -> Response:
        return FileResponse(self.video, media_type="video/webm")

    def _view(self, job_id: str) -> Any:
        return json.loads(self.jobs[job_id].model_dump_json())


def problem(status: int, code: str, detail: str) -> Response:
    body = {"code": code, "title": code, "status": status, "detail": detail}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


class _Wrapper:
    """Counts requests, breaks what is to be broken, and sets the policy on every answer."""

    def __init__(self, app: ASGIApp, backend: Backend) -> None:
        self._app = app
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                policy = (b"content-security-policy", PAGE_POLICY.encode())
                message["headers"] += [policy, (b"cache-control", b"no-store")]
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._backend.requests[f"{scope['method']} {scope['path']}"] += 1
        broken = self._backend.broken
        status = next((broken[start] for start in broken if scope["path"].startswith(start)), None)
        app = self._app if status is None else problem(status, "broken", "Broken by a test.")
        await app(scope, receive, send_with_policy)
