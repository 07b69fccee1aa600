"""Edits: what people say of a debate after it was transcribed, and of its rules.

A log to which is only ever added: the original transcript stays as it is, an undo is one more
entry, and what counts follows from all of them (`Edits.in_force`). Speakers, segments and words are
named as in the original transcript: by label, and by index from 0. Times are in seconds from the
start of the recording. docs/edits.md says what each operation means for the figures.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from debate_analyzer.errors import InvalidEdit
from debate_analyzer.job import Timestamp

MAX_ENTRIES = 10_000
MAX_BYTES = 1 << 20
MAX_OPERATIONS = 1_000  # in one request
MAX_NAME = 100

Interval = tuple[float, float]

_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # Persian spells with them


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFC", text).strip()
    for character in text:
        kind = unicodedata.category(character)
        if kind in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS:
            raise PydanticCustomError(
                "control_characters", "There are control characters in it; write it without"
            )
    return text


def _name(text: str) -> str:
    text = _plain(text)
    if not 1 <= len(text) <= MAX_NAME:
        raise PydanticCustomError(
            "name_length", "A name has 1 to {most} characters", {"most": MAX_NAME}
        )
    return text


Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Name = Annotated[str, AfterValidator(_name)]
Seconds = Annotated[float, Field(ge=0)]
Index = Annotated[int, Field(ge=0)]


class _Said(BaseModel):
    # Built when first used: most calls of the API have no use for it, and all would wait.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


def _say_which(schema: dict[str, Any]) -> None:
    """Whoever writes an operation must say which it is."""
    schema["required"] = ["op", *schema.get("required", [])]


class _Operation(_Said):
    model_config = ConfigDict(json_schema_extra=_say_which)

    @property
    def speakers(self) -> set[str]:
        """The labels that it names."""
        return set()


class _OfSegment(_Operation):
    """Means something for one transcript only: the next has other segments."""

    segment: Index


class Merge(_Operation):
    """Two labels are one person, who keeps the second."""

    op: Literal["merge"] = "merge"
    speaker: Label
    into: Label

    @property
    def speakers(self) -> set[str]:
        return {self.speaker, self.into}

    @model_validator(mode="after")
    def _are_two(self) -> Merge:
        if self.speaker == self.into:
            raise PydanticCustomError("one_speaker", "A speaker is merged into another one")
        return self


class Rename(_Operation):
    """What a speaker is called."""

    op: Literal["rename"] = "rename"
    speaker: Label
    name: Name

    @property
    def speakers(self) -> set[str]:
        return {self.speaker}


class AssignRole(_Operation):
    """What a speaker is there for, and for which side."""

    op: Literal["role"] = "role"
    speaker: Label
    role: Literal["moderator", "debater", "audience"]
    side: Name | None = None

    @property
    def speakers(self) -> set[str]:
        return {self.speaker}


class LeaveOut(_Operation):
    """A span that is not counted."""

    op: Literal["leave_out"] = "leave_out"
    start: Seconds
    end: Seconds

    @model_validator(mode="after")
    def _has_length(self) -> LeaveOut:
        _check_span(self.start, self.end)
        return self


class CorrectWord(_OfSegment):
    """Other text for a word: none removes it, several words become as many."""

    op: Literal["word"] = "word"
    word: Index
    text: Annotated[str, StringConstraints(max_length=200), AfterValidator(_plain)]


class CorrectSpeaker(_OfSegment):
    """Somebody else said this segment."""

    op: Literal["speaker"] = "speaker"
    speaker: Label

    @property
    def speakers(self) -> set[str]:
        return {self.speaker}


class MoveBoundary(_OfSegment):
    """A segment begins or ends at another time."""

    op: Literal["boundary"] = "boundary"
    start: Seconds | None = None
    end: Seconds | None = None

    @model_validator(mode="after")
    def _moves_something(self) -> MoveBoundary:
        if self.start is None and self.end is None:
            raise PydanticCustomError("no_boundary", "Say start, end, or both")
        if self.start is not None and self.end is not None:
            _check_span(self.start, self.end)
        return self

    def moved(self, span: Interval, duration: float) -> Interval | None:
        """The segment's span after the move; None where that is none, or not in the recording."""
        start = span[0] if self.start is None else self.start
        end = span[1] if self.end is None else self.end
        return (start, end) if start < end <= max(duration, span[1]) else None


class Slot(_Said):
    """Speaking time that was agreed upon: in all, or within a part of the debate."""

    name: Name | None = None
    speaker: Label
    seconds: Seconds
    start: Seconds | None = None
    end: Seconds | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Slot:
        if (self.start is None) != (self.end is None):
            raise PydanticCustomError("half_a_span", "Say both start and end, or neither")
        if self.start is not None and self.end is not None:
            _check_span(self.start, self.end)
        return self


class Schedule(_Operation):
    """The agreed speaking time of everybody; the last that is in force counts, alone."""

    op: Literal["schedule"] = "schedule"
    slots: Annotated[tuple[Slot, ...], Field(max_length=500)]

    @property
    def speakers(self) -> set[str]:
        return {slot.speaker for slot in self.slots}


class Undo(_Operation):
    """An entry counts no more; where that was an undo, what it had undone counts again."""

    op: Literal["undo"] = "undo"
    entry: str


Operation = Annotated[
    Merge
    | Rename
    | AssignRole
    | LeaveOut
    | CorrectWord
    | CorrectSpeaker
    | MoveBoundary
    | Schedule
    | Undo,
    Field(discriminator="op"),
]


class Entry(_Said):
    """One operation. `transcript` is the etag of the transcript that it was said of."""

    id: str
    at: Timestamp
    by: str
    transcript: str
    operation: Operation


class Edits(_Said):
    """`jobs/<job-id>/edits/edits.json`."""

    schema_version: Literal[1] = 1
    entries: Annotated[tuple[Entry, ...], Field(max_length=MAX_ENTRIES)] = ()

    @model_validator(mode="after")
    def _is_a_log(self) -> Edits:
        before: set[str] = set()
        for entry in self.entries:
            if entry.id in before:
                raise ValueError(f"there are two entries {entry.id}")
            if isinstance(entry.operation, Undo) and entry.operation.entry not in before:
                raise ValueError(f"{entry.id} undoes what is not before it")
            before.add(entry.id)
        return self

    def in_force(self) -> list[Entry]:
        """What counts, in the order in which it was said; without the undos."""
        undone = self.undone()
        return [
            entry
            for entry in self.entries
            if entry.id not in undone and not isinstance(entry.operation, Undo)
        ]

    def undone(self) -> set[str]:
        """The ids of what is undone. An undo that is itself undone has no effect."""
        undone: set[str] = set()
        for entry in reversed(self.entries):
            if isinstance(entry.operation, Undo) and entry.id not in undone:
                undone.add(entry.operation.entry)
        return undone

    def appended(
        self, operations: Iterable[Operation], *, by: str, at: datetime, transcript: str
    ) -> Edits:
        """With one more entry an operation. Raises InvalidEdit for an undo of what is not there or
        is undone already, and where there would be too much."""
        edits = self
        for operation in operations:
            if isinstance(operation, Undo):
                edits._check_undo(operation)
            entry = Entry(
                id=str(uuid.uuid4()), at=at, by=by, transcript=transcript, operation=operation
            )
            edits = edits.model_copy(update={"entries": (*edits.entries, entry)})
        if len(edits.entries) > MAX_ENTRIES or len(edits.document()) > MAX_BYTES:
            raise InvalidEdit(
                f"A debate has at most {MAX_ENTRIES:,} edits in {MAX_BYTES >> 20} MiB, and with "
                "these there would be more. Upload the corrected transcript as another debate."
            )
        return edits

    def _check_undo(self, undo: Undo) -> None:
        if all(entry.id != undo.entry for entry in self.entries):
            raise InvalidEdit(f"There is no edit {undo.entry!r} to undo.")
        if undo.entry in self.undone():
            raise InvalidEdit("That edit is undone already. Undo the undo to have it back.")

    def document(self) -> bytes:
        """As it lies in the bucket."""
        return self.model_dump_json(exclude_none=True).encode()


def parse_edits(data: bytes) -> Edits:
    """Read the document. Raises InvalidEdit with the first thing that is wrong."""
    if len(data) > MAX_BYTES:
        raise InvalidEdit(f"The edits have {len(data):,} bytes, and {MAX_BYTES:,} is the most.")
    try:
        return Edits.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise InvalidEdit(f"The edits cannot be read. {where}: {first['msg']}.") from error


# --- Held against a transcript --------------------------------------------------------------------


class Spoken(Protocol):
    """A transcript, in whatever types: items as in `transcript.Transcript`."""

    @property
    def duration(self) -> float: ...
    @property
    def transcription(self) -> Sequence[Any]: ...
    @property
    def turns(self) -> Sequence[Any]: ...


def speakers_of(transcript: Spoken) -> set[str]:
    """The labels of all who are in the segments or the turns."""
    spans = (*transcript.transcription, *transcript.turns)
    return {span.speaker for span in spans if span.speaker is not None}


def words_of(segment: Any) -> list[str]:
    """What `CorrectWord.word` counts; where there are no words, those of the text."""
    return [word.word for word in segment.words] or segment.text.split()


def names_a_place(operation: Operation, transcript: Spoken) -> bool:
    """Whether the segment or the word is there that the operation speaks of, if it does."""
    if not isinstance(operation, CorrectWord | CorrectSpeaker | MoveBoundary):
        return True
    if operation.segment >= len(transcript.transcription):
        return False
    words = words_of(transcript.transcription[operation.segment])
    return not isinstance(operation, CorrectWord) or operation.word < len(words)


def moved_span(
    segment: Any, moves: Iterable[MoveBoundary], duration: float
) -> tuple[Interval, int]:
    """The segment's span after its moves, and how many of them make no sense where they stand: they
    are passed by."""
    span, passed_by = (segment.start, segment.end), 0
    for move in moves:
        moved = move.moved(span, duration)
        span, passed_by = moved or span, passed_by + (moved is None)
    return span, passed_by


def check(edits: Edits, transcript: Spoken, etag: str, *, new: int) -> None:
    """That the last `new` entries make sense of the transcript with this etag, after those before
    them. Raises InvalidEdit with the first that does not."""
    known = speakers_of(transcript)
    moves: dict[int, list[MoveBoundary]] = {}
    fresh = {entry.id for entry in edits.entries[-new:]}
    for entry in edits.in_force():
        operation = entry.operation
        if entry.id in fresh:
            _check(operation, transcript, known, moves)
        if isinstance(operation, MoveBoundary) and entry.transcript == etag:
            moves.setdefault(operation.segment, []).append(operation)


def _check(
    operation: Operation,
    transcript: Spoken,
    known: set[str],
    moves: dict[int, list[MoveBoundary]],
) -> None:
    if unknown := operation.speakers - known:
        raise InvalidEdit(
            f"There is no speaker {min(unknown)!r} in the transcript. "
            f"There are: {', '.join(sorted(known)[:20]) or 'none'}."
        )
    if not names_a_place(operation, transcript):
        raise InvalidEdit(
            f"The transcript has {len(transcript.transcription)} segments; this one, or the word "
            "in it, is not there. Both are counted from 0."
        )
    if isinstance(operation, LeaveOut) and operation.start >= transcript.duration:
        raise InvalidEdit(
            f"The recording is over after {transcript.duration:g} s; there is nothing to leave out."
        )
    if isinstance(operation, MoveBoundary):
        segment = transcript.transcription[operation.segment]
        span, _ = moved_span(segment, moves.get(operation.segment, ()), transcript.duration)
        if operation.moved(span, transcript.duration) is None:
            raise InvalidEdit(
                f"Segment {operation.segment} is from {span[0]:g} to {span[1]:g} s: moved so, it "
                "would end before it starts, or after the recording."
            )


def _check_span(start: float, end: float) -> None:
    if end <= start:
        raise PydanticCustomError(
            "no_span",
            "It ends at {end} s, which is not after its start at {start} s",
            {"start": start, "end": end},
        )
