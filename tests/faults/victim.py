"""The stats worker, which kills itself, as `kill -9` would, at a request to AWS:
`VICTIM_AT=12 VICTIM_WHEN=before-send python -m tests.faults.victim`; or in the midst of counting,
when a step of it is done: `VICTIM_AFTER=measure`. Without either it says how many requests it made.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from batch_images.stats import job
from debate_analyzer import aws

_AT = int(os.environ.get("VICTIM_AT", "0"))
_WHEN = os.environ.get("VICTIM_WHEN", "before-send")

_AFTER = os.environ.get("VICTIM_AFTER", "")

_made = 0
_counting = threading.Lock()
_client = aws.client


def _count(event_name: str, **event: Any) -> None:
    """Beats and empty looks into the queue are as many as there is time for."""
    global _made
    if threading.current_thread().name == "heartbeat" or event_name.endswith("ReceiveMessage"):
        return
    with _counting:
        _made += 1
        if _made == _AT:
            _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _last(step: Callable[..., Any]) -> Callable[..., Any]:
    def done(*args: Any, **kwargs: Any) -> Any:
        step(*args, **kwargs)
        _die()

    return done


def _watched(service: str, *, endpoint: str | None = None) -> Any:
    client = _client(service, endpoint=endpoint)
    client.meta.events.register(_WHEN, _count)
    return client


if __name__ == "__main__":
    aws.client = _watched
    if _AFTER:
        setattr(job, _AFTER, _last(getattr(job, _AFTER)))
    code = job.main()
    print(_made)  # noqa: T201
    sys.exit(code)
