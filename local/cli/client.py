"""The HTTP API as a client sees it, on a laptop or on AWS."""

from __future__ import annotations

import ipaddress
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx
from pydantic import BaseModel, ValidationError

from debate_analyzer.api.uploads import Announced, UploadState
from debate_analyzer.catalogue import JobView, TranscriptFormat, VideoLink
from debate_analyzer.statistics import Statistics
from debate_analyzer.upload import UploadRequest

_ID_LENGTH = 36
_PAGE = 100
_API_TIMEOUT = httpx.Timeout(35, connect=5)  # seconds; the API's own limit is 30
_STORAGE_TIMEOUT = httpx.Timeout(300, connect=10)
_PAUSES = (0.5, 2.0)  # seconds before a request whose answer was lost is sent once more
_OUTAGES = (502, 503, 504)

Progress = Callable[[int], None]
Model = TypeVar("Model", bound=BaseModel)


class ApiError(Exception):
    """The API was asked and gave no result. `str(error)` is a sentence for the user."""


class Refused(ApiError):
    """It said no: asking the same again changes nothing, or not before `retry_after` seconds.

    `code` is the API's own, for programs.
    """

    def __init__(
        self, sentence: str, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.retry_after = retry_after


class FileChanged(Refused):
    """It is not the file any more that was announced."""

    def __init__(self) -> None:
        super().__init__("The file changed while it was being sent. Upload it anew.")


class Unreachable(ApiError):
    """No answer, or one that makes no sense: asking again may help."""


class Client:
    """One deployment's API. Every method raises Refused or Unreachable.

    A request whose answer is lost is sent again, POSTs with the key that keeps them from being
    done twice.
    """

    def __init__(self, api: str, token: str | None = None) -> None:
        self.api = api.rstrip("/")
        parts = urlsplit(self.api)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused(f"{api} is not the address of an API: it starts with http(s)://.")
        self.is_local = _is_loopback(parts.hostname)
        if token and parts.scheme == "http" and not self.is_local:
            raise Refused("A token is only sent by https: anybody on the way could take it.")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=self.api, headers=headers, timeout=_API_TIMEOUT)
        # Presigned URLs carry their own credentials, and S3 refuses two sorts at once.
        self._objects = httpx.Client(timeout=_STORAGE_TIMEOUT)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()
        self._objects.close()

    # --- any route -------------------------------------------------------------------------

    def get(self, path: str, kind: type[Model], **query: object) -> Model:
        """What the route answers. Parameters that are None are left out."""
        return self._read(kind, self._call("GET", path, params=_query(query)))

    def pages(self, path: str, items: str, kind: type[Model], **query: object) -> Iterator[Model]:
        """All of a list, a page at a time; `items` is the name of what a page has of it."""
        cursor = None
        while True:
            params = _query({"limit": _PAGE, **query, "cursor": cursor})
            page = self._call("GET", path, params=params).json()
            for item in page[items]:
                yield self._valid(kind, item)
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def post(self, path: str, kind: type[Model], body: object = None) -> Model:
        """Done once, however often it has to be sent."""
        return self._read(kind, self._send("POST", path, body))

    def put(self, path: str, kind: type[Model], body: object) -> Model:
        """What is to be there from now on."""
        return self._read(kind, self._send("PUT", path, body))

    def patch(self, path: str, kind: type[Model], body: object) -> Model:
        """What is to be different."""
        return self._read(kind, self._send("PATCH", path, body))

    def delete(self, path: str, kind: type[Model]) -> Model:
        """What there was."""
        return self._read(kind, self._call("DELETE", path))

    def remove(self, path: str) -> None:
        """As `delete`, where the route has nothing to say of it."""
        self._call("DELETE", path)

    # --- debates ---------------------------------------------------------------------------

    def announce(self, upload: UploadRequest) -> Announced:
        """A job for a file, and where to send the file."""
        return self.post("/api/uploads", Announced, upload)

    def upload(self, job_id: str) -> UploadState:
        """Where an upload stands, with addresses that are new."""
        return self.get(f"/api/uploads/{job_id}", UploadState)

    def job(self, job_id: str) -> JobView:
        """One job by its whole id."""
        return self.get(f"/api/jobs/{job_id}", JobView)

    def jobs(self, **query: object) -> Iterator[JobView]:
        """Every job, newest first."""
        return self.pages("/api/jobs", "jobs", JobView, **query)

    def find(self, prefix: str) -> JobView:
        """The one job whose id starts so."""
        if len(prefix) >= _ID_LENGTH:
            return self.job(prefix)
        found = [job for job in self.jobs() if job.job_id.startswith(prefix.lower())]
        return the_one(found, "debate", prefix)

    def transcript(
        self,
        job_id: str,
        format: TranscriptFormat,  # noqa: A002
        *,
        edited: bool = False,
    ) -> bytes:
        """The transcript or its captions as a file."""
        query = {"format": format, "edited": "true" if edited else None}
        return self._document(f"/api/jobs/{job_id}/transcript", query)

    def statistics_document(self, job_id: str) -> bytes:
        """As it was published."""
        return self._document(f"/api/jobs/{job_id}/statistics", {})

    def statistics(self, job_id: str) -> Statistics:
        """Who spoke how long, and the rest."""
        return self._valid(Statistics, json.loads(self.statistics_document(job_id)))

    def video(self, job_id: str) -> VideoLink:
        """The recording, for an hour."""
        return self.get(f"/api/jobs/{job_id}/video", VideoLink)

    # --- the storage -----------------------------------------------------------------------

    def store(
        self, method: str, url: str, content: Iterable[bytes], headers: Mapping[str, str]
    ) -> httpx.Headers:
        """Send an object, or a part of one; the headers of the answer."""
        try:
            answer = self._objects.request(method, url, content=content, headers=dict(headers))
        except httpx.LocalProtocolError as error:
            raise FileChanged from error
        except httpx.TransportError as error:
            raise Unreachable(f"The upload broke off: {error}.") from error
        if not answer.is_success:
            raise _storage_error(answer)
        return answer.headers

    def fetch(self, url: str, target: Path, progress: Progress) -> None:
        """Append to the file what it has not got of the object; `progress` is told of each chunk's
        bytes."""
        with target.open("ab") as file:
            there = file.tell()
            headers = {"range": f"bytes={there}-"} if there else {}
            try:
                with self._objects.stream("GET", url, headers=headers) as answer:
                    if answer.status_code != (206 if there else 200):
                        answer.read()
                        raise _storage_error(answer)
                    for chunk in answer.iter_bytes():
                        file.write(chunk)
                        progress(len(chunk))
            except httpx.TransportError as error:
                raise Unreachable(f"The download broke off: {error}.") from error

    def _document(self, path: str, query: Mapping[str, object]) -> bytes:
        location = self._call("GET", path, params=_query(query)).headers["location"]
        try:
            answer = self._objects.get(location)
        except httpx.TransportError as error:
            raise Unreachable(f"The storage does not answer: {error}.") from error
        if not answer.is_success:
            raise _storage_error(answer)
        return answer.content

    # --- requests --------------------------------------------------------------------------

    def _send(self, method: str, path: str, body: object) -> httpx.Response:
        if isinstance(body, BaseModel):
            body = body.model_dump(mode="json", by_alias=True, exclude_none=True)
        headers = {"idempotency-key": str(uuid.uuid4())} if method == "POST" else {}
        return self._call(method, path, json=body, headers=headers)

    def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        for pause in _PAUSES:
            try:
                answer = self._http.request(method, path, **more)
            except httpx.ConnectError as error:
                raise self._silent(error) from error
            except httpx.TransportError:
                time.sleep(pause)
                continue
            if answer.status_code not in _OUTAGES:
                return self._checked(answer)
            time.sleep(pause)
        try:
            return self._checked(self._http.request(method, path, **more))
        except httpx.TransportError as error:
            raise self._silent(error) from error

    def _silent(self, error: httpx.TransportError) -> Unreachable:
        return Unreachable(f"{self.api} does not answer: {error}.")

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_redirect or answer.status_code == httpx.codes.NO_CONTENT:
            return answer
        if answer.is_success:
            if answer.headers.get("content-type") != "application/json":
                raise Unreachable(f"{self.api} answers, but not as the API of a deployment.")
            return answer
        problem = _problem(answer)
        if answer.status_code in (401, 403) and not problem:
            raise Refused("The token is missing, wrong or expired (--token).")
        detail = problem.get("detail") or f"{self.api} answers with status {answer.status_code}."
        if answer.is_server_error:
            raise Unreachable(detail)
        after = answer.headers.get("retry-after", "")
        raise Refused(detail, problem.get("code"), float(after) if after.isdecimal() else None)

    def _read(self, kind: type[Model], answer: httpx.Response) -> Model:
        return self._valid(kind, answer.json())

    def _valid(self, kind: type[Model], answer: object) -> Model:
        try:
            return kind.model_validate(answer)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise Unreachable(
                f"{self.api} answers as another version would ({where}): install that one."
            ) from error


Named = TypeVar("Named", bound=BaseModel)


def the_one(found: list[Named], what: str, prefix: str) -> Named:
    """Of those whose id starts so. Raises Refused where there is none, or more."""
    match found:
        case [one]:
            return one
        case []:
            raise Refused(f"There is no {what} whose id starts with {prefix!r}.")
    raise Refused(f"{len(found)} {what}s have an id that starts with {prefix!r}.")


def _query(given: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in given.items() if value is not None}


def _problem(answer: httpx.Response) -> dict[str, str]:
    """RFC 9457; empty where it is something else."""
    if "problem+json" not in answer.headers.get("content-type", ""):
        return {}
    try:
        problem = json.loads(answer.content)
    except ValueError:
        return {}
    return {name: str(value) for name, value in problem.items()}


def _storage_error(answer: httpx.Response) -> ApiError:
    """With what S3's XML says went wrong."""
    try:
        message = ElementTree.fromstring(answer.content).findtext("Message")
    except ElementTree.ParseError:
        message = None
    kind = Unreachable if answer.is_server_error else Refused
    return kind(f"The storage refused: {message or f'status {answer.status_code}.'}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
