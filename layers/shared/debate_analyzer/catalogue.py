"""What a signed-in person may do with debates: announce, list, open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Literal

from pydantic import BaseModel

from debate_analyzer.errors import InvalidRequest, NotFound, NotReady
from debate_analyzer.job import SHARED_OWNER, Job, Media, Timestamp, announced, new_job_id
from debate_analyzer.key import (
    captions_key,
    is_job_id,
    parse_key,
    private_statistics_key,
    transcript_key,
    video_key,
)
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, ObjectStore
from debate_analyzer.unit import Unit
from debate_analyzer.upload import UploadRequest, check_upload

TranscriptFormat = Literal["json", "srt", "vtt", "txt"]

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
    channel_per_speaker: bool
    speakers_count: int | None
    bytes: int | None
    content_type: str | None
    published: bool
    warnings: list[str]


class UploadTarget(BaseModel):
    """Where to send the file, and the headers that must go with it exactly as they are."""

    method: Literal["PUT"] = "PUT"
    url: str
    headers: dict[str, str]
    expires_at: Timestamp


class VideoLink(BaseModel):
    """The recording, for as long as the link lasts."""

    url: str
    expires_at: Timestamp
    content_type: str


@dataclass(frozen=True)
class Catalogue:
    """Jobs of one owner, and those that nobody announced (`SHARED_OWNER`)."""

    table: JobTable
    store: ObjectStore
    max_upload_bytes: int
    upload_url_lifetime: timedelta
    publish_by_default: bool

    def announce(
        self, request: UploadRequest, *, owner: str, now: datetime
    ) -> tuple[Job, UploadTarget]:
        """A new job that waits for its file. Raises InvalidUpload."""
        name, content_type = check_upload(request, max_bytes=self.max_upload_bytes)
        job_id = new_job_id()
        key = video_key(job_id, name)
        job = announced(
            owner=owner,
            title=(request.title or "").strip() or PurePosixPath(name).stem,
            media=Media(key=key, bytes=request.size, content_type=content_type),
            now=now,
            job_id=job_id,
            published=self.publish_by_default,
            language=request.language,
            speakers=request.speakers,
            channel_per_speaker=request.channel_per_speaker,
        )
        url, headers = self.store.presigned_put(
            key, content_type=content_type, size=request.size, lifetime=self.upload_url_lifetime
        )
        self.table.create(job)
        return job, UploadTarget(
            url=url, headers=headers, expires_at=now + self.upload_url_lifetime
        )

    def list(self, *, owner: str, cursor: str | None, limit: int) -> tuple[list[Job], str | None]:
        """Newest first, and the cursor of the next page. Raises InvalidRequest."""
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidRequest(f"limit must be 1 to {MAX_PAGE}, not {limit}.")
        rows = [
            job
            for whose in {owner, SHARED_OWNER}
            for job in self.table.owned_by(whose, before=cursor, limit=limit + 1)
        ]
        rows.sort(key=lambda job: job.created_at, reverse=True)
        page = rows[:limit]
        more = len(rows) > limit
        return page, (page[-1].model_dump()["created_at"] if more else None)

    def get(self, job_id: str, *, owner: str) -> Job:
        """Raises NotFound, also for what belongs to others: existence is no one's business."""
        job = self.table.get(job_id) if is_job_id(job_id) else None
        if job is None or job.owner not in (owner, SHARED_OWNER) or job.status is Status.DELETED:
            raise NotFound("There is no such debate here.")
        return job

    def transcript_url(self, job: Job, format: TranscriptFormat) -> str:  # noqa: A002
        """A link to the transcript or its captions. Raises NotReady."""
        key = transcript_location(job, format)
        if key is None or self.store.head(key) is None:
            raise NotReady("There is no transcript yet. It appears when the recording is done.")
        name = f"{_download_stem(job)}.{format}" if format != "vtt" else None
        return self.store.presigned_get(key, lifetime=_LINK, filename=name)

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


def view(job: Job) -> JobView:
    """The job without what is nobody's business: keys, claims, versions."""
    return JobView(
        job_id=job.job_id,
        title=job.title,
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
        language=job.language,
        channel_per_speaker=job.channel_per_speaker,
        speakers_count=job.speakers_count,
        bytes=job.media.bytes if job.media else None,
        content_type=job.media.content_type if job.media else None,
        published=job.published,
        warnings=job.warnings,
    )


def transcript_location(job: Job, format: TranscriptFormat) -> str | None:  # noqa: A002
    """Beside the recording; a transcript that came by itself has no captions."""
    made: Unit | None = job.units.get("stats")
    if made is not None and format == "json":
        return made.key
    recording = parse_key(job.media.key) if job.media else None
    if recording is None:
        return None
    if format == "json":
        return transcript_key(job.job_id, recording.stem)
    return captions_key(job.job_id, recording.stem, format)


def _download_stem(job: Job) -> str:
    """The recording's own name: it has been checked, which a title has not."""
    recording = parse_key(job.media.key) if job.media else None
    return recording.stem if recording else job.job_id
