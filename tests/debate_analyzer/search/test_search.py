"""The index as a whole: whatever happens in whatever order, it finds what there is to be found."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debate_analyzer.caller import Caller
from debate_analyzer.job import Job
from debate_analyzer.pipeline import Status
from debate_analyzer.search import merger as merger_module
from debate_analyzer.search.manifest import SHARDS_PREFIX, read_manifest
from debate_analyzer.search.piece import Said, parse_new_key
from tests.debate_analyzer.search.archive import ADMIN, ANA, BEN, NOBODY, Archive

WORDS = ("tax", "school", "water", "and", "the", "reform", "vote")
CALLERS = (ANA, BEN, ADMIN, NOBODY)


class Died(Exception):
    """The process ended here."""


@dataclass
class Fate:
    """Lets so many calls of the bucket pass, then ends the process."""

    left: int

    def __call__(self, seconds: float) -> None:
        self.left -= 1
        if self.left < 0:
            raise Died


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
said = st.lists(
    st.builds(Said, st.just(0.0), st.just(1.0), st.sampled_from(("Ada", "Bob")), texts),
    min_size=1,
    max_size=4,
)
add = st.tuples(
    st.just("add"),
    st.integers(0, 7),
    said,
    st.sampled_from(("ana", "ben", "shared")),
    st.booleans(),
)
step = st.one_of(
    *(add, add, add),
    *(st.tuples(st.just("merge")), st.tuples(st.just("merge"))),
    st.tuples(st.just("count without an end"), st.integers(0, 7), said),
    st.tuples(st.just("publish"), st.integers(0, 7), st.booleans()),
    st.tuples(st.just("forget"), st.integers(0, 7)),
    st.tuples(st.just("merge and die"), st.integers(0, 60)),
    st.tuples(st.just("wait"), st.integers(1, 70)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(step, min_size=30, max_size=60), st.randoms(use_true_random=False))
def test_answers_are_those_of_a_scan_whatever_happened(
    steps: list[tuple[object, ...]], chance: random.Random
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merger_module, "FAN", 2)
        patch.setattr(merger_module, "_SMALLEST", 10)
        patch.setattr(merger_module, "_LARGEST", 100)
        archive = Archive()
        jobs: dict[int, Job] = {}
        for what, *facts in steps:
            take(archive, jobs, str(what), *facts)
        found_by_hand(archive, chance)
        archive.merge()
        found_by_hand(archive, chance)
        archive.clock.advance(minutes=70)
        archive.merge()
        nothing_else_is_kept(archive)


def take(archive: Archive, jobs: dict[int, Job], what: str, *facts: object) -> None:
    number = facts[0] if facts else None
    job = jobs.get(number) if isinstance(number, int) else None
    gone = job is not None and job.status is Status.DELETED
    match what, facts:
        case "add", (int(number), list(said), str(owner), bool(published)) if not gone:
            jobs[number] = archive.add(
                number, *said, owner=owner, published=published, days=number % 4
            )
        case "count without an end", (_, list(said)) if job and not gone:
            archive.count(job_of(archive, job), *said)
        case "publish", (int(number), bool(published)) if job and not gone:
            jobs[number] = archive.change_and_mark(job, published=published)
        case "forget", (int(number),) if job and not gone:
            jobs[number] = archive.forget(job)
        case "merge", _:
            archive.merge()
        case "merge and die", (int(calls),):
            archive.bucket.wait = Fate(calls)
            try:
                archive.merge()
            except Died:
                pass
            finally:
                archive.bucket.wait = lambda seconds: None
        case "wait", (int(minutes),):
            archive.clock.advance(minutes=minutes)


def job_of(archive: Archive, job: Job) -> Job:
    row = archive.table.get(job.job_id)
    assert row is not None
    return row


def found_by_hand(archive: Archive, chance: random.Random) -> None:
    pairs = [" ".join(chance.sample(WORDS, 2)) for _ in range(3)]
    for caller in CALLERS:
        for asked in (*WORDS, *pairs):
            limit = chance.randint(1, 5)
            assert all_pages(archive, asked, caller, limit) == archive.by_hand(asked, caller)


def all_pages(archive: Archive, asked: str, caller: Caller, limit: int) -> list[tuple[str, str]]:
    found, cursor = [], None
    while True:
        page = archive.search(f'"{asked}"', caller, limit=limit, cursor=cursor)
        found += [(hit.job.title, hit.speaker or "") for hit in page.hits]
        cursor = page.cursor
        if cursor is None:
            return found


def nothing_else_is_kept(archive: Archive) -> None:
    """Each debate once, as its row has it; nothing of the deleted; no object without a name."""
    manifest, _ = read_manifest(archive.store)
    entries = {entry.name: entry for entry in manifest.shards}
    kept = [piece for entry in entries.values() for piece in archive.pieces(entry)]
    rows = {row.job_id: row for row in archive.rows.all() if row.status is not Status.DELETED}
    counting = [piece for piece in kept if rows[piece.job_id].searchable == piece.version]
    wanted = {(row.job_id, row.owner, row.published) for row in rows.values() if row.searchable}
    assert sorted((each.job_id, each.owner, each.published) for each in counting) == sorted(wanted)
    old = Counter(piece.job_id for piece in kept) - Counter(each.job_id for each in counting)
    assert old.total() <= sum(entry.stale for entry in entries.values())
    assert all(entry.stale * 5 <= entry.debates for entry in entries.values())
    names = {found.key.split("/")[2].split(".")[0] for found in archive.store.list(SHARDS_PREFIX)}
    assert names - {retired.name for retired in manifest.retired} == set(entries)
    for found in archive.store.list("search/new/"):
        key = parse_new_key(found.key)
        assert key is not None
        assert key.version is not None
        assert key.version > (rows[key.job_id].searchable or 0)  # a worker may yet say so
