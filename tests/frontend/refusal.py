"""What the API answers to what the domain refuses."""

from __future__ import annotations

from starlette.responses import Response

from debate_analyzer.api.problem import explain
from debate_analyzer.errors import DebateError


def refused(error: DebateError) -> Response:
    answer = explain(error)
    return Response(
        answer.body, answer.status, dict(answer.headers), media_type=answer.content_type
    )
