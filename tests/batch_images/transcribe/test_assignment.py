from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_images.transcribe.assignment import NEAR_SECONDS, assign, segment
from batch_images.transcribe.spoken import SpokenWord
from debate_analyzer.transcript import Turn


def _word(start: float, end: float, text: str = " word", probability: float = 0.9) -> SpokenWord:
    return SpokenWord(start, end, text, probability)


def _turn(start: float, end: float, speaker: str) -> Turn:
    return Turn(start=start, end=end, speaker=speaker)


@st.composite
def _words(draw: st.DrawFn) -> list[SpokenWord]:
    words: list[SpokenWord] = []
    now = 0.0
    for _ in range(draw(st.integers(0, 40))):
        start = now + draw(st.floats(0, 4))
        end = start + draw(st.floats(0, 2))
        text = draw(st.sampled_from([" yes", " no.", " why?", "好", "。"]))
        words.append(_word(start, end, text, draw(st.floats(0, 1))))
        now = draw(st.sampled_from([start, end]))
    return words


_turns = st.lists(
    st.builds(
        lambda start, length, who: _turn(start, start + length, who),
        st.floats(0, 100),
        st.floats(0, 30),
        st.sampled_from("ABC"),
    ),
    max_size=12,
)


@given(_words(), _turns)
def test_no_word_is_lost_and_their_order_is_kept(
    words: list[SpokenWord], turns: list[Turn]
) -> None:
    segments = segment(words, assign(words, turns))
    assert [word.word for part in segments for word in part.words] == [
        word.text.strip() for word in words
    ]


@given(_words(), _turns)
def test_a_segment_has_one_speaker_and_holds_its_words(
    words: list[SpokenWord], turns: list[Turn]
) -> None:
    for part in segment(words, assign(words, turns)):
        assert {word.speaker for word in part.words} == {part.speaker}
        assert part.start == part.words[0].start
        assert all(part.start <= word.start <= word.end <= part.end for word in part.words)
        assert part.confidence == pytest.approx(
            sum(word.probability for word in part.words) / len(part.words), abs=1e-3
        )


@given(_words(), _turns)
def test_segments_start_in_order(words: list[SpokenWord], turns: list[Turn]) -> None:
    segments = segment(words, assign(words, turns))
    assert all(first.start <= second.start for first, second in pairwise(segments))


@given(_words(), _turns)
def test_a_speaker_is_near_every_word_that_is_theirs_and_no_other_word_goes_without(
    words: list[SpokenWord], turns: list[Turn]
) -> None:
    for word, speaker in zip(words, assign(words, turns), strict=True):
        near = {
            turn.speaker
            for turn in turns
            if max(turn.start - word.end, word.start - turn.end) <= NEAR_SECONDS
        }
        assert speaker in near or (speaker is None and not near)


def _said(text: str, start: float = 0.0, each: float = 0.5) -> list[SpokenWord]:
    """One word after the other, from `start`, `each` so many seconds long."""
    return [
        _word(start + n * each, start + (n + 1) * each, f" {word}")
        for n, word in enumerate(text.split())
    ]


def _by_speaker(words: list[SpokenWord], turns: list[Turn]) -> list[tuple[str | None, str]]:
    return [(part.speaker, part.text) for part in segment(words, assign(words, turns))]


def test_a_word_across_a_change_goes_to_whoever_covers_most_of_it() -> None:
    turns = [_turn(0, 1.2, "A"), _turn(1.2, 3, "B")]
    after = _said("and so on", 1.6)
    assert assign([_word(0.4, 0.9), _word(1.0, 1.6), *after], turns) == ["A", *"BBBB"]
    assert assign([_word(0.4, 0.8), _word(0.8, 1.4), *after], turns) == ["A", "A", *"BBB"]


@pytest.mark.parametrize("late", [-0.3, -0.15, 0.0, 0.15, 0.3])
def test_a_change_of_speaker_is_at_the_end_of_a_sentence_near_by(late: float) -> None:
    """Turns, or words, are off by a word."""
    words = _said("I heard a beep. This is Diane.", each=0.3)
    turns = [_turn(0, 1.2 + late, "A"), _turn(1.2 + late, 3, "B")]
    assert _by_speaker(words, turns) == [("A", "I heard a beep."), ("B", "This is Diane.")]


def test_a_word_stretched_back_over_a_pause_belongs_to_the_sentence_that_it_begins() -> None:
    words = [*_said("You were there."), _word(1.5, 3.2, " Neither"), *_said("did I.", 3.2)]
    turns = [_turn(0, 2.4, "A"), _turn(3.0, 4.2, "B")]
    assert _by_speaker(words, turns) == [("A", "You were there."), ("B", "Neither did I.")]


def test_an_interruption_within_a_sentence_is_heard_all_the_same() -> None:
    words = _said("the buses stop running no no they go all night long")
    turns = [_turn(0, 2, "A"), _turn(2, 5.5, "B")]
    assert assign(words, turns) == ["A"] * 4 + ["B"] * 7


def test_one_word_in_a_turn_of_its_own_is_its_speaker_s() -> None:
    words = [*_said("We did."), _word(1.4, 1.8, " Yes."), *_said("We did.", 2.2)]
    turns = [_turn(0, 1, "A"), _turn(1.4, 1.8, "B"), _turn(2.2, 3.2, "A")]
    assert assign(words, turns) == ["A", "A", "B", "A", "A"]


def test_where_turns_overlap_a_sentence_stays_with_whoever_began_it() -> None:
    words = _said("talk about closing streets. But we have waited")
    turns = [_turn(0, 3, "A"), _turn(1.1, 5, "B")]
    assert _by_speaker(words, turns) == [
        ("A", "talk about closing streets."),
        ("B", "But we have waited"),
    ]


def test_of_several_sentences_in_an_overlap_the_first_is_the_end_of_a_turn() -> None:
    words = _said("Neither did I. Okay. I thought so.", each=0.3)
    turns = [_turn(0, 1.3, "A"), _turn(0.8, 3, "B")]
    assert _by_speaker(words, turns) == [("A", "Neither did I."), ("B", "Okay. I thought so.")]


def test_where_turns_overlap_words_without_sentences_stay_with_whoever_was_speaking() -> None:
    turns = [_turn(0, 5, "A"), _turn(3, 8, "B")]
    words = [_word(2, 2.5), _word(3.5, 4), _word(4.2, 4.6), _word(5.5, 6)]
    assert assign(words, turns) == ["A", "A", "A", "B"]


def test_a_word_of_nobody_does_not_hide_a_change_of_speaker() -> None:
    words = [_word(0, 0.5), _word(3, 3.2), _word(6, 6.5)]
    assert assign(words, [_turn(0, 1, "A"), _turn(6, 7, "B")]) == ["A", None, "B"]


def test_a_word_just_outside_a_turn_belongs_to_the_nearest() -> None:
    turns = [_turn(0, 1, "A"), _turn(2, 3, "B")]
    assert assign([_word(1.1, 1.3), _word(1.7, 1.9)], turns) == ["A", "B"]


def test_a_word_far_from_every_turn_belongs_to_nobody() -> None:
    assert assign([_word(5, 5.3)], [_turn(0, 1, "A")]) == [None]


def test_without_turns_nobody_speaks() -> None:
    words = [_word(0, 1), _word(1, 2)]
    assert assign(words, []) == [None, None]
    assert [part.speaker for part in segment(words, [None, None])] == [None]


def test_a_change_of_speaker_cuts_a_segment() -> None:
    words = [_word(0, 0.5, " Yes."), _word(0.5, 1, " No.")]
    first, second = segment(words, ["A", "B"])
    assert (first.speaker, first.text) == ("A", "Yes.")
    assert (second.speaker, second.text) == ("B", "No.")


def test_a_pause_cuts_a_segment() -> None:
    words = [_word(0, 0.5), _word(0.6, 1), _word(2.5, 3)]
    assert [len(part.words) for part in segment(words, ["A"] * 3)] == [2, 1]


def test_a_long_segment_is_cut_at_the_end_of_a_sentence() -> None:
    words = [_word(n, n + 0.9, " so." if n == 8 else " and") for n in range(12)]
    assert [len(part.words) for part in segment(words, ["A"] * 12)] == [9, 3]


def test_speech_without_a_full_stop_is_cut_all_the_same() -> None:
    words = [_word(n, n + 0.9, " and") for n in range(60)]
    assert max(part.duration for part in segment(words, ["A"] * 60)) < 23


def test_languages_without_spaces_keep_none() -> None:
    words = [_word(0, 0.5, "今日"), _word(0.5, 1, "は")]
    assert segment(words, ["A", "A"])[0].text == "今日は"
