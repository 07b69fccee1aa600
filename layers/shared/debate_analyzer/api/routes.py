"""Every route of the API, and what answers it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from urllib.parse import unquote

from debate_analyzer.errors import (
    Conflict,
    DailyBytesUsed,
    DailyMinutesUsed,
    DebateError,
    Forbidden,
    IncompleteRecording,
    IncompleteUpload,
    InvalidAddress,
    InvalidChunk,
    InvalidEdit,
    InvalidRequest,
    InvalidUpload,
    NotFound,
    NotReady,
    NotReplayable,
    TooManyJobs,
    UnknownModel,
    UploadMismatch,
    UploadTooLarge,
)


@dataclass(frozen=True)
class Route:
    """`handler` is `room.function` of this package. `problems` are the errors that it may raise
    besides those that every route may: docs and tests go by them.

    `public`: for everybody, signed in or not. template.yaml has the same of it.
    """

    method: str
    path: str
    handler: str
    status: HTTPStatus = HTTPStatus.OK
    problems: tuple[type[DebateError], ...] = ()
    public: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Of the paths that it answers; a group for each parameter."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))


ROUTES = (
    Route("GET", "/api/openapi.json", "contract.get_document", public=True),
    # --- uploads ---
    Route(
        "POST",
        "/api/uploads",
        "uploads.announce",
        HTTPStatus.CREATED,
        problems=(
            InvalidUpload,
            UploadTooLarge,
            TooManyJobs,
            DailyBytesUsed,
            DailyMinutesUsed,
        ),
    ),
    Route("GET", "/api/uploads/rules", "uploads.rules"),
    Route("GET", "/api/uploads/{job_id}", "uploads.get", problems=(NotFound, Conflict)),
    Route("DELETE", "/api/uploads/{job_id}", "uploads.abort", problems=(NotFound, Conflict)),
    Route(
        "GET", "/api/uploads/{job_id}/parts", "uploads.list_parts", problems=(NotFound, Conflict)
    ),
    Route(
        "POST",
        "/api/uploads/{job_id}/parts",
        "uploads.sign_parts",
        problems=(InvalidRequest, NotFound, Conflict),
    ),
    Route(
        "POST",
        "/api/uploads/{job_id}/complete",
        "uploads.complete",
        problems=(InvalidRequest, NotFound, IncompleteUpload, Conflict),
    ),
    # --- imports ---
    Route(
        "POST",
        "/api/imports",
        "imports.fetch",
        HTTPStatus.ACCEPTED,
        problems=(InvalidAddress, InvalidRequest, TooManyJobs, DailyMinutesUsed),
    ),
    Route(
        "POST",
        "/api/jobs",
        "imports.register",
        HTTPStatus.ACCEPTED,
        problems=(
            InvalidRequest,
            InvalidUpload,
            UploadTooLarge,
            Forbidden,
            NotFound,
            Conflict,
            TooManyJobs,
            DailyBytesUsed,
            DailyMinutesUsed,
        ),
    ),
    # --- jobs ---
    Route("GET", "/api/jobs", "jobs.list_jobs", problems=(InvalidRequest, Forbidden)),
    Route("GET", "/api/jobs/{job_id}", "jobs.get", problems=(NotFound,)),
    Route("PATCH", "/api/jobs/{job_id}", "jobs.change", problems=(NotFound, Conflict)),
    Route("DELETE", "/api/jobs/{job_id}", "jobs.delete", problems=(NotFound, Conflict)),
    Route("POST", "/api/jobs/{job_id}/cancel", "jobs.cancel", problems=(NotFound, Conflict)),
    Route(
        "POST",
        "/api/jobs/{job_id}/retry",
        "jobs.retry",
        HTTPStatus.ACCEPTED,
        problems=(InvalidRequest, UnknownModel, NotFound, NotReady, Conflict),
    ),
    Route(
        "GET",
        "/api/jobs/{job_id}/transcript",
        "jobs.get_transcript",
        HTTPStatus.FOUND,
        problems=(NotFound, NotReady),
    ),
    Route(
        "GET",
        "/api/jobs/{job_id}/statistics",
        "jobs.get_statistics",
        HTTPStatus.FOUND,
        problems=(NotFound, NotReady),
    ),
    Route("GET", "/api/jobs/{job_id}/video", "jobs.get_video", problems=(NotFound, NotReady)),
    # --- recordings in chunks ---
    Route("POST", "/api/audio/sessions", "recordings.create", HTTPStatus.CREATED),
    Route("GET", "/api/audio/sessions", "recordings.list_sessions"),
    Route("GET", "/api/audio/sessions/{session_id}", "recordings.get", problems=(NotFound,)),
    Route(
        "DELETE",
        "/api/audio/sessions/{session_id}",
        "recordings.delete",
        problems=(NotFound, Conflict),
    ),
    Route(
        "POST",
        "/api/audio/sessions/{session_id}/chunks/presign",
        "recordings.presign",
        problems=(NotFound, InvalidChunk, Conflict),
    ),
    Route(
        "POST",
        "/api/audio/sessions/{session_id}/chunks/complete",
        "recordings.complete",
        problems=(NotFound, NotReady, UploadMismatch, Conflict),
    ),
    Route(
        "POST",
        "/api/audio/sessions/{session_id}/chunks/retry",
        "recordings.retry",
        problems=(NotFound, Conflict),
    ),
    Route(
        "PUT",
        "/api/audio/sessions/{session_id}/manifest",
        "recordings.upsert",
        problems=(NotFound, InvalidChunk, Conflict),
    ),
    Route(
        "POST",
        "/api/audio/sessions/{session_id}/finalize",
        "recordings.finalize",
        problems=(
            InvalidRequest,
            NotFound,
            IncompleteRecording,
            Conflict,
            TooManyJobs,
            DailyBytesUsed,
            DailyMinutesUsed,
        ),
    ),
    # --- what people say of a debate ---
    Route("GET", "/api/jobs/{job_id}/edits", "edits.history", problems=(NotFound,)),
    Route(
        "POST",
        "/api/jobs/{job_id}/edits",
        "edits.edit",
        HTTPStatus.CREATED,
        problems=(InvalidEdit, NotFound, NotReady, Conflict),
    ),
    # --- whoever has a link ---
    Route(
        "POST",
        "/api/jobs/{job_id}/shares",
        "shares.make",
        HTTPStatus.CREATED,
        problems=(NotFound, Forbidden),
    ),
    Route("GET", "/api/jobs/{job_id}/shares", "shares.list_shares", problems=(NotFound, Forbidden)),
    Route(
        "DELETE",
        "/api/jobs/{job_id}/shares/{share_id}",
        "shares.revoke",
        problems=(NotFound, Forbidden),
    ),
    Route("GET", "/api/shared/{share_id}", "shares.get", problems=(NotFound,), public=True),
    Route(
        "GET",
        "/api/shared/{share_id}/transcript",
        "shares.get_transcript",
        HTTPStatus.FOUND,
        problems=(NotFound, NotReady),
        public=True,
    ),
    Route(
        "GET",
        "/api/shared/{share_id}/statistics",
        "shares.get_statistics",
        HTTPStatus.FOUND,
        problems=(NotFound, NotReady),
        public=True,
    ),
    Route(
        "GET",
        "/api/shared/{share_id}/video",
        "shares.get_video",
        problems=(NotFound, NotReady),
        public=True,
    ),
    Route(
        "GET",
        "/api/shared/{share_id}/edits",
        "shares.get_edits",
        problems=(NotFound,),
        public=True,
    ),
    # --- all of them ---
    Route("GET", "/api/search", "search.find", problems=(InvalidRequest,)),
    # --- whether it is of use ---
    Route("PUT", "/api/jobs/{job_id}/feedback", "feedback.put", problems=(NotFound,)),
    Route("GET", "/api/jobs/{job_id}/feedback", "feedback.get", problems=(NotFound,)),
    Route("DELETE", "/api/jobs/{job_id}/feedback", "feedback.delete", problems=(NotFound,)),
    # --- who is told ---
    Route(
        "POST",
        "/api/webhooks",
        "webhooks.subscribe",
        HTTPStatus.CREATED,
        problems=(InvalidAddress, Forbidden),
    ),
    Route("GET", "/api/webhooks", "webhooks.list_webhooks", problems=(Forbidden,)),
    Route("GET", "/api/webhooks/{webhook_id}", "webhooks.get", problems=(NotFound, Forbidden)),
    Route(
        "DELETE", "/api/webhooks/{webhook_id}", "webhooks.delete", problems=(NotFound, Forbidden)
    ),
    Route(
        "GET",
        "/api/webhooks/{webhook_id}/secret",
        "webhooks.get_secret",
        problems=(NotFound, Forbidden),
    ),
    Route(
        "POST",
        "/api/webhooks/{webhook_id}/test",
        "webhooks.send_test",
        HTTPStatus.ACCEPTED,
        problems=(NotFound, Forbidden),
    ),
    Route(
        "GET",
        "/api/webhooks/{webhook_id}/deliveries",
        "webhooks.list_tests",
        problems=(InvalidRequest, NotFound, Forbidden),
    ),
    Route(
        "GET",
        "/api/jobs/{job_id}/deliveries",
        "webhooks.list_deliveries",
        problems=(InvalidRequest, NotFound),
    ),
    Route(
        "POST",
        "/api/jobs/{job_id}/deliveries/{delivery_id}/retry",
        "webhooks.retry",
        HTTPStatus.ACCEPTED,
        problems=(NotFound, Conflict),
    ),
    # --- what was given up ---
    Route("GET", "/api/failures", "failures.list_queues"),
    Route("GET", "/api/failures/{queue}", "failures.list_letters", problems=(NotFound, Forbidden)),
    Route("DELETE", "/api/failures/{queue}", "failures.drop_all", problems=(NotFound, Forbidden)),
    Route(
        "POST",
        "/api/failures/{queue}/replay",
        "failures.replay_all",
        problems=(NotFound, Forbidden),
    ),
    Route(
        "GET",
        "/api/failures/{queue}/{letter_id}",
        "failures.get",
        problems=(NotFound, Forbidden),
    ),
    Route(
        "DELETE",
        "/api/failures/{queue}/{letter_id}",
        "failures.drop",
        problems=(NotFound, Forbidden),
    ),
    Route(
        "POST",
        "/api/failures/{queue}/{letter_id}/replay",
        "failures.replay",
        problems=(NotFound, Forbidden, NotReplayable),
    ),
)


class NoSuchRoute(NotFound):
    """The API has no such address."""

    code = "no_such_route"


class NoSuchMethod(DebateError):
    """The address knows other methods."""

    code = "no_such_method"

    def __init__(self, allowed: list[str]) -> None:
        super().__init__(f"This address answers {', '.join(allowed)}.")
        self.allowed = allowed


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route, and its parameters. Raises NoSuchRoute, NoSuchMethod."""
    there = list(_at(path))
    for route, parameters in there:
        if route.method == method:
            return route, parameters
    if there:
        raise NoSuchMethod(sorted({route.method for route, _ in there}))
    raise NoSuchRoute("The API has no such address.")


def _at(path: str) -> Iterator[tuple[Route, dict[str, str]]]:
    for route in ROUTES:
        if match := route.pattern.fullmatch(path):
            yield route, {name: unquote(value) for name, value in match.groupdict().items()}
