"""Which shards the index consists of: one small object, written If-Match by whoever merges."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from debate_analyzer.job import Timestamp
from debate_analyzer.ports import ObjectStore

MANIFEST_KEY = "search/manifest.json"
SHARDS_PREFIX = "search/shards/"


class Entry(BaseModel):
    """A shard. Ages as in `piece.Piece`; sizes in bytes. `stale` of its debates were counted again
    since; `dirty`: it says of some what their rows no longer say."""

    name: str
    newest: int
    oldest: int
    debates: int
    words: int
    words_bytes: int
    text_bytes: int
    stale: int = 0
    dirty: bool = False

    @property
    def words_key(self) -> str:
        return f"{SHARDS_PREFIX}{self.name}.words"

    @property
    def text_key(self) -> str:
        return f"{SHARDS_PREFIX}{self.name}.text"


class Retired(BaseModel):
    """A shard that others have taken the place of: who reads it now may read on for a while."""

    name: str
    at: Timestamp


class Manifest(BaseModel):
    """`search/manifest.json`."""

    schema_version: int = 1
    shards: list[Entry] = []
    retired: list[Retired] = []

    def replaced(self, gone: list[Entry], made: list[Entry], now: datetime) -> Manifest:
        """With some shards in the place of others."""
        names = {entry.name for entry in gone}
        kept = [entry for entry in self.shards if entry.name not in names]
        retired = [Retired(name=name, at=now) for name in sorted(names)]
        return self.model_copy(
            update={"shards": [*kept, *made], "retired": [*self.retired, *retired]}
        )


def read_manifest(store: ObjectStore) -> tuple[Manifest, str]:
    """The manifest and its etag; an empty one and "" where there is none."""
    data, etag = store.get(MANIFEST_KEY) or (b"{}", "")
    return Manifest.model_validate_json(data), etag
