"""Uploads in parts to the local S3: in any order, twice, across a restart, across a kill -9."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import socket
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.e2e.laptop import until
from tests.local.bucket import NAME, Bucket, running_bucket

pytestmark = pytest.mark.emulator

SIZE = 5 * 2**20
KEY = "jobs/1/videos/x.mp4"
PARTS = {number: random.Random(number).randbytes(SIZE) for number in (1, 2, 3)} | {4: b"the end"}
WHOLE = b"".join(PARTS.values())
MD5S = b"".join(hashlib.md5(part).digest() for part in PARTS.values())
ETAG = f'"{hashlib.md5(MD5S).hexdigest()}-4"'


@pytest.fixture
def s3(bucket: Bucket) -> Iterator[Any]:
    s3 = bucket.client()
    yield s3
    for upload in s3.list_multipart_uploads(Bucket=NAME).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=NAME, Key=upload["Key"], UploadId=upload["UploadId"])
    s3.delete_object(Bucket=NAME, Key=KEY)
    until(lambda: None if bucket.files() else True, seconds=10, what="an empty folder")


def create(bucket: Bucket, **more: Any) -> dict[str, str]:
    """What names an upload in every call."""
    made = bucket.client().create_multipart_upload(Bucket=NAME, Key=KEY, **more)
    return {"Key": KEY, "UploadId": made["UploadId"]}


def put(bucket: Bucket, upload: dict[str, str], number: int, body: bytes, door: str = "web") -> str:
    """The part's ETag."""
    url = bucket.presign("upload_part", door, PartNumber=number, **upload)
    answer = httpx.put(url, content=body)
    assert answer.is_success, answer.text
    return answer.headers["etag"]


def complete(bucket: Bucket, upload: dict[str, str], etags: dict[int, str], **more: Any) -> Any:
    listed = [{"PartNumber": number, "ETag": etag} for number, etag in etags.items()]
    return bucket.client().complete_multipart_upload(
        Bucket=NAME, MultipartUpload={"Parts": listed}, **upload, **more
    )


def sent(bucket: Bucket, upload: dict[str, str], order: str = "1234") -> dict[int, str]:
    etags = {int(number): put(bucket, upload, int(number), PARTS[int(number)]) for number in order}
    return dict(sorted(etags.items()))


def read(bucket: Bucket) -> bytes:
    body: bytes = bucket.client().get_object(Bucket=NAME, Key=KEY)["Body"].read()
    return body


# --- Kept -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["1234", "4321", "3142"])
def test_parts_come_in_any_order(bucket: Bucket, s3: Any, order: str) -> None:
    upload = create(bucket, ContentType="video/mp4", Metadata={"seq": "7"})
    made = complete(bucket, upload, sent(bucket, upload, order))
    assert made["ETag"] == ETAG
    found = s3.get_object(Bucket=NAME, Key=KEY)
    assert found["Body"].read() == WHOLE
    assert (found["ETag"], found["ContentType"], found["Metadata"]) == (
        ETAG,
        "video/mp4",
        {"seq": "7"},
    )
    part = s3.get_object(Bucket=NAME, Key=KEY, PartNumber=4)
    assert (part["Body"].read(), part["PartsCount"]) == (PARTS[4], 4)


def test_parts_come_at_once_and_by_both_doors(bucket: Bucket, s3: Any) -> None:
    upload = create(bucket)

    def send(number: int) -> tuple[int, str]:
        return number, put(
            bucket, upload, number, PARTS[number], "web" if number % 2 else "emulator"
        )

    with ThreadPoolExecutor(4) as pool:
        etags = dict(pool.map(send, PARTS))
    complete(bucket, upload, etags)
    assert read(bucket) == WHOLE


def test_parts_are_listed_with_what_is_known_of_them(bucket: Bucket, s3: Any) -> None:
    upload = create(bucket)
    etags = sent(bucket, upload, "31")
    found = s3.list_parts(Bucket=NAME, **upload)["Parts"]
    assert [(part["PartNumber"], part["ETag"], part["Size"]) for part in found] == [
        (number, etag, SIZE) for number, etag in etags.items()
    ]


def test_boto3_uploads_and_downloads_a_file(bucket: Bucket, s3: Any, tmp_path: Path) -> None:
    """As the download job and the transcribe worker do."""
    (tmp_path / "there").write_bytes(WHOLE)
    s3.upload_file(str(tmp_path / "there"), NAME, KEY)
    s3.download_file(NAME, KEY, str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == WHOLE
    assert s3.head_object(Bucket=NAME, Key=KEY)["ETag"].endswith('-2"')


def test_a_part_that_is_sent_again_counts(bucket: Bucket, s3: Any) -> None:
    upload = create(bucket)
    etags = sent(bucket, upload)
    put(bucket, upload, 2, PARTS[3])
    with pytest.raises(ClientError, match="InvalidPart"):
        complete(bucket, upload, etags)
    assert put(bucket, upload, 2, PARTS[2]) == etags[2]
    complete(bucket, upload, etags)
    assert read(bucket) == WHOLE


@pytest.mark.parametrize("listed", [(1, 3), (1, 2), (3,)])
def test_a_part_that_is_not_listed_is_left_out(
    bucket: Bucket, s3: Any, listed: tuple[int, ...]
) -> None:
    upload = create(bucket)
    etags = sent(bucket, upload)
    complete(bucket, upload, {number: etags[number] for number in listed})
    assert read(bucket) == b"".join(PARTS[number] for number in listed)
    file = bucket.data / "aws" / "s3" / "000000000000" / NAME / KEY
    assert file.stat().st_size == sum(len(PARTS[number]) for number in listed)


def test_a_part_that_still_comes_does_not_end_up_in_the_object(bucket: Bucket, s3: Any) -> None:
    upload = create(bucket)
    etags = {1: put(bucket, upload, 1, PARTS[1])}
    url = urllib.parse.urlsplit(bucket.presign("upload_part", PartNumber=2, **upload))
    with socket.create_connection((url.hostname, url.port)) as sender:
        head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n"
        sender.sendall(f"{head}Content-Length: {SIZE}\r\n\r\n".encode() + PARTS[2][: 2**21])
        joint = bucket.data / "aws" / "uploads" / upload["UploadId"] / "object"
        until(lambda: joint.stat().st_size > SIZE or None, seconds=10, what="the second part")
        complete(bucket, upload, etags)
        sender.sendall(PARTS[2][2**21 :])
        assert b" 404 " in sender.recv(100)
    assert read(bucket) == PARTS[1]


def test_checksums_of_parts_make_the_objects(bucket: Bucket, s3: Any) -> None:
    made = s3.create_multipart_upload(Bucket=NAME, Key=KEY, ChecksumAlgorithm="SHA256")
    upload = {"Key": KEY, "UploadId": made["UploadId"]}
    parts = []
    for number in (1, 2):
        part = s3.upload_part(
            Bucket=NAME, Body=PARTS[number], PartNumber=number, ChecksumAlgorithm="SHA256", **upload
        )
        parts.append(
            {"PartNumber": number} | {name: part[name] for name in ("ETag", "ChecksumSHA256")}
        )
    forged = [parts[0], parts[1] | {"ChecksumSHA256": parts[0]["ChecksumSHA256"]}]
    with pytest.raises(ClientError, match="InvalidPart"):
        s3.complete_multipart_upload(Bucket=NAME, MultipartUpload={"Parts": forged}, **upload)
    done = s3.complete_multipart_upload(Bucket=NAME, MultipartUpload={"Parts": parts}, **upload)
    assert done["ChecksumSHA256"].endswith("-2")


# --- Refused --------------------------------------------------------------------------------------


def test_a_missing_part_is_missed(bucket: Bucket, s3: Any) -> None:
    upload = create(bucket)
    etags = sent(bucket, upload, "134")
    for wrong in ({**etags, 2: etags[1]}, {**etags, 1: etags[3]}):
        with pytest.raises(ClientError, match="InvalidPart"):
            complete(bucket, upload, dict(sorted(wrong.items())))
    etags[2] = put(bucket, upload, 2, PARTS[2])
    complete(bucket, upload, dict(sorted(etags.items())))
    assert read(bucket) == WHOLE


def test_a_list_that_makes_no_sense_is_refused(bucket: Bucket, s3: Any) -> None:
    upload = create(bucket)
    etags = sent(bucket, upload)
    with pytest.raises(ClientError, match="InvalidPartOrder"):
        complete(bucket, upload, dict(reversed(etags.items())))
    with pytest.raises(ClientError, match="EntityTooSmall"):
        complete(bucket, upload, {**etags, 5: put(bucket, upload, 5, b"more")})
    url = bucket.presign("complete_multipart_upload", **upload)
    for body in (b"", b"<not xml", b"<CompleteMultipartUpload/>"):
        assert "MalformedXML" in httpx.post(url, content=body).text
    complete(bucket, upload, etags)


@pytest.mark.parametrize("number", [0, 10_001, -1])
def test_a_number_that_no_part_has_is_refused(bucket: Bucket, s3: Any, number: int) -> None:
    upload = create(bucket)
    url = bucket.presign("upload_part", PartNumber=number, **upload)
    answer = httpx.put(url, content=b"part")
    assert (answer.status_code, "InvalidArgument" in answer.text) == (400, True)


def test_a_part_of_another_upload_or_key_is_refused(bucket: Bucket, s3: Any) -> None:
    upload = create(bucket)
    for wrong in ({**upload, "UploadId": "../x"}, {**upload, "Key": "another"}):
        url = bucket.presign("upload_part", PartNumber=1, **wrong)
        answer = httpx.put(url, content=PARTS[1])
        assert (answer.status_code, "NoSuchUpload" in answer.text) == (404, True)


@pytest.mark.parametrize("door", ["emulator", "web"])
def test_a_url_is_good_for_its_part_only(bucket: Bucket, s3: Any, door: str) -> None:
    upload = create(bucket)
    url = bucket.presign("upload_part", door, PartNumber=1, ContentLength=SIZE, **upload)
    for wrong in (url.replace("partNumber=1", "partNumber=2"), url[:-1]):
        assert httpx.put(wrong, content=PARTS[1]).status_code == 403
    assert httpx.put(url, content=PARTS[1] + b"!").status_code == 403
    expired = bucket.presign("upload_part", door, -1, PartNumber=1, **upload)
    assert httpx.put(expired, content=PARTS[1]).status_code in (400, 403)
    assert "Parts" not in s3.list_parts(Bucket=NAME, **upload)


def test_what_is_there_is_not_written_over(bucket: Bucket, s3: Any) -> None:
    upload = create(bucket)
    etags = sent(bucket, upload)
    s3.put_object(Bucket=NAME, Key=KEY, Body=b"first")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        complete(bucket, upload, etags, IfNoneMatch="*")
    assert read(bucket) == b"first"
    with pytest.raises(ClientError, match="PreconditionFailed"):
        complete(bucket, upload, etags, IfMatch='"another"')
    s3.delete_object(Bucket=NAME, Key=KEY)
    complete(bucket, upload, etags, IfNoneMatch="*")
    assert read(bucket) == WHOLE


# --- Twice ----------------------------------------------------------------------------------------


def test_who_completes_twice_hears_the_same(bucket: Bucket, s3: Any) -> None:
    upload = create(bucket)
    etags = sent(bucket, upload)

    def once(_: int) -> str:
        etag: str = complete(bucket, upload, etags, IfNoneMatch="*")["ETag"]
        return etag

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(once, range(4))) == {ETAG}
    assert once(5) == ETAG


def test_the_arrival_is_told_once_however_often_it_is_completed(bucket: Bucket, s3: Any) -> None:
    sqs = bucket.aws("sqs")
    queue = sqs.create_queue(QueueName="completed")["QueueUrl"]
    sqs.set_queue_attributes(
        QueueUrl=queue,
        Attributes={
            "Policy": '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
            '"Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}'
        },
    )
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    s3.put_bucket_notification_configuration(
        Bucket=NAME,
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": arn["QueueArn"], "Events": ["s3:ObjectCreated:*"]},
            ]
        },
    )
    upload = create(bucket)
    etags = sent(bucket, upload)
    complete(bucket, upload, etags)
    complete(bucket, upload, etags)

    def told() -> list[str] | None:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
        bodies = [message["Body"] for message in found.get("Messages", [])]
        return [body for body in bodies if "ObjectCreated" in body] or None

    (body,) = until(told, seconds=10, what="the arrival")
    assert "ObjectCreated:CompleteMultipartUpload" in body
    assert ETAG.strip('"') in body
    assert f'"size": {len(WHOLE)}' in body
    s3.put_bucket_notification_configuration(Bucket=NAME, NotificationConfiguration={})


def test_an_upload_that_was_aborted_is_gone(bucket: Bucket, s3: Any) -> None:
    upload = create(bucket)
    etags = sent(bucket, upload)
    s3.abort_multipart_upload(Bucket=NAME, **upload)
    for call in (
        lambda: s3.abort_multipart_upload(Bucket=NAME, **upload),
        lambda: s3.list_parts(Bucket=NAME, **upload),
        lambda: complete(bucket, upload, etags),
    ):
        with pytest.raises(ClientError, match="NoSuchUpload"):
            call()
    until(lambda: None if bucket.files() else True, seconds=10, what="an empty folder")


# --- Across the end of the process ----------------------------------------------------------------


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_an_upload_goes_on_after_the_process_has_ended(tmp_path: Path, end: str) -> None:
    with running_bucket(tmp_path) as bucket:
        aborted = create(bucket)
        sent(bucket, aborted, "1")
        bucket.client().abort_multipart_upload(Bucket=NAME, **aborted)
        upload = create(bucket, ContentType="video/mp4", ChecksumAlgorithm="CRC32")
        etags = sent(bucket, upload, "21")
        url = urllib.parse.urlsplit(bucket.presign("upload_part", PartNumber=3, **upload))
        with socket.create_connection((url.hostname, url.port)) as sender:
            head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n"
            sender.sendall(f"{head}Content-Length: {SIZE}\r\n\r\n".encode() + PARTS[2][: 2**21])
            joint = tmp_path / "aws" / "uploads" / upload["UploadId"] / "object"
            until(lambda: joint.stat().st_size > 2 * SIZE or None, seconds=10, what="a third part")
            if end == "kill":
                until(lambda: _has_bucket(tmp_path), seconds=60, what="the snapshot")
                os.kill(bucket.process.pid(), signal.SIGKILL)
    with running_bucket(tmp_path) as bucket:
        s3 = bucket.client()
        (found,) = s3.list_multipart_uploads(Bucket=NAME)["Uploads"]
        assert (found["Key"], found["UploadId"]) == (KEY, upload["UploadId"])
        assert [p["ETag"] for p in s3.list_parts(Bucket=NAME, **upload)["Parts"]] == [
            etags[1],
            etags[2],
        ]
        etags |= sent(bucket, upload, "34")
        assert complete(bucket, upload, etags)["ETag"] == ETAG
        assert read(bucket) == WHOLE


def test_what_was_accepted_outlives_a_kill(tmp_path: Path) -> None:
    with running_bucket(tmp_path) as bucket:
        until(lambda: _has_bucket(tmp_path), seconds=60, what="the snapshot")
        upload = create(bucket, ContentType="video/mp4", Metadata={"seq": "7"})
        etags = sent(bucket, upload)
        complete(bucket, upload, etags)
        url = bucket.presign("put_object", Key="single")
        httpx.put(url, content=PARTS[1]).raise_for_status()
        os.kill(bucket.process.pid(), signal.SIGKILL)
    with running_bucket(tmp_path) as bucket:
        assert read(bucket) == WHOLE
        head = bucket.client().head_object(Bucket=NAME, Key=KEY)
        assert (head["ETag"], head["ContentType"], head["Metadata"]) == (
            ETAG,
            "video/mp4",
            {"seq": "7"},
        )
        single = bucket.client().head_object(Bucket=NAME, Key="single")
        assert single["ContentLength"] == SIZE
        assert complete(bucket, upload, etags)["ETag"] == ETAG  # its answer may have been lost
        assert "Uploads" not in bucket.client().list_multipart_uploads(Bucket=NAME)


def _has_bucket(data: Path) -> bool | None:
    state = data / "aws" / "state" / "s3.json"
    return (state.exists() and NAME in state.read_text()) or None
