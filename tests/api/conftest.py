"""The API without a gateway: a request goes in as API Gateway would hand it over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from debate_analyzer import bootstrap
from debate_analyzer.api.frame import respond
from debate_analyzer.config import Settings
from tests.world import BUCKET, LEDGER, TABLE, World

ANA = "11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True)
class Answered:
    """An answer, read."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Api:
    """Asked as `ana` unless somebody else is named, or None for nobody. `environment` may be
    changed by a test."""

    environment: dict[str, str] = field(
        default_factory=lambda: {
            "BUCKET": BUCKET,
            "JOB_TABLE": TABLE,
            "LEDGER_TABLE": LEDGER,
            "DOWNLOAD_BATCH_QUEUE": "download",
            "DOWNLOAD_JOB_DEFINITION": "download",
        }
    )
    groups: str = ""
    """Of whoever asks, unless others are named."""

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        sub: str | None = ANA,
        groups: str | None = None,
        address: str = "203.0.113.9",
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Answered:
        context: dict[str, Any] = {"http": {"method": method, "path": path, "sourceIp": address}}
        if sub is not None:
            claims = {"sub": sub, "cognito:groups": self.groups if groups is None else groups}
            context["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
        event = {
            "version": "2.0",
            "rawPath": path,
            "headers": dict(headers or {}),
            "queryStringParameters": {name: str(value) for name, value in query.items()},
            "requestContext": context,
            "body": body if isinstance(body, str | None) else json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = respond(event, Settings(self.environment))
        text = answer["body"]
        is_json = "json" in answer["headers"].get("content-type", "")
        return Answered(
            answer["statusCode"], answer["headers"], json.loads(text) if is_json else text
        )


Ask = Callable[..., Answered]


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    made = (bootstrap._client, bootstrap._idempotency_store, bootstrap._finder)
    for cached in made:
        cached.cache_clear()
    yield Api()
    for cached in made:
        cached.cache_clear()
