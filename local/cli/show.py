"""Jobs and statistics on a terminal.

Titles, names and messages come from others: every one of them passes `plain` on its way.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from debate_analyzer.catalogue import JobView
from debate_analyzer.edit_desk import EditsView
from debate_analyzer.edits import (
    AssignRole,
    CorrectSpeaker,
    CorrectWord,
    Edits,
    LeaveOut,
    Merge,
    MoveBoundary,
    Operation,
    Rename,
    Schedule,
    Undo,
)
from debate_analyzer.pipeline import ENDS, Status
from debate_analyzer.statistics import Statistics

SHORT_ID = 8

# https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
_DIRECTIONS = frozenset(
    map(chr, (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)

_STYLES = {Status.COMPLETE: "green", Status.FAILED: "red", Status.CANCELLED: "yellow"}
_WORDS = {
    Status.UPLOADING: "waiting for the file",
    Status.QUEUED: "waiting for a worker",
    Status.TRANSCRIBING: "transcribing",
    Status.SPLIT: "transcribing its parts",
    Status.TRANSCRIBED: "transcribed",
    Status.STATS_QUEUED: "waiting for statistics",
    Status.ANALYZING: "computing statistics",
    Status.COMPLETE: "complete",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.DELETED: "deleted",
}


def plain(text: str, *, keep: str = "") -> str:
    """The text without what a terminal would obey: control characters and direction overrides."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if _is_obeyed(character) and character not in keep
        else character
        for character in text
    )


def _is_obeyed(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") or character in _DIRECTIONS


def clock(seconds: float) -> str:
    """`1:02:03`, or `2:03` below an hour."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def when(time: datetime) -> str:
    """To the minute, by this machine's clock."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


def state(job: JobView) -> str:
    """Where the job stands, in words, with its progress where there is one."""
    fetched = job.status is Status.UPLOADING and job.source_url is not None
    words = "fetching the recording" if fetched else _WORDS[job.status]
    if job.progress is not None and job.status not in ENDS:
        words += f", {job.progress:.0%}"
    if job.retry_at is not None:
        words += f", tries again at {job.retry_at.astimezone():%H:%M:%S}"
    elif job.expected_at is not None:
        words += f", until about {job.expected_at.astimezone():%H:%M}"
    return words


def jobs_table(jobs: Iterable[JobView]) -> Table:
    """One line a job."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("id", "created", "title", "status"):
        table.add_column(name, overflow="fold" if name == "title" else "ellipsis")
    for name in ("length", "speakers"):
        table.add_column(name, justify="right")
    for job in jobs:
        table.add_row(
            job.job_id[:SHORT_ID],
            when(job.created_at),
            Text(plain(job.title or job.source_url or "")),
            Text(state(job), style=_STYLES.get(job.status, "")),
            clock(job.duration) if job.duration is not None else "",
            str(job.speakers_count) if job.speakers_count is not None else "",
        )
    return table


def job_facts(job: JobView) -> Table:
    """What is known of one job."""
    facts: list[tuple[str, str | None]] = [
        ("title", job.title),
        ("id", job.job_id),
        ("file", job.filename),
        ("from", job.source_url),
        ("status", state(job)),
        ("problem", job.error["message"] if job.error else None),
        ("length", clock(job.duration) if job.duration is not None else None),
        ("language", job.language),
        ("published", "yes" if job.published else "no"),
        ("created", f"{job.created_at.astimezone():%Y-%m-%d %H:%M:%S}"),
        ("completed", f"{job.completed_at.astimezone():%H:%M:%S}" if job.completed_at else None),
        *(("warning", warning) for warning in job.warnings),
    ]
    return facts_table(facts)


def facts_table(facts: Iterable[tuple[str, str | None]]) -> Table:
    """One line a fact; what is None is left out."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts:
        if value is not None:
            table.add_row(name, Text(plain(value)))
    return table


def print_debate(job: JobView, statistics: Statistics | None) -> None:
    """What is known of it, and the figures if there are any."""
    console = Console()
    console.print(job_facts(job))
    if statistics is not None:
        console.print()
        console.print(statistics_table(statistics))


def print_json(what: BaseModel | object) -> None:
    """Non-ASCII is escaped, and with it whatever a terminal would obey."""
    print(
        json.dumps(what.model_dump(mode="json") if isinstance(what, BaseModel) else what, indent=2)
    )


def print_line(what: BaseModel) -> None:
    """As `print_json`, on one line."""
    print(json.dumps(what.model_dump(mode="json")), flush=True)


def statistics_table(statistics: Statistics) -> RenderableType:
    """One line a speaker, longest speaking time first."""
    totals = statistics.totals
    overlap = f", {totals.overlap:.1f} s of overlap" if totals.overlap is not None else ""
    caption = (
        f"{clock(statistics.duration)} long, {clock(totals.silence)} silence{overlap}; "
        "figures are approximate"
    )
    table = Table(box=None, header_style="bold", pad_edge=False, caption=caption)
    table.caption_justify = "left"
    table.add_column("speaker")
    for name in ("time", "share", "words", "words/min", "turns", "longest turn", "confidence"):
        table.add_column(name, justify="right")
    for speaker in sorted(statistics.speakers, key=lambda one: -one.speaking_time):
        pace, confidence = speaker.words_per_minute, speaker.confidence
        table.add_row(
            Text(plain(speaker.name or speaker.speaker)),
            clock(speaker.speaking_time),
            f"{speaker.speaking_share:.0%}",
            str(speaker.words),
            f"{pace:.0f}" if pace is not None else "",
            str(speaker.turns),
            f"{speaker.longest_turn:.1f} s",
            f"{confidence:.0%}" if confidence is not None else "",
        )
    return table


def edits_table(edits: EditsView) -> Table:
    """One line an edit, in the order in which they were made."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("id", "when", "edit", ""):
        table.add_column(name, overflow="fold" if name == "edit" else "ellipsis")
    undone = Edits(entries=edits.entries).undone()
    for entry in edits.entries:
        table.add_row(
            entry.id[:SHORT_ID],
            when(entry.at),
            Text(plain(_in_words(entry.operation))),
            Text("undone" if entry.id in undone else "", style="yellow"),
        )
    return table


def _in_words(operation: Operation) -> str:
    match operation:
        case Rename():
            return f"{operation.speaker} is called {operation.name}"
        case Merge():
            return f"{operation.speaker} is {operation.into}"
        case AssignRole():
            side = f", for {operation.side}" if operation.side else ""
            return f"{operation.speaker} is {operation.role}{side}"
        case LeaveOut():
            return f"left out from {clock(operation.start)} to {clock(operation.end)}"
        case CorrectWord():
            return f"segment {operation.segment}, word {operation.word}: {operation.text!r}"
        case CorrectSpeaker():
            return f"segment {operation.segment} is said by {operation.speaker}"
        case MoveBoundary():
            ends = (("from", operation.start), ("to", operation.end))
            moved = (f"{word} {at:g} s" for word, at in ends if at is not None)
            return f"segment {operation.segment} goes {' '.join(moved)}"
        case Schedule():
            return f"{len(operation.slots)} agreed speaking times"
        case Undo():
            return f"undo of {operation.entry[:SHORT_ID]}"


def complain(console: Console, sentence: str) -> None:
    """An error, on the terminal's error stream."""
    console.print(Text(plain(sentence), style="red"))
