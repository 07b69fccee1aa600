"""The shards that there are now, open: who asks a second question has them at hand."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from operator import attrgetter

from debate_analyzer.ports import ObjectStore, StoredObject
from debate_analyzer.search.blocks import BlockFiles, Blocks
from debate_analyzer.search.manifest import Entry, read_manifest
from debate_analyzer.search.piece import NEW_PREFIX, load, parse_new_key
from debate_analyzer.search.shard import Shard, in_memory

_MOST_NEW = 500  # pieces that are read before they are merged; the rest are found a minute later


class OpenShards:
    """Shards of the bucket, `held` bytes of them in memory. Nothing is read before it is asked."""

    def __init__(self, store: ObjectStore, held: int) -> None:
        self._blocks = Blocks(store, held)
        self._files = BlockFiles(self._blocks)
        self._open: dict[str, tuple[Entry, Shard]] = {}

    def open(self, entry: Entry) -> Shard:
        """The same one for the same entry."""
        if entry.name not in self._open:
            shard = Shard(
                self._files.open(entry.words_key, entry.words_bytes),
                lambda start, length: self._blocks.read(entry.text_key, start, length),
            )
            self._open[entry.name] = entry, shard
        return self._open[entry.name][1]

    def keep(self, entries: Iterable[Entry]) -> None:
        """Nothing of all others stays in memory: what was deleted is in them."""
        for name in self._open.keys() - {entry.name for entry in entries}:
            entry, shard = self._open.pop(name)
            shard.database.close(True)
            self._blocks.forget(entry.words_key)
            self._blocks.forget(entry.text_key)


@dataclass(frozen=True)
class Volume:
    """A shard, and the ages that it is about."""

    newest: int
    oldest: int
    shard: Shard


@dataclass(frozen=True)
class Shelf:
    """What a question is asked of. `unsure`: debates of which the index may say what is no longer
    so."""

    volumes: list[Volume]
    unsure: frozenset[str]


@dataclass
class Library:
    """Of one process, for one question at a time."""

    store: ObjectStore
    shards: OpenShards
    pool: Executor
    _new: dict[str, Volume] = field(default_factory=dict, init=False)

    def now(self) -> Shelf:
        """What is new is listed before the manifest is read: what is merged in between is found in
        both, and not in neither. Who asks takes no passage twice."""
        found = [(parse_new_key(each.key), each) for each in self.store.list(NEW_PREFIX)]
        self._read_new(each for key, each in found if key and not key.is_mark)
        manifest, _ = read_manifest(self.store)
        self.shards.keep(manifest.shards)
        merged = [
            Volume(entry.newest, entry.oldest, self.shards.open(entry)) for entry in manifest.shards
        ]
        return Shelf(
            volumes=[*self._new.values(), *merged],
            unsure=frozenset(key.job_id for key, _ in found if key and key.is_mark),
        )

    def _read_new(self, found: Iterable[StoredObject]) -> None:
        newest = sorted(found, key=attrgetter("modified"), reverse=True)[:_MOST_NEW]
        keys = [each.key for each in newest]
        self._new = {key: self._new[key] for key in keys if key in self._new}
        missing = [key for key in keys if key not in self._new]
        for key, data in zip(missing, self.pool.map(self.store.get, missing), strict=True):
            if data is not None:  # otherwise it was merged just now
                piece = load(data[0])
                self._new[key] = Volume(piece.age, piece.age, in_memory(piece))
