"""Every template, linted as it is written and as SAM expands it, and sound with any parameters."""

from __future__ import annotations

import copy
import functools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint_file

from tests.template import templates
from tests.template.templates import (
    ACCOUNT,
    TEMPLATE,
    TEMPLATES,
    Resolved,
    Unresolved,
    expanded,
    resolve,
    source,
)
from tests.world import ROOT

# --- Lint -----------------------------------------------------------------------------------------


def lint(path: Path, *ignored: str) -> list[str]:
    """What cfn-lint has to say."""
    arguments = ManualArgs(regions=["us-east-1"], ignore_checks=list(ignored))
    return [str(match) for match in lint_file(path, arguments)]


def each(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", TEMPLATES, ids=each)
def test_a_template_is_clean(path: Path) -> None:
    assert lint(path) == []


def test_what_sam_makes_of_it_is_clean(tmp_path: Path) -> None:
    """Nested templates have no transform. They stay where they are, so that what passes between the
    two is looked at; W3002 says that they had to be packaged first."""
    assert [path for path in TEMPLATES if "Transform" in source(path)] == [TEMPLATE]
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    path = tmp_path / "expanded.json"
    path.write_text(json.dumps(expanded()))
    assert lint(path, "W3002") == []


def test_an_action_that_iam_does_not_know_is_noticed(tmp_path: Path) -> None:
    role = copy.deepcopy(expanded()["Resources"]["ApiFunctionRole"])
    statement = {"Effect": "Allow", "Action": "s3:GetObjects", "Resource": "*"}
    role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"] = [statement]
    path = tmp_path / "misspelt.json"
    path.write_text(json.dumps({"Resources": {"Role": role}}))
    assert any("getobjects" in finding.lower() for finding in lint(path))


# --- Parameters -----------------------------------------------------------------------------------

_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
_SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:token-AbCdEf"
_CERTIFICATE = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"
_ACL = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/debates/1"

CHOICES: dict[str, dict[str, str]] = {
    "nothing": {},
    "no site": {"Site": "false", "AllowedOrigins": "https://news.example.org"},
    "a site and other pages": {"AllowedOrigins": "https://a.example.org,https://b.example.org"},
    "a site of its own domain": {
        "DomainName": "debates.example.org",
        "CertificateArn": _CERTIFICATE,
        "WebAclArn": _ACL,
        "StatisticsKeyGroup": "group",
    },
    "no database": {"Database": "false"},
    "nobody is told": {"Monitoring": "false"},
    "somebody is told": {
        "AlarmEmail": "operations@example.org",
        "MonthlyBudget": "500",
        "EncryptionKey": "create",
    },
    "mails": {"MailFrom": "debates@example.org"},
    "mails of a domain that SES knows": {
        "MailFrom": "debates@example.org",
        "MailIdentity": "example.org",
    },
    "a key that is made": {"EncryptionKey": "create"},
    "a key that exists": {"EncryptionKey": _KEY},
    "a network that exists": {
        "VpcId": "vpc-1",
        "SubnetIds": "subnet-1,subnet-2",
        "DatabaseSubnetIds": "subnet-3,subnet-4",
        "AssignPublicIp": "DISABLED",
    },
    "a network that exists, no database": {
        "VpcId": "vpc-1",
        "SubnetIds": "subnet-1",
        "Database": "false",
    },
    "tokens of another issuer": {"JwtIssuer": "https://id.example.org", "JwtAudience": "debates"},
    "tokens of another issuer, who signs people in": {
        "JwtIssuer": "https://id.example.org/realms/debates",
        "JwtAudience": "debates",
        "SignInClientId": "web",
        "SignInTokenOrigin": "https://tokens.example.org",
    },
    "nobody signs in": {"Access": "anonymous"},
    "workers on EC2, at spot prices": {"CpuCompute": "EC2", "UseSpot": "true"},
    "reserved concurrency": {"ReservedConcurrency": "5"},
    "no secrets": {"Diarizer": "onnx", "HfTokenSecret": "", "YoutubeCookiesSecret": ""},
    "secrets that exist": {"HfTokenSecret": _SECRET, "YoutubeCookiesSecret": _SECRET},
    "secrets that are made": {"HfTokenSecret": "create", "YoutubeCookiesSecret": "create"},
    "a bucket with a name": {"BucketName": "debates-of-ours"},
    "recordings that move": {"VideoTransitionDays": "30"},
    "recordings that go": {"VideoExpirationDays": "90"},
    "versions, no logs": {"StatisticsVersionDays": "30", "AccessLogs": "false"},
    "as little as there may be": {
        "Site": "false",
        "AllowedOrigins": "https://news.example.org",
        "Database": "false",
        "AccessLogs": "false",
        "Diarizer": "none",
        "HfTokenSecret": "",
        "VpcId": "vpc-1",
        "SubnetIds": "subnet-1",
        "JwtIssuer": "https://id.example.org",
        "JwtAudience": "debates",
    },
}


@functools.cache
def chosen(name: str) -> Resolved:
    return resolve(parameters=CHOICES[name])


@pytest.mark.parametrize("name", CHOICES)
def test_whatever_is_referred_to_is_there(name: str) -> None:
    """`resolve` raises Unresolved for what is not, in the template and in those nested in it."""
    assert chosen(name).outputs["Bucket"]


def test_every_condition_is_met_and_is_not() -> None:
    """In the template and in those nested in it, by some choice above."""
    seen: dict[tuple[str, str], set[bool]] = {}

    def look(stack: Resolved) -> None:
        for condition, holds in stack.conditions.items():
            seen.setdefault((stack.stack, condition), set()).add(holds)
        for nested in stack.nested.values():
            look(nested)

    for name in CHOICES:
        look(chosen(name))
    in_a_region = {"ThirdZone"}  # depends on no parameter
    assert [
        condition
        for (_, condition), met in seen.items()
        if met != {True, False} and condition not in in_a_region
    ] == []


def test_every_resource_is_made_by_some_choice() -> None:
    made = {resource for name in CHOICES for resource in chosen(name).resources}
    assert made == set(expanded()["Resources"])


@pytest.mark.parametrize(
    ("value", "missing"),
    [
        ({"Ref": "Nobody"}, "Nobody, which is not in"),
        ({"Ref": "Key"}, "Key, which these parameters leave out"),
        ({"Fn::GetAtt": ["SiteStack", "Outputs.Nothing"]}, "no output Nothing"),
    ],
)
def test_a_reference_to_nothing_is_noticed(
    value: Any, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = copy.deepcopy(expanded())
    document["Outputs"]["Wrong"] = {"Value": value}
    real = expanded
    monkeypatch.setattr(
        templates, "expanded", lambda path: document if path == TEMPLATE else real(path)
    )
    with pytest.raises(Unresolved, match=missing):
        resolve()


def test_every_template_is_deployed_with_the_first() -> None:
    nested = {
        resource["Properties"]["TemplateURL"]
        for resource in source()["Resources"].values()
        if resource["Type"] == "AWS::CloudFormation::Stack"
        or resource["Type"] == "AWS::Serverless::Application"
    }
    assert {(ROOT / url).resolve() for url in nested} == set(TEMPLATES) - {TEMPLATE}
