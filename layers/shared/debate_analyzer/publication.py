"""The published index and totals: projections of the job table, rebuilt a page at a time.

A page is one day of creation, so that a job never moves between pages and a rebuilt page costs one
query whatever the archive's size. Every file is written with If-Match: of two rebuilds at the same
moment the slower one starts again from what the faster one wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from debate_analyzer.change import change
from debate_analyzer.errors import Conflict
from debate_analyzer.job import Job, Timestamp
from debate_analyzer.key import INDEX_KEY, SUMMARY_KEY, index_page_key
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, ObjectStore

_NEWEST = 200
_TRIES = 8
_JSON = "application/json"


class _Published(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Entry(_Published):
    """One debate in the index."""

    job_id: str
    video_label: str
    created_at: Timestamp
    updated_at: Timestamp
    completed_at: Timestamp | None
    language: str | None
    duration: float
    speaking_time: float
    words: int
    speakers_count: int


class Totals(_Published):
    """Sums over debates. `duration` and `speaking_time` in seconds."""

    jobs: int = 0
    duration: float = 0.0
    speaking_time: float = 0.0
    words: int = 0
    speakers: int = 0
    languages: dict[str, int] = {}


class Page(_Published):
    """`statistics/index/<day>.json`, newest first."""

    schema_version: int = 1
    day: str
    updated_at: Timestamp
    jobs: list[Entry]


class PageLink(Totals):
    """A page, as the index names it. Here `jobs` counts what is on the page."""

    day: str
    key: str


class Index(_Published):
    """`statistics/index.json`: the newest debates, and where the older ones are."""

    schema_version: int = 1
    updated_at: Timestamp | None = None
    jobs: list[Entry] = []
    pages: list[PageLink] = []


class Summary(Totals):
    """`statistics/summary.json`."""

    schema_version: int = 1
    updated_at: Timestamp


class PublishRequest(BaseModel):
    """The body of a publish queue message: a job that changed, and the page that lists it."""

    job_id: str
    day: str


@dataclass(frozen=True)
class Publication:
    """The files under statistics/ that are about more than one debate."""

    table: JobTable
    store: ObjectStore
    now: Callable[[], datetime]

    def publish(self, requests: Iterable[PublishRequest]) -> None:
        """Rebuild what the requests touch. Asked twice, the second time changes nothing."""
        requests = list(requests)
        shown: dict[str, int] = {}
        for day in sorted({request.day for request in requests}):
            page, versions = self._rebuild_page(day)
            shown |= versions
            self._rebuild_index(page)
        for job_id in {request.job_id for request in requests}:
            # A job that has changed since is published again by whoever changed it.
            if job_id in shown:
                change(
                    self.table,
                    job_id,
                    lambda job: job.indexed() if job.version == shown[job.job_id] else job,
                )

    def _rebuild_page(self, day: str) -> tuple[Page, dict[str, int]]:
        key = index_page_key(day)
        for _ in range(_TRIES):
            etag = _etag(self.store, key)
            # Read after the etag: what a faster rebuild saw, this one sees too.
            jobs = [job for job in self.table.published_on(day) if job.figures is not None]
            jobs.sort(key=lambda job: job.created_at, reverse=True)
            page = Page(day=day, updated_at=self.now(), jobs=[_entry(job) for job in jobs])
            try:
                self.store.put(key, _dump(page), _JSON, if_match=etag)
            except Conflict:
                continue
            versions = {j.job_id: j.version for j in jobs if j.status is Status.COMPLETE}
            return page, versions
        raise Conflict(f"{key} was rewritten by others {_TRIES} times in a row.")

    def _rebuild_index(self, page: Page) -> None:
        for _ in range(_TRIES):
            stored = self.store.get(INDEX_KEY)
            index, etag = (_parse_index(stored[0]), stored[1]) if stored else (Index(), "")
            index = _with_page(index, page, self.now())
            try:
                self.store.put(INDEX_KEY, _dump(index), _JSON, if_match=etag)
            except Conflict:
                continue
            self._write_summary(index)
            return
        raise Conflict(f"{INDEX_KEY} was rewritten by others {_TRIES} times in a row.")

    def _write_summary(self, index: Index) -> None:
        etag = _etag(self.store, SUMMARY_KEY)
        try:
            self.store.put(SUMMARY_KEY, _dump(summarise(index, self.now())), _JSON, if_match=etag)
        except Conflict:
            # Somebody wrote it from an index that is newer than ours.
            stored = self.store.get(INDEX_KEY)
            if stored:
                self._write_summary(_parse_index(stored[0]))


def summarise(index: Index, now: datetime) -> Summary:
    """The totals over all pages."""
    languages: dict[str, int] = {}
    for page in index.pages:
        for code, count in page.languages.items():
            languages[code] = languages.get(code, 0) + count
    return Summary(
        updated_at=now,
        jobs=sum(page.jobs for page in index.pages),
        duration=round(sum(page.duration for page in index.pages), 3),
        speaking_time=round(sum(page.speaking_time for page in index.pages), 3),
        words=sum(page.words for page in index.pages),
        speakers=sum(page.speakers for page in index.pages),
        languages=dict(sorted(languages.items())),
    )


def _with_page(index: Index, page: Page, now: datetime) -> Index:
    others = [link for link in index.pages if link.day != page.day]
    links = [*others, _link(page)] if page.jobs else others
    entries = [e for e in index.jobs if e.created_at.date().isoformat() != page.day]
    newest = sorted([*entries, *page.jobs], key=lambda entry: entry.created_at, reverse=True)
    return Index(
        updated_at=now,
        jobs=newest[:_NEWEST],
        pages=sorted(links, key=lambda link: link.day, reverse=True),
    )


def _link(page: Page) -> PageLink:
    languages: dict[str, int] = {}
    for entry in page.jobs:
        if entry.language:
            languages[entry.language] = languages.get(entry.language, 0) + 1
    return PageLink(
        day=page.day,
        key=index_page_key(page.day),
        jobs=len(page.jobs),
        duration=round(sum(entry.duration for entry in page.jobs), 3),
        speaking_time=round(sum(entry.speaking_time for entry in page.jobs), 3),
        words=sum(entry.words for entry in page.jobs),
        speakers=sum(entry.speakers_count for entry in page.jobs),
        languages=languages,
    )


def _entry(job: Job) -> Entry:
    if job.figures is None:
        raise ValueError(f"Job {job.job_id} has no figures to publish.")
    return Entry(
        job_id=job.job_id,
        video_label=job.title,
        created_at=job.created_at,
        updated_at=job.updated_at,
        completed_at=job.completed_at,
        language=job.language,
        duration=job.figures.duration,
        speaking_time=job.figures.speaking_time,
        words=job.figures.words,
        speakers_count=job.figures.speakers,
    )


def _parse_index(data: bytes) -> Index:
    """An index that cannot be read is rebuilt from the pages that are asked for from now on."""
    try:
        return Index.model_validate_json(data)
    except ValidationError:
        return Index()


def _etag(store: ObjectStore, key: str) -> str:
    found = store.head(key)
    return found.etag if found else ""


def _dump(model: BaseModel) -> bytes:
    return model.model_dump_json(by_alias=True).encode()
