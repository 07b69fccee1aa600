"""What all published debates add up to, by language and by month."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.frontend.axe import violations
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage

SUMMARY: dict[str, Any] = {
    "jobs": 14,
    "duration": 3723.0,
    "words": 45210,
    "speakers": 31,
    "languages": {"en": 5, "es": 9},
    "months": {"2026-01": 2, "2026-03": 4, "2024-12": 8},
}


def test_languages_and_the_last_twelve_months_are_counted(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    backend.summary = SUMMARY
    page = open_page()
    expect(page.locator(".totals-languages li")).to_have_text(["Spanish 9", "English 5"])
    months = page.locator(".totals-months li .visually-hidden")
    expect(months).to_have_count(12)
    expect(months.first).to_have_text("April 2025: 0")
    expect(months.nth(9)).to_have_text("January 2026: 2")
    expect(months.last).to_have_text("March 2026: 4")
    heights = page.locator(".totals-months svg").evaluate_all("all => all.map(s => s.clientHeight)")
    assert heights[-1] == 2 * heights[-3]
    assert violations(page) == []
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("months", [{}, {"2026-03": 13}])
def test_months_that_do_not_add_up_are_not_shown(
    open_page: OpenPage, backend: Backend, debate: str, months: dict[str, int]
) -> None:
    """The index was made before it had any, and not anew."""
    backend.summary = SUMMARY | {"months": months}
    page = open_page()
    expect(page.locator(".totals-languages")).to_be_visible()
    expect(page.locator(".totals-months")).to_have_count(0)


def test_what_was_said_is_searched_from_home(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page()
    page.get_by_label("Search in everything that was said").fill("tax")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Search what was said")
    expect(page.get_by_role("searchbox")).to_have_value("tax")
    expect(page.get_by_text("Nothing was found")).to_be_visible()
