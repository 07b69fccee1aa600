"""The emulator with the template deployed, in a process of its own: ministack's state is its
modules', and a test of kill -9 wants something to kill."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

import boto3

from local import laptop
from local.emulator import REGION, Emulator
from local.stack import Stack, deploy
from tests.e2e.laptop import free_port
from tests.world import ROOT

TEMPLATE = ROOT / "template.yaml"
PARAMETERS = laptop.parameters(Path("models")) | {"AllowedOrigins": "http://127.0.0.1:8080"}


class Deployed:
    """Its methods run in the other process; `deployed` hands out a proxy."""

    def __init__(
        self, data: Path, port: int, batch_endpoint: str | None, host: str | None = None
    ) -> None:
        public = f"http://{host}:{port}" if host else None
        self._emulator = Emulator(data, port, batch_endpoint, public_endpoint=public)
        self._emulator.start()

    def deploy(
        self, parameters: Mapping[str, str] | None = None, template: Path = TEMPLATE
    ) -> tuple[Stack, list[str]]:
        """The stack, and what was said on the way to it."""
        said: list[str] = []
        values = (PARAMETERS if template == TEMPLATE else {}) | dict(parameters or {})
        return deploy(self._emulator, template, values, said.append), said

    def endpoint(self) -> str:
        return self._emulator.endpoint

    def role_environment(self, role_arn: str) -> dict[str, str]:
        return self._emulator.role_environment(role_arn)

    def emit_batch_event(self, detail: Mapping[str, Any]) -> None:
        self._emulator.emit_batch_event(detail)

    def token(self) -> str:
        return self._emulator.token()

    def pid(self) -> int:
        return os.getpid()

    def stop(self) -> None:
        self._emulator.stop()


class _Manager(BaseManager):
    pass


_Manager.register("Deployed", Deployed)


@contextmanager
def deployed(
    data: Path,
    *,
    port: int | None = None,
    batch_endpoint: str | None = None,
    host: str | None = None,
) -> Iterator[Any]:
    """A `Deployed` whose emulator runs; nothing is deployed yet. May be killed.

    It answers to the name `host`, too, for those who reach it by a relay.
    """
    with _Manager(ctx=multiprocessing.get_context("spawn")) as manager:
        proxy = manager.Deployed(data, port or free_port(), batch_endpoint, host)  # type: ignore[attr-defined]
        try:
            yield proxy
        finally:
            with suppress(ConnectionError, EOFError):  # killed by the test
                proxy.stop()


def kill(proxy: Any) -> None:
    """kill -9, as a power cut would have it."""
    os.kill(proxy.pid(), signal.SIGKILL)


def client(proxy: Any, service: str, environment: Mapping[str, str] | None = None) -> Any:
    """A client with an administrator's rights, or with those of a role's environment."""
    given = environment or {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return boto3.client(
        service,
        endpoint_url=proxy.endpoint(),
        region_name=REGION,
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=given.get("AWS_SESSION_TOKEN"),
    )
