"""The contract, made from the table of routes and the rooms' types: OpenAPI 3.1.

Made when a route or a model changes (tests/api/test_openapi.py) and kept beside this module, so
that no request pays for it. https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from debate_analyzer.api.answer import JSON, Redirect, Text
from debate_analyzer.api.operation import Operation, operation
from debate_analyzer.api.problem import PROBLEM, status_of
from debate_analyzer.api.routes import ROUTES
from debate_analyzer.errors import (
    DebateError,
    IdempotencyMismatch,
    InvalidRequest,
    MalformedRequest,
    NotSignedIn,
    RequestInProgress,
    TooManyRequests,
)

_PROBLEM_SCHEMA = {
    "title": "Problem",
    "description": "RFC 9457. `code` is stable; `detail` says what, why, and what to do.",
    "type": "object",
    "required": ["title", "status", "detail", "code"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
}
# API Gateway's own refusals: no or a bad token, a path that it cannot read, and its throttle.
_GATEWAY_SCHEMA = {
    "type": "object",
    "required": ["message"],
    "properties": {"message": {"type": "string"}},
}
_GATEWAY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS)


def document() -> dict[str, Any]:
    """The whole of it, as JSON can hold it."""
    operations = [operation(route) for route in ROUTES]
    schemas, names = _schemas(operations)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for each in operations:
        described = _operation(each, names, schemas)
        if each.route.method == "POST":
            _link(described, each, operations)
        paths[each.route.path][each.route.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "debate-analyzer",
            "version": "1",
            "description": "Upload a debate; get who said what, for how long, and how they treated"
            " each other.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**_without_queries(operations, schemas), "Problem": _PROBLEM_SCHEMA},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _link(described: dict[str, Any], maker: Operation, operations: list[Operation]) -> None:
    """What was made can be asked for by the id that the answer gives: a link to each operation that
    wants it. https://spec.openapis.org/oas/v3.1.1.html#link-object"""
    ids = _ids(maker.result)
    links = {
        _name(each): {
            "operationId": _name(each),
            "parameters": {name: f"$response.body#{ids[name]}" for name in wanted},
        }
        for each in operations
        if (wanted := _path_names(each)) and set(wanted) <= set(ids) and each is not maker
    }
    if links:
        described["responses"][str(maker.route.status.value)]["links"] = links


def _ids(result: Any) -> dict[str, str]:
    """Where in an answer the ids are, as JSON pointers by their names."""
    found: dict[str, str] = {}
    for name, field in getattr(result, "model_fields", {}).items():
        if name.endswith("_id"):
            found[name] = f"/{name}"
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= {key: f"/{name}{at}" for key, at in _ids(field.annotation).items()}
    return found


def _name(each: Operation) -> str:
    return each.route.handler.replace(".", "_")


def _path_names(each: Operation) -> list[str]:
    return re.findall(r"\{(\w+)\}", each.route.path)


def _schemas(operations: list[Operation]) -> tuple[dict[str, Any], dict[tuple[Any, str], Any]]:
    """All models' schemas by name, and where each is referred to."""
    wanted = set()
    for each in operations:
        for model in (each.body, each.query):
            if model is not None:
                wanted.add((model, "validation"))
        if isinstance(each.result, type) and issubclass(each.result, BaseModel):
            wanted.add((each.result, "serialization"))
    in_order = sorted(wanted, key=lambda pair: (pair[0].__name__, pair[1]))
    references, definitions = models_json_schema(
        in_order,  # type: ignore[arg-type] # of a set of literals mypy makes strings
        by_alias=True,
        ref_template="#/components/schemas/{model}",
    )
    where: dict[tuple[Any, str], Any] = {(of, mode): at for (of, mode), at in references.items()}
    return definitions.get("$defs", {}), where


def _without_queries(operations: list[Operation], schemas: dict[str, Any]) -> dict[str, Any]:
    """Queries are written out as parameters."""
    queries = {each.query.__name__ for each in operations if each.query}
    return {name: schema for name, schema in schemas.items() if name not in queries}


def _operation(
    each: Operation, names: dict[tuple[Any, str], Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    room, _, _ = each.route.handler.partition(".")
    text = inspect.cleandoc(each.function.__doc__ or "")
    summary, _, description = text.partition("\n\n")
    described: dict[str, Any] = {
        "operationId": _name(each),
        "tags": [room],
        "summary": " ".join(summary.split()),
        "parameters": [
            *_path_parameters(each),
            *_query_parameters(each, schemas),
            *_header_parameters(each),
        ],
        "responses": _responses(each, names),
    }
    if description:
        described["description"] = " ".join(description.split())
    if each.body:
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": names[(each.body, "validation")]}},
        }
    if each.route.public:
        described["security"] = []
    return described


def _path_parameters(each: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _path_names(each)
    ]


def _query_parameters(each: Operation, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if each.query is None:
        return []
    schema = schemas[each.query.__name__]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", []),
            "schema": field,
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _header_parameters(each: Operation) -> list[dict[str, Any]]:
    if each.route.method != "POST":
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": 255}
    description = "A new one for each request: sent again with its key, it is not done again."
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": schema,
            "description": description,
        }
    ]


def _responses(each: Operation, names: dict[tuple[Any, str], Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": each.route.status.phrase}
    status = each.route.status
    if each.result is type(None):
        status = HTTPStatus.NO_CONTENT
        success["description"] = status.phrase
    elif each.result is Redirect:
        success["headers"] = {"Location": {"schema": {"type": "string", "format": "uri"}}}
    elif each.result is Text:
        success["content"] = {JSON: {"schema": {"type": "object"}}}
    else:
        success["content"] = {JSON: {"schema": names[(each.result, "serialization")]}}
    return {str(status.value): success} | _problems(each)


def _problems(each: Operation) -> dict[str, Any]:
    kinds: list[type[DebateError]] = [*each.route.problems, TooManyRequests]
    if each.body:
        kinds.append(InvalidRequest)
    if each.body or each.query or each.route.method == "POST":
        kinds.append(MalformedRequest)
    if each.route.method == "POST":
        kinds += (IdempotencyMismatch, RequestInProgress)
    if not each.route.public:
        kinds.append(NotSignedIn)
    codes: dict[HTTPStatus, set[str]] = defaultdict(set)
    for kind in kinds:
        status = status_of(kind)
        if status is None:
            raise TypeError(f"{each.route.handler}: {kind.__name__} has no status")
        codes[status].add(kind.code)
    return {str(status.value): _refusal(status, codes[status]) for status in sorted(codes)}


def _refusal(status: HTTPStatus, codes: set[str]) -> dict[str, Any]:
    content: dict[str, Any] = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    if status in _GATEWAY:
        content[JSON] = {"schema": _GATEWAY_SCHEMA}
    refusal: dict[str, Any] = {"description": ", ".join(sorted(codes)), "content": content}
    if status is HTTPStatus.TOO_MANY_REQUESTS or RequestInProgress.code in codes:
        refusal["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return refusal
