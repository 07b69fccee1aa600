"""People across debates: who there is, and how one of them spoke from debate to debate."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from debate_analyzer import job as job_module
from debate_analyzer import publication as publication_module
from debate_analyzer.edits import Rename
from debate_analyzer.key import index_page_key
from tests.frontend.axe import violations
from tests.frontend.backend import Backend
from tests.frontend.backend_archive import person
from tests.frontend.conftest import OpenPage

RTL = "שרה כהן"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def year(backend: Backend, debate: str) -> str:
    """Three debates with Ada, of which the last is there to be opened; its id."""
    add = backend.archive.add
    add("Spring budget", person("Ada", 0.2, pace=140), person(HOSTILE, 0.5))
    add("Town hall", person(RTL, 0.4))
    add("Summer budget", person("Ada", 0.3, over=None), person(RTL, 0.3))
    add("Should Market Street be closed to cars?", person("Ada", 0.6, pace=160), job_id=debate)
    return debate


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of two debates, chapters of two pages; the index lists three."""
    monkeypatch.setattr(job_module, "PAGE_JOBS", 2)
    monkeypatch.setattr(publication_module, "CHAPTER_PAGES", 2)
    monkeypatch.setattr(publication_module, "NEWEST", 3)


def cells(page: Page) -> list[list[str]]:
    rows = page.locator(".data-table tbody tr").all()
    return [[text.strip() for text in row.locator("th, td").all_text_contents()] for row in rows]


def test_everybody_with_a_name_is_listed_and_found(open_page: OpenPage, year: str) -> None:
    page = open_page()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Speakers").click()
    expect(page.get_by_role("heading", level=1, name="Speakers")).to_be_focused()
    expect(page.locator(".data-table tbody tr")).to_have_count(3)
    assert cells(page) == [
        ["Ada", "3", "9:10", "1,408", "Mar 23, 2026"],
        [RTL, "2", "5:50", "875", "Mar 16, 2026"],
        [HOSTILE, "1", "4:10", "625", "Mar 2, 2026"],
    ]
    expect(page.locator("main img")).to_have_count(0)
    current = page.locator("[aria-current=page]")
    expect(current).to_have_text("Speakers")

    page.get_by_label("Find a name").fill("aDÁ")
    expect(page.locator(".data-table tbody tr")).to_have_count(1)
    page.get_by_label("Find a name").fill("nobody")
    expect(page.get_by_text("No name is like that.")).to_be_visible()
    page.get_by_label("Find a name").fill("")
    page.get_by_role("link", name="Ada").click()
    expect(page).to_have_url(re.compile(r"\?speaker=Ada$"))


def test_a_person_s_figures_add_up_and_are_listed_by_debate(open_page: OpenPage, year: str) -> None:
    page = open_page("/?speaker=Ada")
    expect(page).to_have_title("Ada · Debate Analyzer")
    expect(page.locator(".sums")).to_be_visible()
    assert page.locator(".sums dd").all_text_contents() == ["3", "9:10", "37%", "1,408", "154"]
    assert cells(page) == [
        [
            "Should Market Street be closed to cars?",
            "Mar 23, 2026",
            *("5:00", "60%", "800", "160", "2.0"),
        ],
        ["Summer budget", "Mar 16, 2026", "2:30", "30%", "375", "150", "unknown"],
        ["Spring budget", "Mar 2, 2026", "1:40", "20%", "233", "140", "2.0"],
    ]


def test_each_point_of_a_trend_leads_to_its_debate(open_page: OpenPage, year: str) -> None:
    page = open_page("/?speaker=Ada")
    trends = page.locator(".trend")
    expect(trends).to_have_count(5)
    share = trends.nth(1)
    expect(share.locator("strong")).to_have_text("60%")
    assert share.locator("title").all_text_contents() == [
        "Spring budget: 20%",
        "Summer budget: 30%",
        "Should Market Street be closed to cars?: 60%",
    ]
    heights = share.locator(".trend-point").evaluate_all(
        "all => all.map(c => +c.attributes.cy.value)"
    )
    assert heights[0] > heights[1] > heights[2]
    # Of one debate it is not known how often she began over others.
    expect(trends.nth(4).locator(".trend-point")).to_have_count(2)
    expect(trends.nth(4).locator(".trend-line")).to_have_count(0)

    page.evaluate("window.here = true")
    share.locator("a").last.click()
    expect(page).to_have_url(re.compile(rf"\?job={year}$"))
    expect(page.get_by_role("heading", level=1, name="Market Street")).to_be_visible()
    assert page.evaluate("window.here")  # the page was not loaded anew


def test_the_label_of_a_voice_is_nobody_across_debates(
    open_page: OpenPage, backend: Backend, year: str
) -> None:
    page = open_page("/?speaker=SPEAKER_00")
    expect(page.get_by_role("heading", level=1, name="Speaker 1")).to_be_visible()
    expect(page.get_by_text("In another debate it is somebody else")).to_be_visible()
    page.get_by_role("link", name="Open a debate and name its speakers").click()
    expect(page.get_by_role("heading", name="Debates", exact=True)).to_be_visible()
    assert not backend.requests["GET /statistics/index.json"]


def test_a_name_in_a_debate_leads_to_its_page(
    open_page: OpenPage, backend: Backend, year: str
) -> None:
    backend.opinions.say(year, Rename(op="rename", speaker="SPEAKER_01", name="Ada"))
    backend.opinions.count(year)
    page = open_page(f"/?job={year}")
    table = page.locator(".speaker-table")
    expect(table.locator("tbody th a")).to_have_count(1)  # nobody else has a name
    table.get_by_role("link", name="Ada", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?speaker=Ada$"))
    expect(page.locator(".sums")).to_be_visible()


def test_a_name_that_nobody_has_leads_to_what_was_said(open_page: OpenPage, year: str) -> None:
    page = open_page("/?speaker=Grace")
    expect(page.get_by_text("Nobody of this name in published debates")).to_be_visible()
    page.get_by_role("link", name="Search what was said under this name").click()
    expect(page.get_by_label("Speaker", exact=True)).to_have_value("Grace")
    expect(page.get_by_role("searchbox")).to_have_value("")


def test_before_anything_is_published_it_says_so(
    open_page: OpenPage, complaints: list[str]
) -> None:
    page = open_page("/?speaker=")
    expect(page.get_by_text("No debate is published yet")).to_be_visible()
    complaints.clear()  # of the file that is not there


@pytest.mark.usefixtures("small")
def test_the_archive_is_read_page_by_page_and_further_when_asked(
    open_page: OpenPage, backend: Backend
) -> None:
    for number in range(20):
        backend.archive.add(f"Debate {number}", person("Ada", 0.5))
    page = open_page("/?speaker=Ada")
    looked = page.get_by_text(re.compile("Looked through .* of 20 published debates"))
    expect(looked).to_be_visible()
    rows = page.locator(".data-table tbody tr")
    expect(page.get_by_role("button", name="Look further back")).to_be_visible()
    some = rows.count()
    assert 3 <= some < 20
    while page.get_by_role("button", name="Look further back").count():
        before = rows.count()
        page.get_by_role("button", name="Look further back").click()
        expect(rows).not_to_have_count(before)
        expect(page.get_by_role("button", name="Looking…")).to_have_count(0)
    expect(rows).to_have_count(20)
    expect(looked).to_have_count(0)
    titles = page.locator(".data-table tbody th").all_text_contents()
    assert titles == [f"Debate {number}" for number in reversed(range(20))]


@pytest.mark.usefixtures("small")
def test_a_page_of_the_index_that_is_lost_is_told_and_hides_no_other(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    for number in range(8):
        backend.archive.add(f"Debate {number}", person("Ada", 0.5))
    backend.archive.lose(index_page_key(0, 1))
    page = open_page("/?speaker=Ada")
    page.get_by_role("button", name="Look further back").click()
    expect(page.get_by_text(re.compile("Looked through 6 of 8"))).to_be_visible()
    expect(page.locator(".data-table tbody tr")).to_have_count(6)
    complaints.clear()


def test_it_goes_on_when_the_server_is_back(
    open_page: OpenPage, backend: Backend, year: str, complaints: list[str]
) -> None:
    backend.broken["/statistics/index.json"] = 503
    page = open_page("/?speaker=Ada")
    expect(page.get_by_role("alert")).to_contain_text("The server has a problem")
    backend.broken.clear()
    expect(page.locator(".data-table tbody tr")).to_have_count(3)
    complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["", "Ada", "SPEAKER_01", "Grace"])
def test_axe_finds_nothing(open_page: OpenPage, year: str, scheme: str, name: str) -> None:
    page = open_page(f"/?speaker={name}", color_scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert violations(page) == []


@pytest.mark.parametrize("name", ["", "Ada", RTL, "x" * 10_000])
def test_nothing_is_wider_than_the_screen(open_page: OpenPage, year: str, name: str) -> None:
    page = open_page(f"/?speaker={name}", locale="es-ES")
    page.wait_for_load_state("networkidle")
    for width in (320, 1280, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
