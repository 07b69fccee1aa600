"""What the domain asks of the world. `aws` answers with AWS, tests may answer with memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from debate_analyzer.job import FailedAttempt, Job
from debate_analyzer.pipeline import Phase, Stage
from debate_analyzer.unit import Unit

if TYPE_CHECKING:
    from pydantic import JsonValue

    from debate_analyzer.delivery import Order
    from debate_analyzer.letter import Letter
    from debate_analyzer.notice import Order as NoticeOrder


@dataclass(frozen=True)
class StoredObject:
    """An object in the bucket, without its bytes. `etag` is without quotes, `modified` in UTC;
    `fencing_token` as in `fence`, 0 of what was written without."""

    key: str
    bytes: int
    etag: str
    content_type: str
    modified: datetime
    fencing_token: int = 0


@dataclass(frozen=True)
class StoredPart:
    """A part of a multipart upload that has arrived. `etag` is without quotes."""

    number: int
    bytes: int
    etag: str


@dataclass(frozen=True)
class OpenUpload:
    """An upload in parts that was neither completed nor given up. `began` in UTC."""

    key: str
    id: str
    began: datetime


@dataclass(frozen=True)
class Window:
    """From `since` to `until`, both included; without an end, as far as there is anything. `likely`
    is how many of what is there are likely to be looked at, and asked for at once."""

    since: datetime | None = None
    until: datetime | None = None
    likely: int = 100


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

    def owned_by(self, owner: str, window: Window, *, phase: Phase | None = None) -> Iterator[Job]:
        """Newest first. What is deleted is not among them."""

    def created_within(self, window: Window) -> Iterator[Job]:
        """Everybody's, newest first, and the parts of recordings among them."""

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


class Ledger(Protocol):
    """Small facts beside the jobs: who is told, who may see, who asked how often.

    A fact is what JSON can hold, under a partition `pk` and a name `sk` in it. One with an
    `expires_at` (epoch seconds) is as good as gone from then on.
    """

    def get(self, pk: str, sk: str) -> dict[str, Any] | None: ...

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
        """With `if_absent`: raises Conflict where there is one. With `replacing`: where it is not
        this one."""

    def delete(self, pk: str, sk: str) -> None:
        """Nothing happens where there is none."""

    def list(
        self, pk: str, *, after: str | None = None, limit: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """Of a partition, by name, those after `after`."""

    def count(
        self, pk: str, sk: str, amount: int, *, at_most: int | None = None, expires_at: float
    ) -> int:
        """Add to a count; the new one. Raises LimitReached, and adds nothing, beyond `at_most`."""


class ObjectStore(Protocol):
    """The bucket."""

    def head(self, key: str) -> StoredObject | None: ...

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Bytes and etag."""

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """So many bytes from `start`, fewer where the object ends before. Raises NotFound."""

    def head_bytes(self, key: str, count: int) -> bytes | None:
        """The first bytes, or all of fewer. None where there is no such object."""

    def put(
        self,
        key: str,
        data: bytes,
        content_type: str,
        *,
        if_match: str | None = None,
        fencing_token: int = 0,
    ) -> str:
        """The etag of what was written. With `if_match`: raises Conflict unless the object has that
        etag ("" for no object)."""

    def download(self, key: str, path: Path) -> None:
        """Raises NotFound."""

    def upload(self, path: Path, key: str, content_type: str) -> None:
        """A file of any size, whole or not at all."""

    def copy(self, source: str, target: str, content_type: str) -> None:
        """Within the bucket, of any size, whole or not at all."""

    def tag(self, key: str, tags: Mapping[str, str]) -> None:
        """Replaces the object's tags. Nothing happens where there is no such object."""

    def delete(self, prefix: str) -> list[str]:
        """Every object below the prefix; their keys."""

    def list(self, prefix: str, *, after: str | None = None) -> Iterator[StoredObject]:
        """Every object below the prefix, by key, those after `after`; the content types are left
        empty."""

    def presigned_get(self, key: str, *, lifetime: timedelta, filename: str | None = None) -> str:
        """A URL that answers Range requests; with `filename`, one that downloads."""

    def presigned_put(
        self,
        key: str,
        *,
        content_type: str,
        size: int,
        lifetime: timedelta,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[str, dict[str, str]]:
        """URL and the headers that must be sent with it. It cannot replace an existing object.
        `metadata`, in ASCII, stays with the object."""

    def start_multipart(
        self, key: str, content_type: str, *, metadata: Mapping[str, str] | None = None
    ) -> str:
        """The id of an upload that takes its object in parts, in any order, each as often as one
        likes. Nothing is at the key before it is completed."""

    def presigned_part(
        self, key: str, upload_id: str, number: int, *, size: int, lifetime: timedelta
    ) -> str:
        """A URL that takes exactly `size` bytes by PUT, with no header but their number. Parts are
        numbered from 1."""

    def parts(
        self, key: str, upload_id: str, *, after: int = 0, limit: int | None = None
    ) -> Sequence[StoredPart]:
        """Those that have arrived, by number, from the one after `after` on. Raises NotFound where
        there is no such upload (any more)."""

    def complete_multipart(self, key: str, upload_id: str, parts: Iterable[StoredPart]) -> str:
        """The etag of the object that the parts have become. It cannot replace an existing object:
        raises Conflict. Raises NotFound where there is no such upload (any more)."""

    def abort_multipart(self, key: str, upload_id: str) -> None:
        """The parts are gone. Nothing happens where there is no such upload."""

    def open_uploads(self, prefix: str) -> Iterator[OpenUpload]:
        """In parts, of objects below the prefix."""


class Delivery(Protocol):
    """A unit in a worker's hands. Not settled, it comes back when its visibility ends."""

    @property
    def body(self) -> str: ...

    def extend(self, visibility: timedelta) -> None: ...

    def settle(self) -> None:
        """The message is done with."""


@dataclass(frozen=True)
class Depth:
    """Messages of a queue: `waiting` for a worker, and `in_hand`."""

    waiting: int
    in_hand: int

    @property
    def is_empty(self) -> bool:
        return self.waiting == self.in_hand == 0


class WorkQueue(Protocol):
    """The units that wait for workers of one stage."""

    def send(self, unit: Unit) -> None: ...

    def receive(self, *, wait: timedelta, visibility: timedelta) -> Delivery | None: ...

    def bury(self, body: str, tried: Sequence[FailedAttempt]) -> None:
        """Put what nobody tries again among the dead letters, with how it was tried."""

    def depth(self) -> Depth:
        """As far as SQS can tell (approximate)."""


class LetterQueue(Protocol):
    """Where letters are put of what has no queue of its own to be given up by."""

    def bury(self, body: str, tried: Sequence[FailedAttempt]) -> None:
        """As of WorkQueue."""


@dataclass(frozen=True)
class DeadMessage:
    """A message as it lies among the dead letters. `attributes` are its text attributes, by name;
    `group` is the message group that it was sent in."""

    letter_id: str
    body: str
    sent_at: datetime
    attributes: Mapping[str, str]
    group: str | None = None


class OpenLetterBox(Protocol):
    """The letters, each once, in no order; nobody else is shown them meanwhile."""

    def next(self) -> DeadMessage | None: ...

    def remove(self, letter: DeadMessage) -> None: ...


class LetterBox(Protocol):
    """A queue's dead letters."""

    def count(self) -> int:
        """As far as SQS can tell."""

    def open(self) -> AbstractContextManager[OpenLetterBox]:
        """Afterwards everybody is shown again what was not removed."""

    def send_back(self, letter: DeadMessage) -> None:
        """Put the message on the queue that it came from. Raises NotReplayable without one."""


class Functions(Protocol):
    """Lambda."""

    def call(self, arn: str, event: JsonValue) -> None:
        """Have the function take the event, and do not wait for it."""


class PublishQueue(Protocol):
    """Asks for the published index to be brought up to date."""

    def send(self, job: Job) -> None:
        """The job changed."""

    def send_pages(self, pages: Iterable[int]) -> None:
        """The pages are to be made anew."""


class DeliveryQueue(Protocol):
    """What webhooks are to be told. An order that is not settled comes back by itself."""

    def send(self, order: Order) -> None: ...

    def postpone(self, receipt: str, wait: timedelta) -> None:
        """Have the order come back after `wait`, twelve hours at most."""


class MailQueue(Protocol):
    """Whom to write to. An order that is not settled comes back by itself."""

    def send(self, order: NoticeOrder, *, wait: timedelta = timedelta(0)) -> None:
        """To come after `wait`, fifteen minutes at most."""


class MailService(Protocol):
    """Takes letters and brings them where they belong."""

    def send(self, address: str, letter: Letter) -> str:
        """Its id of the message that it took. Raises MailNotTaken, MailRejected, MailLost."""


class Cdn(Protocol):
    """What stands before the published statistics and keeps copies of them."""

    def forget(self, key: str) -> None:
        """No copy of the object is served from now on (within seconds)."""


FAILURE_WINDOW = timedelta(minutes=15)
WAITING_LONG = timedelta(minutes=10)  # a machine comes in three to five


@dataclass(frozen=True)
class WorkerCount:
    """Workers of a stage: `coming` are submitted and not yet running, `failed_lately` have failed
    within FAILURE_WINDOW. `waiting_long` have found no machine for WAITING_LONG: of all jobs in the
    stage's queue of Batch, by whomever they were submitted."""

    coming: int
    running: int
    failed_lately: int
    waiting_long: int = 0

    @property
    def alive(self) -> int:
        return self.coming + self.running


class EventBus(Protocol):
    """Tells whoever listens, at least once, and waits for nobody."""

    def send(self, kind: str, detail: Mapping[str, Any]) -> None:
        """`detail` is what JSON can hold. Raises ConnectionError where the event was not taken."""


class WorkerPool(Protocol):
    """Batch, as the stage sees it."""

    def count(self, stage: Stage) -> WorkerCount: ...

    def start(self, stage: Stage) -> str:
        """Submit one worker; its Batch job id."""

    def over(self, workers: Iterable[str]) -> set[str]:
        """Those, by their Batch job ids, that Batch says have ended. What it does not know, such as
        a worker that runs by hand, is not among them."""


class ImportPool(Protocol):
    """Batch, as it brings recordings that nobody uploads."""

    def start(self, job_id: str, environment: Mapping[str, str]) -> str:
        """Submit what brings a job's recording; its Batch job id. It is told `environment`, and
        JOB_ID."""

    def is_alive(self, batch_id: str) -> bool:
        """Whether it waits or runs, as far as Batch knows; a job that Batch forgot does neither."""

    def waiting_long(self) -> int:
        """How many have found no machine for WAITING_LONG."""
