"""The template's own Rules, evaluated here: what they assert is said before anything is deployed.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/rules-section-structure.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.finding import Finding, error


def broken(
    rules: Mapping[str, Any], declared: Mapping[str, Mapping[str, Any]], values: Mapping[str, str]
) -> Iterator[Finding]:
    """The assertions that do not hold, in the template's words. Every parameter has a value."""

    def evaluate(node: Any) -> Any:
        if not isinstance(node, Mapping):
            return node
        ((function, argument),) = node.items()
        match function:
            case "Ref":
                value = values[argument]
                return value.split(",") if _is_list(declared[argument]) else value
            case "Fn::Equals":
                return evaluate(argument[0]) == evaluate(argument[1])
            case "Fn::Contains":
                return evaluate(argument[1]) in evaluate(argument[0])
            case "Fn::Not":
                return not evaluate(argument[0])
            case "Fn::And":
                return all(evaluate(one) for one in argument)
            case "Fn::Or":
                return any(evaluate(one) for one in argument)
            case _:
                raise NotImplementedError(f"{function} in the template's rules")

    for name, rule in rules.items():
        if not evaluate(rule.get("RuleCondition", True)):
            continue
        for assertion in rule["Assertions"]:
            if not evaluate(assertion["Assert"]):
                yield error(f"rule:{name}", assertion["AssertDescription"])


def _is_list(declaration: Mapping[str, Any]) -> bool:
    kind = str(declaration["Type"])
    return kind == "CommaDelimitedList" or kind.startswith("List<")
