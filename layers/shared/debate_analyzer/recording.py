"""A recording that comes in chunks while it is made: what is known of it, and what may follow.

Everything that is known of a session stands in one document beside its chunks, `Manifest`. Its
methods are pure: each returns the manifest as it would be after the step, or says why the step may
not be taken. `recording_desk.RecordingDesk` writes it only if nobody else wrote first.

Keys, all below the folder of the person whose recording it is:

    users/<user id>/audio/sessions/<session id>/manifest.json
    users/<user id>/audio/sessions/<session id>/chunks/<seq>-<t_start>-<t_end>.<ext>

Whoever joins the chunks reads a manifest that is finalized (`parse_manifest`) and takes
`complete_chunks`: in order, without overlaps, each with its place in time. Chunks are what a
recorder gave, one after the other: pieces of one stream, or files of their own.
"""

from __future__ import annotations

import re
import secrets
import uuid
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    computed_field,
    field_validator,
)

from debate_analyzer.errors import (
    Conflict,
    IncompleteRecording,
    InvalidChunk,
    InvalidRequest,
    NotFound,
)
from debate_analyzer.job import Timestamp
from debate_analyzer.language import Language
from debate_analyzer.mail import check_mail_address
from debate_analyzer.ports import StoredObject

# Twelve hours in chunks of five seconds are 8,640. The manifest of 10,000 has 3 MB: it is written
# anew with each chunk, and a function answers 6 MB at most.
MAX_CHUNKS = 10_000
# A chunk is sent whole within the five minutes that its address is good for: at 7 Mbit/s, this.
MAX_CHUNK_BYTES = 256 << 20
# As long as any recording may be; two days of clock are a mistake in the client's units.
MAX_DURATION_MS = 12 * 60 * 60 * 1000
# Twelve hours of uncompressed speech (16 bit, 48 kHz, mono) are 4.1 GB.
MAX_BYTES = 5 << 30

# What MediaRecorder and other recorders give, and the suffix of a file of it.
EXTENSIONS = {
    "audio/webm": "webm",
    "video/webm": "webm",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "video/mp4": "mp4",
    "audio/mpeg": "mp3",
    "audio/aac": "aac",
    "audio/wav": "wav",
    "audio/flac": "flac",
}

_MANIFEST_KEY = re.compile(
    r"users/(?P<user_id>[A-Za-z0-9._-]+)/audio/sessions/(?P<session_id>[0-9a-f-]{36})/manifest\.json"
)
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_LONGEST_SUBJECT = 255  # https://openid.net/specs/openid-connect-core-1_0.html#IDToken


class ChunkStatus(StrEnum):
    """Where a chunk stands."""

    ANNOUNCED = "announced"
    COMPLETE = "complete"


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True)


class Chunk(_Fact):
    """One chunk. `t_start` and `t_end` are milliseconds since the recording began; `bytes` are as
    announced, then as found in the bucket, as are `content_type` and `etag`."""

    seq: int
    key: str
    t_start: int
    t_end: int
    bytes: int
    content_type: str
    status: ChunkStatus = ChunkStatus.ANNOUNCED
    etag: str | None = None
    upload_id: str | None = Field(default=None, description="S3's, while it comes in parts")

    @property
    def is_complete(self) -> bool:
        return self.status is ChunkStatus.COMPLETE

    def is_same_as(self, other: Chunk) -> bool:
        """Whether both are the same piece of sound, as far as can be said without hearing it."""
        return (self.key, self.bytes) == (other.key, other.bytes)


class Finalization(_Fact):
    """The end of a recording. `without`: chunks that were lost for good, as the client said.
    `handed_on`: the debate, its import and the event are made; until then a repetition makes
    what is missing of them."""

    at: Timestamp
    job_id: str
    without: tuple[int, ...] = ()
    handed_on: bool = False


def _plain_type(content_type: str) -> str:
    """`audio/webm;codecs=opus`, as browsers say it, is audio/webm."""
    plain = content_type.split(";")[0].strip().lower()
    if plain not in EXTENSIONS:
        raise ValueError(f"a recording is one of {', '.join(EXTENSIONS)}")
    return plain


ContentType = Annotated[
    str,
    Field(max_length=200),
    AfterValidator(_plain_type),
    WithJsonSchema(
        {"type": "string", "maxLength": 200, "pattern": f"^({'|'.join(EXTENSIONS)})(;.*)?$"}
    ),
]
"""A type of recordings, as a recorder names it."""


class SessionRequest(BaseModel):
    """What a client says of a recording that it is about to make. All chunks are of one type."""

    model_config = ConfigDict(extra="forbid")

    content_type: ContentType = "audio/webm"
    title: str | None = Field(default=None, max_length=200)
    language: Language | None = None
    speakers: int | None = Field(default=None, ge=1, le=50)
    channel_per_speaker: bool = False
    notify: str | None = Field(default=None, description="a mail address to write to at the end")
    published: bool | None = Field(default=None, description="none: as this deployment has it")

    _notify = field_validator("notify")(check_mail_address)


class ChunkRequest(BaseModel):
    """A chunk as its recorder has it: its number, its place in time in milliseconds since the
    recording began, and its size in bytes. Numbers begin at 0 and are given once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seq: int = Field(ge=0, lt=MAX_CHUNKS)
    t_start: int = Field(ge=0, lt=MAX_DURATION_MS)
    t_end: int = Field(gt=0, le=MAX_DURATION_MS)
    size: int = Field(gt=0, le=MAX_CHUNK_BYTES)


class Manifest(_Fact):
    """A recording session: what lies in `manifest.json`."""

    schema_version: int = 1
    session_id: str
    user_id: str = Field(description="the owner as a folder's name: see user_folder()")
    content_type: str
    title: str
    language: str | None = None
    speakers: int | None = None
    channel_per_speaker: bool = False
    notify: str | None = None
    published: bool
    created_at: Timestamp
    updated_at: Timestamp
    finalization: Finalization | None = None
    chunks: tuple[Chunk, ...] = Field(default=(), description="in order of their numbers")

    @property
    def key(self) -> str:
        return manifest_key(self.user_id, self.session_id)

    @property
    def complete_chunks(self) -> tuple[Chunk, ...]:
        return tuple(chunk for chunk in self.chunks if chunk.is_complete)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def bytes(self) -> int:
        """Of all complete chunks."""
        return sum(chunk.bytes for chunk in self.chunks if chunk.is_complete)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def duration_ms(self) -> int:
        """From the beginning to the end of the last complete chunk."""
        return max((chunk.t_end for chunk in self.chunks if chunk.is_complete), default=0)

    @property
    def missing(self) -> list[int]:
        """Numbers up to the highest one announced of which no complete chunk is known."""
        complete = {chunk.seq for chunk in self.chunks if chunk.is_complete}
        end = self.chunks[-1].seq + 1 if self.chunks else 0
        return [seq for seq in range(end) if seq not in complete]

    def chunk(self, seq: int) -> Chunk:
        """Raises NotFound."""
        place = bisect_left(self.chunks, seq, key=lambda chunk: chunk.seq)
        if place == len(self.chunks) or self.chunks[place].seq != seq:
            raise NotFound(f"Chunk {seq} was never announced. Ask for its address first.")
        return self.chunks[place]

    def new_chunk(self, request: ChunkRequest) -> Chunk:
        """The chunk that a request is about, not yet in the manifest."""
        name = f"{request.seq:05d}-{request.t_start}-{request.t_end}"
        folder = session_prefix(self.user_id, self.session_id)
        return Chunk(
            seq=request.seq,
            key=f"{folder}chunks/{name}.{EXTENSIONS[self.content_type]}",
            t_start=request.t_start,
            t_end=request.t_end,
            bytes=request.size,
            content_type=self.content_type,
        )

    def metadata(self, chunk: Chunk) -> dict[str, str]:
        """What S3 keeps with the chunk, as `x-amz-meta-*`."""
        return {"user-id": self.user_id, "session-id": self.session_id, "seq": str(chunk.seq)}

    def announced(self, chunks: Iterable[Chunk], now: datetime) -> Self:
        """Chunks that are about to come; the same ones again change nothing.

        Raises InvalidChunk for a time that makes no sense or is another chunk's, Conflict where a
        number is another chunk's or the recording is finalized. Then none of them is announced.
        """
        self.check_open()
        known = {chunk.seq: chunk for chunk in self.chunks}
        for chunk in chunks:
            if chunk.t_start >= chunk.t_end:
                raise InvalidChunk(
                    f"Chunk {chunk.seq} ends at {chunk.t_end} ms and begins at {chunk.t_start} ms. "
                    "It must end later than it begins."
                )
            first = known.setdefault(chunk.seq, chunk)
            if not chunk.is_same_as(first):
                raise Conflict(
                    f"Number {chunk.seq} is given to a chunk of {first.bytes} bytes from "
                    f"{first.t_start} to {first.t_end} ms. Give each chunk a number of its own."
                )
        if len(known) == len(self.chunks):
            return self
        ordered = tuple(known[seq] for seq in sorted(known))
        _check_order(ordered)
        if sum(chunk.bytes for chunk in ordered) > MAX_BYTES:
            raise InvalidChunk(
                f"The recording would have more than {MAX_BYTES} bytes. Finalize it, and go on in "
                "another session."
            )
        return self.model_copy(update={"chunks": ordered, "updated_at": now})

    def begun(self, seq: int, upload_id: str, *, instead_of: str | None, now: datetime) -> Self:
        """A chunk comes in parts. Unless somebody else has begun that meanwhile, of whose upload
        `instead_of` knows nothing: then theirs goes on."""
        chunk = self.chunk(seq)
        if chunk.is_complete or chunk.upload_id != instead_of:
            return self
        return self._with([chunk.model_copy(update={"upload_id": upload_id})], now)

    def completed(self, found: Mapping[int, StoredObject], now: datetime) -> Self:
        """Chunks lie in the bucket, by number; the same ones again change nothing.

        Raises NotFound for one that was never announced, Conflict where the recording is finalized
        without it.
        """
        done = [
            chunk.model_copy(
                update={
                    "status": ChunkStatus.COMPLETE,
                    "bytes": there.bytes,
                    "etag": there.etag,
                    "upload_id": None,
                }
            )
            for chunk, there in ((self.chunk(seq), there) for seq, there in found.items())
            if not chunk.is_complete
        ]
        if not done:
            return self
        self.check_open()
        return self._with(done, now)

    def _with(self, changed: list[Chunk], now: datetime) -> Self:
        new = {chunk.seq: chunk for chunk in changed}
        chunks = tuple(new.get(chunk.seq, chunk) for chunk in self.chunks)
        return self.model_copy(update={"chunks": chunks, "updated_at": now})

    def described(self, now: datetime, **changes: Any) -> Self:
        """With another title, language and so on. Raises Conflict where it is finalized."""
        self.check_open()
        if all(getattr(self, name) == value for name, value in changes.items()):
            return self
        return self.model_copy(update={**changes, "updated_at": now})

    def finalized(self, job_id: str, without: Iterable[int], now: datetime) -> Self:
        """Sealed; a recording that is sealed already stays as it is.

        Raises IncompleteRecording where chunks are missing that `without` does not name, and
        InvalidRequest where it names one that is there.
        """
        if self.finalization is not None:
            return self
        given_up = sorted(set(without))
        missing = self.missing
        if there := sorted(set(given_up) - set(missing)):
            raise InvalidRequest(
                f"Nothing is missing of {name_numbers(there)}. "
                "`without` is for chunks that are lost for good."
            )
        if not self.complete_chunks:
            raise IncompleteRecording("There is no complete chunk yet, so there is no recording.")
        if open_ := [seq for seq in missing if seq not in set(given_up)]:
            raise IncompleteRecording(
                f"Of the recording {name_numbers(open_)} "
                f"{'is' if len(open_) == 1 else 'are'} missing. Send and complete what is missing, "
                "or name in `without` what is lost for good."
            )
        sealed = Finalization(at=now, job_id=job_id, without=tuple(given_up))
        return self.model_copy(update={"finalization": sealed, "updated_at": now})

    def handed_on(self, now: datetime) -> Self:
        """All that follows from the finalization was begun."""
        if self.finalization is None:
            raise Conflict("The recording is not finalized.")
        if self.finalization.handed_on:
            return self
        sealed = self.finalization.model_copy(update={"handed_on": True})
        return self.model_copy(update={"finalization": sealed, "updated_at": now})

    def check_open(self) -> None:
        """Raises Conflict where the recording is finalized."""
        if self.finalization is not None:
            raise Conflict("The recording is finalized and takes no more. Begin another session.")


def _check_order(chunks: Sequence[Chunk]) -> None:
    """Numbers and times have one order, and no moment belongs to two chunks."""
    for earlier, later in pairwise(chunks):
        if earlier.t_end > later.t_start:
            raise InvalidChunk(
                f"Chunk {later.seq} begins at {later.t_start} ms, before chunk {earlier.seq} ends "
                f"at {earlier.t_end} ms. Chunks follow one another as their numbers do, and do not "
                "overlap: where one ends the next may begin."
            )


def document(manifest: Manifest) -> bytes:
    """What is kept in the bucket."""
    return manifest.model_dump_json(exclude_none=True).encode()


def parse_manifest(document: bytes) -> Manifest:
    """Read manifest.json. Raises InvalidRequest where it is none."""
    try:
        return Manifest.model_validate_json(document)
    except ValidationError as error:
        raise InvalidRequest("The manifest of this recording cannot be read.") from error


def name_numbers(numbers: list[int]) -> str:
    """`[3, 7, 8, 9]`, which ascend, as "chunks 3, 7-9"; after ten stretches, how many more."""
    stretches: list[list[int]] = []
    for number in numbers:
        if stretches and stretches[-1][1] == number - 1:
            stretches[-1][1] = number
        else:
            stretches.append([number, number])
    named = [str(a) if a == b else f"{a}-{b}" for a, b in stretches[:10]]
    rest = sum(b - a + 1 for a, b in stretches[10:])
    text = ", ".join(named) + (f" and {rest} more" if rest else "")
    return f"chunk{'' if len(numbers) == 1 else 's'} {text}"


def user_folder(owner: str) -> str:
    """The owner as a folder's name: no two owners share one, and none leads anywhere else.

    Letters, digits, `-` and `_` stand for themselves, every other byte of the UTF-8 is `.` and two
    hexadecimal digits: `auth0|7c9e` is `auth0.7C7c9e`. So a name has no `/`, and no dot at its end.
    Raises InvalidRequest for a subject that OpenID Connect does not allow.
    """
    data = owner.encode("utf-8", "surrogatepass")
    if not 0 < len(data) <= _LONGEST_SUBJECT:
        raise InvalidRequest(f"The token's subject must have 1 to {_LONGEST_SUBJECT} bytes.")
    return "".join(chr(byte) if byte in _PLAIN else f".{byte:02X}" for byte in data)


def session_prefix(user_id: str, session_id: str) -> str:
    """One recording: its chunks and its manifest, in this order. `user_id` is from
    user_folder()."""
    return f"users/{user_id}/audio/sessions/{session_id}/"


def manifest_key(user_id: str, session_id: str) -> str:
    """What is known of a recording."""
    return f"{session_prefix(user_id, session_id)}manifest.json"


def parse_manifest_key(key: str) -> tuple[str, str] | None:
    """User and session. None for any other key."""
    match = _MANIFEST_KEY.fullmatch(key)
    return (match["user_id"], match["session_id"]) if match else None


def new_session_id(now: datetime) -> str:
    """A UUID of version 7: 48 bits of milliseconds, so that lists have an order, and 74 that nobody
    can guess. https://www.rfc-editor.org/rfc/rfc9562.html#name-uuid-version-7"""
    milliseconds = int(now.timestamp() * 1000)
    bits = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    return str(uuid.UUID(int=bits | 0b10 << 62 | secrets.randbits(62)))
