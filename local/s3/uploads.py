"""Uploads in parts, on disk while they last.

All parts but the last have one size, as a rule, and the first to come tells which. So every part is
written where it will lie in the object, and completing is a rename. A part that does not fit (its
size is another, its number came twice) gets a file of its own, and the parts are copied together.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.s3.body import Body, Digests, Region
from local.s3.commits import write

LARGEST_OBJECT = 5 * 2**40
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""

_BLOCK = 2**20


class Parts(dict[int, dict[str, Any]]):
    """The parts of one upload by number, with ministack's facts of each (`etag`, `size`,
    `last_modified`, `checksums`, and `body`, which is a Body). What is put in is on disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._joint = folder / "object"
        self._slot: int | None = None
        self._taken: set[int] = set()
        """Numbers whose place in the joint file is written, or being written."""
        self._writing = 0
        self.lock = asyncio.Lock()
        """Held while a part is put in, and while the upload ends."""

    @classmethod
    def load(cls, folder: Path) -> Parts:
        """Those that were there when the last run ended."""
        parts = cls(folder)
        known = {"object", "upload.json"}
        for path in folder.glob("*.part"):
            stored = json.loads(path.read_bytes())
            number = int(path.stem)
            file, offset = stored.pop("file"), stored.pop("offset")
            parts._slot = stored.pop("slot") or parts._slot
            region = Region(folder / file, offset, stored["size"])
            digests = Digests(stored["etag"].strip('"'), checksums=stored["checksums"])
            dict.__setitem__(parts, number, {**stored, "body": Body(region, digests)})
            if region.path == parts._joint:
                parts._taken.add(number)
            known |= {path.name, file}
        for path in folder.iterdir():
            if path.name not in known:  # half of something
                path.unlink()
        return parts

    @contextmanager
    def place(self, number: int, size: int) -> Iterator[Region]:
        """Where to write part `number`. What is not put in by the end of the block is dropped."""
        if self._slot is None and size:
            self._slot = size
        offset = (number - 1) * (self._slot or 0)
        fits = (
            number not in self._taken
            and 0 < size <= (self._slot or 0)
            and offset + size <= LARGEST_OBJECT
        )
        if fits:
            self._taken.add(number)
            region = Region(self._joint, offset, size)
        else:
            region = Region(self._folder / f"{number}.{secrets.token_hex(8)}", 0, size)
        self._writing += fits
        try:
            yield region
        finally:
            self._writing -= fits
            is_kept = number in self and self[number]["body"].region == region
            if fits and not is_kept:
                self._taken.discard(number)
            elif not is_kept:
                region.path.unlink(missing_ok=True)

    def __setitem__(self, number: int, facts: dict[str, Any]) -> None:
        body = facts["body"]
        if not isinstance(body, Body):  # of UploadPartCopy
            body = self._own(number, body)
        old = self.get(number)
        if old is not None and old["etag"] == facts["etag"]:
            body = old["body"]  # sent again after a lost answer: the first lies well
        region = body.region
        stored = {name: value for name, value in facts.items() if name != "body"}
        stored.setdefault("checksums", {})
        write(
            self._facts_of(number),
            {**stored, "file": region.path.name, "offset": region.offset, "slot": self._slot},
        )
        super().__setitem__(number, {**stored, "body": body})
        if old is not None and old["body"].region.path not in (self._joint, region.path):
            old["body"].region.path.unlink(missing_ok=True)

    def unsynced(self, number: int) -> list[Path]:
        """What wants an fsync before part `number` is promised to be kept."""
        return [self._facts_of(number), self._folder]

    def in_place(self, numbers: Sequence[int]) -> Region | None:
        """The object made of these parts, if they lie so already and nobody writes there."""
        size = 0
        for number in numbers:
            region = self[number]["body"].region
            if region.path != self._joint or region.offset != size:
                return None
            size += region.size
        return None if self._writing else Region(self._joint, 0, size)

    def copied(self, numbers: Sequence[int]) -> Region:
        """The object made of these parts, in a file of its own, on disk. Takes its time."""
        path = self._folder / f"copy.{secrets.token_hex(8)}"
        size = 0
        with path.open("wb") as out:
            for number in numbers:
                region = self[number]["body"].region
                with region.path.open("rb") as file:
                    file.seek(region.offset)
                    left = region.size
                    while left:
                        data = file.read(min(left, _BLOCK))
                        if not data:
                            raise OSError(f"{region.path} is shorter than its part")
                        out.write(data)
                        left -= len(data)
                size += region.size
            out.flush()
            os.fsync(out.fileno())
        return Region(path, 0, size)

    def drop(self) -> None:
        """Delete the upload's folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _own(self, number: int, data: bytes) -> Body:
        region = Region(self._folder / f"{number}.{secrets.token_hex(8)}", 0, len(data))
        region.path.write_bytes(data)
        return Body(region, Digests(hashlib.md5(data, usedforsecurity=False).hexdigest()))

    def _facts_of(self, number: int) -> Path:
        return self._folder / f"{number}.part"
