"""The page's files as the bucket holds them: keys, types, how long who keeps them, in which order.

No name carries a hash, so that a file must be asked for again after every deploy: the edge keeps
it until it is told otherwise (every deploy tells it), browsers ask the edge each time and are
mostly answered 304.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from debate_analyzer.errors import Misconfigured

PREFIX = "website/"
CACHE_CONTROL = "public, max-age=0, s-maxage=31536000, must-revalidate"
_ENTRANCE = "index.html"
_CONFIG = "config.json"

_UTF_8 = "; charset=utf-8"
# Spelled out: what a machine's own table says differs from one to the next.
_TYPES = {
    "": "text/plain" + _UTF_8,  # licences
    ".css": "text/css" + _UTF_8,
    ".html": "text/html" + _UTF_8,
    ".ico": "image/x-icon",
    ".js": "text/javascript" + _UTF_8,
    ".json": "application/json",
    ".mjs": "text/javascript" + _UTF_8,
    ".png": "image/png",
    ".svg": "image/svg+xml" + _UTF_8,
    ".txt": "text/plain" + _UTF_8,
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_NOT_FOR_BROWSERS = (".md",)


@dataclass(frozen=True)
class File:
    """A file of the page."""

    path: Path
    key: str
    content_type: str
    cache_control: str = CACHE_CONTROL
    content: bytes | None = None
    """In place of what the file holds."""

    def read(self) -> bytes:
        """What is to be uploaded."""
        return self.path.read_bytes() if self.content is None else self.content


def files(folder: Path, outputs: Mapping[str, str]) -> list[File]:
    """What is to be uploaded, in this order: the entrance last, so that whoever comes in by the new
    one finds everything behind it. `outputs` are the stack's. Raises Misconfigured for a file whose
    type is not known."""
    found = [_file(folder, path) for path in sorted(folder.rglob("*")) if _is_served(folder, path)]
    config = json.dumps(_config(outputs)).encode()
    found = [
        replace(file, content=config) if file.key == PREFIX + _CONFIG else file for file in found
    ]
    if not any(file.key == PREFIX + _ENTRANCE for file in found):
        raise Misconfigured(f"{folder} has no {_ENTRANCE}: that is not the page's folder.")
    return sorted(found, key=lambda file: file.key == PREFIX + _ENTRANCE)


def _config(outputs: Mapping[str, str]) -> dict[str, dict[str, str] | None]:
    """What the page is told of this deployment: by whom people are signed in, or that nobody is."""
    if "SignInClientId" not in outputs:
        return {"signIn": None}
    names = {"issuer": "SignInIssuer", "clientId": "SignInClientId", "scope": "SignInScope"}
    return {"signIn": {name: outputs[output] for name, output in names.items()}}


def _is_served(folder: Path, path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.is_file() and not hidden and path.suffix not in _NOT_FOR_BROWSERS


def _file(folder: Path, path: Path) -> File:
    name = path.relative_to(folder).as_posix()
    if path.suffix not in _TYPES:
        raise Misconfigured(f"{path}: deploy/site.py does not know the type of {path.suffix}.")
    return File(path=path, key=PREFIX + name, content_type=_TYPES[path.suffix])


def gone(present: Iterable[str], current: Iterable[File]) -> list[str]:
    """Keys of files that the page no longer has: to be removed once nothing names them."""
    return sorted(set(present) - {file.key for file in current})
