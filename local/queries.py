"""The emulator's queries of an index look at what they answer, and not at the whole partition.

ministack sorts every item of a partition and parses the condition anew for each of them: 190 ms for
a page of 10,000 debates. Here the few that a page can hold are chosen first, by the sort key and
what the condition says of it, and ministack does the rest as ever: it sees a small partition. The
order of a partition is remembered until its table is written to.
"""

from __future__ import annotations

import importlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

PRIVATE = [
    *("_index_members", "_index_item", "_index_def", "_index_key_lists"),
    *("_items_replaced", "_query", "_tables"),
]

_Key = tuple[Any, Any]  # of an item, in its table
_Row = tuple[str, Any, Any]  # the sort key of an item in an index, and its key in the table


@dataclass(frozen=True)
class _Page:
    """What a query asks of an index with one hash key and one sort key that is text."""

    index: str
    sort: str
    lowest: str | None
    highest: str | None
    start: str | None
    """The sort key of the item after which the page begins."""
    forward: bool
    limit: int

    def of(self, rows: list[_Row]) -> list[_Key]:
        """The keys that the page can hold, of the partition in order: as many as it may have, and
        all with the sort key that it begins at."""
        lowest, highest = self.lowest, self.highest
        if self.start is not None and self.forward:
            lowest = max(lowest or self.start, self.start)
        elif self.start is not None:
            highest = min(highest or self.start, self.start)
        first = 0 if lowest is None else _before(rows, lowest)
        last = len(rows) if highest is None else max(first, _after(rows, highest))
        count = self.limit
        if self.start is not None:
            count += max(
                0, min(last, _after(rows, self.start)) - max(first, _before(rows, self.start))
            )
        chosen = rows[first : min(last, first + count)]
        if not self.forward:
            chosen = rows[max(first, last - count) : last][::-1]
        return [(pk, sk) for _, pk, sk in chosen]


def _before(rows: list[_Row], value: str) -> int:
    return bisect_left(rows, value, key=_sort_key)


def _after(rows: list[_Row], value: str) -> int:
    return bisect_right(rows, value, key=_sort_key)


def _sort_key(row: _Row) -> str:
    return row[0]


class _Orders:
    """The items of partitions in the order of their sort keys, as long as they stay as they are.

    Requests are answered by several threads: what was put in order while somebody wrote is good
    for the one who did so, and for nobody else.
    """

    def __init__(self) -> None:
        self._writes: dict[str, int] = {}
        self._orders: dict[tuple[str, str, Any], tuple[int, Any, list[_Row]]] = {}

    def forget(self, table: Mapping[str, Any]) -> None:
        """The table is being written to."""
        name = table["TableName"]
        self._writes[name] = self._writes.get(name, 0) + 1

    def of(self, table: Mapping[str, Any], page: _Page, partition: Any, keys: Any) -> list[_Row]:
        """`keys` are those of the partition's items."""
        name = table["TableName"]
        written = self._writes.get(name, 0)
        known = self._orders.get((name, page.index, partition))
        if known is not None and known[0] == written and known[1] is keys:
            return known[2]
        items = table["items"]
        rows = [(items[pk][sk][page.sort]["S"], pk, sk) for pk, sk in list(keys) if sk in items[pk]]
        rows.sort()
        self._orders[name, page.index, partition] = written, keys, rows
        return rows


_asked: ContextVar[_Page | None] = ContextVar("asked", default=None)


def look_at_less() -> None:
    """From now on, in this process's ministack."""
    dynamodb = importlib.import_module("ministack.services.dynamodb")
    query, members = dynamodb._query, dynamodb._index_members
    index_item, items_replaced = dynamodb._index_item, dynamodb._items_replaced
    orders = _Orders()

    def query_less(data: dict[str, Any]) -> Any:
        token = _asked.set(_page(dynamodb, data))
        try:
            return query(data)
        finally:
            _asked.reset(token)

    def fewer_members(table: dict[str, Any]) -> Any:
        page = _asked.get()
        return members(table) if page is None else _Fewer(orders, page, table, members(table))

    def index_item_anew(table: dict[str, Any], *said: Any, **more: Any) -> None:
        index_item(table, *said, **more)
        orders.forget(table)

    def items_replaced_anew(table: dict[str, Any]) -> None:
        items_replaced(table)
        orders.forget(table)

    vars(dynamodb).update(
        _query=query_less,
        _index_members=fewer_members,
        _index_item=index_item_anew,
        _items_replaced=items_replaced_anew,
    )


class _Fewer(dict[str, Any]):
    """The partitions of the index that is asked, with as many members as the page can hold."""

    def __init__(
        self, orders: _Orders, page: _Page, table: Mapping[str, Any], members: Mapping[str, Any]
    ) -> None:
        super().__init__(members)
        self[page.index] = _Partitions(orders, page, table, members.get(page.index, {}))


class _Partitions(dict[Any, Any]):
    def __init__(
        self, orders: _Orders, page: _Page, table: Mapping[str, Any], partitions: Any
    ) -> None:
        super().__init__(partitions)
        self._orders = orders
        self._page = page
        self._table = table

    def get(self, key: Any, default: Any = None) -> Any:
        keys = super().get(key)
        if keys is None:
            return []
        return self._page.of(self._orders.of(self._table, self._page, key, keys))


def _page(dynamodb: Any, data: Mapping[str, Any]) -> _Page | None:
    """None for whatever is not as simple as that: ministack answers it by itself."""
    table = dynamodb._tables.get(data.get("TableName"))
    index = dynamodb._index_def(table, data["IndexName"]) if table and "IndexName" in data else None
    if index is None or "Limit" not in data or "KeyConditions" in data:
        return None
    hashes, ranges = dynamodb._index_key_lists(index)
    kinds = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    if len(hashes) != 1 or len(ranges) != 1 or kinds[ranges[0]] != "S":
        return None
    [sort] = ranges
    bounds = _bounds(data, sort)
    if bounds is None:
        return None
    return _Page(
        index=data["IndexName"],
        sort=sort,
        lowest=bounds[0],
        highest=bounds[1],
        start=data.get("ExclusiveStartKey", {}).get(sort, {}).get("S"),
        forward=data.get("ScanIndexForward", True),
        limit=int(data["Limit"]),
    )


def _bounds(data: Mapping[str, Any], sort: str) -> tuple[str | None, str | None] | None:
    """What the condition says of the sort key: nothing, or BETWEEN; None for anything else."""
    condition = data.get("KeyConditionExpression", "")
    aliases = data.get("ExpressionAttributeNames", {})
    names = [sort, *(alias for alias, name in aliases.items() if name == sort)]
    spelled = "|".join(map(re.escape, names))
    if not re.search(rf"(?<!\w)({spelled})(?!\w)", condition):
        return None, None
    match = re.search(rf"(?<!\w)({spelled}) BETWEEN (:\w+) AND (:\w+)", condition)
    if match is None:
        return None
    low, high = (data["ExpressionAttributeValues"][value]["S"] for value in match.groups()[1:])
    return low, high
