"""What the domain asks of the world. `aws` answers with AWS, tests may answer with memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from debate_analyzer.job import Job
from debate_analyzer.pipeline import Stage
from debate_analyzer.unit import Unit


@dataclass(frozen=True)
class StoredObject:
    """An object in the bucket, without its bytes. `etag` is without quotes, `modified` in UTC."""

    key: str
    bytes: int
    etag: str
    content_type: str
    modified: datetime


class JobTable(Protocol):
    """Rows are replaced whole, and only if `version` is still the one that was read."""

    def get(self, job_id: str) -> Job | None: ...

    def get_many(self, job_ids: Iterable[str]) -> list[Job]:
        """The rows that there are, as they are now, in no order."""

    def create(self, job: Job) -> None:
        """Raises Conflict if there is such a row."""

    def replace(self, job: Job) -> Job:
        """Write the row, one version on. Raises Conflict if somebody else wrote first."""

    def delete(self, job_id: str) -> None:
        """Nothing happens where there is no such row."""

    def owned_by(self, owner: str, *, before: str | None, limit: int) -> list[Job]:
        """Newest first, created before the timestamp `before` (exclusive)."""

    def due(self, now: datetime, *, limit: int) -> list[Job]:
        """Jobs whose `check_at` has come, the longest waiting first within a shard."""

    def held_by_worker(self, worker: str) -> list[Job]:
        """Jobs that a worker (by its Batch job id) has claimed."""

    def on_page(self, page: int) -> Iterator[str]:
        """Ids of the jobs that a page of the published index lists, as of a moment ago."""

    def take_places(self, count: int) -> int:
        """So many places in the index that nobody was given before: the first of them."""

    def places(self) -> int:
        """How many were given."""


class ObjectStore(Protocol):
    """The bucket."""

    def head(self, key: str) -> StoredObject | None: ...

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Bytes and etag."""

    def put(self, key: str, data: bytes, content_type: str, *, if_match: str | None = None) -> str:
        """The etag of what was written. With `if_match`: raises Conflict unless the object has that
        etag ("" for no object)."""

    def download(self, key: str, path: Path) -> None: ...

    def upload(self, path: Path, key: str, content_type: str) -> None:
        """A file of any size, whole or not at all."""

    def tag(self, key: str, tags: Mapping[str, str]) -> None:
        """Replaces the object's tags. Nothing happens where there is no such object."""

    def delete(self, prefix: str) -> None:
        """Every object below the prefix."""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every object below the prefix; the content types are left empty."""

    def presigned_get(self, key: str, *, lifetime: timedelta, filename: str | None = None) -> str:
        """A URL that answers Range requests; with `filename`, one that downloads."""

    def presigned_put(
        self, key: str, *, content_type: str, size: int, lifetime: timedelta
    ) -> tuple[str, dict[str, str]]:
        """URL and the headers that must be sent with it. It cannot replace an existing object."""


class Delivery(Protocol):
    """A unit in a worker's hands. Not settled, it comes back when its visibility ends."""

    @property
    def body(self) -> str: ...

    def extend(self, visibility: timedelta) -> None: ...

    def settle(self) -> None:
        """The message is done with."""


class WorkQueue(Protocol):
    """The units that wait for workers of one stage."""

    def send(self, unit: Unit) -> None: ...

    def receive(self, *, wait: timedelta, visibility: timedelta) -> Delivery | None: ...

    def is_empty(self) -> bool:
        """No message waiting and none in hand, as far as SQS can tell (approximate)."""


class PublishQueue(Protocol):
    """Asks for the published index to be brought up to date."""

    def send(self, job: Job) -> None:
        """The job changed."""

    def send_pages(self, pages: Iterable[int]) -> None:
        """The pages are to be made anew."""


FAILURE_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True)
class WorkerCount:
    """Batch jobs of a stage: `coming` are submitted and not yet running, `failed_lately` have
    failed within FAILURE_WINDOW."""

    coming: int
    running: int
    failed_lately: int


class WorkerPool(Protocol):
    """Batch, as the stage sees it."""

    def count(self, stage: Stage) -> WorkerCount: ...

    def start(self, stage: Stage) -> str:
        """Submit one worker; its Batch job id."""
