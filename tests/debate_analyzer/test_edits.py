from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from debate_analyzer import edits as module
from debate_analyzer.edits import (
    MAX_BYTES,
    MAX_ENTRIES,
    Edits,
    Entry,
    MoveBoundary,
    Operation,
    Rename,
    Undo,
    check,
    parse_edits,
)
from debate_analyzer.errors import InvalidEdit
from debate_analyzer.transcript import Segment, Transcript, Turn, Word

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OPERATION: TypeAdapter[Operation] = TypeAdapter(Operation)

TRANSCRIPT = Transcript(
    duration=30,
    transcription=[
        Segment(
            start=0,
            end=10,
            text="good evening",
            speaker="A",
            words=[Word(start=0, end=4, word="good"), Word(start=5, end=9, word="evening")],
        ),
        Segment(start=10, end=20, text="thank you all", speaker=None),
    ],
    turns=[Turn(start=0, end=9, speaker="A"), Turn(start=11, end=19, speaker="B")],
)


def said(*operations: dict[str, Any] | Operation, before: Edits | None = None) -> Edits:
    read = [OPERATION.validate_python(operation) for operation in operations]
    return (before or Edits()).appended(read, by="ana", at=NOW, transcript="e1")


def undone(edits: Edits, place: int) -> Edits:
    return said(Undo(entry=edits.entries[place].id), before=edits)


def names(edits: Edits) -> list[str]:
    return [e.operation.name for e in edits.in_force() if isinstance(e.operation, Rename)]


NAMED = said(*({"op": "rename", "speaker": "A", "name": name} for name in ("Ana", "Bo", "Cy")))


def test_an_undo_is_undone_by_another() -> None:
    once = undone(NAMED, 1)
    again = undone(once, 3)
    assert names(once) == ["Ana", "Cy"]
    assert names(again) == ["Ana", "Bo", "Cy"]
    assert names(undone(again, 1)) == ["Ana", "Cy"]
    assert again.entries[:3] == NAMED.entries


def test_what_is_undone_or_was_never_said_cannot_be_undone() -> None:
    with pytest.raises(InvalidEdit, match="undone already"):
        undone(undone(NAMED, 1), 1)
    with pytest.raises(InvalidEdit, match="no edit 'x'"):
        said(Undo(entry="x"), before=NAMED)


@given(st.lists(st.integers(0, 7), max_size=12))
def test_an_entry_counts_unless_an_undo_that_counts_undoes_it(targets: list[int]) -> None:
    """Against the definition, word by word; also where one entry is undone twice."""

    def entry(number: int, operation: Operation) -> Entry:
        return Entry(id=str(number), at=NOW, by="ana", transcript="e1", operation=operation)

    log = [entry(0, Rename(speaker="A", name="Ana"))]
    for target in targets:
        number = len(log)
        undo = Undo(entry=str(target)) if target < number else Rename(speaker="A", name="Bo")
        log.append(entry(number, undo))

    def counts(one: Entry) -> bool:
        undos = (e for e in log if isinstance(e.operation, Undo) and e.operation.entry == one.id)
        return not any(counts(undo) for undo in undos)

    expected = [e for e in log if not isinstance(e.operation, Undo) and counts(e)]
    assert Edits(entries=tuple(log)).in_force() == expected


def test_the_document_reads_as_it_was_written() -> None:
    everything = said(
        {"op": "merge", "speaker": "A", "into": "B"},
        {"op": "rename", "speaker": "A", "name": "Ana"},
        {"op": "role", "speaker": "A", "role": "debater", "side": "for"},
        {"op": "leave_out", "start": 1, "end": 2.5},
        {"op": "word", "segment": 0, "word": 1, "text": ""},
        {"op": "speaker", "segment": 1, "speaker": "B"},
        {"op": "boundary", "segment": 1, "end": 12},
        {"op": "schedule", "slots": [{"speaker": "A", "seconds": 60, "name": "opening"}]},
    )
    everything = undone(everything, 2)
    assert parse_edits(everything.document()) == everything
    assert Edits.model_validate_json(everything.document()).document() == everything.document()


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ({"op": "shout"}, "does not match any of the expected tags"),
        ({"op": "rename", "speaker": "A", "name": "  "}, "1 to 100 characters"),
        ({"op": "rename", "speaker": "A", "name": "a" * 101}, "1 to 100 characters"),
        ({"op": "rename", "speaker": "A", "name": "a\x1b[31m"}, "control characters"),
        ({"op": "rename", "speaker": "A", "name": "a\u202eb"}, "control characters"),
        ({"op": "rename", "speaker": "A", "name": "a", "title": "b"}, "Extra inputs"),
        ({"op": "role", "speaker": "A", "role": "judge"}, "'moderator', 'debater' or 'audience'"),
        ({"op": "merge", "speaker": "A", "into": "A"}, "merged into another one"),
        ({"op": "leave_out", "start": 3, "end": 3}, "not after its start"),
        ({"op": "leave_out", "start": -1, "end": 3}, "greater than or equal to 0"),
        ({"op": "leave_out", "start": 0, "end": float("inf")}, "finite"),
        ({"op": "boundary", "segment": 0}, "start, end, or both"),
        ({"op": "boundary", "segment": 0, "start": 2, "end": 1}, "not after its start"),
        ({"op": "boundary", "segment": -1, "start": 2}, "greater than or equal to 0"),
        ({"op": "word", "segment": 0, "word": 0, "text": "a\nb\x00"}, "control characters"),
        ({"op": "schedule", "slots": [{"speaker": "A", "seconds": -1}]}, "greater than or equal"),
        ({"op": "schedule", "slots": [{"speaker": "A", "seconds": 1, "start": 1}]}, "both"),
        ({"op": "schedule", "slots": [{"speaker": "A", "seconds": 1}] * 501}, "at most 500 items"),
    ],
)
def test_what_makes_no_sense_by_itself_is_refused(operation: Any, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        OPERATION.validate_python(operation)


def test_a_name_is_kept_as_people_write_it() -> None:
    name = "  Mari\u0301a \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 "
    kept = OPERATION.validate_python({"op": "rename", "speaker": "A", "name": name})
    assert isinstance(kept, Rename)
    assert kept.name == "Mar\u00eda \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "the document"),
        (b'{"schema_version": 2}', "schema_version"),
        (b'{"entries": [{"id": "1"}]}', "entries.0.at"),
        (b" " * (MAX_BYTES + 1), "1,048,577 bytes"),
        (NAMED.document().replace(b'"entries":[', b'"entries":[{},'), "entries.0.id"),
    ],
)
def test_what_is_no_document_of_edits_is_refused_with_what_is_wrong(
    document: bytes, why: str
) -> None:
    with pytest.raises(InvalidEdit, match=why):
        parse_edits(document)


def test_a_document_is_a_log() -> None:
    twice = Edits.model_construct(entries=NAMED.entries * 2)
    with pytest.raises(InvalidEdit, match="two entries"):
        parse_edits(twice.document())
    backwards = Edits.model_construct(entries=undone(NAMED, 0).entries[::-1])
    with pytest.raises(InvalidEdit, match="not before it"):
        parse_edits(backwards.document())


def test_there_is_an_end_to_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Rename(speaker="A", name="Ana")
    with pytest.raises(InvalidEdit, match="at most 10,000 edits in 1 MiB"):
        said(*[{"op": "rename", "speaker": "A", "name": "\U0001f3a4" * 100}] * 3000)
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    with pytest.raises(InvalidEdit):
        said(one, before=NAMED)
    assert MAX_ENTRIES == 10_000


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ({"op": "rename", "speaker": "C", "name": "x"}, "no speaker 'C'.* There are: A, B"),
        ({"op": "merge", "speaker": "A", "into": "C"}, "no speaker 'C'"),
        ({"op": "schedule", "slots": [{"speaker": "C", "seconds": 1}]}, "no speaker 'C'"),
        ({"op": "speaker", "segment": 2, "speaker": "A"}, "has 2 segments"),
        ({"op": "word", "segment": 0, "word": 2, "text": "x"}, "is not there"),
        ({"op": "word", "segment": 1, "word": 3, "text": "x"}, "is not there"),
        ({"op": "leave_out", "start": 30, "end": 31}, "over after 30 s"),
        ({"op": "boundary", "segment": 0, "start": 10}, "from 0 to 10 s"),
        ({"op": "boundary", "segment": 1, "end": 30.5}, "after the recording"),
    ],
)
def test_what_the_transcript_does_not_have_is_refused(operation: Any, why: str) -> None:
    with pytest.raises(InvalidEdit, match=why):
        check(said(operation), TRANSCRIPT, "e1", new=1)


def test_what_the_transcript_has_is_taken() -> None:
    fine = said(
        {"op": "merge", "speaker": "B", "into": "A"},  # heard in turns alone
        {"op": "word", "segment": 0, "word": 1, "text": "morning"},
        {"op": "word", "segment": 1, "word": 2, "text": "everybody"},  # no words: those of the text
        {"op": "speaker", "segment": 1, "speaker": "B"},
        {"op": "boundary", "segment": 1, "end": 30},
    )
    check(fine, TRANSCRIPT, "e1", new=5)


def test_a_boundary_is_held_against_where_the_segment_is_by_then() -> None:
    later = said(MoveBoundary(segment=0, end=20))
    both = said(MoveBoundary(segment=0, start=15), before=later)
    check(both, TRANSCRIPT, "e1", new=1)
    check(said(*(e.operation for e in both.entries)), TRANSCRIPT, "e1", new=2)
    with pytest.raises(InvalidEdit):
        check(both, TRANSCRIPT, "e2", new=1)  # the first was said of another transcript
    with pytest.raises(InvalidEdit):
        check(
            said(MoveBoundary(segment=0, start=15), before=undone(later, 0)),
            TRANSCRIPT,
            "e1",
            new=1,
        )


def test_only_what_is_new_is_held_against_the_transcript() -> None:
    old = said({"op": "rename", "speaker": "gone", "name": "x"})
    check(said(Rename(speaker="A", name="Ana"), before=old), TRANSCRIPT, "e1", new=1)
