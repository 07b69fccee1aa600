from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debate_analyzer.errors import InvalidRequest
from debate_analyzer.pipeline import Status
from debate_analyzer.search.finder import LONG_ENOUGH, Finder, Question, snippet
from debate_analyzer.search.piece import LONGEST_PASSAGE, Said, passages
from debate_analyzer.search.words import spans, tokens, words
from tests.debate_analyzer.search.archive import ADMIN, ANA, BEN, NOBODY, Archive


@pytest.fixture(params=["new", "merged"])
def archive(request: pytest.FixtureRequest) -> Archive:
    archive = Archive()
    archive.add(
        1,
        Said(0.0, 4.0, "Ada Lovelace", "Good evening."),
        Said(4.0, 9.5, "Ada Lovelace", "We want a tax"),
        Said(9.5, 12.0, "Ada Lovelace", "reform, and soon!"),
        Said(12.0, 15.0, "Bob", "No tax without schools."),
    )
    archive.add(2, Said(0.0, 5.0, None, "Schools, schools, schools."), owner="ben")
    archive.add(3, "A private word about tax.", owner="ben", published=False)
    archive.add(4, "A shared word about tax.", owner="shared", published=False)
    if request.param == "merged":
        archive.merge()
        assert not archive.store.list("search/new/")  # type: ignore[truthy-iterable]
    return archive


def test_a_hit_says_where_and_when_and_by_whom(archive: Archive) -> None:
    [hit] = archive.search('"TAX reform"').hits

    assert hit.job.title == "Debate 1"
    assert (hit.start, hit.end, hit.speaker) == (4.0, 12.0, "Ada Lovelace")
    assert [part.text for part in hit.snippet if part.match] == ["tax reform"]
    assert "".join(part.text for part in hit.snippet) == (
        "Good evening. We want a tax reform, and soon!"
    )


def test_all_words_are_in_what_one_speaker_says_in_a_row(archive: Archive) -> None:
    assert archive.titles("soon evening") == ["Debate 1"]
    assert archive.titles("evening schools") == []
    assert archive.titles('"soon no"') == []


def test_the_newest_debates_come_first(archive: Archive) -> None:
    assert archive.titles("schools") == ["Debate 2", "Debate 1"]


def test_a_speaker_is_found_by_any_words_of_the_name(archive: Archive) -> None:
    assert len(archive.search("tax", speaker="lovelace").hits) == 1
    assert len(archive.search("tax", speaker="bob").hits) == 1
    assert not archive.search("tax", speaker="lovelace ada").hits
    with pytest.raises(InvalidRequest, match="speaker: there is no word"):
        archive.search("tax", speaker="*")


@pytest.mark.parametrize(
    ("first", "last", "titles"),
    [
        (None, None, ["Debate 2", "Debate 1"]),
        (date(2026, 11, 3), None, ["Debate 2"]),
        (None, date(2026, 11, 2), ["Debate 1"]),
        (date(2026, 11, 2), date(2026, 11, 2), ["Debate 1"]),
        (date(2026, 11, 4), None, []),
        (date.min, date.max, ["Debate 2", "Debate 1"]),
    ],
)
def test_days_are_inclusive(
    archive: Archive, first: date | None, last: date | None, titles: list[str]
) -> None:
    assert archive.titles("schools", first_day=first, last_day=last) == titles


def test_days_in_the_wrong_order_are_refused(archive: Archive) -> None:
    with pytest.raises(InvalidRequest, match="from must not be after to"):
        archive.search("tax", first_day=date(2026, 2, 2), last_day=date(2026, 2, 1))


def test_everybody_finds_what_is_published_and_what_is_theirs(archive: Archive) -> None:
    assert archive.titles("tax", ANA) == ["Debate 4", "Debate 1", "Debate 1"]
    assert archive.titles("tax", BEN) == ["Debate 4", "Debate 3", "Debate 1", "Debate 1"]
    assert archive.titles("tax", ADMIN) == ["Debate 4", "Debate 3", "Debate 1", "Debate 1"]
    assert archive.titles("tax", NOBODY) == ["Debate 1", "Debate 1"]


def test_without_sign_in_nobody_is_given_the_ids_of_others(archive: Archive) -> None:
    archive.add(5, "An unlisted tax.", owner=NOBODY.owner, published=False)
    assert "Debate 5" not in archive.titles("tax", NOBODY)
    assert "Debate 5" in archive.titles("tax", ADMIN)


def test_nothing_tells_of_a_private_debate(archive: Archive) -> None:
    page = archive.search("private", ANA)
    assert (page.hits, page.cursor) == ([], None)
    first = archive.search("tax", ANA, limit=1)
    private = archive.search("private", BEN).hits[0].job
    assert first.cursor is not None
    assert private.job_id not in archive.search("tax", ANA, limit=1, cursor=first.cursor).cursor  # type: ignore[operator]


def test_what_is_withdrawn_is_not_found_from_that_moment(archive: Archive) -> None:
    job = archive.search("schools", ANA).hits[0].job
    archive.change(job, published=False)
    assert archive.titles("schools", ANA) == ["Debate 1"]
    assert archive.titles("schools", BEN) == ["Debate 2", "Debate 1"]


def test_what_is_published_is_found_from_that_moment(archive: Archive) -> None:
    job = archive.search("private", BEN).hits[0].job
    archive.change_and_mark(job, published=True)
    assert archive.titles("private", ANA) == ["Debate 3"]
    archive.merge()
    assert archive.titles("private", NOBODY) == ["Debate 3"]


def test_what_is_deleted_is_not_found_from_that_moment(archive: Archive) -> None:
    job = archive.search("evening").hits[0].job
    archive.change(job, status=Status.DELETED)
    for caller in (ANA, BEN, ADMIN, NOBODY):
        assert archive.titles("evening", caller) == []


def test_a_debate_that_is_counted_again_has_its_new_text_and_not_its_old(archive: Archive) -> None:
    job = archive.search("evening").hits[0].job
    counted = archive.count(job, "Corrected words.")
    assert archive.titles("corrected") == []  # not before the row says so
    assert archive.titles("evening") == ["Debate 1"]
    archive.settle(counted)
    assert archive.titles("evening") == []
    assert archive.titles("corrected") == ["Debate 1"]


def test_a_piece_that_is_merged_and_still_there_is_found_once(archive: Archive) -> None:
    job = archive.add(6, "Twice is once.")
    [new] = archive.store.list(f"search/new/{job.job_id}/")
    data, modified = archive.bucket.objects[new.key], archive.bucket.modified[new.key]
    archive.merge()
    archive.bucket.objects[new.key], archive.bucket.modified[new.key] = data, modified

    assert archive.titles("twice") == ["Debate 6"]
    archive.merge()
    assert archive.titles("twice") == ["Debate 6"]


def test_every_word_of_every_transcript_finds_it(archive: Archive) -> None:
    for (job_id, _), said in archive.texts.items():
        for each in said:
            for word in words(each.text):
                hits = archive.search(word, ADMIN).hits
                assert any(hit.job.job_id == job_id and hit.speaker == each.speaker for hit in hits)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=5), st.data())
def test_every_phrase_of_any_text_finds_it(said: list[str], data: st.DataObject) -> None:
    archive = Archive()
    archive.add(1, *said)
    for passage in passages(archive.texts[next(iter(archive.texts))]):
        found = words(passage.text)
        if found:
            first = data.draw(st.integers(0, len(found) - 1))
            last = data.draw(st.integers(first + 1, len(found)))
            [*hits] = archive.search(f'"{" ".join(found[first:last])}"').hits
            assert any(
                words("".join(part.text for part in hit.snippet if part.match)) for hit in hits
            )


@pytest.mark.parametrize("cursor", ["x", "eyJ9", "W10", "WzEsMiwzLDRd", "bnVsbA", "é", "=" * 9])
def test_a_cursor_that_is_none_is_refused(archive: Archive, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        archive.search("tax", cursor=cursor)


def test_a_question_that_takes_too_long_goes_on_from_a_day() -> None:
    archive = Archive()
    for number in range(30):
        archive.add(number, "rare" if number in (0, 29) else "common")
    finder = archive.finder()
    ticks = iter(range(10_000))

    def late() -> float:
        return next(ticks) * LONG_ENOUGH.total_seconds()

    slow = Finder(finder.table, finder.library, finder.pool, late)
    titles, cursor, pages = [], None, 0
    while pages < 10:
        page = slow.find(Question("rare", cursor=cursor), ANA, 10)
        titles += [hit.job.title for hit in page.hits]
        cursor, pages = page.cursor, pages + 1
        if cursor is None:
            break
    assert titles == ["Debate 29", "Debate 0"]
    assert pages > 1


def test_a_long_speech_is_cut_and_each_hit_has_the_time_of_its_match() -> None:
    archive = Archive()
    filler = "word " * 60
    said = [Said(n, n + 1, "Ada", f"{filler} number{n} end.") for n in range(30)]
    archive.add(1, *said)
    assert all(len(passage.text) <= LONGEST_PASSAGE for passage in passages(said))
    for n in (0, 7, 29):
        [hit] = archive.search(f"number{n}").hits
        assert (hit.start, hit.end) == (n, n + 1)
        assert len("".join(part.text for part in hit.snippet)) <= 300


@given(st.text(alphabet="ab \n", min_size=1, max_size=900))
def test_a_snippet_is_a_run_of_the_text_and_holds_the_first_match(text: str) -> None:
    found = spans(tokens(text), [("ab",), ("a", "b")])
    if found:
        parts = snippet(text, found)
        joined = "".join(part.text for part in parts)
        assert joined in text
        first = next(part.text for part in parts if part.match)
        assert first == text[found[0][0] : found[0][1]]
        assert all(words(part.text) for part in parts if part.match)


def test_markup_in_what_was_said_stays_text() -> None:
    archive = Archive()
    archive.add(1, "<script>alert(1)</script> & tax")
    [hit] = archive.search("tax").hits
    assert json.dumps([part.text for part in hit.snippet]) == json.dumps(
        ["<script>alert(1)</script> & ", "tax"]
    )


def test_debates_of_one_moment_are_in_the_order_of_their_ids_however_many_shards_have_them() -> (
    None
):
    archive = Archive()
    for number in reversed(range(25)):  # more than are opened at once
        archive.add(number, "words", days=0)
    assert archive.titles("words") == [f"Debate {number}" for number in range(25)]


def test_an_index_that_lost_a_shard_is_a_defect_and_no_answer() -> None:
    archive = Archive()
    archive.add(1, "some words")
    archive.merge()
    [shard] = [key for key in archive.bucket.objects if key.endswith(".words")]
    del archive.bucket.objects[shard]
    with pytest.raises(LookupError, match="in the manifest of the index, and gone"):
        archive.search("words")
