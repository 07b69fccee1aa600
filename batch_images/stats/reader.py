"""Transcripts, read fast and forgivingly.

The same documents as `debate_analyzer.transcript` describes, as msgspec structs: a tenth of the
time and of the memory. What is well formed is kept whatever stands beside it; what had to be left
out or mended is counted in warnings.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, NotRequired, TypedDict, TypeVar

import msgspec

from debate_analyzer.errors import InvalidTranscript
from debate_analyzer.transcript import Warning

LARGEST_BYTES = 96 * 2**20  # what fits in 2 GB of memory: fifty hours with all their words

_DEEPEST = 100  # levels of provenance, which is published as it is

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


class Remark(TypedDict):
    """See `debate_analyzer.transcript.Warning`."""

    code: str
    message: str
    start: NotRequired[float | None]
    end: NotRequired[float | None]


class Document(msgspec.Struct):
    """See `debate_analyzer.transcript.Transcript`."""

    duration: float
    transcription: list[Segment]
    turns: list[Turn] = []
    language: str | None = None
    warnings: list[Remark] = []
    provenance: dict[str, Any] = {}


_decoder = msgspec.json.Decoder(Document, strict=False)


def read_document(data: bytes) -> tuple[Document, list[Warning]]:
    """The document, and warnings with counts of what could not be read in it (but for segments:
    see `debate.read_debate`).

    Raises InvalidTranscript where nothing can be read: no JSON, not a transcript, larger than
    LARGEST_BYTES.
    """
    check_size(len(data))
    try:
        document, losses = _decoder.decode(data), dict[str, int]()
        may_be_broken = b"\\ud" in data or b"\\uD" in data
    except RecursionError as error:
        raise InvalidTranscript("The document is nested too deeply for a transcript.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        document, losses = _salvage(_parse(data, error))
        may_be_broken = True
    remarks = [remark for remark in document.warnings if _is_finite(remark)]
    losses["warnings"] = losses.get("warnings", 0) + len(document.warnings) - len(remarks)
    document.warnings = remarks
    if not _is_within(document.provenance, _DEEPEST):
        losses["provenance"] = 1
        document.provenance = {}
    if may_be_broken:
        _check_text(document)
    return document, _told(losses)


def check_size(size: int) -> None:
    """Raises InvalidTranscript before anything so large is read into memory. `size` in bytes."""
    if size > LARGEST_BYTES:
        raise InvalidTranscript(
            f"The transcript has {size / 2**20:,.0f} MiB; at most {LARGEST_BYTES // 2**20} MiB "
            "are read. Split the recording and its transcript."
        )


def _parse(data: bytes, reason: Exception) -> dict[str, Any]:
    """As the standard library reads it, which knows NaN, UTF-16 and byte order marks."""
    try:
        document = json.loads(data)
    except RecursionError as error:
        raise InvalidTranscript("The document is nested too deeply for a transcript.") from error
    except ValueError as error:
        raise InvalidTranscript(
            f"the document: it is no JSON ({reason}). Was it uploaded whole?"
        ) from error
    if not isinstance(document, dict):
        raise InvalidTranscript(
            f"the document: a transcript is an object, not a {type(document).__name__}."
        )
    if not isinstance(document.get("transcription"), list):
        raise InvalidTranscript("transcription: a list of segments is required.")
    return document


def _salvage(document: dict[str, Any]) -> tuple[Document, dict[str, int]]:
    """What can be read, item by item, and how many items cannot. A segment that cannot keeps its
    place, with a time that is no number."""
    segments, words_lost, lost = [], 0, 0
    for item in document["transcription"]:
        segment, words = _segment(item)
        words_lost += words
        lost += segment is None
        segments.append(segment or Segment(start=math.nan, end=math.nan))
    if lost and lost == len(segments):
        raise InvalidTranscript(
            f"transcription: none of its {lost} segments can be read. The first: "
            f"{_whats_wrong(document['transcription'][0])}."
        )
    turns, turns_lost = _items(document.get("turns"), Turn)
    remarks, remarks_lost = _items(document.get("warnings"), Remark)
    duration = _read(document.get("duration"), float)
    language = _read(document.get("language"), str)
    provenance = _read(document.get("provenance"), dict)
    losses = {
        "words": words_lost,
        "turns": turns_lost,
        "durations": int(duration is None),
        "languages": int(language is None and document.get("language") is not None),
        "warnings": remarks_lost,
        "provenance": int(provenance is None and document.get("provenance") is not None),
    }
    return Document(
        duration=math.nan if duration is None else duration,
        transcription=segments,
        turns=turns,
        language=language,
        warnings=remarks,
        provenance=provenance or {},
    ), losses


def _told(losses: dict[str, int]) -> list[Warning]:
    return [
        Warning(code=f"unreadable_{what}", message=f"{count} {what} could not be read.")
        for what, count in losses.items()
        if count
    ]


def _segment(item: Any) -> tuple[Segment | None, int]:
    """The segment, without those of its words that cannot be read, and how many these are."""
    if (segment := _read(item, Segment)) is not None:
        return segment, 0
    if not isinstance(item, dict):
        return None, 0
    segment = _read({**item, "words": []}, Segment)
    if segment is None:
        return None, 0
    segment.words, lost = _items(item.get("words"), Word)
    return segment, lost


def _items(items: Any, kind: type[_Item]) -> tuple[list[_Item], int]:
    if items is None:
        return [], 0
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


def _whats_wrong(item: Any) -> str:
    try:
        msgspec.convert(item, Segment, strict=False)
    except msgspec.ValidationError as error:
        return str(error)
    raise AssertionError("it can be read")


def _is_finite(remark: Remark) -> bool:
    return all(math.isfinite(time or 0.0) for time in (remark.get("start"), remark.get("end")))


def _is_within(value: Any, levels: int) -> bool:
    """Whether lists and objects lie no deeper in each other."""
    level = [value]
    for _ in range(levels):
        level = [child for each in level for child in _children(each)]
        if not level:
            return True
    return False


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else []


def _check_text(document: Document) -> None:
    """JSON can spell half a character (\\ud800), and nothing can write it."""
    try:
        json.dumps(msgspec.to_builtins(document), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InvalidTranscript(
            "the document: a text in it has half of a character (a lone \\ud800 to \\udfff)."
        ) from error
