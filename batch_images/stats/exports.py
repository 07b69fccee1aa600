"""What was said, as files for people and programs: with names and corrections applied.

A debate is told from the columns that its figures are computed from, so that whoever reads along
finds what was counted, and what was left out is in none of the files.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from batch_images.stats.balance import People
from batch_images.stats.debate import NOBODY, Debate
from batch_images.stats.docx import write_docx
from batch_images.stats.measures import About
from batch_images.stats.reader import Segment, Turn, Word
from debate_analyzer.captions import WRITERS, one_line, speeches

CSV_COLUMNS = ("start", "end", "speaker", "text", "confidence")

_CONTENT_TYPES = {
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "json": "application/json",
}

# What a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")


@dataclass(frozen=True)
class Export:
    """A file on disk. `suffix` is its format."""

    suffix: str
    content_type: str
    path: Path


class Person(msgspec.Struct, frozen=True):
    """Who is called what: `speaker` in the files, `label` in the transcript."""

    speaker: str
    label: str
    role: str | None
    side: str | None


class Told(msgspec.Struct, frozen=True):
    """A `debate_analyzer.transcript.Transcript`, whose speakers are named as people call them; and
    who is called what."""

    job_id: str
    duration: float
    speakers_count: int
    language: str | None
    speakers: Sequence[Person]
    transcription: Sequence[Segment]
    turns: Sequence[Turn]
    warnings: Sequence[Mapping[str, object]]
    provenance: Mapping[str, object]
    schema_version: int = 1


def write_exports(folder: Path, debate: Debate, about: About, *, revised: bool) -> list[Export]:
    """A file in each format; JSON only where the transcript is `revised`, since there the original
    is all there is to say. The same debate gives the same bytes."""
    told = tell(debate, about)
    paths = {suffix: folder / f"export.{suffix}" for suffix in _CONTENT_TYPES}
    for suffix, write in WRITERS.items():
        paths[suffix].write_text(write(told), encoding="utf-8")
    _write_csv(paths["csv"], told, rated=debate.words_are_rated)
    write_docx(
        paths["docx"],
        speeches(told),
        title=one_line(about.video_label),
        created=about.updated_at,
    )
    if revised:
        paths["json"].write_bytes(msgspec.json.encode(told))
    else:
        del paths["json"]
    return [Export(suffix, _CONTENT_TYPES[suffix], path) for suffix, path in paths.items()]


def tell(debate: Debate, about: About) -> Told:
    """The debate as it was counted. Where words have no times of their own, they have none here."""
    people = about.people
    names = _names(debate.speakers, people)
    return Told(
        job_id=about.job_id,
        duration=debate.duration,
        speakers_count=len(debate.speakers),
        language=debate.language,
        speakers=[
            Person(name, label, people.roles.get(label), people.sides.get(label))
            for label, name in zip(debate.speakers, names, strict=True)
        ],
        transcription=list(_segments(debate, names)),
        turns=sorted(_turns(debate, names), key=lambda turn: (turn.start, turn.end)),
        warnings=[warning.model_dump() for warning in (*about.warnings, *debate.warnings)],
        provenance=about.provenance,
    )


def _names(labels: Sequence[str], people: People) -> list[str]:
    """What each is called, in one line. Two who are called the same keep their labels beside, and
    those whom labels do not tell apart, since they look alike in one line, their numbers."""
    names = [one_line(people.names.get(label, label)) or "?" for label in labels]
    marks = [one_line(label) for label in labels]
    while len(count := Counter(names)) < len(names):
        names = [
            f"{name} ({mark})" if mark and count[name] > 1 else name
            for name, mark in zip(names, marks, strict=True)
        ]
        marks = [str(number) for number, _ in enumerate(labels, start=1)]
    return names


def _segments(debate: Debate, names: Sequence[str]) -> Iterator[Segment]:
    segments, words = debate.segments, debate.words
    heard = list(
        map(Word, words.start.tolist(), words.end.tolist(), words.texts, words.probability.tolist())
    )
    ends = np.cumsum(segments.words).tolist()
    for row, (start, end, speaker, timed) in enumerate(
        zip(
            segments.start.tolist(),
            segments.end.tolist(),
            segments.speaker.tolist(),
            segments.timed.tolist(),
            strict=True,
        )
    ):
        own = heard[ends[row - 1] if row else 0 : ends[row]]
        yield Segment(
            start=start,
            end=end,
            text=segments.texts[row],
            speaker=None if speaker == NOBODY else names[speaker],
            confidence=sum(word.probability for word in own) / len(own) if own else 1.0,
            words=own if timed else [],
        )


def _turns(debate: Debate, names: Sequence[str]) -> Iterator[Turn]:
    if debate.basis == "turns":
        for name, spans in zip(names, debate.speech, strict=True):
            for start, end in spans.tolist():
                yield Turn(start, end, name)


def _write_csv(path: Path, told: Told, *, rated: bool) -> None:
    """A row a segment (RFC 4180). The byte order mark tells Excel that this is UTF-8; without it
    names lose their accents there. `rated`: whether anything says how sure the words are."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(CSV_COLUMNS)
        for segment in told.transcription:
            table.writerow(
                (
                    f"{segment.start:.3f}",
                    f"{segment.end:.3f}",
                    _harmless(segment.speaker or ""),
                    _harmless(one_line(segment.text)),
                    f"{segment.confidence:.3f}" if rated else "",
                )
            )


def _harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: with an apostrophe before it, or one more where
    it has some already, so that taking one away gives the text."""
    return f"'{text}" if _FORMULA.match(text) else text
