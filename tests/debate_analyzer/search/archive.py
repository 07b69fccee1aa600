"""Debates, an index of them in memory, and what a search must find, counted by hand."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from benchmarks.storage import Files, Rows
from debate_analyzer.caller import Caller
from debate_analyzer.errors import NotFound
from debate_analyzer.job import Job, announced
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, ObjectStore, StoredObject
from debate_analyzer.search import mark
from debate_analyzer.search.finder import Finder, Found, Question, may_find
from debate_analyzer.search.library import Library, OpenShards
from debate_analyzer.search.manifest import Entry
from debate_analyzer.search.merger import Merger
from debate_analyzer.search.piece import Piece, Said, dump, passages, piece_of
from tests.world import Clock

DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)
ANA, BEN, ADMIN = Caller("ana"), Caller("ben"), Caller("root", is_admin=True)
NOBODY = Caller("anonymous")
_POOL = ThreadPoolExecutor(4)


@dataclass
class Bucket(Files):
    """With the calls that shards need, and times."""

    clock: Clock = field(default_factory=Clock)
    modified: dict[str, datetime] = field(default_factory=dict)

    def put(
        self,
        key: str,
        data: bytes,
        content_type: str,
        *,
        if_match: str | None = None,
        fencing_token: int = 0,
    ) -> str:
        etag = super().put(key, data, content_type, if_match=if_match, fencing_token=fencing_token)
        self.modified[key] = self.clock()
        return etag

    def get_range(self, key: str, start: int, length: int) -> bytes:
        self._count("GET", 0)
        if key not in self.objects:
            raise NotFound(key)
        return self.objects[key][0][start : start + length]

    def download(self, key: str, path: Path) -> None:
        path.write_bytes(self.get_range(key, 0, 1 << 40))

    def upload(self, path: Path, key: str, content_type: str) -> None:
        self.put(key, path.read_bytes(), content_type)

    def list(self, prefix: str) -> list[StoredObject]:  # type: ignore[override]
        found = super().list(prefix)
        return [replace(each, modified=self.modified[each.key]) for each in found]


@dataclass
class Archive:
    """`texts`: what was said in each version of each debate, by job id and version."""

    clock: Clock = field(default_factory=Clock)
    rows: Rows = field(default_factory=Rows)
    texts: dict[tuple[str, int], list[Said]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bucket = Bucket(clock=self.clock)
        self.store = cast("ObjectStore", self.bucket)
        self.table = cast("JobTable", self.rows)
        self.shards = OpenShards(self.store, 1 << 20)

    def finder(self) -> Finder:
        library = Library(self.store, self.shards, _POOL)
        return Finder(self.table, library, _POOL)

    def merger(self) -> Merger:
        return Merger(self.table, self.store, OpenShards(self.store, 1 << 20), _POOL, self.clock)

    def add(
        self,
        number: int,
        *said: str | Said,
        owner: str = "ana",
        published: bool = True,
        days: float | None = None,
    ) -> Job:
        """A debate that was counted; texts without times are a second each, by SPEAKER_00."""
        job_id = f"7c9e6679-7425-40de-944b-{number:012d}"
        job = self.table.get(job_id)
        if job is None:
            created = DAY + timedelta(days=number if days is None else days)
            job = announced(
                owner=owner,
                title=f"Debate {number}",
                media=None,
                now=created,
                job_id=job_id,
                published=published,
            )
            self.table.create(job)
        return self.settle(self.count(job, *said))

    def count(self, job: Job, *said: str | Said) -> Job:
        """A worker takes the debate and writes its piece; the row does not say so yet."""
        job = self.change(job)
        self.texts[job.job_id, job.version] = [
            Said(second, second + 1, "SPEAKER_00", text) if isinstance(text, str) else text
            for second, text in enumerate(said)
        ]
        said_in_it = passages(self.texts[job.job_id, job.version])
        piece = piece_of(job, said_in_it, published=job.published)
        self.store.put(piece.key, dump(piece), "")
        return job

    def settle(self, job: Job) -> Job:
        return self.change(job, status=Status.COMPLETE, searchable=job.version)

    def change(self, job: Job, **facts: object) -> Job:
        row = self.table.get(job.job_id)
        assert row is not None
        return self.table.replace(row.model_copy(update=facts))

    def change_and_mark(self, job: Job, **facts: object) -> Job:
        row = self.change(job, **facts)
        mark(self.store, job.job_id)
        return row

    def forget(self, job: Job) -> Job:
        return self.change_and_mark(job, status=Status.DELETED)

    def pieces(self, entry: Entry) -> list[Piece]:
        """All that a shard holds."""
        return list(OpenShards(self.store, 1 << 20).open(entry).pieces())

    def merge(self) -> None:
        self.merger().run()

    def search(
        self, text: str, caller: Caller = ANA, *, limit: int = 1000, **more: object
    ) -> Found:
        return self.finder().find(Question(text, **more), caller, limit)  # type: ignore[arg-type]

    def titles(self, text: str, caller: Caller = ANA, **more: object) -> list[str]:
        return [hit.job.title for hit in self.search(text, caller, **more).hits]

    def by_hand(self, phrase: str, caller: Caller) -> list[tuple[str, str]]:
        """Titles and speakers of all passages in which words, of ASCII, stand in a row."""
        wanted = " ".join(_words(phrase))
        rows = sorted(self.rows.all(), key=lambda row: (-row.created_at.timestamp(), row.job_id))
        return [
            (row.title, passage.speaker or "")
            for row in rows
            if may_find(caller, row) and row.searchable is not None
            for passage in passages(self.texts[row.job_id, row.searchable])
            if f" {wanted} " in f" {' '.join(_words(passage.text))} "
        ]


def _words(text: str) -> list[str]:
    return re.findall("[a-z0-9]+", text.lower())
