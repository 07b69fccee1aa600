"""The ports, answered by AWS. The only place with boto3.

Clients are made by the composition root and handed in. boto3 is imported by the first that is made:
it takes longer than all else that a function imports, and not every call needs it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from debate_analyzer.config import StageResources
from debate_analyzer.errors import Conflict
from debate_analyzer.job import CHECK_SHARDS, Job
from debate_analyzer.pipeline import Stage
from debate_analyzer.ports import FAILURE_WINDOW, StoredObject, WorkerCount
from debate_analyzer.publication import PublishRequest
from debate_analyzer.unit import Unit

# https://docs.aws.amazon.com/batch/latest/userguide/job_states.html, those before RUNNING
_COMING = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING")

_PLACES_ROW = "#places"  # no job's id
# A batch's limits, and what is waited before the rest of one is asked for again.
_BATCH_GET, _BATCH_SEND = 100, 10
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
    return boto3.client(service, endpoint_url=endpoint, config=config)


def secret_text(secretsmanager: Any, arn: str) -> str:
    """The secret's value, which must be text."""
    return str(secretsmanager.get_secret_value(SecretId=arn)["SecretString"])


def _code(error: Any) -> str:
    return str(error.response["Error"]["Code"])


@dataclass(frozen=True)
class DynamoJobTable:
    """ports.JobTable. Index attributes are derived from the job at each write."""

    dynamodb: Any
    name: str

    def get(self, job_id: str) -> Job | None:
        answer = self.dynamodb.get_item(
            TableName=self.name, Key=_marshal({"job_id": job_id}), ConsistentRead=True
        )
        return _job(answer["Item"]) if "Item" in answer else None

    def get_many(self, job_ids: Iterable[str]) -> list[Job]:
        wanted = sorted(set(job_ids))
        return [job for some in _slices(wanted, _BATCH_GET) for job in self._get_batch(some)]

    def _get_batch(self, job_ids: list[str]) -> Iterator[Job]:
        """What DynamoDB leaves out (it stops at 16 MB, and when it is short of capacity) is asked
        for again, a little later each time, as its API reference advises."""
        keys = [_marshal({"job_id": job_id}) for job_id in job_ids]
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
        self.dynamodb.delete_item(TableName=self.name, Key=_marshal({"job_id": job_id}))

    def _put(self, job: Job, condition: str, values: dict[str, Any]) -> None:
        request: dict[str, Any] = {"TableName": self.name, "Item": _item(job)}
        if values:
            request["ExpressionAttributeValues"] = _marshal(values)
        try:
            self.dynamodb.put_item(**request, ConditionExpression=condition)
        except self.dynamodb.exceptions.ClientError as error:
            if _code(error) == "ConditionalCheckFailedException":
                raise Conflict(f"Job {job.job_id} was written by somebody else.") from error
            raise

    def owned_by(self, owner: str, *, before: str | None, limit: int) -> list[Job]:
        condition, values = "#owner = :owner", {":owner": owner}
        if before is not None:
            condition += " AND created_at < :before"
            values[":before"] = before
        answer = self.dynamodb.query(
            TableName=self.name,
            IndexName="by_owner",
            KeyConditionExpression=condition,
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues=_marshal(values),
            ScanIndexForward=False,
            Limit=limit,
        )
        return [_job(item) for item in answer["Items"]]

    def due(self, now: datetime, *, limit: int) -> list[Job]:
        found: list[Job] = []
        for shard in range(CHECK_SHARDS):
            answer = self.dynamodb.query(
                TableName=self.name,
                IndexName="by_check",
                KeyConditionExpression="check_shard = :shard AND check_at <= :now",
                ExpressionAttributeValues=_marshal({":shard": str(shard), ":now": now.timestamp()}),
                Limit=max(1, limit // CHECK_SHARDS),
            )
            found.extend(_job(item) for item in answer["Items"])
        return found

    def held_by_worker(self, worker: str) -> list[Job]:
        pages = self._query(
            IndexName="by_worker",
            KeyConditionExpression="worker = :worker",
            ExpressionAttributeValues=_marshal({":worker": worker}),
        )
        rows = (self.get(_unmarshal(item)["job_id"]) for item in pages)
        return [row for row in rows if row and row.claim and row.claim.worker == worker]

    def on_page(self, page: int) -> Iterator[str]:
        rows = self._query(
            IndexName="by_page",
            KeyConditionExpression="index_page = :page",
            ExpressionAttributeValues=_marshal({":page": page}),
        )
        return (_unmarshal(row)["job_id"] for row in rows)

    def take_places(self, count: int) -> int:
        answer = self.dynamodb.update_item(
            TableName=self.name,
            Key=_marshal({"job_id": _PLACES_ROW}),
            UpdateExpression="ADD given :count",
            ExpressionAttributeValues=_marshal({":count": count}),
            ReturnValues="UPDATED_NEW",
        )
        return int(_unmarshal(answer["Attributes"])["given"]) - count

    def places(self) -> int:
        answer = self.dynamodb.get_item(
            TableName=self.name, Key=_marshal({"job_id": _PLACES_ROW}), ConsistentRead=True
        )
        return int(_unmarshal(answer["Item"])["given"]) if "Item" in answer else 0

    def _query(self, **request: Any) -> Iterator[dict[str, Any]]:
        paginator = self.dynamodb.get_paginator("query")
        for page in paginator.paginate(TableName=self.name, **request):
            yield from page["Items"]


def _slices(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _marshal(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _attribute(value) for key, value in values.items()}


def _unmarshal(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(attribute) for key, attribute in item.items()}


def _attribute(value: Any) -> dict[str, Any]:
    """What JSON can hold, as DynamoDB wants it.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float():
            return {"N": json.dumps(value, allow_nan=False)}
        case list():
            return {"L": [_attribute(each) for each in value]}
        case dict():
            return {"M": _marshal(value)}
    raise TypeError(f"a row cannot hold {value!r}")


def _value(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return json.loads(value)
        case "L":
            return [_value(each) for each in value]
        case "M":
            return _unmarshal(value)
    return value


def _item(job: Job) -> dict[str, Any]:
    """The row; the keys of an index are left out where the job does not belong in it."""
    keys = {
        "check_shard": job.check_shard,
        "worker": job.claim.worker if job.claim else None,
        "index_page": job.index_page if job.is_listed else None,
    }
    document = job.model_dump(mode="json", exclude_none=True)
    return _marshal(document | {key: value for key, value in keys.items() if value is not None})


def _job(item: Mapping[str, Any]) -> Job:
    return Job.model_validate(_unmarshal(item))


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
        )

    def get(self, key: str) -> tuple[bytes, str] | None:
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=key)
        except self.s3.exceptions.ClientError as error:
            if _code(error) in ("404", "NoSuchKey", "NotFound"):
                return None
            raise
        return answer["Body"].read(), answer["ETag"].strip('"')

    def put(self, key: str, data: bytes, content_type: str, *, if_match: str | None = None) -> str:
        condition = {}
        if if_match is not None:
            condition = {"IfMatch": if_match} if if_match else {"IfNoneMatch": "*"}
        try:
            answer = self.s3.put_object(
                Bucket=self.bucket, Key=key, Body=data, ContentType=content_type, **condition
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
        self.s3.download_file(self.bucket, key, str(path))

    def upload(self, path: Path, key: str, content_type: str) -> None:
        self.s3.upload_file(str(path), self.bucket, key, ExtraArgs={"ContentType": content_type})

    def tag(self, key: str, tags: Mapping[str, str]) -> None:
        tagging = {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}
        try:
            self.s3.put_object_tagging(Bucket=self.bucket, Key=key, Tagging=tagging)
        except self.s3.exceptions.ClientError as error:
            if _code(error) != "NoSuchKey":
                raise

    def delete(self, prefix: str) -> None:
        for found in self.list(prefix):
            self.s3.delete_object(Bucket=self.bucket, Key=found.key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        paginator = self.s3.get_paginator("list_objects_v2")
        for page in paginator.paginate(Bucket=self.bucket, Prefix=prefix):
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
        self, key: str, *, content_type: str, size: int, lifetime: timedelta
    ) -> tuple[str, dict[str, str]]:
        request = {
            "Bucket": self.bucket,
            "Key": key,
            "ContentType": content_type,
            "ContentLength": size,
            "IfNoneMatch": "*",
        }
        url = self._sign("put_object", request, lifetime)
        return url, {"Content-Type": content_type, "If-None-Match": "*"}

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


@dataclass(frozen=True)
class SqsWorkQueue:
    """ports.WorkQueue. The message group makes the queue fair between owners.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
    """

    sqs: Any
    url: str

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

    def is_empty(self) -> bool:
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return all(int(answer["Attributes"].get(name, 0)) == 0 for name in names)


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
class BatchWorkerPool:
    """ports.WorkerPool. `resources` by stage name."""

    batch: Any
    resources: Mapping[str, StageResources]
    now: Callable[[], datetime]

    def count(self, stage: Stage) -> WorkerCount:
        since = (self.now() - FAILURE_WINDOW).timestamp() * 1000
        failed = [job for job in self._jobs(stage, "FAILED") if job.get("stoppedAt", 0) > since]
        return WorkerCount(
            coming=sum(len(self._jobs(stage, status)) for status in _COMING),
            running=len(self._jobs(stage, "RUNNING")),
            failed_lately=len(failed),
        )

    def _jobs(self, stage: Stage, status: str) -> list[dict[str, Any]]:
        """The newest hundred: whoever asks wants none, some, or too many."""
        queue = self.resources[stage.name].batch_queue
        answer = self.batch.list_jobs(jobQueue=queue, jobStatus=status)
        return [job for job in answer["jobSummaryList"] if job["jobName"] == _job_name(stage)]

    def start(self, stage: Stage) -> str:
        resources = self.resources[stage.name]
        answer = self.batch.submit_job(
            jobName=_job_name(stage),
            jobQueue=resources.batch_queue,
            jobDefinition=resources.job_definition,
        )
        return str(answer["jobId"])


def _job_name(stage: Stage) -> str:
    return f"{stage.name}-worker"
