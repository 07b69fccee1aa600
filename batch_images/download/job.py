"""The job that brings a recording: `python -m batch_images.download.job`.

From the web (VIDEO_URL), from the chunks of a recorder (RECORDING_MANIFEST), or from elsewhere in
the bucket (SOURCE_KEY). What it puts into the bucket starts the chain as any other upload does. It
is no worker: it takes no units, and ends with its recording. While it works it holds the row that
waits for it, so nobody else brings the same, progress is seen, and it leaves when nobody waits.
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
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from types import FrameType

from batch_images.download import cookies
from batch_images.download.cookies import InvalidCookies
from batch_images.download.downloader import Downloader, Limits, Recording
from batch_images.download.joiner import join
from batch_images.download.proxy import Proxy
from debate_analyzer import log
from debate_analyzer.aws import trouble_of
from debate_analyzer.bootstrap import import_letters, job_table, object_store, secret_text
from debate_analyzer.change import change
from debate_analyzer.config import Settings
from debate_analyzer.errors import Conflict, DebateError, InvalidRequest, Misconfigured, NotFound
from debate_analyzer.hold import Hold
from debate_analyzer.importing import (
    ENTRIES,
    ENTRY,
    MANIFEST,
    SOURCE,
    URL,
    broke_off,
    bury,
    is_last,
    told,
)
from debate_analyzer.job import (
    SHARED_OWNER,
    Claim,
    Fault,
    Job,
    Media,
    Settled,
    announced,
    new_job_id,
    utc_now,
)
from debate_analyzer.key import is_job_id, subtitles_key, transcript_key, video_key
from debate_analyzer.pipeline import STATS, Status
from debate_analyzer.ports import JobTable, ObjectStore
from debate_analyzer.recording import parse_manifest
from debate_analyzer.trouble import reason_of
from debate_analyzer.upload import MAX_NAME_BYTES, UploadRequest, check_filename, check_upload

logger = logging.getLogger(__name__)

UNSET = "unset"  # template.yaml makes the secret with this value
_MAX_TITLE = 200
_SUBTITLE_TYPES = {
    ".vtt": "text/vtt",
    ".srt": "application/x-subrip",
    ".ttml": "application/ttml+xml",
}

_DOWNLOADED = 0.9  # of the work; the rest is to put it into the bucket


@dataclass(frozen=True)
class Import:
    """One recording on its way into the bucket, whose row `hold` holds."""

    settings: Settings
    table: JobTable
    store: ObjectStore
    hold: Hold
    now: Callable[[], datetime]

    def run(self, job: Job) -> None:
        """Raises DebateError; Settled once nobody waits for the recording any more."""
        check_output(self.settings)
        with tempfile.TemporaryDirectory(prefix="download-") as name:
            folder = Path(name)
            if source := self.settings.text(SOURCE, ""):
                self._copy(job, source)
            elif manifest := self.settings.text(MANIFEST, ""):
                self._keep(job, self._joined(manifest, folder))
            else:
                self._keep(job, self._downloaded(job, self.settings.text(URL), folder))

    def _downloaded(self, job: Job, url: str, folder: Path) -> Recording:
        limits = Limits(
            received_bytes=int(self.settings.number("MAX_DOWNLOAD_BYTES", Limits.received_bytes)),
            recording_seconds=self.settings.number(
                "MAX_DOWNLOAD_SECONDS", Limits.recording_seconds
            ),
        )
        entry = int(self.settings.number(ENTRY, 0)) or None
        most = int(self.settings.number(ENTRIES, 1))
        jar = self._cookies(folder)
        with Proxy() as proxy:
            downloader = Downloader(proxy, limits, cookies=jar, report=self._report)
            if entry is None and most > 1:
                self._announce_others(job, url, downloader.count(url, most))
                entry = 1
            return downloader.fetch(url, folder, entry=entry)

    def _report(self, part: float) -> None:
        self.hold.report(part * _DOWNLOADED)

    def _cookies(self, folder: Path) -> Path | None:
        text = find_cookies(self.settings, self.store)
        if text is None:
            return None
        jar = folder / "cookies.txt"
        cookies.write(cookies.parse_netscape(text), jar)
        return jar

    def _announce_others(self, first: Job, url: str, count: int) -> None:
        """A row for each further recording of a playlist, due at once: the sweeper submits a job of
        Batch for each, whose fate is its own."""
        for number in range(2, count + 1):
            row = announced(
                owner=first.owner,
                title="",
                media=None,
                now=self.now(),
                job_id=job_id_of(first.job_id, number),
                published=first.published,
                source_url=url,
                language=first.language,
                speakers=first.speakers,
                channel_per_speaker=first.channel_per_speaker,
                notify=first.notify,
            )
            with suppress(Conflict):  # an earlier attempt of ours made it
                told = {URL: url, ENTRY: str(number)}
                self.table.create(row.to_import(told, self.now()).checked(self.now()))

    def _joined(self, manifest_key: str, folder: Path) -> Recording:
        found = self.store.get(manifest_key)
        if found is None:
            raise InvalidRequest("The recording was deleted before its chunks were joined.")
        manifest = parse_manifest(found[0])
        path = join(manifest, self.store, folder, self._report)
        name = f"recording-{manifest.created_at:%Y-%m-%d}"
        return Recording(path, path.suffix, name, manifest.session_id, ())

    def _copy(self, job: Job, source: str) -> None:
        """Within the bucket, without a byte through this machine."""
        found = self.store.head(source)
        if found is None:
            raise InvalidRequest("The file was taken away before it was copied.")
        name = check_filename(PurePosixPath(source).name)
        stem = PurePosixPath(name).stem
        if PurePosixPath(name).suffix.lower() in STATS.suffixes:
            target = transcript_key(job.job_id, stem.removesuffix("_transcription"))
            content_type = "application/json"
            self.hold.step(lambda row: row)  # is anybody still waiting?
        else:
            media = self._media(job, name, found.bytes)
            target, content_type = media.key, media.content_type
            self.hold.step(lambda row: row.expecting(media, stem))
        self.store.copy(source, target, content_type)
        logger.info("%s is in the bucket", target)

    def _media(self, job: Job, name: str, size: int) -> Media:
        """Of any size: what is too large was refused where it came from."""
        kept, content_type = check_upload(
            UploadRequest(filename=name, size=size), max_bytes=max(1, size)
        )
        return Media(key=video_key(job.job_id, kept), bytes=size, content_type=content_type)

    def _keep(self, job: Job, recording: Recording) -> None:
        """The row, subtitles, and last the recording: its arrival starts the next stage."""
        stem = safe_stem(recording)
        size = recording.path.stat().st_size
        media = self._media(job, f"{stem}{recording.suffix}", size)
        title = recording.title[:_MAX_TITLE] or stem
        self.hold.report(_DOWNLOADED)
        self.hold.step(lambda row: row.expecting(media, title))
        for subtitles in recording.subtitles:
            self.store.upload(
                subtitles.path,
                subtitles_key(job.job_id, stem, subtitles.language, subtitles.suffix),
                _SUBTITLE_TYPES.get(subtitles.suffix, "text/plain"),
            )
        self.store.upload(recording.path, media.key, media.content_type)
        logger.info("%s is in the bucket", media.key)


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
    """The job of a playlist's recording, counted from 1: the first has this job, each further one a
    job of its own, the same one when this job is begun again."""
    return first if number == 1 else str(uuid.uuid5(uuid.UUID(first), str(number - 1)))


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


def take(settings: Settings, table: JobTable, now: Callable[[], datetime]) -> tuple[Job, Claim]:
    """The row of the recording, claimed; made where whoever submitted this job made none.

    Raises Settled when there is nothing to bring.
    """
    batch_id = settings.text("AWS_BATCH_JOB_ID", "")
    job_id = settings.text("JOB_ID", batch_id)
    if not is_job_id(job_id):
        job_id = new_job_id()
    told = {
        name: text
        for name in (MANIFEST, SOURCE, URL, ENTRY, ENTRIES)
        if (text := settings.text(name, ""))
    }
    with suppress(Conflict):
        made = announced(
            owner=SHARED_OWNER,
            title="",
            media=None,
            now=now(),
            job_id=job_id,
            published=settings.publish_by_default,
            source_url=told.get(URL),
        )
        table.create(made.to_import(told, now()))
    claim = Claim(
        worker=batch_id or job_id,
        attempt=int(settings.number("AWS_BATCH_JOB_ATTEMPT", 1)),
        until=(now() + settings.lease).timestamp(),
    )

    def claimed(row: Job) -> Job:
        awaited = row.status is Status.UPLOADING and row.importing is None
        return (row.to_import(told, now()) if awaited else row).import_claimed(claim, now())

    return change(table, job_id, claimed), claim


def main() -> int:
    """The exit code of the Batch job; the last line of the log is the reason for a failure."""
    log.set_up()
    signal.signal(signal.SIGTERM, _stop)
    settings = Settings(os.environ)
    table, store = job_table(settings), object_store(settings)
    try:
        job, claim = take(settings, table, utc_now)
    except Settled as reason:
        logger.info("nothing to do: %s", reason)
        return 0
    with log.about(job.job_id):
        logger.info("attempt %d", job.attempt)
        return _bring(settings, table, store, job, claim)


def _bring(settings: Settings, table: JobTable, store: ObjectStore, job: Job, claim: Claim) -> int:
    """The exit code, once the import is over one way or another."""
    hold = Hold(table, job.job_id, claim, lease=settings.lease, now=utc_now)
    try:
        Import(settings, table, store, hold, utc_now).run(job)
    except Settled as reason:
        logger.info("nobody waits for this recording any more: %s", reason)
        return 0
    except DebateError as error:
        fault = Fault(code=error.code, message=str(error))
        if isinstance(error, Misconfigured):  # to be mended, and then to be tried again
            _bury(settings, hold, error)
        _end(hold, fault, lambda row: row.failed(fault, utc_now()))
        return 1
    except Exception as error:  # neither the address nor the recording is to blame
        logger.exception("the import failed")
        ladder = settings.retry_ladder
        fault = told(trouble_of(error), job, ladder)
        if is_last(job, ladder):
            _bury(settings, hold, error)
        _end(hold, fault, lambda row: broke_off(row, fault, ladder, utc_now()))
        return 1
    finally:
        hold.let_go()
    return 0


def _bury(settings: Settings, hold: Hold, error: Exception) -> None:
    """A letter, if somebody still waits for the recording."""
    with suppress(Settled, NotFound):
        row = hold.step(lambda row: row)
        bury(import_letters(settings), row, reason_of(error, trouble_of), utc_now())


def _end(hold: Hold, fault: Fault, step: Callable[[Job], Job]) -> None:
    with suppress(Settled, NotFound):  # somebody cancelled or deleted it in this very moment
        hold.step(step)
    logger.error("%s: %s", fault.code, fault.message)


def _stop(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)  # on the way out the folder is removed


if __name__ == "__main__":
    sys.exit(main())
