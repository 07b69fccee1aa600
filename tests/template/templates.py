"""The templates as CloudFormation has them: expanded by SAM, and resolved for given parameters.

`expanded` is what SAM's transform makes of a template. `resolve` decides every condition and every
intrinsic function for one set of parameters, with names and ARNs as AWS would give them, so that a
policy can be read as IAM reads it. Nested stacks are resolved with the parameters that they are
handed, and fail when those are not the ones that they declare.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from cfnlint.decode.cfn_yaml import load
from samtranslator.translator.transform import transform

from tests.world import ROOT

TEMPLATE = ROOT / "template.yaml"
TEMPLATES = [TEMPLATE, *sorted((ROOT / "stacks").glob("*.yaml"))]
ACCOUNT = "123456789012"  # moto's
REGION = "us-east-1"
STACK = "debate-analyzer"

Document = dict[str, Any]


class Unresolved(Exception):
    """A reference to something that is not there, with these parameters."""


class _NoManagedPolicies:
    """samtranslator asks an account for the names of managed policies; we use none by name."""

    def load(self) -> dict[str, str]:
        return {}


@functools.cache
def source(path: Path = TEMPLATE) -> Document:
    """The template as it is written, short forms spelled out. Not to be changed."""
    document: Document = json.loads(json.dumps(load(str(path)), default=str))
    return document


@functools.cache
def expanded(path: Path = TEMPLATE) -> Document:
    """What SAM makes of it, with its code packaged. Not to be changed."""
    document: Document = json.loads(json.dumps(source(path)))
    if "Transform" not in document:
        return document
    for resource in document["Resources"].values():
        for key in {"CodeUri", "ContentUri"} & set(resource.get("Properties", {})):
            resource["Properties"][key] = "s3://bucket/artifact.zip"
    with mock.patch.dict(os.environ, AWS_DEFAULT_REGION=REGION):
        packaged: Document = transform(document, {}, _NoManagedPolicies())
    return packaged


# What a resource is called when it has no name of its own, and what its ARN is made of.
# https://docs.aws.amazon.com/service-authorization/latest/reference/
_NAMES = (
    *("BucketName", "TableName", "QueueName", "FunctionName", "LogGroupName", "RoleName"),
    *("RepositoryName", "JobQueueName", "JobDefinitionName", "ComputeEnvironmentName"),
    *("AlarmName", "EmailIdentity"),
)
_ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::IAM::InstanceProfile": "arn:aws:iam::{account}:instance-profile/{name}",
    "AWS::ECR::Repository": "arn:aws:ecr:{region}:{account}:repository/{name}",
    "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{name}",
    "AWS::Batch::JobQueue": "arn:aws:batch:{region}:{account}:job-queue/{name}",
    "AWS::Batch::JobDefinition": "arn:aws:batch:{region}:{account}:job-definition/{name}:1",
    "AWS::Batch::ComputeEnvironment": "arn:aws:batch:{region}:{account}:compute-environment/{name}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{name}",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf",
    "AWS::Cognito::UserPool": "arn:aws:cognito-idp:{region}:{account}:userpool/{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::CloudFront::Distribution": "arn:aws:cloudfront::{account}:distribution/{name}",
}
# Types whose Ref is the ARN, and not the name.
_REF_IS_ARN = (
    *("AWS::Batch::JobQueue", "AWS::Batch::JobDefinition", "AWS::Batch::ComputeEnvironment"),
    *("AWS::SecretsManager::Secret", "AWS::SNS::Topic"),
)
_NOTHING = object()  # AWS::NoValue


@dataclass
class Resolved:
    """A stack as it would be deployed. `resources` are those that the conditions keep."""

    stack: str
    parameters: dict[str, Any]
    conditions: dict[str, bool]
    resources: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    nested: dict[str, Resolved] = field(default_factory=dict)

    def of_type(self, kind: str) -> dict[str, Any]:
        """Properties by logical name."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def arn(self, logical: str) -> str:
        """The ARN of a resource; of a log group, that of its streams."""
        resource = self.resources[logical]
        if resource["Type"] not in _ARNS:
            raise Unresolved(f"{logical}: say how the ARN of a {resource['Type']} is made")
        return _ARNS[resource["Type"]].format(
            region=REGION, account=ACCOUNT, name=self.name(logical)
        )

    def name(self, logical: str) -> str:
        properties = self.resources[logical].get("Properties", {})
        given = next((properties[key] for key in _NAMES if key in properties), None)
        return str(given or f"{self.stack}-{logical}")

    def ref(self, logical: str) -> str:
        """What Ref gives."""
        kind = self.resources[logical]["Type"]
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.name(logical)}"
        return self.arn(logical) if kind in _REF_IS_ARN else self.name(logical)

    def attribute(self, logical: str, attribute: str) -> Any:
        """What GetAtt gives; something that names it where nobody looks at the value."""
        if logical in self.nested and attribute.startswith("Outputs."):
            outputs, name = self.nested[logical].outputs, attribute.removeprefix("Outputs.")
            if name not in outputs:
                raise Unresolved(f"stack {logical} has no output {name}")
            return outputs[name]
        if attribute == "StreamArn":
            return f"{self.arn(logical)}/stream/2026-11-21T12:00:00.000"
        kind = self.resources[logical]["Type"] if logical in self.resources else None
        if (attribute, kind) == ("QueueName", "AWS::SQS::Queue"):
            return self.name(logical)
        if attribute == "Arn" or (attribute, kind) == ("Id", "AWS::SecretsManager::Secret"):
            return self.arn(logical)
        return f"{self.stack}-{logical}.{attribute}"


def resolve(
    path: Path = TEMPLATE, parameters: Mapping[str, str] | None = None, *, stack: str = STACK
) -> Resolved:
    """The template with these parameters and, for the others, the defaults. Raises Unresolved."""
    document = expanded(path)
    resolved = Resolved(stack, _parameters(path, document, parameters or {}), {})
    resolver = _Resolver(document, resolved, path)
    for name in document.get("Conditions", {}):
        resolver.condition(name)
    for name in document["Resources"]:
        resolver.resource(name)
    for name, output in document.get("Outputs", {}).items():
        if resolver.condition(output.get("Condition")):
            resolved.outputs[name] = resolver.value(output["Value"], f"output {name}")
    return resolved


def _parameters(path: Path, document: Document, given: Mapping[str, str]) -> dict[str, Any]:
    declared = document.get("Parameters", {})
    if unknown := set(given) - set(declared):
        raise Unresolved(f"{path.name} has no parameter {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {}
    for name, parameter in declared.items():
        if name not in given and "Default" not in parameter:
            raise Unresolved(f"{path.name} wants a value for {name}")
        value = str(given.get(name, parameter.get("Default")))
        allowed = [str(each) for each in parameter.get("AllowedValues", [value])]
        if value not in allowed:
            raise Unresolved(f"{path.name}: {name} may not be {value!r}")
        is_list = parameter["Type"].startswith(("CommaDelimitedList", "List<"))
        values[name] = value.split(",") if is_list else value
    return values


@dataclass
class _Resolver:
    document: Document
    resolved: Resolved
    path: Path
    _open: list[str] = field(default_factory=list)

    def condition(self, name: str | None) -> bool:
        if name is None:
            return True
        if name not in self.resolved.conditions:
            if name not in self.document.get("Conditions", {}):
                raise Unresolved(f"{self.path.name} has no condition {name}")
            self.resolved.conditions[name] = self._holds(self.document["Conditions"][name])
        return self.resolved.conditions[name]

    def _holds(self, node: Any) -> bool:
        [(function, argument)] = node.items()
        match function:
            case "Condition":
                return self.condition(argument)
            case "Fn::Equals":
                first, second = (str(self.value(side, "a condition")) for side in argument)
                return first == second
            case "Fn::Not":
                return not self._holds(argument[0])
            case "Fn::And":
                return all(self._holds(each) for each in argument)
            case "Fn::Or":
                return any(self._holds(each) for each in argument)
        raise Unresolved(f"{function} is no condition")

    def resource(self, name: str) -> bool:
        """Resolve the resource, once; whether the conditions keep it."""
        resource = self.document["Resources"][name]
        if not self.condition(resource.get("Condition")):
            return False
        if name in self.resolved.resources:
            return True
        # Its name first: others, and its own policy, may refer to it while it is being resolved.
        named = {k: v for k, v in resource.get("Properties", {}).items() if k in _NAMES}
        kept: dict[str, Any] = {**resource, "Properties": {}}
        self.resolved.resources[name] = kept
        kept["Properties"] = self.value(named, name)
        if resource["Type"] == "AWS::CloudFormation::Stack":
            self._nest(name, resource["Properties"])
        kept["Properties"] = self.value(resource.get("Properties", {}), name)
        for target in _listed(resource.get("DependsOn", [])):
            if target not in self.document["Resources"]:
                raise Unresolved(f"{name} depends on {target}, which is not there")
        return True

    def _nest(self, name: str, properties: Mapping[str, Any]) -> None:
        path = self.path.parent / properties["TemplateURL"]
        given = {
            key: ",".join(value) if isinstance(value, list) else str(value)
            for key, value in self.value(properties.get("Parameters", {}), name).items()
        }
        stack = f"{self.resolved.stack}-{name}"
        self.resolved.nested[name] = resolve(path, given, stack=stack)

    def value(self, node: Any, where: str) -> Any:
        if isinstance(node, list):
            items = [self.value(item, where) for item in node]
            return [item for item in items if item is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(function, argument)] = node.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._call(function, argument, where)
        values = {key: self.value(value, f"{where}.{key}") for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not _NOTHING}

    def _call(self, function: str, argument: Any, where: str) -> Any:
        match function:
            case "Ref":
                return self._ref(argument, where)
            case "Fn::GetAtt":
                logical, attribute = (
                    argument.split(".", 1) if isinstance(argument, str) else argument
                )
                self._must_be_there(logical, where)
                return self.resolved.attribute(logical, attribute)
            case "Fn::Sub":
                return self._sub(argument, where)
            case "Fn::If":
                condition, then, otherwise = argument
                return self.value(then if self.condition(condition) else otherwise, where)
        argument = self.value(argument, where)
        match function:
            case "Fn::Join":
                return argument[0].join(map(str, argument[1]))
            case "Fn::Split":
                return argument[1].split(argument[0])
            case "Fn::Select":
                return argument[1][int(argument[0])]
            case "Fn::GetAZs":
                return [f"{argument or REGION}{letter}" for letter in "abcdef"]
            case "Fn::FindInMap":
                mapping, first, second = argument
                return self.document["Mappings"][mapping][first][second]
        raise Unresolved(f"{where}: {function} is not known here")

    def _ref(self, name: str, where: str) -> Any:
        stack = self.resolved.stack
        pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": REGION,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": stack,
            "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack}/1",
            "AWS::NoValue": _NOTHING,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.resolved.parameters:
            return self.resolved.parameters[name]
        self._must_be_there(name, where)
        return self.resolved.ref(name)

    def _must_be_there(self, name: str, where: str) -> None:
        if name not in self.document["Resources"]:
            raise Unresolved(f"{where} refers to {name}, which is not in {self.path.name}")
        if not self.resource(name):
            raise Unresolved(f"{where} refers to {name}, which these parameters leave out")

    def _sub(self, argument: Any, where: str) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument
        values = {key: self.value(value, where) for key, value in given.items()}

        def filled(match: re.Match[str]) -> str:
            name = match[1]
            if name in values:
                return str(values[name])
            logical, dot, attribute = name.partition(".")
            function, target = ("Fn::GetAtt", [logical, attribute]) if dot else ("Ref", name)
            return str(self._call(function, target, where))

        return re.sub(r"\$\{([^!}]+)\}", filled, text).replace("${!", "${")


def _listed(node: Any) -> Iterator[Any]:
    yield from node if isinstance(node, list) else [node]
