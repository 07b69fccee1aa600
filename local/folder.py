"""The data folder: one per stack, with everything that outlives a restart."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import IO, Any

from debate_analyzer.errors import Misconfigured

_OWNER = "launcher.json"
_PORTS = "ports.json"


def data_path() -> Path:
    """Where everything is kept unless somebody says otherwise."""
    return Path(os.environ.get("DEBATE_DATA") or Path(__file__).resolve().parent.parent / ".data")


class DataFolder:
    """A folder held by one process at a time. `logs`, `ports.json`, and what the parts keep there.

    `launcher.json` names the process and carries the lock, which is the kernel's and so goes with
    the process, kill -9 included. A data folder is known by that file: `reset` empties no other.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.logs = self.path / "logs"
        self._owner: IO[str] | None = None

    def take(self, url: str) -> None:
        """Hold the folder for the stack at `url`. Raises Misconfigured, saying who has it."""
        owner = self.path / _OWNER
        if self.path.is_dir() and any(self.path.iterdir()) and not owner.exists():
            raise Misconfigured(
                f"{self.path} is not empty and not a data folder of ours. "
                "Name an empty or a new one with --data."
            )
        self.path.mkdir(parents=True, exist_ok=True)
        file = owner.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            other = self._read(_OWNER)
            raise Misconfigured(
                f"Another stack uses {self.path}: process {other.get('pid', '?')}, "
                f"at {other.get('url', '?')}. Stop it, or name another folder with --data."
            ) from None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "url": url}))
        file.flush()
        self._owner = file
        self.logs.mkdir(exist_ok=True)

    def release(self) -> None:
        """Let the next one have it."""
        if self._owner is not None:
            self._owner.close()
            self._owner = None

    def reset(self) -> None:
        """Delete everything in a folder that is held."""
        for entry in self.path.iterdir():
            if entry.name == _OWNER:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.logs.mkdir()

    def port(self, name: str) -> int:
        """The port that `name` had the last time, 0 if it never had one."""
        return int(self._read(_PORTS).get(name, 0))

    def keep_port(self, name: str, port: int) -> None:
        """Ask for the same port the next time: what is deployed has it in its environment."""
        self._write(_PORTS, {**self._read(_PORTS), name: port})

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads((self.path / name).read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return content

    def _write(self, name: str, content: dict[str, Any]) -> None:
        draft = self.path / f"{name}.tmp"
        draft.write_text(json.dumps(content))
        draft.replace(self.path / name)
