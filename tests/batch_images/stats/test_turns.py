from __future__ import annotations

import pytest

from debate_analyzer.statistics import Statistics
from debate_analyzer.transcript import Transcript, Turn
from tests.batch_images.stats.documents import heard, measured, speaker, spoken

pytestmark = pytest.mark.usefixtures("figures_alone")


def of(*turns: list[Turn]) -> Statistics:
    return measured(
        Transcript(duration=60, transcription=[], turns=[turn for each in turns for turn in each])
    )


def turns(statistics: Statistics) -> list[tuple[str | None, float, float]]:
    return [(turn.speaker, turn.start, turn.end) for turn in statistics.evidence.turns]


def kinds(statistics: Statistics) -> list[tuple[str | None, str, str]]:
    return [(each.speaker, each.over, each.kind) for each in statistics.evidence.overlap_starts]


@pytest.mark.parametrize(("pause", "count"), [(0.2, 1), (2.0, 1), (2.001, 2)])
def test_a_pause_of_two_seconds_ends_a_turn(pause: float, count: int) -> None:
    assert len(turns(of(heard("A", (0, 5), (5 + pause, 9))))) == count


@pytest.mark.parametrize(("length", "count"), [(0.249, 0), (0.25, 1)])
def test_what_is_shorter_than_the_collar_is_no_turn(length: float, count: int) -> None:
    got = of(heard("A", (1, 1 + length)))

    assert len(turns(got)) == count
    assert got.totals.speaking_time == pytest.approx(length)


@pytest.mark.parametrize(("pause", "kind"), [(0.2, "overlap"), (0.201, "backchannel")])
def test_a_pause_of_a_fifth_of_a_second_ends_an_utterance(pause: float, kind: str) -> None:
    """Two words of half a second are one utterance of more than one, or two backchannels."""
    got = of(heard("A", (0, 10)), heard("B", (3, 3.5), (3.5 + pause, 4.2)))

    assert {found for _, _, found in kinds(got)} == {kind}


def test_a_turn_goes_on_across_somebody_elses_backchannel() -> None:
    got = of(heard("A", (0, 5), (6, 9)), heard("B", (2, 2.6)))

    assert turns(got) == [("A", 0, 9)]
    assert kinds(got) == [("B", "A", "backchannel")]


def test_a_turn_is_broken_by_what_another_says_in_its_pause() -> None:
    got = of(heard("A", (0, 5), (6, 9)), heard("B", (5.3, 5.7)))

    assert turns(got) == [("A", 0, 5), ("B", 5.3, 5.7), ("A", 6, 9)]
    assert speaker(got, "B").overlap_starts is None


@pytest.mark.parametrize(("length", "broken"), [(0.2, False), (0.25, True)])
def test_what_is_no_turn_breaks_none(length: float, broken: bool) -> None:
    got = of(heard("A", (0, 5), (6, 9)), heard("B", (5.3, 5.3 + length)))

    assert (len(turns(got)) == 3) is broken


@pytest.mark.parametrize(
    ("start", "end", "kind"),
    [
        (3.0, 4.0, "backchannel"),  # a second at most
        (9.0, 10.0, "backchannel"),  # until the other is done, at most
        (3.0, 4.001, "overlap"),
        (9.2, 10.001, "overlap"),
        (3.0, 3.25, "backchannel"),  # the collar at least
        (3.0, 3.249, None),
        (0.0, 0.5, None),  # who begins together begins over nobody
    ],
)
def test_a_backchannel_is_short_and_over_before_the_other_is(
    start: float, end: float, kind: str | None
) -> None:
    got = of(heard("A", (0, 10)), heard("B", (start, end)))

    assert kinds(got) == ([("B", "A", kind)] if kind else [])


@pytest.mark.parametrize("end", [3.1, 3.249, 4.0])
def test_a_short_word_while_another_goes_on_is_no_turn_however_short(end: float) -> None:
    got = of(heard("A", (0, 10)), heard("B", (3.0, end), (20, 22)))

    assert turns(got) == [("A", 0, 10), ("B", 20, 22)]


@pytest.mark.parametrize(
    ("start", "end", "kind"),
    [
        (9.0, 11.0, "floor_taken"),
        (9.001, 11.0, "overlap"),  # the other was about to stop
        (9.0, 10.999, "overlap"),  # stops soon after, too
        (9.5, 15.0, "overlap"),
        (9.501, 15.0, None),  # two boundaries that are a little off look the same
        (5.0, 9.0, "overlap"),  # gives up
    ],
)
def test_the_floor_is_taken_by_a_second_together_and_one_alone(
    start: float, end: float, kind: str | None
) -> None:
    got = of(heard("A", (0, 10)), heard("B", (start, end)))

    assert kinds(got) == ([("B", "A", kind)] if kind else [])


def test_who_takes_the_floor_may_take_a_breath() -> None:
    """The speech after the other has stopped is not one utterance."""
    got = of(heard("A", (0, 10)), heard("B", (8.5, 10.3), (10.8, 20)))

    assert kinds(got) == [("B", "A", "floor_taken")]


def test_nobody_has_taken_the_floor_from_one_who_goes_on_at_once() -> None:
    got = of(heard("A", (0, 10), (10.5, 20)), heard("B", (8.5, 11.5)))

    assert kinds(got) == [("B", "A", "overlap"), ("A", "B", "floor_taken")]


def test_an_utterance_that_gave_up_takes_no_floor_with_its_next() -> None:
    got = of(heard("A", (0, 10)), heard("B", (2, 4), (5.5, 7.4), (9.2, 12)))

    assert kinds(got)[0] == ("B", "A", "overlap")


def test_over_several_one_begins_over_the_one_who_has_spoken_longest() -> None:
    got = of(heard("A", (0, 10)), heard("B", (4, 12)), heard("C", (6, 9)))

    assert kinds(got) == [("B", "A", "floor_taken"), ("C", "A", "overlap")]
    assert speaker(got, "A").overlap_starts_suffered is not None
    assert speaker(got, "A").overlap_starts_suffered.overlap == 1
    assert speaker(got, "C").overlap_starts is not None
    assert speaker(got, "C").overlap_starts.overlap == 1


def test_where_nobody_is_heard_over_another_nothing_is_said_of_it() -> None:
    got = of(heard("A", (0, 5)), heard("B", (5, 9)))

    assert speaker(got, "A").overlap_starts is None
    assert {each.figure for each in got.unavailable} >= {"overlapStarts", "overlapStartsSuffered"}


def test_segments_that_overlap_are_no_evidence_of_people_speaking_at_once() -> None:
    got = measured(
        Transcript(
            duration=20,
            transcription=[spoken(0, "A", "w " * 20), spoken(4, "B", "w " * 20)],
        )
    )

    assert got.totals.overlap is None
    assert got.evidence.overlap_starts == []


def test_words_are_those_of_the_turn_that_is_nearest() -> None:
    got = measured(
        Transcript(
            duration=60,
            transcription=[
                spoken(0, "A", "one two"),
                spoken(6, "A", "three"),
                spoken(9, "A", "four"),
            ],
            turns=heard("A", (0, 2), (10, 12)),
        )
    )

    assert [turn.words for turn in got.evidence.turns] == [2, 2]


def test_the_longest_the_mean_and_the_median_turn() -> None:
    got = of(heard("A", (0, 2), (10, 11), (20, 26)))

    a = speaker(got, "A")
    assert (a.longest_turn, a.longest_turn_start) == (6, 20)
    assert (a.mean_turn, a.median_turn) == (3, 2)
