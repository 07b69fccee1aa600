"""DynamoDB's attribute values: how a row is written in its API and its streams."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def marshal(values: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON can hold, by name, as DynamoDB wants it. Raises TypeError for anything else."""
    return {key: _attribute(value) for key, value in values.items()}


def unmarshal(item: Mapping[str, Any]) -> dict[str, Any]:
    """The other way round."""
    return {key: _value(attribute) for key, attribute in item.items()}


def _attribute(value: Any) -> dict[str, Any]:
    """What JSON can hold, as DynamoDB wants it.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float():
            return {"N": json.dumps(value, allow_nan=False)}
        case list():
            return {"L": [_attribute(each) for each in value]}
        case dict():
            return {"M": marshal(value)}
    raise TypeError(f"a row cannot hold {value!r}")


def _value(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return json.loads(value)
        case "L":
            return [_value(each) for each in value]
        case "M":
            return unmarshal(value)
    return value
