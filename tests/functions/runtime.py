"""A built function in the real Lambda runtime interface, without Docker.

The emulator is the one that the AWS SAM CLI brings; the runtime client is AWS's own. The
interpreter sees what it would see on Lambda and nothing else: the function's folder, the layer, and
what the runtime itself ships (the client and boto3).
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.laptop import free_port
from tests.world import ROOT

_SAM = ROOT / ".venv" / "sam"
_UV = Path(sys.executable).parent / "uv"


def emulator_binary() -> Path:
    """The runtime interface emulator for this machine's processor."""
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    return next(
        _SAM.glob(f"lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}")
    )


def install(target: Path, *requirements: str, python_version: str | None = None) -> None:
    """What Lambda finds in a folder, for the interpreter that runs here or, on Linux, another."""
    command = [_UV, "pip", "install", "-q", "--python", sys.executable, "--target", target]
    if python_version is not None:
        machine = f"{platform.machine()}-manylinux_2_28"
        command += ["--python-version", python_version, "--python-platform", machine]
        command += ["--only-binary", ":all:"]
    subprocess.run([*command, *requirements], check=True)


@dataclass
class Function:
    """A function that runs; `invoke` is one invocation."""

    url: str

    def invoke(self, event: Any) -> Any:
        """The answer as JSON; a function that raised answers with `errorMessage`."""
        path = "/2015-03-31/functions/function/invocations"
        return httpx.post(self.url + path, json=event, timeout=60).json()


@contextmanager
def running(
    task: Path,
    environment: Mapping[str, str],
    *,
    path: list[Path],
    log: Path,
    python: Sequence[str | Path] = (sys.executable, "-S"),
) -> Iterator[Function]:
    """`handler.py` of a folder with `path` as its PYTHONPATH, ready for its first invocation.

    The emulator starts the interpreter only then; the log says how long that took.
    """
    port, api = free_port(), free_port()
    command = [
        emulator_binary(),
        *("--log-level", "info"),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{api}"),
        *python,
        *("-m", "awslambdaric", "handler.handler"),
    ]
    variables = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, [task, *path])),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(task),
        "AWS_LAMBDA_FUNCTION_NAME": task.name,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": task.name,
        **environment,
    }
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=task, env=variables, stdout=output, stderr=output)
    try:
        _wait(port, process, log)
        yield Function(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", timeout=1)
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the runtime did not start:\n{log.read_text()}")


def sample(name: str) -> Any:
    """A file of `events/`."""
    return json.loads((ROOT / "events" / f"{name}.json").read_text())


def folder(function: str) -> Path:
    """Of the function with this name in the template."""
    name = "submit" if function.startswith("Submit") else function.removesuffix("Function").lower()
    return ROOT / "functions" / name
