"""What the emulator keeps in memory, on disk every two seconds: it saves by itself only when it is
stopped in good order, and a kill -9 is to cost two seconds."""

from __future__ import annotations

import asyncio
import copy
import errno
import hashlib
import importlib
import json
import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)

_SECONDS = 2.0
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
# What changes while the stack works. The rest changes when it is deployed, and is written then.
_BUSY = ("dynamodb", "sqs", "s3")
_TRIES = 100

BESIDE_TABLES = (
    *("tags", "ttl_settings", "pitr_settings", "kinesis_destinations", "contributor_insights"),
    *("backups", "resource_policies", "exports", "imports"),
)
"""What DynamoDB's state holds beside its tables; ministack has each under this name with a `_`."""
PRIVATE = ["_tables", "_INDEX_MEMBERS", *(f"_{name}" for name in BESIDE_TABLES)]

_Key = tuple[Any, Any]  # of a row


class Snapshots:
    """One file a service below `folder`, in ministack's own format, which it reads at its start.

    Belongs to the event loop that the emulator runs on.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, bytes] = {}
        self._tables = Tables()
        self._lock = asyncio.Lock()

    async def run(self, stopping: asyncio.Event) -> None:
        """Write what has changed, until it is time to stop. Raises OSError when the disk does, but
        for one that is full: what is there stays as it was, and there may be room the next time.
        """
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SECONDS)
                return
            try:
                await self._write(_BUSY.__contains__)
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                _log.error("the disk is full, a crash would lose what is new: %s", error)

    async def write_all(self) -> None:
        """Write every service that has changed, as after a deployment."""
        await self._write(lambda _: True)

    async def _write(self, is_wanted: Callable[[str], bool]) -> None:
        services = importlib.import_module("ministack.app")._build_persistence_save_dict()
        async with self._lock:
            for name, get_state in services.items():
                copied = self._tables.state if name == "dynamodb" else get_state
                state = await _copy(copied) if is_wanted(name) else None
                if state is not None:
                    await asyncio.to_thread(self._save, name, state)

    def _save(self, name: str, state: Any) -> None:
        persistence = importlib.import_module("ministack.core.persistence")
        encode = self._tables.encode if name == "dynamodb" else json.dumps
        text = encode(state, default=persistence._json_default)
        digest = hashlib.sha256(text.encode()).digest()
        if self._written.get(name) == digest:
            return
        version = persistence._state_format_version(name)
        draft = self._folder / f"{name}.json.new"
        try:
            draft.write_text(f'{{"__ministack_format__": {version}, "payload": {text}}}')
            draft.replace(self._folder / f"{name}.json")
        finally:
            draft.unlink(missing_ok=True)  # half of one would take what room there is
        self._written[name] = digest


class Tables:
    """DynamoDB's state, of which rows are neither copied nor written out twice: ministack never
    changes a row, it puts another into its place. With 10,000 of them every request waited most of
    a second for a copy of all."""

    def __init__(self) -> None:
        self._texts: dict[Any, dict[_Key, tuple[Any, str]]] = {}

    def state(self) -> dict[str, Any]:
        """As ministack's own `get_state` gives it."""
        dynamodb = importlib.import_module("ministack.services.dynamodb")
        tables = type(dynamodb._tables)()
        for scope, table in dynamodb._tables._data.items():
            rows = {pk: dict(under) for pk, under in table["items"].items()}
            rest = {k: v for k, v in table.items() if k not in ("items", dynamodb._INDEX_MEMBERS)}
            tables.set_scoped(*scope, copy.deepcopy(rest) | {"items": rows})
        beside = {name: copy.deepcopy(vars(dynamodb)[f"_{name}"]) for name in BESIDE_TABLES}
        return {"tables": tables, **beside}

    def encode(self, state: dict[str, Any], default: Callable[[Any], Any]) -> str:
        """As JSON. Takes the rows out of the state that it is given."""
        texts: dict[str, str] = {}
        for scope, table in state["tables"]._data.items():
            standing_in = uuid.uuid4().hex
            texts[standing_in] = self._rows(scope, table["items"], default)
            table["items"] = standing_in
        text = json.dumps(state, default=default)
        for standing_in, rows in texts.items():
            text = text.replace(f'"{standing_in}"', rows)
        return text

    def _rows(self, scope: Any, items: dict[Any, Any], default: Callable[[Any], Any]) -> str:
        known = self._texts.get(scope, {})
        texts: dict[_Key, tuple[Any, str]] = {}
        partitions = []
        for pk, under in items.items():
            rows = []
            for sk, row in under.items():
                row_before, text = known.get((pk, sk), (None, ""))
                if row_before is not row:
                    text = f"{json.dumps(str(sk))}: {json.dumps(row, default=default)}"
                texts[pk, sk] = row, text
                rows.append(text)
            partitions.append(f"{json.dumps(str(pk))}: {{{', '.join(rows)}}}")
        self._texts[scope] = texts
        return f"{{{', '.join(partitions)}}}"


async def _copy(get_state: Callable[[], Any]) -> Any:
    """The state of a service. Requests wait meanwhile, but the threads that poll queues for the
    functions do not: a dictionary that changes under the copy raises RuntimeError."""
    for _ in range(_TRIES):
        try:
            return get_state()
        except RuntimeError:
            await asyncio.sleep(0.01)
    return get_state()
