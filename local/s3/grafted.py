"""ministack's S3 with bodies in files.

To be imported when ministack's environment is set. What is replaced here is what touches a body or
keeps it; everything else (signatures, IAM, conditions, tags, encryption headers, listings,
notifications) is ministack's own code and sees a `Body`. Whoever is refused is refused before the
body is read.

Left to ministack as they are: bodies up to a megabyte that are no part of an upload, buckets with
versions or replicas (their histories hold bodies), copies within S3, and bodies whose every chunk
is signed.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring

from ministack import app as ministack
from ministack.core.responses import AccountScopedDict, StreamingResponse, get_account_id
from ministack.services import s3
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from local.s3.body import Body, Mapped, Region
from local.s3.commits import Commits, Completion, sync, write
from local.s3.incoming import Incoming, Incomplete, declared_size
from local.s3.uploads import Parts

SMALL = 2**20
"""Bytes of a body that may as well lie in memory for a moment."""

_SMALLEST_PART = 5 * 2**20  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_ABANDONED = timedelta(days=2)  # as the bucket's lifecycle rule has it, which nobody carries out
_READ = 2**20
_SUBRESOURCES = frozenset(
    ("acl", "annotation", "legal-hold", "retention", "tagging", "torrent", "x-amz-copy-source")
)
_log = logging.getLogger("s3.bodies")

_Answer = tuple[int, dict[str, str], Any]

_incoming: ContextVar[Incoming | None] = ContextVar("incoming", default=None)
_is_verified: ContextVar[bool] = ContextVar("is_verified", default=False)
"""A URL that expires while its body comes was good when it was used."""
_unsynced: ContextVar[list[Path] | None] = ContextVar("unsynced", default=None)
_joined: ContextVar[Region | None] = ContextVar("joined", default=None)
_is_get: ContextVar[bool] = ContextVar("is_get", default=False)


class _Unread(bytes):
    """The body of a request while ministack decides whether it wants it."""

    incoming: Incoming


class _Stored(StreamingResponse):  # type: ignore[misc]
    """A stored body, sent from its file; slices of it, too. Who replaces or deletes the object
    meanwhile does not disturb: the file is open."""

    __slots__ = ("_file", "_offset", "_size")

    def __init__(self, file: Any, offset: int, size: int) -> None:
        super().__init__(self._send)
        self._file, self._offset, self._size = file, offset, size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> _Stored:
        start, stop, _ = part.indices(self._size)
        return _Stored(self._file, self._offset + start, max(0, stop - start))

    async def _send(self, send: Send, receive: Receive) -> None:
        self._file.seek(self._offset)
        left = self._size
        while left:
            data = await asyncio.to_thread(self._file.read, min(left, _READ))
            if not data:
                raise OSError("a stored body is shorter than its facts say")
            left -= len(data)
            await send({"type": "http.response.body", "body": data, "more_body": left > 0})
        if not self._size:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Uploads(AccountScopedDict):  # type: ignore[misc]
    """ministack's dictionary of the uploads in progress, kept on disk: a folder each."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for each in folder.iterdir():
            with suppress(FileNotFoundError, json.JSONDecodeError):
                facts = json.loads((each / "upload.json").read_bytes())
                parts = Parts.load(each)
                if datetime.now(UTC) - _time(facts["upload"]["created"]) < _ABANDONED:
                    upload = {**facts["upload"], "parts": parts}
                    self.set_scoped(facts["account"], None, each.name, upload)
                    continue
            Parts(each).drop()

    def __setitem__(self, upload_id: str, upload: dict[str, Any]) -> None:
        folder = self._folder / upload_id
        folder.mkdir()
        facts = {name: value for name, value in upload.items() if name != "parts"}
        write(folder / "upload.json", {"account": get_account_id(), "upload": facts})
        _sync_later(folder / "upload.json", folder, self._folder)
        super().__setitem__(upload_id, {**upload, "parts": Parts(folder)})

    def __delitem__(self, upload_id: str) -> None:
        parts = self[upload_id]["parts"]
        super().__delitem__(upload_id)
        (self._folder / upload_id / "upload.json").unlink(missing_ok=True)  # it has ended
        # A large file takes a while to go, and nobody has to wait for it.
        asyncio.get_running_loop().run_in_executor(None, parts.drop)


class Grafted:
    """ministack's application, with the above in its place. `root` is where S3's files lie."""

    def __init__(self, app: ASGIApp, commits: Commits, uploads: Path) -> None:
        self._app = app
        self._commits = commits
        self._handle_request = s3.handle_request
        self._verify = s3._verify_presigned_sigv4
        self._checksum = s3._compute_s3_checksum
        self._persist = s3._persist_object
        self._read_body = s3._read_body
        self._get_object = s3._get_object
        self._read_request = ministack._read_request_body
        for completion in commits.completions():
            s3._completed_multipart_uploads.set_scoped(
                completion.account, None, completion.upload_id, _remembered(completion)
            )
        vars(ministack)["_read_request_body"] = self._request_body
        vars(s3).update(
            handle_request=self._handle,
            md5_hash=_md5,
            _multipart_uploads=_Uploads(uploads),
            _verify_presigned_sigv4=self._verify_once,
            _compute_s3_checksum=self._checksum_of,
            _persist_object=self._persist_body,
            _read_body=self._stored,
            _get_object=self._get,
            _complete_multipart_upload=self._complete,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not goes_to_disk(scope):
            await self._app(scope, receive, send)
            return
        incoming = Incoming(receive, Headers(scope=scope))

        async def after_the_body(message: Any) -> None:
            if message["type"] == "http.response.start":
                await incoming.discard()
            await send(message)

        await self.answer(scope, receive, after_the_body, incoming)

    async def answer(self, scope: Scope, receive: Receive, send: Send, incoming: Incoming) -> None:
        """The request whose body is `incoming`, and goes to disk."""
        token = _incoming.set(incoming)
        try:
            await self._app(scope, receive, send)
        finally:
            _incoming.reset(token)

    # --- Requests ---------------------------------------------------------------------------------

    async def _request_body(self, receive: Receive, method: str, headers: dict[str, str]) -> bytes:
        incoming = _incoming.get()
        if incoming is None:
            body: bytes = await self._read_request(receive, method, headers)
            return body
        unread = _Unread()
        unread.incoming = incoming
        return unread

    async def _handle(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        signed_path: str | None = None,
        **more: Any,
    ) -> _Answer:
        """In place of `s3.handle_request`, which decides, at last, and does what is asked."""

        async def handle(body: bytes, headers: dict[str, str] = headers) -> _Answer:
            return await self._handle_request(  # type: ignore[no-any-return]
                method, path, headers, body, query, signed_path=signed_path, **more
            )

        ends_upload = method in ("POST", "DELETE") and "uploadId" in query
        begins_upload = method == "POST" and "uploads" in query
        if not (isinstance(body, _Unread) or begins_upload or ends_upload):
            return await handle(body)
        if refusal := s3._verify_presigned_sigv4(
            method, path if signed_path is None else signed_path, headers, query
        ):
            return refusal  # type: ignore[no-any-return]
        headers = s3._merge_hoisted_amz_headers(headers, query)
        bucket, key = s3._parse_bucket_key(path, headers)
        verified, unsynced = _is_verified.set(True), _unsynced.set([])
        try:
            if not isinstance(body, _Unread):
                answer = await self._end(handle, bucket, key, body, query, headers)
            elif "uploadId" in query:
                answer = await self._part(handle, body.incoming, bucket, key, query, headers)
            else:
                answer = await self._object(handle, body.incoming, bucket, key, headers)
            await asyncio.to_thread(sync, _unsynced.get() or [])
        except Incomplete as error:
            _log.info("%s %s: the body was not taken: %s", method, path, error)
            return _error("IncompleteBody", f"The body was not taken: {error}.", 400)
        except OSError as error:
            _log.exception("%s %s", method, path)
            return _error("InternalError", f"The body could not be kept: {error}.", 500)
        finally:
            _is_verified.reset(verified)
            _unsynced.reset(unsynced)
        return answer

    async def _object(
        self, handle: _Handle, incoming: Incoming, bucket: str, key: str, headers: dict[str, str]
    ) -> _Answer:
        objects = _objects(bucket)
        region = Region(self._commits.drafts / secrets.token_hex(16), 0, incoming.size)
        try:
            body, headers, refusal = await self._received(incoming, region, headers, None)
            if refusal is not None:
                return refusal
            prior = objects.get(key)
            try:
                return await handle(body, headers)
            except OSError:
                # It was put among the objects before it was put on disk.
                if prior is None:
                    objects.pop(key, None)
                else:
                    objects[key] = prior
                raise
        finally:
            region.path.unlink(missing_ok=True)

    async def _part(
        self,
        handle: _Handle,
        incoming: Incoming,
        bucket: str,
        key: str,
        query: dict[str, Any],
        headers: dict[str, str],
    ) -> _Answer:
        upload = _upload(bucket, key, query)
        number = query["partNumber"][0]
        if (
            upload is None
            or not (number.isascii() and number.isdigit())
            or not (1 <= int(number) <= 10_000)
        ):
            return await handle(b"")  # which says what is wrong
        parts: Parts = upload["parts"]
        with parts.place(int(number), incoming.size) as region:
            body, headers, refusal = await self._received(
                incoming, region, headers, upload["checksum_algorithm"]
            )
            if refusal is not None:
                return refusal
            async with parts.lock:
                answer = await handle(body, headers)
                if answer[0] == 200:
                    _sync_later(*parts.unsynced(int(number)))
                return answer

    async def _received(
        self,
        incoming: Incoming,
        region: Region,
        headers: dict[str, str],
        algorithm: str | None,
    ) -> tuple[Body, dict[str, str], _Answer | None]:
        """The body on disk, the headers as they are without framing, and a refusal if the two do
        not go together. Checksums are ministack's to compare."""
        wanted = {algorithm} if algorithm else set()
        announced = {each.strip().lower() for each in headers.get("x-amz-trailer", "").split(",")}
        wanted |= {
            name.removeprefix("x-amz-checksum-").upper() for name in announced | set(headers)
        }
        wanted.add(headers.get("x-amz-sdk-checksum-algorithm", "").upper())
        signed = headers.get("x-amz-content-sha256", "")
        if len(signed) == 64:
            wanted.add("SHA256")
        body = await incoming.into(region, wanted)
        for name in wanted & {"CRC32C", "CRC64NVME"} - set(body.digests.checksums):
            await asyncio.to_thread(self._checksum_of, name, body)

        # A checksum behind the body is one before it that could not be known yet.
        headers = {**incoming.trailers, **headers}
        encodings = [each.strip() for each in headers.pop("content-encoding", "").split(",")]
        if kept := [each for each in encodings if each and each != "aws-chunked"]:
            headers["content-encoding"] = ", ".join(kept)
        if announced - {""} - set(headers):
            raise Incomplete("a checksum was announced and did not follow")
        refusal = _wrong_md5(headers.pop("content-md5", None), body.digests.md5)
        if len(signed) == 64 and signed != body.digests.sha256:
            refusal = _error(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                400,
            )
        return body, headers, refusal

    async def _end(
        self,
        handle: _Handle,
        bucket: str,
        key: str,
        body: bytes,
        query: dict[str, Any],
        headers: dict[str, str],
    ) -> _Answer:
        """CreateMultipartUpload, CompleteMultipartUpload and AbortMultipartUpload."""
        upload = _upload(bucket, key, query)
        if upload is None:
            return await handle(body)
        parts: Parts = upload["parts"]
        async with parts.lock:
            plan = _plan(bucket, key, body, query, headers)
            if not isinstance(plan, _Plan):
                return await handle(body)
            region = parts.in_place(plan.numbers)
            if region is None:
                region = await asyncio.to_thread(parts.copied, plan.numbers)
            token = _joined.set(region)
            try:
                return await handle(body)
            finally:
                _joined.reset(token)

    # --- In place of what looks into a body -------------------------------------------------------

    def _verify_once(self, *request: Any) -> _Answer | None:
        return None if _is_verified.get() else self._verify(*request)

    def _checksum_of(self, algorithm: str, body: bytes) -> str | None:
        if not isinstance(body, Body):
            return self._checksum(algorithm, body)  # type: ignore[no-any-return]
        name = algorithm.upper().replace("_", "")
        if name not in body.digests.checksums:
            with Mapped(body.region) as view:
                body.digests.checksums[name] = self._checksum(name, view)
        return body.digests.checksums[name]

    def _persist_body(self, bucket: str, key: str, record: Any) -> None:
        if not (isinstance(record, dict) and isinstance(record.get("body"), Body)):
            self._persist(bucket, key, record)
            return
        self._commit(bucket, key, record, record["body"].region.path, None)
        record["body"] = None

    def _commit(
        self,
        bucket: str,
        key: str,
        record: dict[str, Any],
        source: Path,
        completion: Completion | None,
    ) -> None:
        target = s3._object_disk_path(bucket, key)
        stale = s3._other_key_disk_path(f"{s3.DATA_DIR}/{get_account_id()}/{bucket}", key, target)
        facts = {
            **s3._object_meta_from_record(record),
            **s3._key_history_meta(bucket, key),
            "key": key,
        }
        _sync_later(
            *self._commits.commit(
                source,
                Path(target),
                facts,
                stale=Path(stale) if stale else None,
                completion=completion,
            )
        )

    def _get(self, *request: Any) -> _Answer:
        token = _is_get.set(True)
        try:
            return self._get_object(*request)  # type: ignore[no-any-return]
        finally:
            _is_get.reset(token)

    def _stored(self, bucket: str, key: str, record: dict[str, Any]) -> Any:
        if not _is_get.get() or record.get("body") is not None or record["size"] <= SMALL:
            return self._read_body(bucket, key, record)
        file = os.open(s3._object_disk_path(bucket, key), os.O_RDONLY)
        return _Stored(os.fdopen(file, "rb", _READ), 0, record["size"])  # closed with its answer

    def _complete(
        self,
        bucket: str,
        key: str,
        body: bytes,
        query: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> _Answer:
        """In place of ministack's own, which joins in memory what it kept there."""
        headers = headers or {}
        plan, region = _plan(bucket, key, body, query, headers), _joined.get()
        if not isinstance(plan, _Plan):
            return plan
        assert region is not None, "_end() joins the parts"
        upload_id = query["uploadId"][0]
        upload = s3._multipart_uploads[upload_id]
        objects = _objects(bucket)
        etag = f'"{plan.etag}"'
        record = {
            "body": None,
            "content_type": upload["content_type"],
            "content_encoding": upload["content_encoding"],
            "etag": etag,
            "last_modified": s3.now_iso(),
            "size": region.size,
            "metadata": upload["metadata"],
            "preserved_headers": upload["preserved_headers"],
            "storage_class": upload["storage_class"] or "STANDARD",
            "parts": [
                {"PartNumber": number, "Size": upload["parts"][number]["size"]}
                for number in plan.numbers
            ],
            "checksums": {plan.algorithm: plan.checksum} if plan.checksum else {},
            "checksum_type": "COMPOSITE" if plan.checksum else None,
        }
        version = s3._record_object_version(bucket, key, objects.get(key), record, None)
        completion = Completion(
            account=get_account_id(),
            upload_id=upload_id,
            key=key,
            headers={
                "Content-Type": "application/xml",
                **s3._stored_sse_headers(record),
                **({"x-amz-version-id": version} if version else {}),
            },
            answer=_completed(bucket, key, etag, plan, headers.get("host", "")),
        )
        with region.path.open("r+b") as file:
            file.truncate(region.size)  # of parts that the list leaves out
        self._commit(bucket, key, record, region.path, completion)
        objects[key] = record
        del s3._multipart_uploads[upload_id]
        remembered = s3._completed_multipart_uploads[upload_id] = _remembered(completion)
        s3._fire_s3_event_async(
            bucket,
            key,
            "s3:ObjectCreated:CompleteMultipartUpload",
            size=region.size,
            etag=etag,
            version_id=version,
        )
        return remembered["response"]  # type: ignore[no-any-return]


_Handle = Callable[..., Awaitable[_Answer]]


def goes_to_disk(scope: Scope) -> bool:
    """Whether the body of the request is one that goes past memory."""
    if scope["type"] != "http" or scope["method"] != "PUT":
        return False
    headers = Headers(scope=scope)
    names = parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
    bucket, _, key = scope["path"].lstrip("/").partition("/")
    size = declared_size(headers)
    is_part = "uploadId" in names and "partNumber" in names
    owner = s3._bucket_owner_account(bucket)
    return (
        (size > SMALL or (is_part and size >= 0))
        and key != ""
        and owner is not None
        and _SUBRESOURCES.isdisjoint(map(str.lower, names))
        and "x-amz-copy-source" not in headers
        and not headers.get("x-amz-content-sha256", "").startswith("STREAMING-AWS4-")
        and not s3._bucket_versioning.contains_scoped(owner, None, bucket)
        and not s3._bucket_replication.contains_scoped(owner, None, bucket)
        and ministack.detect_service("PUT", scope["path"], dict(headers), names) == "s3"
    )


@dataclass(frozen=True)
class _Plan:
    """What an upload's completion would make."""

    numbers: list[int]
    etag: str
    algorithm: str | None
    checksum: str | None


def _plan(
    bucket: str, key: str, body: bytes, query: dict[str, Any], headers: dict[str, str]
) -> _Plan | _Answer:
    """What CompleteMultipartUpload would make, or why it may not.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    """
    done = s3._completed_multipart_uploads.get(query["uploadId"][0])
    if done is not None and done["key"] == key:
        return done["response"]  # type: ignore[no-any-return]
    upload = _upload(bucket, key, query)
    if upload is None:
        return _error("NoSuchUpload", "The specified multipart upload does not exist.", 404)
    if refusal := s3._check_sse_c_part(headers, upload):
        return refusal  # type: ignore[no-any-return]
    if refusal := s3._check_put_preconditions(headers, _objects(bucket).get(key)):
        return refusal  # type: ignore[no-any-return]
    try:
        listed = list(_listed(body))
    except (ParseError, ValueError):
        listed = []
    if not listed:
        return _error(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published "
            "schema.",
            400,
        )
    numbers = [number for number, _, _ in listed]
    if numbers != sorted(set(numbers)):
        return _error(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            400,
        )
    parts: Parts = upload["parts"]
    for number, etag, checksums in listed:
        stored = parts.get(number)
        if (
            stored is None
            or (etag is not None and etag.strip('"') != stored["etag"].strip('"'))
            or any(stored["checksums"].get(name) != value for name, value in checksums.items())
        ):
            return _error(
                "InvalidPart",
                "One or more of the specified parts could not be found. The part may not have "
                "been uploaded, or the specified entity tag may not match the part's entity tag. "
                f"The following part numbers are invalid: {number}",
                400,
            )
    sizes = [parts[number]["size"] for number in numbers]
    if any(size < _SMALLEST_PART for size in sizes[:-1]):
        return _error(
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed object size.",
            400,
        )
    if headers.get("x-amz-mp-object-size", str(sum(sizes))) != str(sum(sizes)):
        return _error(
            "InvalidRequest",
            "The provided 'x-amz-mp-object-size' header does not match what was computed: "
            f"{sum(sizes)}",
            400,
        )
    algorithm = upload["checksum_algorithm"]
    checksum = s3._composite_checksum(
        algorithm, [parts[number]["checksums"].get(algorithm) for number in numbers]
    )
    if algorithm and headers.get(f"x-amz-checksum-{algorithm.lower()}", checksum) != checksum:
        return _error(
            "BadDigest",
            f"The {algorithm} you specified did not match the calculated checksum.",
            400,
        )
    md5s = b"".join(bytes.fromhex(parts[number]["etag"].strip('"')) for number in numbers)
    return _Plan(numbers, f"{s3.md5_hash(md5s)}-{len(numbers)}", algorithm, checksum)


def _listed(body: bytes) -> Iterator[tuple[int, str | None, dict[str, str]]]:
    """Number, ETag and checksums of each part that CompleteMultipartUpload names. Raises ParseError
    and ValueError."""
    for part in fromstring(body):
        given = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in part}
        if part.tag.rpartition("}")[2] == "Part":
            checksums = {
                name.removeprefix("Checksum").upper(): value
                for name, value in given.items()
                if name.startswith("Checksum") and value
            }
            yield int(given.get("PartNumber", "")), given.get("ETag"), checksums


def _completed(bucket: str, key: str, etag: str, plan: _Plan, host: str) -> str:
    root = Element("CompleteMultipartUploadResult", xmlns=s3.S3_NS)
    SubElement(root, "Location").text = f"http://{host}/{bucket}/{key}"
    SubElement(root, "Bucket").text = bucket
    SubElement(root, "Key").text = key
    SubElement(root, "ETag").text = etag
    if plan.checksum:
        SubElement(root, f"Checksum{plan.algorithm}").text = plan.checksum
        SubElement(root, "ChecksumType").text = "COMPOSITE"
    text: bytes = s3._xml_body(root)
    return text.decode()


def _remembered(completion: Completion) -> dict[str, Any]:
    answer = (200, completion.headers, completion.answer.encode())
    return {"key": completion.key, "response": answer}


def _objects(bucket: str) -> dict[str, Any]:
    owner = s3._bucket_owner_account(bucket)
    return s3._buckets.get_scoped(owner, None, bucket)["objects"]  # type: ignore[no-any-return]


def _upload(bucket: str, key: str, query: dict[str, Any]) -> dict[str, Any] | None:
    upload = s3._multipart_uploads.get(query.get("uploadId", [""])[0])
    if upload is None or (upload["bucket"], upload["key"]) != (bucket, key):
        return None
    return upload  # type: ignore[no-any-return]


def _md5(body: bytes) -> str:
    return body.digests.md5 if isinstance(body, Body) else _md5_of_bytes(body)


_md5_of_bytes: Callable[[bytes], str] = s3.md5_hash


def _wrong_md5(given: str | None, md5: str) -> _Answer | None:
    if given is None:
        return None
    try:
        digest = base64.b64decode(given, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 16:
        return _error("InvalidDigest", "The Content-MD5 you specified is not valid.", 400)
    if digest.hex() != md5:
        return _error(
            "BadDigest", "The Content-MD5 you specified did not match what we received.", 400
        )
    return None


def _error(code: str, message: str, status: int) -> _Answer:
    return s3._error(code, message, status)  # type: ignore[no-any-return]


def _sync_later(*paths: Path) -> None:
    """Before the request is answered."""
    waiting = _unsynced.get()
    if waiting is not None:
        waiting.extend(paths)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
