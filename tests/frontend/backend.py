"""A server that keeps the contract of docs/architecture.md and does what a test tells it to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
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
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from debate_analyzer.api.shares import SharedDebate
from debate_analyzer.catalogue import JobView
from debate_analyzer.dead_letters import Letter
from debate_analyzer.errors import DebateError
from debate_analyzer.pipeline import Status
from debate_analyzer.transcript import Transcript
from debate_analyzer.upload import UploadRequest, check_upload
from local.web.guard import PAGE_POLICY
from local.web.pages import Pages
from tests.frontend.backend_archive import ArchiveBackend
from tests.frontend.backend_edits import ETAG, Opinions
from tests.frontend.backend_imports import Imports
from tests.frontend.backend_jobs import Jobs
from tests.frontend.backend_recordings import Recordings
from tests.frontend.backend_search import SearchBackend
from tests.frontend.debate import make_captions, make_statistics

Answer = Callable[[Request], Awaitable[Response]]

PAGES = Path(__file__).parents[2] / "frontend"


class Backend:
    """Jobs in memory. `broken` maps a path prefix to the status that it answers with."""

    def __init__(self, video: Path) -> None:
        self.video = video
        self.jobs: dict[str, JobView] = {}
        self.transcripts: dict[str, Transcript] = {}
        self.statistics: dict[str, dict[str, Any]] = {}
        self.published: set[str] = set()
        self.links: dict[str, str] = {}
        """Debates by the ids of share links."""
        self.summary: dict[str, Any] | None = {"jobs": 0}
        self.letters: dict[str, list[Letter]] = {}
        """What was given up, by queue; without a queue nobody who asks runs this."""
        self.replayed: list[Letter] = []
        self.sends_mails = True
        self.opinions = Opinions(self)
        self.page_size = 50
        self.desk = Jobs(self)
        self.imports = Imports(self)
        self.recordings = Recordings(self)
        self.search = SearchBackend()
        self.archive = ArchiveBackend()
        self.announced: list[UploadRequest] = []
        self.received: dict[str, int] = {}
        self.part_size: int | None = None
        """Of files that go in parts; None while they go whole."""
        self.parts: dict[str, dict[int, bytes]] = {}
        """What has arrived of each upload that is not complete, by number."""
        self.files: dict[str, bytes] = {}
        """What was put together from parts."""
        self.signed = 0
        self.part_puts: Counter[int] = Counter()
        """How often the first byte of a part came."""
        self.torn: Counter[int] = Counter()
        """Parts whose connection breaks, and how often."""
        self.expired: set[str] = set()
        """Addresses of files and of parts that are too old."""
        self.stuck: Counter[int] = Counter()
        """Parts of which nothing arrives, and how often."""
        self.put_headers: dict[str, str] = {}
        self.broken: dict[str, int] = {}
        self.requests: Counter[str] = Counter()
        self.video_links = 0
        self.slow = False
        """Bytes come slowly: a whole recording takes longer than a busy browser to say so."""
        self.app = Starlette(
            routes=[
                Route("/api/uploads", self._announce, methods=["POST"]),
                Route("/api/uploads/rules", self._rules),
                Route("/api/uploads/{id}", self._upload, methods=["GET", "DELETE"]),
                Route("/api/uploads/{id}/parts", self._list_parts),
                Route("/api/uploads/{id}/parts", self._sign_parts, methods=["POST"]),
                Route("/api/uploads/{id}/complete", self._complete, methods=["POST"]),
                *self.desk.routes(),
                *self.imports.routes(),
                *self.recordings.routes(),
                *self.search.routes(),
                *self.archive.routes(),
                Route("/api/jobs/{id}", self._get),
                Route("/api/jobs/{id}/transcript", self._transcript),
                Route("/api/jobs/{id}/statistics", self._statistics),
                Route("/api/jobs/{id}/video", self._video),
                *self.opinions.routes(),
                Route("/api/shared/{link}", self._shared),
                Route("/api/failures", self._queues),
                Route("/api/failures/{queue}", self._letters, methods=["GET", "DELETE"]),
                Route("/api/failures/{queue}/replay", self._replay, methods=["POST"]),
                Route("/api/failures/{queue}/{letter}", self._letters, methods=["DELETE"]),
                Route("/api/failures/{queue}/{letter}/replay", self._replay, methods=["POST"]),
                *(
                    Route(f"/api/shared/{{link}}/{what}", self._by_link(answer))
                    for what, answer in (
                        ("transcript", self._transcript),
                        ("statistics", self._statistics),
                        ("video", self._video),
                    )
                ),
                Route("/bucket/{id}/upload", self._put, methods=["PUT"]),
                Route("/bucket/{id}/parts/{number:int}", self._put_part, methods=["PUT"]),
                Route("/bucket/{id}/video/{link:int}", self._media),
                Route("/bucket/{id}/statistics", self._document),
                Route("/bucket/{id}/{format}", self._file),
                Route("/statistics/by-job/{id}.json", self._published),
                Route("/statistics/summary.json", self._summary),
                Mount("/", Pages(directory=PAGES, html=True)),
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
            "model": None,
            "speakers": None,
            "channel_per_speaker": False,
            "speakers_count": None,
            "bytes": 1_000_000,
            "content_type": "video/webm",
            "published": True,
            "source_url": None,
            "data_url": None,
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

    async def _rules(self, request: Request) -> Response:
        return JSONResponse({"notify": self.sends_mails})

    async def _announce(self, request: Request) -> Response:
        asked = UploadRequest.model_validate_json(await request.body())
        self.announced.append(asked)
        try:
            name, content_type = check_upload(asked, max_bytes=5 * 2**30)
        except DebateError as error:
            return problem(422, error.code, str(error))
        job_id = self.add(
            Path(name).stem, "UPLOADING", filename=name, stage="upload", bytes=asked.size
        )
        self.change(job_id, content_type=content_type)
        if self.part_size is not None:
            self.parts[job_id] = {}
        shown = {"job": self._view(job_id), "upload": self._target(job_id)}
        return JSONResponse(shown, status_code=201)

    async def _put(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        if f"upload?{request.url.query}" in self.expired:
            return Response(status_code=403)
        self.put_headers = dict(request.headers)
        size = 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if self.slow:
                    await anyio.sleep(0.2)
        except ClientDisconnect:
            return Response(status_code=400)
        self.received[job_id] = size
        self.change(job_id, status="QUEUED", stage="transcribe")
        return Response()

    def _target(self, job_id: str) -> dict[str, Any] | None:
        if self.jobs[job_id].status is not Status.UPLOADING:
            return None
        if job_id not in self.parts or self.part_size is None:
            self.signed += 1
            headers = {
                "content-type": self.jobs[job_id].content_type,
                "content-length": str(self.jobs[job_id].bytes),
                "if-none-match": "*",
            }
            url = f"/bucket/{job_id}/upload?signed={self.signed}"
            expires_at = "2099-01-01T00:00:00Z"
            return {"method": "PUT", "url": url, "headers": headers, "expires_at": expires_at}
        parts = -(-(self.jobs[job_id].bytes or 0) // self.part_size)
        missing = [n for n in range(1, parts + 1) if n not in self.parts[job_id]]
        sizes = {"part_size": self.part_size, "parts": parts, "missing": missing}
        return {"method": "MULTIPART", "expires_at": "2099-01-01T00:00:00Z", **sizes}

    async def _upload(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        if request.method == "GET":
            return JSONResponse({"job": self._view(job_id), "upload": self._target(job_id)})
        self.parts.pop(job_id, None)
        self.change(job_id, status="CANCELLED", stage=None)
        return Response(status_code=204)

    async def _list_parts(self, request: Request) -> Response:
        """Two at a time."""
        there = sorted(self.parts[request.path_params["id"]].items())
        after = int(request.query_params["cursor"])
        page = [
            {"number": number, "bytes": len(data), "etag": "e"}
            for number, data in there
            if number > after
        ]
        cursor = page[1]["number"] if len(page) > 2 else None
        return JSONResponse({"parts": page[:2], "next_cursor": cursor})

    async def _sign_parts(self, request: Request) -> Response:
        job_id, numbers = request.path_params["id"], (await request.json())["numbers"]
        self.signed += 1
        urls = [
            {"number": n, "bytes": 0, "url": f"/bucket/{job_id}/parts/{n}?signed={self.signed}"}
            for n in numbers
        ]
        return JSONResponse({"urls": urls, "expires_at": "2099-01-01T00:00:00Z"})

    async def _put_part(self, request: Request) -> Response:
        job_id, number = request.path_params["id"], request.path_params["number"]
        self.part_puts[number] += 1
        if f"{number}?signed={request.query_params['signed']}" in self.expired:
            return Response(status_code=403)
        if self.stuck[number] > 0:
            self.stuck[number] -= 1
            while not await request.is_disconnected():
                await anyio.sleep(0.05)
            return Response(status_code=400)
        data = b""
        try:
            async for chunk in request.stream():
                data += chunk
                if self.torn[number] > 0:
                    self.torn[number] -= 1
                    return Response(status_code=503, headers={"connection": "close"})
                if self.slow:
                    await anyio.sleep(0.05)
        except ClientDisconnect:
            return Response(status_code=400)
        self.parts[job_id][number] = data
        return Response(headers={"etag": '"e"'})

    async def _complete(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        parts = self.parts.pop(job_id)
        self.files[job_id] = b"".join(parts[number] for number in sorted(parts))
        self.change(job_id, status="QUEUED", stage="transcribe")
        return JSONResponse(self._view(job_id))

    async def _get(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        if job_id not in self.jobs:
            return problem(404, "not_found", "There is no such debate here.")
        return JSONResponse(self._view(job_id))

    async def _shared(self, request: Request) -> Response:
        link = request.path_params["link"]
        if link not in self.links:
            return problem(404, "not_found", "There is no such link, or it was revoked.")
        view = self._view(self.links[link])
        return JSONResponse({name: view[name] for name in SharedDebate.model_fields})

    async def _queues(self, request: Request) -> Response:
        counts = [{"queue": name, "letters": len(some)} for name, some in self.letters.items()]
        return JSONResponse({"queues": counts})

    async def _letters(self, request: Request) -> Response:
        there = self.letters[request.path_params["queue"]]
        if request.method == "GET":
            return JSONResponse({"letters": [each.model_dump(mode="json") for each in there]})
        dropped = self._taken(request)
        return JSONResponse({"dropped": len(dropped), "left": len(there)})

    async def _replay(self, request: Request) -> Response:
        meant = self._taken(request)
        gone = [each for each in meant if each.job_status is Status.DELETED]
        self.replayed += [each for each in meant if each not in gone]
        counts = {"replayed": len(meant) - len(gone), "gone": len(gone), "kept": 0, "left": 0}
        return JSONResponse(counts)

    def _taken(self, request: Request) -> list[Letter]:
        """The letter that is meant, or all."""
        there, one = self.letters[request.path_params["queue"]], request.path_params.get("letter")
        meant = [each for each in there if one in (None, each.letter_id)]
        there[:] = [each for each in there if each not in meant]
        return meant

    def _by_link(self, answer: Answer) -> Answer:
        async def of_its_debate(request: Request) -> Response:
            request.path_params["id"] = self.links[request.path_params["link"]]
            return await answer(request)

        return of_its_debate

    async def _transcript(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        if job_id not in self.transcripts:
            return problem(409, "not_ready", "There is no transcript yet.")
        return RedirectResponse(f"/bucket/{job_id}/{request.query_params['format']}", 302)

    async def _file(self, request: Request) -> Response:
        transcript = self.transcripts[request.path_params["id"]]
        match request.path_params["format"]:
            case "json":
                text, headers = transcript.model_dump_json(), {"etag": f'"{ETAG}"'}
                return Response(text, media_type="application/json", headers=headers)
            case "vtt":
                counted = self.opinions.revised(request.path_params["id"])
                return PlainTextResponse(make_captions(counted), media_type="text/vtt")
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
