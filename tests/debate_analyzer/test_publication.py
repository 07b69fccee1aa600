from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.storage import Asked, Files, Rows
from debate_analyzer import aws
from debate_analyzer import job as job_module
from debate_analyzer import publication as publication_module
from debate_analyzer.errors import Conflict
from debate_analyzer.job import Figures, Job, Person, announced, page_of
from debate_analyzer.key import (
    INDEX_KEY,
    SUMMARY_KEY,
    index_chapter_key,
    index_page_key,
    private_statistics_key,
    statistics_key,
)
from debate_analyzer.pipeline import ENDS, Status
from debate_analyzer.ports import JobTable, ObjectStore
from debate_analyzer.publication import TRIES, Publication, PublishRequest
from tests.world import RememberingCdn, World

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def complete(number: int, *, words: int = 100, language: str | None = "en") -> Job:
    created = NOW + timedelta(seconds=number)
    job = announced(
        owner="ana",
        title=f"Debate {number}",
        media=None,
        now=created,
        job_id=f"7c9e6679-7425-40de-944b-{number:012d}",
        published=True,
    )
    return job.model_copy(
        update={
            "status": Status.COMPLETE,
            "figures": Figures(duration=60.1, speaking_time=50.7, words=words, speakers=3),
            "completed_at": created,
            "language": language,
            "check_at": created.timestamp(),
        }
    )


def add(world: World, number: int, **facts: Any) -> Job:
    """A debate that its worker has just finished."""
    job = complete(number, **facts)
    world.table.create(job)
    world.store.put(private_statistics_key(job.job_id), b"{}", "application/json")
    world.store.put(statistics_key(job.job_id), b"{}", "application/json")
    return job


def of(*jobs: Job) -> list[PublishRequest]:
    return [PublishRequest(job_id=job.job_id) for job in jobs]


def read(world: World, key: str) -> Any:
    found = world.store.get(key)
    assert found is not None
    return json.loads(found[0])


def listed(world: World) -> list[str]:
    return [entry["jobId"] for entry in read(world, INDEX_KEY)["jobs"]]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two jobs, chapters of two pages."""
    make_small(monkeypatch)


def make_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "PAGE_JOBS", 2)
    monkeypatch.setattr(publication_module, "CHAPTER_PAGES", 2)
    monkeypatch.setattr(publication_module, "NEWEST", 3)


# --- What is shown --------------------------------------------------------------------------------


@pytest.mark.usefixtures("small")
def test_the_index_names_the_newest_first_and_leads_to_all(world: World) -> None:
    jobs = [add(world, number) for number in range(5)]

    world.publication.publish(of(*reversed(jobs)))

    index = read(world, INDEX_KEY)
    assert index["schemaVersion"] == 2
    assert [job["videoLabel"] for job in index["jobs"]] == ["Debate 4", "Debate 3", "Debate 2"]
    assert [(link["chapter"], link["jobs"]) for link in index["chapters"]] == [(1, 1), (0, 4)]
    chapter = read(world, index["chapters"][1]["key"])
    assert [(link["page"], link["jobs"]) for link in chapter["pages"]] == [(1, 2), (0, 2)]
    page = read(world, chapter["pages"][1]["key"])
    assert [job["jobId"] for job in page["jobs"]] == [jobs[1].job_id, jobs[0].job_id]


@pytest.mark.usefixtures("small")
def test_links_say_which_dates_are_behind_them(world: World) -> None:
    world.publication.publish(of(*(add(world, number) for number in range(4))))

    [chapter] = read(world, INDEX_KEY)["chapters"]
    pages = read(world, chapter["key"])["pages"]
    dates = [(link["firstCreatedAt"][17:19], link["lastCreatedAt"][17:19]) for link in pages]
    assert dates == [("02", "03"), ("00", "01")]
    assert (chapter["firstCreatedAt"][17:19], chapter["lastCreatedAt"][17:19]) == ("00", "03")


@pytest.mark.usefixtures("small")
def test_the_summary_adds_up_what_the_chapters_hold(world: World) -> None:
    for number in range(5):
        language = "es" if number == 4 else None if number == 3 else "en"
        world.publication.publish(of(add(world, number, words=10**number, language=language)))

    summary = read(world, SUMMARY_KEY)
    assert (summary["jobs"], summary["words"], summary["speakers"]) == (5, 11111, 15)
    assert (summary["duration"], summary["speakingTime"]) == (300.5, 253.5)
    assert summary["languages"] == {"en": 3, "es": 1}
    assert summary["months"] == {"2026-11": 5}


def test_months_are_those_in_which_debates_were_created(world: World) -> None:
    day = 24 * 60 * 60
    world.publication.publish(of(*(add(world, number * day) for number in (0, 9, 10, 45))))

    assert read(world, SUMMARY_KEY)["months"] == {"2026-11": 2, "2026-12": 1, "2027-01": 1}


def test_a_debate_names_those_whom_people_gave_a_name(world: World) -> None:
    job = add(world, 1)
    world.publication.publish(of(job))
    assert read(world, INDEX_KEY)["jobs"][0]["people"] == []

    ada = Person(
        name="Ada",
        speaking_time=30.5,
        speaking_share=0.6,
        words=70,
        words_per_minute=137.705,
        overlap_starts=None,
    )
    row = world.table.get(job.job_id)
    assert row is not None
    assert row.figures is not None
    figures = row.figures.model_copy(update={"people": [ada]})
    world.table.replace(row.model_copy(update={"figures": figures}))
    world.publication.publish(of(job))

    assert read(world, INDEX_KEY)["jobs"][0]["people"] == [
        {
            "name": "Ada",
            "speakingTime": 30.5,
            "speakingShare": 0.6,
            "words": 70,
            "wordsPerMinute": 137.705,
            "overlapStarts": None,
        }
    ]


def test_pages_of_an_earlier_version_are_read(world: World) -> None:
    """They say nothing of people and months, until they are written anew."""
    first, second = add(world, 1), add(world, 2)
    world.publication.publish(of(first))
    for key in (index_page_key(0, 0), index_chapter_key(0), INDEX_KEY, SUMMARY_KEY):
        data = json.dumps(without(read(world, key), {"people", "months"})).encode()
        world.store.put(key, data, "application/json")

    world.publication.publish(of(second))

    assert listed(world) == [second.job_id, first.job_id]
    assert read(world, SUMMARY_KEY)["jobs"] == 2


def without(value: Any, names: set[str]) -> Any:
    if isinstance(value, list):
        return [without(each, names) for each in value]
    if isinstance(value, dict):
        return {key: without(each, names) for key, each in value.items() if key not in names}
    return value


def test_publishing_twice_writes_nothing_the_second_time(world: World) -> None:
    job = add(world, 1)
    world.publication.publish(of(job, job))
    before = {found.key: found.etag for found in world.store.list("statistics/")}
    world.clock.advance(minutes=1)

    world.publication.publish(of(job))

    assert {found.key: found.etag for found in world.store.list("statistics/")} == before
    assert world.job(job.job_id).check_at is None
    assert world.table.places() == 1


def test_a_request_for_nothing_that_there_is_does_no_harm(world: World) -> None:
    world.publication.publish([PublishRequest(job_id="gone")])
    assert list(world.store.list("")) == []


def test_a_request_is_of_a_job_or_of_a_page() -> None:
    for request in ('{"job_id": "a", "page": 1}', "{}", '{"page": -1}'):
        with pytest.raises(ValueError, match="page"):
            PublishRequest.model_validate_json(request)


# --- Changes --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small")
def test_a_debate_that_is_counted_again_keeps_its_place(world: World) -> None:
    jobs = [add(world, number) for number in range(3)]
    world.publication.publish(of(*jobs))
    row = world.job(jobs[0].job_id)
    figures = row.figures.model_copy(update={"words": 7})
    world.table.replace(row.model_copy(update={"figures": figures, "check_at": 1.0}))

    world.publication.publish(of(jobs[0]))

    assert world.job(jobs[0].job_id).place == 0
    assert [job["words"] for job in read(world, index_page_key(0, 0))["jobs"]] == [100, 7]
    assert read(world, SUMMARY_KEY)["words"] == 207


def test_what_is_withdrawn_leaves_index_totals_and_published_copy(world: World) -> None:
    kept, hidden, gone = (add(world, number) for number in range(3))
    world.publication.publish(of(kept, hidden, gone))
    world.table.replace(world.job(hidden.job_id).unpublished(world.clock()))
    world.table.replace(world.job(gone.job_id).deleted(world.clock()))

    world.publication.publish(of(hidden, gone))

    assert listed(world) == [kept.job_id]
    assert read(world, SUMMARY_KEY)["jobs"] == 1
    copies = [found.key for found in world.store.list("statistics/by-job/")]
    assert copies == [statistics_key(kept.job_id)]
    assert sorted(world.cdn.forgotten) == sorted(map(statistics_key, (hidden.job_id, gone.job_id)))
    assert world.job(hidden.job_id).check_at is None
    assert world.job(gone.job_id).check_at is not None  # for the sweeper


def test_what_is_published_again_is_where_it_was_with_its_statistics(world: World) -> None:
    first, second = add(world, 1), add(world, 2)
    world.publication.publish(of(first, second))
    world.table.replace(world.job(first.job_id).unpublished(world.clock()))
    world.publication.publish(of(first))
    world.store.put(private_statistics_key(first.job_id), b'{"newer": 1}', "application/json")
    world.table.replace(world.job(first.job_id).republished(world.clock()))

    world.publication.publish(of(first))

    assert listed(world) == [second.job_id, first.job_id]
    assert read(world, statistics_key(first.job_id)) == {"newer": 1}


def test_a_debate_that_was_never_published_is_owed_nothing(world: World) -> None:
    job = add(world, 1)
    world.table.replace(world.job(job.job_id).unpublished(world.clock()))

    world.publication.publish(of(job))

    assert world.job(job.job_id).check_at is None
    assert world.table.places() == 0
    assert world.store.head(INDEX_KEY) is None


def test_a_debate_that_is_at_work_again_stays_its_worker_s(world: World) -> None:
    """Its check_at is the lease's."""
    job = add(world, 1)
    world.publication.publish(of(job))
    at_work = {"status": Status.ANALYZING, "check_at": 5.0}
    world.table.replace(world.job(job.job_id).model_copy(update=at_work))

    world.publication.publish(of(job))

    assert world.job(job.job_id).check_at == 5.0
    assert listed(world) == [job.job_id]


# --- Races ----------------------------------------------------------------------------------------


class _Raced:
    """The store, with a rival who acts at the worst moment, once a file."""

    def __init__(self, store: ObjectStore, rival: Callable[[str], None]):
        self._store, self._rival = store, rival
        self._done: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, key: str, *args: Any, **kwargs: Any) -> None:
        if key not in self._done:
            self._done.add(key)
            self._rival(key)
        self._store.put(key, *args, **kwargs)


def raced(world: World, rival: Callable[[str], None]) -> Publication:
    store = cast("ObjectStore", _Raced(world.store, rival))
    return Publication(
        world.table, store, world.publish_queue, world.cdn, world.clock, world.pauses.append
    )


def test_of_two_writers_at_the_same_moment_neither_is_lost(world: World) -> None:
    mine, theirs = add(world, 1), add(world, 2)

    raced(world, lambda _: world.publication.publish(of(theirs))).publish(of(mine))

    assert set(listed(world)) == {mine.job_id, theirs.job_id}
    assert read(world, SUMMARY_KEY)["jobs"] == 2
    assert world.pauses


def test_a_faster_writer_s_newer_version_of_a_job_is_not_overwritten(world: World) -> None:
    job = add(world, 1)

    def overtake(key: str) -> None:
        if key == index_page_key(0, 0):
            world.table.replace(world.job(job.job_id).model_copy(update={"title": "Newer"}))
            world.publication.publish(of(job))

    raced(world, overtake).publish(of(job))

    assert read(world, INDEX_KEY)["jobs"][0]["videoLabel"] == "Newer"
    assert world.job(job.job_id).check_at is None


def test_a_job_that_changed_while_it_was_published_is_looked_at_again(world: World) -> None:
    job = add(world, 1)

    def rename(key: str) -> None:
        if key == index_page_key(0, 0):
            world.table.replace(world.job(job.job_id).model_copy(update={"title": "Another"}))

    raced(world, rename).publish(of(job))

    assert world.job(job.job_id).check_at is not None


def test_a_job_that_two_see_first_has_the_place_that_it_was_given_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, take = add(world, 1), aws.DynamoJobTable.take_places

    def overtaken(table: aws.DynamoJobTable, count: int) -> int:
        mine = take(table, count)
        monkeypatch.setattr(aws.DynamoJobTable, "take_places", take)
        world.publication.publish(of(job))
        return mine

    monkeypatch.setattr(aws.DynamoJobTable, "take_places", overtaken)
    world.publication.publish(of(job))

    assert world.job(job.job_id).place == 1
    assert listed(world) == [job.job_id]


def test_a_job_that_is_withdrawn_while_it_is_copied_is_not_left_public(world: World) -> None:
    job = add(world, 1)
    world.store.delete(statistics_key(job.job_id))

    def withdraw(key: str) -> None:
        if key == statistics_key(job.job_id):
            world.table.replace(world.job(job.job_id).unpublished(world.clock()))
            world.publication.publish(of(job))

    raced(world, withdraw).publish(of(job))

    assert world.store.head(statistics_key(job.job_id)) is None


def test_who_is_never_fast_enough_gives_up_and_loses_nothing(world: World) -> None:
    world.publication.publish(of(add(world, TRIES + 1)))
    mine = add(world, 0)
    others = iter([add(world, number) for number in range(1, TRIES + 1)])
    store = cast(
        "ObjectStore", _Always(world.store, lambda: world.publication.publish(of(next(others))))
    )
    slow = Publication(
        world.table, store, world.publish_queue, world.cdn, world.clock, world.pauses.append
    )

    with pytest.raises(Conflict, match="rewritten by others"):
        slow.publish(of(mine))

    assert len(world.pauses) == TRIES
    assert max(world.pauses) <= 2
    assert world.job(mine.job_id).check_at is not None
    world.publication.publish(of(mine))
    assert read(world, SUMMARY_KEY)["jobs"] == TRIES + 2


class _Always(_Raced):
    def __init__(self, store: ObjectStore, rival: Callable[[], None]):
        super().__init__(store, lambda _: rival())

    def put(self, key: str, *args: Any, **kwargs: Any) -> None:
        self._done.clear()
        super().put(key, *args, **kwargs)


# --- Loss -----------------------------------------------------------------------------------------


def answer(world: World) -> None:
    """What the function makes of the publish queue, until it is empty."""
    while requests := world.publish_requests():
        world.publication.publish(requests)


def files(world: World) -> dict[str, Any]:
    """What lies under statistics/, without when it was written."""
    keys = [found.key for found in world.store.list("statistics/")]
    return {key: timeless(read(world, key)) for key in keys}


def timeless(node: Any) -> Any:
    if isinstance(node, list):
        return [timeless(each) for each in node]
    if isinstance(node, dict):
        return {key: timeless(value) for key, value in node.items() if key != "updatedAt"}
    return node


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("lost", ["statistics/index", "statistics/index/pages/", SUMMARY_KEY])
def test_a_lost_index_is_rebuilt_from_the_table(world: World, lost: str) -> None:
    jobs = [add(world, number) for number in range(7)]
    world.publication.publish(of(*jobs))
    world.table.replace(world.job(jobs[3].job_id).unpublished(world.clock()))
    world.publication.publish(of(jobs[3]))
    before = files(world)
    world.store.delete(lost)

    assert world.publication.rebuild() == 4
    answer(world)

    assert files(world) == before


@pytest.mark.parametrize(
    "key", [INDEX_KEY, SUMMARY_KEY, index_chapter_key(0), index_page_key(0, 0)]
)
def test_what_somebody_has_meddled_with_is_rebuilt(world: World, key: str) -> None:
    world.publication.publish(of(*(add(world, number) for number in range(3))))
    before = files(world)
    found = world.store.get(key)
    assert found is not None
    world.store.put(key, found[0].replace(b'"words":', b'"words":1'), "application/json")
    assert files(world) != before

    world.publication.rebuild()
    answer(world)

    assert files(world) == before


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "lost",
    [
        INDEX_KEY,
        index_chapter_key(0),
        index_page_key(2, 4),
        "statistics/index/chapters/",
        "statistics/index",
    ],
)
def test_what_is_found_missing_is_made_from_what_is_below_or_asked_for(
    world: World, lost: str
) -> None:
    jobs = [add(world, number) for number in range(9)]
    world.publication.publish(of(*jobs))
    before = files(world)
    world.store.delete(lost)

    for change in (Job.unpublished, Job.republished):
        world.table.replace(change(world.job(jobs[0].job_id), world.clock()))
        world.publication.publish(of(jobs[0]))
        answer(world)

    assert files(world) == before


def test_a_file_that_nobody_can_read_is_made_anew(world: World) -> None:
    jobs = [add(world, number) for number in range(3)]
    world.publication.publish(of(*jobs))
    before = files(world)
    for key in (INDEX_KEY, SUMMARY_KEY, index_chapter_key(0), index_page_key(0, 0)):
        world.store.put(key, b'{"schemaVersion": 1, "jobs": [', "application/json")
    stray = "statistics/index/pages/0/notes.json"
    world.store.put(stray, b"{}", "application/json")

    world.publication.publish(of(jobs[0]))

    assert files(world) == before | {stray: {}}


def test_places_that_nobody_took_do_no_harm(world: World) -> None:
    """A crash between the numbers and the rows."""
    world.table.take_places(1200)
    job = add(world, 1)

    world.publication.publish(of(job))
    world.publication.rebuild()
    answer(world)

    assert world.job(job.job_id).place == 1200
    assert listed(world) == [job.job_id]
    assert [link["page"] for link in read(world, index_chapter_key(0))["pages"]] == [2]


# --- Any order ------------------------------------------------------------------------------------


class Crash(Exception):
    """Power cut."""


@dataclass
class Archive:
    """Debates that come and change, and publishers who are interrupted by each other and by power
    cuts: `interruptions` says what happens right before each call of the store that comes, None for
    nothing."""

    interruptions: Iterator[tuple[str, Any] | None]
    lag: int
    files: Files = field(default_factory=Files)
    asked: Asked = field(default_factory=Asked)
    waiting: list[str] = field(default_factory=list)
    depth: int = 0

    def __post_init__(self) -> None:
        self.rows = Rows(lag=self.lag)
        archive = self

        class Interrupted(Files):
            def get(self, key: str) -> tuple[bytes, str] | None:
                archive.interrupt()
                return super().get(key)

            def put(self, key: str, *args: Any, **kwargs: Any) -> str:
                archive.interrupt()
                return super().put(key, *args, **kwargs)

        self.files = Interrupted()

    def publication(self) -> Publication:
        return Publication(
            cast("JobTable", self.rows),
            cast("ObjectStore", self.files),
            self.asked,
            RememberingCdn(),
            lambda: NOW,
            lambda _: None,
        )

    def interrupt(self) -> None:
        step = next(self.interruptions, None) if self.depth < 2 else None
        if step == ("crash", None):
            raise Crash
        if step is not None:
            self.depth += 1
            self.take(step)
            self.depth -= 1

    def take(self, step: tuple[str, Any]) -> None:
        kind, value = step
        if kind == "publish":
            self.publish([self.waiting[n % len(self.waiting)] for n in value if self.waiting])
        elif kind == "rebuild":
            self.publication().rebuild()
        elif kind == "answer":
            self.answer(value)
        elif kind in ("complete", "count", "withdraw", "show", "delete"):
            self._change(kind, value)

    def _change(self, kind: str, number: int) -> None:
        job_id = complete(number).job_id
        row = self.rows.get(job_id)
        if row is None:
            row = complete(number)
            self.rows.create(row)
            self.files.objects[private_statistics_key(job_id)] = (b"{}", "1")
            self.files.objects[statistics_key(job_id)] = (b"{}", "1")
        elif row.status is Status.DELETED:
            return
        elif kind == "count":
            figures = Figures(duration=1, speaking_time=1, words=row.version, speakers=1)
            self.rows.replace(row.model_copy(update={"figures": figures, "check_at": 1.0}))
        elif kind == "withdraw":
            self.rows.replace(row.unpublished(NOW))
        elif kind == "show":
            self.rows.replace(row.republished(NOW))
        elif kind == "delete":
            self.rows.replace(row.deleted(NOW))
        self.waiting.append(job_id)

    def publish(self, job_ids: list[str]) -> None:
        """As SQS delivers: settled when it went well, delivered again when not."""
        for job_id in set(job_ids):
            self.waiting.remove(job_id)
        try:
            self.publication().publish(PublishRequest(job_id=each) for each in job_ids)
        except (Crash, Conflict):
            self.waiting += set(job_ids)

    def answer(self, count: int) -> None:
        """So many of the pages that somebody asked for."""
        pages, self.asked.pages = self.asked.pages[:count], self.asked.pages[count:]
        try:
            self.publication().publish(PublishRequest(page=page) for page in pages)
        except (Crash, Conflict):
            self.asked.pages += pages

    def finish(self) -> None:
        """Everything that was asked for is done."""
        self.interruptions = iter(())
        while self.waiting or self.asked.pages:
            self.answer(len(self.asked.pages))
            self.publish(list(self.waiting))

    def tree(self) -> dict[str, Any]:
        """The files, without when they were written, and without pages that hold nothing."""
        read = {
            key: timeless(json.loads(data))
            for key, (data, _) in self.files.objects.items()
            if key.startswith("statistics/") and "by-job" not in key
        }
        return {
            key: value for key, value in read.items() if value.get("jobs") or value.get("pages")
        }

    def rebuilt(self) -> dict[str, Any]:
        """The tree that the table alone leads to."""
        other = Archive(iter(()), lag=0)
        other.rows = self.rows
        other.rows.lag = 0
        other.publication().rebuild()
        other.finish()
        return other.tree()


NUMBERS = st.integers(0, 6)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["complete", "count", "withdraw", "show", "delete"]), NUMBERS),
    st.tuples(st.just("publish"), st.lists(st.integers(0, 50), min_size=1, max_size=6)),
    st.tuples(st.just("rebuild"), st.none()),
    st.tuples(st.just("answer"), st.integers(1, 3)),
)


@pytest.fixture(scope="module")
def _small() -> Iterator[None]:
    """And one thing after the other: interruptions come in the order in which they were drawn."""
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch)
        patch.setattr(publication_module, "_each", lambda act, items: [act(item) for item in items])
        yield


@pytest.mark.usefixtures("_small")
@settings(max_examples=500)
@given(
    steps=st.lists(STEPS, max_size=40),
    interruptions=st.lists(st.none() | STEPS | st.just(("crash", None)), max_size=60),
    lag=st.integers(0, 4),
)
def test_any_order_of_anything_leads_to_the_tree_that_the_table_leads_to(
    steps: list[Any], interruptions: list[Any], lag: int
) -> None:
    archive = Archive(iter(interruptions), lag)
    for step in steps:
        archive.take(step)
    archive.finish()

    shown = sorted((row for row in archive.rows.all() if row.is_listed), key=lambda r: r.job_id)
    tree = archive.tree()
    on_pages = {
        entry["jobId"]: (page["page"], entry["words"])
        for key, page in tree.items()
        if "/pages/" in key
        for entry in page["jobs"]
    }
    assert on_pages == {
        row.job_id: (page_of(row.place), row.figures.words)  # type: ignore[arg-type,union-attr]
        for row in shown
    }
    assert tree == archive.rebuilt()
    assert {key for key in archive.files.objects if "by-job" in key} == {
        statistics_key(row.job_id) for row in shown
    }
    ends = ENDS - {Status.DELETED}
    assert [row.job_id for row in archive.rows.all() if row.check_at and row.status in ends] == []
    places = Counter(row.place for row in archive.rows.all() if row.place is not None)
    assert max(places.values(), default=1) == 1


# --- At scale -------------------------------------------------------------------------------------
