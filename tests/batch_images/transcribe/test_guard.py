from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_images.transcribe.guard import Stretch, guard
from batch_images.transcribe.spoken import SpokenWord
from debate_analyzer.transcript import Warning


def _words(
    text: str, start: float = 0.0, *, each: float = 0.3, probability: float = 0.9
) -> list[SpokenWord]:
    return [
        SpokenWord(start + n * each, start + (n + 1) * each, f" {word}", probability)
        for n, word in enumerate(text.split())
    ]


def _stretch(
    text: str,
    start: float = 0.0,
    *,
    speech: float = 5.0,
    log_probability: float = -0.3,
    silence: float = 0.05,
    probability: float = 0.9,
    each: float = 0.3,
) -> Stretch:
    words = _words(text, start, each=each, probability=probability)
    return Stretch(words, speech, log_probability, silence)


def _text(stretches: list[Stretch]) -> str:
    return "".join(word.text for word in guard(stretches)[0]).strip()


@pytest.mark.parametrize(
    ("stretch", "kept"),
    [
        (_stretch("good evening"), True),
        # silence by the model's own account, as in openai/whisper
        (_stretch("so it is", silence=0.9, log_probability=-1.2), False),
        (_stretch("so it is", silence=0.9, log_probability=-0.4), True),  # sure of its words
        (_stretch("so it is", silence=0.2, log_probability=-1.5), True),  # somebody speaks
        # a sound of a tenth of a second
        (_stretch("so it is", speech=0.1), True),
        (_stretch("so it is", speech=0.1, silence=0.7), False),
        (_stretch("so it is", speech=0.1, log_probability=-1.1), False),
        (_stretch("so it is", speech=0.1, probability=0.3), False),
        (_stretch("so it is", speech=0.3, probability=0.3), True),
        # what subtitles end with
        (_stretch("Thank you."), True),
        (_stretch("Thank you.", speech=0.1), False),
        (_stretch("Thank you.", silence=0.7), False),
        (_stretch("¡Gracias!", silence=0.7), False),
        (_stretch("Thank you, minister.", silence=0.7), True),
    ],
)
def test_two_signs_are_needed_to_take_a_word_away(stretch: Stretch, kept: bool) -> None:
    words, warnings = guard([stretch])
    assert words == (stretch.words if kept else [])
    assert [w.code for w in warnings] == ([] if kept else ["hallucination_removed"])


def test_a_loop_is_cut_to_its_first_time_round() -> None:
    """As Whisper gives it: what it has left of its tokens in no time."""
    said = _stretch("We begin. So it is a kind of snow,", 0)
    loop = Stretch(_words("so it is a kind of snow, " * 12, 2.7, each=0.01), 5.0, -0.4, 0.3)
    after = _stretch("I say no.", 20)
    words, (warning,) = guard([said, loop, after])
    assert "".join(word.text for word in words) == " We begin. So it is a kind of snow, I say no."
    assert (warning.start, warning.end) == (2.7, 3.54)
    assert warning.message == "The recogniser gave the same words over and over; left out: 84."


def test_a_loop_is_followed_from_stretch_to_stretch() -> None:
    stretches = [_stretch("and so on", 10 * n, each=0.005) for n in range(9)]
    assert _text(stretches) == "and so on"


@pytest.mark.parametrize(
    "chant", ["no " * 20, "four more years " * 8, "ha " * 7, "hear, hear! " * 10]
)
def test_a_chant_that_takes_its_time_is_kept(chant: str) -> None:
    assert _text([_stretch(chant)]) == chant.strip()


def test_a_few_words_said_twice_are_kept_however_they_are_timed() -> None:
    assert _text([_stretch("never again, never again, I say", each=0.0)]).count("never") == 2


@pytest.mark.parametrize("word", ["4-4-4-4-4-4-4-4-4-4-4-4-4", "ahahahahahahahahahahahahah"])
def test_a_loop_within_a_word_is_a_loop(word: str) -> None:
    assert _text([_stretch(f"good {word} evening")]) == "good evening"


@pytest.mark.parametrize("word", ["10,000,000,000", "1-800-444-4444", "Hmmmm", "a" * 9])
def test_a_long_word_is_none(word: str) -> None:
    assert _text([_stretch(f"good {word} evening")]) == f"good {word} evening"


_stretches = st.lists(
    st.builds(
        _stretch,
        st.sampled_from(["no", "thank you", "so it is", "we we we we we we we we we", ""]),
        st.floats(0, 1000),
        speech=st.sampled_from([0.1, 5.0]),
        log_probability=st.floats(-2, 0),
        silence=st.floats(0, 1),
        each=st.sampled_from([0.0, 0.3]),
    ),
    max_size=60,
)


@given(_stretches)
def test_every_word_is_kept_or_accounted_for(stretches: list[Stretch]) -> None:
    words, warnings = guard(stretches)
    given_words = sum(len(stretch.words) for stretch in stretches)
    left_out = sum(int(warning.message.rstrip(".").split()[-1]) for warning in warnings)
    assert len(words) + left_out == given_words
    assert words == sorted(words, key=lambda word: word.start)
    assert len(warnings) <= 20


def _silences(count: int, *, between: str) -> list[Stretch]:
    """Words on silence every ten seconds, and something said between them."""
    silent = [_stretch("you", 10 * n, silence=0.9) for n in range(count)]
    return silent + [_stretch(between, 10 * n + 5) for n in range(count - 1) if between]


def test_removals_with_nothing_between_them_are_one_warning() -> None:
    (warning,) = guard(_silences(30, between=""))[1]
    assert (warning.start, warning.end) == (0, 290.3)
    assert warning.message.endswith("left out: 30.")


def test_warnings_stay_few_and_those_furthest_apart_stay_apart() -> None:
    alone = _stretch("you", 5000, silence=0.9)
    words, warnings = guard([*_silences(50, between="Yes."), _stretch("So.", 4000), alone])
    assert len(words) == 50
    assert len(warnings) == 20
    assert (warnings[-1].start, warnings[-1].end) == (5000, 5000.3)
    assert sum(int(w.message.rstrip(".").split()[-1]) for w in warnings) == 51


def test_a_warning_names_every_reason() -> None:
    loop = _stretch("and so on " * 9, 3, each=0.005)
    warnings: list[Warning] = guard([loop, _stretch("Bye.", 4, speech=0.1)])[1]
    assert [warning.message for warning in warnings] == [
        "The recogniser gave the same words over and over and words for a sound that is no speech;"
        " left out: 25."
    ]
