"""What people say of debates: their edits, counted at once or when a test says so, and marks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from batch_images.stats.analysis import Input, analyse
from batch_images.stats.revision import revise
from debate_analyzer.edit_desk import EditRequest, EditsView
from debate_analyzer.edits import Edits, Operation, check
from debate_analyzer.errors import InvalidEdit
from debate_analyzer.feedback import Feedback, Mark
from debate_analyzer.transcript import Transcript

if TYPE_CHECKING:
    from tests.frontend.backend import Backend

ETAG = "e1"
"""Of every transcript."""


class Opinions:
    """Of the backend's debates."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.edits: dict[str, Edits] = {}
        self.marks: dict[str, Feedback] = {}
        self.counts_at_once = True
        self.closed: set[str] = set()
        """Debates that whoever asks may not edit."""

    def routes(self) -> list[Route]:
        one = "/api/jobs/{id}"
        return [
            Route(f"{one}/edits", self._history),
            Route(f"{one}/edits", self._edit, methods=["POST"]),
            Route(f"{one}/feedback", self._feedback, methods=["GET", "PUT", "DELETE"]),
            Route("/api/shared/{link}/edits", self._shared),
        ]

    def said(self, job_id: str) -> list[dict[str, Any]]:
        """The operations that count."""
        entries = self.edits.get(job_id, Edits()).in_force()
        return [entry.operation.model_dump(exclude_none=True) for entry in entries]

    def say(self, job_id: str, *operations: Operation, by: str = "bo") -> None:
        """As somebody else does elsewhere."""
        now = datetime.now(UTC)
        edits = self.edits.get(job_id, Edits())
        edits = edits.appended(operations, by=by, at=now, transcript=ETAG)
        check(edits, self._backend.transcripts[job_id], ETAG, new=len(operations))
        self.edits[job_id] = edits
        self._backend.change(job_id, status="ANALYZING", stage="stats")
        if self.counts_at_once:
            self.count(job_id)

    def count(self, job_id: str) -> None:
        """What the statistics worker does."""
        now = datetime.now(UTC)
        transcript = self._backend.transcripts[job_id].model_dump_json().encode()
        document = Input(f"jobs/{job_id}/transcripts/t.json", transcript, ETAG, now)
        edits = Input("edits.json", self.edits[job_id].document(), self._version(job_id), now)
        title = self._backend.jobs[job_id].title
        statistics = analyse(document, job_id=job_id, video_label=title, edits=edits)
        self._backend.statistics[job_id] = statistics.model_dump(mode="json", by_alias=True)
        self._backend.change(job_id, status="COMPLETE", stage=None, completed_at=now)

    def revised(self, job_id: str) -> Transcript:
        """The transcript with its edits and names, as it is exported."""
        revision = revise(self._backend.transcripts[job_id], self.edits.get(job_id, Edits()), ETAG)
        names = revision.people.names
        segments = [
            segment.model_copy(update={"speaker": names.get(segment.speaker, segment.speaker)})
            for segment in revision.transcript.transcription
        ]
        return self._backend.transcripts[job_id].model_copy(update={"transcription": segments})

    def _version(self, job_id: str) -> str:
        return str(len(self.edits[job_id].entries)) if job_id in self.edits else ""

    def _view(self, job_id: str) -> EditsView:
        edits = self.edits.get(job_id, Edits())
        in_force = [entry.id for entry in edits.in_force()]
        return EditsView(version=self._version(job_id), entries=edits.entries, in_force=in_force)

    async def _history(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        if job_id in self.closed:
            return _problem(403, "forbidden", "You may read this debate, and not edit it.")
        return _answer(self._view(job_id))

    async def _edit(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        try:
            asked = EditRequest.model_validate_json(await request.body())
        except ValidationError as error:
            return _problem(400, "invalid_request", str(error.errors()[0]["msg"]))
        if asked.version not in (None, self._version(job_id)):
            return _problem(409, "conflict", "Somebody else edited this debate meanwhile.")
        try:
            self.say(job_id, *asked.operations, by="ana")
        except InvalidEdit as error:
            return _problem(400, error.code, str(error))
        return _answer(self._view(job_id), 201)

    async def _shared(self, request: Request) -> Response:
        return _answer(self._view(self._backend.links[request.path_params["link"]]))

    async def _feedback(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        if request.method == "DELETE":
            self.marks.pop(job_id, None)
            return Response(status_code=204)
        if request.method == "PUT":
            mark = Mark.model_validate_json(await request.body())
            self.marks[job_id] = Feedback(**mark.model_dump(), updated_at=datetime.now(UTC))
        if job_id not in self.marks:
            return _problem(404, "not_found", "You have not said whether it is of use to you.")
        return _answer(self.marks[job_id])


def _answer(model: EditsView | Feedback, status: int = 200) -> Response:
    return JSONResponse(model.model_dump(mode="json"), status_code=status)


def _problem(status: int, code: str, detail: str) -> Response:
    body = {"code": code, "title": code, "status": status, "detail": detail}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")
