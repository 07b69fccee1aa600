"""The reconciliation: compares table, bucket, queues and Batch with one another, thoroughly.

The sweeper looks every minute at the rows that say themselves that they are owed something. Here
nothing is taken from the rows alone: a row may be lost, or say that all is well where a file is
gone. What is found is mended by the step that the lost event would have led to, or reported with a
sentence; what was mended is as it should be once the chain has run, so that a second round finds
nothing.

A bucket of millions of debates takes longer than a function may run. So the work is a row of walks,
each in pages; a run ends between two pages when its time is over, and says from where the next one
goes on. The rows are walked over by the day that they were made, from `since` on, and the bucket by
its keys, of which S3 lists a thousand a request, whatever their age.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import groupby, islice
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from debate_analyzer.errors import Conflict
from debate_analyzer.job import Job, page_of, timestamp
from debate_analyzer.key import (
    VIDEOS_FOLDER,
    edits_key,
    index_page_key,
    is_job_id,
    job_prefix,
    parse_key,
    private_statistics_key,
    statistics_key,
)
from debate_analyzer.pipeline import ENDS, STAGES, STATS, TRANSCRIBE, Status, stage_started_by
from debate_analyzer.ports import Ledger, ObjectStore, OpenUpload, StoredObject, Window
from debate_analyzer.publication import CHAPTER_PAGES, Page
from debate_analyzer.search.piece import NEW_PREFIX, parse_new_key
from debate_analyzer.sweeper import Sweeper

USUALLY_SINCE = timedelta(days=2)
MOST_FINDINGS = 1000  # in a report, which a function may return in 6 MB

_AT_ONCE = 100  # rows
_OVERDUE = timedelta(minutes=10)  # the sweeper comes every minute
_LONGEST_WAIT = timedelta(days=1)  # no row waits longer for its next look
_UPLOAD_BEGUN = timedelta(hours=1)  # its row is written within seconds
_MARK_KEPT = timedelta(hours=1)  # the merger comes every minute
_PIECE_KEPT = timedelta(hours=25)  # for a day it waits for the row to say that a piece counts
_MICROSECOND = timedelta(microseconds=1)
_BY_JOB = "statistics/by-job/"
_STOPPED = ("reconciliation", "stopped")


class Kind(StrEnum):
    """What was found."""

    ARRIVAL_LOST = "arrival_lost"
    NO_WORKER = "no_worker"
    WORKER_GONE = "worker_gone"
    UNATTENDED = "unattended"
    NO_STATISTICS = "no_statistics"
    NO_TRANSCRIPT = "no_transcript"
    NOT_PUBLISHED = "not_published"
    NOT_WITHDRAWN = "not_withdrawn"
    NOT_IN_INDEX = "not_in_index"
    OPEN_UPLOAD = "open_upload"
    REMAINS = "remains"
    NOT_MERGED = "not_merged"


class Finding(BaseModel):
    """`sentence` says what was amiss and, where it was `mended`, what is done about it."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    job_id: str | None
    sentence: str
    mended: bool


WalkName = Literal["workers", "uploads", "search", "rows", "objects", "copies", "pages"]


class Position(BaseModel):
    """Where the next run goes on: in a walk, after the page that ended so."""

    model_config = ConfigDict(frozen=True)

    walk: WalkName
    after: str | None = None


class Report(BaseModel):
    """`next` is None when the round is complete."""

    findings: list[Finding] = []
    next: Position | None = None

    @property
    def mended(self) -> int:
        return sum(finding.mended for finding in self.findings)


class Order(BaseModel):
    """What a run is asked for: from `start` on, or, where it `goes_on`, from where the last one
    that did has stopped; for `seconds` at most."""

    model_config = ConfigDict(extra="forbid")

    since: datetime | None = None
    start: Position | None = None
    goes_on: bool = False
    seconds: float = 900


_Item = TypeVar("_Item")
_Pages = Iterator[tuple[str | None, list[Finding]]]
"""Of a walk: after each page its end, and what was found. Short walks have pages without an end,
and are gone through at once."""


@dataclass(frozen=True)
class Reconciliation:
    """`threads` wait for S3 and DynamoDB."""

    sweeper: Sweeper
    ledger: Ledger
    threads: Executor
    now: Callable[[], datetime]

    def follow(self, order: Order, is_over: Callable[[], bool]) -> Report:
        """A run, as it is asked for."""
        since = order.since or self.now() - USUALLY_SINCE
        if not order.goes_on:
            return self.run(since=since, start=order.start, is_over=is_over)
        stopped = self.ledger.get(*_STOPPED)
        start = Position.model_validate(stopped) if stopped else None
        report = self.run(since=since, start=start, is_over=is_over)
        if report.next is not None:
            self.ledger.put(*_STOPPED, report.next.model_dump(exclude_none=True))
        elif stopped:
            self.ledger.delete(*_STOPPED)
        return report

    def run(
        self, *, since: datetime, start: Position | None, is_over: Callable[[], bool]
    ) -> Report:
        """From `start` on until the round is complete, or `is_over` at the end of a page, one page
        at least. What is repeated does no harm, and two runs at once do none."""
        walks: dict[WalkName, Callable[[str | None, datetime], _Pages]] = {
            "workers": self._workers,
            "uploads": self._uploads,
            "search": self._search,
            "rows": self._rows,
            "objects": self._objects,
            "copies": self._copies,
            "pages": self._pages,
        }
        start = start or Position(walk="workers")
        findings: list[Finding] = []
        names = list(walks)
        for name in names[names.index(start.walk) :]:
            after = start.after if name == start.walk else None
            for end, found in walks[name](after, since):
                findings += found
                if end is not None and (is_over() or len(findings) >= MOST_FINDINGS):
                    return Report(findings=findings, next=Position(walk=name, after=end))
        return Report(findings=findings)

    # --- the walks -------------------------------------------------------------------------

    def _workers(self, after: str | None, since: datetime) -> _Pages:
        """Units that wait while no worker runs or is on its way."""
        dispatcher = self.sweeper.dispatcher
        for stage in STAGES.values():
            waiting = dispatcher.queues[stage.name].depth().waiting
            if not waiting or dispatcher.pool.count(stage).alive:
                continue
            called = dispatcher.follow_up(stage) > 0
            told = f"{waiting} units waited for the {stage.name} stage without a worker."
            said = " One was called." if called else " None comes: its workers fail at their start."
            yield None, [_found(Kind.NO_WORKER, None, told + said, called)]

    def _uploads(self, after: str | None, since: datetime) -> _Pages:
        """Uploads in parts that no row waits for: their parts cost as much as objects do."""
        uploads = self._store.open_uploads("jobs/")
        while some := list(islice(uploads, _AT_ONCE)):
            rows = self._by_id(_job_of(upload.key) for upload in some)
            yield None, [f for each in some for f in self._upload(each, rows)]

    def _search(self, after: str | None, since: datetime) -> _Pages:
        """What the index of search was to take in long ago."""
        found = []
        for stored in self._store.list(NEW_PREFIX):
            key = parse_new_key(stored.key)
            if key is None:
                continue
            kept = _MARK_KEPT if key.is_mark else _PIECE_KEPT
            if self.now() - stored.modified > kept:
                told = f"{stored.key} waits to be merged since {timestamp(stored.modified)}: see "
                told += "whether the index function runs."
                found.append(_found(Kind.NOT_MERGED, key.job_id, told, False))
        if found:
            yield None, found

    def _rows(self, after: str | None, since: datetime) -> _Pages:
        """The newest first, with what lies in the bucket of each."""
        # An index's key holds microseconds; of two rows made in one, a border may part them.
        until = datetime.fromisoformat(after) - _MICROSECOND if after else self.now()
        rows = self.sweeper.table.created_within(Window(since, until))
        while some := list(islice(rows, _AT_ONCE)):
            claims = {row.claim.worker for row in some if row.claim}
            over = self.sweeper.dispatcher.pool.over(claims)
            yield (
                timestamp(some[-1].created_at),
                self._each(partial(self._row, over=over), some),
            )

    def _objects(self, after: str | None, since: datetime) -> _Pages:
        """The folders of debates whose rows were not walked over, by their keys."""
        stored = self._store.list("jobs/", after=after)
        folders = ((job_id, list(some)) for job_id, some in groupby(stored, lambda o: _job_of(o)))
        while some := list(islice(folders, _AT_ONCE)):
            rows = self._by_id(job_id for job_id, _ in some)
            rest = [
                (rows.get(job_id), objects)
                for job_id, objects in some
                if job_id not in rows or rows[job_id].created_at < since
            ]
            yield some[-1][1][-1].key, self._each(lambda each: self._folder(*each), rest)

    def _copies(self, after: str | None, since: datetime) -> _Pages:
        """Published statistics of what is private, deleted or unknown."""
        stored = self._store.list(_BY_JOB, after=after)
        while some := list(islice(stored, _AT_ONCE)):
            ids = {_published_job(found): found for found in some}
            rows = self._by_id(ids)
            orphans = [(job_id, ids[job_id]) for job_id in ids if job_id not in rows]
            yield (
                some[-1].key,
                [
                    *self._each(self._copy, rows.values()),
                    *self._each(lambda each: self._orphan(*each), orphans),
                ],
            )

    def _pages(self, after: str | None, since: datetime) -> _Pages:
        """Of the published index, the newest first."""
        places = self.sweeper.table.places()
        last = int(after) - 1 if after else (page_of(places - 1) if places else -1)
        for page in range(last, -1, -1):
            yield str(page), self._page(page)

    # --- what is looked at -----------------------------------------------------------------

    def _upload(self, upload: OpenUpload, rows: dict[str, Job]) -> list[Finding]:
        row = rows.get(_job_of(upload))
        wanted = row is not None and (
            row.is_importing or (row.status is Status.UPLOADING and row.upload_id == upload.id)
        )
        if wanted or self.now() - upload.began < _UPLOAD_BEGUN:
            return []
        self._store.abort_multipart(upload.key, upload.id)
        told = f"An upload of {upload.key} was open that nobody waits for. It was given up."
        return [_found(Kind.OPEN_UPLOAD, _job_of(upload), told, True)]

    def _row(self, row: Job, over: set[str]) -> list[Finding]:
        found = [] if row.status in ENDS else self._under_way(row, over)
        if found or not is_job_id(row.job_id):
            return found  # its part of the chain has to run first; a part has no folder
        return self._folder(row, list(self._store.list(job_prefix(row.job_id))))

    def _under_way(self, row: Job, over: set[str]) -> list[Finding]:
        now = self.now()
        if row.claim is not None and row.claim.worker in over:
            kind = Kind.WORKER_GONE
            told = f"The worker {row.claim.worker} that held it is gone. It was given back."
        elif row.check_at is None or not (
            now - _OVERDUE < datetime.fromtimestamp(row.check_at, now.tzinfo) < now + _LONGEST_WAIT
        ):
            kind = Kind.UNATTENDED
            told = f"It was {row.status} and nobody looked at it. It was looked at."
        else:
            return []
        try:
            # From now on the sweeper looks after it, also if this is where we die.
            self.sweeper.mend(self.sweeper.table.replace(row.checked(now)), now)
        except Conflict:
            return []  # somebody moved it meanwhile
        return [_found(kind, row.job_id, told, True)]

    def _folder(self, row: Job | None, objects: list[StoredObject]) -> list[Finding]:
        """A debate whose row may be lost, and all that there is of it in its folder."""
        if row is not None and row.status is Status.DELETED:
            return self._remains(row, objects)
        arrived = self._arrivals(row, objects)
        settled = row is not None and row.status is Status.COMPLETE and row.check_at is None
        if row is None or arrived or not settled:
            return arrived
        return [*self._results(row, {found.key for found in objects}), *self._copy(row)]

    def _remains(self, row: Job, objects: list[StoredObject]) -> list[Finding]:
        what = self.sweeper.erasure.forget(row.job_id)
        if objects:
            self.sweeper.erasure.erase(row)
            what.append(f"{len(objects)} objects")
        if not what:
            return []
        told = f"It was deleted, and there still were {', '.join(what)}. They are deleted, too."
        return [_found(Kind.REMAINS, row.job_id, told, True)]

    def _arrivals(self, row: Job | None, objects: list[StoredObject]) -> list[Finding]:
        """Of several recordings or transcripts in one folder the newest counts."""
        found = []
        for stored in _newest(row, objects):
            unit = None if _is_known(row, stored) else self._receive(stored.key)
            if unit:
                told = f"{stored.key} had arrived unnoticed. It was put to work."
                found.append(_found(Kind.ARRIVAL_LOST, _job_of(stored), told, True))
        return found

    def _results(self, row: Job, keys: set[str]) -> list[Finding]:
        """Whether there is what a debate that is complete has."""
        counted, heard = row.units.get(STATS.name), row.units.get(TRANSCRIBE.name)
        if counted is None or counted.key not in keys:
            kind, told, source = Kind.NO_TRANSCRIPT, "Its transcript is gone.", heard
        elif private_statistics_key(row.job_id) not in keys:
            kind, told, source = Kind.NO_STATISTICS, "Its statistics are gone.", counted
        else:
            return []
        again = source is not None and source.key in keys
        if source is not None and again:
            again = self._receive(source.key, again=True)
        said = "It is made again." if again else "So is what it was made from: upload it again."
        return [_found(kind, row.job_id, f"{told} {said}", again)]

    def _copy(self, row: Job) -> list[Finding]:
        """Whether the published copy is there if the row says so, and only then."""
        if _is_owed(row):
            return []
        is_there = self._store.head(statistics_key(row.job_id)) is not None
        if is_there == row.is_listed:
            return []
        self.sweeper.publish_queue.send(row)
        if is_there:
            told = "It is not public, and its published statistics were still there. They go."
            return [_found(Kind.NOT_WITHDRAWN, row.job_id, told, True)]
        told = "Its published statistics were missing. They are written again."
        return [_found(Kind.NOT_PUBLISHED, row.job_id, told, True)]

    def _orphan(self, job_id: str, copy: StoredObject) -> list[Finding]:
        """No row has it. Where the debate's folder is there, it gets a row from `_objects`."""
        if is_job_id(job_id) and next(iter(self._store.list(job_prefix(job_id))), None):
            return []
        self._store.delete(copy.key)
        told = f"{copy.key} was of a debate that nobody knows. It was deleted."
        return [_found(Kind.NOT_WITHDRAWN, job_id, told, True)]

    def _page(self, number: int) -> list[Finding]:
        """Whether a page of the index lists what the rows say, of those to whom nothing is owed."""
        shown = self._shown(number)
        rows = self._by_id({*shown, *self.sweeper.table.on_page(number)})
        listed = {row.job_id for row in rows.values() if row.is_listed and row.index_page == number}
        owed = {row.job_id for row in rows.values() if _is_owed(row)}
        missing, surplus = listed - shown - owed, shown - listed - owed
        if missing or surplus:
            self.sweeper.publish_queue.send_pages([number])
        return [
            _found(Kind.NOT_IN_INDEX, job_id, "The index did not list it. It will.", True)
            for job_id in sorted(missing)
        ] + [
            _found(Kind.NOT_WITHDRAWN, job_id, "The index listed it. It will not.", True)
            for job_id in sorted(surplus)
        ]

    # --- helpers ---------------------------------------------------------------------------

    @property
    def _store(self) -> ObjectStore:
        return self.sweeper.store

    def _shown(self, number: int) -> set[str]:
        """Nobody where there is no page, or none that can be read: it is made anew."""
        stored = self._store.get(index_page_key(number // CHAPTER_PAGES, number))
        try:
            page = Page.model_validate_json(stored[0]) if stored else None
        except ValidationError:
            page = None
        return {entry.job_id for entry in page.jobs} if page else set()

    def _receive(self, key: str, *, again: bool = False) -> bool:
        """Whether it was put to work."""
        try:
            return self.sweeper.arrivals.receive(key, self.now(), again=again) is not None
        except Conflict:
            return False  # somebody moved it meanwhile

    def _by_id(self, job_ids: Iterable[str]) -> dict[str, Job]:
        wanted = filter(is_job_id, job_ids)
        return {row.job_id: row for row in self.sweeper.table.get_many(wanted)}

    def _each(
        self, look: Callable[[_Item], list[Finding]], items: Iterable[_Item]
    ) -> list[Finding]:
        return [finding for found in self.threads.map(look, items) for finding in found]


def _found(kind: Kind, job_id: str | None, sentence: str, mended: bool) -> Finding:
    return Finding(kind=kind, job_id=job_id, sentence=sentence, mended=mended)


def _is_owed(row: Job) -> bool:
    """Whether the publish function is about to show the row as it is."""
    return row.check_at is not None and row.status in ENDS - {Status.DELETED}


def _job_of(stored: StoredObject | OpenUpload | str) -> str:
    key = stored if isinstance(stored, str) else stored.key
    return key.split("/")[1]


def _published_job(stored: StoredObject) -> str:
    return stored.key.removeprefix(_BY_JOB).removesuffix(".json")


def _newest(row: Job | None, objects: list[StoredObject]) -> list[StoredObject]:
    """The objects that may have to be put to work: the newest of each folder, and every part. A
    recording before its transcript, which is made anew with it."""
    newest: dict[str, StoredObject] = {}
    for stored in objects:
        key = parse_key(stored.key)
        stage = stage_started_by(key) if key else None
        if key is None or stage is None:
            continue
        slot = key.folder if key.folder in (VIDEOS_FOLDER, *STATS.folders) else stored.key
        known = newest.get(slot)
        if known is None or _age(row, known) < _age(row, stored):
            newest[slot] = stored
    return sorted(newest.values(), key=lambda stored: f"/{VIDEOS_FOLDER}/" not in stored.key)


def _age(row: Job | None, stored: StoredObject) -> tuple[datetime, bool]:
    """S3's clock counts seconds; of two in one the known one counts."""
    return stored.modified, _is_known(row, stored)


def _is_known(row: Job | None, stored: StoredObject) -> bool:
    return row is not None and any(
        (unit.key, unit.etag) == (stored.key, stored.etag)
        or (edits_key(unit.job_id), unit.edits) == (stored.key, stored.etag)
        for unit in row.units.values()
    )
