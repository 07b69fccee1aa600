from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from batch_images.stats.balance import Slot
from batch_images.stats.reader import read_document
from batch_images.stats.revision import Revision, revise
from debate_analyzer.edits import Edits, Operation, Undo
from debate_analyzer.transcript import Segment, Transcript, Turn, Word
from tests.batch_images.stats.documents import heard, segment, spoken

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OPERATION: TypeAdapter[Operation] = TypeAdapter(Operation)


def said(*operations: dict[str, Any], before: Edits | None = None, etag: str = "e1") -> Edits:
    read = [OPERATION.validate_python(operation) for operation in operations]
    return (before or Edits()).appended(read, by="ana", at=NOW, transcript=etag)


def as_document(transcript: Transcript) -> Any:
    """As the worker reads it."""
    return read_document(transcript.model_dump_json().encode())[0]


def as_it_is(transcript: Transcript) -> Any:
    return transcript


def times(items: Any) -> list[tuple[str | None, float, float]]:
    return [(item.speaker, item.start, item.end) for item in items]


def texts(revision: Revision) -> list[str]:
    return [segment.text for segment in revision.transcript.transcription]


def codes(revision: Revision) -> list[str]:
    return [warning.code for warning in revision.warnings]


@pytest.fixture(params=[as_it_is, as_document])
def debate(request: pytest.FixtureRequest) -> Any:
    """Ana and Bo, who is heard before Ana has ended; then somebody whom nobody was given."""
    read: Callable[[Transcript], Any] = request.param
    return read(
        Transcript(
            duration=40,
            transcription=[
                spoken(0, "A", "good evening to you all", each=2),
                spoken(9, "B", "thank you", each=2),
                segment(20, 30, None, "and who are you then"),
            ],
            turns=[*heard("A", (0, 10), (35, 36)), *heard("B", (9, 13))],
        )
    )


# --- Words ----------------------------------------------------------------------------------------


def test_a_word_is_corrected_removed_or_becomes_several(debate: Any) -> None:
    revision = revise(
        debate,
        said(
            {"op": "word", "segment": 0, "word": 1, "text": "morning"},
            {"op": "word", "segment": 0, "word": 2, "text": ""},
            {"op": "word", "segment": 1, "word": 0, "text": "oh thanks to"},
            {"op": "word", "segment": 0, "word": 1, "text": "day"},  # the last counts
        ),
        "e1",
    )
    first, second, _ = revision.transcript.transcription
    assert (first.text, second.text) == ("good day you all", "oh thanks to you")
    assert [word.word for word in first.words] == ["good", "day", "you", "all"]
    assert [(w.word, round(w.start, 3), round(w.end, 3)) for w in second.words[:3]] == [
        ("oh", 9, 9.667),
        ("thanks", 9.667, 10.333),
        ("to", 10.333, 11),
    ]
    assert times(revision.transcript.turns) == times(debate.turns)


def test_without_words_those_of_the_text_are_meant(debate: Any) -> None:
    edits = said({"op": "word", "segment": 2, "word": 1, "text": "where"})
    assert texts(revise(debate, edits, "e1"))[2] == "and where are you then"


def test_what_is_written_without_spaces_stays_so() -> None:
    said_ = spoken(0, "A", "こん にち は").model_copy(update={"text": "こんにちは"})
    edits = said({"op": "word", "segment": 0, "word": 2, "text": "わ"})
    revision = revise(Transcript(duration=9, transcription=[said_]), edits, "e1")
    assert texts(revision) == ["こんにちわ"]


# --- Speakers -------------------------------------------------------------------------------------


def test_a_corrected_speaker_takes_along_what_was_heard_in_the_segment(debate: Any) -> None:
    edits = said({"op": "speaker", "segment": 0, "speaker": "B"})
    revision = revise(debate, edits, "e1")
    assert times(revision.transcript.transcription)[0] == ("B", 0, 10)
    # All that A was heard of there, one with B's own; A's later turn stays.
    assert times(revision.transcript.turns) == [("B", 0, 13), ("A", 35, 36)]


def test_who_was_heard_for_a_part_of_the_segment_gives_that_part() -> None:
    transcript = Transcript(
        duration=40,
        transcription=[segment(0, 10, "A", "a b"), segment(20, 22, "B", "c")],
        turns=[*heard("A", (2, 4), (6, 12)), *heard("B", (20, 22))],
    )
    revision = revise(transcript, said({"op": "speaker", "segment": 0, "speaker": "B"}), "e1")
    assert times(revision.transcript.turns) == [
        ("B", 2, 4),
        ("B", 6, 10),
        ("A", 10, 12),
        ("B", 20, 22),
    ]


def test_whom_nobody_was_given_is_heard_for_the_whole_segment(debate: Any) -> None:
    edits = said({"op": "speaker", "segment": 2, "speaker": "A"})
    revision = revise(debate, edits, "e1")
    assert ("A", 20, 30) in times(revision.transcript.turns)
    assert times(revision.transcript.transcription)[2][0] == "A"


def test_a_transcript_without_turns_gets_none() -> None:
    transcript = Transcript(duration=9, transcription=[segment(0, 4, "A", "a")])
    transcript.transcription.append(segment(4, 5, "B", "b"))
    revision = revise(transcript, said({"op": "speaker", "segment": 0, "speaker": "B"}), "e1")
    assert revision.transcript.turns == []
    assert times(revision.transcript.transcription) == [("B", 0, 4), ("B", 4, 5)]


# --- Boundaries -----------------------------------------------------------------------------------


def test_a_boundary_moves_the_segment_and_its_speaker_s_turns(debate: Any) -> None:
    edits = said(
        {"op": "boundary", "segment": 0, "end": 9},
        {"op": "boundary", "segment": 1, "start": 8, "end": 15},
    )
    revision = revise(debate, edits, "e1")
    assert times(revision.transcript.transcription)[:2] == [("A", 0, 9), ("B", 8, 15)]
    assert times(revision.transcript.turns) == [("A", 0, 9), ("B", 8, 15), ("A", 35, 36)]


def test_words_outside_of_the_boundaries_keep_their_text(debate: Any) -> None:
    revision = revise(debate, said({"op": "boundary", "segment": 0, "start": 3, "end": 5}), "e1")
    first = revision.transcript.transcription[0]
    assert first.text == "good evening to you all"
    assert [(word.word, word.start, word.end) for word in first.words] == [
        ("good", 3, 3),
        ("evening", 3, 4),
        ("to", 4, 5),
        ("you", 5, 5),
        ("all", 5, 5),
    ]


def test_the_last_boundary_counts_and_one_that_makes_no_sense_is_passed_by(debate: Any) -> None:
    edits = said(
        {"op": "boundary", "segment": 0, "end": 4},
        {"op": "boundary", "segment": 0, "start": 5},  # after the end, as it is by now
        {"op": "boundary", "segment": 0, "end": 8},
    )
    revision = revise(debate, edits, "e1")
    assert times(revision.transcript.transcription)[0] == ("A", 0, 8)
    assert codes(revision) == ["edits_impossible"]
    # Nothing was clamped to where the boundary was in between.
    assert revision.transcript.transcription[0].words[3].end == 8


# --- Who is who -----------------------------------------------------------------------------------


def test_merged_speakers_are_one_with_the_spans_and_the_words_of_both(debate: Any) -> None:
    revision = revise(debate, said({"op": "merge", "speaker": "A", "into": "B"}), "e1")
    assert times(revision.transcript.transcription) == [
        ("B", 0, 10),
        ("B", 9, 13),
        (None, 20, 30),
    ]
    assert times(revision.transcript.turns) == [("B", 0, 10), ("B", 35, 36), ("B", 9, 13)]


def test_words_say_whose_they_are_after_a_merge_and_a_correction() -> None:
    word = Word(start=0, end=1, word="a", speaker="A")
    first = Segment(start=0, end=1, text="a", speaker="A", words=[word])
    transcript = Transcript(duration=9, transcription=[first, segment(1, 2, "B", "b")])
    for operation in (
        {"op": "merge", "speaker": "A", "into": "B"},
        {"op": "speaker", "segment": 0, "speaker": "B"},
    ):
        revised = revise(transcript, said(operation), "e1").transcript
        assert revised.transcription[0].words[0].speaker == "B"


@pytest.mark.parametrize(
    ("merges", "who"),
    [
        ([("A", "B"), ("B", "C")], "CCC"),
        ([("A", "B"), ("A", "C")], "CCC"),  # A is B by then
        ([("A", "B"), ("B", "A")], "BBC"),  # they are one already
        ([("A", "C"), ("B", "A")], "CCC"),
    ],
)
def test_who_is_somebody_who_is_a_third_is_the_third(
    merges: list[tuple[str, str]], who: str
) -> None:
    transcript = Transcript(
        duration=9, transcription=[segment(n, n + 1, label, "a") for n, label in enumerate("ABC")]
    )
    edits = said(*({"op": "merge", "speaker": one, "into": other} for one, other in merges))
    revised = revise(transcript, edits, "e1").transcript
    assert "".join(segment.speaker for segment in revised.transcription) == who


@pytest.mark.parametrize(
    ("operations", "names"),
    [
        ([("A", "B")], {}),
        (["A=Ana", ("A", "B")], {"B": "Ana"}),
        (["A=Ana", "B=Bo", ("A", "B")], {"B": "Bo"}),
        (["B=Bo", ("A", "B"), "A=Ana"], {"B": "Ana"}),
        (["A=Ana", "B=Bo", ("A", "B"), ("B", "C"), "C=Cy"], {"C": "Cy"}),
        (["A=Ana", ("A", "B"), ("A", "C")], {"C": "Ana"}),
        ([("A", "B"), ("B", "A"), "A=Ana"], {"B": "Ana"}),
    ],
)
def test_a_name_is_a_person_s(operations: list[Any], names: dict[str, str]) -> None:
    transcript = Transcript(
        duration=9, transcription=[segment(n, n + 1, label, "a") for n, label in enumerate("ABC")]
    )
    edits = said(
        *(
            {"op": "merge", "speaker": each[0], "into": each[1]}
            if isinstance(each, tuple)
            else {"op": "rename", "speaker": each[0], "name": each[2:]}
            for each in operations
        )
    )
    assert revise(transcript, edits, "e1").people.names == names


def test_roles_sides_and_the_schedule_follow_the_person(debate: Any) -> None:
    edits = said(
        {"op": "role", "speaker": "A", "role": "debater", "side": "for"},
        {"op": "role", "speaker": "B", "role": "moderator"},
        {"op": "schedule", "slots": [{"speaker": "A", "seconds": 1}]},
        {
            "op": "schedule",
            "slots": [
                {"speaker": "A", "seconds": 60},
                {"speaker": "B", "seconds": 9, "name": "opening", "start": 0, "end": 10},
            ],
        },
    )
    apart = revise(debate, edits, "e1").people
    assert (apart.roles, apart.sides) == ({"A": "debater", "B": "moderator"}, {"A": "for"})
    assert apart.agreed == [Slot("A", 60), Slot("B", 9, "opening", 0, 10)]
    merge = {"op": "merge", "speaker": "B", "into": "A"}
    together = revise(debate, said(merge, before=edits), "e1").people
    assert (together.roles, together.sides) == ({"A": "debater"}, {"A": "for"})
    assert [slot.speaker for slot in together.agreed] == ["A", "A"]


# --- Leaving out ----------------------------------------------------------------------------------


def test_what_is_left_out_is_in_no_segment_and_in_no_turn(debate: Any) -> None:
    edits = said(
        {"op": "leave_out", "start": 4, "end": 9.5}, {"op": "leave_out", "start": 9, "end": 12}
    )
    revision = revise(debate, edits, "e1")
    assert times(revision.transcript.transcription) == [
        ("A", 0, 4),
        ("B", 12, 13),
        (None, 20, 30),
    ]
    assert texts(revision) == ["good evening", "you", "and who are you then"]
    assert times(revision.transcript.turns) == [("A", 0, 4), ("A", 35, 36), ("B", 12, 13)]
    assert list(revision.left_out) == [(4, 12)]
    assert revision.segments == [0, 1, 2]
    assert revision.transcript.duration == 40
    assert codes(revision) == []


def test_a_span_within_a_segment_leaves_two_of_it(debate: Any) -> None:
    revision = revise(debate, said({"op": "leave_out", "start": 3, "end": 5}), "e1")
    assert times(revision.transcript.transcription)[:2] == [("A", 0, 3), ("A", 5, 10)]
    # "evening" lasts from 2 to 4: its middle is left out, and so is "to", from 4 to 6.
    assert texts(revision)[:2] == ["good", "to you all"]
    assert revision.segments == [0, 0, 1, 2]


def test_without_times_of_words_the_share_of_time_decides_and_that_is_said(debate: Any) -> None:
    revision = revise(debate, said({"op": "leave_out", "start": 20, "end": 24}), "e1")
    assert texts(revision)[2] == "are you then"
    assert codes(revision) == ["edits_estimated"]


def test_a_segment_that_is_left_out_as_a_whole_is_gone(debate: Any) -> None:
    revision = revise(debate, said({"op": "leave_out", "start": 20, "end": 30}), "e1")
    assert revision.segments == [0, 1]
    assert codes(revision) == []


# --- What does not count --------------------------------------------------------------------------


def test_corrections_of_an_earlier_transcript_do_not_count_and_the_rest_is_to_be_checked(
    debate: Any,
) -> None:
    edits = said(
        {"op": "boundary", "segment": 0, "end": 4},
        {"op": "word", "segment": 0, "word": 0, "text": "x"},
        {"op": "rename", "speaker": "A", "name": "Ana"},
        {"op": "rename", "speaker": "SPEAKER_07", "name": "Zoe"},
        etag="older",
    )
    revision = revise(debate, edits, "e1")
    assert times(revision.transcript.transcription) == times(debate.transcription)
    assert revision.people.names == {"A": "Ana"}
    counts = {warning.code: warning.message.split()[0] for warning in revision.warnings}
    assert counts == {"edits_outdated": "2", "edits_carried": "2", "edits_unknown_speaker": "1"}


def test_what_is_not_there_is_passed_by(debate: Any) -> None:
    edits = said(
        {"op": "speaker", "segment": 3, "speaker": "A"},
        {"op": "word", "segment": 2, "word": 5, "text": "x"},
        {"op": "merge", "speaker": "A", "into": "Z"},
        {"op": "schedule", "slots": [{"speaker": s, "seconds": 5} for s in "AZ"]},
    )
    revision = revise(debate, edits, "e1")
    assert times(revision.transcript.transcription) == times(debate.transcription)
    assert revision.people.agreed == [Slot("A", 5)]
    counts = {warning.code: warning.message.split()[0] for warning in revision.warnings}
    assert counts == {"edits_impossible": "2", "edits_unknown_speaker": "2"}


# --- In general -----------------------------------------------------------------------------------
# Times are whole seconds, so that a speaker's time is a set of seconds: an oracle that knows no
# intervals. Middles of words may be halves, which no left-out span begins or ends with.

DURATION = 24
LABELS = ["A", "B", "C"]
SPANS = st.tuples(st.integers(0, DURATION - 1), st.integers(1, 8)).map(
    lambda given: (given[0], min(given[0] + given[1], DURATION))
)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    start, end = draw(SPANS)
    said_ = draw(st.lists(st.sampled_from(["yes", "no", "well"]), max_size=4))
    timed = draw(st.booleans())
    words = [Word(start=a, end=b, word=word) for word in said_ for a, b in [draw(SPANS)]]
    return Segment(
        start=start,
        end=end,
        text=" ".join(said_),
        speaker=draw(st.sampled_from([*LABELS, None])),
        words=words if timed else [],
    )


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    turns = draw(st.lists(st.tuples(st.sampled_from(LABELS), SPANS), max_size=5))
    # Somebody must be there for everybody whom an edit names.
    everybody = [segment(n, n + 1, label, label) for n, label in enumerate(LABELS)]
    return Transcript(
        duration=DURATION,
        transcription=[*everybody, *draw(st.lists(segments(), max_size=5))],
        turns=[Turn(speaker=label, start=a, end=b) for label, (a, b) in turns],
    )


LABEL = st.sampled_from(LABELS)
INDEX = st.integers(0, 8)
OPERATIONS = st.one_of(
    st.permutations(LABELS).map(lambda two: {"op": "merge", "speaker": two[0], "into": two[1]}),
    st.builds(lambda s: {"op": "rename", "speaker": s, "name": s * 2}, LABEL),
    st.builds(lambda s: {"op": "role", "speaker": s, "role": "debater"}, LABEL),
    SPANS.map(lambda span: {"op": "leave_out", "start": span[0], "end": span[1]}),
    st.builds(
        lambda segment_, word, text: {
            "op": "word",
            "segment": segment_,
            "word": word,
            "text": text,
        },
        *(INDEX, st.integers(0, 3), st.sampled_from(["", "maybe", "of course"])),
    ),
    st.builds(lambda n, s: {"op": "speaker", "segment": n, "speaker": s}, INDEX, LABEL),
    st.builds(
        lambda n, span: {"op": "boundary", "segment": n, "start": span[0], "end": span[1]},
        *(INDEX, SPANS),
    ),
    st.builds(lambda n, start: {"op": "boundary", "segment": n, "start": start}, INDEX, INDEX),
)
SAID = st.lists(OPERATIONS, max_size=6).map(lambda operations: said(*operations))

quickly = settings(max_examples=150, deadline=None)


def seconds(items: Any, label: str | None) -> set[int]:
    """In which the label is heard."""
    own = (item for item in items if item.speaker == label)
    return {second for item in own for second in range(int(item.start), int(item.end))}


def word_count(segment: Any) -> int:
    return len(segment.words) or len(segment.text.split())


@quickly
@given(transcripts(), SAID)
def test_the_original_is_never_changed_and_undoing_all_gives_it(
    transcript: Transcript, edits: Edits
) -> None:
    before = transcript.model_dump_json()
    revise(transcript, edits, "e1")
    assert transcript.model_dump_json() == before

    undone = said(*({"op": "undo", "entry": e.id} for e in edits.entries), before=edits)
    revision = revise(transcript, undone, "e1")
    assert revision.transcript == transcript
    assert (revision.warnings, revision.left_out) == ([], [])
    assert revision.segments == list(range(len(transcript.transcription)))
    redone = said(
        *({"op": "undo", "entry": e.id} for e in undone.entries if isinstance(e.operation, Undo)),
        before=undone,
    )
    assert revise(transcript, redone, "e1") == revise(transcript, edits, "e1")


@quickly
@given(transcripts(), SAID)
def test_both_kinds_of_transcripts_are_revised_alike(transcript: Transcript, edits: Edits) -> None:
    document = as_document(transcript)
    before = json.dumps(
        [
            times(document.transcription),
            times(document.turns),
            [s.text for s in document.transcription],
        ]
    )
    one, other = revise(transcript, edits, "e1"), revise(document, edits, "e1")
    assert times(one.transcript.transcription) == times(other.transcript.transcription)
    assert times(one.transcript.turns) == times(other.transcript.turns)
    assert texts(one) == texts(other)
    assert [len(s.words) for s in one.transcript.transcription] == [
        len(s.words) for s in other.transcript.transcription
    ]
    assert (one.people, one.segments, one.warnings) == (
        other.people,
        other.segments,
        other.warnings,
    )
    after = [
        times(document.transcription),
        times(document.turns),
        [s.text for s in document.transcription],
    ]
    assert json.dumps(after) == before


@quickly
@given(transcripts(), st.permutations(LABELS))
def test_merging_adds_the_seconds_and_the_words(transcript: Transcript, who: list[str]) -> None:
    one, other, third = who
    edits = said({"op": "merge", "speaker": one, "into": other})
    revised = revise(transcript, edits, "e1").transcript
    for before, after in (
        (transcript.transcription, revised.transcription),
        (transcript.turns, revised.turns),
    ):
        assert seconds(after, one) == set()
        assert seconds(after, other) == seconds(before, one) | seconds(before, other)
        assert seconds(after, third) == seconds(before, third)
    assert [word_count(s) for s in revised.transcription] == [
        word_count(s) for s in transcript.transcription
    ]


@quickly
@given(transcripts(), st.lists(SPANS, min_size=1, max_size=3))
def test_leaving_out_takes_those_seconds_and_the_words_in_their_middle(
    transcript: Transcript, spans: list[tuple[int, int]]
) -> None:
    edits = said(*({"op": "leave_out", "start": start, "end": end} for start, end in spans))
    revision = revise(transcript, edits, "e1")
    out = {second for start, end in spans for second in range(start, end)}
    assert {s for a, b in revision.left_out for s in range(int(a), int(b))} == out
    for before, after in (
        (transcript.transcription, revision.transcript.transcription),
        (transcript.turns, revision.transcript.turns),
    ):
        for label in (*LABELS, None):
            assert seconds(after, label) == seconds(before, label) - out
    kept = [0] * len(transcript.transcription)
    for place, piece in zip(revision.segments, revision.transcript.transcription, strict=True):
        kept[place] += word_count(piece)
        if piece is not transcript.transcription[place]:
            assert all(piece.start <= w.start <= w.end <= piece.end for w in piece.words)
        assert piece.end > piece.start
    for number, whole in enumerate(transcript.transcription):
        if not (seconds([whole], whole.speaker) & out):
            assert kept[number] == word_count(whole)
        elif whole.words:
            middles = [min(max((w.start + w.end) / 2, whole.start), whole.end) for w in whole.words]
            left = seconds([whole], whole.speaker) - out
            # Of a word at the very end of its segment, the second before the end decides nothing.
            surely = sum(int(m) not in out for m in middles if m < whole.end)
            perhaps = sum(m == whole.end and int(m) not in out for m in middles)
            assert not left or surely <= kept[number] <= surely + perhaps
            assert left or kept[number] == 0


@quickly
@given(transcripts(), st.integers(0, 7), LABEL)
def test_correcting_a_speaker_moves_the_seconds_of_the_segment(
    transcript: Transcript, index: int, to: str
) -> None:
    edits = said({"op": "speaker", "segment": index, "speaker": to})
    revised = revise(transcript, edits, "e1").transcript
    if index >= len(transcript.transcription) or transcript.transcription[index].speaker == to:
        assert times(revised.transcription) == times(transcript.transcription)
        assert times(revised.turns) == times(transcript.turns)
        return
    one = transcript.transcription[index]
    of = seconds([one], one.speaker)
    given_ = seconds(transcript.turns, one.speaker) & of or of
    assert revised.transcription[index].speaker == to
    if not transcript.turns:
        assert revised.turns == []
        return
    for label in LABELS:
        expected = seconds(transcript.turns, label)
        expected = expected - of if label == one.speaker else expected
        expected = expected | given_ if label == to else expected
        assert seconds(revised.turns, label) == expected


@quickly
@given(transcripts(), st.integers(0, 7), SPANS)
def test_moving_a_boundary_moves_its_speaker_s_seconds(
    transcript: Transcript, index: int, span: tuple[int, int]
) -> None:
    edits = said({"op": "boundary", "segment": index, "start": span[0], "end": span[1]})
    revised = revise(transcript, edits, "e1").transcript
    if index >= len(transcript.transcription):
        assert revised == transcript
        return
    before, after = transcript.transcription[index], revised.transcription[index]
    old, new = seconds([before], before.speaker), seconds([after], after.speaker)
    assert (after.start, after.end, after.text) == (*span, before.text)
    assert all(after.start <= w.start <= w.end <= after.end for w in after.words)
    for label in LABELS:
        expected = seconds(transcript.turns, label)
        if label == before.speaker and transcript.turns:
            expected = expected - (old - new) | (new - old)
        assert seconds(revised.turns, label) == expected


@quickly
@given(transcripts(), SAID, st.integers(1, 99))
def test_shifting_all_times_shifts_the_result(
    transcript: Transcript, edits: Edits, by: int
) -> None:
    def later(node: Any) -> Any:
        if isinstance(node, list):
            return [later(each) for each in node]
        if not isinstance(node, dict):
            return node
        moved = {"start", "end", "duration"}
        return {
            key: value + by if key in moved and value is not None else later(value)
            for key, value in node.items()
        }

    shifted = Transcript.model_validate(later(transcript.model_dump()))
    moved_edits = Edits.model_validate(later(json.loads(edits.document())))
    expected = revise(transcript, edits, "e1").transcript
    got = revise(shifted, moved_edits, "e1").transcript
    assert texts_of(got) == texts_of(expected)
    for name in ("transcription", "turns"):
        assert times(getattr(got, name)) == [
            (label, start + by, end + by) for label, start, end in times(getattr(expected, name))
        ]


def texts_of(transcript: Any) -> list[str]:
    return [segment.text for segment in transcript.transcription]


NUMBERS = st.sampled_from([-1.0, 0.0, 1.5, 7.0, 1e9, float("nan"), float("inf")])


@quickly
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from([*LABELS, None])), max_size=6),
    NUMBERS,
    SAID,
)
def test_whatever_the_times_are_nothing_fails(
    spans: list[tuple[float, float, str | None]], duration: float, edits: Edits
) -> None:
    """What cannot be true in a foreign transcript is found when it is counted, after this."""
    items = [{"start": a, "end": b, "speaker": label, "text": "a b"} for a, b, label in spans]
    turns = [item for item in items if item["speaker"]]
    data = json.dumps({"duration": duration, "transcription": items, "turns": turns}).encode()
    revise(read_document(data)[0], edits, "e1")
