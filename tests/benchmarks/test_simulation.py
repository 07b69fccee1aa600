from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.statistics.coverage import (
    Held,
    Said,
    Tally,
    coverage_table,
    expected,
    figures,
    observe,
    reliability_table,
    turns_table,
)
from benchmarks.statistics.simulation import COLLAR_SECONDS, draw_debate, draw_process


def test_what_is_heard_is_off_by_no_more_than_the_collar_and_has_every_word() -> None:
    generator = np.random.default_rng(1)
    process = replace(draw_process(generator), turns=300, unassigned=0.08)
    debate = draw_debate(process, generator)
    heard = debate.document(generator)

    nobody = [segment for segment in heard.transcription if segment.speaker is None]
    assert len(nobody) / len(heard.transcription) == pytest.approx(0.08, abs=0.03)
    assert sum(len(s.words) for s in heard.transcription) == len(debate.word_start)
    assert len(heard.turns) > 0.9 * len(debate.speaker)
    for turn in heard.turns:
        off = [abs(debate.start - turn.start), abs(debate.end - turn.end)]
        assert (np.maximum(*off) <= COLLAR_SECONDS).any()


def test_the_same_seed_gives_the_same_debate() -> None:
    first, second = (
        draw_debate(draw_process(generator).longer(40), generator).document(generator)
        for generator in (np.random.default_rng(5), np.random.default_rng(5))
    )

    assert first == second


def test_lengths_persist_where_they_are_told_to() -> None:
    correlations = []
    for persistence in (0.0, 0.6):
        generator = np.random.default_rng(2)
        process = replace(draw_process(generator), turns=4000, persistence=persistence)
        silent = {"backchannels_a_minute": 0.0, "interjections_a_minute": 0.0}
        process = replace(process, people=tuple(replace(p, **silent) for p in process.people))
        observed = observe(draw_debate(process, generator).document())
        logs = np.log(observed.turns.duration[observed.rows[0]])
        correlations.append(np.corrcoef(logs[:-1], logs[1:])[0, 1])

    assert correlations[1] > correlations[0] + 0.2


def test_a_debate_that_goes_on_for_as_many_turns_is_expected_to_be_itself() -> None:
    generator = np.random.default_rng(3)
    observed = observe(draw_debate(draw_process(generator).longer(200), generator).document())
    truth, real = expected(observed, observed), figures(observed)

    for name, by_figure in truth.items():
        assert by_figure == pytest.approx({figure: real[name][figure] for figure in by_figure})


def test_the_tables_count_what_was_held_and_said() -> None:
    tally = Tally(
        held=[Held("words", "this_debate", 9, held) for held in (True, True, True, False)],
        said=[Said("words", "such_debates", 0.92, true) for true in (True, False)],
    )

    assert "| words | 75.0 | 4 | — | 0 | — | — |" in coverage_table(tally, {"other": Tally()})
    assert "| 8 to 11 | 75.0 | 4 | — | 0 |" in turns_table(tally)
    assert "50.0 (92.0 of 2)" in reliability_table(tally)
