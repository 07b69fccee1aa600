from __future__ import annotations

import errno
import socket

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
)

from debate_analyzer import aws
from debate_analyzer.errors import NoSpeech
from debate_analyzer.trouble import WHAT_HAPPENED, Trouble, lasting, passing, reason_of, trouble_of


def answered(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutItem"
    )


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (answered("SlowDown", 503), Trouble.THROTTLED),
        (answered("ProvisionedThroughputExceededException", 400), Trouble.THROTTLED),
        (answered("TooManyRequestsException", 429), Trouble.THROTTLED),
        (answered("InternalError", 500), Trouble.STORAGE_UNAVAILABLE),
        (answered("ServiceUnavailable", 503), Trouble.STORAGE_UNAVAILABLE),
        (answered("RequestTimeout", 400), Trouble.STORAGE_UNAVAILABLE),
        (answered("AccessDenied", 403), Trouble.INTERNAL),
        (EndpointConnectionError(endpoint_url="https://s3"), Trouble.NETWORK),
        (ConnectTimeoutError(endpoint_url="https://s3"), Trouble.NETWORK),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), Trouble.NETWORK),
        (ConnectionResetError("by peer"), Trouble.NETWORK),
        (TimeoutError(), Trouble.NETWORK),
        (socket.gaierror(-2, "Name or service not known"), Trouble.NETWORK),
        (MemoryError(), Trouble.OUT_OF_MEMORY),
        (RuntimeError("CUDA failed with error out of memory"), Trouble.OUT_OF_MEMORY),
        (OSError(errno.ENOSPC, "No space left on device"), Trouble.DISK_FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), Trouble.DISK_FULL),
        (OSError(errno.EIO, "Input/output error"), Trouble.INTERNAL),
        (ValueError("a defect"), Trouble.INTERNAL),
    ],
    ids=repr,
)
def test_the_trouble_is_named_by_the_error_s_type(error: Exception, trouble: Trouble) -> None:
    assert aws.trouble_of(error) is trouble


def test_it_is_that_of_what_the_error_came_from() -> None:
    def upload() -> None:
        try:
            raise answered("SlowDown", 503)
        except ClientError as error:
            # as s3transfer does
            raise S3UploadFailedError(f"Failed to upload: {error}")  # noqa: B904

    with pytest.raises(S3UploadFailedError) as raised:
        upload()
    assert aws.trouble_of(raised.value) is Trouble.THROTTLED
    assert trouble_of(raised.value) is Trouble.INTERNAL


def test_an_error_that_came_from_itself_is_looked_at_once() -> None:
    error = ValueError("a defect")
    error.__context__ = KeyError("x")
    error.__context__.__context__ = error
    assert aws.trouble_of(error) is Trouble.INTERNAL


def test_each_has_a_sentence_without_the_error_s_own_words() -> None:
    assert set(WHAT_HAPPENED) == set(Trouble)
    assert passing(Trouble.NETWORK).model_dump() == {
        "code": "network",
        "message": "While this file was worked on the network failed. It is tried again by itself; "
        "if it fails for good, the log of the worker says why.",
    }
    assert "4 times" in lasting(Trouble.DISK_FULL, 4).message


def test_whoever_runs_it_is_told_the_error_s_own_words_and_not_too_many() -> None:
    assert reason_of(NoSpeech("Nobody speaks."), trouble_of).code == "no_speech"
    reason = reason_of(ValueError("x" * 9000), trouble_of)
    assert reason.code == "internal"
    assert reason.message.startswith("ValueError: xxx")
    assert len(reason.message) == 500
