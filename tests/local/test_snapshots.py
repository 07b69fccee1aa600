"""What the emulator keeps in memory, on its way to the disk."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local import snapshots

_ROWS = st.dictionaries(
    st.sampled_from("abc"),
    st.dictionaries(st.sampled_from('xy"'), st.just("row") | st.text(max_size=3), min_size=1),
)


@settings(max_examples=50)
@given(states=st.lists(_ROWS, min_size=1, max_size=4))
def test_rows_are_written_out_as_ministack_writes_them(
    states: list[dict[str, dict[str, str]]],
) -> None:
    dynamodb = importlib.import_module("ministack.services.dynamodb")
    default = importlib.import_module("ministack.core.persistence")._json_default
    tables = snapshots.Tables()
    dynamodb._delete_table({"TableName": "rows"})
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    dynamodb._create_table(
        {
            "TableName": "rows",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n, _ in keys],
            "KeySchema": [{"AttributeName": n, "KeyType": kind} for n, kind in keys],
        }
    )
    for state in states:
        for pk, sk in itertools.product("abc", 'xy"'):
            key = {"pk": {"S": pk}, "sk": {"S": sk}}
            text = state.get(pk, {}).get(sk)
            if text is None:
                dynamodb._delete_item({"TableName": "rows", "Key": key})
            else:
                dynamodb._put_item({"TableName": "rows", "Item": {**key, "text": {"S": text}}})
        written = tables.encode(tables.state(), default=default)
        assert json.loads(written) == json.loads(json.dumps(dynamodb.get_state(), default=default))


def test_a_state_that_changes_under_the_copy_is_copied_again() -> None:
    answers: list[Any] = [RuntimeError("dictionary changed size during iteration"), {"queues": 1}]

    def get_state() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    # In a thread of its own: the browser tests leave a loop running in this one.
    with ThreadPoolExecutor(1) as threads:
        copied = threads.submit(lambda: asyncio.run(snapshots._copy(get_state))).result()
    assert copied == {"queues": 1}
