"""The download job: `python -m batch_images.download.job`, for the one URL in VIDEO_URL.

What it puts into the bucket starts the chain as any other upload does. It is no worker: it takes
no units, and ends with its recording.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import tempfile
import unicodedata
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType

from batch_images.download import cookies
from batch_images.download.cookies import InvalidCookies
from batch_images.download.downloader import Downloader, Limits, Recording
from batch_images.download.proxy import Proxy
from debate_analyzer.bootstrap import job_table, object_store, secret_text
from debate_analyzer.change import change
from debate_analyzer.config import Settings
from debate_analyzer.errors import Conflict, DebateError, InvalidRequest, Misconfigured, NotFound
from debate_analyzer.job import SHARED_OWNER, Fault, Job, Media, announced, new_job_id, utc_now
from debate_analyzer.key import is_job_id, subtitles_key, video_key
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, ObjectStore
from debate_analyzer.upload import MAX_NAME_BYTES, UploadRequest, check_upload

logger = logging.getLogger(__name__)

UNSET = "unset"  # template.yaml makes the secret with this value
_MAX_TITLE = 200
_SUBTITLE_TYPES = {
    ".vtt": "text/vtt",
    ".srt": "application/x-subrip",
    ".ttml": "application/ttml+xml",
}

_INTERNAL = Fault(
    code="internal",
    message=(
        "Something went wrong on our side while the recording was downloaded. "
        "The log of the download job says what."
    ),
)


@dataclass(frozen=True)
class Arrival:
    """What becomes of a download: objects in the bucket, and a row that expects them."""

    table: JobTable
    store: ObjectStore
    now: Callable[[], datetime]
    publish_by_default: bool
    max_bytes: int

    def keep(self, job_id: str, recording: Recording) -> str:
        """Subtitles, the row, and last the recording: its arrival starts the next stage.

        Returns the recording's key.
        """
        stem = safe_stem(recording)
        size = recording.path.stat().st_size
        name, content_type = check_upload(
            UploadRequest(filename=f"{stem}{recording.suffix}", size=size), max_bytes=self.max_bytes
        )
        for subtitles in recording.subtitles:
            self.store.upload(
                subtitles.path,
                subtitles_key(job_id, stem, subtitles.language, subtitles.suffix),
                _SUBTITLE_TYPES.get(subtitles.suffix, "text/plain"),
            )
        media = Media(key=video_key(job_id, name), bytes=size, content_type=content_type)
        self._expect(job_id, recording.title[:_MAX_TITLE] or stem, media)
        self.store.upload(recording.path, media.key, content_type)
        return media.key

    def fail(self, job_id: str, fault: Fault) -> None:
        """Say so in the row, where somebody made one and waits for the recording."""
        try:
            change(
                self.table,
                job_id,
                lambda job: job.failed(fault, self.now()) if _is_awaited(job) else job,
            )
        except NotFound:
            logger.info("there is no row %s to write the reason to", job_id)

    def _expect(self, job_id: str, title: str, media: Media) -> None:
        new = announced(
            owner=SHARED_OWNER,
            title=title,
            media=media,
            now=self.now(),
            job_id=job_id,
            published=self.publish_by_default,
        )
        try:
            self.table.create(new)
        except Conflict:  # whoever asked for the download made it, or an earlier attempt of ours
            change(
                self.table,
                job_id,
                lambda job: (
                    job.model_copy(update={"media": media, "title": job.title or title})
                    if _is_awaited(job)
                    else job
                ),
            )


def _is_awaited(job: Job) -> bool:
    return job.status is Status.UPLOADING


def safe_stem(recording: Recording) -> str:
    """The title as a file name without its suffix, or the site's id where there is none."""
    most = MAX_NAME_BYTES - len(recording.suffix)
    for text in (recording.title, recording.source_id):
        kept = "".join(
            " "
            if unicodedata.category(character)[0] in "CZ" or character in '/\\:*?"<>|'
            else character
            for character in unicodedata.normalize("NFC", text)
        )
        stem = re.sub(r" +", " ", kept).strip(". ")
        stem = stem.encode()[:most].decode(errors="ignore").strip(". ")
        if stem:
            return stem
    return "recording"


def job_id_of(first: str, number: int) -> str:
    """The job of a playlist's entry: the first is this job, each further one a job of its own, the
    same one when Batch starts this job again."""
    return first if number == 0 else str(uuid.uuid5(uuid.UUID(first), str(number)))


def find_cookies(settings: Settings, store: ObjectStore) -> str | None:
    """A cookies.txt, from the first place that is named. Raises InvalidCookies, Misconfigured."""
    if path := settings.text("YT_COOKIES_FILE", ""):
        try:
            return Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidCookies(f"YT_COOKIES_FILE: {path} cannot be read as text.") from error
    if uri := settings.text("YT_COOKIES_S3_URI", ""):
        prefix = f"s3://{settings.bucket}/private/"
        if not uri.startswith(prefix):
            raise Misconfigured(f"YT_COOKIES_S3_URI must begin with {prefix}, and is {uri}.")
        found = store.get(uri.removeprefix(f"s3://{settings.bucket}/"))
        if found is None:
            raise Misconfigured(f"YT_COOKIES_S3_URI: there is no object {uri}.")
        try:
            return found[0].decode()
        except UnicodeDecodeError as error:
            raise InvalidCookies(f"{uri} is not text.") from error
    if arn := settings.text("YT_COOKIES_SECRET_ARN", ""):
        text = secret_text(arn)
        return None if text.strip() in ("", UNSET) else text
    return None


def check_output(settings: Settings) -> None:
    """OUTPUT_S3_PREFIX may only be where the chain looks. Raises InvalidRequest."""
    only = f"s3://{settings.bucket}/jobs"
    if (given := settings.text("OUTPUT_S3_PREFIX", only)).rstrip("/") != only:
        raise InvalidRequest(
            f"OUTPUT_S3_PREFIX is {given}, where nothing would notice the recording. "
            f"Leave it out, or say {only}."
        )


def download(settings: Settings, job_id: str, arrival: Arrival, proxy: Proxy) -> list[str]:
    """From VIDEO_URL to the bucket; the keys of the recordings. Raises DebateError."""
    limits = Limits(
        received_bytes=arrival.max_bytes,
        recording_seconds=settings.number("MAX_DOWNLOAD_SECONDS", Limits.recording_seconds),
        entries=max(1, int(settings.number("MAX_PLAYLIST_ENTRIES", Limits.entries))),
    )
    check_output(settings)
    url = settings.text("VIDEO_URL")
    text = find_cookies(settings, arrival.store)
    keys = []
    with tempfile.TemporaryDirectory(prefix="download-") as folder:
        jar = Path(folder, "cookies.txt") if text is not None else None
        if jar is not None and text is not None:
            cookies.write(cookies.parse_netscape(text), jar)
        recordings = Downloader(proxy, limits, cookies=jar).fetch(url, Path(folder))
        for number, recording in enumerate(recordings):
            keys.append(arrival.keep(job_id_of(job_id, number), recording))
            recording.path.unlink()
            logger.info("%s is in the bucket", keys[-1])
    return keys


def main() -> int:
    """The exit code of the Batch job; the last line of the log is the reason for a failure."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _stop)
    settings = Settings(os.environ)
    batch_id = settings.text("AWS_BATCH_JOB_ID", "")
    job_id = batch_id if is_job_id(batch_id) else new_job_id()
    logger.info("job %s", job_id)
    arrival = Arrival(
        table=job_table(settings),
        store=object_store(settings),
        now=utc_now,
        publish_by_default=settings.publish_by_default,
        max_bytes=int(settings.number("MAX_DOWNLOAD_BYTES", Limits.received_bytes)),
    )
    try:
        with Proxy() as proxy:
            download(settings, job_id, arrival, proxy)
    except DebateError as error:
        fault = Fault(code=error.code, message=str(error))
    except Exception:  # a defect or an outage; whoever waits for the recording is told
        logger.exception("the download failed")
        fault = _INTERNAL
    else:
        return 0
    arrival.fail(job_id, fault)
    logger.error("%s: %s", fault.code, fault.message)
    return 1


def _stop(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)  # on the way out the folder is removed


if __name__ == "__main__":
    sys.exit(main())
