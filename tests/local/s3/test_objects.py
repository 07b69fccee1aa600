"""Objects by both doors of the local S3: what is kept, what is refused, and in how much memory."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import random
import socket
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.e2e.laptop import until
from tests.local.bucket import NAME, Bucket

pytestmark = pytest.mark.emulator

BODY = random.Random(1).randbytes(3 * 2**20 + 5)
DOORS = pytest.mark.parametrize("door", ["emulator", "web"])


@pytest.fixture
def s3(bucket: Bucket) -> Iterator[Any]:
    s3 = bucket.client()
    yield s3
    for item in s3.list_objects_v2(Bucket=NAME).get("Contents", []):
        s3.delete_object(Bucket=NAME, Key=item["Key"])
    assert bucket.files() == []


def code(answer: httpx.Response) -> str:
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]


def read(s3: Any, key: str) -> bytes:
    body: bytes = s3.get_object(Bucket=NAME, Key=key)["Body"].read()
    return body


def is_there(s3: Any, key: str) -> bool:
    return "Contents" in s3.list_objects_v2(Bucket=NAME, Prefix=key)


# --- Kept -----------------------------------------------------------------------------------------


@DOORS
def test_an_object_is_kept_with_all_that_was_said_of_it(bucket: Bucket, s3: Any, door: str) -> None:
    url = bucket.presign(
        "put_object", door, Key="a ñ.mp4", ContentType="video/mp4", Metadata={"seq": "7"}
    )
    headers = {"content-type": "video/mp4", "x-amz-meta-seq": "7"}
    answer = httpx.put(url, content=BODY, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["etag"] == f'"{hashlib.md5(BODY).hexdigest()}"'
    found = s3.get_object(Bucket=NAME, Key="a ñ.mp4")
    assert found["Body"].read() == BODY
    assert (found["ContentType"], found["Metadata"]) == ("video/mp4", {"seq": "7"})
    assert s3.head_object(Bucket=NAME, Key="a ñ.mp4")["ContentLength"] == len(BODY)


def test_a_key_that_is_no_path_is_kept(s3: Any) -> None:
    for key in ("n" * 300, "a//b", "../up", "x.meta.json", "a/./b"):
        s3.put_object(Bucket=NAME, Key=key, Body=BODY)
        assert read(s3, key) == BODY


def test_a_new_object_takes_the_place_of_the_old(s3: Any) -> None:
    s3.put_object(Bucket=NAME, Key="x", Body=BODY, Tagging="a=1", CacheControl="no-store")
    s3.put_object(Bucket=NAME, Key="x", Body=BODY + b"new", ContentType="audio/mp4")
    found = s3.get_object(Bucket=NAME, Key="x")
    assert (found["Body"].read(), found["ContentType"]) == (BODY + b"new", "audio/mp4")
    assert "CacheControl" not in found
    s3.put_object(Bucket=NAME, Key="x", Body=b"small again")
    assert read(s3, "x") == b"small again"


def test_a_copy_and_a_tag_are_still_ministacks(s3: Any) -> None:
    s3.put_object(Bucket=NAME, Key="x", Body=BODY, Tagging="a=1")
    s3.put_object_tagging(Bucket=NAME, Key="x", Tagging={"TagSet": [{"Key": "b", "Value": "2"}]})
    s3.copy_object(Bucket=NAME, Key="y", CopySource={"Bucket": NAME, "Key": "x"})
    assert read(s3, "y") == BODY
    assert s3.get_object_tagging(Bucket=NAME, Key="y")["TagSet"] == [{"Key": "b", "Value": "2"}]


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        ("bytes=0-0", BODY[:1]),
        ("bytes=1048575-2097153", BODY[1048575:2097154]),
        ("bytes=2-", BODY[2:]),
        (f"bytes=5-{10 * len(BODY)}", BODY[5:]),
        ("bytes=-7", BODY[-7:]),
    ],
)
def test_a_range_comes_from_the_file(s3: Any, range_: str, expected: bytes) -> None:
    s3.put_object(Bucket=NAME, Key="x", Body=BODY)
    found = s3.get_object(Bucket=NAME, Key="x", Range=range_)
    assert found["Body"].read() == expected
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert found["ContentRange"].endswith(f"/{len(BODY)}")


def test_a_range_beyond_the_end_and_a_copy_that_is_still_good(s3: Any) -> None:
    etag = s3.put_object(Bucket=NAME, Key="x", Body=BODY)["ETag"]
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket=NAME, Key="x", Range=f"bytes={len(BODY)}-")
    with pytest.raises(ClientError, match="304"):
        s3.get_object(Bucket=NAME, Key="x", IfNoneMatch=etag)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.get_object(Bucket=NAME, Key="x", IfMatch='"another"')


def test_who_reads_an_object_that_is_deleted_reads_it_to_the_end(bucket: Bucket, s3: Any) -> None:
    body = BODY * 20
    s3.put_object(Bucket=NAME, Key="x", Body=body)
    with httpx.stream("GET", bucket.presign("get_object", "emulator", Key="x")) as answer:
        pieces = answer.iter_bytes(2**16)
        first = next(pieces)
        s3.delete_object(Bucket=NAME, Key="x")
        assert first + b"".join(pieces) == body
    assert not is_there(s3, "x")


# --- Refused --------------------------------------------------------------------------------------


@DOORS
@pytest.mark.parametrize(
    "wrong",
    ["type", "length", "key", "signature", "expired", "secret", "method"],
)
def test_a_url_is_good_for_what_it_was_signed_for(
    bucket: Bucket, s3: Any, door: str, wrong: str
) -> None:
    signer = bucket.client(door, AWS_SECRET_ACCESS_KEY="another") if wrong == "secret" else None
    parameters = {"Key": "right", "ContentType": "video/mp4", "ContentLength": len(BODY)}
    url = (
        signer.generate_presigned_url("put_object", Params={"Bucket": NAME, **parameters})
        if signer
        else bucket.presign("put_object", door, -1 if wrong == "expired" else 60, **parameters)
    )
    body, headers = BODY, {"content-type": "video/mp4"}
    if wrong == "type":
        headers["content-type"] = "text/html"
    elif wrong == "length":
        body += b"!"
    elif wrong == "key":
        url = url.replace("/right", "/wrong")
    elif wrong == "signature":
        url = url[:-1] + ("0" if url[-1] != "0" else "1")
    elif wrong == "method":
        url = bucket.presign("get_object", door, Key="right")
    answer = httpx.put(url, content=body, headers=headers)
    assert answer.status_code == (400 if wrong == "expired" else 403)
    assert not is_there(s3, "right")
    assert not is_there(s3, "wrong")


def test_a_url_that_expires_while_the_body_comes_was_good(bucket: Bucket, s3: Any) -> None:
    url = bucket.presign("put_object", "web", 5, Key="x")

    def slowly() -> Iterator[bytes]:
        yield BODY[:-1]
        time.sleep(6)
        yield BODY[-1:]

    answer = httpx.put(url, content=slowly(), headers={"content-length": str(len(BODY))})
    assert answer.status_code == 200
    assert httpx.put(url, content=BODY).status_code == 403
    assert read(s3, "x") == BODY


@DOORS
def test_a_role_writes_where_it_may(bucket: Bucket, s3: Any, door: str) -> None:
    iam = bucket.aws("iam")
    name = f"writer-{door}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    allow = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{NAME}/jobs/*"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=_policy(allow))
    role = bucket.client(door, **bucket.process.role_environment(arn))

    def put(key: str) -> int:
        url = role.generate_presigned_url("put_object", Params={"Bucket": NAME, "Key": key})
        return httpx.put(url, content=BODY).status_code

    assert put("jobs/1/x.mp4") == 200
    assert put("statistics/x.json") == 403
    assert not is_there(s3, "statistics/")
    if door == "emulator":  # with a signature in the header, and the body's hash in it
        role.put_object(Bucket=NAME, Key="jobs/2/x.mp4", Body=BODY)
        with pytest.raises(ClientError, match="AccessDenied"):
            role.put_object(Bucket=NAME, Key="other", Body=BODY)
        with pytest.raises(ClientError, match="AccessDenied"):
            role.get_object(Bucket=NAME, Key="jobs/2/x.mp4")


@DOORS
def test_an_object_is_made_once(bucket: Bucket, s3: Any, door: str) -> None:
    url = bucket.presign("put_object", door, Key="x", IfNoneMatch="*")

    def put(number: int) -> int:
        content = BODY + bytes([number])
        return httpx.put(url, content=content, headers={"if-none-match": "*"}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(put, range(6))) == [200, 412, 412, 412, 412, 412]
    etag = s3.head_object(Bucket=NAME, Key="x")["ETag"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=NAME, Key="x", Body=BODY, IfMatch='"another"')
    s3.put_object(Bucket=NAME, Key="x", Body=BODY, IfMatch=etag)
    assert read(s3, "x") == BODY


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (base64.b64encode(hashlib.md5(BODY).digest()).decode(), ""),
        (base64.b64encode(hashlib.md5(b"other").digest()).decode(), "BadDigest"),
        (base64.b64encode(b"short").decode(), "InvalidDigest"),
        ("no base64!", "InvalidDigest"),
    ],
)
def test_content_md5_is_compared(bucket: Bucket, s3: Any, value: str, expected: str) -> None:
    url = bucket.presign("put_object", Key="x")
    answer = httpx.put(url, content=BODY, headers={"content-md5": value})
    assert (answer.status_code, code(answer)) == (400 if expected else 200, expected)
    assert is_there(s3, "x") == (expected == "")


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_compared(bucket: Bucket, s3: Any, algorithm: str) -> None:
    url = bucket.presign("put_object", Key="x")
    name = f"x-amz-checksum-{algorithm.lower()}"
    wrong = httpx.put(url, content=BODY, headers={name: base64.b64encode(b"1234").decode()})
    assert (wrong.status_code, code(wrong)) == (400, "BadDigest")
    assert not is_there(s3, "x")
    computed = httpx.put(url, content=BODY, headers={"x-amz-sdk-checksum-algorithm": algorithm})
    assert computed.status_code == 200
    head = s3.head_object(Bucket=NAME, Key="x", ChecksumMode="ENABLED")
    value = head[f"Checksum{algorithm}"]
    if algorithm == "SHA256":
        assert base64.b64decode(value) == hashlib.sha256(BODY).digest()
    assert httpx.put(url, content=BODY, headers={name: value}).status_code == 200


def test_a_body_that_is_not_the_signed_one_is_refused(bucket: Bucket, s3: Any) -> None:
    answer = httpx.put(
        bucket.presign("put_object", Key="x"),
        content=BODY,
        headers={"x-amz-content-sha256": hashlib.sha256(b"other").hexdigest()},
    )
    assert (answer.status_code, code(answer)) == (400, "XAmzContentSHA256Mismatch")
    assert not is_there(s3, "x")


def _framed(body: bytes, trailer: bytes) -> bytes:
    half = len(body) // 2
    frames = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (body[:half], body[half:]))
    return frames + b"0\r\n" + trailer + b"\r\n"


CRC32 = base64.b64encode(binascii.crc32(BODY).to_bytes(4, "big"))


@DOORS
@pytest.mark.parametrize(
    ("length", "trailer", "expected"),
    [
        (len(BODY), b"x-amz-checksum-crc32:" + CRC32 + b"\r\n", ""),
        (len(BODY), b"x-amz-checksum-crc32:AAAAAA==\r\n", "BadDigest"),
        (len(BODY), b"", "IncompleteBody"),
        (len(BODY) - 1, b"x-amz-checksum-crc32:" + CRC32 + b"\r\n", "IncompleteBody"),
        (len(BODY) + 1, b"x-amz-checksum-crc32:" + CRC32 + b"\r\n", "IncompleteBody"),
    ],
)
def test_a_checksum_behind_the_body_is_compared(
    bucket: Bucket, s3: Any, door: str, length: int, trailer: bytes, expected: str
) -> None:
    answer = httpx.put(
        bucket.presign("put_object", door, Key="x"),
        content=_framed(BODY, trailer),
        headers={
            "content-encoding": "aws-chunked",
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "x-amz-decoded-content-length": str(length),
            "x-amz-trailer": "x-amz-checksum-crc32",
        },
    )
    assert (answer.status_code, code(answer)) == (400 if expected else 200, expected)
    if not expected:
        assert read(s3, "x") == BODY
        assert "ContentEncoding" not in s3.head_object(Bucket=NAME, Key="x")


@DOORS
def test_a_sender_who_leaves_leaves_nothing(bucket: Bucket, s3: Any, door: str) -> None:
    url = urllib.parse.urlsplit(bucket.presign("put_object", door, Key="x"))
    with socket.create_connection((url.hostname, url.port)) as sender:
        head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n"
        sender.sendall(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY[: 2**21])
        until(lambda: bucket.files() or None, seconds=10, what="the first bytes on disk")
    until(lambda: None if bucket.files() else True, seconds=10, what="an empty folder")
    assert not is_there(s3, "x")


# --- Told, and in bounds --------------------------------------------------------------------------


@DOORS
def test_the_arrival_is_told_once(bucket: Bucket, s3: Any, door: str) -> None:
    sqs = bucket.aws("sqs")
    queue = sqs.create_queue(QueueName=f"arrivals-{door}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": _policy(allow)})
    s3.put_bucket_notification_configuration(
        Bucket=NAME,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "QueueArn": arn["Attributes"]["QueueArn"],
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".mp4"}]}},
                }
            ]
        },
    )

    def taken() -> list[Any]:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    until(lambda: taken() or None, seconds=10, what="S3's test event")
    for key in ("a.mp4", "b.txt"):
        assert httpx.put(bucket.presign("put_object", door, Key=key), content=BODY).is_success
    (event,) = until(lambda: taken() or None, seconds=10, what="the arrival")
    (record,) = event["Records"]
    assert record["eventName"] == "ObjectCreated:Put"
    assert record["s3"]["object"]["key"] == "a.mp4"
    assert record["s3"]["object"]["size"] == len(BODY)
    assert record["s3"]["object"]["eTag"] == hashlib.md5(BODY).hexdigest()
    assert not taken()
    s3.put_bucket_notification_configuration(Bucket=NAME, NotificationConfiguration={})


def test_a_large_object_takes_no_memory(bucket: Bucket, s3: Any, tmp_path: Any) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(400 * 2**20)
    s3.put_object(Bucket=NAME, Key="warm", Body=BODY)
    before = bucket.process.peak()
    with large.open("rb") as body:
        answer = httpx.put(bucket.presign("put_object", Key="web"), content=body, timeout=60)
    assert answer.status_code == 200
    s3.upload_file(str(large), NAME, "emulator")
    s3.download_file(NAME, "web", str(tmp_path / "again"))
    assert (tmp_path / "again").stat().st_size == 400 * 2**20
    assert bucket.process.peak() - before < 150 * 2**20


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
