from __future__ import annotations

from math import inf, isclose
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cost.errors import UnknownFigure
from cost.figure import Figure, Figures, Step, read_toml
from cost.knowledge import HERE, Knowledge

TIERED = Figure("s3", "USD/GiB", "", False, (Step(100, 3.0), Step(1000, 2.0), Step(inf, 1.0)))
quantities = st.floats(0, 1e9)


@pytest.mark.parametrize(
    ("quantity", "usd"), [(0, 0), (50, 150), (100, 300), (600, 1300), (1500, 300 + 1800 + 500)]
)
def test_each_step_has_its_own_price(quantity: float, usd: float) -> None:
    assert TIERED.times(quantity) == usd


@given(quantities, quantities)
def test_more_costs_no_less_and_together_no_more_than_apart(one: float, other: float) -> None:
    both = TIERED.times(one + other)
    assert both >= TIERED.times(one)
    assert both <= TIERED.times(one) + TIERED.times(other) + 1e-6 * both


@given(quantities, st.floats(0.01, 100))
def test_a_scaled_figure_costs_in_proportion(quantity: float, factor: float) -> None:
    assert isclose(TIERED.scaled(factor).times(quantity), factor * TIERED.times(quantity))


def test_tables_of_toml_become_names_and_inherit_unit_and_source(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(
        '[ec2]\nunit = "USD/hour"\nsource = "page"\n'
        '[ec2."a.b"]\nspot = { value = 0.2, assumed = true }\n'
        "[out]\ngib = { steps = [[10, 0.9], [inf, 0.5]] }\n"
    )
    figures = Figures.of(read_toml(path))
    assert set(figures) == {"ec2/a.b/spot", "out/gib"}
    spot = figures["ec2/a.b/spot"]
    assert (spot.value, spot.unit, spot.source, spot.assumed) == (0.2, "USD/hour", "page", True)
    assert figures.times("out/gib", 20) == 9 + 5


def test_an_unknown_figure_is_named_with_what_to_do() -> None:
    with pytest.raises(UnknownFigure, match=r"ec2/x1\.huge/spot is not in cost/\*\.toml"):
        Figures({})["ec2/x1.huge/spot"]


def test_every_figure_says_unit_and_source_or_that_it_is_assumed(knowledge: Knowledge) -> None:
    for figure in knowledge.figures.values():
        assert figure.unit, figure.name
        assert figure.source or figure.assumed, figure.name


def test_every_price_that_is_not_assumed_names_a_page(knowledge: Knowledge) -> None:
    prices = Figures.of(read_toml(HERE / "prices.toml"))
    assert [f.name for f in prices.values() if not f.assumed and "https://" not in f.source] == []


def test_no_name_stands_in_two_files() -> None:
    names = [
        name
        for file in ("prices.toml", "engines.toml", "footprint.toml")
        for name in Figures.of(read_toml(HERE / file))
    ]
    assert len(names) == len(set(names))
