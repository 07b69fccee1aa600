"""From the bytes of a transcript to its statistics, wherever the bytes come from."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from batch_images.stats.debate import read_debate
from batch_images.stats.measures import About, measure
from batch_images.stats.reader import read_document
from debate_analyzer.errors import InvalidTranscript
from debate_analyzer.statistics import Statistics
from debate_analyzer.transcript import Warning

# Goes up with every change that changes a figure.
METHOD = "2026-11"


@dataclass(frozen=True)
class Input:
    """A file as it was read. `name` is its key or path, `modified` in UTC."""

    name: str
    data: bytes
    modified: datetime

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def analyse(transcript: Input, *, job_id: str, video_label: str) -> Statistics:
    """The statistics of a transcript: the same input gives the same bytes, on the same versions.

    Raises InvalidTranscript.
    """
    document, unreadable = read_document(transcript.data)
    debate = read_debate(document)
    if document.transcription and not len(debate.segments):
        reasons = " ".join(warning.message for warning in debate.warnings)
        raise InvalidTranscript(f"transcription: no segment can be used. {reasons}")
    seed = int(transcript.sha256[:16], 16)
    about = About(
        job_id=job_id,
        video_label=video_label,
        transcript_key=transcript.name,
        updated_at=_timestamp(transcript.modified),
        warnings=[*_warnings(document.warnings), *unreadable],
        provenance={
            "transcript": document.provenance,
            "statistics": {
                "method": METHOD,
                "seed": seed,
                "inputs": [_described(transcript)],
                "versions": {"python": platform.python_version(), "numpy": np.__version__},
                "command": f"debate stats '{transcript.name}'",
            },
        },
    )
    return measure(debate, about, seed=seed)


def _described(file: Input) -> dict[str, str | int]:
    return {"name": file.name, "bytes": len(file.data), "sha256": file.sha256}


def _timestamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _warnings(given: list[dict[str, object]]) -> list[Warning]:
    """Those of the transcript, as far as they are warnings."""
    return [
        Warning.model_validate(each)
        for each in given
        if isinstance(each.get("code"), str) and isinstance(each.get("message"), str)
    ]
