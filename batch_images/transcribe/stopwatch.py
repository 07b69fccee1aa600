"""How long a step took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Adds an entry to `seconds`."""
    began = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - began
