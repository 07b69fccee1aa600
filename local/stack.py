"""The template on the laptop: what the emulator cannot do is left out, the rest is deployed.

Batch, its machines and its image repositories are taken out of a copy, by resource type, and so
are the policies' demands for TLS; what refers to them is given the names that they would have.
Batch's queues and job definitions come back as values, with every reference in them resolved by the
emulator's own CloudFormation, for `local.batch` to run. Nested stacks are uploaded beside the
template; which of them are made, the parameters say.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError
from samtranslator.yaml_helper import yaml_parse

from debate_analyzer.errors import Misconfigured
from local.emulator import ACCOUNT, REGION, Emulator

STACK_NAME = "debate-analyzer"
_ARTIFACTS = "debate-analyzer-artifacts"
_TEMPLATE = "template.json"
# By resource type, and why. A test holds the first list against what the emulator can do.
NOT_EMULATED = {
    "AWS::Batch::": "the emulator has no Batch worth the name: local.batch runs the jobs",
    "AWS::Budgets::": "the emulator costs nothing",
    "AWS::Cognito::ManagedLoginBranding": "the emulator has no pages to sign in on",
    "AWS::CloudFront::MonitoringSubscription": "the emulator's CDN measures nothing",
}
NOT_WANTED = {
    "AWS::EC2::": "jobs run as processes of this machine, in no network of their own",
    "AWS::ECR::": "jobs run from this checkout, not from images",
    "AWS::IAM::InstanceProfile": "there are no instances",
}
# Outputs of our own, beside the template's: what was left out and has to be run here.
_DEFINITION = "LocalDefinition"
_QUEUE = "LocalQueue"

Say = Callable[[str], None]


@dataclass(frozen=True)
class BatchQueue:
    """A job queue of the template."""

    name: str
    arn: str


@dataclass(frozen=True)
class BatchDefinition:
    """A job definition of the template. `retry_strategy` as Batch's API spells it."""

    name: str
    arn: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    job_role_arn: str | None
    retry_strategy: Mapping[str, Any]
    timeout_seconds: float | None


@dataclass(frozen=True)
class Stack:
    """What was deployed. `outputs` as the template names them."""

    outputs: Mapping[str, str]
    queues: tuple[BatchQueue, ...]
    definitions: Mapping[str, BatchDefinition]


def deploy(emulator: Emulator, template: Path, parameters: Mapping[str, str], say: Say) -> Stack:
    """Bring the emulator to what the template says; nothing is done when it is there already.

    Raises Misconfigured with CloudFormation's own reason.
    """
    document = localized(yaml_parse(template.read_text()))
    artifacts = _package(document, template.parent, f"{emulator.endpoint}/{_ARTIFACTS}")
    body = json.dumps(document)
    values = _parameters(document, parameters, emulator)
    fingerprint = hashlib.sha256(json.dumps([body, values]).encode()).hexdigest()
    cloudformation = emulator.client("cloudformation")
    deployed = _describe(cloudformation)
    if deployed is not None and not _is_same(deployed, fingerprint):
        say("the template has changed: updating")
    if deployed is None:
        _clear(emulator)
    if deployed is None or not _is_same(deployed, fingerprint):
        # By URL: a template given in the call itself may have 51,200 bytes, and ours has more.
        _upload(emulator, artifacts | {_TEMPLATE: body.encode()})
        url = f"{emulator.endpoint}/{_ARTIFACTS}/{_TEMPLATE}"
        _apply(cloudformation, url, values, fingerprint, update=deployed is not None)
        deployed = _describe(cloudformation)
        emulator.save()
    if deployed is None:
        raise Misconfigured("The stack is not there after its deployment; see logs/aws.log.")
    return _stack({output["OutputKey"]: output["OutputValue"] for output in deployed["Outputs"]})


def localized(
    document: dict[str, Any], left_out_types: Iterable[str] = (*NOT_EMULATED, *NOT_WANTED)
) -> dict[str, Any]:
    """A copy of the template that the emulator can deploy: without the resources whose types start
    with one of `left_out_types`."""
    document = json.loads(json.dumps(document))
    resources = document["Resources"]
    left_out = {
        name: resource
        for name, resource in resources.items()
        if resource["Type"].startswith(tuple(left_out_types))
    }
    document["Resources"] = {n: r for n, r in resources.items() if n not in left_out}
    for name, resource in left_out.items():
        if resource["Type"] == "AWS::Batch::JobDefinition":
            document["Outputs"][_DEFINITION + name] = {
                "Value": {"Fn::ToJsonString": resource["Properties"]}
            }
        elif resource["Type"] == "AWS::Batch::JobQueue":
            document["Outputs"][_QUEUE + name] = {"Value": resource["Properties"]["JobQueueName"]}
    document["Transform"] = ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"]
    localized: dict[str, Any] = _replaced(document, left_out)
    return localized


def _replaced(node: Any, left_out: Mapping[str, Any]) -> Any:
    """The node with every reference to a resource that was left out replaced by its name."""
    if isinstance(node, list):
        return [_replaced(item, left_out) for item in node if not _wants_tls(item)]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Ref"} and node["Ref"] in left_out:
        return _name(node["Ref"], left_out)
    if set(node) == {"Fn::GetAtt"} and _logical(node["Fn::GetAtt"]) in left_out:
        return _name(_logical(node["Fn::GetAtt"]), left_out)
    if set(node) == {"Fn::Sub"}:
        text, *named = node["Fn::Sub"] if isinstance(node["Fn::Sub"], list) else [node["Fn::Sub"]]
        text = re.sub(
            r"\$\{(\w+)(\.\w+)?\}",
            lambda match: f"local/{match[1]}" if match[1] in left_out else match[0],
            text,
        )
        return {"Fn::Sub": [text, _replaced(named[0], left_out)] if named else text}
    return {key: _replaced(value, left_out) for key, value in node.items()}


def _wants_tls(item: Any) -> bool:
    """A policy's statement against plain HTTP, which is what loopback speaks."""
    return isinstance(item, dict) and item.get("Sid") == "TlsOnly"


def _logical(attribute: Any) -> str:
    name = attribute.split(".")[0] if isinstance(attribute, str) else attribute[0]
    return str(name)


def _name(logical: str, left_out: Mapping[str, Any]) -> Any:
    resource = left_out[logical]
    kind = {"AWS::Batch::JobQueue": "job-queue", "AWS::Batch::JobDefinition": "job-definition"}
    if resource["Type"] in kind:
        properties = resource["Properties"]
        named = properties.get("JobQueueName") or properties["JobDefinitionName"]
        return {"Fn::Join": ["", [_arn(kind[resource["Type"]], ""), named]]}
    return f"local/{logical}"


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:batch:{REGION}:{ACCOUNT}:{kind}/{name}"


def _package(document: dict[str, Any], root: Path, artifacts_url: str) -> dict[str, bytes]:
    """Point code, layers and nested stacks at the artifacts bucket; what goes there, by key.

    The emulator runs functions with this process's interpreter, which has their dependencies
    installed already, so that the layer carries the domain alone.
    """
    artifacts: dict[str, bytes] = {}
    for resource in document["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            archive = _archive(root / properties["CodeUri"], "")
            properties["CodeUri"] = _stored(archive, artifacts)
        elif resource["Type"] == "AWS::Serverless::LayerVersion":
            archive = _archive(root / properties["ContentUri"] / "debate_analyzer", "python/")
            properties["ContentUri"] = _stored(archive, artifacts)
            resource.pop("Metadata", None)
        elif resource["Type"] == "AWS::CloudFormation::Stack":
            whole = yaml_parse((root / properties["TemplateURL"]).read_text())
            nested = localized(whole, NOT_EMULATED)
            key = _kept(json.dumps(_replaced(nested, {})).encode(), ".json", artifacts)
            properties["TemplateURL"] = f"{artifacts_url}/{key}"
    return artifacts


def _stored(archive: bytes, artifacts: dict[str, bytes]) -> str:
    return f"s3://{_ARTIFACTS}/{_kept(archive, '.zip', artifacts)}"


def _kept(body: bytes, suffix: str, artifacts: dict[str, bytes]) -> str:
    """Its key, which is its content's."""
    key = hashlib.sha256(body).hexdigest() + suffix
    artifacts[key] = body
    return key


def _archive(folder: Path, prefix: str) -> bytes:
    """A ZIP with the same bytes for the same files, whenever and wherever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _sources(folder):
            inside = path.relative_to(folder.parent if prefix else folder).as_posix()
            archive.writestr(zipfile.ZipInfo(prefix + inside), path.read_bytes())
    return buffer.getvalue()


def _sources(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in (".py", ".json"))


def _parameters(
    document: Mapping[str, Any], given: Mapping[str, str], emulator: Emulator
) -> dict[str, str]:
    values = dict(given)
    if emulator.public_endpoint is not None:
        values |= {
            "S3PublicEndpoint": emulator.public_endpoint,
            "AllowedOrigins": emulator.public_endpoint,
        }
    unknown = set(values) - set(document.get("Parameters", {}))
    if unknown:
        raise Misconfigured(f"The template has no parameter {', '.join(sorted(unknown))}.")
    return values


def _clear(emulator: Emulator) -> None:
    """Free the names of buckets that a first deployment made before it was killed: they are on
    disk at once, the stack only when it is complete."""
    s3 = emulator.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        if bucket["Name"] == _ARTIFACTS:
            continue
        try:
            s3.delete_bucket(Bucket=bucket["Name"])
        except ClientError as error:
            raise Misconfigured(
                f"The data folder holds recordings (bucket {bucket['Name']}), but nothing that "
                f"says whose: aws/state is damaged. Put it back, or start with --reset. {error}"
            ) from error


def _upload(emulator: Emulator, artifacts: Mapping[str, bytes]) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=_ARTIFACTS)
    for key, archive in artifacts.items():
        s3.put_object(Bucket=_ARTIFACTS, Key=key, Body=archive)


def _apply(
    cloudformation: Any, url: str, values: Mapping[str, str], fingerprint: str, *, update: bool
) -> None:
    request = {
        "StackName": STACK_NAME,
        "TemplateURL": url,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in values.items()
        ],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Tags": [{"Key": "fingerprint", "Value": fingerprint}],
    }
    apply, done = (
        (cloudformation.update_stack, "stack_update_complete")
        if update
        else (cloudformation.create_stack, "stack_create_complete")
    )
    try:
        apply(**request)
    except ClientError as error:
        raise Misconfigured(f"The template was refused: {error}") from error
    try:
        _wait(cloudformation, done)
    except KeyboardInterrupt:
        # A stack that is stopped and saved half-way could never be updated again.
        _wait(cloudformation, done)
        raise


def _wait(cloudformation: Any, done: str) -> None:
    try:
        cloudformation.get_waiter(done).wait(
            StackName=STACK_NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
    except WaiterError as error:
        raise Misconfigured(f"The template was not deployed: {_reason(cloudformation)}") from error


def _reason(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    failed = [e for e in events if "FAILED" in e["ResourceStatus"]]
    return "; ".join(
        f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', '?')}" for e in failed
    )


def _describe(cloudformation: Any) -> dict[str, Any] | None:
    """The stack, if it can be updated: one whose creation failed can only be made anew."""
    stacks = cloudformation.list_stacks()["StackSummaries"]
    gone = ("DELETE_COMPLETE", "ROLLBACK_COMPLETE")
    if not any(s["StackName"] == STACK_NAME and s["StackStatus"] not in gone for s in stacks):
        return None
    described: dict[str, Any] = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    return described


def _is_same(deployed: Mapping[str, Any], fingerprint: str) -> bool:
    complete = deployed["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    return complete and {"Key": "fingerprint", "Value": fingerprint} in deployed.get("Tags", [])


def _stack(outputs: dict[str, str]) -> Stack:
    queues = [
        BatchQueue(name=value, arn=_arn("job-queue", value))
        for key, value in outputs.items()
        if key.startswith(_QUEUE)
    ]
    definitions = {}
    for key, value in outputs.items():
        if key.startswith(_DEFINITION):
            definition = _definition(json.loads(value))
            definitions[definition.name] = definition
    return Stack(outputs, tuple(queues), definitions)


def _definition(properties: Mapping[str, Any]) -> BatchDefinition:
    container = properties["ContainerProperties"]
    name = properties["JobDefinitionName"]
    return BatchDefinition(
        name=name,
        arn=_arn("job-definition", f"{name}:1"),
        command=tuple(container["Command"]),
        environment={item["Name"]: str(item["Value"]) for item in container["Environment"]},
        job_role_arn=container.get("JobRoleArn"),
        retry_strategy=_camel(properties.get("RetryStrategy", {})),
        timeout_seconds=properties.get("Timeout", {}).get("AttemptDurationSeconds"),
    )


def _camel(node: Any) -> Any:
    """CloudFormation's spelling of names to the API's: OnExitCode, onExitCode."""
    if isinstance(node, list):
        return [_camel(item) for item in node]
    if isinstance(node, dict):
        return {key[:1].lower() + key[1:]: _camel(value) for key, value in node.items()}
    return node
