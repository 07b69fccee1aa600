"""A body that lies in a file."""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Region:
    """`size` bytes of a file, from `offset` on."""

    path: Path
    offset: int
    size: int


@dataclass(frozen=True)
class Digests:
    """What was computed of a body while it came. `md5` and `sha256` are hexadecimal; `checksums`
    are S3's, Base64 by name (`CRC32`)."""

    md5: str
    sha256: str | None = None
    checksums: dict[str, str] = field(default_factory=dict)


class Body(bytes):
    """Bytes to ministack, which asks for their length and hands them on; who looks into them finds
    nothing, and all who would are replaced in `grafted`."""

    region: Region
    digests: Digests

    def __new__(cls, region: Region, digests: Digests) -> Body:
        body = super().__new__(cls)
        body.region = region
        body.digests = digests
        return body

    def __len__(self) -> int:
        return self.region.size


class Mapped:
    """The bytes of a region as a memoryview, inside a `with` block."""

    def __init__(self, region: Region) -> None:
        self._region = region

    def __enter__(self) -> memoryview:
        region = self._region
        if region.size == 0:  # which cannot be mapped
            self._map = None
            return memoryview(b"")
        with region.path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._whole = memoryview(self._map)
        self._view = self._whole[region.offset : region.offset + region.size]
        return self._view

    def __exit__(self, *_: object) -> None:
        if self._map is not None:
            self._view.release()
            self._whole.release()
            self._map.close()
