"""What people have done with debates: listed, described, begun again, shared, deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from debate_analyzer.api.shares import SharesList
from debate_analyzer.catalogue import JobsPage, JobView, ListQuery
from debate_analyzer.job_desk import Changes, RetryRequest
from debate_analyzer.pipeline import Status, phase_of
from debate_analyzer.share import Share

if TYPE_CHECKING:
    from tests.frontend.backend import Backend


class Jobs:
    """Of the backend's jobs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.shares: dict[str, list[Share]] = {}
        """The links to each debate."""
        self.retried: list[RetryRequest] = []
        self.keys: set[str] = set()

    def routes(self) -> list[Route]:
        one = "/api/jobs/{id}"
        return [
            Route("/api/jobs", self._list),
            Route(one, self._change, methods=["PATCH"]),
            Route(one, self._delete, methods=["DELETE"]),
            Route(f"{one}/cancel", self._cancel, methods=["POST"]),
            Route(f"{one}/retry", self._retry, methods=["POST"]),
            Route(f"{one}/shares", self._shares, methods=["GET", "POST"]),
            Route(f"{one}/shares/{{share}}", self._revoke, methods=["DELETE"]),
        ]

    async def _list(self, request: Request) -> Response:
        query = ListQuery.model_validate(dict(request.query_params))
        newest = sorted(self._backend.jobs.values(), key=_place, reverse=True)
        wanted = [
            job
            for job in newest
            if query.status in (None, job.status, phase_of(job.status))
            and (query.until is None or job.created_at <= query.until)
            and (query.cursor is None or _place(job) < tuple(query.cursor.split(" ")))
        ]
        size = min(query.limit, self._backend.page_size)
        cursor = " ".join(_place(wanted[size - 1])) if len(wanted) > size else None
        page = JobsPage(jobs=wanted[:size], next_cursor=cursor)
        return Response(page.model_dump_json(), media_type="application/json")

    def _answer(self, job_id: str, status: int = 200) -> Response:
        view = self._backend.jobs[job_id].model_dump_json()
        return Response(view, status, media_type="application/json")

    async def _change(self, request: Request) -> Response:
        changes = Changes.model_validate_json(await request.body())
        job_id = request.path_params["id"]
        self._backend.change(job_id, **changes.model_dump(exclude_none=True))
        return self._answer(job_id)

    async def _cancel(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        self._backend.change(job_id, status="CANCELLED", stage=None, progress=None)
        return self._answer(job_id)

    async def _retry(self, request: Request) -> Response:
        wishes = RetryRequest.model_validate_json(await request.body())
        self.retried.append(wishes)
        job_id = request.path_params["id"]
        status = Status.QUEUED if wishes.stage == "transcribe" else Status.STATS_QUEUED
        said = wishes.model_dump(include={"language", "speakers"}, exclude_none=True)
        self._backend.change(job_id, status=status, stage=wishes.stage, error=None, **said)
        return self._answer(job_id, 202)

    async def _delete(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        del self._backend.jobs[job_id]
        return JSONResponse({"job_id": job_id, "deleted": [f"jobs/{job_id}/videos/debate.webm"]})

    async def _shares(self, request: Request) -> Response:
        there = self.shares.setdefault(request.path_params["id"], [])
        if request.method == "GET":
            listed = SharesList(shares=there).model_dump_json()
            return Response(listed, media_type="application/json")
        key = request.headers["idempotency-key"]
        if key not in self.keys:
            self.keys.add(key)
            link = str(uuid4())
            made = Share(share_id=link, url=f"/api/shared/{link}", created_at=datetime.now(UTC))
            there.append(made)
            self._backend.links[link] = request.path_params["id"]
        return Response(there[-1].model_dump_json(), 201, media_type="application/json")

    async def _revoke(self, request: Request) -> Response:
        job_id, link = request.path_params["id"], request.path_params["share"]
        self.shares[job_id] = [share for share in self.shares[job_id] if share.share_id != link]
        del self._backend.links[link]
        return Response(status_code=204)


def _place(job: JobView) -> tuple[str, str]:
    """Where a job stands in lists."""
    return job.created_at.isoformat(timespec="microseconds"), job.job_id
