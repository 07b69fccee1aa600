"""Keeps the index: what is new becomes shards, small shards become large ones, and what no longer
counts goes.

A log-structured merge (O'Neil et al. 1996, doi:10.1007/s002360050048) by size: eight shards of a
size become one of the next. Shards never change; the manifest is written If-Match, once a step, and
only after the shards that it names. Of two at once, one is refused and starts over a minute later;
it leaves objects that nobody names, as does whoever dies, which are deleted an hour later. What
became of a debate, its row says, whatever came first: a piece that comes twice, late, or after its
debate was deleted changes nothing.
"""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from debate_analyzer.errors import Conflict
from debate_analyzer.job import Job
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, ObjectStore, StoredObject
from debate_analyzer.search.library import OpenShards
from debate_analyzer.search.manifest import (
    MANIFEST_KEY,
    SHARDS_PREFIX,
    Entry,
    Manifest,
    read_manifest,
)
from debate_analyzer.search.piece import (
    NEW_PREFIX,
    NewKey,
    Piece,
    age,
    load,
    parse_new_key,
)
from debate_analyzer.search.shard import Shard, on_disk, write

FAN = 8  # shards of a size that become one
_SMALLEST = 64_000  # words, those of some 40 debates of ten minutes
_LARGEST = 2 * _SMALLEST * FAN**2  # two of the third size fit in one
_STALE = 5  # a shard is written anew when one in so many of its debates was counted again

GRACE = timedelta(minutes=5)  # a question that was asked before is long answered
_ABANDONED = timedelta(hours=1)  # whoever wrote it is dead: a function lives for a quarter of that
_UNCLAIMED = timedelta(days=1)  # a worker that did not get to say that its piece counts, will not

_BEGIN_UNTIL = 40.0  # seconds into a run, in which further steps are begun
_MOST_NEW = 2_000  # pieces in a step
_ROWS = 500  # of the table at once
_BINARY = "application/octet-stream"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _New:
    key: NewKey
    stored: StoredObject


@dataclass(frozen=True)
class Merger:
    """One run at a time is of use; more do no harm."""

    table: JobTable
    store: ObjectStore
    shards: OpenShards
    pool: Executor
    now: Callable[[], datetime]
    clock: Callable[[], float] = time.monotonic

    def run(self) -> int:
        """Until nothing is left to do, or for about a minute; how many steps were taken. A step
        that somebody else got in the way of is left to the next run."""
        began, steps = self.clock(), 0
        try:
            while self.clock() - began < _BEGIN_UNTIL and self.step():
                steps += 1
        except Conflict as conflict:
            logger.info("left to whoever merges, too: %s", conflict)
        return steps

    def step(self) -> bool:
        """The next thing to do; False where there is nothing. Raises Conflict."""
        now = self.now()
        manifest, etag = read_manifest(self.store)
        self.shards.keep(manifest.shards)
        if self._take_in(manifest, etag, now):
            return True
        if group := _next_group(manifest.shards):
            self._rewrite(group, manifest, etag, now)
            return True
        return self._clear_away(manifest, etag, now)

    # --- what is new -----------------------------------------------------------------------

    def _take_in(self, manifest: Manifest, etag: str, now: datetime) -> bool:
        """Pieces become a shard; shards that marks are about are found."""
        new = [
            _New(key, found)
            for found in self.store.list(NEW_PREFIX)
            if (key := parse_new_key(found.key))
        ]
        new = sorted(new, key=lambda each: each.stored.modified)[:_MOST_NEW]
        rows = self._rows({each.key.job_id for each in new})  # after the marks were listed
        marked = {each.key.job_id for each in new if each.key.is_mark}
        ready = {
            (each.key.job_id, each.key.version): each
            for each in new
            if _counts(rows.get(each.key.job_id), each.key.version)
        }
        done = [each for each in new if not _waits(each, rows.get(each.key.job_id), now)]
        if not done:
            return False
        entries = []
        held: set[tuple[str, int]] = set()
        for entry in manifest.shards:
            here = self._versions(entry, {job_id for job_id, _ in ready} | marked, rows)
            held |= set(here)
            outdated = [each for each in here if each not in ready and each[0] not in marked]
            dirty = any(job_id in marked for job_id, _ in here)
            entries.append(
                entry.model_copy(
                    update={
                        "stale": entry.stale + len(outdated),
                        "dirty": entry.dirty or dirty,
                    }
                )
            )
        fresh = [each for version, each in ready.items() if version not in held]
        made = self._made_of(fresh, rows)
        changed = manifest.model_copy(update={"shards": entries}).replaced([], made, now)
        if changed != manifest:
            self._put(changed, etag)
        for _ in self.pool.map(self.store.delete, [each.stored.key for each in done]):
            pass
        return True

    def _versions(
        self, entry: Entry, job_ids: Iterable[str], rows: dict[str, Job]
    ) -> list[tuple[str, int]]:
        """Which of the debates a shard has. A row says when its debate was created; one without a
        row may be anywhere."""
        wanted = [
            job_id
            for job_id in job_ids
            if job_id not in rows or entry.newest <= age(rows[job_id].created_at) <= entry.oldest
        ]
        return self.shards.open(entry).versions(wanted) if wanted else []

    def _made_of(self, fresh: Sequence[_New], rows: dict[str, Job]) -> list[Entry]:
        found = self.pool.map(self.store.get, [each.stored.key for each in fresh])
        pieces = [load(data[0]) for data in found if data is not None]
        return self._written(sorted(_as_its_row_says(pieces, rows), key=_place))

    # --- shards ----------------------------------------------------------------------------

    def _rewrite(self, group: list[Entry], manifest: Manifest, etag: str, now: datetime) -> None:
        """Shards become one, without what no longer counts."""
        with TemporaryDirectory() as folder:
            shards = [self._fetched(entry, Path(folder)) for entry in group]
            pieces = heapq.merge(*(shard.pieces() for shard in shards), key=_place)
            made = self._written(self._still_counting(pieces))
            for shard in shards:
                shard.database.close(True)
        self._put(manifest.replaced(group, made, now), etag)

    def _still_counting(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        last = None
        while some := list(islice(pieces, _ROWS)):
            rows = self._rows({piece.job_id for piece in some})
            for piece in _as_its_row_says(some, rows):
                if _place(piece) != last:
                    yield piece
                last = _place(piece)

    def _written(self, pieces: Iterable[Piece]) -> list[Entry]:
        """One shard in the bucket, or none."""
        name = str(uuid4())
        with TemporaryDirectory() as folder:
            words, text = Path(folder, "words"), Path(folder, "text")
            with text.open("wb") as file:
                written = write(pieces, str(words), file)
            if written is None:
                return []
            entry = Entry(
                name=name,
                newest=written.newest,
                oldest=written.oldest,
                debates=written.debates,
                words=written.words,
                words_bytes=words.stat().st_size,
                text_bytes=text.stat().st_size,
            )
            self.store.upload(words, entry.words_key, _BINARY)
            self.store.upload(text, entry.text_key, _BINARY)
        return [entry]

    def _fetched(self, entry: Entry, folder: Path) -> Shard:
        """The whole of it, on this machine's disk."""
        words, text = folder / f"{entry.name}.words", folder / f"{entry.name}.text"
        self.store.download(entry.words_key, words)
        self.store.download(entry.text_key, text)
        return on_disk(words, text)

    def _put(self, manifest: Manifest, etag: str) -> None:
        """Raises Conflict, also where it was written and only the answer was lost: so whoever is
        refused leaves the new shards alone, which the manifest may name."""
        data = manifest.model_dump_json().encode()
        self.store.put(MANIFEST_KEY, data, "application/json", if_match=etag)

    def _rows(self, job_ids: set[str]) -> dict[str, Job]:
        return {job.job_id: job for job in self.table.get_many(job_ids)}

    # --- what nobody needs any more --------------------------------------------------------

    def _clear_away(self, manifest: Manifest, etag: str, now: datetime) -> bool:
        over = [each for each in manifest.retired if each.at <= now - GRACE]
        for retired in over:
            self._delete(retired.name)
        known = {entry.name for entry in manifest.shards}
        known |= {retired.name for retired in manifest.retired}
        for found in self.store.list(SHARDS_PREFIX):
            name = found.key.removeprefix(SHARDS_PREFIX).partition(".")[0]
            if name not in known and found.modified < now - _ABANDONED:
                self._delete(name)
        if over:
            left = [each for each in manifest.retired if each not in over]
            self._put(manifest.model_copy(update={"retired": left}), etag)
        return bool(over)

    def _delete(self, name: str) -> None:
        self.store.delete(f"{SHARDS_PREFIX}{name}.")


def _counts(row: Job | None, version: int | None) -> bool:
    return row is not None and row.status is not Status.DELETED and row.searchable == version


def _waits(new: _New, row: Job | None, now: datetime) -> bool:
    """Whether a piece may yet come to count: its worker has still to say so in the row."""
    if new.key.version is None or row is None or row.status is Status.DELETED:
        return False
    ahead = row.searchable is None or row.searchable < new.key.version
    return ahead and new.stored.modified > now - _UNCLAIMED


def _as_its_row_says(pieces: Iterable[Piece], rows: dict[str, Job]) -> Iterator[Piece]:
    """Those that count, with the owner and the publication of now."""
    for piece in pieces:
        row = rows.get(piece.job_id)
        if row is not None and _counts(row, piece.version):
            yield Piece(
                piece.job_id, piece.version, piece.age, row.owner, row.is_public, piece.passages
            )


_place = attrgetter("age", "job_id", "version")


def _next_group(shards: Sequence[Entry]) -> list[Entry]:
    """Shards that are to become one; none where all is well."""
    for entry in shards:
        if entry.dirty or entry.stale * _STALE > entry.debates:
            return [entry]
    sizes: dict[int, list[Entry]] = {}
    for entry in sorted(shards, key=lambda each: each.newest):
        sizes.setdefault(_size(entry.words), []).append(entry)
    for _, alike in sorted(sizes.items()):
        if len(alike) >= FAN and len(group := _that_fit(alike)) > 1:
            return group
    return []


def _size(words: int) -> int:
    """0 for the smallest, each FAN times the one before."""
    size = 0
    while words >= _SMALLEST * FAN**size:
        size += 1
    return size


def _that_fit(alike: Sequence[Entry]) -> list[Entry]:
    """The newest that are not too large for one, neighbours in time."""
    group: list[Entry] = []
    for entry in alike:
        if sum(each.words for each in (*group, entry)) > _LARGEST:
            break
        group.append(entry)
    return group
