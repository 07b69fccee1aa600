"""The fast way to the core measures, beside the way of all transcripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batch_images.stats import blocks, core, reader
from batch_images.stats.core import Core, CoreSpeaker, count, count_file
from batch_images.stats.debate import read_debate
from batch_images.stats.measures import About, measure
from batch_images.stats.reader import read_document
from debate_analyzer.errors import InvalidTranscript

times = st.integers(0, 40).map(lambda quarter: quarter / 4) | st.floats(0, 10)
white = st.sampled_from([" ", "  ", "\t", "\n", "\x1f", "\x85", "\xa0", "\u2003", "\u3000"])
texts = st.lists(st.sampled_from(["sí", "no", "“well”", "Ω"]) | white, max_size=6).map("".join)
names = st.sampled_from(["A", "B", "", None])
words = st.lists(st.just({"start": 0, "end": 1, "word": "x", "probability": 0.5}), max_size=3)
segments = st.fixed_dictionaries(
    {"start": times, "end": times, "text": texts, "speaker": names},
    optional={"confidence": st.just(0.5), "words": words, "of another": st.just([{}])},
)
turns = st.fixed_dictionaries({"start": times, "end": times, "speaker": st.sampled_from("ABC")})
wrong = st.sampled_from(
    [None, "2.5", "x", -1, 1e400, float("nan"), [], {}, {"start": 1}, {"speaker": 3}, {"text": 4}]
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Mostly as they should be: in order, one after the other."""
    said = draw(st.lists(segments, max_size=8))
    if draw(st.integers(0, 3)):
        start = 0.0
        for item in said:
            item["start"] = start = start + draw(times) + 0.25
            item["end"] = start + draw(times) + 0.25
    document: dict[str, Any] = {"duration": 200.0, "transcription": said}
    if draw(st.booleans()):
        heard = draw(st.lists(turns, max_size=6))
        document["turns"] = sorted(heard, key=lambda turn: turn["start"])
    if said and not draw(st.integers(0, 3)):
        item = draw(st.sampled_from(said))
        item[draw(st.sampled_from(sorted(item)))] = draw(wrong)
    if not draw(st.integers(0, 5)):
        document[draw(st.sampled_from(["duration", "turns", "note"]))] = draw(wrong)
    return document


_OTHERS = ("_words", "_probabilities")  # whose finding would be a look at the words


def in_full(data: bytes) -> Core:
    """The same figures from the whole set of measures."""
    document, unreadable = read_document(data)
    debate = read_debate(document)
    if document.transcription and not len(debate.segments):
        raise InvalidTranscript("nothing can be used")
    statistics = measure(debate, About("j", "v", "k", "2026-11-21", warnings=unreadable), seed=1)
    return Core(
        [
            CoreSpeaker(each.speaker, each.speaking_time, each.words, each.segments)
            for each in statistics.speakers
        ],
        statistics.totals.unassigned_words,
        tuple(each for each in statistics.warnings if not each.code.endswith(_OTHERS)),
    )


def same(one: Core, other: Core) -> bool:
    found = tuple(each for each in one.warnings if not each.code.endswith(_OTHERS))
    return (
        [(each.speaker, each.words, each.segments) for each in one.speakers]
        == [(each.speaker, each.words, each.segments) for each in other.speakers]
        and [each.speaking_time for each in one.speakers]
        == pytest.approx([each.speaking_time for each in other.speakers], abs=1e-9)
        and (one.unassigned_words, found) == (other.unassigned_words, other.warnings)
    )


def said(*texts: str) -> dict[str, Any]:
    """All in the same second."""
    return {
        "duration": 3.0,
        "transcription": [
            {"start": 1.0, "end": 2.0, "text": text, "speaker": "A"} for text in texts
        ],
    }


@given(documents(), st.booleans())
@example(said("a b"), False)
@example({"duration": 9e9, "transcription": [{"start": 1e300, "end": 2e300}]}, True)
@example({**said("a"), "turns": [{"start": 0.0005, "end": 1.0015, "speaker": "B"}]}, True)
@example({"duration": 4, "transcription": [{"start": 0.0005, "end": 2.6665, "speaker": "B"}]}, True)
@example(said("a b", "a b"), True)
@example(said("a", "b"), True)
@example(said("sí\xa0no\x85sí"), False)
@example(said("a\tb\x1fc"), True)
@example({**said("a"), "language": "\udc00"}, True)
@example({**said("a"), "duration": 0.5}, True)
@example({"duration": 1, "transcription": [{"start": -0.25, "end": 1, "text": "a"}]}, True)
def test_the_figures_are_those_of_the_whole_set(document: Any, escaped: bool) -> None:
    data = json.dumps(document, ensure_ascii=escaped).encode()
    try:
        expected = in_full(data)
    except InvalidTranscript:
        with pytest.raises(InvalidTranscript):
            count(data)
    else:
        assert same(count(data), expected)


def long(length: int, *, with_words: bool, indent: int | None = None) -> bytes:
    said = [
        {
            "start": float(second),
            "end": second + 1.5,
            "text": 'it is {"so"}, yes',
            "speaker": f"SPEAKER_0{second % 7 % 3}",
            "confidence": 0.5,
        }
        for second in range(length)
    ]
    if with_words:
        plain, trap = (
            {"start": 0.0, "end": 0.5, "word": word, "probability": 0.5} for word in ("a", "}]}, ")
        )
        said = [
            {**each, "words": [plain if number % 50 else trap] * (number % 4)}
            for number, each in enumerate(said)
        ]
    source = {"key": "k", "note": '"transcription": ['}
    turns = [{"start": 0.0, "end": length + 1.0, "speaker": "SPEAKER_00"}] * with_words
    document = {"source": source, "duration": length + 1.0, "transcription": said, "turns": turns}
    return json.dumps(document, indent=indent).encode()


@pytest.mark.parametrize("with_words", [False, True])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("block", [2**12, 2**13 + 1, blocks.BLOCK_BYTES])
def test_a_long_transcript_is_counted_in_blocks(
    with_words: bool,
    indent: int | None,
    block: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for module in (blocks, core):
        monkeypatch.setattr(module, "BLOCK_BYTES", block)
    monkeypatch.setattr(blocks, "_WINDOW_BYTES", block // 2)
    monkeypatch.setattr(core, "_looked_at", None)  # nothing here wants a closer look
    data = long(8000, with_words=with_words, indent=indent)
    read = list(_cut(data))
    path = tmp_path / "long_transcription.json"
    path.write_bytes(data)

    assert same(count_file(path), in_full(data))
    assert len(data) > blocks.BLOCK_BYTES * 2
    assert len(read) >= len(data) // block - 1
    assert max(map(len, read)) < 8000 / len(read) * 1.5


def _cut(data: bytes) -> Any:
    begin = blocks.array_of(data, "transcription")
    assert begin is not None
    for items, _ in blocks.blocks(data, begin, msgspec.json.decode):
        yield items


def test_a_long_transcript_that_wants_a_closer_look_has_it(tmp_path: Path) -> None:
    document = json.loads(long(8000, with_words=False))
    document["transcription"].append(document["transcription"][7000])
    path = tmp_path / "long_transcription.json"
    path.write_text(json.dumps(document))

    assert path.stat().st_size > 3 * blocks.BLOCK_BYTES
    counted = count_file(path)
    assert same(counted, in_full(path.read_bytes()))
    assert "duplicate_segments" in {warning.code for warning in counted.warnings}


def test_only_what_is_read_at_once_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = long(8000, with_words=False)
    monkeypatch.setattr(reader, "LARGEST_BYTES", 2 * blocks.BLOCK_BYTES)
    assert sum(speaker.segments for speaker in count(data).speakers) == 8000
    monkeypatch.setattr(blocks, "_ENDS", ())
    with pytest.raises(InvalidTranscript, match="MiB"):
        count(data)


def test_what_cannot_be_cut_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words in the middle of a segment: their ends look like the segments'."""
    monkeypatch.setattr(core, "BLOCK_BYTES", 2**12)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 2**12)
    monkeypatch.setattr(blocks, "_WINDOW_BYTES", 2**11)
    word = {"start": 0, "end": 1, "word": "x"}
    said = [
        {"words": [word] * 80, "start": second, "end": second + 1, "speaker": "A", "text": "x"}
        for second in range(20)
    ]
    data = json.dumps({"transcription": said, "duration": 20}).encode()
    assert list(_cut(data)) == []
    assert count(data) == Core([CoreSpeaker("A", 20.0, 1600, 20)])


@pytest.mark.parametrize(
    "document",
    [
        '{"note": {"transcription": [%s]}, "duration": 9000, "transcription": [%s]}',
        '{"transcription": [%s], "duration": 9000, "transcription": [%s]}',
        '{"duration": 9000, "transcription": [%s], "note": {"transcription": [%s]}}',
    ],
)
def test_another_array_of_this_name_is_not_taken_for_it(
    document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (blocks, core):
        monkeypatch.setattr(module, "BLOCK_BYTES", 2**10)
    said = ",".join(
        json.dumps({"start": second, "end": second + 1, "text": "x", "speaker": "A"})
        for second in range(99)
    )
    data = (document % (said, said.replace('"A"', '"B"'))).encode()
    assert same(count(data), in_full(data))


def test_what_is_no_transcript_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x_transcription.json"
    for data in (b"", b"[]", b"{}", b'{"duration": 1, "transcription": [', b"[" * 100_000):
        path.write_bytes(data)
        with pytest.raises(InvalidTranscript):
            count_file(path)
