"""Refusals of the web server, in the shape of the API's own."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import JSONResponse, Response


def problem(status: int, code: str, detail: str) -> Response:
    """An `application/problem+json` answer: https://www.rfc-editor.org/rfc/rfc9457"""
    body = {"status": status, "code": code, "title": HTTPStatus(status).phrase, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")
