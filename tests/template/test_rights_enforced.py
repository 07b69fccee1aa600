"""The same calls on the emulator, with IAM enforced and a role's credentials: AWS as a whole, where
test_rights reads the policies alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from local.emulator import ACCOUNT as LOCAL_ACCOUNT
from tests.local.deployed import client, deployed
from tests.template.attempts import OTHER_BUCKET, attempts
from tests.template.calls import Call, rights
from tests.template.needs import needs, stack
from tests.template.templates import ACCOUNT
from tests.template.test_rights import HOSTS, ROLES, is_its_own

pytestmark = pytest.mark.emulator

# What the emulator denies where AWS allows; test_rights has them.
DENIED_THERE = {
    "batch.SubmitJob": "it asks for the right on everything, not on queue and definition",
    "logs.CreateLogStream": "it asks for the right on the group, not on its streams",
    "logs.PutLogEvents": "it asks for the right on the group, not on its streams",
    "ecr.BatchGetImage": "the laptop has no repositories, and policies name none",
    "ecr.GetDownloadUrlForLayer": "the laptop has no repositories, and policies name none",
    "ecr.BatchCheckLayerAvailability": "the laptop has no repositories, and policies name none",
    **{
        f"dynamodbstreams.{name}": "it asks for the right on everything, not on the stream"
        for name in ("ListStreams", "DescribeStream", "GetShardIterator", "GetRecords")
    },
    "cloudfront.CreateInvalidation": "the laptop is deployed without a site",
    "secretsmanager.GetSecretValue": "the laptop is deployed without a token",
}

Act = Callable[[str, Call], ClientError | None]


@pytest.fixture(scope="module")
def act(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Act]:
    """Make a call as a role (by its logical name): the error that it met with."""
    with deployed(tmp_path_factory.mktemp("rights")) as emulation:
        emulation.deploy()
        # Of another stack: what does not exist is answered before what is not allowed.
        client(emulation, "s3").create_bucket(Bucket=OTHER_BUCKET.replace(ACCOUNT, LOCAL_ACCOUNT))
        administrator = client(emulation, "cloudformation")
        physical = {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in administrator.get_paginator("list_stack_resources").paginate(
                StackName=stack().stack
            )
            for each in page["StackResourceSummaries"]
        }
        names = {}
        # What belongs to a function goes by its name, too: the function itself comes last.
        for logical in sorted(stack().resources, key=lambda name: name.endswith("Function")):
            if logical in physical:
                names[stack().ref(logical)] = physical[logical]
                names[stack().name(logical)] = physical[logical].rsplit("/", 1)[-1]
        clients: dict[tuple[str, str], Any] = {}

        def make(role: str, call: Call) -> ClientError | None:
            if (role, call.service) not in clients:
                arn = f"arn:aws:iam::{LOCAL_ACCOUNT}:role/{physical[role]}"
                environment = emulation.role_environment(arn)
                clients[role, call.service] = client(emulation, call.service, environment)
            method = getattr(clients[role, call.service], xform_name(call.operation))
            try:
                method(**_renamed(call.parameters, names))
            except ClientError as error:
                return error
            return None

        yield make


def _renamed(node: Any, names: dict[str, str]) -> Any:
    """With the names that the emulator gave; the longest first, since one may begin another."""
    if isinstance(node, dict):
        return {_renamed(key, names): _renamed(value, names) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_renamed(value, names) for value in node]
    if not isinstance(node, str):
        return node
    for name in sorted(names, key=len, reverse=True):
        if name in node:
            node = node.replace(name, names[name])
            break
    return node.replace(ACCOUNT, LOCAL_ACCOUNT)


def refused(error: ClientError | None) -> bool:
    """By IAM: an error of ours (no such key, a stale receipt) comes after its decision."""
    if error is None:
        return False
    code = error.response["Error"]["Code"]
    assert code not in ("SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken"), error
    return code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")


def distinct(calls: Iterable[Call]) -> list[Call]:
    """One of each operation on each resource, without what would make it wait."""
    found = {}
    for call in calls:
        told = {
            k: v
            for k, v in call.parameters.items()
            if k not in ("WaitTimeSeconds", "ContentLength")
        }
        found[call.operation, *map(str, rights(call))] = Call(call.service, call.operation, told)
    return list(found.values())


ROLES_THERE = [name for name in ROLES if name != HOSTS]


def test_the_roles_may_do_what_their_code_does(act: Act) -> None:
    denied = {
        f"{call.service}.{call.operation}": f"{role}: {error}"
        for role in ROLES_THERE
        for call in distinct(needs(role))
        if refused(error := act(role, call))
    }
    assert {call: said for call, said in denied.items() if call not in DENIED_THERE} == {}
    assert set(DENIED_THERE) == set(denied)


@pytest.mark.parametrize("role", ROLES_THERE)
def test_stolen_credentials_are_good_for_nothing_else(act: Act, role: str) -> None:
    allowed = [
        str(call)
        for call in distinct(attempts(stack()))
        if not all(is_its_own(right, role) for right in rights(call))
        and not refused(act(role, call))
    ]
    assert allowed == []
