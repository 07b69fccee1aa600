"""What is read from the template of this repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cost.deployment import Deployment
from cost.errors import UnreadableTemplate
from cost.knowledge import TEMPLATE
from cost.template import Template

PARAMETERS = [
    "GpuInstanceTypes",
    "UseSpot",
    "GpuMaxVcpus",
    "TranscribeMaxWorkers",
    "WorkerDiskGiB",
    "WorkerLingerSeconds",
    "CpuCompute",
    "CpuInstanceTypes",
    "AssignPublicIp",
    "Arch",
    "WhisperModel",
    "Diarizer",
    "VideoTransitionDays",
    "VideoStorageClass",
    "VideoExpirationDays",
    "LogRetentionDays",
    "JwtIssuer",
    "Site",
    "EncryptionKey",
]


def deployed(**given: str) -> Deployment:
    return Deployment.of(Template.read(TEMPLATE, given))


def edited(changes: Mapping[str, Any]) -> Deployment:
    """The template with resources replaced, or taken out where None."""
    template = Template.read(TEMPLATE)
    resources = {**template.document["Resources"], **changes}
    resources = {name: resource for name, resource in resources.items() if resource is not None}
    return Deployment.of(Template(TEMPLATE, {**template.document, "Resources": resources}, {}))


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_template_without_the_parameter_is_refused_by_its_name(name: str) -> None:
    template = Template.read(TEMPLATE)
    parameters = {k: v for k, v in template.document["Parameters"].items() if k != name}
    without = Template(TEMPLATE, {**template.document, "Parameters": parameters}, {})
    with pytest.raises(UnreadableTemplate, match=f"has no parameter {name}"):
        Deployment.of(without)


def test_the_choices_are_the_templates() -> None:
    parameters = Template.read(TEMPLATE).document["Parameters"]
    it = deployed()
    assert ",".join(it.gpu_instance_types) == parameters["GpuInstanceTypes"]["Default"]
    assert it.use_spot is (parameters["UseSpot"]["Default"] == "true")
    assert it.worker_disk_gib == parameters["WorkerDiskGiB"]["Default"]
    assert (it.transcribe.gpus, it.stats.gpus) == (1, 0)
    assert it.transcribe.timeout_seconds > 3600
    assert it.sweep_minutes == 1
    assert it.polled_queues == 4
    assert it.repositories >= 2
    assert (it.nat_gateways, it.interface_endpoint_zones) == (0, 0)


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"UseSpot": "true"}, "use_spot", True),
        ({"GpuInstanceTypes": "g5.xlarge"}, "gpu_instance_types", ("g5.xlarge",)),
        ({"WorkerDiskGiB": "200"}, "worker_disk_gib", 200),
        ({"CpuCompute": "EC2"}, "cpu_on_fargate", False),
        ({"AssignPublicIp": "DISABLED"}, "public_addresses", False),
        ({"Arch": "x86_64"}, "function_architecture", "x86_64"),
        ({"JwtIssuer": "https://example.org"}, "own_user_pool", False),
        ({"Site": "false"}, "site", False),
        ({"EncryptionKey": "create"}, "customer_key", True),
        ({"EncryptionKey": "create"}, "keys", 1),
        ({"EncryptionKey": "arn:aws:kms:us-east-1:1:key/x"}, "keys", 0),
        ({"Database": "false"}, "databases", ()),
        ({"LogRetentionDays": "7"}, "log_retention_days", 7),
    ],
    ids=str,
)
def test_a_parameter_changes_the_deployment(
    given: dict[str, str], field: str, value: object
) -> None:
    assert getattr(deployed(**given), field) == value
    assert getattr(deployed(), field) != value or field == "keys"


def test_the_database_comes_from_its_nested_stack() -> None:
    (database,) = deployed(DatabaseInstanceClass="db.t4g.small").databases
    assert (database.instance_class, database.storage_gib, database.zones) == (
        "db.t4g.small",
        20,
        1,
    )


def test_secrets_are_those_of_the_stack_and_the_databases_own() -> None:
    none = deployed(HfTokenSecret="", Diarizer="onnx", Database="false").secrets
    assert none == 2  # the site's word for its visitors, and the webhooks' signatures
    assert deployed(Site="false", Database="false").secrets == 2
    assert deployed(Database="false").secrets == 3
    assert deployed().secrets == 4
    assert deployed(YoutubeCookiesSecret="create").secrets == 5


def test_what_somebody_adds_is_counted() -> None:
    before = edited({})
    after = edited(
        {
            "Nat": {"Type": "AWS::EC2::NatGateway"},
            "Late": {"Type": "AWS::CloudWatch::Alarm"},
            "Failing": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "Metrics": [
                        {"Id": "share", "Expression": "errors / calls"},
                        {"Id": "errors", "MetricStat": {}},
                        {"Id": "calls", "MetricStat": {}},
                    ]
                },
            },
            "Drifting": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "Metrics": [
                        {"Id": "seen", "MetricStat": {}},
                        {"Id": "expected", "Expression": "ANOMALY_DETECTION_BAND(seen)"},
                    ]
                },
            },
            "Board": {"Type": "AWS::CloudWatch::Dashboard"},
            "SqsEndpoint": {
                "Type": "AWS::EC2::VPCEndpoint",
                "Properties": {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]},
            },
        }
    )
    assert after.nat_gateways - before.nat_gateways == 1
    assert after.alarm_metrics - before.alarm_metrics == 1 + 2 + 3
    assert after.dashboards - before.dashboards == 1
    assert after.interface_endpoint_zones - before.interface_endpoint_zones == 2


def test_a_resource_that_the_bill_needs_is_named_when_it_is_gone() -> None:
    with pytest.raises(UnreadableTemplate, match="no resource StatsJobDefinition"):
        edited({"StatsJobDefinition": None})


@pytest.mark.parametrize(
    ("schedule", "minutes"), [("rate(1 minute)", 1), ("rate(5 minutes)", 5), ("rate(1 hour)", 60)]
)
def test_the_sweepers_schedule_is_read(schedule: str, minutes: float) -> None:
    events = {"E": {"Type": "Schedule", "Properties": {"Schedule": schedule}}}
    sweep = {"Type": "AWS::Serverless::Function", "Properties": {"Events": events}}
    assert edited({"SweepFunction": sweep}).sweep_minutes == minutes


def test_a_schedule_of_another_form_is_refused() -> None:
    events = {"E": {"Type": "Schedule", "Properties": {"Schedule": "cron(0 * * * ? *)"}}}
    sweep = {"Type": "AWS::Serverless::Function", "Properties": {"Events": events}}
    with pytest.raises(UnreadableTemplate, match=r"no Schedule of the form rate\(1 minute\)"):
        edited({"SweepFunction": sweep})
