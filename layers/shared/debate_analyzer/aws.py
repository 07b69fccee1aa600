"""The ports, answered by AWS. The only place with boto3.

Clients are made by the composition root and handed in. boto3 is imported by the first that is made:
it takes longer than all else that a function imports, and not every call needs it.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from debate_analyzer import trouble
from debate_analyzer.attributes import marshal, unmarshal
from debate_analyzer.config import StageResources
from debate_analyzer.errors import (
    Conflict,
    DebateError,
    LimitReached,
    MailLost,
    MailNotTaken,
    MailRejected,
    NotFound,
    NotReplayable,
)
from debate_analyzer.importing import batch_job_name
from debate_analyzer.job import CHECK_SHARDS, FailedAttempt, Job, timestamp
from debate_analyzer.pipeline import Phase, Stage
from debate_analyzer.ports import (
    FAILURE_WINDOW,
    WAITING_LONG,
    DeadMessage,
    Depth,
    OpenUpload,
    StoredObject,
    StoredPart,
    Window,
    WorkerCount,
)
from debate_analyzer.publication import PublishRequest
from debate_analyzer.trouble import Trouble
from debate_analyzer.unit import Unit

if TYPE_CHECKING:
    from pydantic import JsonValue

    from debate_analyzer.delivery import Order
    from debate_analyzer.letter import Letter
    from debate_analyzer.notice import Order as NoticeOrder

# https://docs.aws.amazon.com/batch/latest/userguide/job_states.html, those before RUNNING
_COMING = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING")

EVENT_SOURCE = "debate-analyzer"

_FENCING_TOKEN = "fencing-token"  # in S3's metadata
_PLACES_ROW = "#places"  # no job's id
# A batch's limits, and what is waited before the rest of one is asked for again.
_BATCH_GET, _BATCH_SEND, _BATCH_DELETE = 100, 10, 1000
_FAILED = 100  # failed workers that are looked at
_DESCRIBED = 100  # jobs of Batch a request
_LONGEST_PAUSE_DAYS = 366
_PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)


def client(service: str, *, endpoint: str | None = None) -> Any:
    """A client with retries that back off, and with signatures that presigned URLs need.

    A presigned URL must name the bucket's own regional host: the global one answers with a
    redirect, which a browser's preflight does not follow (github.com/boto/boto3/issues/421), and
    the page's content security policy names this host.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "max_attempts": 5},
        signature_version="s3v4" if service == "s3" else None,
        s3={
            "addressing_style": "path" if endpoint else "virtual",
            "us_east_1_regional_endpoint": "regional",
        }
        if service == "s3"
        else None,
    )
    if service == "sesv2":
        # It has no token by which a second request would be known for the first: what is sent twice
        # arrives twice. And it is waited for no longer than a function runs.
        once = {"mode": "standard", "total_max_attempts": 1}
        config = Config(retries=once, connect_timeout=5, read_timeout=15)
    return boto3.client(service, endpoint_url=endpoint, config=config)


def secret_text(secretsmanager: Any, arn: str) -> str:
    """The secret's value, which must be text."""
    return str(secretsmanager.get_secret_value(SecretId=arn)["SecretString"])


def _code(error: Any) -> str:
    return str(error.response["Error"]["Code"])


# https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html, standard mode
_THROTTLES = frozenset(
    {
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled"),
        *("RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded"),
        *("ProvisionedThroughputExceededException", "BandwidthLimitExceeded", "SlowDown"),
        *("LimitExceededException", "TransactionInProgressException", "PriorRequestNotComplete"),
        *("EC2ThrottledException", "KMS.ThrottlingException"),
    }
)


def trouble_of(error: BaseException) -> Trouble:
    """As trouble.trouble_of, which knows nothing of AWS's errors."""
    return next(filter(None, map(_of_aws, trouble.causes(error))), None) or trouble.trouble_of(
        error
    )


def _of_aws(error: BaseException) -> Trouble | None:
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        if _code(error) in _THROTTLES:
            return Trouble.THROTTLED
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        is_theirs = status >= HTTPStatus.INTERNAL_SERVER_ERROR or _code(error) == "RequestTimeout"
        return Trouble.STORAGE_UNAVAILABLE if is_theirs else None
    of_network = (
        exceptions.ConnectionError,
        exceptions.HTTPClientError,
        exceptions.ResponseStreamingError,
        exceptions.IncompleteReadError,
    )
    return Trouble.NETWORK if isinstance(error, of_network) else None


@dataclass(frozen=True)
class DynamoJobTable:
    """ports.JobTable. Index attributes are derived from the job at each write."""

    dynamodb: Any
    name: str

    def get(self, job_id: str) -> Job | None:
        answer = self.dynamodb.get_item(
            TableName=self.name, Key=marshal({"job_id": job_id}), ConsistentRead=True
        )
        return _job(answer["Item"]) if "Item" in answer else None

    def get_many(self, job_ids: Iterable[str]) -> list[Job]:
        wanted = sorted(set(job_ids))
        return [job for some in _slices(wanted, _BATCH_GET) for job in self._get_batch(some)]

    def _get_batch(self, job_ids: list[str]) -> Iterator[Job]:
        """What DynamoDB leaves out (it stops at 16 MB, and when it is short of capacity) is asked
        for again, a little later each time, as its API reference advises."""
        keys = [marshal({"job_id": job_id}) for job_id in job_ids]
        request: dict[str, Any] = {self.name: {"Keys": keys, "ConsistentRead": True}}
        for pause in _PAUSES:
            time.sleep(pause)
            answer = self.dynamodb.batch_get_item(RequestItems=request)
            yield from map(_job, answer["Responses"].get(self.name, []))
            request = answer.get("UnprocessedKeys", {})
            if not request:
                return
        raise TimeoutError(f"DynamoDB left rows out {len(_PAUSES)} times in a row.")

    def create(self, job: Job) -> None:
        self._put(job, "attribute_not_exists(job_id)", {})

    def replace(self, job: Job) -> Job:
        newer = job.model_copy(update={"version": job.version + 1})
        self._put(newer, "version = :read", {":read": job.version})
        return newer

    def delete(self, job_id: str) -> None:
        self.dynamodb.delete_item(TableName=self.name, Key=marshal({"job_id": job_id}))

    def _put(self, job: Job, condition: str, values: dict[str, Any]) -> None:
        request: dict[str, Any] = {"TableName": self.name, "Item": row_of(job)}
        if values:
            request["ExpressionAttributeValues"] = marshal(values)
        try:
            self.dynamodb.put_item(**request, ConditionExpression=condition)
        except self.dynamodb.exceptions.ClientError as error:
            if _code(error) == "ConditionalCheckFailedException":
                raise Conflict(f"Job {job.job_id} was written by somebody else.") from error
            raise

    def owned_by(self, owner: str, window: Window, *, phase: Phase | None = None) -> Iterator[Job]:
        if phase is None:
            found = self._newest("by_owner", "owner", owner, window)
            return (job for item in found if (job := _job(item)).phase is not None)
        keys = self._newest("by_phase", "owner_phase", f"{phase} {owner}", window)
        return self._rows(keys, window.likely)

    def created_within(self, window: Window) -> Iterator[Job]:
        """A day at a time, backwards; after a year without any there are no older ones."""
        day = (window.until or datetime.now(UTC)).date()
        first = window.since.date() if window.since else date.min
        empty = 0
        while day >= first and empty < _LONGEST_PAUSE_DAYS:
            empty += 1
            keys = self._newest("by_day", "created_on", day.isoformat(), window)
            for job in self._rows(keys, window.likely):
                empty = 0
                yield job
            day -= timedelta(days=1)

    def _newest(self, index: str, key: str, value: str, window: Window) -> Iterator[dict[str, Any]]:
        names, values = {"#key": key}, {":key": value}
        condition = "#key = :key"
        if window.since is not None or window.until is not None:
            condition += " AND created_at BETWEEN :since AND :until"
            values[":since"] = timestamp(window.since) if window.since else "0"
            values[":until"] = timestamp(window.until) if window.until else "9999"
        return self._query(
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=marshal(values),
            ScanIndexForward=False,
            PaginationConfig={"PageSize": window.likely},
        )

    def _rows(self, keys: Iterator[dict[str, Any]], at_once: int) -> Iterator[Job]:
        """The rows behind an index of keys, in its order."""
        while some := [unmarshal(key)["job_id"] for key in islice(keys, at_once)]:
            rows = {job.job_id: job for job in self.get_many(some)}
            yield from (rows[job_id] for job_id in some if job_id in rows)

    def due(self, now: datetime, *, limit: int) -> list[Job]:
        found: list[Job] = []
        for shard in CHECK_SHARDS:
            answer = self.dynamodb.query(
                TableName=self.name,
                IndexName="by_check",
                KeyConditionExpression="check_shard = :shard AND check_at <= :now",
                ExpressionAttributeValues=marshal({":shard": shard, ":now": now.timestamp()}),
                Limit=max(1, limit // len(CHECK_SHARDS)),
            )
            found.extend(_job(item) for item in answer["Items"])
        return found

    def held_by_worker(self, worker: str) -> list[Job]:
        pages = self._query(
            IndexName="by_worker",
            KeyConditionExpression="worker = :worker",
            ExpressionAttributeValues=marshal({":worker": worker}),
        )
        rows = (self.get(unmarshal(item)["job_id"]) for item in pages)
        return [row for row in rows if row and row.claim and row.claim.worker == worker]

    def on_page(self, page: int) -> Iterator[str]:
        rows = self._query(
            IndexName="by_page",
            KeyConditionExpression="index_page = :page",
            ExpressionAttributeValues=marshal({":page": page}),
        )
        return (unmarshal(row)["job_id"] for row in rows)

    def take_places(self, count: int) -> int:
        answer = self.dynamodb.update_item(
            TableName=self.name,
            Key=marshal({"job_id": _PLACES_ROW}),
            UpdateExpression="ADD given :count",
            ExpressionAttributeValues=marshal({":count": count}),
            ReturnValues="UPDATED_NEW",
        )
        return int(unmarshal(answer["Attributes"])["given"]) - count

    def places(self) -> int:
        answer = self.dynamodb.get_item(
            TableName=self.name, Key=marshal({"job_id": _PLACES_ROW}), ConsistentRead=True
        )
        return int(unmarshal(answer["Item"])["given"]) if "Item" in answer else 0

    def _query(self, **request: Any) -> Iterator[dict[str, Any]]:
        pages = self.dynamodb.get_paginator("query").paginate(TableName=self.name, **request)
        for page in pages:
            yield from page["Items"]


def _slices(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def row_of(job: Job) -> dict[str, Any]:
    """The row; the keys of an index are left out where the job does not belong in it."""
    keys = {
        "check_shard": job.check_shard,
        "worker": job.claim.worker if job.claim else None,
        "index_page": job.index_page if job.is_listed else None,
        "owner_phase": f"{job.phase} {job.owner}" if job.phase else None,
        "created_on": job.created_at.date().isoformat(),
    }
    document = job.model_dump(mode="json", exclude_none=True)
    return marshal(document | {key: value for key, value in keys.items() if value is not None})


def _job(item: Mapping[str, Any]) -> Job:
    return Job.model_validate(unmarshal(item))


@dataclass(frozen=True)
class DynamoLedger:
    """ports.Ledger. What has expired is passed by: DynamoDB takes it away within days.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
    """

    dynamodb: Any
    name: str
    now: Callable[[], datetime]

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        answer = self.dynamodb.get_item(
            TableName=self.name, Key=marshal({"pk": pk, "sk": sk}), ConsistentRead=True
        )
        return self._facts(unmarshal(answer["Item"])) if "Item" in answer else None

    def put(
        self,
        pk: str,
        sk: str,
        facts: Mapping[str, Any],
        *,
        expires_at: float | None = None,
        if_absent: bool = False,
        replacing: Mapping[str, Any] | None = None,
    ) -> None:
        item: dict[str, Any] = {"pk": pk, "sk": sk, "facts": dict(facts)}
        if expires_at is not None:
            item["expires_at"] = int(expires_at)
        request: dict[str, Any] = {"TableName": self.name, "Item": marshal(item)}
        if if_absent:
            request["ConditionExpression"] = "attribute_not_exists(pk) OR expires_at <= :now"
            request["ExpressionAttributeValues"] = marshal({":now": int(self._time())})
        elif replacing is not None:
            request["ConditionExpression"] = "facts = :replaced"
            request["ExpressionAttributeValues"] = marshal({":replaced": dict(replacing)})
        try:
            self.dynamodb.put_item(**request)
        except self.dynamodb.exceptions.ClientError as error:
            if _code(error) == "ConditionalCheckFailedException":
                raise Conflict(f"{pk} {sk} was written by somebody else.") from error
            raise

    def delete(self, pk: str, sk: str) -> None:
        self.dynamodb.delete_item(TableName=self.name, Key=marshal({"pk": pk, "sk": sk}))

    def list(
        self, pk: str, *, after: str | None = None, limit: int
    ) -> list[tuple[str, dict[str, Any]]]:
        condition, values = "pk = :pk", {":pk": pk}
        if after is not None:
            condition += " AND sk > :after"
            values[":after"] = after
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=marshal(values),
            ConsistentRead=True,
        )
        items = (unmarshal(item) for page in pages for item in page["Items"])
        found = ((item["sk"], self._facts(item)) for item in items)
        return list(islice(((sk, facts) for sk, facts in found if facts is not None), limit))

    def count(
        self, pk: str, sk: str, amount: int, *, at_most: int | None = None, expires_at: float
    ) -> int:
        request: dict[str, Any] = {
            "TableName": self.name,
            "Key": marshal({"pk": pk, "sk": sk}),
            "UpdateExpression": "ADD counted :amount SET expires_at = :expires_at",
            "ReturnValues": "UPDATED_NEW",
        }
        values = {":amount": amount, ":expires_at": int(expires_at)}
        if at_most is not None:
            if amount > at_most:
                raise LimitReached(f"{amount} is more than {at_most}.")
            request["ConditionExpression"] = "attribute_not_exists(counted) OR counted <= :room"
            values[":room"] = at_most - amount
        try:
            answer = self.dynamodb.update_item(**request, ExpressionAttributeValues=marshal(values))
        except self.dynamodb.exceptions.ClientError as error:
            if _code(error) == "ConditionalCheckFailedException":
                raise LimitReached(f"There are {at_most} already.") from error
            raise
        return int(unmarshal(answer["Attributes"])["counted"])

    def _facts(self, item: Mapping[str, Any]) -> dict[str, Any] | None:
        if item.get("expires_at", math.inf) <= self._time():
            return None
        facts: dict[str, Any] = item.get("facts", {})
        return facts

    def _time(self) -> float:
        return self.now().timestamp()


@dataclass(frozen=True)
class S3ObjectStore:
    """ports.ObjectStore. `signing` makes presigned URLs, where the public endpoint is another."""

    s3: Any
    bucket: str
    signing: Any = None

    def head(self, key: str) -> StoredObject | None:
        try:
            answer = self.s3.head_object(Bucket=self.bucket, Key=key)
        except self.s3.exceptions.ClientError as error:
            if _code(error) in ("404", "NoSuchKey", "NotFound"):
                return None
            raise
        return StoredObject(
            key=key,
            bytes=answer["ContentLength"],
            etag=answer["ETag"].strip('"'),
            content_type=answer.get("ContentType", ""),
            modified=answer["LastModified"],
            fencing_token=int(answer["Metadata"].get(_FENCING_TOKEN, 0)),
        )

    def get(self, key: str) -> tuple[bytes, str] | None:
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=key)
        except self.s3.exceptions.ClientError as error:
            if _code(error) in ("404", "NoSuchKey", "NotFound"):
                return None
            raise
        return answer["Body"].read(), answer["ETag"].strip('"')

    def get_range(self, key: str, start: int, length: int) -> bytes:
        span = f"bytes={start}-{start + length - 1}"
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=key, Range=span)
        except self.s3.exceptions.ClientError as error:
            if _code(error) in ("404", "NoSuchKey", "NotFound"):
                raise NotFound(f"{key} is not there.") from error
            raise
        data: bytes = answer["Body"].read()
        return data

    def head_bytes(self, key: str, count: int) -> bytes | None:
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=key, Range=f"bytes=0-{count - 1}")
        except self.s3.exceptions.ClientError as error:
            if _code(error) in ("404", "NoSuchKey", "NotFound"):
                return None
            if _code(error) in ("416", "InvalidRange"):
                return b""  # an empty object has no first byte
            raise
        return bytes(answer["Body"].read())

    def put(
        self,
        key: str,
        data: bytes,
        content_type: str,
        *,
        if_match: str | None = None,
        fencing_token: int = 0,
    ) -> str:
        condition = {}
        if if_match is not None:
            condition = {"IfMatch": if_match} if if_match else {"IfNoneMatch": "*"}
        try:
            answer = self.s3.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=data,
                ContentType=content_type,
                Metadata={_FENCING_TOKEN: str(fencing_token)} if fencing_token else {},
                **condition,
            )
        except self.s3.exceptions.ClientError as error:
            # 409 is a conditional write that met another one; 404 an If-Match on a deleted object.
            if condition and _code(error) in (
                "PreconditionFailed",
                "ConditionalRequestConflict",
                "412",
                "NoSuchKey",
            ):
                raise Conflict(f"{key} was written by somebody else.") from error
            raise
        return str(answer["ETag"]).strip('"')

    def download(self, key: str, path: Path) -> None:
        try:
            self.s3.download_file(self.bucket, key, str(path))
        except self.s3.exceptions.ClientError as error:
            if _code(error) in ("404", "NoSuchKey", "NotFound"):
                raise NotFound(f"{key} is not there.") from error
            raise

    def upload(self, path: Path, key: str, content_type: str) -> None:
        self.s3.upload_file(str(path), self.bucket, key, ExtraArgs={"ContentType": content_type})

    def copy(self, source: str, target: str, content_type: str) -> None:
        """In parts where it is large, side by side: one CopyObject ends at 5 GB."""
        self.s3.copy(
            {"Bucket": self.bucket, "Key": source},
            self.bucket,
            target,
            ExtraArgs={
                "ContentType": content_type,
                "MetadataDirective": "REPLACE",
                "TaggingDirective": "REPLACE",  # by none: a tag decides how long an object is kept
            },
        )

    def tag(self, key: str, tags: Mapping[str, str]) -> None:
        tagging = {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}
        try:
            self.s3.put_object_tagging(Bucket=self.bucket, Key=key, Tagging=tagging)
        except self.s3.exceptions.ClientError as error:
            if _code(error) != "NoSuchKey":
                raise

    def delete(self, prefix: str) -> list[str]:
        keys = [found.key for found in self.list(prefix)]
        for some in _slices(keys, _BATCH_DELETE):
            objects = [{"Key": key} for key in some]
            answer = self.s3.delete_objects(
                Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True}
            )
            if failed := answer.get("Errors"):
                raise ConnectionError(f"S3 kept {len(failed)} of {len(some)}: {failed[0]}")
        return keys

    def list(self, prefix: str, *, after: str | None = None) -> Iterator[StoredObject]:
        paginator = self.s3.get_paginator("list_objects_v2")
        begin = {"StartAfter": after} if after else {}
        for page in paginator.paginate(Bucket=self.bucket, Prefix=prefix, **begin):
            for found in page.get("Contents", []):
                yield StoredObject(
                    key=found["Key"],
                    bytes=found["Size"],
                    etag=found["ETag"].strip('"'),
                    content_type="",
                    modified=found["LastModified"],
                )

    def presigned_get(self, key: str, *, lifetime: timedelta, filename: str | None = None) -> str:
        request = {"Bucket": self.bucket, "Key": key}
        if filename is not None:
            request["ResponseContentDisposition"] = _attachment(filename)
        return self._sign("get_object", request, lifetime)

    def presigned_put(
        self,
        key: str,
        *,
        content_type: str,
        size: int,
        lifetime: timedelta,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[str, dict[str, str]]:
        request = {
            "Bucket": self.bucket,
            "Key": key,
            "ContentType": content_type,
            "ContentLength": size,
            "IfNoneMatch": "*",
            "Metadata": dict(metadata or {}),
        }
        url = self._sign("put_object", request, lifetime)
        kept = {f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}
        return url, {"Content-Type": content_type, "If-None-Match": "*", **kept}

    def start_multipart(
        self, key: str, content_type: str, *, metadata: Mapping[str, str] | None = None
    ) -> str:
        answer = self.s3.create_multipart_upload(
            Bucket=self.bucket, Key=key, ContentType=content_type, Metadata=dict(metadata or {})
        )
        return str(answer["UploadId"])

    def presigned_part(
        self, key: str, upload_id: str, number: int, *, size: int, lifetime: timedelta
    ) -> str:
        request = {
            "Bucket": self.bucket,
            "Key": key,
            "UploadId": upload_id,
            "PartNumber": number,
            "ContentLength": size,
        }
        return self._sign("upload_part", request, lifetime)

    def parts(
        self, key: str, upload_id: str, *, after: int = 0, limit: int | None = None
    ) -> Sequence[StoredPart]:
        return tuple(islice(self._parts(key, upload_id, after), limit))

    def _parts(self, key: str, upload_id: str, after: int) -> Iterator[StoredPart]:
        more = True
        while more:
            try:
                page = self.s3.list_parts(
                    Bucket=self.bucket, Key=key, UploadId=upload_id, PartNumberMarker=after
                )
            except self.s3.exceptions.ClientError as error:
                raise self._of_multipart(error, key) from error
            for part in page.get("Parts", []):
                yield StoredPart(part["PartNumber"], part["Size"], part["ETag"].strip('"'))
            more, after = page["IsTruncated"], page.get("NextPartNumberMarker", 0)

    def complete_multipart(self, key: str, upload_id: str, parts: Iterable[StoredPart]) -> str:
        listed = [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts]
        try:
            answer = self.s3.complete_multipart_upload(
                Bucket=self.bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": listed},
                IfNoneMatch="*",
            )
        except self.s3.exceptions.ClientError as error:
            raise self._of_multipart(error, key) from error
        return str(answer["ETag"]).strip('"')

    def abort_multipart(self, key: str, upload_id: str) -> None:
        try:
            self.s3.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)
        except self.s3.exceptions.ClientError as error:
            if _code(error) != "NoSuchUpload":
                raise

    def open_uploads(self, prefix: str) -> Iterator[OpenUpload]:
        paginator = self.s3.get_paginator("list_multipart_uploads")
        for page in paginator.paginate(Bucket=self.bucket, Prefix=prefix):
            for found in page.get("Uploads", []):
                yield OpenUpload(found["Key"], found["UploadId"], found["Initiated"])

    @staticmethod
    def _of_multipart(error: Exception, key: str) -> Exception:
        if _code(error) == "NoSuchUpload":
            return NotFound(f"{key} has no such upload.")
        if _code(error) in ("PreconditionFailed", "ConditionalRequestConflict"):
            return Conflict(f"{key} was written by somebody else.")
        return error

    def _sign(self, operation: str, request: dict[str, Any], lifetime: timedelta) -> str:
        signed: str = (self.signing or self.s3).generate_presigned_url(
            operation, Params=request, ExpiresIn=int(lifetime.total_seconds())
        )
        return signed


def _attachment(filename: str) -> str:
    """RFC 6266, with the name in UTF-8 (RFC 5987)."""
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"


@dataclass
class SqsDelivery:
    """ports.Delivery."""

    sqs: Any
    url: str
    receipt: str
    body: str

    def extend(self, visibility: timedelta) -> None:
        self.sqs.change_message_visibility(
            QueueUrl=self.url,
            ReceiptHandle=self.receipt,
            VisibilityTimeout=int(visibility.total_seconds()),
        )

    def settle(self) -> None:
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=self.receipt)


_TRIED = "tried"  # the message attribute with a letter's history, as JSON


def _tried(tried: Sequence[FailedAttempt]) -> dict[str, Any]:
    history = json.dumps([each.model_dump(mode="json") for each in tried])
    return {_TRIED: {"DataType": "String", "StringValue": history}}


def queue_depth(sqs: Any, url: str) -> Depth:
    """As far as SQS can tell: it counts within a minute."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
    ]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    visible, delayed, hidden = (int(answer["Attributes"].get(name, 0)) for name in names)
    return Depth(waiting=visible + delayed, in_hand=hidden)


@dataclass(frozen=True)
class SqsWorkQueue:
    """ports.WorkQueue. The message group makes the queue fair between owners.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
    """

    sqs: Any
    url: str
    dead_letters: str = ""
    """The URL of the queue's dead letters, for those who bury."""

    def send(self, unit: Unit) -> None:
        self.sqs.send_message(
            QueueUrl=self.url,
            MessageBody=unit.model_dump_json(),
            MessageGroupId=unit.owner or "nobody",
        )

    def receive(self, *, wait: timedelta, visibility: timedelta) -> SqsDelivery | None:
        answer = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=int(wait.total_seconds()),
            VisibilityTimeout=int(visibility.total_seconds()),
        )
        for message in answer.get("Messages", []):
            return SqsDelivery(self.sqs, self.url, message["ReceiptHandle"], message["Body"])
        return None

    def bury(self, body: str, tried: Sequence[FailedAttempt]) -> None:
        SqsLetterQueue(self.sqs, self.dead_letters).bury(body, tried)

    def depth(self) -> Depth:
        return queue_depth(self.sqs, self.url)


@dataclass(frozen=True)
class SqsLetterQueue:
    """ports.LetterQueue."""

    sqs: Any
    url: str

    def bury(self, body: str, tried: Sequence[FailedAttempt]) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body, MessageAttributes=_tried(tried))


_LOOK_SECONDS = 30  # a function that looks at letters runs no longer
_WAIT_SECONDS = 1  # of less, SQS asks some of its servers alone


@dataclass(frozen=True)
class SqsLetterBox:
    """ports.LetterBox. `queue` is the URL of the queue that the letters come from."""

    sqs: Any
    url: str
    queue: str | None

    def count(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(answer["Attributes"].get(name, 0)) for name in names)

    @contextmanager
    def open(self) -> Iterator[SqsOpenLetterBox]:
        box = SqsOpenLetterBox(self.sqs, self.url)
        try:
            yield box
        finally:
            box.close()

    def send_back(self, letter: DeadMessage) -> None:
        if self.queue is None:
            raise NotReplayable("There is no queue that these letters come from.")
        group = {"MessageGroupId": letter.group} if letter.group else {}
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=letter.body, **group)


class SqsOpenLetterBox:
    """ports.OpenLetterBox. Where its process dies, the letters are shown again after a while."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url
        self._held: dict[str, str] = {}  # receipts, by letter
        self._letters = self._receive()

    def next(self) -> DeadMessage | None:
        return next(self._letters, None)

    def remove(self, letter: DeadMessage) -> None:
        receipt = self._held.pop(letter.letter_id)
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=receipt)

    def close(self) -> None:
        """Somebody may look at once."""
        self._letters.close()
        entries = [
            {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
            for number, receipt in enumerate(self._held.values())
        ]
        for some in _slices(entries, _BATCH_SEND):
            self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=some)

    def _receive(self) -> Generator[DeadMessage, None, None]:
        seen: set[str] = set()
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_BATCH_SEND,
                VisibilityTimeout=_LOOK_SECONDS,
                WaitTimeSeconds=_WAIT_SECONDS,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            messages = answer.get("Messages", [])
            self._held |= {each["MessageId"]: each["ReceiptHandle"] for each in messages}
            fresh = [each for each in messages if each["MessageId"] not in seen]
            if not fresh:
                return
            seen.update(each["MessageId"] for each in fresh)
            yield from map(_found, fresh)


def _found(message: Mapping[str, Any]) -> DeadMessage:
    said, system = message.get("MessageAttributes", {}), message["Attributes"]
    return DeadMessage(
        letter_id=message["MessageId"],
        body=message["Body"],
        sent_at=datetime.fromtimestamp(int(system["SentTimestamp"]) / 1000, UTC),
        attributes={
            name: each["StringValue"] for name, each in said.items() if "StringValue" in each
        },
        group=system.get("MessageGroupId"),
    )


@dataclass(frozen=True)
class SqsEventLetters:
    """What a function cannot make anything of, as Lambda itself would put it there.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """

    sqs: Any
    url: str

    def bury(self, arn: str, event: JsonValue, why: DebateError) -> None:
        """The event that the function was called with, and the reason."""
        record = {
            "version": "1.0",
            "requestContext": {"functionArn": arn, "condition": "Refused"},
            "requestPayload": event,
            "responsePayload": {"errorType": why.code, "errorMessage": str(why)},
        }
        self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(record))


_NOT_OURS = (
    *("AccessDeniedException", "ResourceNotFoundException"),
    *("InvalidParameterValueException", "ValidationException"),
)


@dataclass(frozen=True)
class LambdaFunctions:
    """ports.Functions."""

    client: Any

    def call(self, arn: str, event: JsonValue) -> None:
        payload = json.dumps(event).encode()
        try:
            self.client.invoke(FunctionName=arn, InvocationType="Event", Payload=payload)
        except self.client.exceptions.ClientError as error:
            if _code(error) in _NOT_OURS:
                raise NotReplayable(f"{arn} is no function that may be called.") from error
            raise


@dataclass(frozen=True)
class SqsPublishQueue:
    """ports.PublishQueue."""

    sqs: Any
    url: str

    def send(self, job: Job) -> None:
        body = PublishRequest(job_id=job.job_id).model_dump_json(exclude_none=True)
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def send_pages(self, pages: Iterable[int]) -> None:
        for some in _slices(list(pages), _BATCH_SEND):
            bodies = [PublishRequest(page=page).model_dump_json(exclude_none=True) for page in some]
            entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
            answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
            if failed := answer.get("Failed"):
                raise ConnectionError(f"SQS did not take {len(failed)} of {len(some)}: {failed[0]}")


@dataclass(frozen=True)
class EventBridgeBus:
    """ports.EventBus."""

    events: Any
    name: str

    def send(self, kind: str, detail: Mapping[str, Any]) -> None:
        entry = {
            "EventBusName": self.name,
            "Source": EVENT_SOURCE,
            "DetailType": kind,
            "Detail": json.dumps(detail),
        }
        answer = self.events.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise ConnectionError(f"EventBridge did not take {kind}: {answer['Entries']}")


@dataclass(frozen=True)
class SqsDeliveryQueue:
    """ports.DeliveryQueue, fair between webhooks: a slow receiver holds up nobody else's."""

    sqs: Any
    url: str

    def send(self, order: Order) -> None:
        self.sqs.send_message(
            QueueUrl=self.url, MessageBody=order.model_dump_json(), MessageGroupId=order.webhook_id
        )

    def postpone(self, receipt: str, wait: timedelta) -> None:
        self.sqs.change_message_visibility(
            QueueUrl=self.url,
            ReceiptHandle=receipt,
            VisibilityTimeout=max(0, math.ceil(wait.total_seconds())),
        )


@dataclass(frozen=True)
class SqsMailQueue:
    """ports.MailQueue."""

    sqs: Any
    url: str

    def send(self, order: NoticeOrder, *, wait: timedelta = timedelta(0)) -> None:
        self.sqs.send_message(
            QueueUrl=self.url,
            MessageBody=order.model_dump_json(),
            DelaySeconds=min(900, max(0, math.ceil(wait.total_seconds()))),
        )


@dataclass(frozen=True)
class SesMailService:
    """ports.MailService. What an answer of SES says is not passed on: it may name the address. Its
    code is.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
    """

    ses: Any
    sender: str
    configuration_set: str

    def send(self, address: str, letter: Letter) -> str:
        from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

        body = {
            "Text": {"Data": letter.text, "Charset": "UTF-8"},
            "Html": {"Data": letter.html, "Charset": "UTF-8"},
        }
        subject = {"Data": letter.subject, "Charset": "UTF-8"}
        try:
            answer = self.ses.send_email(
                FromEmailAddress=self.sender,
                Destination={"ToAddresses": [address]},
                Content={"Simple": {"Subject": subject, "Body": body}},
                ConfigurationSetName=self.configuration_set,
            )
        except ClientError as error:
            told = f"SES answered {_code(error)}."
            if _is_final(error):
                raise MailRejected(told) from error
            raise MailNotTaken(told) from error
        except ConnectionError as error:
            raise MailNotTaken("SES cannot be reached.") from error
        except HTTPClientError as error:
            raise MailLost("The connection to SES was lost before it answered.") from error
        return str(answer["MessageId"])


def _is_final(error: Any) -> bool:
    """Whether SES would refuse the same letter again. That nobody has verified the sender yet is
    told by the same code as that the content is refused."""
    if _code(error) == "MessageRejected":
        return "not verified" not in str(error)
    return _code(error) == "BadRequestException"


@dataclass(frozen=True)
class CloudFrontCdn:
    """ports.Cdn. A thousand keys a month are free, then $0.005 each.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Invalidation.html
    """

    cloudfront: Any
    distribution: str

    def forget(self, key: str) -> None:
        paths = {"Quantity": 1, "Items": [f"/{quote(key)}"]}
        # The reference only has to differ: asked twice, it is forgotten twice.
        batch = {"Paths": paths, "CallerReference": f"{key} {time.time_ns()}"}
        self.cloudfront.create_invalidation(
            DistributionId=self.distribution, InvalidationBatch=batch
        )


@dataclass(frozen=True)
class BatchWorkerPool:
    """ports.WorkerPool. `resources` by stage name."""

    batch: Any
    resources: Mapping[str, StageResources]
    now: Callable[[], datetime]

    def count(self, stage: Stage) -> WorkerCount:
        queue = self.resources[stage.name].batch_queue
        since = (self.now() - FAILURE_WINDOW).timestamp() * 1000
        coming = {status: list(_jobs(self.batch, queue, status)) for status in _COMING}
        running, failed = (_jobs(self.batch, queue, status) for status in ("RUNNING", "FAILED"))
        # Of those that failed the newest hundred: whoever asks wants none, some, or too many.
        lately = islice(_workers(failed, stage), _FAILED)
        return WorkerCount(
            coming=sum(1 for jobs in coming.values() for _ in _workers(jobs, stage)),
            running=sum(1 for _ in _workers(running, stage)),
            failed_lately=sum(job.get("stoppedAt", 0) > since for job in lately),
            waiting_long=_waiting_long(coming["RUNNABLE"], self.now()),
        )

    def start(self, stage: Stage) -> str:
        resources = self.resources[stage.name]
        answer = self.batch.submit_job(
            jobName=_job_name(stage),
            jobQueue=resources.batch_queue,
            jobDefinition=resources.job_definition,
        )
        return str(answer["jobId"])

    def over(self, workers: Iterable[str]) -> set[str]:
        described = (
            self.batch.describe_jobs(jobs=some)["jobs"]
            for some in _slices(sorted(workers), _DESCRIBED)
        )
        jobs = (job for some in described for job in some)
        return {job["jobId"] for job in jobs if job["status"] in ("SUCCEEDED", "FAILED")}


def _job_name(stage: Stage) -> str:
    return f"{stage.name}-worker"


def _jobs(batch: Any, queue: str, status: str) -> Iterator[dict[str, Any]]:
    """Of a queue of Batch, the newest first."""
    pages = batch.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus=status)
    return (job for page in pages for job in page["jobSummaryList"])


def _workers(jobs: Iterable[dict[str, Any]], stage: Stage) -> Iterator[dict[str, Any]]:
    """Without the errands that somebody submitted by hand."""
    return (job for job in jobs if job["jobName"] == _job_name(stage))


def _waiting_long(runnable: Iterable[Mapping[str, Any]], now: datetime) -> int:
    long_ago = (now - WAITING_LONG).timestamp() * 1000
    return sum(job["createdAt"] < long_ago for job in runnable)


@dataclass(frozen=True)
class BatchImportPool:
    """ports.ImportPool."""

    batch: Any
    queue: str
    definition: str
    now: Callable[[], datetime]

    def start(self, job_id: str, environment: Mapping[str, str]) -> str:
        told = {"JOB_ID": job_id, **environment}
        answer = self.batch.submit_job(
            jobName=batch_job_name(job_id),
            jobQueue=self.queue,
            jobDefinition=self.definition,
            containerOverrides={
                "environment": [{"name": name, "value": value} for name, value in told.items()]
            },
        )
        return str(answer["jobId"])

    def is_alive(self, batch_id: str) -> bool:
        answer = self.batch.describe_jobs(jobs=[batch_id])
        return any(job["status"] in (*_COMING, "RUNNING") for job in answer["jobs"])

    def waiting_long(self) -> int:
        return _waiting_long(_jobs(self.batch, self.queue, "RUNNABLE"), self.now())
