"""Transcripts, read fast and forgivingly.

The same documents as `debate_analyzer.transcript` describes, as msgspec structs: a tenth of the
time and of the memory. What is well formed is kept whatever stands beside it; what had to be left
out or mended is counted in warnings.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from debate_analyzer.errors import InvalidTranscript
from debate_analyzer.transcript import Warning

LARGEST_BYTES = 512 * 2**20

_Item = TypeVar("_Item")


class Word(msgspec.Struct, gc=False):
    """See `debate_analyzer.transcript.Word`."""

    start: float
    end: float
    word: str
    probability: float = 1.0


class Segment(msgspec.Struct):
    """See `debate_analyzer.transcript.Segment`."""

    start: float
    end: float
    text: str = ""
    speaker: str | None = None
    confidence: float = 1.0
    words: list[Word] = []


class Turn(msgspec.Struct, gc=False):
    """See `debate_analyzer.transcript.Turn`."""

    start: float
    end: float
    speaker: str


class Document(msgspec.Struct):
    """See `debate_analyzer.transcript.Transcript`."""

    duration: float
    transcription: list[Segment]
    turns: list[Turn] = []
    language: str | None = None
    warnings: list[dict[str, Any]] = []
    provenance: dict[str, Any] = {}


_decoder = msgspec.json.Decoder(Document, strict=False)


def read_document(data: bytes) -> tuple[Document, list[Warning]]:
    """The document, and warnings with counts of what could not be read in it.

    Raises InvalidTranscript where nothing can be read: no JSON, not a transcript, larger than
    LARGEST_BYTES.
    """
    check_size(len(data))
    try:
        return _decoder.decode(data), []
    except RecursionError as error:
        raise InvalidTranscript("The document is nested too deeply for a transcript.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _salvage(_parse(data, error))


def check_size(size: int) -> None:
    """Raises InvalidTranscript before anything so large is read into memory. `size` in bytes."""
    if size > LARGEST_BYTES:
        raise InvalidTranscript(
            f"The transcript has {size / 2**20:,.0f} MiB; at most {LARGEST_BYTES // 2**20} MiB "
            "are read. Split the recording and its transcript."
        )


def _parse(data: bytes, reason: Exception) -> dict[str, Any]:
    """As the standard library reads it, which knows NaN where JSON does not."""
    try:
        document = json.loads(data)
    except RecursionError as error:
        raise InvalidTranscript("The document is nested too deeply for a transcript.") from error
    except ValueError as error:
        raise InvalidTranscript(f"the document: {reason}") from error
    if not isinstance(document, dict):
        raise InvalidTranscript(
            f"the document: a transcript is an object, not a {type(document).__name__}."
        )
    if not isinstance(document.get("transcription"), list):
        raise InvalidTranscript("transcription: a list of segments is required.")
    return document


def _salvage(document: dict[str, Any]) -> tuple[Document, list[Warning]]:
    """What can be read, item by item."""
    segments, words_lost = [], 0
    for item in document["transcription"]:
        segment, lost = _segment(item)
        words_lost += lost
        if segment is not None:
            segments.append(segment)
    turns, turns_lost = _items(document.get("turns") or [], Turn)
    losses = {
        "segments": len(document["transcription"]) - len(segments),
        "words": words_lost,
        "turns": turns_lost,
    }
    warnings = [
        Warning(code=f"unreadable_{what}", message=f"{count} {what} could not be read.")
        for what, count in losses.items()
        if count
    ]
    duration = _read(document.get("duration"), float)
    if duration is None:
        duration = max((segment.end for segment in segments), default=0.0)
        message = "The duration could not be read; the end of the last segment is taken for it."
        warnings.append(Warning(code="unreadable_duration", message=message))
    return Document(
        duration=duration,
        transcription=segments,
        turns=turns,
        language=_read(document.get("language"), str),
        warnings=_items(document.get("warnings") or [], dict)[0],
        provenance=_read(document.get("provenance"), dict) or {},
    ), warnings


def _segment(item: Any) -> tuple[Segment | None, int]:
    """The segment, without those of its words that cannot be read, and how many these are."""
    if (segment := _read(item, Segment)) is not None:
        return segment, 0
    if not isinstance(item, dict):
        return None, 0
    segment = _read({**item, "words": []}, Segment)
    if segment is None:
        return None, 0
    segment.words, lost = _items(item.get("words") or [], Word)
    return segment, lost


def _items(items: Any, kind: type[_Item]) -> tuple[list[_Item], int]:
    if not isinstance(items, list):
        return [], 1
    read = [_read(item, kind) for item in items]
    good = [item for item in read if item is not None]
    return good, len(items) - len(good)


def _read(value: Any, kind: type[_Item]) -> _Item | None:
    try:
        read: _Item = msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        return None
    return read
