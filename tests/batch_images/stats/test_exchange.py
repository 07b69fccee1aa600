from __future__ import annotations

import pytest

from batch_images.stats.balance import MODERATOR, People
from debate_analyzer.statistics import Statistics
from debate_analyzer.transcript import Transcript, Turn
from tests.batch_images.stats.documents import heard, measured, speaker

pytestmark = pytest.mark.usefixtures("figures_alone")

MODERATED = People(roles={"M": MODERATOR}, sides={"A": "pro", "B": "contra"})


def of(*turns: list[Turn], people: People = MODERATED) -> Statistics:
    return measured(
        Transcript(duration=90, transcription=[], turns=[turn for each in turns for turn in each]),
        people,
    )


def test_who_speaks_after_whom() -> None:
    got = of(heard("A", (0, 5), (12, 15), (20, 25)), heard("B", (6, 11)))

    assert got.turn_taking.speakers == ["A", "B"]
    assert got.turn_taking.counts == [[1, 1], [1, 0]]


def test_who_is_talked_over_throughout_comes_between_nobody() -> None:
    """B tries for two seconds while A goes on; C answers A."""
    got = of(heard("A", (0, 10)), heard("B", (4, 6)), heard("C", (10.5, 15)))

    assert got.turn_taking.counts == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert speaker(got, "B").response_latency is None
    assert speaker(got, "C").response_latency == pytest.approx(0.5)
    assert len(got.evidence.turns) == 3


@pytest.mark.parametrize(("pause", "latency"), [(0.0, 0.0), (10.0, 10.0), (10.001, None)])
def test_what_is_said_ten_seconds_later_answers_nothing(
    pause: float, latency: float | None
) -> None:
    got = of(heard("A", (0, 5)), heard("B", (5 + pause, 30)))

    found = speaker(got, "B").response_latency
    assert found == (latency if latency is None else pytest.approx(latency))


def test_who_begins_before_the_other_is_done_answers_early() -> None:
    got = of(heard("A", (0, 5)), heard("B", (4.25, 9)))

    assert speaker(got, "B").response_latency == pytest.approx(-0.75)


def test_going_on_after_a_pause_is_no_response() -> None:
    got = of(heard("A", (0, 5), (8, 9)))

    assert got.evidence.responses == []


def test_the_latency_of_a_speaker_is_the_median() -> None:
    got = of(heard("A", (0, 5), (10, 15), (20, 25)), heard("B", (5.5, 8), (16, 18), (29, 33)))

    assert [each.latency for each in got.evidence.responses if each.speaker == "B"] == [0.5, 1, 4]
    assert speaker(got, "B").response_latency == 1


def test_a_moderator_gives_the_floor_and_follows_up() -> None:
    got = of(
        heard("M", (0, 5), (20, 22), (31, 33), (60, 65)),
        heard("A", (6, 19), (23, 30)),
        heard("B", (34, 50)),
    )

    (moderation,) = got.moderation
    assert moderation.speaker == "M"
    assert moderation.floor_given == {"A": 2, "B": 1}
    assert moderation.follow_ups == {"A": 1}
    assert [(each.start, each.to, each.follow_up) for each in got.evidence.handovers] == [
        (0, "A", False),
        (20, "A", True),
        (31, "B", False),
    ]


def test_a_silence_after_the_moderator_gives_the_floor_to_nobody() -> None:
    got = of(heard("M", (0, 5)), heard("A", (15.5, 20)))

    assert got.moderation[0].floor_given == {}


def test_whom_a_moderator_begins_over_is_told_by_side() -> None:
    got = of(
        heard("A", (0, 10)),
        heard("M", (5, 7), (22, 25), (35, 35.5), (41, 44)),
        heard("B", (20, 23.5), (33, 37)),
        heard("C", (40, 42)),
    )

    assert got.moderation[0].overlap_starts_by_side == {"C": 1, "contra": 1, "pro": 1}


def test_without_a_role_nobody_moderates() -> None:
    assert of(heard("M", (0, 5)), heard("A", (6, 9)), people=People()).moderation == []
