"""Every expected failure, by name.

DebateError                what a user can be told: a code and a sentence
├── InvalidInput           the request or the file is at fault; trying again changes nothing
│   ├── InvalidUpload          an upload was announced that would be refused
│   │   └── UploadTooLarge         by its size alone
│   ├── UploadMismatch         what arrived is not what was announced
│   ├── InvalidMedia           the file cannot be read as audio or video
│   │   ├── EmptyFile
│   │   ├── NoRecording            the file is plainly something else
│   │   ├── TruncatedMedia
│   │   ├── NoAudioTrack
│   │   └── NoSpeech
│   ├── UnknownLanguage        a language that cannot be transcribed
│   ├── UnknownModel           a model of speech recognition that there is not
│   ├── InvalidTranscript      a .json under transcripts/ that is not a transcript
│   ├── InvalidEdit            an edit that makes no sense of its debate
│   ├── InvalidRequest         the API was asked for something that makes no sense
│   │   └── MalformedRequest       it is not even what the contract says
│   ├── InvalidChunk           a piece of a recording that does not fit the others
│   ├── InvalidAddress         a URL that nothing is fetched from
│   └── DownloadFailed         a URL that gives no recording, or none that is taken
├── Forbidden              you may see it and not do this
├── LimitReached           too much of it, or too often; `retry_after` says when again
│   ├── TooManyRequests        from one address within a minute
│   ├── TooManyJobs            of one party at once
│   ├── DailyBytesUsed         of one party's uploads
│   └── DailyMinutesUsed       of one party's recordings
├── NotSignedIn            nobody knows who asks
├── NotFound               no such job, or not yours
├── NotReady               the job exists, what was asked of it does not exist yet
│   ├── IncompleteUpload       parts are missing of what was to be completed
│   └── IncompleteRecording    chunks are missing of what was to be finalized
├── Unreachable            a receiver of webhooks that cannot be told, or not now
├── MailNotTaken           the mail service takes no letter now
├── MailRejected           the mail service will never take this letter
├── MailLost               nobody knows whether the mail service took the letter
├── IdempotencyMismatch    a key that came with another request before
├── RequestInProgress      a request that is sent again while it is under way
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


class UploadTooLarge(InvalidUpload):
    """A file with more bytes than are taken here."""

    code = "upload_too_large"


class UploadMismatch(InvalidInput):
    """The object in the bucket differs in size or type from what was announced."""

    code = "upload_mismatch"


class InvalidMedia(InvalidInput):
    """The file cannot be read as audio or video."""

    code = "invalid_media"


class EmptyFile(InvalidMedia):
    """The file has no bytes, or no samples."""

    code = "empty_file"


class NoRecording(InvalidMedia):
    """By its first bytes the file is a document, an image, an archive, a program or a text."""

    code = "no_recording"


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


class UnknownModel(InvalidInput):
    """A model of speech recognition that this deployment does not have."""

    code = "unknown_model"


class InvalidTranscript(InvalidInput):
    """A .json under transcripts/ that is not a transcript."""

    code = "invalid_transcript"


class InvalidEdit(InvalidInput):
    """What somebody says of a debate makes no sense of it, or there is too much of it."""

    code = "invalid_edit"


class InvalidRequest(InvalidInput):
    """An API request that makes no sense as it stands."""

    code = "invalid_request"


class InvalidChunk(InvalidInput):
    """A chunk whose times make no sense, or are another chunk's, or that is one too many."""

    code = "invalid_chunk"


class MalformedRequest(InvalidRequest):
    """An API request that is not of the form that the contract gives."""


class InvalidAddress(InvalidInput):
    """A URL that is none, or leads to where nothing is fetched from."""

    code = "invalid_address"


class DownloadFailed(InvalidInput):
    """The site gives no recording, or one that is too large, too long or still live."""

    code = "download_failed"


class Forbidden(DebateError):
    """Whoever asks may not do this, and knows that it exists."""

    code = "forbidden"


class LimitReached(DebateError):
    """A limit of this deployment. `retry_after` is in seconds; None where waiting does not help."""

    code = "limit_reached"

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class IdempotencyMismatch(DebateError):
    """An Idempotency-Key that came with another request before."""

    code = "idempotency_mismatch"


class RequestInProgress(DebateError):
    """The request with the same Idempotency-Key has no answer yet. `retry_after` is in seconds."""

    code = "request_in_progress"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyRequests(LimitReached):
    """More requests within a minute than an address may make."""

    code = "too_many_requests"


class TooManyJobs(LimitReached):
    """As many unfinished jobs as one party may have at once."""

    code = "too_many_jobs"


class DailyBytesUsed(LimitReached):
    """The bytes that one party may upload a day."""

    code = "daily_bytes_used"


class DailyMinutesUsed(LimitReached):
    """The minutes of recordings that one party may have analysed a day."""

    code = "daily_minutes_used"


class NotSignedIn(DebateError):
    """What was asked for is not for everybody, and there is no token that says who asks."""

    code = "not_signed_in"


class NotFound(DebateError):
    """There is no such thing, or it belongs to somebody else."""

    code = "not_found"


class NotReady(DebateError):
    """The thing does not exist yet."""

    code = "not_ready"


class IncompleteUpload(NotReady):
    """Parts are missing of an upload that is to be completed; the sentence names them."""

    code = "incomplete_upload"


class IncompleteRecording(NotReady):
    """Chunks are missing of a recording that is to be finalized; the sentence names them."""

    code = "incomplete_recording"


class Unreachable(DebateError):
    """A receiver does not exist, does not answer in time, or is none."""

    code = "unreachable"


class MailNotTaken(DebateError):
    """The mail service refused a letter, and may take it later: it was not sent."""

    code = "mail_not_taken"


class MailRejected(DebateError):
    """The mail service refused a letter for what it is, or for whom it is for."""

    code = "mail_rejected"


class MailLost(DebateError):
    """The mail service was asked to send a letter and did not answer: it may have been sent."""

    code = "mail_lost"


class Conflict(DebateError):
    """A conditional write found the row changed."""

    code = "conflict"


class NotReplayable(Conflict):
    """A dead letter that does not hold what would have to be done again."""

    code = "not_replayable"


class WorkerLost(DebateError):
    """A worker died with this file in its hands."""

    code = "worker_lost"


class Misconfigured(DebateError):
    """A setting or a model is missing."""

    code = "misconfigured"
