"""Digests: a debate in a few lines, read from what its statistics left in the bucket."""

from __future__ import annotations

import json
from typing import Any

from debate_analyzer.catalogue import transcript_location
from debate_analyzer.job import Job
from debate_analyzer.key import exports_key, parse_key, private_statistics_key
from debate_analyzer.letter import Digest, Turn
from debate_analyzer.ports import ObjectStore

_TURNS = 3
_FIRST_BYTES = 8192  # of the text: three turns, of which a few hundred characters are shown


def title_of(job: Job) -> str:
    """What people call it; empty where nobody said."""
    return job.title or job.source_url or ""


def digest(job: Job, store: ObjectStore) -> Digest | None:
    """None where there are no figures."""
    if job.figures is None:
        return None
    return Digest(
        title=title_of(job),
        duration=job.figures.duration,
        speakers=job.figures.speakers,
        words=job.figures.words,
        most=_most(store.get(private_statistics_key(job.job_id))),
        beginning=_beginning(job, store),
    )


def _most(statistics: tuple[bytes, str] | None) -> tuple[str, float] | None:
    """Who spoke most, where anybody spoke; the first of those who spoke as long."""
    rows: list[dict[str, Any]] = json.loads(statistics[0])["speakers"] if statistics else []
    if not rows:
        return None
    first = max(rows, key=lambda row: float(row["speakingShare"]))
    return first["name"] or first["speaker"], float(first["speakingShare"])


def _beginning(job: Job, store: ObjectStore) -> tuple[Turn, ...]:
    """From the text as it was counted, with the names that were given: a paragraph for each turn,
    which begins with its speaker (captions.write_txt)."""
    location = transcript_location(job)
    transcript = parse_key(location) if location else None
    if transcript is None:
        return ()
    data = store.head_bytes(exports_key(job.job_id, transcript.stem, "txt"), _FIRST_BYTES) or b""
    paragraphs = data.decode(errors="ignore").split("\n\n")[:_TURNS]
    said = (paragraph.partition(": ") for paragraph in paragraphs)
    return tuple(Turn(speaker, text) for speaker, _, text in said if text.strip())
