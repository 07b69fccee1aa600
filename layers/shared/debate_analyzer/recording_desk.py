"""Where recordings come in, chunk by chunk, and become debates.

One document a session, `manifest.json`, is read, changed by a pure step, and written only if nobody
wrote meanwhile: whatever number of tabs and functions complete chunks at once, none is lost. Every
call may be repeated. What one that died half-way leaves undone, its repetition does.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from debate_analyzer.errors import Conflict, InvalidRequest, NotFound, NotReady, UploadMismatch
from debate_analyzer.importing import MANIFEST, Imports
from debate_analyzer.job import Timestamp, announced, new_job_id
from debate_analyzer.key import is_job_id
from debate_analyzer.language import Language
from debate_analyzer.limits import Limits
from debate_analyzer.mail import check_mail_address
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import (
    EventBus,
    JobTable,
    Ledger,
    ObjectStore,
    StoredObject,
    StoredPart,
)
from debate_analyzer.recording import (
    MAX_CHUNKS,
    Chunk,
    ChunkRequest,
    Manifest,
    SessionRequest,
    document,
    manifest_key,
    new_session_id,
    parse_manifest,
    parse_manifest_key,
    session_prefix,
    user_folder,
)

URL_LIFETIME = timedelta(minutes=5)
# S3's smallest part but for the last: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
PART_BYTES = 5 << 20
# A presigned URL has up to 2 KB where the role's session token is in it, an answer 6 MB at most.
MAX_URLS = 1000
MAX_PAGE = 100

# What is waited between tries of a write, at most: a request has half a minute.
# "Full jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0)
_ENTRY = re.compile(r"[0-9a-f]{12}-[0-9a-f-]{36}")


class ManifestRequest(BaseModel):
    """What a client holds of a recording. What is left out stays as it is; chunks are added to
    those that are known."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(default=None, min_length=1, max_length=200)
    language: Language | None = None
    speakers: int | None = Field(default=None, ge=1, le=50)
    channel_per_speaker: bool | None = None
    notify: str | None = Field(default=None, description="a mail address to write to at the end")
    published: bool | None = None
    chunks: list[ChunkRequest] = Field(default=[], max_length=MAX_CHUNKS)

    _notify = field_validator("notify")(check_mail_address)

    def said(self) -> dict[str, Any]:
        """Of the recording as a whole."""
        said = self.model_dump(exclude={"chunks"}, exclude_none=True)
        if "title" in said and not said["title"].strip():
            del said["title"]
        return said


class RetryRequest(BaseModel):
    """Which chunks are to be sent again; none for all that are not complete."""

    model_config = ConfigDict(extra="forbid")

    seqs: list[int] | None = Field(default=None, max_length=MAX_CHUNKS)


class CompleteRequest(BaseModel):
    """Which chunk was sent."""

    model_config = ConfigDict(extra="forbid")

    seq: int = Field(ge=0, lt=MAX_CHUNKS)


class FinalizeRequest(BaseModel):
    """The end of a recording. `without` names the chunks that are lost for good."""

    model_config = ConfigDict(extra="forbid")

    without: list[int] = Field(default=[], max_length=MAX_CHUNKS)


class ChunkPut(BaseModel):
    """One PUT: so many bytes of the chunk from `offset` on, with these headers as they are."""

    url: str
    headers: dict[str, str]
    offset: int
    bytes: int


class ChunkTarget(BaseModel):
    """Where to send a chunk: one PUT, or several in any order for one of more than 5 MiB. When all
    have succeeded, complete it."""

    seq: int
    key: str
    puts: list[ChunkPut]
    expires_at: Timestamp


class Retry(BaseModel):
    """`completed`: chunks that were in the bucket, and only had not been completed. `chunks`: the
    others, with fresh addresses. `more`: how many there was no room for; ask again for them."""

    completed: list[int]
    chunks: list[ChunkTarget]
    more: int


class SessionState(BaseModel):
    """A recording without its chunks. `missing`: numbers up to the highest one announced that are
    not complete. `job_id`: of the debate that it has become."""

    session_id: str
    state: Literal["recording", "finalized"]
    title: str
    created_at: Timestamp
    bytes: int
    duration_ms: int
    missing: list[int]
    job_id: str | None


class Session(SessionState):
    """A recording, whole."""

    manifest: Manifest


class Completion(BaseModel):
    """A chunk that is complete, and the recording with it."""

    chunk: Chunk
    session: SessionState


class SessionEntry(BaseModel):
    """A recording in a list."""

    session_id: str
    state: Literal["recording", "finalized"]
    title: str
    created_at: Timestamp
    job_id: str | None


class SessionsQuery(BaseModel):
    """A page of the list. `cursor` is the last page's `next_cursor`."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    cursor: str | None = Field(default=None, pattern=f"^{_ENTRY.pattern}$")


class SessionsPage(BaseModel):
    """Newest first."""

    sessions: list[SessionEntry]
    next_cursor: str | None


class _SealedByAnother(Exception):
    """The recording has its debate, and not the one that was counted here."""


@dataclass(frozen=True)
class RecordingDesk:
    """The recordings of one person. `owner` is theirs, as the token has it; `party` is for whom
    limits are counted."""

    owner: str
    party: str
    table: JobTable
    store: ObjectStore
    ledger: Ledger
    bus: EventBus
    imports: Imports
    limits: Limits
    publish_by_default: bool
    now: Callable[[], datetime]
    pause: Callable[[float], None] = time.sleep

    # --- sessions --------------------------------------------------------------------------

    def create(self, request: SessionRequest) -> Session:
        """A recording of which there is nothing yet."""
        now = self.now()
        published = self.publish_by_default if request.published is None else request.published
        manifest = Manifest(
            session_id=new_session_id(now),
            user_id=self._user_id,
            content_type=request.content_type,
            title=(request.title or "").strip() or f"Recording of {now:%Y-%m-%d %H:%M}",
            language=request.language,
            speakers=request.speakers,
            channel_per_speaker=request.channel_per_speaker,
            notify=request.notify,
            published=published,
            created_at=now,
            updated_at=now,
        )
        self._list(manifest)  # first: what is listed can be deleted, whatever becomes of the rest
        self.store.put(manifest.key, document(manifest), "application/json", if_match="")
        return _session(manifest)

    def sessions(self, query: SessionsQuery) -> SessionsPage:
        """Newest first."""
        rows = self.ledger.list(_entries(self._user_id), after=query.cursor, limit=query.limit + 1)
        page = rows[: query.limit]
        more = len(rows) > query.limit
        return SessionsPage(
            sessions=[SessionEntry.model_validate(facts) for _, facts in page],
            next_cursor=page[-1][0] if more else None,
        )

    def get(self, session_id: str) -> Session:
        """Raises NotFound, also for what belongs to others."""
        return _session(self._stored(session_id)[0])

    def upsert(self, session_id: str, request: ManifestRequest) -> Session:
        """What the client knows of the recording, merged into what is known here: all or nothing.

        A chunk that it names is announced, and complete where it lies in the bucket: the client's
        word is not taken for it. Raises NotFound, InvalidChunk, Conflict.
        """

        def step(manifest: Manifest) -> Manifest:
            new = [manifest.new_chunk(chunk) for chunk in request.chunks]
            described = manifest.described(self.now(), **request.said())
            return described.announced(new, self.now()) if new else described

        manifest = self._changed(session_id, step)
        if request.said():
            self._list(manifest)
        if request.chunks:
            manifest = self._take_in(manifest, {chunk.seq for chunk in request.chunks})
        return _session(manifest)

    def delete(self, session_id: str) -> list[str]:
        """The chunks, the manifest, the entry of the list; the debate that came of it stays.

        May be repeated, for what an address that was still good has let in since. Returns what was
        deleted. Raises NotFound where there is nothing, Conflict while the chunks are joined.
        """
        key = self._key(session_id)
        found = self.store.get(key)
        sealed = parse_manifest(found[0]).finalization if found else None
        job = self.table.get(sealed.job_id) if sealed else None
        if job is not None and job.status is Status.UPLOADING:
            raise Conflict(
                "The chunks are being joined. Wait until they are, or delete the debate."
            )
        deleted = erase_session(self.store, self.ledger, key)
        if not deleted:
            raise _no_session()
        return deleted

    # --- chunks ----------------------------------------------------------------------------

    def presign(self, session_id: str, request: ChunkRequest) -> ChunkTarget:
        """Announce a chunk; where to send it, for five minutes. The same again signs anew.

        Raises NotFound, InvalidChunk for times that do not fit the others, Conflict for a number
        that is another chunk's or complete, or where the recording is finalized.
        """
        manifest = self._changed(
            session_id,
            lambda manifest: manifest.announced([manifest.new_chunk(request)], self.now()),
        )
        chunk = manifest.chunk(request.seq)
        if chunk.is_complete:
            raise Conflict(f"Chunk {request.seq} is complete. There is nothing to send.")
        return self._target(manifest, chunk)

    def retry(self, session_id: str, request: RetryRequest) -> Retry:
        """Every chunk that was announced and is not complete: completed where it lies in the
        bucket, with a fresh address where it does not.

        Raises NotFound, also for a number that was never announced, and Conflict where the
        recording is finalized.
        """
        manifest, _ = self._stored(session_id)
        wanted = set(request.seqs if request.seqs is not None else manifest.missing)
        if request.seqs is not None:
            for seq in request.seqs:
                manifest.chunk(seq)
        manifest.check_open()
        before = {chunk.seq for chunk in manifest.complete_chunks}
        manifest = self._take_in(manifest, wanted)
        open_ = [c for c in manifest.chunks if c.seq in wanted and not c.is_complete]
        targets: list[ChunkTarget] = []
        room = MAX_URLS
        for chunk in open_:
            room -= len(_slices(chunk.bytes))
            if room < 0:
                break
            targets.append(self._target(manifest, chunk))
        completed = [c.seq for c in manifest.complete_chunks if c.seq in wanted - before]
        return Retry(completed=completed, chunks=targets, more=len(open_) - len(targets))

    def complete(self, session_id: str, request: CompleteRequest) -> Completion:
        """A chunk was sent: look at it, and take it into the manifest.

        Raises NotFound, NotReady where it is not in the bucket, UploadMismatch, and Conflict where
        the recording is finalized without it.
        """
        found: dict[int, StoredObject] = {}

        def step(manifest: Manifest) -> Manifest:
            chunk = manifest.chunk(request.seq)
            if chunk.is_complete:
                found.clear()
                return manifest
            manifest.check_open()
            if found:
                # Others write at the same time. Whoever wins takes in what the others have sent as
                # well, and these find it done: the more there are, the fewer have to write.
                found.update(self._arrived(manifest))
            else:
                found[chunk.seq] = self._uploaded(chunk)
            return manifest.completed(found, self.now())

        manifest = self._changed(session_id, step)
        chunk = manifest.chunk(request.seq)
        # Also where it was complete: whoever completed it may have died before telling. And of what
        # was taken in for others, who may never come.
        for seq in sorted({chunk.seq, *found}):
            self._tell_of_chunk(manifest, manifest.chunk(seq))
        return Completion(chunk=chunk, session=_state(manifest))

    # --- the end ---------------------------------------------------------------------------

    def finalize(self, session_id: str, request: FinalizeRequest) -> SessionState:
        """Seal the recording; a job joins its chunks, and a debate comes of it.

        Finalized again, the answer is the same, and nothing is done twice that was done. Raises
        NotFound, IncompleteRecording where chunks are missing that `without` does not name, and
        LimitReached, after which it may be finalized later.
        """
        manifest, _ = self._stored(session_id)
        if manifest.finalization is None:
            manifest = self._sealed(manifest, request)
        if manifest.finalization is not None and not manifest.finalization.handed_on:
            self._hand_on(manifest, manifest.finalization.job_id)
            manifest = self._changed(session_id, lambda manifest: manifest.handed_on(self.now()))
        return _state(manifest)

    def _sealed(self, manifest: Manifest, request: FinalizeRequest) -> Manifest:
        """Counted by whoever seals it: another who was faster has counted it already."""
        job_id = new_job_id()
        size = manifest.bytes
        try:
            with self.limits.admitted(self.party, job_id, self.now(), size=size):
                sealed = self._changed(
                    manifest.session_id,
                    lambda newest: newest.finalized(job_id, request.without, self.now()),
                )
                if sealed.finalization is None or sealed.finalization.job_id != job_id:
                    raise _SealedByAnother
        except _SealedByAnother:
            sealed, _ = self._stored(manifest.session_id)
        return sealed

    def _hand_on(self, manifest: Manifest, job_id: str) -> None:
        """Each step may have been taken before, by a call that died later."""
        job = announced(
            owner=self.owner,
            title=manifest.title,
            media=None,
            now=self.now(),
            job_id=job_id,
            published=manifest.published,
            language=manifest.language,
            speakers=manifest.speakers,
            channel_per_speaker=manifest.channel_per_speaker,
            notify=manifest.notify,
            recording=manifest.key,
        )
        self.imports.start(job, {MANIFEST: manifest.key}, self.now())
        self._list(manifest)
        self.bus.send(
            "RecordingFinalized",
            {
                "user_id": manifest.user_id,
                "session_id": manifest.session_id,
                "manifest": manifest.key,
                "job_id": job_id,
                "chunks": len(manifest.complete_chunks),
                "bytes": manifest.bytes,
                "duration_ms": manifest.duration_ms,
            },
        )

    # --- the bucket ------------------------------------------------------------------------

    def _target(self, manifest: Manifest, chunk: Chunk) -> ChunkTarget:
        expires_at = self.now() + URL_LIFETIME
        whole = len(_slices(chunk.bytes)) == 1
        puts = [self._whole(manifest, chunk)] if whole else self._parts(manifest, chunk)
        return ChunkTarget(seq=chunk.seq, key=chunk.key, puts=puts, expires_at=expires_at)

    def _whole(self, manifest: Manifest, chunk: Chunk) -> ChunkPut:
        url, headers = self.store.presigned_put(
            chunk.key,
            content_type=chunk.content_type,
            size=chunk.bytes,
            lifetime=URL_LIFETIME,
            metadata=manifest.metadata(chunk),
        )
        return ChunkPut(url=url, headers=headers, offset=0, bytes=chunk.bytes)

    def _parts(self, manifest: Manifest, chunk: Chunk) -> list[ChunkPut]:
        """Those that are not there yet."""
        upload_id, there = self._multipart(manifest, chunk)
        slices = _slices(chunk.bytes)
        return [
            ChunkPut(
                url=self.store.presigned_part(
                    chunk.key, upload_id, number, size=size, lifetime=URL_LIFETIME
                ),
                headers={},
                offset=(number - 1) * PART_BYTES,
                bytes=size,
            )
            for number, size in enumerate(slices, start=1)
            if (number, size) not in there
        ]

    def _multipart(self, manifest: Manifest, chunk: Chunk) -> tuple[str, set[tuple[int, int]]]:
        """S3's id of the chunk's upload, begun if it has none or an old one has lapsed; and the
        numbers and sizes of the parts that are there."""
        if chunk.upload_id is not None:
            try:
                parts = self.store.parts(chunk.key, chunk.upload_id)
            except NotFound:
                pass
            else:
                return chunk.upload_id, {(part.number, part.bytes) for part in parts}
        mine = self.store.start_multipart(
            chunk.key, chunk.content_type, metadata=manifest.metadata(chunk)
        )
        changed = self._changed(
            manifest.session_id,
            lambda manifest: manifest.begun(
                chunk.seq, mine, instead_of=chunk.upload_id, now=self.now()
            ),
        )
        upload_id = changed.chunk(chunk.seq).upload_id
        if upload_id == mine:
            return mine, set()
        self.store.abort_multipart(chunk.key, mine)
        if upload_id is None:
            raise Conflict(f"Chunk {chunk.seq} is complete. There is nothing to send.")
        return upload_id, set()

    def _uploaded(self, chunk: Chunk) -> StoredObject:
        """The chunk in the bucket, put together if it came in parts. Raises NotReady."""
        found = self.store.head(chunk.key)
        if found is None and chunk.upload_id is not None:
            self._join_parts(chunk, chunk.upload_id)
            found = self.store.head(chunk.key)
        if found is None:
            raise NotReady(
                f"Chunk {chunk.seq} is not in the bucket yet. Send it first; if its address has "
                "expired, ask for a new one."
            )
        if found.bytes != chunk.bytes:
            raise UploadMismatch(
                f"Chunk {chunk.seq} was announced with {chunk.bytes} bytes, and {found.bytes} have "
                "arrived."
            )
        return found

    def _join_parts(self, chunk: Chunk, upload_id: str) -> None:
        try:
            parts = self.store.parts(chunk.key, upload_id)
            _check_parts(chunk, parts)
            self.store.complete_multipart(chunk.key, upload_id, parts)
        except (NotFound, Conflict):
            return  # somebody has joined them a moment ago, or they have lapsed: the bucket knows

    def _take_in(self, manifest: Manifest, wanted: set[int]) -> Manifest:
        """Complete what is in the bucket of the chunks wanted, and tell of it."""
        arrived = self._arrived(manifest)
        found = {seq: there for seq, there in arrived.items() if seq in wanted}
        if not found:
            return manifest
        changed = self._changed(
            manifest.session_id, lambda manifest: manifest.completed(found, self.now())
        )
        for seq in sorted(found):
            self._tell_of_chunk(changed, changed.chunk(seq))
        return changed

    def _arrived(self, manifest: Manifest) -> dict[int, StoredObject]:
        """What is in the bucket of the chunks that are not complete, by one look at all of it."""
        open_ = {chunk.key: chunk for chunk in manifest.chunks if not chunk.is_complete}
        if not open_:
            return {}
        folder = f"{session_prefix(manifest.user_id, manifest.session_id)}chunks/"
        return {
            open_[there.key].seq: there
            for there in self.store.list(folder)
            if there.key in open_ and there.bytes == open_[there.key].bytes
        }

    # --- the manifest ----------------------------------------------------------------------

    @property
    def _user_id(self) -> str:
        return user_folder(self.owner)

    def _key(self, session_id: str) -> str:
        if not is_job_id(session_id):
            raise _no_session()
        return manifest_key(self._user_id, session_id)

    def _stored(self, session_id: str) -> tuple[Manifest, str]:
        found = self.store.get(self._key(session_id))
        if found is None:
            raise _no_session()
        return parse_manifest(found[0]), found[1]

    def _changed(self, session_id: str, step: Callable[[Manifest], Manifest]) -> Manifest:
        """Take `step` on the newest manifest and return it as written.

        `step` may run several times; what it raises ends the change. Raises NotFound, and Conflict
        if others kept writing first.
        """
        for pause in (*_PAUSES, None):
            manifest, version = self._stored(session_id)
            changed = step(manifest)
            if changed is manifest:
                return manifest
            try:
                self.store.put(changed.key, document(changed), "application/json", if_match=version)
            except Conflict:
                if pause is not None:
                    self.pause(random.uniform(0, pause))
                continue
            return changed
        raise Conflict("Many write to this recording at once. Try again in a moment.")

    def _list(self, manifest: Manifest) -> None:
        state = _state(manifest)
        entry = SessionEntry(**state.model_dump(include=set(SessionEntry.model_fields)))
        partition, name = list_entry(manifest.user_id, manifest.session_id)
        self.ledger.put(partition, name, entry.model_dump(mode="json"))

    def _tell_of_chunk(self, manifest: Manifest, chunk: Chunk) -> None:
        said: Mapping[str, Any] = chunk.model_dump(
            mode="json", include={"seq", "key", "t_start", "t_end", "bytes", "content_type", "etag"}
        )
        where = {"user_id": manifest.user_id, "session_id": manifest.session_id}
        self.bus.send("AudioChunkUploaded", {**where, **said})


def erase_session(store: ObjectStore, ledger: Ledger, key: str) -> list[str]:
    """Everything of a recording, by the key of its manifest: chunks, parts on their way, manifest,
    entry of the list. Returns what was deleted. May be repeated, and be interrupted anywhere.

    Raises InvalidRequest for a key that is no manifest's.
    """
    parsed = parse_manifest_key(key)
    if parsed is None:
        raise InvalidRequest(f"{key} is not the manifest of a recording.")
    user_id, session_id = parsed
    if found := store.get(key):
        for chunk in parse_manifest(found[0]).chunks:
            if chunk.upload_id is not None:
                store.abort_multipart(chunk.key, chunk.upload_id)
    deleted = store.delete(session_prefix(user_id, session_id))
    entry = list_entry(user_id, session_id)
    if ledger.get(*entry) is not None:
        ledger.delete(*entry)
        deleted.append(f"entry {session_id} of the list of recordings")
    return deleted


def _no_session() -> NotFound:
    return NotFound("There is no such recording here.")


def _entries(user_id: str) -> str:
    """The ledger's partition of a person's list."""
    return f"recordings#{user_id}"


def list_entry(user_id: str, session_id: str) -> tuple[str, str]:
    """Where the ledger has a recording: the person's list, and in it a name that puts the newest
    first, by the time in the id counted backwards."""
    begun = int(session_id.replace("-", "")[:12], 16)
    return _entries(user_id), f"{(1 << 48) - 1 - begun:012x}-{session_id}"


def _state(manifest: Manifest) -> SessionState:
    sealed = manifest.finalization
    given_up = set(sealed.without) if sealed else set()
    return SessionState(
        session_id=manifest.session_id,
        state="finalized" if sealed else "recording",
        title=manifest.title,
        created_at=manifest.created_at,
        bytes=manifest.bytes,
        duration_ms=manifest.duration_ms,
        missing=[seq for seq in manifest.missing if seq not in given_up],
        job_id=sealed.job_id if sealed else None,
    )


def _session(manifest: Manifest) -> Session:
    return Session(**_state(manifest).model_dump(), manifest=manifest)


def _slices(size: int) -> list[int]:
    """The lengths of a chunk's parts: all have PART_BYTES but the last."""
    return [min(PART_BYTES, size - start) for start in range(0, size, PART_BYTES)]


def _check_parts(chunk: Chunk, parts: Iterable[StoredPart]) -> None:
    """Raises NotReady where not all of the chunk is there, and names what is not."""
    there = {(part.number, part.bytes) for part in parts}
    missing = [
        number
        for number, size in enumerate(_slices(chunk.bytes), start=1)
        if (number, size) not in there
    ]
    if missing:
        raise NotReady(
            f"Of chunk {chunk.seq} the parts {', '.join(map(str, missing))} are not in the bucket "
            "yet. Send them first; if their addresses have expired, ask for new ones."
        )
