"""The template's parameters: what samconfig.toml gives them, and whether the values can be meant.

CloudFormation checks types and allowed values only once it has been sent the template, and SAM
drops a name that the template does not have without a word. Here both are said first.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from debate_analyzer.errors import Misconfigured
from deploy.finding import Finding, error
from deploy.rules import broken

CONFIG = "samconfig.toml"
TEMPLATE = "template.yaml"


@dataclass(frozen=True)
class Environment:
    """One table of samconfig.toml."""

    name: str
    stack_name: str
    region: str | None
    parameters: Mapping[str, str]


def environment(root: Path, name: str) -> Environment:
    """The table of this name. Raises Misconfigured where there is none, or none that can be read.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html
    """
    try:
        config = tomllib.loads((root / CONFIG).read_text())
    except tomllib.TOMLDecodeError as fault:
        raise Misconfigured(f"{CONFIG} cannot be read: {fault}.") from fault
    names = [key for key, value in config.items() if isinstance(value, dict)]
    if name not in names:
        raise Misconfigured(f"{CONFIG} has no {name!r}: ENV is one of {', '.join(names)}.")
    shared = config[name].get("global", {}).get("parameters", {})
    given = {**shared, **config[name].get("deploy", {}).get("parameters", {})}
    if "stack_name" not in given:
        raise Misconfigured(f"{CONFIG} gives {name!r} no stack_name.")
    return Environment(
        name=name,
        stack_name=given["stack_name"],
        region=given.get("region"),
        parameters=_overrides(given.get("parameter_overrides", {})),
    )


def _overrides(given: Any) -> dict[str, str]:
    """A table, or text like that of `--parameter-overrides`, which `sam deploy --guided` writes."""
    if isinstance(given, Mapping):
        return {str(key): str(value) for key, value in given.items()}
    return assignments(given if isinstance(given, str) else " ".join(given))


def assignments(text: str) -> dict[str, str]:
    """`A=1 B="two words"` as a mapping. Raises Misconfigured."""
    try:
        words = shlex.split(text)
    except ValueError as fault:
        raise Misconfigured(f"{text!r} cannot be read as parameters: {fault}.") from fault
    pairs = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise Misconfigured(f"{word!r} is no parameter: write NAME=VALUE, with spaces between.")
        pairs[name] = value
    return pairs


@dataclass(frozen=True)
class Template:
    """What the template says of its parameters."""

    declared: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, Any]
    functions: int

    @property
    def defaults(self) -> dict[str, str]:
        return {
            name: str(declaration["Default"])
            for name, declaration in self.declared.items()
            if "Default" in declaration
        }


def template(root: Path) -> Template:
    """The template of this checkout."""
    document = yaml_parse((root / TEMPLATE).read_text())
    kinds = [resource["Type"] for resource in document["Resources"].values()]
    return Template(
        declared=document["Parameters"],
        rules=document.get("Rules", {}),
        functions=kinds.count("AWS::Serverless::Function"),
    )


def effective(
    defaults: Mapping[str, str], deployed: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """What an update works with: a parameter that nobody gives keeps the value that it has."""
    kept = {name: value for name, value in deployed.items() if name in defaults}
    return {**defaults, **kept, **given}


def problems(template: Template, values: Mapping[str, str]) -> list[Finding]:
    """What CloudFormation would refuse, or SAM would silently drop."""
    found = list(_refused(template.declared, values))
    # A rule reads every parameter, so that it says nothing of use while one is missing.
    return found or list(broken(template.rules, template.declared, values))


def _refused(
    declared: Mapping[str, Mapping[str, Any]], values: Mapping[str, str]
) -> Iterator[Finding]:
    for name in sorted(set(values) - set(declared)):
        yield error(
            "unknown_parameter", f"The template has no parameter {name}.{_like(name, declared)}"
        )
    for name, declaration in declared.items():
        if name not in values:
            yield error("missing_parameter", f"{name} has no default and no value: give it one.")
        elif reason := _refusal(declaration, values[name]):
            told = declaration.get("ConstraintDescription")
            more = f" ({told})" if told else ""
            yield error("bad_parameter", f"{name}={values[name]}: {reason}{more}.")


def _like(name: str, declared: Mapping[str, Any]) -> str:
    close = [known for known in declared if known.lower() == name.lower()]
    return f" Is {close[0]} meant?" if close else ""


def _refusal(declaration: Mapping[str, Any], value: str) -> str | None:
    allowed = [str(one) for one in declaration.get("AllowedValues", ())]
    if allowed and value not in allowed:
        return f"it must be one of {', '.join(allowed)}"
    if declaration["Type"] == "Number":
        try:
            number = float(value)
        except ValueError:
            return "it must be a number"
        if number < float(declaration.get("MinValue", "-inf")):
            return f"it must be at least {declaration['MinValue']}"
        if number > float(declaration.get("MaxValue", "inf")):
            return f"it must be at most {declaration['MaxValue']}"
    pattern = declaration.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        return f"it does not match {pattern}"
    return None
