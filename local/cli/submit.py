"""`debate submit`: jobs of Batch in a deployment, with one's own AWS credentials.

The chain needs none of it: what arrives in the bucket is worked on by itself. It is for whoever has
no sign-in to the API, and for what was worked on before.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from debate_analyzer.address import check_url
from debate_analyzer.catalogue import JobView
from debate_analyzer.errand import key_prefix
from debate_analyzer.errors import DebateError, InvalidRequest, NotFound
from debate_analyzer.job import new_job_id
from debate_analyzer.key import is_job_id, video_key
from debate_analyzer.pipeline import Status
from debate_analyzer.upload import UploadRequest, check_upload
from deploy.cloud import explained
from local.cli import follow
from local.cli.deployment import BatchJob, Deployment, deployment
from local.cli.exits import FAILED, OK, REFUSED
from local.cli.show import complain, plain, print_debate

_MAX_BYTES = (
    5 * 2**40
)  # of an object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_ENDS = ("SUCCEEDED", "FAILED")
_ROW_SECONDS = 120  # within which an arrival has its row

Order = Callable[[Deployment, Namespace, Console], int]


def download(options: Namespace) -> int:
    """`debate submit download`"""
    return _carried_out(_download, options)


def transcribe(options: Namespace) -> int:
    """`debate submit transcribe`"""
    return _carried_out(_transcribe, options)


def stats(options: Namespace) -> int:
    """`debate submit stats`"""
    return _carried_out(_stats, options)


def full(options: Namespace) -> int:
    """`debate submit full`"""
    return _carried_out(_full, options)


def _carried_out(order: Order, options: Namespace) -> int:
    errors = Console(stderr=True)
    try:
        with explained():
            return order(deployment(options), options, errors)
    except DebateError as error:
        complain(errors, str(error))
        return REFUSED


# --- what is submitted ----------------------------------------------------------------------------


def _download(to: Deployment, options: Namespace, errors: Console) -> int:
    return _submit(to, "Download", {"VIDEO_URL": check_url(options.url)}, options, errors)


def _transcribe(to: Deployment, options: Namespace, errors: Console) -> int:
    told = {"VIDEO_S3_PREFIX": _place(to, options.prefix, "videos")}
    return _submit(to, "Transcribe", told, options, errors)


def _stats(to: Deployment, options: Namespace, errors: Console) -> int:
    if options.manifest:
        told = {"MANIFEST_S3_URI": _manifest(to, options.manifest)}
    elif options.jobs:
        told = {"JOB_IDS": _ids(options.jobs)}
    else:
        told = {"TRANSCRIPTS_S3_PREFIX": _place(to, options.prefix, "transcripts")}
    return _submit(to, "Stats", told, options, errors)


def _full(to: Deployment, options: Namespace, errors: Console) -> int:
    """Whatever arrives in the bucket goes on by itself: only the arrival is submitted."""
    if options.url:
        job_id = to.submit("Download", {"VIDEO_URL": check_url(options.url), **dict(options.set)})
    else:
        job_id = _put(to, options.file, errors)
    print(job_id, flush=True)
    if not options.follow:
        return OK
    if options.url and (ended := _ended(to, job_id, errors)).status == "FAILED":
        return _told_why(to, job_id, ended, errors)
    job = follow.wait(_Rows(to), job_id, errors, every=follow.rhythm(to.is_local))
    print_debate(job, None)
    if job.status is Status.COMPLETE:
        return OK
    complain(errors, follow.fate(job))
    return FAILED


def _put(to: Deployment, file: Path, console: Console) -> str:
    """The id of the debate that comes of the file."""
    try:
        size = file.stat().st_size
        file.open("rb").close()
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}.") from error
    request = UploadRequest(filename=file.name, size=size, multipart=True)
    name, content_type = check_upload(request, max_bytes=_MAX_BYTES)
    job_id = new_job_id()
    with follow.transfer(console, name, size) as advance:
        to.put(file, video_key(job_id, name), content_type, advance)
    return job_id


def _submit(
    to: Deployment, kind: str, told: dict[str, str], options: Namespace, errors: Console
) -> int:
    batch_id = to.submit(kind, {**told, **dict(options.set)})
    print(batch_id, flush=True)
    if not options.follow:
        return OK
    ended = _ended(to, batch_id, errors)
    return OK if ended.status == "SUCCEEDED" else _told_why(to, batch_id, ended, errors)


# --- places ---------------------------------------------------------------------------------------


def _place(to: Deployment, text: str, folder: str) -> str:
    """Files of a debate, of which the id says enough. Raises InvalidRequest."""
    bucket = to.outputs["Bucket"]
    if is_job_id(text):
        return f"s3://{bucket}/jobs/{text}/{folder}/"
    key_prefix(text, bucket)
    return text


def _manifest(to: Deployment, uri: str) -> str:
    """Where the stats job may read one. Raises InvalidRequest."""
    place = f"s3://{to.outputs['Bucket']}/manifests/"
    if not uri.startswith(place) or not uri.endswith(".json"):
        raise InvalidRequest(f"{uri} is no manifest that the job may read: put it at {place}….json")
    return uri


def _ids(text: str) -> str:
    """Raises InvalidRequest."""
    ids = [one.strip() for one in text.split(",")]
    for one in ids:
        if not is_job_id(one):
            raise InvalidRequest(f"{one!r} is not the id of a debate: write it out whole.")
    return ",".join(ids)


# --- what becomes of it ---------------------------------------------------------------------------


def _ended(to: Deployment, batch_id: str, console: Console) -> BatchJob:
    """The job of Batch when it has ended."""
    with console.status("") as shown:
        while True:
            job = to.batch_job(batch_id)
            if job.status in _ENDS:
                return job
            shown.update(plain(f"the job is {job.status} {job.reason}".strip()))
            time.sleep(follow.rhythm(to.is_local))


def _told_why(to: Deployment, batch_id: str, job: BatchJob, errors: Console) -> int:
    """By the debate's row where there is one, otherwise by Batch."""
    row = to.find_job(batch_id)
    if row is not None and row.error is not None:
        complain(errors, follow.fate(row))
    else:
        code = f" with exit code {job.exit_code}" if job.exit_code is not None else ""
        log = f" Its log: {to.outputs['BatchLogGroup']}, {job.log}." if job.log else ""
        complain(errors, f"The job failed{code}: {job.reason.rstrip('.')}.{log}")
    return FAILED


@dataclass(frozen=True)
class _Rows:
    """Jobs as the table has them."""

    deployment: Deployment

    def job(self, job_id: str) -> JobView:
        """Raises NotFound where what has arrived is noticed by nobody."""
        for _ in range(_ROW_SECONDS):
            if found := self.deployment.find_job(job_id):
                return found
            time.sleep(1)
        raise NotFound(f"{job_id} has no row yet: `debate doctor` says whether the chain ails.")
