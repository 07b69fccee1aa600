from __future__ import annotations

import pytest

from batch_images.stats.wording import distinctive_words, moving_type_token_ratio, normalized
from debate_analyzer.transcript import Transcript
from tests.batch_images.stats.documents import measured, speaker, spoken

pytestmark = pytest.mark.usefixtures("figures_alone")


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("en", "um, we Uh... well er", 3),
        ("en-GB", "Um", 1),
        ("es", "Eh, bueno este ehm", 2),
        ("de", "Ähm also äh", 2),
        ("fr", "euh donc voilà", 1),
        ("en", "like you know", 0),
    ],
)
def test_fillers_are_filled_pauses_of_the_language(language: str, text: str, count: int) -> None:
    got = measured(
        Transcript(duration=30, language=language, transcription=[spoken(0, "A", text, each=3)])
    )

    a = speaker(got, "A")
    assert a.fillers == count
    assert a.fillers_per_minute == pytest.approx(60 * count / a.speaking_time)
    assert [each.speaker for each in got.evidence.fillers] == ["A"] * count


@pytest.mark.parametrize("language", ["ja", None, "xx"])
def test_a_language_without_a_list_has_no_count(language: str | None) -> None:
    got = measured(
        Transcript(duration=9, language=language, transcription=[spoken(0, "A", "um eh")])
    )

    assert speaker(got, "A").fillers is None
    assert speaker(got, "A").fillers_per_minute is None
    assert {each.figure for each in got.unavailable} >= {"fillers", "fillersPerMinute"}


def test_fillers_of_nobody_are_counted_for_nobody() -> None:
    got = measured(
        Transcript(
            duration=9,
            language="en",
            transcription=[spoken(0, None, "um"), spoken(2, "A", "well")],
        )
    )

    assert speaker(got, "A").fillers == 0
    assert got.evidence.fillers == []


def test_words_are_counted_without_case_and_punctuation() -> None:
    assert normalized("“¿Qué?”") == "qué"
    assert normalized("don't,") == "don't"
    got = measured(
        Transcript(duration=9, transcription=[spoken(0, "A", "No, no. NO! never — never.")])
    )

    assert speaker(got, "A").vocabulary.distinct_words == 2


def test_the_moving_ratio_is_the_mean_over_all_windows() -> None:
    """A hundred words of ten kinds, then one that is new: windows with 10 and with 11 of them."""
    words = [str(n % 10) for n in range(100)]

    assert moving_type_token_ratio(words[:99]) is None
    assert moving_type_token_ratio(words) == pytest.approx(0.10)
    assert moving_type_token_ratio([*words, "new"]) == pytest.approx((0.10 + 0.11) / 2)


def test_words_that_one_says_more_than_the_others_are_distinctive() -> None:
    both = ["the", "of", "and", "is"] * 100
    one, other = distinctive_words([both + ["taxes"] * 8 + ["once"], both + ["schools"] * 8])

    assert one == ["taxes"]
    assert other == ["schools"]


@pytest.mark.parametrize(("uses", "found"), [(2, []), (3, ["rare"])])
def test_two_uses_of_a_word_distinguish_nobody(uses: int, found: list[str]) -> None:
    others = ["the", "of"] * 200

    one, _ = distinctive_words([["the"] * 5 + ["rare"] * uses, others])

    assert one == found


def test_alone_nobody_is_distinguished() -> None:
    assert list(distinctive_words([["taxes"] * 9])) == [[]]
    assert list(distinctive_words([["taxes"] * 9, []])) == [[], []]
