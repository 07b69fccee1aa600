from __future__ import annotations

import pytest

from debate_analyzer.search import merger as merger_module
from debate_analyzer.search.manifest import MANIFEST_KEY, SHARDS_PREFIX, read_manifest
from debate_analyzer.search.merger import FAN
from tests.debate_analyzer.search.archive import ADMIN, ANA, Archive


@pytest.fixture
def archive() -> Archive:
    return Archive()


def shards(archive: Archive) -> list[int]:
    """How many debates each has."""
    return [entry.debates for entry in read_manifest(archive.store)[0].shards]


def stored(archive: Archive) -> bytes:
    """Every byte below search/, and what is packed in it."""
    manifest, _ = read_manifest(archive.store)
    texts = [repr(archive.pieces(entry)).encode() for entry in manifest.shards]
    return b"".join([data for data, _ in archive.bucket.objects.values()] + texts)


def test_pieces_become_a_shard_and_go(archive: Archive) -> None:
    for number in range(3):
        archive.add(number, "some words")
    archive.merge()
    assert shards(archive) == [3]
    assert list(archive.store.list("search/new/")) == []
    assert len(archive.titles("words")) == 3


def test_nothing_new_writes_nothing(archive: Archive) -> None:
    archive.add(1, "some words")
    archive.merge()
    before = archive.bucket.counts["PUT"]
    archive.merge()
    assert archive.bucket.counts["PUT"] == before


def test_shards_of_a_size_become_one_of_the_next(archive: Archive) -> None:
    for number in range(FAN):
        archive.add(number, "some words")
        archive.merge()
    assert shards(archive) == [FAN]
    assert len(archive.titles("words")) == FAN


def test_a_piece_whose_worker_has_still_to_say_so_waits_and_then_goes(archive: Archive) -> None:
    job = archive.add(1, "first")
    archive.count(job, "second")
    archive.merge()
    assert len(list(archive.store.list("search/new/"))) == 1
    archive.clock.advance(days=1, minutes=1)
    archive.merge()
    assert list(archive.store.list("search/new/")) == []
    assert archive.titles("first") == ["Debate 1"]


def test_a_deleted_debate_leaves_the_index_for_good(archive: Archive) -> None:
    job = archive.add(1, "unforgettable")
    archive.add(2, "other")
    archive.merge()
    assert b"unforgettable" in stored(archive)

    archive.forget(job)
    archive.merge()
    assert shards(archive) == [1]
    archive.clock.advance(minutes=6)
    archive.merge()
    assert b"unforgettable" not in stored(archive)
    assert {found.key.split(".")[0] for found in archive.store.list(SHARDS_PREFIX)} == {
        f"{SHARDS_PREFIX}{entry.name}" for entry in read_manifest(archive.store)[0].shards
    }


def test_a_worker_that_is_late_brings_nothing_of_a_deleted_debate_back(archive: Archive) -> None:
    job = archive.add(1, "unforgettable")
    archive.forget(job)
    archive.merge()
    archive.count(job, "unforgettable")  # its worker did not know yet
    archive.merge()
    assert shards(archive) == []
    assert list(archive.store.list("search/new/")) == []
    assert archive.titles("unforgettable", ADMIN) == []


def test_a_row_that_is_gone_takes_its_text_along(archive: Archive) -> None:
    job = archive.add(1, "unforgettable")
    archive.merge()
    archive.rows._rows.pop(job.job_id)
    archive.change_and_mark(archive.add(2, "other"), published=True)
    from debate_analyzer.search import mark

    mark(archive.store, job.job_id)
    archive.merge()
    assert sum(shards(archive)) == 1


def test_of_two_mergers_one_is_refused_and_in_an_hour_nothing_is_left_of_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.add(1, "some words")
    put = archive.bucket.put
    others = iter([archive.merger()])

    def interrupted(
        key: str, data: bytes, content_type: str, *, if_match: str | None = None
    ) -> str:
        if key == MANIFEST_KEY and (other := next(others, None)):
            other.run()
        return put(key, data, content_type, if_match=if_match)

    monkeypatch.setattr(archive.bucket, "put", interrupted)
    archive.merge()
    archive.clock.advance(minutes=70)
    archive.merge()
    assert shards(archive) == [1]
    assert len(list(archive.store.list(SHARDS_PREFIX))) == 2
    assert archive.titles("words") == ["Debate 1"]


def test_a_manifest_whose_answer_was_lost_names_shards_that_are_there(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 repeats the conditional write, which is refused then: it has been done."""
    archive.add(1, "some words")
    put = archive.bucket.put

    def repeated(key: str, data: bytes, content_type: str, *, if_match: str | None = None) -> str:
        put(key, data, content_type, if_match=if_match)
        return put(key, data, content_type, if_match=if_match)

    with monkeypatch.context() as lossy:
        lossy.setattr(archive.bucket, "put", repeated)
        archive.merge()
    archive.merge()
    assert shards(archive) == [1]
    assert archive.titles("words") == ["Debate 1"]


def test_whatever_call_a_merger_dies_at_nothing_is_lost_or_doubled() -> None:
    class Died(Exception):
        pass

    for calls in range(200):
        archive = Archive()
        job = archive.add(1, "one")
        archive.merge()
        archive.add(2, "two", days=1)
        archive.settle(archive.count(job, "one again"))
        archive.forget(archive.add(3, "three"))
        left = [calls]

        def wait(seconds: float, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Died

        archive.bucket.wait = wait
        try:
            archive.merge()
            died = False
        except Died:
            died = True
        archive.bucket.wait = lambda seconds: None
        assert archive.titles("one") == ["Debate 1"]
        assert archive.titles("two") == ["Debate 2"]
        archive.merge()
        archive.clock.advance(minutes=70)
        archive.merge()
        kept = [
            (piece.job_id[-1], piece.version)
            for entry in read_manifest(archive.store)[0].shards
            for piece in archive.pieces(entry)
        ]
        assert sorted(kept) == sorted(set(kept))
        assert {job_id for job_id, _ in kept} == {"1", "2"}
        assert len(list(archive.store.list(SHARDS_PREFIX))) == 2 * len(
            read_manifest(archive.store)[0].shards
        )
        if not died:
            return
    pytest.fail("it never came to its end")


def test_a_shard_of_which_much_was_counted_again_is_written_anew(archive: Archive) -> None:
    jobs = [archive.add(number, f"text{number}") for number in range(4)]
    archive.merge()
    archive.settle(archive.count(jobs[0], "corrected"))
    archive.merge()
    assert b"text0" not in b"".join(
        repr(archive.pieces(entry)).encode() for entry in read_manifest(archive.store)[0].shards
    )
    assert archive.titles("corrected", ANA) == ["Debate 0"]


def test_a_full_shard_is_left_alone(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merger_module, "_SMALLEST", 2)
    monkeypatch.setattr(merger_module, "_LARGEST", 8)
    for number in range(40):
        archive.add(number, "two words")
        archive.merge()
    assert max(entry.words for entry in read_manifest(archive.store)[0].shards) <= 8
    assert len(archive.titles("words")) == 40
