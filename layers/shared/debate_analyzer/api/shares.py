"""Share links: a debate for whoever has the link, to read and nothing else."""

from __future__ import annotations

from pydantic import BaseModel, Field

from debate_analyzer.api.answer import Redirect
from debate_analyzer.api.jobs import TranscriptQuery
from debate_analyzer.bootstrap import catalogue, edit_desk, job_table, ledger
from debate_analyzer.caller import Caller
from debate_analyzer.catalogue import VideoLink
from debate_analyzer.config import Settings
from debate_analyzer.edit_desk import EditsView
from debate_analyzer.errors import Forbidden, NotFound
from debate_analyzer.job import Job, Timestamp, utc_now
from debate_analyzer.pipeline import Status
from debate_analyzer.share import Share, Shares


class SharesList(BaseModel):
    """The oldest first."""

    shares: list[Share]


class SharedDebate(BaseModel):
    """A debate, without what is its owner's business."""

    title: str
    status: Status
    created_at: Timestamp
    completed_at: Timestamp | None
    duration: float | None
    language: str | None = Field(validation_alias="spoken")
    speakers_count: int | None
    warnings: list[str]


def make(job_id: str, caller: Caller, settings: Settings) -> Share:
    """A link that gives read access to this one debate, until it is revoked."""
    job = _own(job_id, caller, settings)
    return Shares(ledger(settings)).make(job.job_id, utc_now())


def list_shares(job_id: str, caller: Caller, settings: Settings) -> SharesList:
    """The links that are good."""
    job = _own(job_id, caller, settings)
    return SharesList(shares=Shares(ledger(settings)).of(job.job_id))


def revoke(job_id: str, share_id: str, caller: Caller, settings: Settings) -> None:
    """From now on the link leads nowhere. URLs of files that it led to are good for an hour at
    most."""
    job = _own(job_id, caller, settings)
    Shares(ledger(settings)).revoke(job.job_id, share_id)


def get(share_id: str, settings: Settings) -> SharedDebate:
    """What the debate is."""
    return SharedDebate.model_validate(_shared(share_id, settings), from_attributes=True)


def get_transcript(share_id: str, query: TranscriptQuery, settings: Settings) -> Redirect:
    """As the debate's own."""
    job = _shared(share_id, settings)
    return Redirect(catalogue(settings).transcript_url(job, query.format, edited=query.edited))


def get_statistics(share_id: str, settings: Settings) -> Redirect:
    """As the debate's own."""
    return Redirect(catalogue(settings).statistics_url(_shared(share_id, settings)))


def get_video(share_id: str, settings: Settings) -> VideoLink:
    """As the debate's own."""
    return catalogue(settings).video_url(_shared(share_id, settings), utc_now())


def get_edits(share_id: str, settings: Settings) -> EditsView:
    """As the debate's own, without who said it."""
    edits = edit_desk(settings).history(_shared(share_id, settings))
    unsigned = tuple(entry.model_copy(update={"by": ""}) for entry in edits.entries)
    return edits.model_copy(update={"entries": unsigned})


def _own(job_id: str, caller: Caller, settings: Settings) -> Job:
    job = catalogue(settings).get(job_id, caller)
    if caller.is_anonymous:
        # The keys of files name the debate, and here its id would allow everything.
        raise Forbidden(
            "Nobody signs in here, so whoever can read a debate can change and delete it, too: "
            "there are no links for readers."
        )
    if not caller.may_change(job):
        raise Forbidden("You may read this debate, and not say who else may.")
    return job


def _shared(share_id: str, settings: Settings) -> Job:
    job = job_table(settings).get(Shares(ledger(settings)).job_id(share_id))
    if job is None or job.status is Status.DELETED:
        raise NotFound("There is no such link, or it was revoked.")
    return job
