"""A long JSON array within a document, a block at a time: never all of its items in memory."""

from __future__ import annotations

import mmap
import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

BLOCK_BYTES = 2**18
_WINDOW_BYTES = 2**16
_TRIES = 2

_Item = TypeVar("_Item")
Data = bytes | mmap.mmap

# Where an item may end: after a list (a segment that ends with its words), or after anything else.
# What ends a segment without words ends a word, too, so it is tried second.
_ENDS = (re.compile(rb"\]\s*\}\s*,"), re.compile(rb"\}\s*,"))


def array_of(data: Data, key: str) -> int | None:
    """Where the first item of a document's array begins; None where it is not found in the first
    block."""
    opening = re.compile(rb'"%b"\s*:\s*\[' % key.encode()).search(data, 0, BLOCK_BYTES)
    if opening is None:
        return None
    try:
        # What is whole with two brackets has the array open, and nothing around it but itself.
        head = msgspec.json.decode(data[: opening.end()] + b"]}")
    except msgspec.DecodeError:
        return None
    return opening.end() if head.get(key) == [] else None


def blocks(
    data: Data, begin: int, decode: Callable[[bytes], list[_Item]]
) -> Iterator[tuple[list[_Item], int]]:
    """The items of the array of objects whose first is at `begin`, and where the next begins.

    Stops where less than a block is left, or where none can be told apart. Where to cut is guessed;
    whether the guess was right is certain: in brackets, only whole items are JSON.
    """
    while len(data) - begin > BLOCK_BYTES:
        for comma in _commas(data, begin + BLOCK_BYTES):
            try:
                items = decode(b"[%b]" % data[begin:comma])
            except msgspec.DecodeError:
                continue
            begin = comma + 1
            yield items, begin
            break
        else:
            return


def _commas(data: Data, until: int) -> Iterator[int]:
    """Places of commas that may stand between two items, the likeliest first."""
    for end in _ENDS:
        found = end.finditer(data, until - _WINDOW_BYTES, until)
        for match in reversed(deque(found, _TRIES)):
            yield match.end() - 1
