"""Every expected failure, by name.

DebateError                what a user can be told: a code and a sentence
├── InvalidInput           the request or the file is at fault; trying again changes nothing
│   ├── InvalidUpload          an upload was announced that would be refused
│   ├── UploadMismatch         what arrived is not what was announced
│   ├── InvalidMedia           the file cannot be read as audio or video
│   │   ├── EmptyFile
│   │   ├── TruncatedMedia
│   │   ├── NoAudioTrack
│   │   └── NoSpeech
│   ├── UnknownLanguage        a language that cannot be transcribed
│   ├── InvalidTranscript      a .json under transcripts/ that is not a transcript
│   ├── InvalidEdit            an edit that makes no sense of its debate
│   ├── InvalidRequest         the API was asked for something that makes no sense
│   ├── InvalidAddress         a URL that nothing is fetched from
│   └── DownloadFailed         a URL that gives no recording, or none that is taken
├── NotFound               no such job, or not yours
├── NotReady               the job exists, what was asked of it does not exist yet
├── Conflict               somebody else changed the row first; nothing was written
├── WorkerLost             the machine under a job went away; the file may be fine
└── Misconfigured          the deployment lacks something; only its owner can mend it

A failure that is not in this tree is a defect or an outage, and is retried.
"""

from __future__ import annotations

from typing import ClassVar


class DebateError(Exception):
    """Base of the tree. `str(error)` is a sentence for the user: what, why, what to do."""

    code: ClassVar[str] = "internal"


class InvalidInput(DebateError):
    """Permanent: the same input will fail again."""

    code = "invalid_input"


class InvalidUpload(InvalidInput):
    """An announced upload that would be refused."""

    code = "invalid_upload"


class UploadMismatch(InvalidInput):
    """The object in the bucket differs in size or type from what was announced."""

    code = "upload_mismatch"


class InvalidMedia(InvalidInput):
    """The file cannot be read as audio or video."""

    code = "invalid_media"


class EmptyFile(InvalidMedia):
    """The file has no bytes, or no samples."""

    code = "empty_file"


class TruncatedMedia(InvalidMedia):
    """The file ends before its header says."""

    code = "truncated_media"


class NoAudioTrack(InvalidMedia):
    """A video without sound."""

    code = "no_audio_track"


class NoSpeech(InvalidMedia):
    """Sound without speech."""

    code = "no_speech"


class UnknownLanguage(InvalidInput):
    """A language that Whisper, or the model in use, does not know."""

    code = "unknown_language"


class InvalidTranscript(InvalidInput):
    """A .json under transcripts/ that is not a transcript."""

    code = "invalid_transcript"


class InvalidEdit(InvalidInput):
    """What somebody says of a debate makes no sense of it, or there is too much of it."""

    code = "invalid_edit"


class InvalidRequest(InvalidInput):
    """An API request that makes no sense as it stands."""

    code = "invalid_request"


class InvalidAddress(InvalidInput):
    """A URL that is none, or leads to where nothing is fetched from."""

    code = "invalid_address"


class DownloadFailed(InvalidInput):
    """The site gives no recording, or one that is too large, too long or still live."""

    code = "download_failed"


class NotFound(DebateError):
    """There is no such thing, or it belongs to somebody else."""

    code = "not_found"


class NotReady(DebateError):
    """The thing does not exist yet."""

    code = "not_ready"


class Conflict(DebateError):
    """A conditional write found the row changed."""

    code = "conflict"


class WorkerLost(DebateError):
    """A worker died with this file in its hands."""

    code = "worker_lost"


class Misconfigured(DebateError):
    """A setting or a model is missing."""

    code = "misconfigured"
