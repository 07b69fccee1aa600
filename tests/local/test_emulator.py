"""The local AWS: what survives, who may do what, and who is not let in."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from local import emulator
from local.emulator import Emulator, EmulatorChanged
from local.server import PortTaken, Server
from tests.e2e.laptop import until
from tests.local.deployed import client, deployed, kill

TRUST = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# --- State ----------------------------------------------------------------------------------------


def claims(token: str) -> Any:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def fill(aws: Any) -> None:
    """A bucket with an object, a table with a row, a queue with a message, a pool for users."""
    client(aws, "s3").create_bucket(Bucket="debates")
    client(aws, "s3").put_object(Bucket="debates", Key="jobs/early.txt", Body=b"heard")
    client(aws, "dynamodb").create_table(
        TableName="jobs",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "job_id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "job_id", "KeyType": "HASH"}],
    )
    client(aws, "dynamodb").put_item(TableName="jobs", Item={"job_id": {"S": "a-job"}})
    queue = client(aws, "sqs").create_queue(QueueName="work")["QueueUrl"]
    client(aws, "sqs").send_message(QueueUrl=queue, MessageBody="a unit")
    cognito = client(aws, "cognito-idp")
    pool = cognito.create_user_pool(PoolName="users", UsernameAttributes=["email"])["UserPool"]
    cognito.create_user_pool_client(
        UserPoolId=pool["Id"],
        ClientName="web",
        ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )


def wait_for_snapshot(data: Path, **contents: str) -> None:
    def is_written(name: str) -> bool:
        path = data / "aws" / "state" / f"{name}.json"
        return path.exists() and contents[name] in path.read_text()

    until(lambda: all(map(is_written, contents)) or None, seconds=60, what="the snapshot")


@dataclass(frozen=True)
class Restarted:
    """An emulator after the last one on its folder ended, and the user of that one."""

    aws: Any
    user: str


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restarted]:
    data = tmp_path_factory.mktemp("killed")
    with deployed(data) as aws:
        fill(aws)
        user = claims(aws.token())["sub"]
        wait_for_snapshot(data, sqs="a unit", dynamodb="a-job", s3="debates")
        client(aws, "s3").put_object(Bucket="debates", Key="jobs/late.txt", Body=b"heard")
        kill(aws)
    with deployed(data) as aws:
        yield Restarted(aws, user)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restarted]:
    data = tmp_path_factory.mktemp("stopped")
    with deployed(data) as aws:
        fill(aws)
        user = claims(aws.token())["sub"]
    with deployed(data) as aws:
        yield Restarted(aws, user)


@pytest.fixture(params=["killed", "stopped"])
def restarted(request: pytest.FixtureRequest) -> Restarted:
    found: Restarted = request.getfixturevalue(request.param)
    return found


@pytest.mark.emulator
def test_rows_survive(restarted: Restarted) -> None:
    rows = client(restarted.aws, "dynamodb").scan(TableName="jobs")["Items"]
    assert rows == [{"job_id": {"S": "a-job"}}]


@pytest.mark.emulator
def test_messages_survive(restarted: Restarted) -> None:
    sqs = client(restarted.aws, "sqs")
    queue = sqs.get_queue_url(QueueName="work")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0)["Messages"]
    assert [message["Body"] for message in messages] == ["a unit"]


@pytest.mark.emulator
def test_objects_survive(restarted: Restarted) -> None:
    found = client(restarted.aws, "s3").get_object(Bucket="debates", Key="jobs/early.txt")
    assert found["Body"].read() == b"heard"


@pytest.mark.emulator
def test_an_object_survives_a_kill_at_the_very_next_moment(killed: Restarted) -> None:
    found = client(killed.aws, "s3").get_object(Bucket="debates", Key="jobs/late.txt")
    assert found["Body"].read() == b"heard"


@pytest.mark.emulator
def test_the_user_is_the_same(restarted: Restarted) -> None:
    """Another user would not see the debates of this one."""
    assert claims(restarted.aws.token())["sub"] == restarted.user


# --- Rights ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def aws(killed: Restarted) -> Any:
    return killed.aws


@pytest.fixture(scope="module")
def reader(aws: Any) -> Any:
    """The environment of a role that may read one folder of the bucket `rights`."""
    iam = client(aws, "iam")
    trust = policy(**TRUST, Action="sts:AssumeRole")
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)["Role"]
    videos = "arn:aws:s3:::rights/jobs/*/videos/*"
    allowed = policy(Effect="Allow", Action="s3:GetObject", Resource=videos)
    iam.put_role_policy(RoleName="reader", PolicyName="work", PolicyDocument=allowed)
    s3 = client(aws, "s3")
    s3.create_bucket(Bucket="rights")
    for key in ("jobs/1/videos/a.mp4", "jobs/1/transcripts/a.json"):
        s3.put_object(Bucket="rights", Key=key, Body=b"bytes")
    return aws.role_environment(role["Arn"])


@pytest.mark.emulator
def test_a_role_may_do_what_its_policy_says(aws: Any, reader: Any) -> None:
    found = client(aws, "s3", reader).get_object(Bucket="rights", Key="jobs/1/videos/a.mp4")
    assert found["Body"].read() == b"bytes"


@pytest.mark.emulator
def test_a_role_may_do_nothing_else(aws: Any, reader: Any) -> None:
    s3 = client(aws, "s3", reader)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket="rights", Key="jobs/1/transcripts/a.json")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket="rights", Key="jobs/1/videos/b.mp4", Body=b"")
    with pytest.raises(ClientError, match="AccessDenied"):
        client(aws, "sqs", reader).create_queue(QueueName="not-mine")


@pytest.mark.emulator
def test_a_forged_signature_is_refused(aws: Any, reader: Any) -> None:
    forged = {**reader, "AWS_SECRET_ACCESS_KEY": "guessed"}
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client(aws, "s3", forged).get_object(Bucket="rights", Key="jobs/1/videos/a.mp4")


# --- Batch's events -------------------------------------------------------------------------------


@pytest.mark.emulator
def test_a_batch_event_reaches_the_rule_that_waits_for_it(aws: Any) -> None:
    sqs, events = client(aws, "sqs"), client(aws, "events")
    queue = sqs.create_queue(QueueName="changes")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    pattern = {"source": ["aws.batch"], "detail": {"status": ["FAILED"]}}
    events.put_rule(Name="worker-left", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="worker-left", Targets=[{"Id": "1", "Arn": attributes["QueueArn"]}])

    aws.emit_batch_event({"jobId": "running", "status": "RUNNING"})
    aws.emit_batch_event({"jobId": "failed", "status": "FAILED"})

    found = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10, MaxNumberOfMessages=10)
    heard = [json.loads(message["Body"]) for message in found["Messages"]]
    assert [event["detail"]["jobId"] for event in heard] == ["failed"]
    assert heard[0]["detail-type"] == "Batch Job State Change"


# --- Strangers ------------------------------------------------------------------------------------


@pytest.mark.emulator
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"origin": "https://example.org"}, id="a script of another site"),
        pytest.param({"sec-fetch-site": "cross-site"}, id="an image of another site"),
        pytest.param({"host": "example.org"}, id="a name that resolves to this machine"),
    ],
)
def test_another_site_in_the_users_browser_is_refused(
    aws: Any, method: str, headers: dict[str, str]
) -> None:
    answer = httpx.request(method, aws.endpoint(), headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_our_web_server_passes_for_its_browser() -> None:
    own = emulator._OwnOnly(PlainTextResponse("fine"), {"127.0.0.1:4566"}, "127.0.0.1:8080")
    headers = {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"}
    passed_on = TestClient(own, base_url="http://127.0.0.1:8080").get("/", headers=headers)
    direct = TestClient(own, base_url="http://127.0.0.1:4566").get("/", headers=headers)
    assert (passed_on.status_code, direct.status_code) == (200, 403)


# --- Start ----------------------------------------------------------------------------------------


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    other = Server(0)
    try:
        with pytest.raises(PortTaken, match=str(other.port)):
            Emulator(tmp_path, other.port, batch_endpoint=None, public_endpoint=None).start()
    finally:
        other.stop()


def test_a_name_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(emulator, "_PRIVATE", {"json": ["dumps", "_gone"]})
    with pytest.raises(EmulatorChanged, match="json has no _gone any more"):
        emulator._ministack(tmp_path)


def test_a_process_has_one_emulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = SimpleNamespace(STATE_DIR="/elsewhere")
    monkeypatch.setitem(sys.modules, "ministack.core.persistence", first)
    monkeypatch.setattr(emulator, "_PRIVATE", {})
    with pytest.raises(RuntimeError, match="has an emulator already, for /elsewhere"):
        emulator._ministack(tmp_path)


def test_a_stop_before_the_start_is_nothing(tmp_path: Path) -> None:
    Emulator(tmp_path, 0, batch_endpoint=None, public_endpoint=None).stop()
