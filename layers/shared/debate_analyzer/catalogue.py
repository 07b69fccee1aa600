"""What there is to see of debates, for whoever may see it."""

from __future__ import annotations

import heapq
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from debate_analyzer.caller import Caller
from debate_analyzer.errors import Forbidden, InvalidRequest, NotFound, NotReady
from debate_analyzer.job import Job, Timestamp, timestamp
from debate_analyzer.key import (
    captions_key,
    exports_key,
    is_job_id,
    parse_key,
    private_statistics_key,
    transcript_key,
)
from debate_analyzer.pipeline import Phase, Status, phase_of
from debate_analyzer.ports import JobTable, ObjectStore, Window
from debate_analyzer.unit import Unit

TranscriptFormat = Literal["json", "srt", "vtt", "txt", "csv", "docx"]

MAX_PAGE = 100
_LINK = timedelta(minutes=15)
_VIDEO_LINK = timedelta(hours=1)
_STAGE_SHOWN = {Status.UPLOADING: "upload", Status.TRANSCRIBED: "transcribe"}


class JobView(BaseModel):
    """A job as the API shows it."""

    job_id: str
    title: str
    filename: str | None
    status: Status
    stage: str | None
    progress: float | None
    expected_at: Timestamp | None
    attempt: int
    retry_at: Timestamp | None
    error: dict[str, str] | None
    created_at: Timestamp
    updated_at: Timestamp
    completed_at: Timestamp | None
    duration: float | None
    language: str | None
    model: str | None = Field(description="of speech recognition, where it was asked for")
    speakers: int | None = Field(description="as the user said")
    channel_per_speaker: bool
    speakers_count: int | None
    bytes: int | None
    content_type: str | None
    published: bool
    source_url: str | None = Field(description="where the recording was fetched from")
    data_url: str | None = Field(description="of the statistics, when there are any")
    warnings: list[str]


class VideoLink(BaseModel):
    """The recording, for as long as the link lasts."""

    url: str
    expires_at: Timestamp
    content_type: str


class JobsPage(BaseModel):
    """Newest first. `next_cursor` is None on the last page."""

    jobs: list[JobView]
    next_cursor: str | None


def _written_out(text: object) -> object:
    """pydantic takes a number for seconds since 1970, which the contract does not speak of."""
    if isinstance(text, str) and "-" not in text[1:]:
        raise PydanticCustomError("datetime", "not a time such as 2026-11-21T18:30:00Z")
    return text


_Time = Annotated[AwareDatetime, BeforeValidator(_written_out)]


class ListQuery(BaseModel):
    """Which jobs. `owner` is for those who may see everything."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    status: Status | Phase | None = Field(
        default=None, description="a status, or active for all that are not at an end"
    )
    since: _Time | None = Field(default=None, alias="from", description="created from")
    until: _Time | None = Field(default=None, alias="to", description="created up to")
    owner: str | None = Field(default=None, min_length=1, max_length=256)
    cursor: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


@dataclass(frozen=True)
class Catalogue:
    """Jobs that whoever asks may see: their own, those that nobody announced (`SHARED_OWNER`), and
    all for an admin."""

    table: JobTable
    store: ObjectStore

    def list(self, query: ListQuery, caller: Caller) -> JobsPage:
        """A page of the jobs that the caller may see. Raises InvalidRequest, Forbidden."""
        if caller.is_anonymous:
            raise Forbidden("Nobody signs in here, so there is no list: keep the debates' ids.")
        if query.owner and not caller.is_admin and query.owner not in caller.owners:
            raise Forbidden("Only an admin may list what belongs to others.")
        after = _read_cursor(query.cursor) if query.cursor else None
        window = Window(
            query.since,
            min(filter(None, (query.until, after and after[0])), default=None),
            likely=query.limit
            + 2,  # the one that the cursor names, and one that says there are more
        )
        wanted = (job for job in self._jobs(query, caller, window) if _is_wanted(job, query, after))
        page = list(islice(wanted, query.limit + 1))
        more = len(page) > query.limit
        return JobsPage(
            jobs=[view(job) for job in page[: query.limit]],
            next_cursor=_cursor(page[query.limit - 1]) if more else None,
        )

    def _jobs(self, query: ListQuery, caller: Caller, window: Window) -> Iterator[Job]:
        """Newest first, and more than are wanted."""
        if caller.is_admin and query.owner is None:
            return (job for job in self.table.created_within(window) if is_job_id(job.job_id))
        phase = _phase(query.status)
        owners = (query.owner,) if query.owner else caller.owners
        each = [self.table.owned_by(owner, window, phase=phase) for owner in owners]
        return heapq.merge(*each, key=_place, reverse=True)

    def get(self, job_id: str, caller: Caller) -> Job:
        """Raises NotFound, also for what belongs to others: existence is no one's business."""
        job = self.table.get(job_id) if is_job_id(job_id) else None
        if job is None or not caller.may_read(job):
            raise NotFound("There is no such debate here.")
        return job

    def transcript_url(
        self,
        job: Job,
        format: TranscriptFormat,  # noqa: A002
        *,
        edited: bool = False,
    ) -> str:
        """A link to the transcript, as it was last counted; its JSON only where `edited` is asked
        for, otherwise as it was transcribed. Raises NotReady."""
        key = self._transcript_key(job, format, edited)
        name = f"{_download_stem(job)}.{format}" if format != "vtt" else None
        return self.store.presigned_get(key, lifetime=_LINK, filename=name)

    def _transcript_key(self, job: Job, format: TranscriptFormat, edited: bool) -> str:  # noqa: A002
        location = transcript_location(job)
        original = self.store.head(location) if location else None
        transcript = parse_key(original.key) if original else None
        if original is None or transcript is None:
            raise NotReady("There is no transcript yet. It appears when the recording is done.")
        if format == "json" and not edited:
            return original.key
        exported = self.store.head(exports_key(job.job_id, transcript.stem, format))
        if exported is not None and exported.modified >= original.modified:
            return exported.key  # older, it would be of an earlier transcript
        if format == "json":
            return original.key  # nobody has edited it, or it is not counted yet
        captions = self.store.head(captions_key(job.job_id, transcript.stem, format))
        if captions is None:
            raise NotReady(f"There is no {format} yet. It appears when the debate is complete.")
        return captions.key

    def statistics_url(self, job: Job) -> str:
        """Raises NotReady."""
        if job.figures is None:
            raise NotReady("There are no statistics yet. They appear when the debate is complete.")
        return self.store.presigned_get(private_statistics_key(job.job_id), lifetime=_LINK)

    def video_url(self, job: Job, now: datetime) -> VideoLink:
        """Raises NotReady while nothing has arrived, NotFound where there never was a recording."""
        if job.media is None:
            raise NotFound("This debate came as a transcript, without its recording.")
        if job.media.etag is None:
            raise NotReady("The recording has not arrived yet.")
        return VideoLink(
            url=self.store.presigned_get(job.media.key, lifetime=_VIDEO_LINK),
            expires_at=now + _VIDEO_LINK,
            content_type=job.media.content_type,
        )


def _phase(status: Status | Phase | None) -> Phase | None:
    return phase_of(status) if isinstance(status, Status) else status


def _is_wanted(job: Job, query: ListQuery, after: tuple[datetime, str] | None) -> bool:
    if query.status is not None and query.status not in (job.status, job.phase):
        return False
    return job.phase is not None and (after is None or _place(job) < after)


def _place(job: Job) -> tuple[datetime, str]:
    """Where a job stands in lists."""
    return job.created_at, job.job_id


def _cursor(job: Job) -> str:
    return urlsafe_b64encode(f"{timestamp(job.created_at)} {job.job_id}".encode()).decode()


def _read_cursor(text: str) -> tuple[datetime, str]:
    """The place of the last job that was listed. Raises InvalidRequest."""
    try:
        time, _, job_id = b64decode(text, altchars=b"-_", validate=True).decode().partition(" ")
        created_at = datetime.fromisoformat(time)
    except ValueError:
        created_at, job_id = None, ""
    if created_at is None or created_at.tzinfo is None or not is_job_id(job_id):
        raise InvalidRequest("The cursor is not one that a list gave. Begin without.")
    return created_at, job_id


def view(job: Job) -> JobView:
    """The job without what is nobody's business: keys, claims, versions."""
    return JobView(
        job_id=job.job_id,
        title=job.title or job.source_url or "",  # the site's comes with the recording
        filename=job.media.key.rsplit("/", 1)[-1] if job.media else None,
        status=job.status,
        stage=job.stage.name if job.stage else _STAGE_SHOWN.get(job.status),
        progress=job.progress,
        expected_at=job.expected_at,
        attempt=job.attempt,
        retry_at=datetime.fromtimestamp(job.retry_at, tz=job.created_at.tzinfo)
        if job.retry_at
        else None,
        error={"code": job.fault.code, "message": job.fault.message} if job.fault else None,
        created_at=job.created_at,
        updated_at=job.updated_at,
        completed_at=job.completed_at,
        duration=job.duration,
        language=job.spoken,
        model=job.model,
        speakers=job.speakers,
        channel_per_speaker=job.channel_per_speaker,
        speakers_count=job.speakers_count,
        bytes=job.media.bytes if job.media else None,
        content_type=job.media.content_type if job.media else None,
        published=job.is_public,
        source_url=job.source_url,
        data_url=f"/api/jobs/{job.job_id}/statistics" if job.figures else None,
        warnings=job.warnings,
    )


def transcript_location(job: Job) -> str | None:
    """Where the transcript lies as it was transcribed, or will: the counted one, or that of the
    recording."""
    counted: Unit | None = job.units.get("stats")
    if counted is not None:
        return counted.key
    recording = parse_key(job.media.key) if job.media else None
    return transcript_key(job.job_id, recording.stem) if recording else None


def _download_stem(job: Job) -> str:
    """The recording's own name: it has been checked, which a title has not."""
    recording = parse_key(job.media.key) if job.media else None
    return recording.stem if recording else job.job_id
