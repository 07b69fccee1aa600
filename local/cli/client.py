"""The HTTP API as a client sees it, on a laptop or on AWS."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx

from debate_analyzer.catalogue import JobView, TranscriptFormat, UploadTarget
from debate_analyzer.edit_desk import EditRequest, EditsView
from debate_analyzer.statistics import Statistics
from debate_analyzer.upload import UploadRequest

_CHUNK = 1 << 20
_ID_LENGTH = 36
_API_TIMEOUT = httpx.Timeout(35, connect=5)  # seconds; the API's own limit is 30
_UPLOAD_TIMEOUT = httpx.Timeout(300, connect=10)

Progress = Callable[[int], None]


class ApiError(Exception):
    """The API was asked and gave no result. `str(error)` is a sentence for the user."""


class Refused(ApiError):
    """It said no: asking the same again changes nothing."""


class Unreachable(ApiError):
    """No answer, or one that makes no sense: asking again may help."""


class Client:
    """One deployment's API. Every method raises Refused or Unreachable."""

    def __init__(self, api: str, token: str | None = None) -> None:
        self.api = api.rstrip("/")
        parts = urlsplit(self.api)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused(f"{api} is not the address of an API: it starts with http(s)://.")
        if token and parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise Refused("A token is only sent by https: anybody on the way could take it.")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=self.api, headers=headers, timeout=_API_TIMEOUT)
        # Presigned URLs carry their own credentials, and S3 refuses two sorts at once.
        self._objects = httpx.Client(timeout=_UPLOAD_TIMEOUT)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._objects.close()

    def announce(self, upload: UploadRequest) -> tuple[JobView, UploadTarget]:
        """A job for a file, and where to send the file."""
        body = upload.model_dump(exclude_none=True)
        answer = self._call("POST", "/api/uploads", json=body).json()
        return JobView.model_validate(answer["job"]), UploadTarget.model_validate(answer["upload"])

    def send(self, file: Path, size: int, target: UploadTarget, progress: Progress) -> None:
        """Stream the file to where the API said; `progress` is told of each chunk's bytes."""
        with file.open("rb") as source:
            try:
                answer = self._objects.request(
                    target.method,
                    target.url,
                    content=_chunks(source, progress),
                    headers={**target.headers, "content-length": str(size)},
                )
            except httpx.LocalProtocolError as error:
                raise Refused(f"{file.name} changed while it was being sent.") from error
            except httpx.TransportError as error:
                raise Unreachable(f"The upload of {file.name} broke off: {error}.") from error
        if not answer.is_success:
            raise Refused(f"The storage refused {file.name}: {_storage_message(answer)}")

    def job(self, job_id: str) -> JobView:
        """One job by its whole id."""
        return JobView.model_validate(self._call("GET", f"/api/jobs/{job_id}").json())

    def jobs(self) -> Iterator[JobView]:
        """Every job, newest first, a page at a time."""
        cursor = None
        while True:
            query = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
            page = self._call("GET", "/api/jobs", params=query).json()
            yield from map(JobView.model_validate, page["jobs"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def find(self, prefix: str) -> JobView:
        """The one job whose id starts so."""
        if len(prefix) >= _ID_LENGTH:
            return self.job(prefix)
        found = [job for job in self.jobs() if job.job_id.startswith(prefix.lower())]
        match found:
            case [job]:
                return job
            case []:
                raise Refused(f"There is no debate whose id starts with {prefix!r}.")
            case _:
                raise Refused(f"{len(found)} debates have an id that starts with {prefix!r}.")

    def transcript(self, job_id: str, format: TranscriptFormat) -> bytes:  # noqa: A002
        """The transcript or its captions as a file."""
        return self._document(f"/api/jobs/{job_id}/transcript?format={format}")

    def statistics(self, job_id: str) -> Statistics:
        """Who spoke how long, and the rest."""
        return Statistics.model_validate_json(self._document(f"/api/jobs/{job_id}/statistics"))

    def edits(self, job_id: str) -> EditsView:
        """What people have said of a debate."""
        return EditsView.model_validate(self._call("GET", f"/api/jobs/{job_id}/edits").json())

    def edit(self, job_id: str, request: EditRequest) -> EditsView:
        """Say more of it."""
        body = request.model_dump(exclude_none=True)
        answer = self._call("POST", f"/api/jobs/{job_id}/edits", json=body)
        return EditsView.model_validate(answer.json())

    def _document(self, path: str) -> bytes:
        location = self._call("GET", path).headers["location"]
        try:
            answer = self._objects.get(location)
        except httpx.TransportError as error:
            raise Unreachable(f"The storage does not answer: {error}.") from error
        if not answer.is_success:
            raise Refused(f"The storage refused: {_storage_message(answer)}")
        return answer.content

    def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **more)
        except httpx.TransportError as error:
            raise Unreachable(f"{self.api} does not answer: {error}.") from error
        if answer.is_redirect:
            return answer
        if answer.is_success:
            if answer.headers.get("content-type") != "application/json":
                raise Unreachable(f"{self.api} answers, but not as the API of a deployment.")
            return answer
        if answer.status_code in (401, 403):
            raise Refused(_detail(answer) or "The token is missing, wrong or expired (--token).")
        detail = _detail(answer) or f"{self.api} answers with status {answer.status_code}."
        raise (Unreachable if answer.is_server_error else Refused)(detail)


def _chunks(source: BinaryIO, progress: Progress) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk
        progress(len(chunk))


def _detail(answer: httpx.Response) -> str | None:
    """The sentence in a problem+json answer."""
    if "problem+json" not in answer.headers.get("content-type", ""):
        return None
    try:
        return str(json.loads(answer.content)["detail"])
    except (ValueError, KeyError):
        return None


def _storage_message(answer: httpx.Response) -> str:
    """What S3's XML says went wrong."""
    try:
        message = ElementTree.fromstring(answer.content).findtext("Message")
    except ElementTree.ParseError:
        message = None
    return message or f"status {answer.status_code}."


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
