"""The laptop stack as its user starts it: a process of its own, spoken to from outside."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3
import httpx

from tests.world import ROOT

T = TypeVar("T")
# Made once: httpx would read all the world's authorities for each request, which takes 30 ms of a
# processor, and whoever waits asks four times a second.
_AUTHORITIES = httpx.create_ssl_context()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def until(found: Callable[[], T | None], *, seconds: float, what: str) -> T:
    """The first answer that is not None. Fails, saying what it waited for, after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = found()
        if answer is not None:
            return answer
        time.sleep(0.25)
    raise AssertionError(f"{what}: not within {seconds} s")


@dataclass
class Laptop:
    """`make run` on a data folder and a port of its own."""

    data: Path
    port: int = field(default_factory=free_port)
    parameters: dict[str, str] = field(default_factory=dict)
    launcher: str = "local"
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when the page answers."""
        self.data.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", self.launcher, "run", "--no-open"]
        command += ["--port", str(self.port), "--data", str(self.data / "state")]
        for name, value in self.parameters.items():
            command += ["--set", f"{name}={value}"]
        with (self.data / "terminal.log").open("ab") as terminal:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=terminal, stderr=terminal, env=_environment()
            )
        until(self._answers, seconds=180, what="the stack to start")

    def _answers(self) -> bool | None:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the stack ended:\n{self.terminal()}")
        try:
            jobs = httpx.get(f"{self.url}/api/jobs", timeout=5, verify=_AUTHORITIES)
        except httpx.HTTPError:
            return None
        return True if jobs.status_code == 200 else None

    def terminal(self) -> str:
        return (self.data / "terminal.log").read_text(errors="replace")

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.process = None

    def kill(self) -> None:
        """kill -9 of the launcher, as a power cut would have it: nobody says goodbye."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)
        self.process = None

    def debate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The `debate` command, as a user types it."""
        command = [Path(sys.executable).with_name("debate"), *arguments]
        environment = _environment() | {"DEBATE_API": self.url}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
        )

    def announce(self, filename: str, size: int, content_type: str = "") -> httpx.Response:
        body = {"filename": filename, "size": size, "content_type": content_type}
        return httpx.post(f"{self.url}/api/uploads", json=body, timeout=30, verify=_AUTHORITIES)

    def upload(self, filename: str, data: bytes) -> str:
        """Through the API and the presigned PUT; the job's id."""
        made = self.announce(filename, len(data))
        assert made.status_code == 201, made.text
        upload = made.json()["upload"]
        put = httpx.put(
            upload["url"],
            content=data,
            headers=upload["headers"],
            timeout=60,
            verify=_AUTHORITIES,
        )
        assert put.status_code == 200, put.text
        job_id: str = made.json()["job"]["job_id"]
        return job_id

    def job(self, job_id: str) -> Any:
        answer = httpx.get(f"{self.url}/api/jobs/{job_id}", timeout=30, verify=_AUTHORITIES)
        return answer.json() if answer.status_code == 200 else None

    def ended(self, job_id: str, *, seconds: float = 240) -> Any:
        """The job at its end."""

        seen: list[Any] = [None]

        def end() -> Any:
            seen[0] = self.job(job_id)
            over = seen[0] and seen[0]["status"] in ("COMPLETE", "FAILED")
            return seen[0] if over else None

        try:
            return until(end, seconds=seconds, what=f"job {job_id} to end")
        except AssertionError as error:
            raise AssertionError(f"{error}: {seen[0]}\n{self.terminal()}") from error

    def json(self, path: str) -> Any:
        answer = httpx.get(
            f"{self.url}{path}", timeout=30, follow_redirects=True, verify=_AUTHORITIES
        )
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def aws(self, service: str) -> Any:
        """A client with an administrator's rights, for what the console would do."""
        state = self.data / "state"
        ports = json.loads((state / "ports.json").read_text())
        endpoint = f"http://127.0.0.1:{ports['emulator']}"
        if service == "batch":
            endpoint = f"http://127.0.0.1:{ports['batch']}/{(state / 'batch/secret').read_text()}"
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return kept | {"PYTHONUNBUFFERED": "1"}
