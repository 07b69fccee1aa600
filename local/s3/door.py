"""S3 for the web server, which runs in the emulator's process on an event loop of its own: a body
comes over one connection and goes to the disk from there."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from local.s3.incoming import Incoming


@dataclass(frozen=True)
class Answer:
    """What S3 says: headers as they came, names in any case."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Closed(Exception):
    """The emulator is not running, or not any more."""


class Door:
    """Takes requests whose answers are small: to write an object, or whether it may be read. Who
    reads large objects has their files. `app` is a `grafted.Grafted`, on `loop`."""

    def __init__(self, app: Any, loop: Callable[[], asyncio.AbstractEventLoop | None]) -> None:
        self._app = app
        self._loop = loop

    async def ask(self, scope: Scope, receive: Receive) -> Answer:
        """The answer to a request that came to somebody else. Raises Closed, and Incomplete."""
        loop = self._loop()
        if loop is None or loop.is_closed():
            raise Closed
        incoming = Incoming(receive, Headers(scope=scope))
        work = self._answer(scope, incoming)
        answer = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))
        await incoming.discard()
        return answer

    async def _answer(self, scope: Scope, incoming: Incoming) -> Answer:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": await incoming.whole(), "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        # ministack's tables belong to this loop, and so does the question where a body goes.
        if importlib.import_module("local.s3.grafted").goes_to_disk(scope):
            await self._app.answer(scope, receive, send, incoming)
        else:
            await self._app(scope, receive, send)
        start, *rest = sent
        return Answer(
            start["status"], list(start["headers"]), b"".join(m.get("body", b"") for m in rest)
        )
