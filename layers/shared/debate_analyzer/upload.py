"""What may be uploaded, and under which name."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from debate_analyzer.errors import InvalidUpload, UploadTooLarge
from debate_analyzer.job import Timestamp
from debate_analyzer.language import Language
from debate_analyzer.mail import check_mail_address
from debate_analyzer.pipeline import TRANSCRIBE

MAX_NAME_BYTES = 200

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PUT_BYTES = 5 * 2**30
MAX_PARTS = 10_000
_MIB = 2**20
PART_BYTES = 16 * _MIB  # what is sent once more where a connection breaks; S3 wants 5 MiB at least
MULTIPART_BYTES = 100 * _MIB  # from here on in parts, unless the client says otherwise

# Types that browsers and operating systems give to the suffixes, by suffix; the first is ours.
_CONTENT_TYPES: dict[str, tuple[str, ...]] = {
    ".mp4": ("video/mp4", "audio/mp4"),
    ".m4v": ("video/x-m4v", "video/mp4"),
    ".mov": ("video/quicktime",),
    ".mkv": ("video/x-matroska", "video/matroska"),
    ".webm": ("video/webm", "audio/webm"),
    ".avi": ("video/x-msvideo", "video/avi", "video/msvideo", "video/vnd.avi"),
    ".mpg": ("video/mpeg",),
    ".mpeg": ("video/mpeg",),
    ".ts": ("video/mp2t", "video/vnd.dlna.mpeg-tts"),
    ".m4a": ("audio/mp4", "audio/x-m4a", "audio/m4a"),
    ".mp3": ("audio/mpeg", "audio/mp3"),
    ".wav": ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"),
    ".flac": ("audio/flac", "audio/x-flac"),
    ".ogg": ("audio/ogg", "video/ogg", "application/ogg"),
    ".opus": ("audio/ogg", "audio/opus"),
    ".aac": ("audio/aac", "audio/x-aac", "audio/vnd.dlna.adts"),
}


class UploadRequest(BaseModel):
    """What a client says of the file that it wants to send."""

    model_config = ConfigDict(extra="forbid")

    filename: str
    size: int = Field(description="in bytes, exactly")
    content_type: str = ""
    title: str | None = Field(default=None, max_length=200)
    language: Language | None = None
    speakers: int | None = Field(default=None, ge=1, le=50)
    channel_per_speaker: bool = False
    notify: str | None = Field(default=None, description="a mail address to write to at the end")
    published: bool | None = Field(default=None, description="if not as this deployment has it")
    multipart: bool | None = Field(
        default=None, description="in parts or not; left out, in parts where it is large"
    )
    _notify = field_validator("notify")(check_mail_address)


class UploadTarget(BaseModel):
    """Where to send the file, and the headers that must go with it exactly as they are."""

    method: Literal["PUT"] = "PUT"
    url: str
    headers: dict[str, str]
    expires_at: Timestamp


class MultipartTarget(BaseModel):
    """The file goes in `parts` parts of `part_size` bytes, the last of what is left: in any order,
    side by side, each again where it failed. By `expires_at` it has to be complete."""

    method: Literal["MULTIPART"] = "MULTIPART"
    part_size: int
    parts: int
    missing: list[int] = Field(
        description="numbers of parts that have not arrived, the first 1,000 of them"
    )
    expires_at: Timestamp


@dataclass(frozen=True)
class Parts:
    """How a file of `size` bytes is cut for a multipart upload."""

    size: int

    @property
    def part_size(self) -> int:
        """Of all parts but the last. The same whenever it is asked: the row does not keep it."""
        least = -(-self.size // MAX_PARTS)
        return max(PART_BYTES, -(-least // _MIB) * _MIB)

    @property
    def count(self) -> int:
        """How many there are; they are numbered from 1."""
        return -(-self.size // self.part_size)

    def bytes_of(self, number: int) -> int:
        """How many bytes a part has."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)


def check_upload(request: UploadRequest, *, max_bytes: int) -> tuple[str, str]:
    """The file name to keep and the content type to sign. Raises InvalidUpload, of which
    UploadTooLarge is one, with a sentence."""
    name = check_filename(request.filename)
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in TRANSCRIBE.suffixes:
        raise InvalidUpload(
            f"{suffix or 'A file without a suffix'} is not a recording we can read. "
            f"Upload one of: {', '.join(s.lstrip('.') for s in TRANSCRIBE.suffixes)}."
        )
    if request.size <= 0:
        raise InvalidUpload("The file is empty. Check that the recording was saved, and try again.")
    if request.size > max_bytes:
        raise UploadTooLarge(
            f"The file has {_gib(request.size)}, and {_gib(max_bytes)} is the most that is taken. "
            "Cut it, or save it at a lower picture quality: only the sound is analysed."
        )
    if request.multipart is False and request.size > MAX_PUT_BYTES:
        raise UploadTooLarge(
            f"The file has {_gib(request.size)}, and a single request takes {_gib(MAX_PUT_BYTES)}. "
            "Leave multipart out, and send it in parts."
        )
    known = _CONTENT_TYPES[suffix]
    given = request.content_type.split(";")[0].strip().lower()
    if given in ("", "application/octet-stream"):
        return name, known[0]
    if given not in known:
        raise InvalidUpload(
            f"The name ends in {suffix}, but the type given is {given}. "
            f"Rename the file to what it is, or send it as {known[0]}."
        )
    return name, given


def goes_in_parts(request: UploadRequest) -> bool:
    """Whether it is a multipart upload."""
    if request.multipart is None:
        return request.size > MULTIPART_BYTES
    return request.multipart


def check_filename(filename: str) -> str:
    """The name in Unicode's composed form, as it becomes part of a key. Raises InvalidUpload."""
    name = unicodedata.normalize("NFC", filename)
    if "/" in name or "\\" in name or name.strip(". ") == "":
        raise InvalidUpload("The file name must be a plain name, without folders.")
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in name):
        raise InvalidUpload("The file name has control characters in it. Rename the file.")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidUpload(
            f"The file name is longer than {MAX_NAME_BYTES} bytes. Give the file a shorter name."
        )
    return name


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
