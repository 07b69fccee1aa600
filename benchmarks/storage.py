"""A bucket and a job table in memory that count what is asked of them, and a clock for threads that
only wait: what many writers do to each other, without a service between them."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from debate_analyzer.errors import Conflict
from debate_analyzer.job import Job
from debate_analyzer.ports import StoredObject

GET_SECONDS, PUT_SECONDS, ROW_SECONDS = 0.030, 0.060, 0.005
"""What a call of S3 and of DynamoDB takes, about; assumed."""

Wait = Callable[[float], None]


_SOME_TIME = datetime(2026, 11, 21, tzinfo=UTC)


def at_once(seconds: float) -> None:
    """Nothing takes any time."""


@dataclass
class Files:
    """The part of ports.ObjectStore that the published index asks for. An object is there as soon
    as it is written, and `if_match` is exact, as with S3."""

    wait: Wait = at_once
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    tries: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often a conditional write of a key was done at which try of its thread, from 1."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: dict[tuple[int, str], int] = defaultdict(int)

    def head(self, key: str) -> StoredObject | None:
        """See the port."""
        self._count("HEAD", GET_SECONDS)
        found = self.objects.get(key)
        return _stored(key, *found) if found else None

    def get(self, key: str) -> tuple[bytes, str] | None:
        """See the port."""
        self._count("GET", GET_SECONDS)
        return self.objects.get(key)

    def put(
        self,
        key: str,
        data: bytes,
        content_type: str,
        *,
        if_match: str | None = None,
        fencing_token: int = 0,
    ) -> str:
        """See the port. The token is not kept: nobody is overtaken here."""
        self._count("PUT", PUT_SECONDS)
        mine = (threading.get_ident(), key)
        with self._lock:
            stored = self.objects.get(key, (b"", ""))[1]
            if if_match is not None and if_match != stored:
                self._refused[mine] += 1
                raise Conflict(f"{key} was written by somebody else.")
            etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
            self.objects[key] = (data, etag)
            self.counts["bytes written"] += len(data)
            if if_match is not None:
                self.tries[key, self._refused.pop(mine, 0) + 1] += 1
            return etag

    def delete(self, prefix: str) -> None:
        """See the port."""
        for found in list(self.list(prefix)):
            self._count("DELETE", PUT_SECONDS)
            del self.objects[found.key]

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See the port."""
        self._count("LIST", GET_SECONDS)
        found = [(k, v) for k, v in self.objects.items() if k.startswith(prefix)]
        return (_stored(key, *each) for key, each in found)

    def _count(self, call: str, seconds: float) -> None:
        self.wait(seconds)
        with self._lock:
            self.counts[call] += 1


def _stored(key: str, data: bytes, etag: str) -> StoredObject:
    return StoredObject(key=key, bytes=len(data), etag=etag, content_type="", modified=_SOME_TIME)


@dataclass
class Rows:
    """The part of ports.JobTable that the published index asks for. Its index, `on_page`, is late
    by the newest `lag` writes."""

    wait: Wait = at_once
    lag: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, bytes] = {}
        self._pages: dict[int, set[str]] = defaultdict(set)
        self._page: dict[str, int | None] = {}
        self._late: deque[tuple[str, int | None]] = deque()
        self._given = 0

    def get(self, job_id: str) -> Job | None:
        """See the port."""
        return next(iter(self.get_many([job_id])), None)

    def get_many(self, job_ids: Iterable[str]) -> list[Job]:
        """See the port."""
        wanted = sorted(set(job_ids))
        for _ in range(0, len(wanted), 100):
            self._count("BatchGetItem")
        rows = [self._rows[job_id] for job_id in wanted if job_id in self._rows]
        with self._lock:
            self.counts["rows read"] += len(rows)
        return [Job.model_validate_json(row) for row in rows]

    def create(self, job: Job) -> None:
        """See the port; not counted."""
        with self._lock:
            self._write(job)

    def replace(self, job: Job) -> Job:
        """See the port."""
        self._count("PutItem")
        newer = job.model_copy(update={"version": job.version + 1})
        with self._lock:
            if Job.model_validate_json(self._rows[job.job_id]).version != job.version:
                raise Conflict(f"Job {job.job_id} was written by somebody else.")
            self._write(newer)
        return newer

    def on_page(self, page: int) -> Iterator[str]:
        """See the port."""
        self._count("Query")
        with self._lock:
            while len(self._late) > self.lag:
                job_id, number = self._late.popleft()
                before = self._page.get(job_id)
                if before is not None:
                    self._pages[before].remove(job_id)
                if number is not None:
                    self._pages[number].add(job_id)
                self._page[job_id] = number
            return iter(sorted(self._pages[page]))

    def take_places(self, count: int) -> int:
        """See the port."""
        self._count("UpdateItem")
        with self._lock:
            self._given += count
            return self._given - count

    def places(self) -> int:
        """See the port."""
        self._count("GetItem")
        return self._given

    def all(self) -> Iterator[Job]:
        """Every row; not counted."""
        return (Job.model_validate_json(row) for row in list(self._rows.values()))

    def _write(self, job: Job) -> None:
        self._rows[job.job_id] = job.model_dump_json().encode()
        self._late.append((job.job_id, job.index_page if job.is_listed else None))

    def _count(self, call: str) -> None:
        self.wait(ROW_SECONDS)
        with self._lock:
            self.counts[call] += 1


@dataclass
class Asked:
    """ports.PublishQueue: the pages and jobs that somebody asked for."""

    jobs: list[str] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)

    def send(self, job: Job) -> None:
        """See the port."""
        self.jobs.append(job.job_id)

    def send_pages(self, pages: Iterable[int]) -> None:
        """See the port."""
        self.pages.extend(pages)


class Turns:
    """Time for threads that only wait: one of them goes on at a time, the one whose wait ends
    first. So an hour of waiting is over at once, and always in the same order."""

    def __init__(self) -> None:
        self.now = 0.0
        self._waiting: list[tuple[float, int, threading.Event]] = []
        self._number = itertools.count()

    def wait(self, seconds: float) -> None:
        """Let the others go on for so long. Only inside of `run`."""
        turn = self._turn(seconds)
        self._next()
        turn.wait()

    def run(self, works: Iterable[Callable[[], None]]) -> None:
        """Do all of them, each in a thread of its own. Raises what the first of them raised."""

        def begin(work: Callable[[], None], turn: threading.Event) -> None:
            turn.wait()
            try:
                work()
            finally:
                self._next()

        works = list(works)
        with ThreadPoolExecutor(len(works)) as threads:
            done = [threads.submit(begin, work, self._turn(0.0)) for work in works]
            self._next()
        for each in done:
            each.result()

    def _turn(self, seconds: float) -> threading.Event:
        turn = threading.Event()
        heapq.heappush(self._waiting, (self.now + seconds, next(self._number), turn))
        return turn

    def _next(self) -> None:
        if self._waiting:
            self.now, _, turn = heapq.heappop(self._waiting)
            turn.set()
