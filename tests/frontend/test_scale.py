"""What the charts reckon with, asked of the modules themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from local.server import Server

Spans = list[dict[str, float]]


@pytest.fixture
def page(browser: Browser, server: Server) -> Page:
    page = browser.new_page(base_url=server.url)
    page.goto("/")
    return page


@pytest.fixture
def call(page: Page) -> Callable[..., Any]:
    """A function of a module, by its name, with JSON for its arguments."""

    def call(module: str, function: str, *arguments: Any) -> Any:
        script = "async ([module, name, given]) => (await import(module))[name](...given)"
        return page.evaluate(script, [f"/{module}.js", function, list(arguments)])

    return call


@pytest.mark.parametrize(
    ("start", "end", "count", "expected"),
    [
        (0, 10, 5, [0, 2, 4, 6, 8, 10]),
        (0, 1, 10, [number / 10 for number in range(11)]),
        (-7, 23, 4, [0, 10, 20]),
        (0, 0.3, 3, [0, 0.1, 0.2, 0.3]),
        (101, 239, 3, [150, 200]),
        (5, 5, 3, []),
        (0, 10, 0, []),
    ],
)
def test_ticks_are_round(
    call: Callable[..., Any], start: float, end: float, count: int, expected: list[float]
) -> None:
    assert call("scale", "ticks", start, end, count) == expected


@pytest.mark.parametrize(
    ("end", "count", "step"),
    [(85, 6, 15), (60, 6, 10), (11160, 8, 1800), (3.4, 4, 1), (4e6, 5, 806400)],
)
def test_ticks_of_time_are_those_of_a_clock(
    call: Callable[..., Any], end: float, count: int, step: int
) -> None:
    times = call("scale", "timeTicks", 0, end, count)
    assert times == [step * number for number in range(math.floor(end / step) + 1)]
    assert len(times) <= count + 1


def test_a_view_stays_within_the_recording_and_zooms_about_a_time(call: Callable[..., Any]) -> None:
    assert call("scale", "within", [-10, 20], 100) == [0, 30]
    assert call("scale", "within", [90, 120], 100) == [70, 100]
    assert call("scale", "within", [50, 50.1], 100) == [50, 55]
    assert call("scale", "within", [0, 9], 3) == [0, 3]
    start, end = call("scale", "zoomed", [0, 100], 0.5, 80, 100)
    assert (end - start, (80 - start) / (end - start)) == (50, 0.8)
    assert call("scale", "zoomed", [40, 60], 1e9, 50, 100) == [0, 100]


def test_steps_break_where_there_is_no_value(page: Page) -> None:
    windows = [{"start": i, "end": i + 1, "value": v} for i, v in enumerate([1, 2, None, 3])]
    script = "async (w) => (await import('/scale.js')).stepsPath(w, (x) => x, (y) => y)"
    assert page.evaluate(script, windows) == "M0.0 1.0H1.0V2.0H2.0M3.0 3.0H4.0"


_SPANS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 9)).map(
        lambda pair: {"start": float(pair[0]), "end": float(min(sum(pair), 40))}
    ),
    max_size=6,
)


_ASKED: tuple[Callable[[int], bool], ...] = (lambda heard: heard > 1, lambda heard: heard == 0)


def _apart(spans: Spans) -> Spans:
    """Without those that overlap an earlier one."""
    kept: Spans = []
    for span in sorted(spans, key=lambda span: span["start"]):
        if not kept or span["start"] >= kept[-1]["end"]:
            kept.append(span)
    return kept


def test_who_is_heard_at_once_and_silence_are_found(page: Page) -> None:
    script = """async (lists) => {
      const { where } = await import("/spans.js");
      return [where(lists, 40, (heard) => heard > 1), where(lists, 40, (heard) => heard === 0)];
    }"""

    @settings(max_examples=40, deadline=None)
    @given(st.lists(_SPANS.map(_apart), min_size=1, max_size=4))
    def check(lists: list[Spans]) -> None:
        found = page.evaluate(script, lists)
        for spans, holds in zip(found, _ASKED, strict=True):
            for second in range(40):
                heard = sum(s["start"] <= second < s["end"] for spans in lists for s in spans)
                covered = [s for s in spans if s["start"] <= second < s["end"]]
                assert len(covered) == (1 if holds(heard) else 0)
            assert all(a["end"] < b["start"] for a, b in pairwise(spans))

    check()


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("a,b", '"a,b"'),
        ('say "x"', '"say ""x"""'),
        ("=1+1", "'=1+1"),
        ("''@x", "'''@x"),
        (-0.5, "-0.5"),
        (None, ""),
        ("two\nlines", '"two\nlines"'),
    ],
)
def test_a_cell_is_quoted_and_no_formula(call: Callable[..., Any], cell: Any, line: str) -> None:
    assert call("csv", "csv", [[cell, "z"]]) == f"{line},z\r\n"
