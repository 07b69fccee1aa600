"""Which debate a request is about, for the log: its id follows it from the upload to the mail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from debate_analyzer.key import is_job_id

_BEGINS = (HTTPStatus.CREATED, HTTPStatus.ACCEPTED)


def asked_about(event: Mapping[str, Any]) -> str | None:
    """The debate, or the recording, that the path names."""
    parts = str(event.get("rawPath", "")).split("/")
    return next(filter(is_job_id, parts), None)


def begun(answer: Mapping[str, Any]) -> str | None:
    """The debate that the answer says was made."""
    if answer["statusCode"] not in _BEGINS:
        return None
    told = json.loads(answer["body"])
    job_id = told.get("job", told).get("job_id") if isinstance(told, dict) else None
    return job_id if isinstance(job_id, str) else None
