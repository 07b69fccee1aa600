"""GitHub's workflows and the roles that they take: valid, and no wider than they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint_file
from cfnlint.decode.cfn_yaml import load as load_template
from ruamel.yaml import YAML

from tests.world import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ROLES = ROOT / "deploy" / "github-role.yaml"
CHECK_JSONSCHEMA = Path(sys.executable).with_name("check-jsonschema")


def workflow(name: str) -> Any:
    return YAML(typ="safe").load(ROOT / ".github" / "workflows" / f"{name}.yml")


def role(name: str) -> Any:
    return load_template(str(ROLES))["Resources"][name]["Properties"]


def trusted(name: str) -> dict[str, Any]:
    (statement,) = role(name)["AssumeRolePolicyDocument"]["Statement"]
    return dict(statement)


# --- Workflows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_what_github_can_read(path: Path) -> None:
    command = [CHECK_JSONSCHEMA, "--builtin-schema", "vendor.github-workflows", path]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_the_least_rights_and_no_stored_key(path: Path) -> None:
    content = YAML(typ="safe").load(path)
    assert content["permissions"]["contents"] == "read"
    wider = {name for name, right in content["permissions"].items() if right != "read"}
    assert wider <= {"id-token"}
    assert "concurrency" in content
    assert not re.search(r"access-key|ACCESS_KEY", path.read_text())


def test_only_what_goes_to_aws_may_ask_for_a_token() -> None:
    asking = {p.stem for p in WORKFLOWS if "id-token" in workflow(p.stem)["permissions"]}
    assert asking == {"images", "deploy"}


def test_actions_are_official_and_of_a_named_version() -> None:
    used = re.findall(r"uses: (\S+)", "".join(path.read_text() for path in WORKFLOWS))
    assert used
    for action in used:
        assert re.fullmatch(r"(actions|aws-actions|docker)/[\w-]+@v\d+", action), action


def test_the_tests_run_by_the_command_of_any_machine() -> None:
    steps = workflow("test")["jobs"]["test"]["steps"]
    assert steps[-1]["run"] == "bash .ci/run"


def test_both_images_are_built_from_the_root_under_their_commit() -> None:
    job = workflow("images")["jobs"]["image"]
    for one in job["strategy"]["matrix"]["include"]:
        assert (ROOT / "batch_images" / one["folder"] / "Dockerfile").is_file()
    (build,) = [s["with"] for s in job["steps"] if "build-push" in s.get("uses", "")]
    assert (build["context"], build["platforms"]) == (".", "linux/amd64")
    assert build["tags"].endswith(":${{ github.sha }}")


def test_a_tag_deploys_by_the_command_of_a_laptop() -> None:
    content = workflow("deploy")
    assert content["on"] == {"push": {"tags": ["v*"]}}
    job = content["jobs"]["deploy"]
    assert job["environment"] == "prod"
    assert job["steps"][-1]["run"] == "make deploy ENV=prod"


# --- Roles ----------------------------------------------------------------------------------------


def test_the_roles_template_is_clean() -> None:
    assert [str(match) for match in lint_file(ROLES, ManualArgs(regions=["us-east-1"]))] == []


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("ImagesRole", "repo:${Repository}:ref:refs/heads/${Branch}"),
        ("DeployRole", "repo:${Repository}:environment:${Environment}"),
    ],
)
def test_a_role_is_for_one_repository_and_one_way_in(name: str, subject: str) -> None:
    condition = trusted(name)["Condition"]
    claim = "token.actions.githubusercontent.com"
    assert condition == {  # equal, not like: no wildcard could widen it
        "StringEquals": {f"{claim}:aud": "sts.amazonaws.com", f"{claim}:sub": {"Fn::Sub": subject}}
    }


def test_no_wildcard_passes_for_a_repository() -> None:
    pattern = load_template(str(ROLES))["Parameters"]["Repository"]["AllowedPattern"]
    assert re.fullmatch(pattern, "owner/debate-analyzer")
    for wide in ("*/*", "owner/*", "owner", "owner/name:ref"):
        assert not re.fullmatch(pattern, wide)


def test_what_deploys_makes_no_resource_itself() -> None:
    actions = {
        action
        for policy in role("DeployRole")["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in _listed(statement["Action"])
    }
    assert not any("*" in action for action in actions)
    assert not {
        action for action in actions if re.match(r"(iam|lambda|ec2):(?!Get|Describe)", action)
    } - {"iam:PassRole"}
    assert "secretsmanager:GetSecretValue" not in actions


def test_only_cloudformation_takes_the_wide_role() -> None:
    assert trusted("CloudFormationRole")["Principal"] == {"Service": "cloudformation.amazonaws.com"}


def _listed(one: Any) -> list[str]:
    return [one] if isinstance(one, str) else list(one)


# --- Images ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["transcribe", "stats", "download"])
def test_what_an_image_copies_is_in_its_context(folder: str) -> None:
    dockerfile = (ROOT / "batch_images" / folder / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (\S+) ", dockerfile, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = tuple(line[1:] for line in ignored if line.startswith("!"))
    assert ignored[1] == "*"
    assert copied
    for source in copied:
        assert (ROOT / source).exists()
        assert source.startswith(let_in)
