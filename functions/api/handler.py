"""The HTTP API. Errors of the domain become HTTP here, by type, and nowhere else."""

from __future__ import annotations

import json
import os
from http import HTTPStatus
from typing import Any, TypeVar, get_args

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ValidationError

from debate_analyzer.bootstrap import catalogue, edit_desk
from debate_analyzer.catalogue import MAX_PAGE, TranscriptFormat, view
from debate_analyzer.config import Settings
from debate_analyzer.edit_desk import EditRequest
from debate_analyzer.errors import (
    Conflict,
    DebateError,
    InvalidInput,
    InvalidRequest,
    NotFound,
    NotReady,
)
from debate_analyzer.job import utc_now
from debate_analyzer.upload import UploadRequest

logger = Logger()
app = APIGatewayHttpResolver()
settings = Settings(os.environ)

AnyRequest = TypeVar("AnyRequest", bound=BaseModel)

_STATUS: dict[type[DebateError], HTTPStatus] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    NotFound: HTTPStatus.NOT_FOUND,
    NotReady: HTTPStatus.CONFLICT,
    Conflict: HTTPStatus.CONFLICT,
}


@app.post("/api/uploads")
def announce_upload() -> Response[str]:
    """A job that waits for its file, and where to send the file."""
    job, target = catalogue(settings).announce(_body(UploadRequest), owner=_owner(), now=utc_now())
    return _json({"job": _dump(view(job)), "upload": _dump(target)}, HTTPStatus.CREATED)


@app.get("/api/jobs")
def list_jobs() -> Response[str]:
    """Newest first."""
    query = app.current_event.query_string_parameters or {}
    text = query.get("limit", "50")
    if not text.isdecimal():
        raise InvalidRequest(f"limit must be a number from 1 to {MAX_PAGE}, not {text!r}.")
    jobs, cursor = catalogue(settings).list(
        owner=_owner(), cursor=query.get("cursor"), limit=int(text)
    )
    return _json({"jobs": [_dump(view(job)) for job in jobs], "next_cursor": cursor})


@app.get("/api/jobs/<job_id>")
def get_job(job_id: str) -> Response[str]:
    """Where the job stands."""
    return _json(_dump(view(catalogue(settings).get(job_id, owner=_owner()))))


@app.get("/api/jobs/<job_id>/transcript")
def get_transcript(job_id: str) -> Response[str]:
    """The transcript or its captions, by way of a presigned URL: they may exceed a response."""
    query = app.current_event.query_string_parameters or {}
    wanted = query.get("format", "json")
    known = {name: name for name in get_args(TranscriptFormat)}
    if wanted not in known:
        raise InvalidRequest(f"format must be one of {', '.join(known)}, not {wanted!r}.")
    desk = catalogue(settings)
    return _redirect(desk.transcript_url(desk.get(job_id, owner=_owner()), known[wanted]))


@app.get("/api/jobs/<job_id>/statistics")
def get_statistics(job_id: str) -> Response[str]:
    """The statistics, also of a debate that is not published."""
    desk = catalogue(settings)
    return _redirect(desk.statistics_url(desk.get(job_id, owner=_owner())))


@app.get("/api/jobs/<job_id>/video")
def get_video(job_id: str) -> Response[str]:
    """A presigned URL of the recording; it answers Range requests."""
    desk = catalogue(settings)
    return _json(_dump(desk.video_url(desk.get(job_id, owner=_owner()), utc_now())))


@app.get("/api/jobs/<job_id>/edits")
def get_edits(job_id: str) -> Response[str]:
    """What people have said of the debate, and what of it counts."""
    job = catalogue(settings).get(job_id, owner=_owner())
    return _json(_dump(edit_desk(settings).history(job)))


@app.post("/api/jobs/<job_id>/edits")
def edit(job_id: str) -> Response[str]:
    """More of it: all of the operations or none."""
    request = _body(EditRequest)
    job = catalogue(settings).get(job_id, owner=_owner())
    edited = edit_desk(settings).edit(job, request, by=_owner(), now=utc_now())
    return _json(_dump(edited), HTTPStatus.CREATED)


@app.exception_handler(DebateError)  # type: ignore[untyped-decorator]
def explain(error: DebateError) -> Response[str]:
    """RFC 9457. A failure that is not in the table is ours: it is raised, and answered 500."""
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), None)
    if status is None:
        raise error
    return _problem(status, error.code, str(error))


@app.not_found
def unknown_route(error: NotFoundError) -> Response[str]:
    return _problem(HTTPStatus.NOT_FOUND, "no_such_route", "The API has no such address.")


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    try:
        return app.resolve(event, context)
    except Exception:
        logger.exception("unexpected")
        answer = _problem(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side. Try again; if it stays, tell whoever runs this.",
        )
        return {
            "statusCode": answer.status_code,
            "headers": {"content-type": answer.content_type},
            "body": answer.body,
        }


def _owner() -> str:
    """Who asks: the subject of the token that the authorizer has verified."""
    authorizer = app.current_event.request_context.authorizer
    claims = (authorizer.jwt_claim if authorizer else None) or {}
    return str(claims["sub"])


def _body(kind: type[AnyRequest]) -> AnyRequest:
    try:
        return kind.model_validate_json(app.current_event.body or "")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "The body"
        raise InvalidRequest(f"{where}: {first['msg']}.") from error


def _dump(model: BaseModel) -> Any:
    return model.model_dump(mode="json")


def _json(body: Any, status: HTTPStatus = HTTPStatus.OK) -> Response[str]:
    return Response(
        status_code=status.value,
        content_type="application/json",
        body=json.dumps(body),
        headers={"cache-control": "no-store"},
    )


def _redirect(url: str) -> Response[str]:
    return Response(
        status_code=HTTPStatus.FOUND.value,
        content_type="text/plain",
        headers={"location": url, "cache-control": "no-store"},
        body="",
    )


def _problem(status: HTTPStatus, code: str, detail: str) -> Response[str]:
    body = {"title": status.phrase, "status": status.value, "detail": detail, "code": code}
    return Response(
        status_code=status.value, content_type="application/problem+json", body=json.dumps(body)
    )
