"""Debates: listed, looked at, changed, cancelled, tried again, deleted."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from debate_analyzer.api.answer import Redirect
from debate_analyzer.bootstrap import catalogue, erasure, job_desk
from debate_analyzer.caller import Caller
from debate_analyzer.catalogue import (
    JobsPage,
    JobView,
    ListQuery,
    TranscriptFormat,
    VideoLink,
    view,
)
from debate_analyzer.config import Settings
from debate_analyzer.job import Job, utc_now
from debate_analyzer.job_desk import Changes, RetryRequest


class TranscriptQuery(BaseModel):
    """Which form of the transcript."""

    model_config = ConfigDict(extra="forbid")

    format: TranscriptFormat = "json"
    edited: bool = Field(
        default=False, description="JSON with the edits applied, which other formats have anyway"
    )


class Deleted(BaseModel):
    """What there was of a debate and is no more."""

    job_id: str
    deleted: list[str] = Field(description="keys of the bucket, rows and entries of the index")


def list_jobs(query: ListQuery, caller: Caller, settings: Settings) -> JobsPage:
    """Newest first."""
    return catalogue(settings).list(query, caller)


def get(job_id: str, caller: Caller, settings: Settings) -> JobView:
    """Where the debate stands; `data_url` when it is complete, `expected_at` while it is not."""
    return view(_job(job_id, caller, settings))


def change(job_id: str, body: Changes, caller: Caller, settings: Settings) -> JobView:
    """Another title or language; published, or withdrawn."""
    return view(job_desk(settings).change(_job(job_id, caller, settings), body))


def delete(job_id: str, caller: Caller, settings: Settings) -> Deleted:
    """Everything of it, for good: recording, transcript, statistics, edits, entries and links."""
    return Deleted(job_id=job_id, deleted=erasure(settings).delete(_job(job_id, caller, settings)))


def cancel(job_id: str, caller: Caller, settings: Settings) -> JobView:
    """No more work for it. What is there stays, and it can be tried again."""
    return view(job_desk(settings).cancel(_job(job_id, caller, settings)))


def retry(job_id: str, body: RetryRequest, caller: Caller, settings: Settings) -> JobView:
    """Once more from a stage on, with another model, language or number of speakers if you like."""
    return view(job_desk(settings).retry(_job(job_id, caller, settings), body))


def get_transcript(
    job_id: str, query: TranscriptQuery, caller: Caller, settings: Settings
) -> Redirect:
    """The transcript or its captions, by a link that is good for 15 minutes."""
    job = _job(job_id, caller, settings)
    return Redirect(catalogue(settings).transcript_url(job, query.format, edited=query.edited))


def get_statistics(job_id: str, caller: Caller, settings: Settings) -> Redirect:
    """The statistics, also of a debate that is not published, by a link that is good for 15
    minutes."""
    return Redirect(catalogue(settings).statistics_url(_job(job_id, caller, settings)))


def get_video(job_id: str, caller: Caller, settings: Settings) -> VideoLink:
    """A link to the recording that is good for an hour, and answers Range requests."""
    return catalogue(settings).video_url(_job(job_id, caller, settings), utc_now())


def _job(job_id: str, caller: Caller, settings: Settings) -> Job:
    return catalogue(settings).get(job_id, caller)
