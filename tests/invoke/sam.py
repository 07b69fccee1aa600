"""The SAM CLI, as a user runs it, for this machine's processor."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.invoke.engine import ARCH
from tests.world import ROOT

_BIN = ROOT / ".venv" / "bin"
_SAM = ROOT / ".venv" / "sam" / "bin" / "sam"


def build_into(folder: Path, interpreter: Path | None, *resources: str) -> None:
    """`sam build`; the folder `interpreter` has a python3.13, or else the PATH may have one."""
    path = [*filter(None, [interpreter]), _BIN, os.environ["PATH"]]
    environment = {"PATH": os.pathsep.join(map(str, path))}
    sam("build", *resources, "--build-dir", str(folder), environment=environment)


def sam(*arguments: str, environment: Mapping[str, str], text: str = "") -> str:
    """What it prints. AssertionError with its log when it fails."""
    done = subprocess.run(
        [_SAM, *arguments, "--parameter-overrides", f"Arch={ARCH}"],
        cwd=ROOT,
        env={**os.environ, **environment, "SAM_CLI_TELEMETRY": "0"},
        input=text,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
