"""The transcript: what was said, by whom, and when, as one JSON document.

The document is read by others (dashboards, notebooks, the statistics job), so it only grows:
`duration`, `speakers_count` and `transcription` keep the meaning they have had from the start.
Every time is in seconds from the start of the recording, every probability is 0 to 1.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from debate_analyzer.errors import InvalidTranscript


class _Document(BaseModel):
    """Unknown fields are kept: a newer writer must not lose data by way of an older reader."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


class _Span(_Document):
    start: float = Field(ge=0)
    end: float = Field(ge=0)

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> _Span:
        if self.end < self.start:
            raise ValueError(f"end {self.end} is before start {self.start}")
        return self

    @property
    def duration(self) -> float:
        return self.end - self.start


class Word(_Span):
    """One recognised word. `speaker` is None where nobody can be given the word."""

    word: str
    probability: float = Field(default=1.0, ge=0, le=1)
    speaker: str | None = None


class Segment(_Span):
    """Words of one speaker in a row. `confidence` is the mean probability of its words."""

    text: str
    speaker: str | None = None
    confidence: float = Field(default=1.0, ge=0, le=1)
    words: list[Word] = []


class Turn(_Span):
    """One speaker heard speaking, as the diarization heard it: turns may overlap."""

    speaker: str


class Warning(_Document):  # noqa: A001 - the field's word for it
    """Something the reader should know before trusting the figures, with its time span if any."""

    code: str
    message: str
    start: float | None = None
    end: float | None = None


class Source(_Document):
    """The media file the transcript was made from. `duration` is what its container claims."""

    key: str
    bytes: int = Field(default=0, ge=0)
    sha256: str | None = None
    duration: float | None = None


class Transcript(_Document):
    """A whole recording. Only `duration` and `transcription` are required of foreign files."""

    schema_version: Literal[1] = 1
    job_id: str | None = None
    source: Source | None = None
    duration: float = Field(ge=0)
    speakers_count: int = Field(default=0, ge=0)
    language: str | None = None
    language_probability: float | None = None
    transcription: list[Segment]
    turns: list[Turn] = []
    warnings: list[Warning] = []
    provenance: dict[str, Any] = {}


def parse_transcript(data: bytes | str) -> Transcript:
    """Read a transcript document. Raises InvalidTranscript with the first thing that is wrong."""
    try:
        return Transcript.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise InvalidTranscript(f"{where}: {first['msg']}") from error
