from __future__ import annotations

import pytest

from benchmarks.speech import scoring
from benchmarks.speech.heard import Word
from benchmarks.speech.truth import Turn


def words(text: str, speaker: str | None = None, start: float = 0.0) -> list[Word]:
    """A second each."""
    return [Word(start + i, start + i + 1, word, speaker) for i, word in enumerate(text.split())]


def test_spelling_numbers_and_fillers_are_no_word_errors() -> None:
    errors = scoring.word_errors(
        "Uh, the colour costs twenty-five dollars; they're sure.",
        "the color costs $25 they are sure",
        "en",
    )
    assert errors.errors == 0


def test_each_kind_of_word_error_is_counted() -> None:
    errors = scoring.word_errors(
        "one may see the big red house", "one can see big red house now", "en"
    )
    assert errors == scoring.WordErrors(words=7, substituted=1, deleted=1, inserted=1)


def test_spanish_keeps_words_that_english_would_rewrite() -> None:
    assert scoring.normalised("Sí, ¿el señor Mr. Pérez?", "es") == [
        *("sí", "el", "señor", "mr", "pérez")
    ]


def test_whose_words_are_whose_matters_and_names_do_not() -> None:
    truth = [Turn(0, 2, "ann", "good evening"), Turn(2, 5, "bob", "nobody asked you")]
    right = [*words("good evening", "X"), *words("nobody asked you", "Y", 2)]
    assert scoring.speaker_word_errors(truth, right, "en") == (0, 5)
    wrong = [*words("good evening nobody", "X"), *words("asked you", "Y", 3)]
    assert scoring.speaker_word_errors(truth, wrong, "en") == (2, 5)


def test_a_word_that_nobody_was_given_is_not_recognised() -> None:
    truth = [Turn(0, 2, "ann", "good evening")]
    heard = [*words("good", "X"), *words("evening", None, 1)]
    assert scoring.speaker_word_errors(truth, heard, "en") == (1, 2)


def test_a_speaker_too_many_is_all_insertions() -> None:
    truth = [Turn(0, 2, "ann", "good evening")]
    heard = [*words("good evening", "X"), *words("to everybody", "Y", 2)]
    assert scoring.speaker_word_errors(truth, heard, "en") == (2, 2)


def test_parts_of_the_diarization_error() -> None:
    truth = [Turn(0, 10, "ann"), Turn(8, 20, "bob")]
    heard = [Turn(0, 10, "X"), Turn(10, 18, "Y"), Turn(18, 20, "X"), Turn(22, 25, "Y")]
    errors = scoring.diarization_errors(truth, heard, duration=30, collar=0)
    assert errors.speech == pytest.approx(22)
    assert errors.missed == pytest.approx(2)  # the overlap
    assert errors.false_alarm == pytest.approx(3)
    assert errors.confusion == pytest.approx(2)


def test_the_collar_is_left_out_on_either_side() -> None:
    truth = [Turn(1, 2, "ann")]
    within = [Turn(0.76, 2.24, "X")]
    beyond = [Turn(0.6, 2, "X")]
    assert scoring.diarization_errors(truth, within, duration=3, collar=0.25).errors == 0
    late = scoring.diarization_errors(truth, beyond, duration=3, collar=0.25)
    assert late.false_alarm == pytest.approx(0.15)
    assert late.speech == pytest.approx(0.5)


def test_a_speaker_talking_over_himself_is_one_speaker() -> None:
    truth = [Turn(0, 5, "ann"), Turn(4, 8, "ann")]
    errors = scoring.diarization_errors(truth, [Turn(0, 8, "X")], duration=8, collar=0)
    assert (errors.speech, errors.errors) == (pytest.approx(8), pytest.approx(0))


def test_boundaries_of_turns_are_compared_with_the_same_speakers() -> None:
    truth = [Turn(0, 4, "ann"), Turn(5, 9, "bob"), Turn(20, 21, "eve")]
    heard = [Turn(0.5, 4.25, "X"), Turn(4, 9, "Y")]
    errors = scoring.turn_boundary_errors(truth, heard)
    assert sorted(errors) == pytest.approx([0, 0.25, 0.5, 1])


def test_boundaries_of_utterances_count_where_their_words_were_recognised() -> None:
    truth = [Turn(0.5, 3, "ann", "Dr. Grey agrees."), Turn(3.5, 6, "bob", "Nobody else does.")]
    heard = [
        *(Word(0.25, 1, "Doctor"), Word(1, 2, "grey"), Word(2, 2.5, "agrees.")),
        *(Word(3, 4, "Somebody"), Word(4, 5, "else"), Word(5, 7, "does!")),
    ]
    errors = scoring.word_boundary_errors(truth, heard, "en")
    assert sorted(errors) == pytest.approx([0.25, 0.5, 1.0])


def test_silence_has_no_boundaries() -> None:
    assert scoring.word_boundary_errors([Turn(0, 1, "ann", "Yes.")], [], "en") == []
    assert scoring.turn_boundary_errors([Turn(0, 1, "ann")], []) == []
