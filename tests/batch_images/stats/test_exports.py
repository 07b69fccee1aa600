"""Each format, read back by a reader that is not ours, is the debate that was counted."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_images.stats.analysis import Input, analyse, read
from batch_images.stats.exports import CSV_COLUMNS, Told, tell, write_exports
from batch_images.stats.job import StatsProcess
from debate_analyzer.captions import one_line, speeches
from debate_analyzer.edits import AssignRole, CorrectWord, Edits, LeaveOut, Merge, Operation, Rename
from debate_analyzer.key import edits_key, exports_key, transcript_key
from debate_analyzer.transcript import Transcript, parse_transcript
from tests.world import JOB_ID, STATS, World

WHEN = datetime(2026, 11, 21, tzinfo=UTC)
TITLE = 'Town hall <"5 & 6">'
SUFFIXES = {"srt", "vtt", "txt", "csv", "docx"}

SPOKEN = {
    "duration": 20.0,
    "language": "es",
    "transcription": [
        {"start": 0.0, "end": 5.0, "text": "buenas noches a todos", "speaker": "A"},
        {"start": 6.0, "end": 8.0, "text": "gracias", "speaker": "B", "confidence": 0.5},
        {"start": 9.0, "end": 12.0, "text": "y ahora", "speaker": "C"},
        {"start": 13.0, "end": 14.0, "text": "¿quién?", "speaker": None},
    ],
}

HOSTILE = (
    *(
        "<img src=x onerror=alert(1)>",
        "--> 00:00:00,000",
        "=HYPERLINK(1)",
        "'=1+1",
        "-1",
        "@SUM(A1)",
    ),
    *(
        "\t=1",
        "a\r\n\r\n2\r\n00:00:01,000 --> 00:00:02,000",
        "\x00\x08\x1b[31m",
        "\u202eevil\u202c",
    ),
    *(
        "</v><script>",
        "&amp;",
        "NOTE x",
        "WEBVTT",
        '"; DROP',
        "a,b",
        "\ufffe\uffff",
        "שלום",
        "👩\u200d🚀",
    ),
    *("می\u200cخواهم", "＝1", "", " ", "]]>", "\u2028x", "x\n\n\ny", "'", "''+1"),
)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"])))


@st.composite
def debates(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, str]]:
    """A transcript, and what people call its speakers."""
    labels = draw(st.lists(texts.filter(bool), min_size=1, max_size=3, unique=True))
    segments, time = [], 0
    for text in draw(st.lists(texts, min_size=1, max_size=6)):
        start = time + draw(st.integers(0, 4000))
        time = start + draw(st.integers(1, 9000))
        words = [
            {"start": start / 1000, "end": time / 1000, "word": word, "probability": 0.5}
            for word in text.split()
        ]
        segments.append(
            {"start": start / 1000, "end": time / 1000, "text": text, "confidence": 0.5}
            | {"speaker": draw(st.sampled_from([*labels, None]))}
            | ({"words": words} if draw(st.booleans()) else {})
        )
    names = draw(st.dictionaries(st.sampled_from(labels), texts.filter(_is_name)))
    return {"duration": time / 1000, "transcription": segments}, names


def _is_name(text: str) -> bool:
    try:
        Rename(speaker="A", name=text)
    except ValueError:
        return False
    return True


def _input(name: str, data: bytes) -> Input:
    return Input(name, data, "etag", WHEN)


def _edits(*operations: Operation) -> Edits:
    return Edits().appended(list(operations), by="ana", at=WHEN, transcript="etag")


def _exported(folder: Path, document: Any, *operations: Operation) -> tuple[Told, dict[str, bytes]]:
    """What is told, and the files by suffix."""
    edits = _input("edits", _edits(*operations).document()) if operations else None
    transcript = _input("transcript", json.dumps(document).encode())
    debate, about = read(transcript, job_id=JOB_ID, video_label=TITLE, edits=edits)
    files = write_exports(folder, debate, about, revised=edits is not None)
    return tell(debate, about), {file.suffix: file.path.read_bytes() for file in files}


def _words(text: str) -> list[str]:
    return one_line(text).split()


# --- Readers --------------------------------------------------------------------------------------


def _read_csv(data: bytes) -> list[dict[str, str]]:
    """Its cells, without the apostrophe that keeps them from being formulas."""
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    for row in rows:
        for column, cell in row.items():
            assert column in CSV_COLUMNS
            assert not re.match("[=+\\-@\t\r\n＝＋－＠]", cell)
            row[column] = re.sub("^'('*[=+\\-@\t\r\n＝＋－＠])", r"\1", cell)
    return rows


_SRT_CUE = re.compile(r"(\d+)\n([\d:,]{12}) --> ([\d:,]{12})\n(.+)", re.DOTALL)
_VTT_CUE = re.compile(r"([\d:.]{12}) --> ([\d:.]{12})\n(?:<v ([^>]+)>(.+)</v>|(.+))", re.DOTALL)


def _read_srt(data: bytes) -> Iterator[tuple[str, str]]:
    """Times and words."""
    blocks = [block for block in data.decode().strip().split("\n\n") if block]
    for number, block in enumerate(blocks, start=1):
        match = _SRT_CUE.fullmatch(block)
        assert match, block
        assert int(match[1]) == number
        yield match[2], match[4]


def _read_vtt(data: bytes) -> Iterator[tuple[str | None, str]]:
    """Speakers and words."""
    signature, *blocks = data.decode().rstrip("\n").split("\n\n")
    assert signature == "WEBVTT"
    for block in blocks:
        match = _VTT_CUE.fullmatch(block)
        assert match, block
        assert block.count("-->") == 1
        text = match[4] or match[5]
        assert "<" not in text
        yield match[3] and html.unescape(match[3]), html.unescape(text)


def _read_docx(data: bytes) -> list[tuple[str | None, str]]:
    """Style and text of each paragraph, as python-docx finds them."""
    paragraphs = docx.Document(io.BytesIO(data)).paragraphs
    return [(each.style and each.style.name, each.text) for each in paragraphs]


# --- Round trips ----------------------------------------------------------------------------------


@given(debates())
def test_whatever_people_are_called_and_say_each_format_says_it(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[dict[str, Any], dict[str, str]]
) -> None:
    document, names = drawn
    renames = [Rename(speaker=label, name=name) for label, name in names.items()]
    heard = {segment["speaker"] for segment in document["transcription"]}
    known = [rename for rename in renames if rename.speaker in heard and len(rename.speaker) <= 200]
    folder = tmp_path_factory.mktemp("exports")
    told, files = _exported(folder, document, *known, LeaveOut(start=1e6, end=1e6 + 1))

    for person in told.speakers:
        assert person.speaker == one_line(person.speaker)
    called = [person.speaker for person in told.speakers]
    assert len(set(called)) == len(called)
    said = [segment for segment in told.transcription if one_line(segment.text)]

    rows = _read_csv(files["csv"])
    assert [(row["speaker"], row["text"]) for row in rows] == [
        (segment.speaker or "", one_line(segment.text)) for segment in told.transcription
    ]
    assert [float(row["start"]) for row in rows] == [s.start for s in told.transcription]
    assert [float(row["end"]) for row in rows] == [s.end for s in told.transcription]

    arrows = re.compile("-{2,}>")
    spoken = [arrows.sub("→", word) for segment in said for word in _words(segment.text)]
    cues = list(_read_vtt(files["vtt"]))
    assert [word for _, text in cues for word in text.split()] == spoken
    assert {speaker for speaker, _ in cues} == {
        segment.speaker and arrows.sub("→", segment.speaker) for segment in said
    }
    assert len(list(_read_srt(files["srt"]))) == len(cues)

    paragraphs = _read_docx(files["docx"])
    assert paragraphs[0] == ("Title", TITLE)
    spoken_by = [(speech.speaker or "?", speech.text) for speech in speeches(told)]
    assert [text for style, text in paragraphs if style == "Normal"] == [t for _, t in spoken_by]
    named = [text.rpartition("  ")[0] for style, text in paragraphs if style == "Speaker"]
    assert named == [name for name, _ in spoken_by]

    revised = parse_transcript(files["json"])
    assert [(s.start, s.end, s.text, s.speaker) for s in revised.transcription] == [
        (s.start, s.end, s.text, s.speaker) for s in told.transcription
    ]


# --- What the edits do ----------------------------------------------------------------------------


def test_names_merges_and_corrections_are_in_every_format(tmp_path: Path) -> None:
    told, files = _exported(
        tmp_path,
        SPOKEN,
        Rename(speaker="A", name="Ana Pérez"),
        Merge(speaker="C", into="A"),
        CorrectWord(segment=0, word=2, text="y gracias a"),
        LeaveOut(start=5.5, end=8.5),
        AssignRole(speaker="A", role="debater", side="for"),
    )

    rows = _read_csv(files["csv"])
    assert [row["speaker"] for row in rows] == ["Ana Pérez", "Ana Pérez", ""]
    assert [row["text"] for row in rows] == [
        "buenas noches y gracias a todos",
        "y ahora",
        "¿quién?",
    ]
    assert files["txt"].decode() == (
        "Ana Pérez: buenas noches y gracias a todos y ahora\n\n?: ¿quién?\n"
    )
    assert "<v Ana Pérez>buenas noches y gracias a todos</v>" in files["vtt"].decode()
    assert "Ana Pérez: buenas noches y gracias a todos" in files["srt"].decode()
    assert _read_docx(files["docx"]) == [
        ("Title", TITLE),
        ("Speaker", "Ana Pérez  0:00:00"),
        ("Normal", "buenas noches y gracias a todos y ahora"),
        ("Speaker", "?  0:00:13"),
        ("Normal", "¿quién?"),
    ]
    revised = json.loads(files["json"])
    assert revised["speakers"] == [
        {"speaker": "Ana Pérez", "label": "A", "role": "debater", "side": "for"}
    ]
    assert "gracias" not in [segment.text for segment in told.transcription]


def test_two_who_are_called_the_same_are_told_apart(tmp_path: Path) -> None:
    told, _ = _exported(
        tmp_path, SPOKEN, Rename(speaker="A", name="Ana"), Rename(speaker="B", name="Ana")
    )
    assert [person.speaker for person in told.speakers] == ["Ana (A)", "Ana (B)", "C"]


@pytest.mark.parametrize(
    ("names", "called"),
    [
        pytest.param({"\x00": "", "\x01": ""}, ["? (1)", "? (2)"], id="labels that show nothing"),
        pytest.param(
            {"A\x00": "", "A": ""}, ["A (A) (1)", "A (A) (2)"], id="labels that look alike"
        ),
        pytest.param(
            {"A": "Ana", "B": "Ana", "C": "Ana (A)"},
            ["Ana (A) (1)", "Ana (B)", "Ana (A) (3)"],
            id="a name that looks like another and its label",
        ),
    ],
)
def test_those_whom_labels_do_not_tell_apart_are_told_apart(
    tmp_path: Path, names: dict[str, str], called: list[str]
) -> None:
    said = [
        {"start": float(number), "end": number + 1.0, "text": "yes", "speaker": label}
        for number, label in enumerate(names)
    ]
    renames = [Rename(speaker=label, name=name) for label, name in names.items() if name]
    told, _ = _exported(tmp_path, {"duration": 9.0, "transcription": said}, *renames)
    assert [person.speaker for person in told.speakers] == called


def test_the_revised_document_has_what_the_original_has(tmp_path: Path) -> None:
    """Also where words and turns have times; what the worker writes can be counted again."""
    word = {"start": 0.25, "end": 0.75, "word": "hola", "probability": 0.25}
    document = {
        "duration": 9.0,
        "language": "es",
        "transcription": [
            {"start": 0.0, "end": 1.0, "text": "hola", "speaker": "A", "words": [word]},
            {"start": 2.0, "end": 3.0, "text": "sin tiempos", "speaker": "B"},
        ],
        "turns": [
            {"start": 0.0, "end": 1.0, "speaker": "A"},
            {"start": 1.5, "end": 3.5, "speaker": "B"},
            {"start": 4.0, "end": 5.0, "speaker": "A"},
        ],
        "provenance": {"recognition": {"model": "base"}},
    }
    _, files = _exported(tmp_path, document, Rename(speaker="A", name="Ana"))
    revised = parse_transcript(files["json"])

    assert [each.model_dump() for each in revised.transcription[0].words] == [
        {**word, "speaker": None}
    ]
    assert revised.transcription[1].words == []
    assert [(turn.start, turn.end, turn.speaker) for turn in revised.turns] == [
        (0.0, 1.0, "Ana"),
        (1.5, 3.5, "B"),
        (4.0, 5.0, "Ana"),
    ]
    assert revised.provenance["transcript"] == document["provenance"]
    assert len(revised.provenance["statistics"]["inputs"]) == 2
    assert (revised.job_id, revised.duration, revised.speakers_count) == (JOB_ID, 9.0, 2)
    again = analyse(_input("again", files["json"]), job_id=JOB_ID, video_label=TITLE)
    assert [speaker.speaking_time for speaker in again.speakers] == [2.0, 2.0]


def test_what_nobody_edited_needs_no_revised_document(tmp_path: Path) -> None:
    _, files = _exported(tmp_path, SPOKEN)
    assert set(files) == SUFFIXES


# --- Formats --------------------------------------------------------------------------------------


def test_the_table_is_one_that_spreadsheets_read(tmp_path: Path) -> None:
    """RFC 4180: lines end with CRLF, also the last; and a byte order mark, for Excel."""
    _, files = _exported(tmp_path, SPOKEN, Rename(speaker="A", name='Ana "la jueza", Pérez'))
    table = files["csv"].decode()
    assert table.startswith("\ufeffstart,end,speaker,text,confidence\r\n")
    assert table.endswith("13.000,14.000,,¿quién?,1.000\r\n")
    assert '0.000,5.000,"Ana ""la jueza"", Pérez",buenas noches a todos,1.000\r\n' in table
    assert "6.000,8.000,B,gracias,0.500\r\n" in table


def test_where_nothing_says_how_sure_the_words_are_the_table_does_not_either(
    tmp_path: Path,
) -> None:
    unrated = {
        "duration": 2,
        "transcription": [{"start": 0, "end": 1, "text": "a", "speaker": "A"}],
    }
    _, files = _exported(tmp_path, unrated)
    assert [row["confidence"] for row in _read_csv(files["csv"])] == [""]


def test_the_word_document_has_its_title_on_every_page(tmp_path: Path) -> None:
    _, files = _exported(tmp_path, SPOKEN)
    document = docx.Document(io.BytesIO(files["docx"]))
    assert document.core_properties.title == TITLE
    assert document.core_properties.created == WHEN
    [header] = document.sections[0].header.paragraphs
    assert header.text.startswith(TITLE)
    assert "PAGE" in header._p.xml
    [speaker] = [each for each in document.paragraphs if each.text.startswith("A  ")]
    assert [run.text for run in speaker.runs] == ["A  ", "0:00:00"]
    assert speaker.runs[1].style.name == "Time"
    assert document.styles["Speaker"].font.bold


def test_the_same_debate_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    _, first = _exported(tmp_path, SPOKEN)
    _, second = _exported(tmp_path / "again", SPOKEN)
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first["docx"])) as package:
        assert {entry.date_time[0] for entry in package.infolist()} == {1980}


def test_impossible_segments_and_doubles_are_in_none(tmp_path: Path) -> None:
    """As in the figures."""
    [first, *rest] = SPOKEN["transcription"]
    odd = [
        {"start": 3, "end": 1, "text": "no", "speaker": "A"},
        {"start": "x"},
        first,
        first,
        *rest,
    ]
    _, files = _exported(tmp_path, {**SPOKEN, "transcription": odd})
    assert [row["text"] for row in _read_csv(files["csv"])] == [
        segment["text"] for segment in SPOKEN["transcription"]
    ]


# --- The worker -----------------------------------------------------------------------------------


@pytest.fixture
def process(world: World) -> StatsProcess:
    return StatsProcess(world.table, world.store, world.publish_queue, world.clock)


def _exports(world: World) -> dict[str, bytes]:
    """What lies in the bucket, by suffix."""
    prefix = exports_key(JOB_ID, "town hall", "")
    found = {}
    for stored in world.store.list(prefix):
        data = world.store.get(stored.key)
        assert data is not None
        found[stored.key.removeprefix(prefix)] = data[0]
    return found


def test_the_worker_writes_them_again_with_every_edit(world: World, process: StatsProcess) -> None:
    world.drop(transcript_key(JOB_ID, "town hall"), json.dumps(SPOKEN).encode(), "application/json")
    world.arrive(transcript_key(JOB_ID, "town hall"))
    world.worker(process, stage=STATS, linger=0.3).run()
    first = _exports(world)
    assert set(first) == SUFFIXES
    assert first["txt"].startswith(b"A: buenas")

    rename = _edits(Rename(speaker="A", name="Ana"))
    world.drop(edits_key(JOB_ID), rename.document(), "application/json")
    world.arrive(edits_key(JOB_ID))
    world.worker(process, stage=STATS, linger=0.3).run()
    second = _exports(world)
    assert set(second) == {*SUFFIXES, "json"}
    assert second["txt"].startswith(b"Ana: buenas")
    assert isinstance(parse_transcript(second["json"]), Transcript)

    for suffix, kind in {"csv": "text/csv; charset=utf-8", "json": "application/json"}.items():
        head = world.store.head(exports_key(JOB_ID, "town hall", suffix))
        assert head is not None
        assert head.content_type == kind
