"""From a request to its answer: who asks, what for, and whether they may."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from debate_analyzer.api import idempotency, problem, routes, visitor
from debate_analyzer.api.answer import Answer
from debate_analyzer.api.operation import operation
from debate_analyzer.api.request import Request, read
from debate_analyzer.api.routes import NoSuchMethod, Route
from debate_analyzer.caller import Caller
from debate_analyzer.config import Settings
from debate_analyzer.errors import DebateError, NotSignedIn
from debate_analyzer.job import ANONYMOUS_OWNER


def respond(event: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The answer to API Gateway. What it raises is a defect or an outage, for the log."""
    try:
        answer = _answer(read(event), settings)
    except NoSuchMethod as error:
        allow = {"allow": ", ".join(error.allowed)}
        answer = problem.problem(HTTPStatus.METHOD_NOT_ALLOWED, error.code, str(error), allow)
    except DebateError as error:
        answer = problem.explain(error)
    return answer.event()


def _answer(request: Request, settings: Settings) -> Answer:
    address = visitor.admit(request, settings)
    route, parameters = routes.find(request.method, request.path)
    caller = who(request, route, settings, address)

    def answer() -> Answer:
        return operation(route).run(request, parameters, caller, settings)

    if request.method == "POST" and idempotency.HEADER in request.headers:
        return idempotency.once(request, caller, settings, answer)
    return answer()


def who(request: Request, route: Route, settings: Settings, address: str) -> Caller:
    """API Gateway has verified the token; where there is none, nobody but the public is served.

    Raises NotSignedIn.
    """
    if settings.anonymous or (route.public and request.claims is None):
        return Caller(ANONYMOUS_OWNER, address=address)
    subject = (request.claims or {}).get("sub")
    if not subject:
        raise NotSignedIn("Sign in first: this address wants a token.")
    groups = _groups((request.claims or {}).get(settings.groups_claim))
    is_admin = settings.admin_group in groups
    is_operator = is_admin or settings.operator_group in groups
    return Caller(str(subject), is_admin=is_admin, is_operator=is_operator)


def _groups(claim: Any) -> set[str]:
    """A list, which API Gateway's authorizer hands on as the text `[one two]`."""
    if isinstance(claim, list):
        return {str(group) for group in claim}
    return set(str(claim or "").strip("[]").replace(",", " ").split())
