"""What API Gateway hands over, read.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request. Names of headers are in lower case; a header or a query parameter that came more
    than once is one, with commas. `claims` are those of a token that was verified, or None."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    address: str
    claims: Mapping[str, Any] | None


def read(event: Mapping[str, Any]) -> Request:
    """A payload of version 2.0."""
    context = event["requestContext"]
    body = event.get("body") or ""
    authorizer = context.get("authorizer") or {}
    return Request(
        method=context["http"]["method"],
        path=event["rawPath"],
        query=event.get("queryStringParameters") or {},
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(),
        address=context["http"].get("sourceIp", ""),
        claims=(authorizer.get("jwt") or {}).get("claims"),
    )
