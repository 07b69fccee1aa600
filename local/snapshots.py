"""What the emulator keeps in memory, on disk every two seconds: it saves by itself only when it is
stopped in good order, and a kill -9 is to cost two seconds."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_SECONDS = 2.0
# What changes while the stack works. The rest changes when it is deployed, and is written then.
_BUSY = ("dynamodb", "sqs", "s3")
_TRIES = 100


class Snapshots:
    """One file a service below `folder`, in ministack's own format, which it reads at its start.

    Belongs to the event loop that the emulator runs on.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, bytes] = {}
        self._lock = asyncio.Lock()

    async def run(self, stopping: asyncio.Event) -> None:
        """Write what has changed, until it is time to stop. Raises OSError when the disk does."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SECONDS)
                return
            await self._write(_BUSY.__contains__)

    async def write_all(self) -> None:
        """Write every service that has changed, as after a deployment."""
        await self._write(lambda _: True)

    async def _write(self, is_wanted: Callable[[str], bool]) -> None:
        services = importlib.import_module("ministack.app")._build_persistence_save_dict()
        async with self._lock:
            for name, get_state in services.items():
                state = await _copy(get_state) if is_wanted(name) else None
                if state is not None:
                    await asyncio.to_thread(self._save, name, state)

    def _save(self, name: str, state: Any) -> None:
        persistence = importlib.import_module("ministack.core.persistence")
        text = json.dumps(state, default=persistence._json_default)
        digest = hashlib.sha256(text.encode()).digest()
        if self._written.get(name) == digest:
            return
        version = persistence._state_format_version(name)
        draft = self._folder / f"{name}.json.new"
        draft.write_text(f'{{"__ministack_format__": {version}, "payload": {text}}}')
        draft.replace(self._folder / f"{name}.json")
        self._written[name] = digest


async def _copy(get_state: Callable[[], Any]) -> Any:
    """The state of a service. Requests wait meanwhile, but the threads that poll queues for the
    functions do not: a dictionary that changes under the copy raises RuntimeError."""
    for _ in range(_TRIES):
        try:
            return get_state()
        except RuntimeError:
            await asyncio.sleep(0.01)
    return get_state()
