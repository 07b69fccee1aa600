from __future__ import annotations

import math
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_images.stats.reader import Document, Segment, Turn, Word
from batch_images.stats.uncertainty import Uncertainties, estimate
from batch_images.stats.uncertainty.draws import sureness
from benchmarks.statistics.coverage import Tally, observe, run
from benchmarks.statistics.simulation import draw_debate, draw_process
from debate_analyzer.statistics import Bounds, Uncertainty

SEED = 7


def _words(start: float, end: float, count: int, text: str = "word") -> list[Word]:
    step = (end - start) / max(count, 1)
    return [Word(start + n * step, start + (n + 1) * step, text, 0.9) for n in range(count)]


def _said(
    speaker: str | None, start: float, end: float, *, words: int = 10, text: str = "word"
) -> Segment:
    said = _words(start, end, words, text)
    return Segment(start, end, " ".join(word.word for word in said), speaker, 0.9, said)


def _document(segments: list[Segment], *, basis: str = "turns", tail: float = 1.0) -> Document:
    turns = [Turn(s.start, s.end, s.speaker) for s in segments if s.speaker is not None]
    end = max((segment.end for segment in segments), default=0.0)
    return Document(
        duration=end + tail,
        transcription=segments,
        turns=turns if basis == "turns" else [],
        language="en",
    )


def _dialogue(
    lengths: list[tuple[str | None, float]], *, offset: float = 1.0, text: str = "word"
) -> list[Segment]:
    """One after the other, with half a second between."""
    segments = []
    for speaker, length in lengths:
        words = max(1, int(2 * length))
        segments.append(_said(speaker, offset, offset + length, words=words, text=text))
        offset += length + 0.5
    return segments


def _estimate(document: Document, seed: int = SEED) -> Uncertainties:
    observed = observe(document)
    return estimate(observed.debate, observed.turns, observed.events, seed=seed)


def _all(found: Uncertainties) -> list[Uncertainty]:
    return [*chain.from_iterable(each.values() for each in found.speakers), *found.totals.values()]


def _bounds(bounds: Bounds | None) -> Bounds:
    assert bounds is not None
    return bounds


def _width(bounds: Bounds | None) -> float:
    low, high = _bounds(bounds)
    return high - low


def _turns(count: int, seed: int = 1) -> list[tuple[str | None, float]]:
    lengths = np.random.default_rng(seed).lognormal(2.0, 0.6, count)
    return [("AB"[n % 2], round(float(length), 2)) for n, length in enumerate(lengths)]


@pytest.fixture(scope="module")
def tally() -> Tally:
    return run(16, 3, lambda process: process.longer(60))


@pytest.mark.parametrize("question", ["this_debate", "such_debates"])
def test_the_intervals_hold_the_truth_of_simulated_debates(tally: Tally, question: str) -> None:
    hits = [each.held for each in tally.held if each.question == question]

    assert len(hits) > 600
    assert 0.925 < np.mean(hits) < 0.98


def test_no_figure_is_much_less_sure_than_it_says(tally: Tally) -> None:
    kinds = {(each.figure, each.question) for each in tally.held}
    for kind in kinds:
        hits = [each.held for each in tally.held if (each.figure, each.question) == kind]
        assert np.mean(hits) > 0.8, kind


def test_comparisons_are_true_as_often_as_they_say(tally: Tally) -> None:
    for low, high in ((0.5, 0.75), (0.75, 0.95), (0.95, 1.01)):
        made = [said for said in tally.said if low <= said.sureness < high]
        expected = np.mean([said.sureness for said in made])
        assert np.mean([said.true for said in made]) == pytest.approx(expected, abs=0.1)


def test_the_same_debate_and_seed_give_the_same_figures() -> None:
    generator = np.random.default_rng(2)
    process = draw_process(generator).longer(30)
    document = draw_debate(process, generator).document(generator)

    assert _estimate(document) == _estimate(document)
    assert _estimate(document, seed=8) != _estimate(document)


def test_the_order_of_segments_and_turns_does_not_matter() -> None:
    segments = _dialogue(_turns(30))
    document = _document(segments)
    turned = replace_lists(document, segments[::-1], document.turns[::-1])

    assert _estimate(turned) == _estimate(document)


def replace_lists(document: Document, segments: list[Segment], turns: list[Turn]) -> Document:
    return Document(duration=document.duration, transcription=segments, turns=turns, language="en")


@settings(max_examples=10, deadline=None)
@given(offset=st.integers(0, 10_000), seed=st.integers(0, 1000))
def test_a_later_beginning_changes_no_interval(offset: int, seed: int) -> None:
    lengths = _turns(24, seed)
    found = _estimate(_document(_dialogue(lengths)))
    later = _estimate(_document(_dialogue(lengths, offset=1.0 + offset)))

    for before, after in zip(found.speakers, later.speakers, strict=True):
        assert before.keys() == after.keys()
        for figure, uncertainty in before.items():
            for question in ("this_debate", "such_debates"):
                bounds, shifted = getattr(uncertainty, question), getattr(after[figure], question)
                assert (bounds is None) == (shifted is None)
                if bounds is not None:
                    assert shifted == pytest.approx(bounds, abs=1e-6, rel=1e-6)


_PLACES = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "C", None]),
        st.floats(0, 60, allow_nan=False).map(lambda value: round(value, 2)),
        st.floats(0, 20, allow_nan=False).map(lambda value: round(value, 2)),
        st.integers(0, 12),
        st.sampled_from(["word", "um", "word?"]),
    ),
    max_size=30,
)


@settings(max_examples=40, deadline=None)
@given(places=_PLACES, basis=st.sampled_from(["turns", "segments"]))
def test_whatever_is_said_every_bound_is_a_number_and_the_figure_is_between(
    places: list[tuple[str | None, float, float, int, str]], basis: str
) -> None:
    segments = [
        _said(speaker, start, start + length, words=words, text=text)
        for speaker, start, length, words, text in places
    ]
    observed = observe(_document(segments, basis=basis))
    found = estimate(observed.debate, observed.turns, observed.events, seed=SEED)

    everything = [*zip(observed.figures, found.speakers, strict=True)]
    for figures, uncertainties in [*everything, (observed.totals, found.totals)]:
        assert figures.keys() == uncertainties.keys()
        for figure, uncertainty in uncertainties.items():
            for bounds in (uncertainty.this_debate, uncertainty.such_debates):
                if bounds is not None:
                    assert all(math.isfinite(bound) for bound in bounds)
                    assert bounds[0] <= bounds[1]
            if uncertainty.this_debate is not None and figure in ("words", "wordShare"):
                assert uncertainty.this_debate[0] == pytest.approx(figures[figure])
    for comparison in found.comparisons:
        for sure in (comparison.this_debate, comparison.such_debates):
            assert sure is None or 0 <= sure <= 1


def test_a_speaker_of_few_turns_is_known_in_this_debate_only() -> None:
    lengths = [*_turns(30), ("C", 8.0), ("A", 5.0), ("C", 12.0)]
    found = _estimate(_document(_dialogue(lengths)))

    assert all(each.such_debates is None for each in found.speakers[2].values())
    assert found.speakers[2]["speakingTime"].this_debate is not None
    assert found.speakers[0]["speakingShare"].such_debates is not None


def test_the_longest_turn_of_other_debates_is_anybodys_guess() -> None:
    found = _estimate(_document(_dialogue(_turns(60))))

    assert found.speakers[0]["longestTurn"].such_debates is None
    assert found.speakers[0]["longestTurn"].this_debate is not None


def test_what_never_happened_may_happen_yet() -> None:
    found = _estimate(_document(_dialogue(_turns(40))))

    low, high = _bounds(found.speakers[0]["fillers"].such_debates)
    assert low == 0
    assert 1 < high < 6
    assert found.speakers[0]["fillers"].this_debate is None


def test_where_all_words_have_a_speaker_nothing_known_makes_their_count_unsure() -> None:
    """An interval of no width would claim that every word was recognised."""
    found = _estimate(_document(_dialogue(_turns(20))))

    assert found.speakers[0]["words"].this_debate is None
    assert {each.this_debate for each in found.comparisons if each.figure == "words"} == {None}


def test_words_without_a_speaker_may_be_anybodys_and_take_none_away() -> None:
    segments = [*_dialogue(_turns(40)), *_dialogue([(None, 5.0)] * 10, offset=900.0)]
    found = _estimate(_document(segments))

    unassigned = 100
    assigned = sum(len(segment.words) for segment in segments if segment.speaker == "A")
    low, high = _bounds(found.speakers[0]["words"].this_debate)
    assert low == assigned
    assert assigned + unassigned / 2 < high <= assigned + unassigned
    assert found.totals["words"].this_debate is None


def test_segments_without_a_speaker_are_somebodys_time_where_there_are_no_turns() -> None:
    lengths: list[tuple[str | None, float]] = [*_turns(40), *[(None, 10.0)] * 10]
    heard = _estimate(_document(_dialogue(lengths), basis="segments"))
    turns = _estimate(_document(_dialogue(lengths), basis="turns"))

    assert _bounds(heard.speakers[0]["speakingTime"].this_debate)[1] > (
        _bounds(turns.speakers[0]["speakingTime"].this_debate)[1] + 30
    )
    assert "overlap" not in heard.totals


def test_where_all_words_are_without_a_speaker_each_may_have_said_all_of_them() -> None:
    turns = _document(_dialogue(_turns(20)))
    segments = [_said(None, s.start, s.end) for s in turns.transcription]
    found = _estimate(replace_lists(turns, segments, turns.turns))

    assert _bounds(found.speakers[0]["words"].this_debate)[0] == 0
    assert _bounds(found.speakers[0]["words"].this_debate)[1] > 100
    for figure in ("words", "wordShare", "questions", "fillers", "fillersPerMinute"):
        assert found.speakers[0][figure].such_debates is None, figure


def test_who_speaks_alone_has_all_of_the_time() -> None:
    lengths: list[tuple[str | None, float]] = [("A", length) for _, length in _turns(20)]
    segments = [_said("A", 30.0 * n, 30.0 * n + length) for n, (_, length) in enumerate(lengths)]
    found = _estimate(_document(segments))

    assert found.speakers[0]["speakingShare"] == Uncertainty()
    assert found.comparisons == []


@pytest.mark.parametrize("segments", [[], _dialogue([(None, 5.0)] * 3)], ids=["silence", "nobody"])
@pytest.mark.parametrize("basis", ["turns", "segments"])
def test_where_nobody_is_known_only_the_debate_has_figures(
    segments: list[Segment], basis: str
) -> None:
    found = _estimate(_document(segments, basis=basis))

    assert found.speakers == []
    assert found.comparisons == []
    assert found.totals["words"].this_debate is None


def test_errors_of_boundaries_add_up_as_independent_ones_do() -> None:
    count = 400
    segments = [_said("A", 10.0 * n, 10.0 * n + 5.0) for n in range(count)]
    found = _estimate(_document(segments))

    deviation = math.sqrt(2 * count * 0.25**2 / 3)
    width = _width(found.speakers[0]["speakingTime"].this_debate)
    assert width == pytest.approx(2 * 1.96 * deviation, rel=0.5)


def test_more_turns_make_figures_surer() -> None:
    few = _estimate(_document(_dialogue(_turns(24))))
    many = _estimate(_document(_dialogue(_turns(600))))

    for figure in ("speakingShare", "meanTurn", "medianTurn", "wordsPerMinute", "responseLatency"):
        assert _width(many.speakers[0][figure].such_debates) < (
            _width(few.speakers[0][figure].such_debates)
        ), figure


def test_a_comparison_is_as_sure_as_the_difference_is_large() -> None:
    close: list[tuple[str | None, float]] = [*_turns(40)]
    clear = [(who, length * 4 if who == "A" else length) for who, length in close]
    unclear = _estimate(_document(_dialogue(close))).comparisons
    sure = _estimate(_document(_dialogue(clear))).comparisons

    first = next(each for each in sure if each.figure == "speakingTime")
    assert (first.more, first.less) == ("A", "B")
    assert first.this_debate == 1
    assert first.such_debates is not None
    assert first.such_debates > 0.98
    other = next(each for each in unclear if each.figure == "speakingTime")
    assert other.such_debates is not None
    assert 0.4 < other.such_debates < 0.95


def test_equals_are_either_way() -> None:
    draws = np.array([1.0, 2.0, 3.0])

    assert sureness(draws, draws, 0.7) == 0.5


def test_only_those_who_speak_longest_are_compared() -> None:
    lengths: list[tuple[str | None, float]] = [(f"P{n % 15:02}", 3.0 + n % 15) for n in range(60)]
    found = _estimate(_document(_dialogue(lengths))).comparisons

    named = {name for each in found for name in (each.more, each.less)}
    assert named == {f"P{n:02}" for n in range(3, 15)}
    assert len([each for each in found if each.figure == "meanTurn"]) == 66


def test_what_is_left_out_is_no_silence() -> None:
    observed = observe(_document(_dialogue(_turns(20)), tail=100.0))
    silent = estimate(observed.debate, observed.turns, observed.events, seed=SEED)
    end = observed.debate.duration
    events = replace(observed.events, left_out=np.array([[end - 90.0, end]]))
    cut = estimate(observed.debate, observed.turns, events, seed=SEED)

    shorter = _bounds(silent.totals["silence"].this_debate)[0] - 90
    assert _bounds(cut.totals["silence"].this_debate)[0] == pytest.approx(shorter, abs=2)


def test_a_debate_of_days_is_counted_without() -> None:
    segments = [_said("AB"[n % 2], 4.0 * n, 4.0 * n + 3.0, words=1) for n in range(50_001)]
    found = _estimate(_document(segments))

    assert {"speakingTime", "meanTurn"} <= found.speakers[0].keys()
    assert all(each == Uncertainty() for each in _all(found))
    assert found.comparisons == []
