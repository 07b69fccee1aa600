"""`sam deploy` of the whole template on the emulator: created, updated with data in place, deleted.

What the emulator cannot host is NOT_EMULATED; what else differs from AWS is said in `project`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS
from samtranslator.yaml_helper import yaml_parse

from local.stack import NOT_EMULATED, localized
from tests.local.deployed import client, deployed
from tests.world import ROOT, template

pytestmark = pytest.mark.emulator

SAM = ROOT / ".venv" / "sam" / "bin" / "sam"
STACK = "debates"
BUCKET = f"debate-analyzer-000000000000-us-east-1-{STACK}"
# Everything that can be switched on.
EVERYTHING = {
    "EncryptionKey": "create",
    "VideoTransitionDays": "30",
    "VideoExpirationDays": "400",
    "StatisticsVersionDays": "30",
    "YoutubeCookiesSecret": "create",
    "DomainName": "debates.example.org",
    "CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/1",
    "AllowedOrigins": "https://news.example.org,https://school.example.org",
    "ReservedConcurrency": "5",
    "MailFrom": "debates@example.org",
    "Monitoring": "false",  # the emulator's alarms know no arithmetic of metrics
}


class Project:
    """A copy of what is deployed, and the emulator that it is deployed to."""

    def __init__(self, folder: Path, emulation: Any) -> None:
        self.folder = folder
        self._emulation = emulation
        for name in ("functions", "layers"):
            (folder / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "stacks", folder / "stacks")
        # The emulator's RDS has no attribute for the secret that RDS itself manages.
        database = folder / "stacks" / "database.yaml"
        text = database.read_text()
        database.write_text(text.replace("!GetAtt Database.MasterUserSecret.SecretArn", "none"))
        for nested in (folder / "stacks").iterdir():
            emulated = localized(yaml_parse(nested.read_text()), NOT_EMULATED)
            nested.write_text(json.dumps(emulated))
        document = localized(yaml_parse((ROOT / "template.yaml").read_text()), NOT_EMULATED)
        self.template = json.dumps(document)
        self.client("s3").create_bucket(Bucket="artifacts")

    def client(self, service: str) -> Any:
        return client(self._emulation, service)

    def deploy(self, parameters: dict[str, str]) -> subprocess.CompletedProcess[str]:
        (self.folder / "template.json").write_text(self.template)
        command = [SAM, "deploy", "--template", "template.json", "--stack-name", STACK]
        command += ["--s3-bucket", "artifacts", "--no-confirm-changeset"]
        command += ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
        command += ["--parameter-overrides", *(f"{k}={v}" for k, v in parameters.items())]
        environment = {
            "AWS_ENDPOINT_URL": self._emulation.endpoint(),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "SAM_CLI_TELEMETRY": "0",
        }
        return subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def outputs(self) -> dict[str, str]:
        stack = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def resources(self) -> dict[str, str]:
        """Physical names by logical ones, nested stacks' included."""
        cloudformation = self.client("cloudformation")
        found: dict[str, str] = {}
        stacks = [STACK]
        for name in stacks:
            pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
            for resource in (each for page in pages for each in page["StackResourceSummaries"]):
                found[resource["LogicalResourceId"]] = resource["PhysicalResourceId"]
                if resource["ResourceType"] == "AWS::CloudFormation::Stack":
                    stacks.append(resource["PhysicalResourceId"])
        return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("project")
    with deployed(folder / "data") as emulation:
        yield Project(folder, emulation)


def _types(path: Path) -> set[str]:
    document = yaml_parse(path.read_text())
    return {resource["Type"] for resource in document["Resources"].values()}


def test_what_the_laptop_cannot_host_is_on_the_list_and_nothing_else_is() -> None:
    """A type that the emulator learns is to be taken off, one that it lacks wants a reason."""
    used = _types(ROOT / "template.yaml").union(*map(_types, (ROOT / "stacks").glob("*.yaml")))
    lacking = {
        kind
        for kind in used
        if kind not in _RESOURCE_HANDLERS and not kind.startswith("AWS::Serverless::")
    }
    prefixes = tuple(NOT_EMULATED)
    assert {kind for kind in lacking if not kind.startswith(prefixes)} == set()
    assert all(any(kind.startswith(prefix) for kind in lacking) for prefix in prefixes)
    assert all(NOT_EMULATED.values())


REFUSED = [
    ({"JwtIssuer": "https://id.example.org"}, "JwtAudience is not"),
    ({"DomainName": "debates.example.org"}, "CertificateArn is not"),
    ({"VpcId": "vpc-1"}, "SubnetIds are not"),
    ({"VpcId": "vpc-1", "SubnetIds": "subnet-1"}, "DatabaseSubnetIds are not"),
    ({"SubnetIds": "subnet-1"}, "VpcId is not"),
    ({"HfTokenSecret": ""}, "wants a Hugging Face token"),
    ({"Site": "false"}, "Say which page is to upload"),
    ({"CertificateArn": "arn:aws:acm:eu-west-1:000000000000:certificate/1"}, "in us-east-1"),
    ({"WebAclArn": "arn:aws:wafv2:eu-west-1:000000000000:regional/webacl/a/b"}, "in us-east-1"),
    ({"BucketName": "My_Bucket"}, "lower-case letters"),
    ({"AllowedOrigins": "https://a.org, https://b.org"}, "no spaces between"),
    ({"EncryptionKey": "yes"}, "the word create, or the ARN of a key"),
    ({"JwtIssuer": "http://id.example.org"}, "https address"),
    ({"GpuMaxVcpus": "2"}, "GpuMaxVcpus"),
    ({"LogRetentionDays": "31"}, "LogRetentionDays"),
    ({"Diarizer": "nemo"}, "Diarizer"),
]


@pytest.mark.parametrize(("parameters", "reason"), REFUSED, ids=[str(p) for p, _ in REFUSED])
def test_parameters_that_make_no_sense_are_refused_before_anything_is_made(
    project: Project, parameters: dict[str, str], reason: str
) -> None:
    cloudformation = project.client("cloudformation")
    body = {key: template()[key] for key in ("Parameters", "Rules")}
    body["Resources"] = {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    request = {"StackName": "wrong", "TemplateBody": json.dumps(body)}
    with pytest.raises(ClientError, match=reason):
        cloudformation.create_stack(
            **request,
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )
    stacks = [stack["StackName"] for stack in cloudformation.list_stacks()["StackSummaries"]]
    assert "wrong" not in stacks


def test_a_name_that_is_taken_ends_in_nothing_half_made(project: Project) -> None:
    project.client("s3").create_bucket(Bucket=BUCKET)
    result = project.deploy({"Site": "false", "AllowedOrigins": "https://a.org"})
    assert result.returncode != 0
    assert project.client("dynamodb").list_tables()["TableNames"] == []
    project.client("cloudformation").delete_stack(StackName=STACK)
    project.client("s3").delete_bucket(Bucket=BUCKET)


def test_the_whole_is_created_updated_and_deleted(project: Project) -> None:
    """One test, since each step wants the one before."""
    created = project.deploy(EVERYTHING)
    assert created.returncode == 0, created.stdout + created.stderr
    outputs = project.outputs()
    assert set(outputs) >= set(template()["Outputs"]) - {"AlarmTopic"}  # see EVERYTHING
    assert outputs["SiteUrl"] == "https://debates.example.org"
    resources = project.resources()
    made = {*template()["Resources"]} - {"MonitoringStack"}
    for path in (ROOT / "stacks").glob("*.yaml"):
        if path.stem != "monitoring":
            made |= set(yaml_parse(path.read_text())["Resources"])
    lacking = {name for name in made - set(resources) if not _is_batch(name)}
    # SAM puts a version's hash behind a layer's name, and names the resources of events itself.
    assert lacking == {"SharedLayer", "SearchLayer"}
    s3 = project.client("s3")
    rule = s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"][0]
    assert rule["AllowedOrigins"] == [
        "https://news.example.org",
        "https://school.example.org",
        "https://debates.example.org",
    ]
    database = project.client("rds").describe_db_instances()["DBInstances"][0]
    assert (database["DBName"], database["Engine"]) == ("debate_analyzer", "postgres")

    # An update, with data in place.
    s3.put_object(Bucket=BUCKET, Key="jobs/a/videos/x.mp4", Body=b"speech")
    table = outputs["JobTable"]
    dynamodb = project.client("dynamodb")
    dynamodb.put_item(TableName=table, Item={"job_id": {"S": "a"}})
    updated = project.deploy(
        EVERYTHING | {"Database": "false", "VideoExpirationDays": "0", "StatsMaxWorkers": "9"}
    )
    assert updated.returncode == 0, updated.stdout + updated.stderr
    assert project.outputs()["JobTable"] == table
    assert "DatabaseEndpoint" not in project.outputs()
    assert dynamodb.get_item(TableName=table, Key={"job_id": {"S": "a"}})["Item"]
    assert s3.get_object(Bucket=BUCKET, Key="jobs/a/videos/x.mp4")["Body"].read() == b"speech"
    assert project.client("rds").describe_db_instances()["DBInstances"] == []

    # Deleted: the data stay, and what people sign in with; nothing else does.
    cloudformation = project.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    assert s3.get_object(Bucket=BUCKET, Key="jobs/a/videos/x.mp4")["Body"].read() == b"speech"
    assert dynamodb.get_item(TableName=table, Key={"job_id": {"S": "a"}})["Item"]
    assert project.client("lambda").list_functions()["Functions"] == []
    assert project.client("sqs").list_queues().get("QueueUrls", []) == []
    assert project.client("cognito-idp").list_user_pools(MaxResults=5)["UserPools"] != []


def _is_batch(name: str) -> bool:
    resource = template()["Resources"].get(name, {"Type": ""})
    return bool(resource["Type"].startswith(tuple(NOT_EMULATED)))
