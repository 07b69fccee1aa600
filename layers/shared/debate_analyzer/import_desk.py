"""Recordings that somebody points at: on the web, or where they lie in the bucket already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, field_validator

from debate_analyzer.address import check_url
from debate_analyzer.arrival import Arrivals
from debate_analyzer.caller import Caller
from debate_analyzer.change import change
from debate_analyzer.errors import Conflict, Forbidden, InvalidRequest, InvalidUpload, NotFound
from debate_analyzer.importing import ENTRIES, SOURCE, URL, Imports
from debate_analyzer.job import SHARED_OWNER, Job, Media, announced, new_job_id
from debate_analyzer.key import VIDEOS_FOLDER, JobKey, parse_key
from debate_analyzer.language import Language
from debate_analyzer.limits import Limits
from debate_analyzer.mail import check_mail_address
from debate_analyzer.pipeline import STATS, TRANSCRIBE, stage_started_by
from debate_analyzer.ports import StoredObject
from debate_analyzer.upload import UploadRequest, check_filename, check_upload

INCOMING = "incoming/"  # where people with the console put files for somebody to register
_MAX_KEY_BYTES = 1024  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
_FOLDERS = (*TRANSCRIBE.folders[:1], *STATS.folders)  # of a job: what people may point at


class _Known(BaseModel):
    """What is known of a recording beforehand."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(default=None, max_length=200)
    language: Language | None = None
    speakers: int | None = Field(default=None, ge=1, le=50)
    channel_per_speaker: bool | None = None
    notify: str | None = Field(default=None, description="a mail address to write to at the end")
    published: bool | None = Field(default=None, description="if not as this deployment has it")

    _notify = field_validator("notify")(check_mail_address)

    @property
    def said(self) -> dict[str, object]:
        """By the row's fields, without what is not said and what is not simply written."""
        fields = ("language", "speakers", "channel_per_speaker", "notify")
        return {name: said for name in fields if (said := getattr(self, name)) is not None}


class ImportRequest(_Known):
    """A recording on the web, and what is known of it. Without a title it gets the site's."""

    url: str = Field(description="https or http; of a file, or of a page that shows it")
    playlist: int = Field(
        default=1, ge=1, description="how many of a playlist's recordings, each a debate of its own"
    )


class RegisterRequest(_Known):
    """A recording or a transcript that lies in the bucket, and what is known of it."""

    uri: str = Field(
        max_length=2048,
        description="s3://BUCKET/jobs/ID/videos/NAME, s3://BUCKET/jobs/ID/transcripts/NAME.json, "
        "or s3://BUCKET/incoming/NAME, which is copied",
    )


@dataclass(frozen=True)
class ImportDesk:
    """`max_bytes` of an object that is copied, `max_entries` of a playlist."""

    bucket: str
    imports: Imports
    arrivals: Arrivals
    limits: Limits
    max_bytes: int
    max_entries: int
    publish_by_default: bool
    now: Callable[[], datetime]

    def fetch(self, request: ImportRequest, caller: Caller) -> Job:
        """A job whose recording is fetched from the web.

        Raises InvalidAddress, InvalidRequest, LimitReached.
        """
        url = check_url(request.url)
        if request.playlist > self.max_entries:
            raise InvalidRequest(
                f"playlist is {request.playlist}, and {self.max_entries} recordings of a playlist "
                "are the most that are taken at once. Ask for fewer."
            )
        job = self._new(request, caller, new_job_id(), title="", source_url=url)
        with self.limits.admitted(caller.party, job.job_id, self.now()):
            told = {URL: url, ENTRIES: str(request.playlist)}
            return self.imports.start(job, told, self.now())

    def register(self, request: RegisterRequest, caller: Caller) -> Job:
        """The job of an object that lies in the bucket, whose arrival takes its course.

        Raises InvalidRequest, InvalidUpload, NotFound, Forbidden, LimitReached.
        """
        key = self._key(request.uri)
        if key.startswith(INCOMING):
            return self._take_in(key, request, caller)
        job_key = parse_key(key)
        if job_key is None or job_key.folder not in _FOLDERS or stage_started_by(job_key) is None:
            raise InvalidRequest(
                f"Only s3://{self.bucket}/jobs/ID/videos/NAME, …/jobs/ID/transcripts/NAME.json and "
                f"s3://{self.bucket}/{INCOMING}NAME can be registered, and recordings in the "
                "formats that can be uploaded."
            )
        return self._own(job_key, request, caller)

    def _key(self, uri: str) -> str:
        prefix = f"s3://{self.bucket}/"
        if not uri.startswith(prefix):
            raise InvalidRequest(f"uri must begin with {prefix}: nothing else is read.")
        key = uri.removeprefix(prefix)
        if len(key.encode()) > _MAX_KEY_BYTES:
            raise InvalidRequest(f"uri: a key has {_MAX_KEY_BYTES} bytes at most.")
        for name in key.split("/"):
            check_filename(name)
        return key

    # --- below jobs/ ------------------------------------------------------------------------------

    def _own(self, key: JobKey, request: RegisterRequest, caller: Caller) -> Job:
        """Whoever registers what nobody has announced, owns it. It arrives as its event has it
        arrive, which may come before, after and too."""
        found = self._found(str(key))
        media = _media(found) if key.folder == VIDEOS_FOLDER else None
        row = self._new(
            request, caller, key.job_id, title=PurePosixPath(key.stem).name, media=media
        )
        try:
            self.imports.table.create(row)
        except Conflict:
            change(
                self.imports.table, key.job_id, lambda row: self._taken_over(row, request, caller)
            )
        self.arrivals.receive(str(key), self.now())
        return self.imports.table.get(key.job_id) or row

    def _taken_over(self, row: Job, request: RegisterRequest, caller: Caller) -> Job:
        """Raises NotFound for what is somebody else's."""
        if not caller.may_change(row):
            raise NotFound(_NOTHING)
        described = row.described(
            self.now(),
            title=(request.title or row.title).strip(),
            language=request.language or row.language,
        )
        if request.published is not None and request.published != row.published:
            turn = Job.republished if request.published else Job.unpublished
            described = turn(described, self.now())
        said = dict(request.said)
        if row.owner == SHARED_OWNER:
            said["owner"] = caller.owner
        return described.model_copy(update=said)

    # --- incoming/ --------------------------------------------------------------------------------

    def _take_in(self, key: str, request: RegisterRequest, caller: Caller) -> Job:
        if caller.is_anonymous:  # names there can be guessed, and nothing says whose they are
            raise Forbidden(f"Nobody signs in here, so nothing is taken from {INCOMING}.")
        name = PurePosixPath(key).name
        is_transcript = PurePosixPath(name).suffix.lower() in STATS.suffixes
        if not is_transcript and PurePosixPath(name).suffix.lower() not in TRANSCRIBE.suffixes:
            raise InvalidUpload(
                f"{name} is neither a recording that we can read nor a transcript (.json)."
            )
        found = self._found(key)
        if not is_transcript:
            check_upload(UploadRequest(filename=name, size=found.bytes), max_bytes=self.max_bytes)
        job = self._new(request, caller, new_job_id(), title=PurePosixPath(name).stem)
        with self.limits.admitted(caller.party, job.job_id, self.now(), size=found.bytes):
            return self.imports.start(job, {SOURCE: key}, self.now())

    def _found(self, key: str) -> StoredObject:
        found = self.arrivals.store.head(key)
        if found is None:
            raise NotFound(_NOTHING)
        return found

    def _new(
        self,
        request: _Known,
        caller: Caller,
        job_id: str,
        *,
        title: str,
        media: Media | None = None,
        source_url: str | None = None,
    ) -> Job:
        published = request.published
        return announced(
            owner=caller.owner,
            title=(request.title or "").strip() or title,
            media=media,
            now=self.now(),
            job_id=job_id,
            published=self.publish_by_default if published is None else published,
            source_url=source_url,
            **request.said,
        )


_NOTHING = "There is nothing at this place that you could register."


def _media(found: StoredObject) -> Media:
    return Media(key=found.key, bytes=found.bytes, content_type=found.content_type)
