from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_images.transcribe.block import MARGIN_SECONDS, Block, join, seam
from batch_images.transcribe.hearing import Hearing
from batch_images.transcribe.spoken import SpokenWord
from tests.batch_images.transcribe.engines import stretch

VOCABULARY = ["yes", "no", "we", "the", "house", "of", "course", "taxes"]


@st.composite
def speech(draw: st.DrawFn) -> list[SpokenWord]:
    """A minute or so in which somebody talks, with pauses; words come again and again."""
    words: list[SpokenWord] = []
    at = 0.0
    for _ in range(draw(st.integers(20, 120))):
        at += draw(st.sampled_from([0.0, 0.0, 0.05, 0.4, 3.0]))
        end = at + draw(st.floats(0.12, 0.9))
        words.append(SpokenWord(at, end, f" {draw(st.sampled_from(VOCABULARY))}", 0.9))
        at = end
    return words


def heard(words: list[SpokenWord], start: float, end: float, seed: int) -> Block:
    """What an engine makes of a block of it: it places each word a little otherwise, and hears what
    is within its margins."""
    rng = np.random.default_rng(seed)
    shifted = [
        replace(word, start=word.start + by, end=word.end + by)
        for word, by in zip(words, rng.uniform(-0.05, 0.05, len(words)), strict=True)
        if start - MARGIN_SECONDS < word.middle < end + MARGIN_SECONDS
    ]
    return Block(start, end, [stretch(shifted)], [])


@given(words=speech(), at=st.lists(st.floats(0, 1), min_size=1, max_size=3), seed=st.integers(0))
def test_no_word_is_lost_or_doubled_wherever_the_cuts_fall(
    words: list[SpokenWord], at: list[float], seed: int
) -> None:
    """Also in the middle of one."""
    bounds = [0.0]
    for cut in sorted(words[int(share * (len(words) - 1))].middle for share in at):
        if cut - bounds[-1] > 2 * MARGIN_SECONDS:
            bounds.append(cut)
    bounds.append(words[-1].end)
    blocks = [
        heard(words, start, end, seed + number)
        for number, (start, end) in enumerate(pairwise(bounds))
    ]
    assert [word.text for word in join(blocks, language="en").words] == [w.text for w in words]


def test_a_word_cut_in_two_is_taken_from_who_heard_it_whole() -> None:
    """Both hear it, one of them only its end."""
    before = [SpokenWord(9.0, 9.4, " good", 0.9), SpokenWord(9.5, 10.2, " evening", 0.9)]
    after = [SpokenWord(10.0, 10.2, " ning", 0.4), SpokenWord(10.6, 11.0, " all", 0.9)]
    moment = seam([*before, SpokenWord(10.6, 11.0, " all", 0.9)], after, 10.0)
    kept = [w.text for w in before if w.middle < moment] + [
        w.text for w in after if w.middle >= moment
    ]
    assert kept == [" good", " evening", " all"]


def test_where_nobody_hears_anything_the_seam_is_the_cut() -> None:
    assert seam([], [], 12.5) == 12.5


def test_each_block_is_heard_only_in_its_own_time() -> None:
    echo = [SpokenWord(2.0, 2.4, " echo", 0.9)]
    far = Block(20, 40, [stretch([SpokenWord(30, 30.5, " far", 0.9)])], [stretch(echo)])
    found = join([Block(0, 20, [], []), far], language="en")
    assert [word.text for word in found.words] == [" far"]


@pytest.mark.parametrize(("given_language", "found"), [(None, ("es", 0.9)), ("ca", ("ca", None))])
def test_the_language_is_that_of_the_first_block_in_which_somebody_speaks(
    given_language: str | None, found: tuple[str, float | None]
) -> None:
    nobody = stretch([SpokenWord(1, 1.2, " you", 0.2)], speech=0.1)
    blocks = [
        Block(0, 20, [nobody], [], "en", 0.4),
        Block(20, 40, [stretch([SpokenWord(25, 25.5, " hola", 0.9)])], [], "es", 0.9),
        Block(40, 60, [stretch([SpokenWord(45, 45.5, " bye", 0.9)])], [], "en", 0.99),
    ]
    joined = join(blocks, language=given_language)
    assert (joined.language, joined.language_probability) == found


@given(words=speech(), offset=st.floats(0, 40_000))
def test_a_hearing_comes_back_as_it_was_sent(words: list[SpokenWord], offset: float) -> None:
    block = Block(0, words[-1].end, [stretch(words)], [stretch(words[:1])], "en", 0.5)
    sent = Hearing([block], {"a.b": np.arange(6).reshape(2, 3)}, {"recognition": 1.5})
    back = Hearing.from_bytes(sent.to_bytes())
    assert (back.blocks, back.seconds) == (sent.blocks, sent.seconds)
    assert back.voices is not None
    assert np.array_equal(back.voices["a.b"], np.arange(6).reshape(2, 3))
    (shifted,) = [block.shifted(offset) for block in back.blocks]
    assert [w.start - offset for w in shifted.words] == pytest.approx(
        [w.start for w in block.words], abs=1e-6
    )
    silent = Hearing.from_bytes(Hearing([], None, {}).to_bytes())
    assert (silent.voices, silent.has_words) == (None, False)
    assert Hearing.from_bytes(Hearing([], {}, {}).to_bytes()).voices == {}
