"""Recordings that come in chunks while they are made: docs/recordings.md."""

from __future__ import annotations

from pydantic import BaseModel, Field

from debate_analyzer.bootstrap import recording_desk
from debate_analyzer.caller import Caller
from debate_analyzer.config import Settings
from debate_analyzer.recording import ChunkRequest, SessionRequest
from debate_analyzer.recording_desk import (
    ChunkTarget,
    CompleteRequest,
    Completion,
    FinalizeRequest,
    ManifestRequest,
    Retry,
    RetryRequest,
    Session,
    SessionsPage,
    SessionsQuery,
    SessionState,
)


class DeletedSession(BaseModel):
    """What there was of a recording and is no more. The debate that came of it stays."""

    session_id: str
    deleted: list[str] = Field(description="keys of the bucket, and the entry of the list")


def create(body: SessionRequest, caller: Caller, settings: Settings) -> Session:
    """A recording of which there is nothing yet."""
    return recording_desk(settings, caller).create(body)


def list_sessions(query: SessionsQuery, caller: Caller, settings: Settings) -> SessionsPage:
    """Your recordings, newest first. Where nobody signs in, none are listed: whoever knows a
    recording's id has it."""
    if caller.is_anonymous:
        return SessionsPage(sessions=[], next_cursor=None)
    return recording_desk(settings, caller).sessions(query)


def get(session_id: str, caller: Caller, settings: Settings) -> Session:
    """The recording with its manifest; `job_id` names the debate once it is finalized."""
    return recording_desk(settings, caller).get(session_id)


def delete(session_id: str, caller: Caller, settings: Settings) -> DeletedSession:
    """Chunks and manifest. The debate that came of them stays; deleting it deletes them, too."""
    deleted = recording_desk(settings, caller).delete(session_id)
    return DeletedSession(session_id=session_id, deleted=deleted)


def presign(session_id: str, body: ChunkRequest, caller: Caller, settings: Settings) -> ChunkTarget:
    """Announce a chunk; where to PUT it, for five minutes. The same again signs anew."""
    return recording_desk(settings, caller).presign(session_id, body)


def retry(session_id: str, body: RetryRequest, caller: Caller, settings: Settings) -> Retry:
    """Fresh addresses for all chunks that failed, or for those named, in one call."""
    return recording_desk(settings, caller).retry(session_id, body)


def complete(
    session_id: str, body: CompleteRequest, caller: Caller, settings: Settings
) -> Completion:
    """A chunk was sent: it is looked for in the bucket, and taken into the manifest."""
    return recording_desk(settings, caller).complete(session_id, body)


def upsert(session_id: str, body: ManifestRequest, caller: Caller, settings: Settings) -> Session:
    """What you hold of the recording, merged into what is known here."""
    return recording_desk(settings, caller).upsert(session_id, body)


def finalize(
    session_id: str, body: FinalizeRequest, caller: Caller, settings: Settings
) -> SessionState:
    """Seal the recording: its chunks are joined and become the debate `job_id`. Again, the answer
    is the same."""
    return recording_desk(settings, caller).finalize(session_id, body)
