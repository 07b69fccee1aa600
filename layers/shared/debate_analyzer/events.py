"""What AWS tells us: S3 notifications (inside SQS messages), Batch state changes, and rows that
changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from debate_analyzer.attributes import unmarshal
from debate_analyzer.errors import InvalidInput
from debate_analyzer.job import Job
from debate_analyzer.key import is_job_id
from debate_analyzer.pipeline import Status

_TOLD = (Status.COMPLETE, Status.FAILED)


class _S3Object(BaseModel):
    key: str


class _S3Bucket(BaseModel):
    name: str


class _S3Entity(BaseModel):
    bucket: _S3Bucket
    object: _S3Object


class _S3Record(BaseModel):
    """Of version 2: within it fields are added alone, and they do not matter here."""

    event_version: str = Field(alias="eventVersion", pattern=r"^2\.\d+$")
    event_source: Literal["aws:s3"] = Field(alias="eventSource")
    event_name: str = Field(alias="eventName")
    s3: _S3Entity


class _S3Notification(BaseModel):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html"""

    records: list[_S3Record] = Field(alias="Records", min_length=1)


class _S3TestEvent(BaseModel):
    """Which S3 sends where a notification is set up."""

    event: Literal["s3:TestEvent"] = Field(alias="Event")


_NOTICE: TypeAdapter[_S3Notification | _S3TestEvent] = TypeAdapter(_S3Notification | _S3TestEvent)


_Image = dict[str, dict[str, Any]]


class _Images(BaseModel):
    old: _Image = Field(default={}, alias="OldImage")
    new: _Image = Field(default={}, alias="NewImage")


class _StreamRecord(BaseModel):
    dynamodb: _Images


class BatchJobChange(BaseModel):
    """https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html, its `detail`."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    job_id: str
    job_name: str = ""
    job_queue: str
    status: str
    status_reason: str = ""


def arrived_keys(body: str, bucket: str) -> list[str]:
    """The keys that an S3 notification says were created, decoded. None for S3's own test event.

    Raises InvalidInput for anything else, and for another bucket's.
    """
    try:
        notice = _NOTICE.validate_json(body)
    except ValidationError as error:
        raise InvalidInput(f"Not an S3 notification: {_first(error)}") from error
    records = notice.records if isinstance(notice, _S3Notification) else []
    for record in records:
        if record.s3.bucket.name != bucket:
            raise InvalidInput(f"It tells of {record.s3.bucket.name}, which is not our bucket.")
    return [
        unquote_plus(record.s3.object.key)
        for record in records
        if record.event_name.startswith("ObjectCreated:")
    ]


def batch_job_change(event: dict[str, Any]) -> BatchJobChange:
    """The state change that EventBridge delivered. Raises InvalidInput."""
    try:
        return BatchJobChange.model_validate(event.get("detail"))
    except ValidationError as error:
        raise InvalidInput(f"Not a state change of Batch: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    """What is wrong, and where."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def sifted(event: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[Any, InvalidInput]]]:
    """The stream's event without the records that cannot be read, and those with the reason: one
    of them would hold up all that come after it.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
    """
    readable, unreadable = [], []
    for record in event["Records"]:
        try:
            for image in _images(record):
                if is_job_id(image.get("job_id", "")):
                    Job.model_validate(image)
        except (ValueError, RecursionError) as error:
            why = _first(error) if isinstance(error, ValidationError) else type(error).__name__
            unreadable.append((record, InvalidInput(f"Not a change of the job table: {why}")))
        else:
            readable.append(record)
    return {**event, "Records": readable}, unreadable


def ended_jobs(event: dict[str, Any]) -> Iterator[Job]:
    """The debates that were done or failed by one of the changes that the job table's stream tells
    of. What is written of them later, while they stay so, is passed by; so are parts."""
    for record in event["Records"]:
        before, after = _images(record)
        if (
            is_job_id(after.get("job_id", ""))
            and after["status"] in _TOLD
            and before.get("status") not in _TOLD
        ):
            yield Job.model_validate(after)


def _images(record: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row before and after, empty where there was none. Raises ValueError."""
    images = _StreamRecord.model_validate(record).dynamodb
    return unmarshal(images.old), unmarshal(images.new)
