"""The table, the ledger and the bucket: `tests.faults.memory`'s, with indexes that a hundred
thousand rows want, and calls that take time and fail while a service is down."""

from __future__ import annotations

import heapq
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from botocore.exceptions import EndpointConnectionError

from debate_analyzer.job import CHECK_SHARDS, Job, utc_now
from debate_analyzer.pipeline import ENDS, MEDIA_SUFFIXES
from debate_analyzer.ports import StoredObject
from tests.faults import memory
from tests.faults.simulation.loop import Loop

ROW_SECONDS, GET_SECONDS, PUT_SECONDS = 0.005, 0.030, 0.060
"""A call of DynamoDB and of S3; assumed, as in benchmarks.storage."""

_READING = ("head", "get", "get_range", "head_bytes", "list", "download")
_GIVES_UP = 10.0  # botocore has tried for so long, about


@dataclass
class Outages:
    """When a service is down, in seconds since the beginning."""

    spells: list[tuple[float, float]] = field(default_factory=list)

    def __contains__(self, now: float) -> bool:
        return any(start <= now < end for start, end in self.spells)


@dataclass
class Remote:
    """Something on the other side of a network."""

    _loop: Loop
    _service: Any
    _seconds: Callable[[str], float]
    _down: Outages = field(default_factory=Outages)

    def __getattr__(self, name: str) -> Any:
        called, seconds, loop = getattr(self._service, name), self._seconds(name), self._loop

        def call(*arguments: Any, **named: Any) -> Any:
            if self._down.spells and loop.now in self._down:
                loop.sleep(_GIVES_UP)
                raise EndpointConnectionError(endpoint_url=type(self._service).__name__)
            loop.sleep(seconds)
            return called(*arguments, **named)

        self.__dict__[name] = call
        return call


def row_seconds(name: str) -> float:
    return ROW_SECONDS


def object_seconds(name: str) -> float:
    return GET_SECONDS if name in _READING else PUT_SECONDS


@dataclass
class Table(memory.Table):
    """`on_end` hears of jobs that came to an end: before and after. `latest_retry`: so many seconds
    after it was due, at most, a retry was taken up."""

    now: Callable[[], datetime] = utc_now
    on_end: Callable[[Job, Job], None] = lambda before, after: None
    latest_retry: float = 0.0

    def __post_init__(self) -> None:
        self._checks: dict[str, list[tuple[float, str]]] = {shard: [] for shard in CHECK_SHARDS}
        self._held: dict[str, set[str]] = defaultdict(set)
        self._pages: dict[int, set[str]] = defaultdict(set)

    def _write(self, job: Job) -> Job:
        before = self.rows.get(job.job_id)
        self.rows[job.job_id] = job
        shard, check = job.check_shard, job.check_at
        if (
            shard
            and check
            and (before is None or (before.check_shard, before.check_at) != (shard, check))
        ):
            heapq.heappush(self._checks[shard], (check, job.job_id))
        if before and before.retry_at is not None and job.retry_at is None:
            late = self.now().timestamp() - before.retry_at
            self.latest_retry = max(self.latest_retry, late)
        held = before.claim.worker if before and before.claim else None
        holds = job.claim.worker if job.claim else None
        if held != holds:
            if held:
                self._held[held].discard(job.job_id)
            if holds:
                self._held[holds].add(job.job_id)
        if job.is_listed and job.index_page is not None:
            self._pages[job.index_page].add(job.job_id)
        if before and before.status is not job.status and job.status in ENDS:
            self.on_end(before, job)
        return job

    def due(self, now: datetime, *, limit: int) -> list[Job]:
        most = max(1, limit // len(CHECK_SHARDS))
        return [job for shard in CHECK_SHARDS for job in self._first(shard, now, most)]

    def _first(self, shard: str, now: datetime, most: int) -> list[Job]:
        checks = self._checks[shard]
        found: dict[str, tuple[float, str]] = {}
        while checks and len(found) < most and checks[0][0] <= now.timestamp():
            check = heapq.heappop(checks)
            job = self.rows.get(check[1])
            if job is not None and (job.check_shard, job.check_at) == (shard, check[0]):
                found[job.job_id] = check
        for check in found.values():
            heapq.heappush(checks, check)
        return [self.rows[job_id] for job_id in found]

    def held_by_worker(self, worker: str) -> list[Job]:
        return [self.rows[job_id] for job_id in sorted(self._held[worker])]

    def on_page(self, page: int) -> Iterator[str]:
        return iter(sorted(j for j in self._pages[page] if self.rows[j].is_listed))


@dataclass
class Ledger(memory.Ledger):
    def __post_init__(self) -> None:
        self._names: dict[str, set[str]] = defaultdict(set)

    def put(self, pk: str, sk: str, facts: Mapping[str, Any], **how: Any) -> None:
        super().put(pk, sk, facts, **how)
        self._names[pk].add(sk)

    def list(
        self, pk: str, *, after: str | None = None, limit: int
    ) -> list[tuple[str, dict[str, Any]]]:
        names = sorted(sk for sk in self._names[pk] if after is None or sk > after)
        there = [sk for sk in names if self._is_there((pk, sk))]
        return [(sk, self.facts.get((pk, sk), {})) for sk in there[:limit]]


@dataclass
class Store(memory.Store):
    """The bucket without a log of its writes."""

    def _keep(
        self, key: str, data: bytes, content_type: str, etag: str, fencing_token: int = 0
    ) -> str:
        about = StoredObject(key, len(data), etag, content_type, self.now(), fencing_token)
        self.objects[key] = memory._Stored(data, about)
        self.on_created(about)
        return etag


_MEDIA = (*MEDIA_SUFFIXES, *(suffix.upper() for suffix in MEDIA_SUFFIXES))


def notified(key: str) -> str | None:
    """The stage whose arrivals queue hears of a key, by template.yaml's filters."""
    if not key.startswith("jobs/"):
        return None
    if key.endswith(_MEDIA):
        return "transcribe"
    return "stats" if key.endswith(".json") else None


def notification(stored: StoredObject) -> str:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html"""
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": "debates"},
            "object": {
                "key": quote_plus(stored.key, safe="/"),
                "size": stored.bytes,
                "eTag": stored.etag,
                "sequencer": f"{stored.modified.timestamp():.6f}",
            },
        },
    }
    return json.dumps({"Records": [record]})
