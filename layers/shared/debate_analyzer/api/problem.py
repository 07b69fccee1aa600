"""Errors of the domain as HTTP, by type, and nowhere else: RFC 9457."""

from __future__ import annotations

import json
from http import HTTPStatus

from debate_analyzer.api.answer import Answer
from debate_analyzer.errors import (
    Conflict,
    DebateError,
    Forbidden,
    IdempotencyMismatch,
    InvalidInput,
    LimitReached,
    MalformedRequest,
    NotFound,
    NotReady,
    NotSignedIn,
    RequestInProgress,
    UploadTooLarge,
)

PROBLEM = "application/problem+json"

# The first that fits counts.
_STATUS: dict[type[DebateError], HTTPStatus] = {
    UploadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    MalformedRequest: HTTPStatus.BAD_REQUEST,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotSignedIn: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    NotReady: HTTPStatus.CONFLICT,
    Conflict: HTTPStatus.CONFLICT,
    LimitReached: HTTPStatus.TOO_MANY_REQUESTS,
    IdempotencyMismatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    RequestInProgress: HTTPStatus.CONFLICT,
}


def status_of(kind: type[DebateError]) -> HTTPStatus | None:
    """None for what is no fault of whoever asks."""
    return next((status for base, status in _STATUS.items() if issubclass(kind, base)), None)


def explain(error: DebateError) -> Answer:
    """A failure that is not in the table is ours: it is raised, and answered 500."""
    status = status_of(type(error))
    if status is None:
        raise error
    headers = {}
    if isinstance(error, LimitReached | RequestInProgress) and error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    if isinstance(error, NotSignedIn):
        headers["www-authenticate"] = "Bearer"
    return problem(status, error.code, str(error), headers)


def problem(
    status: HTTPStatus, code: str, detail: str, headers: dict[str, str] | None = None
) -> Answer:
    """`code` is stable, for programs; `detail` is a sentence, for people."""
    body = {"title": status.phrase, "status": status.value, "detail": detail, "code": code}
    return Answer(status, json.dumps(body), PROBLEM, headers or {})


def internal() -> Answer:
    """For whatever nobody thought of; the log has it."""
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "Something went wrong on our side. Try again; if it stays, tell whoever runs this.",
    )
