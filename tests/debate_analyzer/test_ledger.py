"""The ledger on moto: what is absent, what has expired, and counts that many add to at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import moto
import pytest

from debate_analyzer.aws import DynamoLedger
from debate_analyzer.errors import Conflict, LimitReached
from tests.world import Clock, template


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock, one_write_at_a_time: None) -> Iterator[DynamoLedger]:
    with moto.mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        properties = template()["Resources"]["LedgerTable"]["Properties"]
        wanted = ("AttributeDefinitions", "KeySchema", "BillingMode")
        dynamodb.create_table(TableName="ledger", **{name: properties[name] for name in wanted})
        yield DynamoLedger(dynamodb, "ledger", clock)


def test_a_fact_is_what_was_put(ledger: DynamoLedger) -> None:
    ledger.put("a", "1", {"x": [1, None, {"y": "z"}]})

    assert ledger.get("a", "1") == {"x": [1, None, {"y": "z"}]}
    ledger.delete("a", "1")
    ledger.delete("a", "1")
    assert ledger.get("a", "1") is None


def test_only_the_first_puts_what_must_be_absent(ledger: DynamoLedger, clock: Clock) -> None:
    due = clock().timestamp() + 60
    ledger.put("a", "1", {"by": "first"}, if_absent=True, expires_at=due)
    with pytest.raises(Conflict):
        ledger.put("a", "1", {"by": "second"}, if_absent=True)
    clock.advance(seconds=60)

    assert ledger.get("a", "1") is None  # though DynamoDB has not taken it away yet
    ledger.put("a", "1", {"by": "third"}, if_absent=True)
    assert ledger.get("a", "1") == {"by": "third"}


def test_a_fact_is_replaced_by_whoever_read_it_last(ledger: DynamoLedger) -> None:
    ledger.put("a", "1", {"job": "x", "since": 1795262400.25})
    seen = ledger.get("a", "1")
    ledger.put("a", "1", {"job": "y"}, replacing=seen)
    with pytest.raises(Conflict):
        ledger.put("a", "1", {"job": "z"}, replacing=seen)
    with pytest.raises(Conflict):
        ledger.put("a", "2", {}, replacing={})
    assert ledger.get("a", "1") == {"job": "y"}


def test_a_partition_is_listed_by_name_from_where_the_last_list_ended(
    ledger: DynamoLedger, clock: Clock
) -> None:
    for name in ("c", "a", "b", "d"):
        ledger.put("p", name, {"name": name})
    ledger.put("p", "aa", {}, expires_at=clock().timestamp())
    ledger.put("q", "z", {})

    assert [name for name, _ in ledger.list("p", limit=3)] == ["a", "b", "c"]
    assert ledger.list("p", after="c", limit=3) == [("d", {"name": "d"})]


def test_a_count_stops_at_its_limit_whoever_adds(ledger: DynamoLedger, clock: Clock) -> None:
    due = clock().timestamp() + 60

    def add(_: int) -> bool:
        try:
            ledger.count("p", "n", 3, at_most=10, expires_at=due)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(add, range(20)))

    assert taken == 3
    assert ledger.count("p", "n", -9, expires_at=due) == 0
    with pytest.raises(LimitReached):
        ledger.count("p", "n", 11, at_most=10, expires_at=due)
