"""SQLite files in the bucket, read by blocks: no more is fetched than a question needs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import apsw

from debate_analyzer.errors import NotFound
from debate_analyzer.ports import ObjectStore

BLOCK = 1 << 17  # bytes: on S3 a request takes as long as reading so much
_VFS = "bucket"


@dataclass
class Blocks:
    """Objects that never change, by blocks of which the last used are kept, `capacity` bytes."""

    store: ObjectStore
    capacity: int
    _kept: OrderedDict[tuple[str, int], bytes] = field(default_factory=OrderedDict, init=False)
    _bytes: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def read(self, key: str, start: int, length: int) -> bytes:
        """Less than `length` bytes where the object ends before."""
        first, last = start // BLOCK, (start + length - 1) // BLOCK
        data = b"".join(self._block(key, number) for number in range(first, last + 1))
        return data[start - first * BLOCK :][:length]

    def _block(self, key: str, number: int) -> bytes:
        with self._lock:
            if (kept := self._kept.get((key, number))) is not None:
                self._kept.move_to_end((key, number))
                return kept
        try:
            data = self.store.get_range(key, number * BLOCK, BLOCK)
        except NotFound as error:  # of the index, and nothing that anybody asked for
            raise LookupError(f"{key} is in the manifest of the index, and gone.") from error
        with self._lock:
            if (key, number) not in self._kept:
                self._kept[key, number] = data
                self._bytes += len(data)
            while self._bytes > self.capacity:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return data

    def forget(self, key: str) -> None:
        """Nothing of the object is kept."""
        with self._lock:
            for each in [each for each in self._kept if each[0] == key]:
                self._bytes -= len(self._kept.pop(each))


class BlockFiles(apsw.VFS):
    """Blocks as SQLite's files, to be read only: https://sqlite.org/vfs.html."""

    def __init__(self, blocks: Blocks) -> None:
        self._name = f"{_VFS}-{id(blocks)}"
        super().__init__(self._name, base="")
        self._blocks = blocks

    def open(self, key: str, size: int) -> apsw.Connection:
        """The database in an object of `size` bytes."""
        return apsw.Connection(
            f"file:{key}?immutable=1&bytes={size}",
            flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
            vfs=self._name,
        )

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> _File:  # type: ignore[override]  # noqa: N802
        if not isinstance(name, apsw.URIFilename):
            raise apsw.CantOpenError("nothing is written here")
        flags[1] = flags[0]
        return _File(self._blocks, name.filename(), name.uri_int("bytes", 0))

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802
        return False  # there are no journals


@dataclass(frozen=True)
class _File:
    """What SQLite asks of a file that never changes: https://sqlite.org/c3ref/io_methods.html."""

    blocks: Blocks
    key: str
    size: int

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        return self.blocks.read(self.key, offset, amount)

    def xFileSize(self) -> int:  # noqa: N802
        return self.size

    def xClose(self) -> None:  # noqa: N802
        pass

    def xLock(self, level: int) -> None:  # noqa: N802
        pass

    def xUnlock(self, level: int) -> None:  # noqa: N802
        pass

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, operation: int, pointer: int) -> bool:  # noqa: N802
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return apsw.SQLITE_IOCAP_IMMUTABLE
