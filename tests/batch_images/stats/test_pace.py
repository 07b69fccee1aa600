from __future__ import annotations

import pytest

from batch_images.stats.pace import window_edges
from debate_analyzer.transcript import Transcript
from tests.batch_images.stats.documents import heard, measured, speaker, spoken

pytestmark = pytest.mark.usefixtures("figures_alone")


@pytest.mark.parametrize(
    ("duration", "size", "count"),
    [
        (25, 10, 3),
        (1200, 10, 120),
        (1200.001, 30, 41),
        (3600, 30, 120),
        (3600.5, 60, 61),
        (36_000, 300, 120),
        (108_000, 900, 120),
        (108_001, 901, 120),
        (31_000_000, 258_334, 120),
    ],
)
def test_windows_are_as_short_as_a_picture_can_show(
    duration: float, size: float, count: int
) -> None:
    edges = window_edges(duration)

    assert len(edges) == count + 1
    assert edges[1] == size
    assert edges[-1] == duration


def test_nothing_has_no_windows() -> None:
    assert window_edges(0.0).tolist() == [0.0]


def test_words_are_in_the_window_of_their_middle() -> None:
    said = spoken(8, "A", "one two three four", each=1.0)
    got = measured(Transcript(duration=25, transcription=[said], turns=heard("A", (6.9, 14.5))))

    pace = speaker(got, "A").pace
    assert [(each.start, each.end, each.words) for each in pace] == [(0, 10, 2), (10, 20, 2)]
    assert [each.speaking_time for each in pace] == pytest.approx([3.1, 4.5])
    assert [each.words_per_minute for each in pace] == pytest.approx([120 / 3.1, 120 / 4.5])


def test_a_word_in_the_middle_of_two_windows_is_in_the_second() -> None:
    got = measured(Transcript(duration=25, transcription=[spoken(9.9, "A", "so", each=0.2)]))

    assert [(each.start, each.words) for each in speaker(got, "A").pace] == [(0, 0), (10, 1)]


@pytest.mark.parametrize(("seconds", "rate"), [(3.0, 20.0), (2.999, None)])
def test_a_rate_takes_three_seconds_of_speech(seconds: float, rate: float | None) -> None:
    got = measured(
        Transcript(
            duration=9, transcription=[spoken(1, "A", "so")], turns=heard("A", (1.1, 1.1 + seconds))
        )
    )

    assert [each.words_per_minute for each in speaker(got, "A").pace] == [
        rate if rate is None else pytest.approx(rate)
    ]
