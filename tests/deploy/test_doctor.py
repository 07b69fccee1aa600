"""What doctor says of a deployment, and how the command says it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from deploy import huggingface
from deploy.cloud import Cloud
from deploy.doctor import (
    BatchQueue,
    ComputeEnvironment,
    Image,
    MessageQueue,
    Patient,
    examine,
)
from deploy.finding import Finding, Level, is_good, warning
from deploy.preflight import InstanceType, Stack
from deploy.quotas import FARGATE, ec2
from local.cli import main

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(minutes=45)
GPUS = ec2("g6.xlarge", spot=False)
assert GPUS
PARAMETERS = {
    "Diarizer": "pyannote",
    "GpuInstanceTypes": "g6.xlarge",
    "UseSpot": "false",
    "GpuMaxVcpus": "8",
    "CpuCompute": "FARGATE",
    "CpuMaxVcpus": "4",
}
COMPUTE = ComputeEnvironment("gpus", "ENABLED", "VALID", "", desired_vcpus=0, max_vcpus=8)
QUEUE = BatchQueue("debates-transcribe", "ENABLED", "VALID", COMPUTE)
STACK = Stack(
    "debates",
    "UPDATE_COMPLETE",
    parameters=PARAMETERS,
    outputs={"SiteUrl": "https://page.example", "Bucket": "debates"},
)
HEALTHY = Patient(
    stack=STACK,
    now=NOW,
    batch=(QUEUE,),
    images=(Image("registry/transcribe:1", pushed=True),),
    messages=(MessageQueue("TranscribeWorkQueue", 3, timedelta(minutes=20)),),
    quotas={GPUS: 8.0, FARGATE: 4.0},
    instance_types=(InstanceType("g6.xlarge", 4, 1, frozenset()),),
    token="hf_1",
    has_page=True,
)


def bad(**facts: Any) -> Finding:
    """The one finding that is not fine."""
    found = examine(replace(HEALTHY, **facts))
    (finding,) = [one for one in found if one.level is not Level.OK]
    return finding


def stuck(compute: ComputeEnvironment = COMPUTE, reason: str = "", **facts: Any) -> Finding:
    queue = replace(QUEUE, compute=compute, runnable=2, oldest=LONG_AGO, reason=reason)
    found = examine(replace(HEALTHY, batch=(queue,), **facts))
    (finding,) = [one for one in found if one.code == "runnable"]
    assert "2 RUNNABLE in debates-transcribe, the oldest for 45 minutes" in finding.sentence
    return finding


def test_a_deployment_that_works_is_fine() -> None:
    assert {one.level for one in examine(HEALTHY)} == {Level.OK}


@pytest.mark.parametrize(
    ("status", "level"),
    [
        ("UPDATE_ROLLBACK_COMPLETE", Level.WARNING),
        ("UPDATE_IN_PROGRESS", Level.WARNING),
        ("UPDATE_ROLLBACK_FAILED", Level.ERROR),
    ],
)
def test_the_stacks_status_is_told(status: str, level: Level) -> None:
    finding = bad(stack=replace(STACK, status=status))
    assert (finding.level, finding.code) == (level, "stack")


# --- Batch ----------------------------------------------------------------------------------------


def test_an_environment_that_is_invalid_says_batchs_reason() -> None:
    compute = replace(COMPUTE, status="INVALID", reason="CLIENT_ERROR - no such profile")
    assert "no such profile" in bad(batch=(replace(QUEUE, compute=compute),)).sentence


def test_an_environment_or_a_queue_that_is_switched_off_is_an_error() -> None:
    compute = replace(COMPUTE, state="DISABLED")
    assert bad(batch=(replace(QUEUE, compute=compute),)).code == "compute"
    assert bad(batch=(replace(QUEUE, state="DISABLED"),)).code == "batch_queue"


def test_a_job_that_has_just_come_is_not_stuck() -> None:
    queue = replace(QUEUE, runnable=1, oldest=NOW - timedelta(minutes=9))
    assert is_good(examine(replace(HEALTHY, batch=(queue,))))


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot", "GpuInstanceTypes"),
        ("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - x", "GpuMaxVcpus"),
        ("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - x", "memory"),
        ("MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS - x", "AWSServiceRoleForBatch"),
        ("UNDETERMINED - x", "UNDETERMINED"),
    ],
)
def test_batchs_reason_comes_with_a_remedy(reason: str, said: str) -> None:
    finding = stuck(reason=reason)
    assert reason in finding.sentence
    assert said in finding.sentence


def test_jobs_that_wait_for_their_turn_are_a_warning() -> None:
    finding = stuck(replace(COMPUTE, desired_vcpus=8))
    assert finding.level is Level.WARNING


def test_jobs_that_wait_for_a_quota_of_zero_name_it() -> None:
    finding = stuck(quotas={GPUS: 0.0, FARGATE: 4.0})
    assert "Running On-Demand G and VT instances is 0 vCPUs" in finding.sentence


def test_jobs_that_wait_for_instances_say_where_to_look() -> None:
    assert "spot capacity" in stuck(replace(COMPUTE, desired_vcpus=4)).sentence


def test_jobs_that_wait_for_nothing_known_say_so() -> None:
    assert stuck().sentence.endswith("Batch gives no reason yet.")


# --- The rest -------------------------------------------------------------------------------------


def test_an_image_that_the_job_definition_names_has_to_be_there() -> None:
    finding = bad(images=(Image("registry/transcribe:2", pushed=False),))
    assert "registry/transcribe:2" in finding.sentence
    assert "make images" in finding.sentence


@pytest.mark.parametrize("token", ["unset", "", None])
def test_a_token_that_was_never_set_is_missed(token: str | None) -> None:
    assert bad(token=token).code == "token"


def test_the_onnx_diarizer_wants_no_token() -> None:
    stack = replace(STACK, parameters={**PARAMETERS, "Diarizer": "onnx"})
    assert is_good(examine(replace(HEALTHY, stack=stack, token="unset")))


def test_dead_letters_are_an_error() -> None:
    letters = MessageQueue("TranscribeArrivalsDeadLetters", 2, dead_letters=True)
    assert "2 dead letters in TranscribeArrivalsDeadLetters" in bad(messages=(letters,)).sentence


@pytest.mark.parametrize(
    ("name", "minutes", "healthy"),
    [
        ("TranscribeWorkQueue", 59, True),
        ("TranscribeWorkQueue", 61, False),
        ("TranscribeArrivalsQueue", 14, True),
        ("TranscribeArrivalsQueue", 16, False),
    ],
)
def test_work_may_wait_longer_than_events(name: str, minutes: int, healthy: bool) -> None:
    queue = MessageQueue(name, 1, timedelta(minutes=minutes))
    assert is_good(examine(replace(HEALTHY, messages=(queue,)))) is healthy


def test_a_page_that_was_not_uploaded_is_missed_unless_there_is_no_site() -> None:
    assert bad(has_page=False).code == "page"
    assert is_good(examine(replace(HEALTHY, has_page=False, stack=replace(STACK, outputs={}))))


def test_a_quota_that_is_zero_is_told_before_jobs_wait_for_it() -> None:
    assert bad(quotas={GPUS: 0.0, FARGATE: 4.0}).code == "quota_none"


# --- Finding it out -------------------------------------------------------------------------------


def test_a_deployment_is_read_as_it_is(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    s3, sqs, ecr = (boto3.client(name) for name in ("s3", "sqs", "ecr"))
    s3.create_bucket(Bucket="debates")
    s3.put_object(Bucket="debates", Key="website/index.html", Body=b"")
    repository = ecr.create_repository(repositoryName="stats")["repository"]["repositoryUri"]
    secret = boto3.client("secretsmanager").create_secret(Name="hf", SecretString="hf_1")["ARN"]
    urls = {
        name: sqs.create_queue(QueueName=name)["QueueUrl"]
        for name in ("TranscribeWorkQueue", "TranscribeWorkDeadLetters")
    }
    for url in urls.values():
        sqs.send_message(QueueUrl=url, MessageBody="{}")
    boto3.client("cloudwatch").put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [{"Name": "QueueName", "Value": "TranscribeWorkQueue"}],
                "Timestamp": NOW - timedelta(minutes=2),
                "Value": 90.0,
            }
        ],
    )
    arns = ("TranscribeBatchQueue", "GpuCompute", "StatsBatchQueue", "CpuCompute")
    arns += ("TranscribeJobDefinition", "StatsJobDefinition")
    outputs = {name: f"arn:{name}" for name in arns} | {
        "Bucket": "debates",
        "HfTokenSecretArn": secret,
    }
    queues = {name: ("AWS::SQS::Queue", url) for name, url in urls.items()}
    monkeypatch.setattr(cloud, "resources", lambda _: {**queues, "Bucket": ("AWS::S3::Bucket", "")})
    monkeypatch.setattr(cloud, "quotas", lambda wanted: dict.fromkeys(wanted, 4.0))
    batch, real = cloud.client("batch"), cloud.client
    monkeypatch.setattr(cloud, "client", lambda name: batch if name == "batch" else real(name))
    described_queue = {
        "jobQueueName": "q",
        "jobQueueArn": "arn:q",
        "state": "ENABLED",
        "status": "VALID",
        "priority": 1,
        "computeEnvironmentOrder": [],
    }
    waiting = [
        {"jobId": "2", "jobName": "b", "createdAt": 1_700_000_060_000, "statusReason": "later"},
        {"jobId": "1", "jobName": "a", "createdAt": 1_700_000_000_000, "statusReason": "first"},
    ]
    compute = {
        "computeEnvironmentName": "c",
        "computeEnvironmentArn": "arn:c",
        "state": "ENABLED",
        "status": "INVALID",
        "statusReason": "because",
    }
    definition = {
        "jobDefinitionName": "d",
        "jobDefinitionArn": "arn:d",
        "revision": 1,
        "type": "container",
        "containerProperties": {"image": f"{repository}:1"},
    }
    gpus = {
        "type": "EC2",
        "maxvCpus": 8,
        "desiredvCpus": 4,
        "subnets": [],
    }
    with Stubber(batch) as stubber:
        for jobs, resources in ((waiting, gpus), ([], {**gpus, "type": "FARGATE"})):
            stubber.add_response("describe_job_queues", {"jobQueues": [described_queue]})
            stubber.add_response("list_jobs", {"jobSummaryList": jobs})
            environment = {**compute, "computeResources": resources}
            stubber.add_response(
                "describe_compute_environments", {"computeEnvironments": [environment]}
            )
        for _ in range(2):
            stubber.add_response("describe_job_definitions", {"jobDefinitions": [definition]})
        patient = cloud.patient(replace(STACK, outputs=outputs), NOW)
    gpu_queue, cpu_queue = patient.batch
    assert (gpu_queue.runnable, gpu_queue.reason) == (2, "first")
    assert gpu_queue.oldest == datetime.fromtimestamp(1_700_000_000, UTC)
    assert gpu_queue.compute == ComputeEnvironment("c", "ENABLED", "INVALID", "because", 4, 8)
    assert (cpu_queue.runnable, cpu_queue.oldest) == (0, None)
    assert {image.pushed for image in patient.images} == {False}
    assert patient.messages == (
        MessageQueue("TranscribeWorkQueue", 1, timedelta(seconds=90)),
        MessageQueue("TranscribeWorkDeadLetters", 1, dead_letters=True),
    )
    assert (patient.token, patient.has_page) == ("hf_1", True)


# --- The command ----------------------------------------------------------------------------------


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, account: None) -> list[Patient]:
    """What the command finds; nobody asks Hugging Face."""
    patients = [HEALTHY]
    monkeypatch.setattr(Cloud, "stack", lambda self, name: patients[0].stack)
    monkeypatch.setattr(Cloud, "patient", lambda self, stack, now: patients[0])
    monkeypatch.setattr(
        huggingface, "token_finding", lambda token: warning("token_unknown", "Not asked.")
    )
    return patients


def test_a_healthy_deployment_exits_with_zero(
    found: list[Patient], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--stack", "debates"]) == 0
    printed = capsys.readouterr().out
    assert "✓ The page is uploaded: https://page.example" in printed
    assert "! Not asked." in printed
    assert "0 errors, 1 warnings." in printed


def test_an_ailing_one_with_one(found: list[Patient], capsys: pytest.CaptureFixture[str]) -> None:
    found[0] = replace(HEALTHY, has_page=False)
    assert main(["doctor", "--stack", "debates"]) == 1
    assert "✗ The page is not uploaded" in capsys.readouterr().out


def test_what_others_wrote_cannot_move_the_cursor(
    found: list[Patient], capsys: pytest.CaptureFixture[str]
) -> None:
    found[0] = replace(HEALTHY, images=(Image("registry/\x1b[2J:1", pushed=False),))
    main(["doctor", "--stack", "debates"])
    assert "\x1b[2J" not in capsys.readouterr().out


def test_a_deployment_that_is_not_there_is_refused(
    account: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Cloud, "stack", lambda self, name: None)
    assert main(["doctor", "--stack", "debates", "--region", "eu-west-1"]) == 2
    assert "no deployment debates in eu-west-1" in capsys.readouterr().err


def test_the_laptop_is_told_where_its_own_state_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 2
    assert "/status" in capsys.readouterr().err
