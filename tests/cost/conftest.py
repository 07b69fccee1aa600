"""A deployment and figures so round that a bill can be worked out on paper."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import settings

from cost.bill import Model
from cost.deployment import Database, Deployment
from cost.figure import Figure, Figures, Step
from cost.knowledge import Knowledge
from cost.load import Load
from cost.machine import JobSize, Machine

settings.register_profile("unhurried", deadline=None)  # other work may be going on
settings.load_profile("unhurried")

MACHINES = {
    "small.gpu": Machine("small.gpu", "T4", vcpus=4, memory_gib=16, gpus=1),
    "large.gpu": Machine("large.gpu", "T4", vcpus=16, memory_gib=64, gpus=4),
    "two.cpu": Machine("two.cpu", "2 x86 vCPUs", vcpus=2, memory_gib=4, gpus=0),
}

ROUND = {
    "ec2/small.gpu/on_demand": 0.5,
    "ec2/small.gpu/spot": 0.2,
    "ec2/large.gpu/on_demand": 3.0,
    "ec2/large.gpu/spot": 0.4,
    "ec2/two.cpu/on_demand": 0.1,
    "ec2/two.cpu/spot": 0.05,
    "fargate/X86_64/vcpu_hour": 0.04,
    "fargate/X86_64/gib_hour": 0.005,
    "fargate/ARM64/vcpu_hour": 0.03,
    "fargate/ARM64/gib_hour": 0.004,
    "ebs/gib_month": 0.08,
    "network/public_address_hour": 0.005,
    "network/nat_gateway_hour": 0.045,
    "network/interface_endpoint_hour": 0.01,
    "network/out_gib": 0.09,
    "lambda/request": 0.2e-6,
    "lambda/gib_second_arm64": 0.00001,
    "lambda/gib_second_x86_64": 0.00002,
    "sqs/request": 0.4e-6,
    "dynamodb/write_unit": 1e-6,
    "dynamodb/read_unit": 0.1e-6,
    "dynamodb/gib_month": 0.25,
    "dynamodb/recovery_gib_month": 0.20,
    "api/request": 1e-6,
    "events/custom_event": 1e-6,
    "cognito/user_month": 0.01,
    "s3/put": 5e-6,
    "s3/get": 0.4e-6,
    "s3/standard_gib_month": 0.02,
    "s3/STANDARD_IA/gib_month": 0.01,
    "s3/STANDARD_IA/transition": 10e-6,
    "s3/GLACIER_IR/gib_month": 0.004,
    "s3/GLACIER_IR/transition": 20e-6,
    "s3/INTELLIGENT_TIERING/frequent_gib_month": 0.02,
    "s3/INTELLIGENT_TIERING/infrequent_gib_month": 0.01,
    "s3/INTELLIGENT_TIERING/archive_gib_month": 0.004,
    "s3/INTELLIGENT_TIERING/monitoring_object_month": 2.5e-6,
    "s3/INTELLIGENT_TIERING/transition": 10e-6,
    "cloudfront/out_gib": 0.1,
    "cloudfront/request": 1e-6,
    "rds/db.t4g.micro/hour": 0.01,
    "rds/storage/gp3_gib_month": 0.1,
    "secrets/secret_month": 0.40,
    "kms/key_month": 1.0,
    "kms/request": 3e-6,
    "cloudwatch/alarm_month": 0.10,
    "cloudwatch/dashboard_month": 3.0,
    "cloudwatch/metric_month": 0.30,
    "cloudwatch/ingested_gib": 0.5,
    "cloudwatch/stored_gib_month": 0.03,
    "ecr/gib_month": 0.1,
    "decode/any": 0.0,
    "recognition/large-v3/T4": 0.06,
    "diarization/pyannote/T4": 0.04,
    "file/s3_puts": 10,
    "file/s3_gets": 10,
    "file/sqs_requests": 20,
    "file/dynamodb_write_units": 100,
    "file/dynamodb_read_units": 30,
    "file/lambda_requests": 2,
    "file/lambda_seconds": 0.2,
    "file/stats_seconds": 1.0,
    "file/kms_requests": 1,
    "file/row_kib": 8,
    "file/derived_mib_minute": 0.1,
    "file/log_kib": 16,
    "call/lambda_seconds": 0.1,
    "call/read_units": 2,
    "call/log_kib": 1,
    "chunk/api_requests": 2,
    "chunk/s3_puts": 2,
    "chunk/s3_gets": 3,
    "chunk/events": 1,
    "view/kib": 1024,
    "view/requests": 10,
    "transcribe_start/boot": 100,
    "transcribe_start/image": 150,
    "transcribe_start/model": 50,
    "transcribe_start/idle": 40,
    "stats_start/start": 40,
    "metrics/always": 10,
    "metrics/with_debates": 20,
    "metrics/site": 8,
    "image/transcribe_gib": 6,
    "image/stats_gib": 1,
    "image/kept": 2,
    "idle/polls_minute": 15,
    "idle/sweep_seconds": 0.2,
    "idle/sweep_read_units": 4,
    "idle/sweep_log_kib": 2,
}


def made(values: dict[str, float], *, assumed: bool = False) -> Figures:
    return Figures(
        {name: Figure(name, "", "", assumed, (Step(inf, value),)) for name, value in values.items()}
    )


def deployment(**changes: object) -> Deployment:
    choices: dict[str, object] = {
        "gpu_instance_types": ("small.gpu",),
        "use_spot": False,
        "gpu_max_vcpus": 256,
        "transcribe_max_workers": 16,
        "worker_disk_gib": 100.0,
        "linger_seconds": 20.0,
        "transcribe": JobSize(vcpus=4, memory_mib=14000, gpus=1, timeout_seconds=43200),
        "stats": JobSize(vcpus=1, memory_mib=2048, gpus=0, timeout_seconds=43200),
        "stats_architecture": "X86_64",
        "cpu_on_fargate": True,
        "cpu_instance_types": ("two.cpu",),
        "public_addresses": True,
        "function_memory_mib": {
            "ApiFunction": 512.0,
            "SweepFunction": 512.0,
            "SubmitFunction": 256.0,
            "PublishFunction": 768.0,
        },
        "function_architecture": "arm64",
        "whisper_model": "large-v3",
        "diarizer": "pyannote",
        "video_transition_days": 0.0,
        "video_storage_class": "STANDARD_IA",
        "video_expiration_days": 0.0,
        "log_retention_days": 30.4,
        "own_user_pool": False,
        "site": True,
        "customer_key": False,
        "sweep_minutes": 1.0,
        "polled_queues": 3,
        "databases": (Database("db.t4g.micro", storage_gib=20, zones=1),),
        "keys": 0,
        "secrets": 2,
        "repositories": 2,
        "alarm_metrics": 5,
        "dashboards": 0,
        "watched_sites": 0,
        "nat_gateways": 0,
        "interface_endpoint_zones": 0,
    }
    return Deployment(**{**choices, **changes})  # type: ignore[arg-type]


def model(**changes: object) -> Model:
    return Model(deployment(**changes), made(ROUND), MACHINES)


def a_load(**changes: object) -> Load:
    fields: dict[str, object] = {
        "name": "paper",
        "title": "On paper",
        "files_a_day": 100.0,
        "minutes": 6.0,
        "mib": 1024.0,
        "files_a_start": 10.0,
        "stats_files_a_start": 10.0,
        "api_requests": 5.0,
        "views_a_file": 1.0,
        "watched_share": 0.5,
        "users": 10.0,
    }
    return Load(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return Knowledge.read()
