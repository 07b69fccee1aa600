"""What functions are told, against what Lambda takes."""

from __future__ import annotations

import json

import pytest

from tests.template.compositions import _environment
from tests.template.test_rights import stack

LIMIT = 4096
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
SUFFIX = len("-1A2B3C4D5E6F7")  # that CloudFormation gives to names of its own making
REGION = len("ap-southeast-2") - len("us-east-1")
FUNCTIONS = sorted(stack().of_type("AWS::Lambda::Function"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_s_environment_is_within_lambda_s_limit(name: str) -> None:
    given = _environment(stack(), name)
    ours = sum(stack().stack in value for value in given.values())
    assert len(json.dumps(given)) + ours * (SUFFIX + REGION) < LIMIT
