"""What the emulator's queries look at less for: the same answers as without."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local import queries

TABLE = "rows"
_TIMES = [f"2026-11-{day:02}" for day in range(1, 9)]


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    """ministack's, in this process, without its server."""
    module = importlib.import_module("ministack.services.dynamodb")
    before = {name: vars(module)[name] for name in queries.PRIVATE}
    queries.look_at_less()
    yield module
    vars(module).update(before)


def _answer(answer: tuple[int, Any, bytes]) -> Any:
    status, _, body = answer
    return status, json.loads(body)


def _fill(dynamodb: Any, rows: list[tuple[str, str]]) -> None:
    dynamodb._delete_table({"TableName": TABLE})
    dynamodb._create_table(
        {
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": "S"} for name in ("id", "owner", "made")
            ],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "by_owner",
                    "KeySchema": [
                        {"AttributeName": "owner", "KeyType": "HASH"},
                        {"AttributeName": "made", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        }
    )
    for number, (owner, at) in enumerate(rows):
        item = {"id": {"S": f"{number:03}"}, "owner": {"S": owner}, "made": {"S": at}}
        dynamodb._put_item({"TableName": TABLE, "Item": item})


def _pages(query: Any, request: dict[str, Any]) -> Iterator[Any]:
    start: dict[str, Any] = {}
    while True:
        status, page = _answer(query({**request, **start}))
        yield status, page
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


@settings(max_examples=150)
@given(
    rows=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(_TIMES)), max_size=14),
    limit=st.integers(1, 6),
    forward=st.booleans(),
    between=st.none() | st.lists(st.sampled_from(_TIMES), min_size=2, max_size=2).map(sorted),
    newer=st.booleans(),
)
def test_a_query_of_an_index_is_answered_as_before(
    dynamodb: Any,
    rows: list[tuple[str, str]],
    limit: int,
    forward: bool,
    between: list[str] | None,
    newer: bool,
) -> None:
    _fill(dynamodb, rows)
    condition, values = "#owner = :owner", {":owner": {"S": "a"}}
    if between:
        condition += " AND made BETWEEN :low AND :high"
        values |= {":low": {"S": between[0]}, ":high": {"S": between[1]}}
    elif newer:
        condition += " AND made > :low"
        values |= {":low": {"S": _TIMES[3]}}
    request = {
        "TableName": TABLE,
        "IndexName": "by_owner",
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": values,
        "ScanIndexForward": forward,
        "Limit": limit,
    }
    unbounded = {name: value for name, value in request.items() if name != "Limit"}

    fewer = list(_pages(dynamodb._query, request))

    _, whole = _answer(dynamodb._query(unbounded))
    assert [item for _, page in fewer for item in page["Items"]] == whole["Items"]
    assert all(status == 200 and len(page["Items"]) <= limit for status, page in fewer)
