"""Recordings on their way into the bucket: announced, sent whole or in parts, arrived or given up.

The bytes never pass through here. Whatever a client loses (a connection, a URL that has expired,
itself), it asks for the state and goes on with what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field

from debate_analyzer.caller import Caller
from debate_analyzer.change import change
from debate_analyzer.errors import Conflict, IncompleteUpload, InvalidRequest, NotFound
from debate_analyzer.job import UPLOAD_LIFETIME, Job, Media, Timestamp, announced, new_job_id
from debate_analyzer.key import video_key
from debate_analyzer.limits import Limits
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, ObjectStore, StoredPart
from debate_analyzer.upload import (
    MAX_PARTS,
    MultipartTarget,
    Parts,
    UploadRequest,
    UploadTarget,
    check_upload,
    goes_in_parts,
)

MANY_PARTS = 1000  # signed, or listed, at once
_NAMED = 20  # parts in a sentence


class PartsWanted(BaseModel):
    """The parts that are to be sent next."""

    model_config = ConfigDict(extra="forbid")

    numbers: list[int] = Field(min_length=1, max_length=MANY_PARTS)


class PartUrl(BaseModel):
    """Where to PUT a part of exactly so many bytes."""

    number: int
    bytes: int
    url: str


class PartUrls(BaseModel):
    """They can be asked for again and again."""

    urls: list[PartUrl]
    expires_at: Timestamp


class ArrivedPart(BaseModel):
    """A part that is in the bucket."""

    number: int
    bytes: int
    etag: str


class PartsQuery(BaseModel):
    """Which of the parts that have arrived."""

    model_config = ConfigDict(extra="forbid")

    cursor: int = Field(default=0, ge=0, le=MAX_PARTS)
    limit: int = Field(default=MANY_PARTS, ge=1, le=MANY_PARTS)


class ArrivedParts(BaseModel):
    """By number. `next_cursor` is None on the last page."""

    parts: list[ArrivedPart]
    next_cursor: int | None


class SentPart(BaseModel):
    """A part as its sender knows it: `etag` is a header of the answer to its PUT."""

    model_config = ConfigDict(extra="forbid")

    number: int
    etag: str = Field(max_length=100)


class Completion(BaseModel):
    """`parts`: what was sent, to be held against what has arrived; it may be left out."""

    model_config = ConfigDict(extra="forbid")

    parts: list[SentPart] = Field(default=[], max_length=MAX_PARTS)


@dataclass(frozen=True)
class UploadDesk:
    """For jobs that whoever asks may change."""

    table: JobTable
    store: ObjectStore
    limits: Limits
    max_bytes: int
    url_lifetime: timedelta
    publish_by_default: bool
    now: Callable[[], datetime]

    def announce(
        self, request: UploadRequest, caller: Caller
    ) -> tuple[Job, UploadTarget | MultipartTarget]:
        """A new job that waits for its file. Raises InvalidUpload, LimitReached."""
        name, content_type = check_upload(request, max_bytes=self.max_bytes)
        job_id = new_job_id()
        media = Media(key=video_key(job_id, name), bytes=request.size, content_type=content_type)
        published = request.published
        with self.limits.admitted(caller.party, job_id, self.now(), size=request.size):
            # Where the row is never written, the bucket's lifecycle clears the upload away.
            upload_id = (
                self.store.start_multipart(media.key, content_type)
                if goes_in_parts(request)
                else None
            )
            job = announced(
                owner=caller.owner,
                title=(request.title or "").strip() or PurePosixPath(name).stem,
                media=media,
                now=self.now(),
                job_id=job_id,
                published=self.publish_by_default if published is None else published,
                language=request.language,
                speakers=request.speakers,
                channel_per_speaker=request.channel_per_speaker,
                notify=request.notify,
                upload_id=upload_id,
            )
            self.table.create(job)
        return job, self._target(job, media, [])

    def target(self, job: Job) -> UploadTarget | MultipartTarget | None:
        """Where to send what has not arrived yet, with URLs that are new; None where all has."""
        media = _upload(job)
        if job.status is not Status.UPLOADING or self.store.head(media.key):
            return None
        return self._target(job, media, self._arrived(job, media))

    def _target(
        self, job: Job, media: Media, arrived: Sequence[StoredPart]
    ) -> UploadTarget | MultipartTarget:
        if job.upload_id is not None:
            parts = Parts(media.bytes)
            there = {part.number for part in arrived}
            missing = (n for n in range(1, parts.count + 1) if n not in there)
            return MultipartTarget(
                part_size=parts.part_size,
                parts=parts.count,
                missing=list(islice(missing, MANY_PARTS)),
                expires_at=job.created_at + UPLOAD_LIFETIME,
            )
        url, headers = self.store.presigned_put(
            media.key,
            content_type=media.content_type,
            size=media.bytes,
            lifetime=self.url_lifetime,
        )
        return UploadTarget(url=url, headers=headers, expires_at=self.now() + self.url_lifetime)

    # --- parts -----------------------------------------------------------------------------

    def sign(self, job: Job, numbers: Sequence[int]) -> PartUrls:
        """Where to send these parts. Raises InvalidRequest, Conflict where none are awaited."""
        media, upload_id = _multipart(job)
        parts = Parts(media.bytes)
        _check_numbers(numbers, parts)
        urls = [
            PartUrl(
                number=number,
                bytes=parts.bytes_of(number),
                url=self.store.presigned_part(
                    media.key,
                    upload_id,
                    number,
                    size=parts.bytes_of(number),
                    lifetime=self.url_lifetime,
                ),
            )
            for number in numbers
        ]
        return PartUrls(urls=urls, expires_at=self.now() + self.url_lifetime)

    def arrived(self, job: Job, query: PartsQuery) -> ArrivedParts:
        """The parts that are there. Raises Conflict where none are awaited."""
        media, _ = _multipart(job)
        found = self._arrived(job, media, after=query.cursor, limit=query.limit + 1)
        page = found[: query.limit]
        return ArrivedParts(
            parts=[ArrivedPart(number=p.number, bytes=p.bytes, etag=p.etag) for p in page],
            next_cursor=page[-1].number if len(found) > query.limit else None,
        )

    def _arrived(
        self, job: Job, media: Media, *, after: int = 0, limit: int | None = None
    ) -> Sequence[StoredPart]:
        if job.upload_id is None:
            return []
        try:
            return self.store.parts(media.key, job.upload_id, after=after, limit=limit)
        except NotFound as error:
            raise Conflict(
                "The parts are no longer there: the upload was completed a moment ago, or has "
                "lapsed. Look at the debate; if it still waits for its file, announce it anew."
            ) from error

    # --- the end ---------------------------------------------------------------------------

    def complete(self, job: Job, said: Sequence[SentPart]) -> None:
        """The parts become the recording, whose arrival in the bucket does the rest. Completed
        twice is completed once.

        Raises IncompleteUpload, which names the parts that are missing or are not what was to be
        sent; Conflict where the upload was given up or has lapsed.
        """
        media = _upload(job)
        if media.etag is not None or self.store.head(media.key):
            return
        media, upload_id = _multipart(job)
        parts = Parts(media.bytes)
        _check_numbers([part.number for part in said], parts)
        try:
            arrived = self._arrived(job, media)
            _check_whole(arrived, said, parts)
            self.store.complete_multipart(media.key, upload_id, arrived)
        except (Conflict, NotFound):
            # Another call was faster, or it has lapsed: the object tells.
            if self.store.head(media.key) is None:
                raise

    def abort(self, job: Job) -> None:
        """Nothing more is awaited, and nothing stays of what was sent in parts. Given up twice is
        given up once. Raises Conflict where the recording has arrived."""
        media = _upload(job)

        def step(job: Job) -> Job:
            if job.status is Status.CANCELLED:
                return job
            if job.status is not Status.UPLOADING:
                raise Conflict(f"The recording has arrived and is {job.status}. Cancel the debate.")
            return job.cancelled(self.now())

        change(self.table, job.job_id, step)
        if job.upload_id is not None:
            self.store.abort_multipart(media.key, job.upload_id)


def _upload(job: Job) -> Media:
    """Raises NotFound for what comes by another way."""
    if job.media is None or job.importing is not None:
        raise NotFound("Nobody uploads this debate: it came, or comes, by another way.")
    return job.media


def _multipart(job: Job) -> tuple[Media, str]:
    media = _upload(job)
    if job.upload_id is None:
        raise Conflict("This file is sent whole, by one PUT, and not in parts.")
    if job.status is not Status.UPLOADING:
        raise Conflict(f"No parts are awaited any more: the debate is {job.status}.")
    return media, job.upload_id


def _check_numbers(numbers: Sequence[int], parts: Parts) -> None:
    if wrong := [number for number in numbers if not 1 <= number <= parts.count]:
        raise InvalidRequest(
            f"The file has parts 1 to {parts.count} of {parts.part_size} bytes, and no part "
            f"{_listed(wrong)}."
        )


def _check_whole(arrived: Sequence[StoredPart], said: Sequence[SentPart], parts: Parts) -> None:
    there = {part.number: part for part in arrived}
    missing = [number for number in range(1, parts.count + 1) if number not in there]
    # A URL fixes its part's size; this is for writers that need no URL.
    other = {n for n, part in there.items() if n > parts.count or part.bytes != parts.bytes_of(n)}
    other |= {
        part.number
        for part in said
        if part.number in there and there[part.number].etag != part.etag.strip('"')
    }
    wrong = [
        f"{what}: {_listed(sorted(numbers))}"
        for what, numbers in (("missing", missing), ("not what was to be sent", other))
        if numbers
    ]
    if wrong:
        raise IncompleteUpload(
            f"Of {parts.count} parts some are {'; '.join(wrong)}. Send those, and complete again."
        )


def _listed(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return ", ".join(map(str, numbers[:_NAMED])) + more
