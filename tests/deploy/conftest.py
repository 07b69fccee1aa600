"""An account made of moto, and a checkout with programs that write down how they were called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import moto
import pytest

from deploy.cloud import Cloud

REGION = "us-east-1"

# A recording stands in for sam, docker and podman: it keeps its arguments and standard input, and
# does what the test has left for it to do.
_RECORDER = """#!{python}
import json, os, sys
here = os.path.dirname(os.path.abspath(__file__))
name = os.path.basename(sys.argv[0])
call = {{"program": name, "arguments": sys.argv[1:],
         "stdin": "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()}}
with open(os.path.join(here, "calls"), "a") as calls:
    calls.write(json.dumps(call) + "\\n")
failing = os.path.join(here, "failing")
if os.path.exists(failing) and open(failing).read() == f"{{name}} {{sys.argv[1]}}":
    print("no space left", file=sys.stderr)
    sys.exit(3)
"""


@dataclass(frozen=True)
class Programs:
    """The folder on PATH with the recorders."""

    folder: Path

    def install(self, *names: str) -> None:
        for name in names:
            path = self.folder / name
            path.write_text(_RECORDER.format(python=sys.executable))
            path.chmod(0o755)

    def fail(self, program: str, command: str) -> None:
        (self.folder / "failing").write_text(f"{program} {command}")

    def calls(self) -> list[dict[str, Any]]:
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def lines(self) -> list[str]:
        return [" ".join([call["program"], *call["arguments"]]) for call in self.calls()]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Only git and what a test installs can be found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    git = subprocess.run(["which", "git"], capture_output=True, text=True, check=True)
    (folder / "git").symlink_to(git.stdout.strip())
    monkeypatch.setenv("PATH", str(folder))
    return Programs(folder)


@pytest.fixture
def account(_no_account: None) -> Iterator[None]:
    with moto.mock_aws():
        yield


@pytest.fixture
def cloud(account: None) -> Cloud:
    return Cloud()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "file").write_text("one")
    (root / ".gitignore").write_text(".aws-sam/\n")
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Test"), ("EMAIL", "test@example.org"))
    }
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "One"]):
        subprocess.run(
            ["git", *command], cwd=root, check=True, env={**os.environ, **identity, "HOME": "/"}
        )
    return root
