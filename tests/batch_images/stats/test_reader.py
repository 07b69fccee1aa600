from __future__ import annotations

import itertools
import json
import re
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_images.stats.debate import Debate, read_debate
from batch_images.stats.reader import LARGEST_BYTES, check_size, read_document
from debate_analyzer.errors import InvalidTranscript
from debate_analyzer.transcript import (
    Segment,
    Transcript,
    Turn,
    Warning,
    Word,
    parse_transcript,
)
from tests.batch_images.stats.cases import EXAMPLES, Document, documents

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_times = st.floats(0, 1e5, allow_subnormal=False)
_probabilities = st.floats(0, 1)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def _spans(draw: st.DrawFn, kind: Any, **others: st.SearchStrategy[Any]) -> Any:
    start, end = sorted((draw(_times), draw(_times)))
    return kind(start=start, end=end, **{name: draw(each) for name, each in others.items()})


@st.composite
def _transcripts(draw: st.DrawFn) -> Transcript:
    words = _spans(Word, word=_texts, probability=_probabilities, speaker=st.none() | _texts)
    segments = _spans(
        Segment,
        text=st.lists(_texts, max_size=4).map(" ".join),
        speaker=st.none() | st.sampled_from(["A", "B", "ñ", ""]),
        confidence=_probabilities,
        words=st.lists(words, max_size=3),
    )
    turns = _spans(Turn, speaker=st.sampled_from(["A", "B", ""]))
    warnings = st.builds(Warning, code=_texts, message=_texts, start=st.none() | _times)
    return Transcript(
        duration=draw(_times),
        language=draw(st.none() | st.sampled_from(["en", "es"])),
        transcription=draw(st.lists(segments, max_size=5)),
        turns=draw(st.lists(turns, max_size=5)),
        warnings=draw(st.lists(warnings, max_size=2)),
        provenance=draw(st.dictionaries(_texts, _json, max_size=2)),
    )


def _columns(debate: Debate) -> dict[str, Any]:
    """Every number and text of it."""
    found: dict[str, Any] = {}
    for field in fields(debate):
        value = getattr(debate, field.name)
        if field.name in ("segments", "words"):
            for column in fields(value):
                found[f"{field.name}.{column.name}"] = getattr(value, column.name)
        elif field.name == "speech":
            found["speech"] = [spans.tolist() for spans in value]
        else:
            found[field.name] = value
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in found.items()
    }


@settings(max_examples=EXAMPLES // 5)
@given(_transcripts(), st.booleans())
def test_the_fast_reader_reads_what_the_models_read(transcript: Transcript, short: bool) -> None:
    data = transcript.model_dump_json(exclude_defaults=short).encode()

    document, warnings = read_document(data)
    parsed = parse_transcript(data)

    assert warnings == []
    assert _columns(read_debate(document)) == _columns(read_debate(parsed))
    assert document.warnings == [each.model_dump(exclude_unset=True) for each in parsed.warnings]
    assert document.provenance == parsed.provenance


@settings(max_examples=EXAMPLES // 5)
@given(documents(), _json)
def test_unknown_fields_are_let_alone(document: Document, anything: Any) -> None:
    plain = _columns(read_debate(read_document(json.dumps(document).encode())[0]))
    words = [word for segment in document["transcription"] for word in segment["words"]]
    for place in [document, *document["transcription"], *document["turns"], *words]:
        place["a new field"] = anything

    read, warnings = read_document(json.dumps(document).encode())

    assert warnings == []
    assert _columns(read_debate(read)) == plain


# --- what cannot be read ----------------------------------------------------------------------

_GOOD = {"start": 1.0, "end": 2.0, "text": "yes", "speaker": "A"}


def _with(**fields: Any) -> bytes:
    return json.dumps({"duration": 9.0, "transcription": [_GOOD]} | fields).encode()


@pytest.mark.parametrize(
    ("data", "code", "count"),
    [
        (_with(transcription=[_GOOD, "a segment"]), "unreadable_segments", 1),
        (_with(transcription=[None, 3, [], _GOOD, {}]), "unreadable_segments", 4),
        (_with(transcription=[_GOOD | {"text": 5}, _GOOD]), "unreadable_segments", 1),
        (_with(transcription=[_GOOD | {"speaker": 1}, _GOOD]), "unreadable_segments", 1),
        (_with(transcription=[_GOOD | {"start": None}, _GOOD]), "unreadable_segments", 1),
        (_with(transcription=[_GOOD | {"start": [0]}, _GOOD]), "unreadable_segments", 1),
        (_with(transcription=[_GOOD | {"end": 10**400}, _GOOD]), "unreadable_segments", 1),
        (_with(transcription=[_GOOD | {"end": float("nan")}, _GOOD]), "unreadable_segments", 1),
        (
            b'{"duration": 9, "transcription": [{"start": 0, "end": 1e999}, '
            b'{"start": 1.0, "end": 2.0, "text": "yes", "speaker": "A"}]}',
            "unreadable_segments",
            1,
        ),
        (_with(transcription=[_GOOD | {"words": {"word": "yes"}}]), "unreadable_words", 1),
        (_with(transcription=[_GOOD | {"words": [1, "yes"]}]), "unreadable_words", 2),
        (_with(turns=3), "unreadable_turns", 1),
        (_with(turns=["A", {"start": 0}]), "unreadable_turns", 2),
        (_with(turns=[{"start": 0, "end": 1, "speaker": None}]), "unreadable_turns", 1),
        (_with(warnings=["careful"]), "unreadable_warnings", 1),
        (_with(warnings=[{"code": "c", "message": "m", "start": "x"}]), "unreadable_warnings", 1),
        (_with(warnings="careful"), "unreadable_warnings", 1),
        (
            b'{"duration": 9, "transcription": [{"start": 1, "end": 2, "text": "yes", '
            b'"speaker": "A"}], "warnings": [{"code": "c", "message": "m", "start": 1e999}]}',
            "unreadable_warnings",
            1,
        ),
        (_with(provenance=["a list"]), "unreadable_provenance", 1),
        (_with(language=["en"]), "unreadable_languages", 1),
        (_with(duration="nine"), "unreadable_durations", 1),
        (_with(duration=None), "unreadable_durations", 1),
    ],
    ids=itertools.count(),
)
def test_what_cannot_be_read_is_counted_and_the_rest_kept(
    data: bytes, code: str, count: int
) -> None:
    document, warnings = read_document(data)
    debate = read_debate(document)

    counts = {each.code: each.message for each in (*warnings, *debate.warnings)}
    assert counts[code].startswith(f"{count} ")
    assert debate.speakers == ("A",)
    assert debate.segments.texts == ["yes"]
    assert document.transcription[debate.segments.index[0]].text == "yes"


@pytest.mark.parametrize(
    "field", ["turns", "warnings", "provenance", "language"], ids=lambda field: field
)
def test_what_is_null_is_not_there(field: str) -> None:
    document, warnings = read_document(_with(**{field: None}))

    assert warnings == []
    assert len(document.transcription) == 1


def test_a_word_that_cannot_be_read_leaves_the_others() -> None:
    word = {"start": 1.0, "end": 1.5, "word": "yes"}
    segment = _GOOD | {"words": [word, word | {"word": 5}, word | {"start": None}, "no"]}

    document, warnings = read_document(_with(transcription=[segment]))

    assert [each.word for each in document.transcription[0].words] == ["yes"]
    assert [each.code for each in warnings] == ["unreadable_words"]
    assert warnings[0].message.startswith("3 ")


@pytest.mark.parametrize(
    "encoded",
    [
        b"\xef\xbb\xbf" + _with(),
        _with().decode().encode("utf-16"),
        _with().decode().encode("utf-16-le"),
        _with().decode().encode("utf-32"),
    ],
    ids=["byte order mark", "UTF-16", "UTF-16 without a mark", "UTF-32"],
)
def test_unicode_however_it_is_spelled_is_read(encoded: bytes) -> None:
    document, warnings = read_document(encoded)

    assert warnings == []
    assert [each.text for each in document.transcription] == ["yes"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no JSON"),
        (b"   ", "no JSON"),
        (_with()[:-9], "no JSON"),
        (_with() + b"]", "no JSON"),
        (b'{"duration": 9, "transcription": [{"start": 1, "text": "\xff"}]}', "no JSON"),
        (b"\x00\x01\x02\x03", "no JSON"),
        (b"RIFF\x24\x08\x00\x00WAVEfmt ", "no JSON"),
        (b"9" * 5000, "no JSON"),
        (b"3", "not a int"),
        (b'"a transcript"', "not a str"),
        (b"null", "not a NoneType"),
        (b"[]", "not a list"),
        (b"{}", "a list of segments is required"),
        (b'{"transcription": {}}', "a list of segments is required"),
        (_with(transcription=["a", "b"]), "none of its 2 segments can be read"),
        (_with(transcription=[_GOOD | {"speaker": 0}]), "Expected `str | null`, got `int`"),
        (_with(language="\ud800"), "half of a character"),
        (_with(transcription=[_GOOD | {"speaker": "\udfff"}]), "half of a character"),
        (_with(provenance={"by": ["\ud900"]}, turns=["unreadable"]), "half of a character"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (_with()[:-1] + b', "new": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too deeply"),
        (
            _with(turns="unreadable")[:-1] + b', "new": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            "too deeply",
        ),
    ],
    ids=itertools.count(),
)
def test_what_is_no_transcript_is_refused_with_what_is_wrong(data: bytes, why: str) -> None:
    with pytest.raises(InvalidTranscript, match=re.escape(why)):
        read_document(data)


def test_a_whole_character_may_be_spelled_in_halves() -> None:
    document, _ = read_document(_with(language="en", provenance={"by": "\U0001f600"}))

    assert document.provenance == {"by": "\U0001f600"}


def test_provenance_that_nothing_could_write_again_is_left_out() -> None:
    deep: Any = []
    for _ in range(300):
        deep = [deep]

    document, warnings = read_document(_with(provenance={"deep": deep}))

    assert document.provenance == {}
    assert [each.code for each in warnings] == ["unreadable_provenance"]


def test_what_is_too_large_is_refused_by_its_size() -> None:
    check_size(LARGEST_BYTES)
    with pytest.raises(InvalidTranscript, match="2,048 MiB; at most 96 MiB"):
        check_size(2 * 2**30)
