"""Search over what was said."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from debate_analyzer.bootstrap import finder
from debate_analyzer.caller import Caller
from debate_analyzer.config import Settings
from debate_analyzer.job import Timestamp
from debate_analyzer.search.finder import Hit, Question

MAX_HITS = 100


class SearchQuery(BaseModel):
    """What is looked for: docs/search.md."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    q: str = Field(
        min_length=1,
        max_length=1000,
        description='words, and "phrases" between quotation marks: all of them in one passage',
    )
    speaker: str | None = Field(
        default=None, min_length=1, max_length=200, description="words of the speaker's name"
    )
    since: date | None = Field(
        default=None, alias="from", description="debates created on this day (UTC) or later"
    )
    until: date | None = Field(
        default=None, alias="to", description="debates created on this day (UTC) or earlier"
    )
    cursor: str | None = Field(default=None, max_length=300)
    limit: int = Field(default=20, ge=1, le=MAX_HITS)


class SnippetPart(BaseModel):
    """A run of plain text."""

    text: str
    match: bool


class SearchHit(BaseModel):
    """A passage of a debate: what one speaker says in a row."""

    job_id: str
    title: str
    created_at: Timestamp
    start: float = Field(description="of what matches first, in seconds of the recording")
    end: float
    speaker: str | None = Field(description="as people call them")
    snippet: list[SnippetPart] = Field(description="in order; joined, a run of what was said")


class SearchPage(BaseModel):
    """Newest debates first. With `next_cursor` there may be more, also where there is no hit."""

    hits: list[SearchHit]
    next_cursor: str | None


def find(query: SearchQuery, caller: Caller, settings: Settings) -> SearchPage:
    """Where something was said, in all debates that the caller may read."""
    question = Question(query.q, query.speaker, query.since, query.until, query.cursor)
    found = finder(settings).find(question, caller, query.limit)
    return SearchPage(hits=[_view(hit) for hit in found.hits], next_cursor=found.cursor)


def _view(hit: Hit) -> SearchHit:
    return SearchHit(
        job_id=hit.job.job_id,
        title=hit.job.title,
        created_at=hit.job.created_at,
        start=hit.start,
        end=hit.end,
        speaker=hit.speaker,
        snippet=[SnippetPart(text=part.text, match=part.match) for part in hit.snippet],
    )
