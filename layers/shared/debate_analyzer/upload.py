"""What may be uploaded, and under which name."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from debate_analyzer.errors import InvalidUpload
from debate_analyzer.language import LANGUAGES
from debate_analyzer.pipeline import TRANSCRIBE

MAX_NAME_BYTES = 200

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
    size: int
    content_type: str = ""
    title: str | None = Field(default=None, max_length=200)
    language: str | None = None
    speakers: int | None = Field(default=None, ge=1, le=50)
    channel_per_speaker: bool = False

    @field_validator("language")
    @classmethod
    def _is_known(cls, code: str | None) -> str | None:
        if code is not None and code not in LANGUAGES:
            raise PydanticCustomError(
                "unknown_language",
                "{code} is not the code of a language that can be transcribed. Give one such as "
                "en or es, or none: then the language is heard. All: {known}",
                {"code": repr(code[:20]), "known": ", ".join(sorted(LANGUAGES))},
            )
        return code


def check_upload(request: UploadRequest, *, max_bytes: int) -> tuple[str, str]:
    """The file name to keep and the content type to sign. Raises InvalidUpload with a sentence."""
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
        raise InvalidUpload(
            f"The file has {_gib(request.size)}, and {_gib(max_bytes)} is the most that is taken. "
            "Cut it, or save it at a lower picture quality: only the sound is analysed."
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
