"""What goes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """Nothing of it is kept by caches: all of it may be different a moment later."""

    status: HTTPStatus
    body: str = ""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def event(self) -> dict[str, Any]:
        """As API Gateway wants it."""
        headers = {"cache-control": "no-store", **self.headers}
        if self.body:
            headers["content-type"] = self.content_type
        return {"statusCode": self.status.value, "headers": headers, "body": self.body}


@dataclass(frozen=True)
class Redirect:
    """Where the thing is: it may be larger than an answer can be."""

    url: str


@dataclass(frozen=True)
class Text:
    """A document that is there as text already."""

    body: str
    content_type: str = JSON
