"""The local S3 with a bucket, by both its doors, in a process of its own that may be killed."""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local import web
from local.emulator import REGION, Emulator, client
from local.server import Server
from local.status import Health
from tests.e2e.laptop import free_port

NAME = "debates"


def _nobody_looks(is_up: bool) -> Health:
    raise NotImplementedError


class _WithWeb:
    """An emulator, and the web server before it, as the launcher has them in one process."""

    def __init__(self, data: Path, port: int, web_port: int) -> None:
        # ministack takes the administrator's secret from here, and tests have another.
        os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
        self._server = Server(web_port)
        self._emulator = Emulator(data, port, None, public_endpoint=self._server.url)
        self._emulator.start()
        site = web.Site(
            frontend=Path(tempfile.mkdtemp(dir=data)),
            endpoint=self._emulator.endpoint,
            api="/nowhere",
            token=str,
            bucket=NAME,
            objects=self._emulator.objects,
            s3=self._emulator.s3,
            look=_nobody_looks,
        )
        self._server.start(web.application(site, self._server.port))

    def endpoint(self) -> str:
        return self._emulator.endpoint

    def role_environment(self, role_arn: str) -> dict[str, str]:
        return self._emulator.role_environment(role_arn)

    def pid(self) -> int:
        return os.getpid()

    def web(self) -> str:
        return self._server.url

    def peak(self) -> int:
        """The most memory that this process has had, in bytes."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def stop(self) -> None:
        self._server.stop()
        self._emulator.stop()


class _Manager(BaseManager):
    pass


_Manager.register("WithWeb", _WithWeb)


@dataclass(frozen=True)
class Bucket:
    """The bucket `debates`. `data` is what survives its process."""

    process: Any
    data: Path

    def client(self, door: str = "emulator", **credentials: str) -> Any:
        """S3 by the emulator's port, or by the `web` server's (presigned URLs only)."""
        return boto3.client(
            "s3",
            endpoint_url=self.process.web() if door == "web" else self.process.endpoint(),
            region_name=REGION,
            aws_access_key_id=credentials.get("AWS_ACCESS_KEY_ID", "test"),
            aws_secret_access_key=credentials.get("AWS_SECRET_ACCESS_KEY", "test"),
            aws_session_token=credentials.get("AWS_SESSION_TOKEN"),
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )

    def aws(self, service: str) -> Any:
        """Any service, with an administrator's rights."""
        return client(service, self.process.endpoint())

    def presign(self, operation: str, door: str = "web", seconds: int = 60, **more: Any) -> str:
        url: str = self.client(door).generate_presigned_url(
            operation, Params={"Bucket": NAME, **more}, ExpiresIn=seconds
        )
        return url

    def files(self) -> list[Path]:
        """What lies on disk of objects that are not there (yet)."""
        folders = [
            self.data / "aws" / each for each in ("uploads", "incoming/drafts", "incoming/begun")
        ]
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


@contextmanager
def running_bucket(data: Path) -> Iterator[Bucket]:
    with _Manager(ctx=multiprocessing.get_context("spawn")) as manager:
        process = manager.WithWeb(data, free_port(), free_port())  # type: ignore[attr-defined]
        bucket = Bucket(process, data)
        s3 = bucket.client()
        if not s3.list_buckets()["Buckets"]:
            s3.create_bucket(Bucket=NAME)
        try:
            yield bucket
        finally:
            with suppress(ConnectionError, EOFError):  # killed by the test
                process.stop()
