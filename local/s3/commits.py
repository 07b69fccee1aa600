"""A file becomes an object.

An object is two files, its body and its facts (`<body>.meta.json`), and, if it came in parts, an
upload that ends. What is to be done is written down first, in a file that appears at once, then
done, then crossed out; so that after a death in between the next start does the rest, and nobody
meets one half without the other.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_REMEMBERED_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Completion:
    """An upload in parts that has become an object: who asks again gets the same `answer`."""

    account: str
    upload_id: str
    key: str
    headers: dict[str, str]
    answer: str


class Commits:
    """Work on objects that was begun, and uploads that were completed of late, below `root`.

    `root` is the folder of all that S3 has, bodies, uploads and this; paths in it are kept
    relative, since people move folders.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._begun = root / "incoming" / "begun"
        self._completed = root / "incoming" / "completed"
        self.drafts = root / "incoming" / "drafts"
        for folder in (self._begun, self._completed, self.drafts):
            folder.mkdir(parents=True, exist_ok=True)

    def commit(
        self,
        source: Path,
        target: Path,
        facts: dict[str, Any],
        *,
        stale: Path | None = None,
        completion: Completion | None = None,
    ) -> list[Path]:
        """`source` is the body of `target` from now on. Raises OSError.

        `stale` is another file that the key may have had. Returns the paths that want an fsync
        before anybody is promised anything.
        """
        record = {
            "source": self._relative(source),
            "target": self._relative(target),
            "facts": facts,
            "stale": self._relative(stale) if stale else None,
            "completion": asdict(completion) if completion else None,
        }
        name = completion.upload_id if completion else secrets.token_hex(16)
        begun = self._begun / f"{name}.json"
        write(begun, record)
        self._finish(begun, record)
        return [target, _facts_of(target), target.parent, self._completed]

    def recover(self) -> None:
        """Do what was begun and drop drafts. To be called before ministack reads the folder."""
        for begun in self._begun.glob("*.json"):
            self._finish(begun, json.loads(begun.read_bytes()))
        for left in (*self._begun.iterdir(), *self.drafts.iterdir()):
            left.unlink()
        for done in self._completed.iterdir():
            if time.time() - done.stat().st_mtime > _REMEMBERED_SECONDS:
                done.unlink()

    def completions(self) -> Iterator[Completion]:
        """Those of the last day."""
        for done in self._completed.glob("*.json"):
            yield Completion(**json.loads(done.read_bytes())["completion"])

    def _finish(self, begun: Path, record: dict[str, Any]) -> None:
        source, target = self._root / record["source"], self._root / record["target"]
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if source.exists():
            os.replace(source, target)
        write(_facts_of(target), record["facts"])
        if record["stale"]:
            stale = self._root / record["stale"]
            for path in (stale, _facts_of(stale)):
                if path.is_file():
                    path.unlink()
        if record["completion"]:
            shutil.rmtree(source.parent, ignore_errors=True)  # its upload: the body has left it
            os.replace(begun, self._completed / begun.name)
        else:
            begun.unlink()

    def _relative(self, path: Path) -> str:
        return os.path.relpath(path, self._root)


def _facts_of(path: Path) -> Path:
    return path.parent / f"{path.name}.meta.json"


def write(path: Path, facts: dict[str, Any]) -> None:
    """JSON that is there as a whole or not at all."""
    draft = path.parent / f"{path.name}.tmp"
    draft.write_text(json.dumps(facts))
    draft.replace(path)


def sync(paths: list[Path]) -> None:
    """Return once they would outlast a power cut; what has gone meanwhile is skipped."""
    for path in paths:
        try:
            file = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            os.fsync(file)
        finally:
            os.close(file)
