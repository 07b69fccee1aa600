"""Two debates side by side, and what may not be compared of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.frontend.axe import violations
from tests.frontend.backend import Backend
from tests.frontend.backend_archive import person
from tests.frontend.conftest import OpenPage
from tests.frontend.debate import ENGLISH, SPANISH, make_transcript

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def second(backend: Backend) -> str:
    """The id of another English debate, in which the same people speak."""
    return added(backend, "Night buses", "en")


@pytest.fixture
def spanish(backend: Backend) -> str:
    return added(backend, "Biblioteca central", "es")


def added(backend: Backend, title: str, language: str) -> str:
    job_id = backend.add(title)
    lines = ENGLISH if language == "en" else SPANISH
    backend.complete(job_id, make_transcript(lines, job_id=job_id, language=language))
    return job_id


def name(backend: Backend, job_id: str, *names: str | None) -> None:
    for row, each in zip(backend.statistics[job_id]["speakers"], names, strict=False):
        row["name"] = each


def figures(page: Page) -> dict[str, list[str]]:
    """Of the first table, by the names of their rows."""
    rows = page.locator(".data-table").first.locator("tbody tr").all()
    return {
        row.locator("th").inner_text(): [
            re.sub(r"\s+", " ", cell.strip()) for cell in row.locator("td").all_inner_texts()
        ]
        for row in rows
    }


def test_both_debates_are_chosen_from_lists(
    open_page: OpenPage, backend: Backend, debate: str, second: str
) -> None:
    backend.add("Not yet", "QUEUED", stage="transcribe")
    page = open_page("/?compare=")
    expect(page.get_by_label("First debate").locator("option")).to_have_text(
        ["Choose a debate", "Night buses", "Should Market Street be closed to cars?"]
    )
    page.get_by_label("First debate").focus()
    page.get_by_label("First debate").select_option(debate)
    expect(page).to_have_url(re.compile(rf"\?compare={debate}$"))
    expect(page.get_by_label("First debate")).to_be_focused()
    # What is chosen is not offered once more.
    expect(page.get_by_label("Second debate").locator("option")).to_have_count(2)
    page.get_by_label("Second debate").select_option(second)
    expect(page).to_have_url(re.compile(rf"\?compare={debate}&with={second}$"))
    expect(page.get_by_role("heading", name="Who spoke how much")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Second debate")).to_have_value("")
    expect(page.get_by_role("heading", name="Who spoke how much")).to_have_count(0)


def test_a_debate_s_page_leads_to_the_comparison(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    page.get_by_role("link", name="Compare with another debate").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Two debates side by side")
    expect(page.get_by_label("First debate")).to_have_value(debate)

    backend.links["a-link"] = debate
    shared = open_page("/?share=a-link")
    expect(shared.get_by_role("heading", level=1, name="Market Street")).to_be_visible()
    expect(shared.get_by_role("link", name="Compare with another debate")).to_have_count(0)


def test_figures_stand_beside_each_other_with_how_sure_they_are(
    open_page: OpenPage, backend: Backend, debate: str, second: str
) -> None:
    there = backend.statistics[second]
    there["duration"] = 170.0
    there["totals"]["silence"] = 90.0
    there["totals"]["uncertainty"]["silence"]["thisDebate"] = [85.0, 95.0]
    page = open_page(f"/?compare={debate}&with={second}")
    expect(page.locator(".comparison")).to_be_visible()
    found = figures(page)
    assert found["Length"] == ["1:25", "2:50", ""]
    assert [cell[:4] for cell in found["Words a minute of speech"]] == ["164 ", "164 ", "not "]
    assert re.fullmatch(r"164 16\d to 16\d", found["Words a minute of speech"][0])
    assert found["Time in which nobody spoke"][1:] == ["52.9% 50% to 55.9%", "second"]
    assert found["Turns in ten minutes"] == ["63.5", "31.8", ""]  # without an interval no verdict
    expect(page.get_by_role("heading", name="What may not be compared")).to_have_count(0)


def test_other_languages_and_methods_are_not_compared(
    open_page: OpenPage, backend: Backend, debate: str, spanish: str
) -> None:
    page = open_page(f"/?compare={debate}&with={spanish}")
    expect(page.get_by_text("The languages differ")).to_be_visible()
    found = figures(page)
    assert found["Language"] == ["English", "Spanish", ""]
    assert found["Words a minute of speech"][2] == "not comparable"
    assert found["Share of whoever spoke longest"][2] != "not comparable"

    backend.statistics[spanish]["provenance"]["statistics"]["method"] = "1999-01"
    backend.statistics[spanish]["provenance"]["transcript"] = {"recognition": {"model": "tiny"}}
    page.reload()
    expect(page.get_by_text("counted by different versions of the method")).to_be_visible()
    expect(page.get_by_text("different models of speech recognition")).to_be_visible()
    assert figures(page)["Share of whoever spoke longest"][2] == "not comparable"


def test_what_one_of_them_does_not_say_is_told_with_the_reason(
    open_page: OpenPage, backend: Backend, debate: str, second: str
) -> None:
    reason = "The transcript has one speaker at a time: it does not say who spoke at once."
    there = backend.statistics[second]
    there["unavailable"] = [
        {"figure": figure, "reason": reason} for figure in ("overlap", "overlapStarts")
    ]
    there["totals"]["overlap"] = None
    for row in there["speakers"]:
        row["overlapStarts"] = None
    page = open_page(f"/?compare={debate}&with={second}")
    expect(page.locator(".compare-obstacles li")).to_have_text([f"Second: {reason}"])
    assert figures(page)["Time in which two spoke at once"][1:] == ["unknown", ""]
    assert figures(page)["Began over others, in ten minutes"][1:] == ["unknown", ""]


def test_who_has_the_same_name_in_both_is_compared_too(
    open_page: OpenPage, backend: Backend, debate: str, second: str
) -> None:
    name(backend, debate, "Ada", HOSTILE)
    name(backend, second, None, "Ada", HOSTILE)
    backend.archive.add("The second debate", person("Ada", 0.3))
    page = open_page(f"/?compare={debate}&with={second}")
    both = page.locator(".data-table").nth(1)
    expect(both.locator("caption")).to_have_text("In both debates")
    expect(both.locator("tbody th")).to_have_text(["Ada", HOSTILE])
    row = [
        re.sub(r"\s+", " ", text)
        for text in both.locator("tbody tr").first.locator("td").all_inner_texts()
    ]
    assert row[0].startswith("25%")
    assert row[2] == "second"
    expect(page.locator("main img")).to_have_count(0)
    both.get_by_role("link", name="Ada").click()
    expect(page).to_have_url(re.compile(r"\?speaker=Ada$"))
    expect(page.get_by_role("heading", name="From debate to debate")).to_be_visible()


def test_a_figure_of_a_speaker_plays_its_evidence(
    open_page: OpenPage, backend: Backend, debate: str, second: str
) -> None:
    page = open_page(f"/?compare={debate}&with={second}")
    speakers = page.locator(".compare-speakers").first
    expect(speakers.locator("li")).to_have_count(3)
    rows: list[dict[str, Any]] = backend.statistics[debate]["speakers"]
    longest = max(rows, key=lambda row: row["speakingShare"])
    speakers.get_by_role("link", name=re.compile("longest turn")).first.click()
    start = longest["longestTurnStart"]
    expect(page).to_have_url(re.compile(rf"job={debate}&t={start:g}&to="))


@pytest.mark.parametrize("change", ["missing", "uncounted", "newer"])
def test_what_cannot_be_compared_says_why(
    open_page: OpenPage, backend: Backend, debate: str, complaints: list[str], change: str
) -> None:
    other = "3b241101-e2bb-4255-8caf-4136c566a962"
    said = "There is no such debate here"
    if change == "uncounted":
        other = backend.add("Parliament", "TRANSCRIBING", stage="transcribe")
        said = "Second debate: not counted yet"
    if change == "newer":
        other = added(backend, "Tomorrow", "en")
        backend.statistics[other] = {"schemaVersion": 9}
        said = "figures are of a version that this page does not know"
    page = open_page(f"/?compare={debate}&with={other}")
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.locator(".comparison")).to_have_count(0)
    complaints.clear()  # of what is not there


def test_the_same_debate_twice_is_pointed_out(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?compare={debate}&with={debate}")
    expect(page.get_by_text("This is the same debate twice")).to_be_visible()
    expect(page.locator(".comparison")).to_have_count(0)


def test_nobody_speaks_in_one_of_them(
    open_page: OpenPage, backend: Backend, debate: str, second: str
) -> None:
    there = backend.statistics[second]
    there |= {"speakers": [], "speakersCount": 0, "duration": 0.0}
    there["totals"] |= {"speakingTime": 0.0, "words": 0, "silence": 0.0}
    there["balance"]["evenness"] = None
    page = open_page(f"/?compare={debate}&with={second}")
    expect(page.get_by_text("Nobody could be told apart")).to_be_visible()
    assert figures(page)["Words a minute of speech"][1] == "unknown"
    assert "NaN" not in page.locator("main").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_it_fits(
    open_page: OpenPage, debate: str, spanish: str, scheme: str
) -> None:
    page = open_page(f"/?compare={debate}&with={spanish}", color_scheme=scheme, locale="es-ES")
    expect(page.get_by_text("Los idiomas son distintos")).to_be_visible()
    assert violations(page) == []
    for width in (320, 1280, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
