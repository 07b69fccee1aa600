"""From the bytes of a transcript to its statistics, wherever the bytes come from."""

from __future__ import annotations

import hashlib
import platform
import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from batch_images.stats.debate import Debate, check_usable, read_debate
from batch_images.stats.measures import About, measure
from batch_images.stats.reader import read_document
from batch_images.stats.revision import revise
from debate_analyzer.edits import parse_edits
from debate_analyzer.statistics import Statistics
from debate_analyzer.transcript import Warning

# Goes up with every change that changes a figure.
METHOD = "2026-11"


@dataclass(frozen=True)
class Input:
    """A file as it was read. `name` is its key or path, `modified` in UTC. `etag` is what S3 calls
    the content: of a small file its MD5."""

    name: str
    data: bytes
    etag: str
    modified: datetime

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def seed(self) -> int:
        """Of whatever is drawn at random. Of the transcript alone: undone edits leave no trace."""
        return int(self.sha256[:15], 16)


def analyse(
    transcript: Input, *, job_id: str, video_label: str, edits: Input | None = None
) -> Statistics:
    """The statistics of a transcript, as its edits have it: the same inputs give the same bytes, on
    the same versions.

    Raises InvalidTranscript, InvalidEdit.
    """
    debate, about = read(transcript, job_id=job_id, video_label=video_label, edits=edits)
    return measure(debate, about, seed=transcript.seed)


def read(
    transcript: Input, *, job_id: str, video_label: str, edits: Input | None = None
) -> tuple[Debate, About]:
    """What is counted of a transcript: sound, in order, and as its edits have it.

    Raises InvalidTranscript, InvalidEdit.
    """
    document, unreadable = read_document(transcript.data)
    inputs = [transcript, *([edits] if edits else [])]
    about = About(
        job_id=job_id,
        video_label=video_label,
        transcript_key=transcript.name,
        updated_at=_timestamp(max(file.modified for file in inputs)),
        warnings=[*map(Warning.model_validate, document.warnings), *unreadable],
        provenance={"transcript": document.provenance, "statistics": _provenance(inputs)},
    )
    if edits is None:
        debate = read_debate(document)
    else:
        revision = revise(document, parse_edits(edits.data), transcript.etag)
        debate = read_debate(revision.transcript, revision.segments)
        about = replace(
            about,
            warnings=[*about.warnings, *revision.warnings],
            left_out=revision.left_out,
            people=revision.people,
        )
    if not about.left_out:
        check_usable(document, debate)
    return debate, about


def _provenance(inputs: list[Input]) -> dict[str, Any]:
    names = [shlex.quote(file.name) for file in inputs]
    return {
        "method": METHOD,
        "seed": inputs[0].seed,
        "inputs": [
            {"name": file.name, "bytes": len(file.data), "sha256": file.sha256} for file in inputs
        ],
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "command": "debate stats " + " --edits ".join(names),
    }


def _timestamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
