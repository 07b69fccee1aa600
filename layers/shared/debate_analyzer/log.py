"""Log lines of the workers, a JSON object each, by the names that Powertools gives in functions.

`correlation_id` is the debate that a line is about, from its upload to the mail about it:
`filter correlation_id = "…"` in CloudWatch Logs Insights has all of them, in order.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_SERVICE = "debate-analyzer"

_debate: ContextVar[str | None] = ContextVar("debate", default=None)


@contextmanager
def about(job_id: str) -> Iterator[None]:
    """Lines that are written meanwhile are about this debate, or the part of one.

    In this thread: another is told by `contextvars.copy_context`.
    """
    token = _debate.set(job_id.partition(".")[0])
    try:
        yield
    finally:
        _debate.reset(token)


class JsonLines(logging.Formatter):
    """https://docs.aws.amazon.com/powertools/python/latest/core/logger/#standard-structured-keys"""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "level": record.levelname,
            "location": f"{record.funcName}:{record.lineno}",
            "message": record.getMessage(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "service": _SERVICE,
            "logger": record.name,
        }
        if debate := _debate.get():
            line["correlation_id"] = debate
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up() -> None:
    """For the process of a worker: its lines go to standard error, from INFO on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
