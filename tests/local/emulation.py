"""The emulator as a process of its own, for tests of what stands before it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx

from local.server import Server


@dataclass(frozen=True)
class Emulation:
    endpoint: str
    objects: Path

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@contextmanager
def emulate(data: Path) -> Iterator[Emulation]:
    free = Server(0)
    free.stop()
    environment = {
        **os.environ,
        "GATEWAY_PORT": str(free.port),
        "BIND_HOST": "127.0.0.1",
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(data / "s3"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AUTH": "true",
    }
    with (
        (data / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{free.url}/_ministack/health")
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline, (data / "log").read_text()
                time.sleep(0.1)
        yield Emulation(free.url, data / "s3" / "000000000000")
        process.terminate()
