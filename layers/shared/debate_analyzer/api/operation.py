"""What a room's function asks for, read off its signature, and its answer made HTTP.

    job_id: str           a parameter of the path, by name
    body: SomeModel       the body, which must be such JSON
    query: SomeModel      the query string
    caller: Caller        who asks
    settings: Settings    for the composition root

A model is answered as JSON with the route's status, None with no body, a Redirect as one.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Any

from debate_analyzer.api.answer import Answer, Redirect, Text
from debate_analyzer.api.request import Request
from debate_analyzer.api.routes import Route
from debate_analyzer.caller import Caller
from debate_analyzer.config import Settings
from debate_analyzer.errors import InvalidRequest, MalformedRequest

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True)
class Operation:
    """A route and its function."""

    route: Route
    function: Callable[..., Any]
    hints: Mapping[str, Any]

    @property
    def body(self) -> type[BaseModel] | None:
        """What the body must be, if there is to be one."""
        return self.hints.get("body")

    @property
    def query(self) -> type[BaseModel] | None:
        """What may be in the query string."""
        return self.hints.get("query")

    @property
    def result(self) -> Any:
        """What the function returns."""
        return self.hints.get("return")

    def run(
        self, request: Request, parameters: Mapping[str, str], caller: Caller, settings: Settings
    ) -> Answer:
        """Raises DebateError, InvalidRequest for what cannot be read among it."""
        given: dict[str, Any] = {**parameters, "caller": caller, "settings": settings}
        if self.body:
            given["body"] = _parsed(
                lambda model: model.model_validate_json(_whole(request.body), strict=True),
                self.body,
            )
        if self.query:
            given["query"] = _parsed(lambda model: model.model_validate(request.query), self.query)
        wanted = {name: given[name] for name in self.hints if name != "return"}
        return self._answer(self.function(**wanted))

    def _answer(self, result: Any) -> Answer:
        match result:
            case None:
                return Answer(HTTPStatus.NO_CONTENT)
            case Redirect():
                return Answer(self.route.status, headers={"location": result.url})
            case Text():
                return Answer(self.route.status, result.body, result.content_type)
        return Answer(self.route.status, result.model_dump_json(by_alias=True))


@cache
def operation(route: Route) -> Operation:
    """Imports the route's room."""
    room, name = route.handler.split(".")
    function = getattr(import_module(f"debate_analyzer.api.{room}"), name)
    return Operation(route, function, typing.get_type_hints(function))


def _parsed(parse: Callable[[type[BaseModel]], BaseModel], kind: type[BaseModel]) -> BaseModel:
    from pydantic import ValidationError
    from pydantic_core.core_schema import ErrorType

    try:
        return parse(kind)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "The body"
        # What a validator of ours refuses may be all that the contract can say, and senseless.
        known = set(typing.get_args(ErrorType)) - {"value_error"}
        refusal = MalformedRequest if first["type"] in known else InvalidRequest
        raise refusal(f"{where}: {first['msg'].removesuffix('.')}.") from error


def _whole(body: bytes) -> bytes:
    """The same JSON with 25.0 written as 25, which JSON Schema holds for an integer and pydantic
    does not. What is no JSON stays as it is, for pydantic to refuse."""
    if b"." not in body and b"e" not in body.lower():
        return body
    try:
        return json.dumps(json.loads(body, parse_float=_number)).encode()
    except ValueError:
        return body


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number
