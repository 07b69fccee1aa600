"""The template as CloudFormation would see it: conditions decided, parameters filled in.

Only as much of CloudFormation as the bill needs: Ref of a parameter, If, conditions, Join, and
nested stacks that lie beside the template.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from cost.errors import UnreadableTemplate

_NESTED = "AWS::CloudFormation::Stack"
_PSEUDO = {"AWS::Region": "us-east-1", "AWS::Partition": "aws"}
_NO_VALUE = object()


@cache
def _parsed(text: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = yaml_parse(text)
    return document


@dataclass(frozen=True)
class Resource:
    """`properties` have their parameters and conditions resolved; references to resources stand."""

    name: str
    kind: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Template:
    """A document with the parameters that were given; the others have their defaults."""

    path: Path
    document: Mapping[str, Any]
    given: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path, given: Mapping[str, Any] | None = None) -> Template:
        """Raises UnreadableTemplate for parameters that the template does not know."""
        document = _parsed(path.read_text())
        given = given or {}
        unknown = sorted(set(given) - set(document.get("Parameters", {})))
        if unknown:
            raise UnreadableTemplate(
                f"{path.name} has no parameter {', '.join(unknown)}. "
                "Look for its name under Parameters."
            )
        return cls(path, document, given)

    def parameter(self, name: str) -> Any:
        """A string, or a list for the list types. Raises UnreadableTemplate when there is none."""
        declared = self.document.get("Parameters", {}).get(name)
        if declared is None:
            raise UnreadableTemplate(
                f"{self.path.name} has no parameter {name}, on which the bill depends. "
                "Add it, or teach cost/deployment.py where the choice is made now."
            )
        value = self.given.get(name, declared.get("Default"))
        if value is None:
            raise UnreadableTemplate(
                f"Parameter {name} of {self.path.name} has no default. Say it with --set {name}=..."
            )
        is_list = declared["Type"] == "CommaDelimitedList" or declared["Type"].startswith("List<")
        if is_list and isinstance(value, str):
            return [part.strip() for part in value.split(",")]
        return value

    @cached_property
    def resources(self) -> list[Resource]:
        """Those whose condition holds, here and in nested stacks."""
        return list(self._resources())

    def of_kind(self, kind: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.kind == kind]

    def resource(self, name: str) -> Resource:
        for resource in self.resources:
            if resource.name == name:
                return resource
        raise UnreadableTemplate(
            f"{self.path.name} has no resource {name}, on which the bill depends. "
            "Teach cost/deployment.py its new name."
        )

    def _resources(self) -> Iterator[Resource]:
        for name, resource in self.document["Resources"].items():
            if "Condition" in resource and not self._holds(resource["Condition"]):
                continue
            properties = self._resolved(resource.get("Properties", {}))
            if resource["Type"] == _NESTED:
                nested = self.path.parent / properties["TemplateURL"]
                yield from Template.read(nested, properties.get("Parameters", {})).resources
            else:
                yield Resource(name, resource["Type"], properties)

    def _resolved(self, node: Any) -> Any:
        if isinstance(node, list):
            return [kept for part in node if (kept := self._resolved(part)) is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (function, argument), *_ = node.items()
            if function == "Ref":
                return self._referred(argument)
            if function == "Fn::If":
                condition, then, otherwise = argument
                return self._resolved(then if self._holds(condition) else otherwise)
            if function == "Fn::Join":
                separator, parts = argument[0], self._resolved(argument[1])
                return separator.join(str(part) for part in parts)
        resolved = {key: self._resolved(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not _NO_VALUE}

    def _referred(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self.document.get("Parameters", {}):
            return self.parameter(name)
        return _PSEUDO.get(name, {"Ref": name})

    def _holds(self, condition: Any) -> bool:
        if isinstance(condition, str):
            return self._holds(self.document["Conditions"][condition])
        ((function, argument),) = condition.items()
        if function == "Condition":
            return self._holds(argument)
        if function == "Fn::Not":
            return not self._holds(argument[0])
        if function == "Fn::And":
            return all(self._holds(part) for part in argument)
        if function == "Fn::Or":
            return any(self._holds(part) for part in argument)
        if function == "Fn::Equals":
            one, other = (str(self._resolved(part)) for part in argument)
            return one == other
        raise UnreadableTemplate(
            f"{self.path.name} has a condition with {function}; cost/template.py cannot decide it."
        )
