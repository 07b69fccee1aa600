"""What AWS tells us: S3 notifications (inside SQS messages) and Batch state changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from debate_analyzer.errors import InvalidInput


class _S3Object(BaseModel):
    key: str


class _S3Entity(BaseModel):
    object: _S3Object


class _S3Record(BaseModel):
    event_name: str = Field(alias="eventName")
    s3: _S3Entity


class _S3Notification(BaseModel):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html"""

    records: list[_S3Record] = Field(default=[], alias="Records")
    event: str | None = Field(default=None, alias="Event")


class BatchJobChange(BaseModel):
    """https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html, its `detail`."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    job_id: str
    job_name: str = ""
    job_queue: str
    status: str
    status_reason: str = ""


def arrived_keys(body: str) -> Iterator[str]:
    """The keys that an S3 notification says were created, decoded. None for S3's own test event."""
    try:
        notification = _S3Notification.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInput(f"Not an S3 notification: {error.errors()[0]['msg']}") from error
    for record in notification.records:
        if record.event_name.startswith("ObjectCreated:"):
            yield unquote_plus(record.s3.object.key)


def batch_job_change(event: dict[str, Any]) -> BatchJobChange:
    """The state change that EventBridge delivered."""
    return BatchJobChange.model_validate(event["detail"])
