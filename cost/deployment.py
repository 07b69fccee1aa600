"""A deployment: the choices of the template that its bill depends on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cost.errors import UnreadableTemplate
from cost.machine import JobSize
from cost.template import Resource, Template

_FUNCTION = "AWS::Serverless::Function"
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}


@dataclass(frozen=True)
class Database:
    """`zones` is 2 with a standby in another zone, which costs as much again."""

    instance_class: str
    storage_gib: float
    zones: int


@dataclass(frozen=True)
class Deployment:
    """What the template says, parameters given. Counts are of resources whose condition holds."""

    gpu_instance_types: tuple[str, ...]
    use_spot: bool
    gpu_max_vcpus: int
    transcribe_max_workers: int
    worker_disk_gib: float
    linger_seconds: float
    transcribe: JobSize
    stats: JobSize
    stats_architecture: str
    cpu_on_fargate: bool
    cpu_instance_types: tuple[str, ...]
    public_addresses: bool
    function_memory_mib: dict[str, float]
    function_architecture: str
    whisper_model: str
    diarizer: str
    video_transition_days: float
    video_storage_class: str
    video_expiration_days: float
    log_retention_days: float
    own_user_pool: bool
    site: bool
    customer_key: bool
    sweep_minutes: float
    polled_queues: int
    databases: tuple[Database, ...]
    keys: int
    secrets: int
    repositories: int
    alarm_metrics: int
    dashboards: int
    watched_sites: int
    nat_gateways: int
    interface_endpoint_zones: int

    @classmethod
    def of(cls, template: Template) -> Deployment:
        """Raises UnreadableTemplate, naming the parameter or resource that is missing."""
        functions = template.of_kind(_FUNCTION)
        memory = template.document["Globals"]["Function"]["MemorySize"]
        databases = template.of_kind("AWS::RDS::DBInstance")
        secrets = len(template.of_kind("AWS::SecretsManager::Secret"))
        managed = sum(bool(d.properties.get("ManageMasterUserPassword")) for d in databases)
        stats = template.resource("StatsJobDefinition")
        return cls(
            gpu_instance_types=tuple(template.parameter("GpuInstanceTypes")),
            use_spot=_is_true(template, "UseSpot"),
            gpu_max_vcpus=int(template.parameter("GpuMaxVcpus")),
            transcribe_max_workers=int(template.parameter("TranscribeMaxWorkers")),
            worker_disk_gib=float(template.parameter("WorkerDiskGiB")),
            linger_seconds=float(template.parameter("WorkerLingerSeconds")),
            transcribe=_job_size(template.resource("TranscribeJobDefinition")),
            stats=_job_size(stats),
            stats_architecture=_container(stats)
            .get("RuntimePlatform", {})
            .get("CpuArchitecture", "X86_64"),
            cpu_on_fargate=template.parameter("CpuCompute") == "FARGATE",
            cpu_instance_types=tuple(template.parameter("CpuInstanceTypes")),
            public_addresses=template.parameter("AssignPublicIp") == "ENABLED",
            function_memory_mib={
                function.name: float(function.properties.get("MemorySize", memory))
                for function in functions
            },
            function_architecture=template.parameter("Arch"),
            whisper_model=template.parameter("WhisperModel"),
            diarizer=template.parameter("Diarizer"),
            video_transition_days=float(template.parameter("VideoTransitionDays")),
            video_storage_class=template.parameter("VideoStorageClass"),
            video_expiration_days=float(template.parameter("VideoExpirationDays")),
            log_retention_days=float(template.parameter("LogRetentionDays")),
            own_user_pool=template.parameter("JwtIssuer") == "",
            site=_is_true(template, "Site"),
            customer_key=template.parameter("EncryptionKey") != "",
            sweep_minutes=_sweep_minutes(template.resource("SweepFunction")),
            polled_queues=sum(event["Type"] == "SQS" for f in functions for event in _events(f)),
            databases=tuple(_database(database) for database in databases),
            keys=len(template.of_kind("AWS::KMS::Key")),
            secrets=secrets + managed,
            repositories=len(template.of_kind("AWS::ECR::Repository")),
            alarm_metrics=sum(
                _metrics_read(alarm) for alarm in template.of_kind("AWS::CloudWatch::Alarm")
            ),
            dashboards=len(template.of_kind("AWS::CloudWatch::Dashboard")),
            watched_sites=len(template.of_kind("AWS::CloudFront::MonitoringSubscription")),
            nat_gateways=len(template.of_kind("AWS::EC2::NatGateway")),
            interface_endpoint_zones=sum(
                len(endpoint.properties["SubnetIds"])
                for endpoint in template.of_kind("AWS::EC2::VPCEndpoint")
                if endpoint.properties.get("VpcEndpointType") == "Interface"
            ),
        )


def _is_true(template: Template, parameter: str) -> bool:
    return str(template.parameter(parameter)) == "true"


def _container(definition: Resource) -> dict[str, Any]:
    container: dict[str, Any] = definition.properties["ContainerProperties"]
    return container


def _job_size(definition: Resource) -> JobSize:
    required = {
        requirement["Type"]: float(requirement["Value"])
        for requirement in _container(definition)["ResourceRequirements"]
    }
    return JobSize(
        vcpus=required["VCPU"],
        memory_mib=required["MEMORY"],
        gpus=int(required.get("GPU", 0)),
        timeout_seconds=float(definition.properties["Timeout"]["AttemptDurationSeconds"]),
    )


def _events(function: Resource) -> Iterator[dict[str, Any]]:
    yield from function.properties.get("Events", {}).values()


def _sweep_minutes(function: Resource) -> float:
    for event in _events(function):
        found = re.fullmatch(
            r"rate\((\d+) (minute|hour|day)s?\)", event["Properties"].get("Schedule", "")
        )
        if found:
            return int(found[1]) * _MINUTES[found[2]]
    raise UnreadableTemplate(
        "SweepFunction has no Schedule of the form rate(1 minute). "
        "Teach cost/deployment.py how often it runs now."
    )


def _metrics_read(alarm: Resource) -> int:
    """What an alarm is billed by; a band of what is expected counts as two."""
    queries = alarm.properties.get("Metrics", [])
    bands = sum("ANOMALY_DETECTION_BAND" in query.get("Expression", "") for query in queries)
    return sum("MetricStat" in query for query in queries) + 2 * bands or 1


def _database(database: Resource) -> Database:
    return Database(
        instance_class=database.properties["DBInstanceClass"],
        storage_gib=float(database.properties["AllocatedStorage"]),
        zones=2 if database.properties.get("MultiAZ") else 1,
    )
