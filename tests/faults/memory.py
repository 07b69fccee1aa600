"""The ports, answered by memory: a thousand times faster than moto, and checked against it.

`test_memory.py` holds these to what `aws` does of the same calls. Nothing here is safe for threads
that run at the same time: those of `machine` take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import md5
from itertools import count
from pathlib import Path
from typing import Any

from debate_analyzer.delivery import Order
from debate_analyzer.errors import Conflict, LimitReached, NotFound
from debate_analyzer.job import CHECK_SHARDS, FailedAttempt, Job
from debate_analyzer.letter import Letter
from debate_analyzer.notice import Order as NoticeOrder
from debate_analyzer.pipeline import Phase, Stage
from debate_analyzer.ports import Depth, StoredObject, StoredPart, Window, WorkerCount
from debate_analyzer.publication import PublishRequest
from debate_analyzer.unit import Unit

Clock = Callable[[], datetime]


@dataclass
class Table:
    """ports.JobTable. `writes` are the rows before and after, in order, as the stream has them."""

    rows: dict[str, Job] = field(default_factory=dict)
    given: int = 0
    writes: list[tuple[Job | None, Job | None]] = field(default_factory=list)

    def get(self, job_id: str) -> Job | None:
        return self.rows.get(job_id)

    def get_many(self, job_ids: Iterable[str]) -> list[Job]:
        return [self.rows[job_id] for job_id in sorted(set(job_ids)) if job_id in self.rows]

    def create(self, job: Job) -> None:
        if job.job_id in self.rows:
            raise Conflict(f"Job {job.job_id} was written by somebody else.")
        self._write(job)

    def replace(self, job: Job) -> Job:
        stored = self.rows.get(job.job_id)
        if stored is None or stored.version != job.version:
            raise Conflict(f"Job {job.job_id} was written by somebody else.")
        return self._write(job.model_copy(update={"version": job.version + 1}))

    def _write(self, job: Job) -> Job:
        self.writes.append((self.rows.get(job.job_id), job))
        self.rows[job.job_id] = job
        return job

    def delete(self, job_id: str) -> None:
        if gone := self.rows.pop(job_id, None):
            self.writes.append((gone, None))

    def owned_by(self, owner: str, window: Window, *, phase: Phase | None = None) -> Iterator[Job]:
        found = [job for job in self.rows.values() if job.owner == owner and job.phase is not None]
        return _newest(job for job in found if phase in (None, job.phase) and _within(job, window))

    def created_within(self, window: Window) -> Iterator[Job]:
        return _newest(job for job in self.rows.values() if _within(job, window))

    def due(self, now: datetime, *, limit: int) -> list[Job]:
        found = [
            job
            for job in self.rows.values()
            if job.check_at is not None and job.check_at <= now.timestamp()
        ]
        found.sort(key=lambda job: (job.check_shard or "", job.check_at or 0.0))
        most = max(1, limit // len(CHECK_SHARDS))
        shards = [[job for job in found if job.check_shard == name] for name in CHECK_SHARDS]
        return [job for shard in shards for job in shard[:most]]

    def held_by_worker(self, worker: str) -> list[Job]:
        return [job for job in self.rows.values() if job.claim and job.claim.worker == worker]

    def on_page(self, page: int) -> Iterator[str]:
        listed = [job for job in self.rows.values() if job.is_listed]
        return iter([job.job_id for job in listed if job.index_page == page])

    def take_places(self, count: int) -> int:
        self.given += count
        return self.given - count

    def places(self) -> int:
        return self.given


def _newest(jobs: Iterable[Job]) -> Iterator[Job]:
    return iter(sorted(jobs, key=lambda job: job.created_at, reverse=True))


def _within(job: Job, window: Window) -> bool:
    return (window.since is None or window.since <= job.created_at) and (
        window.until is None or job.created_at <= window.until
    )


@dataclass
class Ledger:
    """ports.Ledger."""

    now: Clock
    facts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    expiries: dict[tuple[str, str], int] = field(default_factory=dict)

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        if not self._is_there((pk, sk)):
            return None
        return self.facts.get((pk, sk), {})

    def put(
        self,
        pk: str,
        sk: str,
        facts: Mapping[str, Any],
        *,
        expires_at: float | None = None,
        if_absent: bool = False,
        replacing: Mapping[str, Any] | None = None,
    ) -> None:
        name = pk, sk
        taken = if_absent and self._is_there(name)
        other = not if_absent and replacing is not None and self.facts.get(name) != replacing
        if taken or other:
            raise Conflict(f"{pk} {sk} was written by somebody else.")
        self._forget(name)
        self.facts[name] = dict(facts)
        if expires_at is not None:
            self.expiries[name] = int(expires_at)

    def delete(self, pk: str, sk: str) -> None:
        self._forget((pk, sk))

    def list(
        self, pk: str, *, after: str | None = None, limit: int
    ) -> list[tuple[str, dict[str, Any]]]:
        names = sorted(sk for of, sk in {**self.facts, **self.counts} if of == pk)
        wanted = (sk for sk in names if after is None or sk > after)
        there = [sk for sk in wanted if self._is_there((pk, sk))]
        return [(sk, self.facts.get((pk, sk), {})) for sk in there[:limit]]

    def count(
        self, pk: str, sk: str, amount: int, *, at_most: int | None = None, expires_at: float
    ) -> int:
        counted = self.counts.get((pk, sk), 0)
        if at_most is not None and counted + amount > at_most:
            raise LimitReached(f"There are {at_most} already.")
        self.counts[pk, sk] = counted + amount
        self.expiries[pk, sk] = int(expires_at)
        return counted + amount

    def _is_there(self, name: tuple[str, str]) -> bool:
        known = name in self.facts or name in self.counts
        return known and self.expiries.get(name, float("inf")) > self.now().timestamp()

    def _forget(self, name: tuple[str, str]) -> None:
        for kept in (self.facts, self.counts, self.expiries):
            kept.pop(name, None)


@dataclass(frozen=True)
class _Stored:
    data: bytes
    about: StoredObject
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Upload:
    key: str
    content_type: str
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass
class Store:
    """ports.ObjectStore. `on_created` hears of every object that is there from now on."""

    now: Clock
    on_created: Callable[[StoredObject], None] = lambda stored: None
    objects: dict[str, _Stored] = field(default_factory=dict)
    uploads: dict[str, _Upload] = field(default_factory=dict)
    puts: dict[str, list[str]] = field(default_factory=dict)
    """Etags of all that was ever put at a key."""

    def head(self, key: str) -> StoredObject | None:
        found = self.objects.get(key)
        return found.about if found else None

    def get(self, key: str) -> tuple[bytes, str] | None:
        found = self.objects.get(key)
        return (found.data, found.about.etag) if found else None

    def get_range(self, key: str, start: int, length: int) -> bytes:
        found = self.objects.get(key)
        if found is None:
            raise NotFound(f"{key} is not there.")
        return found.data[start : start + length]

    def head_bytes(self, key: str, count: int) -> bytes | None:
        found = self.objects.get(key)
        return found.data[:count] if found else None

    def put(
        self,
        key: str,
        data: bytes,
        content_type: str,
        *,
        if_match: str | None = None,
        fencing_token: int = 0,
    ) -> str:
        found = self.objects.get(key)
        if if_match is not None and if_match != (found.about.etag if found else ""):
            raise Conflict(f"{key} was written by somebody else.")
        etag = md5(data, usedforsecurity=False).hexdigest()
        return self._keep(key, data, content_type, etag, fencing_token)

    def _keep(
        self, key: str, data: bytes, content_type: str, etag: str, fencing_token: int = 0
    ) -> str:
        about = StoredObject(key, len(data), etag, content_type, self.now(), fencing_token)
        self.objects[key] = _Stored(data, about)
        self.puts.setdefault(key, []).append(etag)
        self.on_created(about)
        return etag

    def download(self, key: str, path: Path) -> None:
        if key not in self.objects:
            raise NotFound(f"{key} is not there.")
        path.write_bytes(self.objects[key].data)

    def upload(self, path: Path, key: str, content_type: str) -> None:
        self.put(key, path.read_bytes(), content_type)

    def copy(self, source: str, target: str, content_type: str) -> None:
        if source not in self.objects:
            raise NotFound(f"{source} is not there.")
        self.put(target, self.objects[source].data, content_type)

    def tag(self, key: str, tags: Mapping[str, str]) -> None:
        if key in self.objects:
            self.objects[key] = replace(self.objects[key], tags=dict(tags))

    def delete(self, prefix: str) -> list[str]:
        keys = [found.key for found in self.list(prefix)]
        for key in keys:
            del self.objects[key]
        return keys

    def list(self, prefix: str) -> Iterator[StoredObject]:
        keys = sorted(key for key in self.objects if key.startswith(prefix))
        return iter([replace(self.objects[key].about, content_type="") for key in keys])

    def presigned_get(self, key: str, *, lifetime: timedelta, filename: str | None = None) -> str:
        return f"https://bucket.example/{key}"

    def presigned_put(
        self,
        key: str,
        *,
        content_type: str,
        size: int,
        lifetime: timedelta,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[str, dict[str, str]]:
        return f"https://bucket.example/{key}", {"Content-Type": content_type, "If-None-Match": "*"}

    def start_multipart(
        self, key: str, content_type: str, *, metadata: Mapping[str, str] | None = None
    ) -> str:
        upload_id = f"upload-{len(self.uploads) + 1}"
        self.uploads[upload_id] = _Upload(key, content_type)
        return upload_id

    def presigned_part(
        self, key: str, upload_id: str, number: int, *, size: int, lifetime: timedelta
    ) -> str:
        return f"https://bucket.example/{key}?partNumber={number}&uploadId={upload_id}"

    def put_part(self, upload_id: str, number: int, data: bytes) -> None:
        """What a browser does with the URL."""
        self.uploads[upload_id].parts[number] = data

    def parts(
        self, key: str, upload_id: str, *, after: int = 0, limit: int | None = None
    ) -> Sequence[StoredPart]:
        numbered = sorted(self._upload(key, upload_id).parts.items())
        found = [StoredPart(n, len(data), _etag(data)) for n, data in numbered if n > after]
        return tuple(found[:limit])

    def complete_multipart(self, key: str, upload_id: str, parts: Iterable[StoredPart]) -> str:
        upload = self._upload(key, upload_id)
        if key in self.objects:
            raise Conflict(f"{key} was written by somebody else.")
        pieces = [upload.parts[part.number] for part in parts]
        digests = b"".join(md5(data, usedforsecurity=False).digest() for data in pieces)
        del self.uploads[upload_id]
        whole = b"".join(pieces)
        return self._keep(key, whole, upload.content_type, f"{_etag(digests)}-{len(pieces)}")

    def abort_multipart(self, key: str, upload_id: str) -> None:
        self.uploads.pop(upload_id, None)

    def _upload(self, key: str, upload_id: str) -> _Upload:
        if upload_id not in self.uploads:
            raise NotFound(f"{key} has no such upload.")
        return self.uploads[upload_id]


def _etag(data: bytes) -> str:
    return md5(data, usedforsecurity=False).hexdigest()


@dataclass(eq=False)
class Message:
    """In a queue. `receipt` is that of its last receive, 0 before the first; `tried` is what a
    letter says of the attempts before it."""

    body: str
    visible_at: datetime
    number: int
    receives: int = 0
    receipt: int = 0
    tried: Sequence[FailedAttempt] = ()


@dataclass
class Queue:
    """An SQS standard queue: a message that is not deleted comes back, at last to `dead`."""

    now: Clock
    max_receives: int = 5
    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    sent: int = 0
    _receipts: Iterator[int] = field(default_factory=lambda: count(1))

    def add(self, body: str, *, delay: timedelta = timedelta(0)) -> None:
        self.sent += 1
        self.messages.append(Message(body, self.now() + delay, self.sent))

    def visible(self) -> list[Message]:
        return [message for message in self.messages if message.visible_at <= self.now()]

    def take(self, message: Message, visibility: timedelta) -> Message | None:
        """None where it has been taken too often, and lies among the dead from now on."""
        if message.receives >= self.max_receives:
            self.messages.remove(message)
            self.dead.append(message)
            return None
        message.receives += 1
        message.receipt = next(self._receipts)
        message.visible_at = self.now() + visibility
        return message

    def delete(self, receipt: int) -> None:
        self.messages = [message for message in self.messages if message.receipt != receipt]

    def hide(self, receipt: int, visibility: timedelta) -> None:
        for message in self.messages:
            if message.receipt == receipt:
                message.visible_at = self.now() + visibility

    def depth(self) -> Depth:
        waiting = len(self.visible())
        return Depth(waiting=waiting, in_hand=len(self.messages) - waiting)

    def bodies(self) -> list[str]:
        """Everything that is in it, taken out."""
        found = [message.body for message in self.messages]
        self.messages.clear()
        return found


@dataclass(frozen=True)
class InHand:
    """ports.Delivery."""

    queue: Queue
    receipt: int
    body: str

    def extend(self, visibility: timedelta) -> None:
        self.queue.hide(self.receipt, visibility)

    def settle(self) -> None:
        self.queue.delete(self.receipt)


@dataclass(frozen=True)
class WorkQueue:
    """ports.WorkQueue, which never waits: `cloud` does."""

    queue: Queue
    pick: Callable[[Sequence[Message]], Message] = lambda messages: messages[0]

    def send(self, unit: Unit) -> None:
        self.queue.add(unit.model_dump_json())

    def receive(self, *, wait: timedelta, visibility: timedelta) -> InHand | None:
        while messages := self.queue.visible():
            if taken := self.queue.take(self.pick(messages), visibility):
                return InHand(self.queue, taken.receipt, taken.body)
        return None

    def depth(self) -> Depth:
        return self.queue.depth()

    def bury(self, body: str, tried: Sequence[FailedAttempt]) -> None:
        self.queue.dead.append(Message(body, self.queue.now(), 0, tried=tried))


@dataclass(frozen=True)
class PublishQueue:
    """ports.PublishQueue."""

    queue: Queue

    def send(self, job: Job) -> None:
        self.queue.add(PublishRequest(job_id=job.job_id).model_dump_json(exclude_none=True))

    def send_pages(self, pages: Iterable[int]) -> None:
        for page in pages:
            self.queue.add(PublishRequest(page=page).model_dump_json(exclude_none=True))


@dataclass(frozen=True)
class DeliveryQueue:
    """ports.DeliveryQueue."""

    queue: Queue

    def send(self, order: Order) -> None:
        self.queue.add(order.model_dump_json())

    def postpone(self, receipt: str, wait: timedelta) -> None:
        self.queue.hide(int(receipt), max(wait, timedelta(0)))


@dataclass(frozen=True)
class MailQueue:
    """ports.MailQueue."""

    queue: Queue

    def send(self, order: NoticeOrder, *, wait: timedelta = timedelta(0)) -> None:
        self.queue.add(order.model_dump_json(), delay=min(wait, timedelta(minutes=15)))


@dataclass(frozen=True)
class MailService:
    """ports.MailService. `letters` are the addresses that were written to, in order."""

    letters: list[str]

    def send(self, address: str, letter: Letter) -> str:
        self.letters.append(address)
        return str(len(self.letters))


@dataclass
class BatchJob:
    """A job of Batch. `stage` is None for an import's."""

    batch_id: str
    stage: Stage | None
    environment: Mapping[str, str]
    status: str = "RUNNABLE"
    attempt: int = 1
    stopped_at: datetime | None = None


@dataclass
class Batch:
    """ports.WorkerPool and ports.ImportPool: what was submitted waits until somebody runs it."""

    now: Clock
    jobs: dict[str, BatchJob] = field(default_factory=dict)

    def count(self, stage: Stage) -> WorkerCount:
        of = [job for job in self.jobs.values() if job.stage is stage]
        lately = self.now() - timedelta(minutes=15)
        return WorkerCount(
            coming=sum(job.status == "RUNNABLE" for job in of),
            running=sum(job.status == "RUNNING" for job in of),
            failed_lately=sum(
                job.status == "FAILED" and job.stopped_at is not None and job.stopped_at > lately
                for job in of
            ),
        )

    def submit(self, stage: Stage | None, environment: Mapping[str, str]) -> str:
        batch_id = f"00000000-0000-4000-8000-{len(self.jobs) + 1:012d}"
        self.jobs[batch_id] = BatchJob(batch_id, stage, environment)
        return batch_id


@dataclass(frozen=True)
class WorkerPool:
    """ports.WorkerPool."""

    batch: Batch

    def count(self, stage: Stage) -> WorkerCount:
        return self.batch.count(stage)

    def start(self, stage: Stage) -> str:
        return self.batch.submit(stage, {})


@dataclass(frozen=True)
class ImportPool:
    """ports.ImportPool."""

    batch: Batch

    def start(self, job_id: str, environment: Mapping[str, str]) -> str:
        return self.batch.submit(None, {"JOB_ID": job_id, **environment})

    def is_alive(self, batch_id: str) -> bool:
        job = self.batch.jobs.get(batch_id)
        return job is not None and job.status in ("RUNNABLE", "RUNNING")

    def waiting_long(self) -> int:
        return 0
