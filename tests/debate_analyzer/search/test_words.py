from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate_analyzer.errors import InvalidRequest
from debate_analyzer.search.words import phrases, spans, tokens, words


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Climate Change", "climate change"),
        ("el café cerró", "EL CAFE CERRO"),
        ("cafe\u0301", "caf\u00e9"),
        ("die Straße", "DIE STRASSE"),
        ("don't", "don’t"),
        ("state-of-the-art", "state of the art"),
        ("ﬁnance", "finance"),
        ("हिन्दी", "हिन्दी"),
        ("می‌خواهم", "می‌خواهم"),
    ],
)
def test_what_is_written_otherwise_is_the_same_word(said: str, asked: str) -> None:
    assert words(said) == words(asked)


def test_scripts_without_spaces_have_a_word_a_character() -> None:
    assert words("気候変動とは") == list("気候変動とは")
    assert words("GDPは２％") == ["gdp", "は", "2"]


@given(st.text())
def test_words_stand_where_tokens_say_and_divide_no_further(text: str) -> None:
    found = tokens(text)
    assert [token.word for token in found] == words(text)
    assert all(token.word in words(text[token.start : token.end]) for token in found)
    assert words(" ".join(token.word for token in found)) == [token.word for token in found]
    # The index's tokenizer divides at what is ASCII and no letter or digit.
    assert all(c.isalnum() or ord(c) > 127 for token in found for c in token.word)


@given(st.text())
def test_every_letter_is_in_a_word(text: str) -> None:
    inside = {place for token in tokens(text) for place in range(token.start, token.end)}
    letters = {n for n, c in enumerate(text) if unicodedata.category(c)[0] in "L" and words(c)}
    assert letters <= inside


@given(st.text(min_size=1))
def test_no_question_is_more_than_words(question: str) -> None:
    try:
        asked = phrases(question)
    except InvalidRequest:
        return
    assert all(word.isalnum() or not word.isascii() for phrase in asked for word in phrase)


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ('tax "public schools"', [("tax",), ("public", "schools")]),
        ('"public schools', [("public", "schools")]),
        ('"" tax tax', [("tax",)]),
        ("text : tax NEAR(a b, 2) OR x* AND NOT ^y", None),
        ("co-operation", [("co", "operation")]),
        ('a"b c"d', [("a",), ("b", "c"), ("d",)]),
    ],
)
def test_words_and_phrases_are_asked_for_and_nothing_else_means_anything(
    question: str, asked: list[tuple[str, ...]] | None
) -> None:
    found = phrases(question)
    assert asked is None or list(found) == asked
    if asked is None:
        assert ("or",) in found
        assert ("near", "a") in found


@pytest.mark.parametrize("question", ["", " ", '""', "*", "'; --", "()"])
def test_a_question_without_a_word_is_refused(question: str) -> None:
    with pytest.raises(InvalidRequest, match="no word"):
        phrases(question)


def test_too_many_words_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="the most is 32"):
        phrases(" ".join(f"w{number}" for number in range(33)))


def test_matches_that_overlap_are_one() -> None:
    text = "no tax, no tax cuts"
    found = spans(tokens(text), [("tax",), ("no", "tax", "cuts"), ("no", "tax")])
    assert [text[start:end] for start, end in found] == ["no tax", "no tax cuts"]
