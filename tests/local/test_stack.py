"""The template on the laptop: what is left out, and how it is deployed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from debate_analyzer.errors import Misconfigured
from local.stack import NOT_EMULATED, NOT_WANTED, localized
from tests.local.deployed import PARAMETERS, client, deployed
from tests.local.site import Site
from tests.world import ROOT, template

# --- What is left out -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def local_template() -> Any:
    return localized(json.loads(json.dumps(template())))


def references(node: Any) -> Iterator[str]:
    """Every name that the node refers to: a resource, a parameter or a condition."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield (value if isinstance(value, str) else value[0]).split(".")[0]
            elif key == "Fn::Sub":
                text, named = (value, {}) if isinstance(value, str) else value
                yield from set(re.findall(r"\$\{([\w:]+)", text)) - set(named)
                yield from references(named)
            elif key == "DependsOn":
                yield from [value] if isinstance(value, str) else value
            else:
                yield from references(value)


def test_nothing_refers_to_what_was_left_out(local_template: Any) -> None:
    known = {*local_template["Resources"], *local_template["Parameters"]}
    found = {name for name in references(local_template) if not name.startswith("AWS::")}
    assert len(found) > 20
    assert found - known == set()


def test_only_what_has_no_place_on_a_laptop_is_left_out(local_template: Any) -> None:
    whole, kept = template()["Resources"], local_template["Resources"]
    kinds = {whole[name]["Type"] for name in set(whole) - set(kept)}
    nested = {
        resource["Type"]
        for path in (ROOT / "stacks").glob("*.yaml")
        for resource in yaml_parse(path.read_text())["Resources"].values()
    }
    reasons = NOT_EMULATED | NOT_WANTED
    assert all(any(kind.startswith(prefix) for kind in kinds | nested) for prefix in reasons)
    assert all(kind.startswith(tuple(reasons)) for kind in kinds)


def test_loopback_may_do_without_tls(local_template: Any) -> None:
    assert "TlsOnly" in json.dumps(template())
    assert "TlsOnly" not in json.dumps(local_template)


def test_the_template_that_is_given_stays_as_it_is() -> None:
    given = json.loads(json.dumps(template()))
    localized(given)
    assert given == template()


# --- Deployed -------------------------------------------------------------------------------------


@pytest.mark.emulator
def test_a_second_deployment_finds_nothing_to_do(site: Site) -> None:
    stack, said = site.deployed.deploy()
    assert (stack, said) == (site.stack, [])


@pytest.mark.emulator
def test_a_changed_parameter_reaches_the_function(site: Site) -> None:
    _, said = site.deployed.deploy({"StatsMaxWorkers": "9"})
    function = site.stack.outputs["SubmitStatsFunction"]
    configuration = site.client("lambda").get_function_configuration(FunctionName=function)
    site.deployed.deploy()

    assert said == ["the template has changed: updating"]
    assert configuration["Environment"]["Variables"]["STATS_MAX_WORKERS"] == "9"


@pytest.mark.emulator
def test_a_parameter_that_the_template_does_not_know(site: Site) -> None:
    with pytest.raises(Misconfigured, match="no parameter Colour"):
        site.deployed.deploy({"Colour": "green"})


@pytest.mark.emulator
def test_job_definitions_come_back_with_every_reference_resolved(site: Site) -> None:
    definition = site.stack.definitions["debate-analyzer-transcribe"]
    outputs = site.stack.outputs

    assert definition.command == ("python", "-m", "batch_images.transcribe.job")
    assert definition.environment["BUCKET"] == outputs["Bucket"]
    assert definition.environment["JOB_TABLE"] == outputs["JobTable"]
    assert definition.environment["TRANSCRIBE_WORK_QUEUE_URL"] == outputs["TranscribeWorkQueueUrl"]
    assert definition.environment["WHISPER_MODEL"] == PARAMETERS["WhisperModel"]
    assert definition.retry_strategy["evaluateOnExit"][0] == {
        "onStatusReason": "Host EC2*",
        "action": "RETRY",
    }
    assert definition.timeout_seconds == 43200


@pytest.mark.emulator
def test_functions_submit_to_the_queues_that_come_back(site: Site) -> None:
    function = site.stack.outputs["TrackFunction"]
    configuration = site.client("lambda").get_function_configuration(FunctionName=function)
    variables = configuration["Environment"]["Variables"]

    download = "debate-analyzer-download"  # submitted by people, to its own queue
    assert {queue.arn for queue in site.stack.queues if queue.name != download} == {
        variables["TRANSCRIBE_BATCH_QUEUE"],
        variables["STATS_BATCH_QUEUE"],
    }
    assert set(site.stack.definitions) - {download} == {
        variables["TRANSCRIBE_JOB_DEFINITION"],
        variables["STATS_JOB_DEFINITION"],
    }


SMALL = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: RetainExceptOnCreate
    Properties: {BucketName: debates}
Outputs:
  Bucket: {Value: !Ref Bucket}
"""
REFUSED = SMALL.replace("Resources:", "Resources:\n  Wish: {Type: AWS::Nothing::LikeIt}")
FAILS = SMALL.replace(
    "Resources:",
    """Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Wait:
    Type: AWS::CloudFormation::WaitCondition
    DependsOn: Bucket
    Properties: {Handle: !Ref Handle, Timeout: "1"}
""",
)


@pytest.mark.emulator
def test_a_first_deployment_that_came_to_nothing_is_made_good(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    with deployed(tmp_path / "data") as emulation:
        for text, reason in ((REFUSED, "AWS::Nothing::LikeIt"), (FAILS, "Wait")):
            path.write_text(text)
            with pytest.raises(Misconfigured, match=reason):
                emulation.deploy({}, path)
        # As a kill -9 in the middle leaves it: the bucket, and no stack.
        client(emulation, "s3").create_bucket(Bucket="debates")

        path.write_text(SMALL)
        stack, _ = emulation.deploy({}, path)

        assert stack.outputs == {"Bucket": "debates"}


@pytest.mark.emulator
def test_recordings_without_their_stack_are_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(SMALL)
    with deployed(tmp_path / "data") as emulation:
        s3 = client(emulation, "s3")
        s3.create_bucket(Bucket="debates")
        s3.put_object(Bucket="debates", Key="jobs/a/videos/x.mp4", Body=b"speech")

        with pytest.raises(Misconfigured, match="holds recordings"):
            emulation.deploy({}, path)

        assert (
            s3.get_object(Bucket="debates", Key="jobs/a/videos/x.mp4")["Body"].read() == b"speech"
        )
