"""Why an attempt failed for which the file is not to blame: what may be over by the next one.

What the input is to blame for is no trouble: it has an error of its own (`errors.InvalidInput`),
and fails at once.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from enum import StrEnum

from debate_analyzer.errors import DebateError
from debate_analyzer.job import Fault


class Trouble(StrEnum):
    """The codes of faults that are retried."""

    THROTTLED = "throttled"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    NETWORK = "network"
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    WORKER_LOST = "worker_lost"
    INTERNAL = "internal"


WHAT_HAPPENED = {
    Trouble.THROTTLED: "AWS was asked for more at once than it gives",
    Trouble.STORAGE_UNAVAILABLE: "the storage was out of order",
    Trouble.NETWORK: "the network failed",
    Trouble.OUT_OF_MEMORY: "the machine had too little memory",
    Trouble.DISK_FULL: "the machine's disk was full",
    Trouble.WORKER_LOST: "the machine went away",
    Trouble.INTERNAL: "something went wrong on our side",
}

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
# CTranslate2 and torch tell of a GPU's memory in words alone.
_MEMORY_WORDS = "out of memory"
_SHOWN = 500  # of an error's own words

Namer = Callable[[BaseException], Trouble]


def trouble_of(error: BaseException) -> Trouble:
    """By the error's type, or by that of what it came from."""
    return next(filter(None, map(_by_type, causes(error))), Trouble.INTERNAL)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from, and so on; none twice."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _by_type(error: BaseException) -> Trouble | None:
    if isinstance(error, MemoryError):
        return Trouble.OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return Trouble.DISK_FULL
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
        return Trouble.NETWORK
    if isinstance(error, RuntimeError) and _MEMORY_WORDS in str(error).lower():
        return Trouble.OUT_OF_MEMORY
    return None


def reason_of(error: BaseException, name: Namer) -> Fault:
    """Code and sentence for whoever runs this: an expected failure's own, otherwise the trouble and
    the error's words."""
    if isinstance(error, DebateError):
        return Fault(code=error.code, message=str(error)[:_SHOWN])
    return Fault(code=name(error).value, message=f"{type(error).__name__}: {error}"[:_SHOWN])


def passing(trouble: Trouble) -> Fault:
    """What the user is told while it is retried."""
    return Fault(
        code=trouble.value,
        message=(
            f"While this file was worked on {WHAT_HAPPENED[trouble]}. "
            "It is tried again by itself; if it fails for good, the log of the worker says why."
        ),
    )


def lasting(trouble: Trouble, attempts: int) -> Fault:
    """What the user is told after the last attempt."""
    return Fault(
        code=trouble.value,
        message=(
            f"This file was worked on {attempts} times without success; the last time "
            f"{WHAT_HAPPENED[trouble]}. The log of the worker says more; the file is kept."
        ),
    )
