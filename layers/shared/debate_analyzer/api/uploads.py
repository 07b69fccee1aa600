"""Recordings on their way into the bucket."""

from __future__ import annotations

from pydantic import BaseModel, Field

from debate_analyzer.bootstrap import catalogue, upload_desk
from debate_analyzer.caller import Caller
from debate_analyzer.catalogue import JobView, view
from debate_analyzer.config import Settings
from debate_analyzer.job import Job
from debate_analyzer.upload import MultipartTarget, UploadRequest, UploadTarget
from debate_analyzer.upload_desk import ArrivedParts, Completion, PartsQuery, PartsWanted, PartUrls


class Announced(BaseModel):
    """The job that waits for the file, and where to send it."""

    job: JobView
    upload: UploadTarget | MultipartTarget = Field(discriminator="method")


class UploadState(BaseModel):
    """The job, and where to send what it still waits for; None when nothing is."""

    job: JobView
    upload: UploadTarget | MultipartTarget | None = Field(discriminator="method")


class UploadRules(BaseModel):
    """What a form for uploads need know of this deployment."""

    notify: bool = Field(description="whether mails are sent, and `notify` is of use")


def rules(settings: Settings) -> UploadRules:
    """What can be said with a recording here."""
    return UploadRules(notify=settings.mail_queue_url is not None)


def announce(body: UploadRequest, caller: Caller, settings: Settings) -> Announced:
    """A job that waits for its file, and where to send the file.

    Small files go whole, by one PUT with the headers given; large ones in parts, whose URLs
    `POST /api/uploads/{job_id}/parts` gives.
    """
    job, target = upload_desk(settings).announce(body, caller)
    return Announced(job=view(job), upload=target)


def get(job_id: str, caller: Caller, settings: Settings) -> UploadState:
    """Where the upload stands, with a URL that is new, or the parts that are missing: to go on
    after a reload, a crash, or an hour."""
    job = _job(job_id, caller, settings)
    return UploadState(job=view(job), upload=upload_desk(settings).target(job))


def sign_parts(job_id: str, body: PartsWanted, caller: Caller, settings: Settings) -> PartUrls:
    """Where to PUT these parts, within the hour. As often as you like."""
    return upload_desk(settings).sign(_job(job_id, caller, settings), body.numbers)


def list_parts(job_id: str, query: PartsQuery, caller: Caller, settings: Settings) -> ArrivedParts:
    """The parts that have arrived, by number."""
    return upload_desk(settings).arrived(_job(job_id, caller, settings), query)


def complete(job_id: str, body: Completion, caller: Caller, settings: Settings) -> JobView:
    """All parts are there: they become the recording. Which are missing is said by number."""
    upload_desk(settings).complete(_job(job_id, caller, settings), body.parts)
    return view(_job(job_id, caller, settings))


def abort(job_id: str, caller: Caller, settings: Settings) -> None:
    """The file will not come: the job is cancelled, and what was sent in parts is gone."""
    upload_desk(settings).abort(_job(job_id, caller, settings))


def _job(job_id: str, caller: Caller, settings: Settings) -> Job:
    return catalogue(settings).get(job_id, caller)
