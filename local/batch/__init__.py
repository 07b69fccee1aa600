"""AWS Batch on a laptop: job definitions run as processes, a few at a time.

It speaks the REST API that boto3 speaks, survives a kill -9, and tells the emulator's event bus of
each change of a job's status. One machine, single jobs: no arrays, dependencies or shares.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette

from local.batch.api import application
from local.batch.journal import Journal
from local.batch.scheduler import Scheduler, Site
from local.server import HOST, Server

__all__ = ["Batch", "Site", "endpoint"]


class Batch:
    """The service of one data folder: `<data>/batch` for jobs, `<data>/logs/batch` for output.

    The endpoint is known before `start`, because the functions are deployed with it. Calls are
    answered with 503, which boto3 retries, until `deploy` says what there is to run.
    """

    def __init__(self, data: Path, port: int, *, grace: float = 10.0) -> None:
        self._journal = Journal(data / "batch" / "jobs", data / "logs" / "batch")
        self._grace = grace
        self._scheduler: Scheduler | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._secret = _secret(data)
        self._server = Server(port)
        self.endpoint = endpoint(data, self._server.port)
        """What AWS_ENDPOINT_URL_BATCH is to be."""

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        yield
        if self._scheduler is not None:
            await self._scheduler.close()

    def start(self) -> None:
        """Answer on the endpoint."""
        self._server.start(application(self._secret, lambda: self._scheduler, self._lifespan))

    def deploy(self, site: Site) -> None:
        """Take up the jobs of the last run and start what waits."""
        assert self._loop is not None, "start() first"
        asyncio.run_coroutine_threadsafe(self._open(site), self._loop).result()

    async def _open(self, site: Site) -> None:
        scheduler = Scheduler(self._journal, site, grace=self._grace)
        await scheduler.open()
        self._scheduler = scheduler

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of unfinished jobs by queue name and status; empty before `deploy`."""
        return self._scheduler.counts() if self._scheduler is not None else {}

    def stop(self) -> None:
        """Stop the jobs and the service. Jobs cut short start again with the next `deploy`, if
        their retry strategy grants them another attempt after the loss of a host."""
        self._server.stop()


def endpoint(data: Path, port: int) -> str:
    """Of the service of a data folder, running or not."""
    return f"http://{HOST}:{port}/{_secret(data)}"


def _secret(data: Path) -> str:
    """Part of the endpoint's path, kept: a deployed function's environment outlives a restart."""
    path = data / "batch" / "secret"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".tmp")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(24))
        draft.replace(path)
    return path.read_text()
