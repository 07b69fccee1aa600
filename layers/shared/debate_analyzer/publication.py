"""The published index: a tree of files under statistics/, projected from the job table.

A job has a place, a number that it is given once and keeps. `PAGE_JOBS` places are a page,
`CHAPTER_PAGES` pages a chapter, and the index names the chapters. So whatever happens to a job
touches one page, one chapter and the index, however many jobs there are, and what happens to many
at once is written together.

Nothing is lost between writers because of an order that each file keeps to: read the file and its
etag, read what is below it, write If-Match. Whoever writes later has read later, so a file never
falls behind what its predecessor saw; and whoever changed a file goes on to the file above. There
it may find that another writer has read the change and written it, and has nothing to do: a link
says when the file was written that it is made from. docs/index.md has the figures.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from debate_analyzer.change import change
from debate_analyzer.errors import Conflict
from debate_analyzer.fence import put_fenced
from debate_analyzer.job import Job, Person, Settled, Timestamp, page_of
from debate_analyzer.key import (
    INDEX_CHAPTERS_PREFIX,
    INDEX_KEY,
    SUMMARY_KEY,
    index_chapter_key,
    index_page_key,
    index_pages_prefix,
    private_statistics_key,
    statistics_key,
)
from debate_analyzer.pipeline import ENDS, Status
from debate_analyzer.ports import Cdn, JobTable, ObjectStore, PublishQueue
from debate_analyzer.search import mark

CHAPTER_PAGES = 500
NEWEST = 200
_NEWEST_PAGES = 4  # where so many were emptied that these hold fewer, the index lists fewer

# "Full jitter": https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter
TRIES = 32
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0

_AT_ONCE = 8  # calls of one kind; boto3 keeps ten connections
_JSON = "application/json"


class _Published(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class ListedPerson(_Published, Person):
    """Somebody with a name in a debate of the index."""


class Entry(_Published):
    """One debate in the index."""

    place: int
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
    people: list[ListedPerson] = []


class Totals(_Published):
    """Sums over debates. `duration` and `speaking_time` in seconds; `months`: how many debates were
    created in each, by `2026-11`."""

    jobs: int = 0
    duration: float = 0.0
    speaking_time: float = 0.0
    words: int = 0
    speakers: int = 0
    languages: dict[str, int] = {}
    months: dict[str, int] = {}


class Link(Totals):
    """A file below, and what it holds. Who looks for a date goes by `first` and `last_created_at`;
    places are given in the order of completion, so that neighbours may overlap."""

    key: str
    updated_at: Timestamp
    first_created_at: Timestamp
    last_created_at: Timestamp


class PageLink(Link):
    """In a chapter. Pages without a debate have none."""

    page: int


class ChapterLink(Link):
    """In the index. Chapters without a debate have none."""

    chapter: int


class File(_Published):
    """What all files have. `updated_at` grows with every version of a file, whatever the clocks of
    its writers say."""

    updated_at: Timestamp


class Page(File):
    """`statistics/index/pages/<chapter>/<page>.json`, newest place first."""

    schema_version: Literal[1] = 1
    page: int
    jobs: list[Entry]


class Chapter(File):
    """`statistics/index/chapters/<chapter>.json`, newest page first."""

    schema_version: Literal[1] = 1
    chapter: int
    pages: list[PageLink]


class Index(File):
    """`statistics/index.json`: the newest debates, and where all are. The newest come first."""

    schema_version: Literal[2] = 2
    jobs: list[Entry]
    chapters: list[ChapterLink]


class Summary(Totals, File):
    """`statistics/summary.json`, with the `updated_at` of the index that it was made from."""

    schema_version: Literal[1] = 1


class PublishRequest(BaseModel):
    """The body of a publish queue message: a job that changed, or a page to be made anew."""

    job_id: str | None = None
    page: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _is_of_one(self) -> Self:
        if (self.job_id is None) is (self.page is None):
            raise ValueError("a request is of a job or of a page")
        return self


_Versions = dict[int, datetime]
"""When files were updated, by their numbers."""
_ANEW = datetime.max.replace(tzinfo=UTC)
"""Newer than every link: whatever was made from such a file is made again."""

AnyFile = TypeVar("AnyFile", bound=File)
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class NoCdn:
    """ports.Cdn of a deployment that has none."""

    def forget(self, key: str) -> None:
        """Nobody has a copy."""


@dataclass(frozen=True)
class Publication:
    """The files under statistics/ that are about more than one debate, and the published copies of
    those about one."""

    table: JobTable
    store: ObjectStore
    queue: PublishQueue
    cdn: Cdn
    now: Callable[[], datetime]
    pause: Callable[[float], None] = time.sleep

    def publish(self, requests: Iterable[PublishRequest]) -> None:
        """Show what the requests are about as it is now. Asked twice, the second changes nothing.

        Raises Conflict if others kept writing first; what was written is right, and the requests
        may be made again.
        """
        requests = list(requests)
        job_ids = {request.job_id for request in requests if request.job_id is not None}
        jobs = self._placed(self.table.get_many(job_ids))
        _each(self._put_statistics, jobs)
        anew = {request.page for request in requests if request.page is not None}
        pages: dict[int, set[str]] = {number: set() for number in anew}
        for job in jobs:
            if job.index_page is not None:
                pages.setdefault(job.index_page, set()).add(job.job_id)
        shown = [job for job in jobs if job.index_page is None]  # nowhere, as it should be
        chapters: dict[int, _Versions] = defaultdict(dict)
        for number, version, rows in _each(
            lambda page: self._write_page(page, pages[page], anew=page in anew), sorted(pages)
        ):
            shown += rows
            chapters[number // CHAPTER_PAGES][number] = version
        if chapters:
            self._write_above(chapters)
        _each(self._settle, shown)

    def rebuild(self) -> int:
        """Have every page made anew, and with it all that is above; how many there are."""
        pages = range(self._pages_given())
        _each(
            self.queue.send_pages,
            (pages[first : first + CHAPTER_PAGES] for first in pages[::CHAPTER_PAGES]),
        )
        return len(pages)

    # --- jobs ------------------------------------------------------------------------------

    def _placed(self, jobs: list[Job]) -> list[Job]:
        """The jobs, those that are to be shown for the first time with a place. Places that nobody
        has, because somebody else was faster or died in between, stay empty."""
        new = {job.job_id: job for job in jobs if job.is_listed and job.place is None}
        if not new:
            return jobs
        in_order = sorted(
            new.values(), key=lambda job: (job.completed_at or job.created_at, job.job_id)
        )
        first = self.table.take_places(len(new))
        placed = _each(self._place, enumerate(in_order, start=first))
        return [*(job for job in jobs if job.job_id not in new), *placed]

    def _place(self, numbered: tuple[int, Job]) -> Job:
        place, job = numbered
        try:
            return self.table.replace(job.placed(place))
        except Conflict:
            return change(self.table, job.job_id, lambda row: row.placed(place))

    def _put_statistics(self, job: Job) -> None:
        """The published copy of a job's statistics is there if the index lists the job, and only
        then. The worker has put it there, unless the job was published later."""
        key = statistics_key(job.job_id)
        while job.is_listed is (self.store.head(key) is None):
            mark(self.store, job.job_id)  # others find it, or no longer
            if job.is_listed:
                there = self.store.head(private_statistics_key(job.job_id))
                private = self.store.get(private_statistics_key(job.job_id))
                if there is None or private is None:
                    return
                with suppress(Settled):  # newer ones are published by now
                    put_fenced(self.store, key, private[0], _JSON, token=there.fencing_token)
            else:
                self.store.delete(key)
                self.cdn.forget(key)
            # Somebody may have published or withdrawn it meanwhile, and looked before we wrote.
            job = self.table.get(job.job_id) or job

    def _settle(self, shown: Job) -> None:
        """Nothing is owed any more to a job that is shown as it is now. To one that is deleted
        there is: see Erasure."""
        if shown.check_at is None or shown.status not in ENDS - {Status.DELETED}:
            return
        try:
            self.table.replace(shown.indexed())
        except Conflict:
            return  # it has changed since, and whoever changed it has asked again

    # --- files -----------------------------------------------------------------------------

    def _write_page(
        self, number: int, asked: set[str], *, anew: bool
    ) -> tuple[int, datetime, list[Job]]:
        """The page's number and version, and the rows that were asked for as it shows them."""
        rows: list[Job] = []

        def make(stored: Page | None) -> Page:
            entries = {entry.job_id: entry for entry in stored.jobs} if stored else {}
            if stored is None or anew:
                # The table's index may be a moment late; what is on the page already is not.
                ids = {*asked, *entries, *self.table.on_page(number)}
            else:
                ids = asked
            rows[:] = self.table.get_many(ids)
            here = [row for row in rows if row.is_listed and row.index_page == number]
            entries = {key: entry for key, entry in entries.items() if key not in ids}
            entries |= {row.job_id: _entry(row) for row in here}
            newest_first = sorted(entries.values(), key=lambda entry: -entry.place)
            return Page(page=number, jobs=newest_first, updated_at=self._after(stored))

        version = self._write(_page_key(number), Page, make)
        shown = [row for row in rows if row.job_id in asked]
        return number, _ANEW if anew else version, shown

    def _write_above(self, chapters: Mapping[int, _Versions]) -> None:
        """What is above pages that were written, by the numbers of chapters and pages."""
        versions: _Versions = {}
        for number, pages in chapters.items():
            version = self._write_chapter(number, pages)
            versions[number] = _ANEW if _ANEW in pages.values() else version
        version = self._write_index(versions)
        self._write_summary(_ANEW if _ANEW in versions.values() else version)

    def _write_chapter(self, number: int, touched: _Versions) -> datetime:
        def make(stored: Chapter | None) -> Chapter:
            links = {link.page: link for link in stored.pages} if stored else {}
            if stored and _covers(links, touched):
                return stored
            pages = set(touched)
            if stored is None:
                pages |= self._numbers(index_pages_prefix(number))
                first = number * CHAPTER_PAGES
                given = range(first, min(first + CHAPTER_PAGES, self._pages_given()))
                self.queue.send_pages(sorted(set(given) - pages))
            for page, link in _each(self._page_link, pages):
                links.pop(page, None)
                if link:
                    links[page] = link
            newest_first = sorted(links.values(), key=lambda link: -link.page)
            return Chapter(chapter=number, pages=newest_first, updated_at=self._after(stored))

        return self._write(index_chapter_key(number), Chapter, make)

    def _page_link(self, number: int) -> tuple[int, PageLink | None]:
        """The link to a page as it is stored; None where there is nothing behind it."""
        page = self._read(_page_key(number), Page)
        return number, _page_link(page) if page and page.jobs else None

    def _write_index(self, touched: _Versions) -> datetime:
        def make(stored: Index | None) -> Index:
            links = {link.chapter: link for link in stored.chapters} if stored else {}
            if stored and _covers(links, touched):
                return stored
            chapters = set(touched)
            if stored is None:
                chapters |= self._numbers(INDEX_CHAPTERS_PREFIX)
                firsts = range(0, self._pages_given(), CHAPTER_PAGES)
                # A missing chapter is made with the first of its pages, and asks for the others.
                self.queue.send_pages(p for p in firsts if p // CHAPTER_PAGES not in chapters)
            for chapter in sorted(chapters):
                links.pop(chapter, None)
                found = self._read(index_chapter_key(chapter), Chapter)
                if found and found.pages:
                    links[chapter] = _chapter_link(found)
            newest_first = sorted(links.values(), key=lambda link: -link.chapter)
            return Index(
                jobs=self._newest(newest_first),
                chapters=newest_first,
                updated_at=self._after(stored),
            )

        return self._write(INDEX_KEY, Index, make)

    def _newest(self, chapters: Iterable[ChapterLink]) -> list[Entry]:
        newest: list[Entry] = []
        for link in islice(self._pages_of(chapters), _NEWEST_PAGES):
            page = self._read(link.key, Page)
            if page is None:
                self.queue.send_pages([link.page])
            else:
                newest += page.jobs
            if len(newest) >= NEWEST:
                break
        return newest[:NEWEST]

    def _pages_of(self, chapters: Iterable[ChapterLink]) -> Iterator[PageLink]:
        for link in chapters:
            chapter = self._read(link.key, Chapter)
            if chapter is None:
                self.queue.send_pages([link.chapter * CHAPTER_PAGES])
            else:
                yield from chapter.pages

    def _write_summary(self, version: datetime) -> None:
        def make(stored: Summary | None) -> Summary:
            if stored and stored.updated_at >= version:
                return stored
            index = self._read(INDEX_KEY, Index)
            if index is None:
                raise Conflict(f"{INDEX_KEY} was deleted while it was summed up.")
            return Summary(updated_at=index.updated_at, **_sums(index.chapters))

        self._write(SUMMARY_KEY, Summary, make)

    def _pages_given(self) -> int:
        places = self.table.places()
        return page_of(places - 1) + 1 if places else 0

    def _numbers(self, prefix: str) -> set[int]:
        """The pages of a chapter, or the chapters, that there are."""
        keys = (found.key.removeprefix(prefix) for found in self.store.list(prefix))
        names = (key.removesuffix(".json") for key in keys)
        return {int(name) for name in names if name.isdecimal()}

    def _after(self, stored: File | None) -> datetime:
        """When the version is written that follows."""
        tick = timedelta(microseconds=1)
        return max(self.now(), stored.updated_at + tick) if stored else self.now()

    def _write(
        self, key: str, kind: type[AnyFile], make: Callable[[AnyFile | None], AnyFile]
    ) -> datetime:
        """Write what `make` makes of the file as it is, unless it is so already; again when
        somebody else was faster. `make` is to read what is below the file: this is after the etag.

        Returns the file's version; _ANEW where there was no file, or none that could be read.
        """
        for attempt in range(TRIES):
            data, etag = self.store.get(key) or (b"", "")
            stored = _parse(kind, data)
            made = make(stored)
            if stored and made.model_copy(update={"updated_at": stored.updated_at}) == stored:
                return stored.updated_at
            try:
                self.store.put(key, _dump(made), _JSON, if_match=etag)
            except Conflict:
                self.pause(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)))
            else:
                return made.updated_at if stored else _ANEW
        raise Conflict(f"{key} was rewritten by others {TRIES} times in a row.")

    def _read(self, key: str, kind: type[AnyFile]) -> AnyFile | None:
        data, _ = self.store.get(key) or (b"", "")
        return _parse(kind, data)


def _each(act: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Some at a time: a call of AWS is nearly all waiting."""
    items = list(items)
    if len(items) < 2:
        return [act(item) for item in items]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(act, items))


def _covers(links: Mapping[int, Link], versions: _Versions) -> bool:
    """Whether the links were made from the files below in these versions, or in newer ones."""
    return all(
        number in links and at <= links[number].updated_at for number, at in versions.items()
    )


def _page_key(page: int) -> str:
    return index_page_key(page // CHAPTER_PAGES, page)


def _entry(job: Job) -> Entry:
    if job.figures is None or job.place is None:
        raise ValueError(f"Job {job.job_id} has no figures to publish, or no place.")
    return Entry(
        place=job.place,
        job_id=job.job_id,
        video_label=job.title,
        created_at=job.created_at,
        updated_at=job.updated_at,
        completed_at=job.completed_at,
        language=job.spoken,
        duration=job.figures.duration,
        speaking_time=job.figures.speaking_time,
        words=job.figures.words,
        speakers_count=job.figures.speakers,
        people=[ListedPerson(**person.model_dump()) for person in job.figures.people],
    )


def _page_link(page: Page) -> PageLink:
    return PageLink(
        page=page.page,
        key=_page_key(page.page),
        updated_at=page.updated_at,
        first_created_at=min(entry.created_at for entry in page.jobs),
        last_created_at=max(entry.created_at for entry in page.jobs),
        **sums_of(page.jobs),
    )


def _chapter_link(chapter: Chapter) -> ChapterLink:
    return ChapterLink(
        chapter=chapter.chapter,
        key=index_chapter_key(chapter.chapter),
        updated_at=chapter.updated_at,
        first_created_at=min(link.first_created_at for link in chapter.pages),
        last_created_at=max(link.last_created_at for link in chapter.pages),
        **_sums(chapter.pages),
    )


def sums_of(entries: Iterable[Entry]) -> dict[str, Any]:
    """The fields of Totals over debates."""
    return _sums(
        Totals(
            jobs=1,
            duration=entry.duration,
            speaking_time=entry.speaking_time,
            words=entry.words,
            speakers=entry.speakers_count,
            languages={entry.language: 1} if entry.language else {},
            months={f"{entry.created_at:%Y-%m}": 1},
        )
        for entry in entries
    )


def _sums(parts: Iterable[Totals]) -> dict[str, Any]:
    """The fields of Totals, to the millisecond: the same whatever the order of the writes was."""
    parts = list(parts)
    return {
        "jobs": sum(part.jobs for part in parts),
        "duration": round(sum(part.duration for part in parts), 3),
        "speaking_time": round(sum(part.speaking_time for part in parts), 3),
        "words": sum(part.words for part in parts),
        "speakers": sum(part.speakers for part in parts),
        "languages": _counts(part.languages for part in parts),
        "months": _counts(part.months for part in parts),
    }


def _counts(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part)
    return dict(sorted(counts.items()))


def _parse(kind: type[AnyFile], data: bytes) -> AnyFile | None:
    """None for no file, and for one that cannot be read: it is made anew from what is below it."""
    try:
        return kind.model_validate_json(data)
    except ValidationError:
        return None


def _dump(model: BaseModel) -> bytes:
    return model.model_dump_json(by_alias=True).encode()
