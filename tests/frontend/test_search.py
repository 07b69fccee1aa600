"""Search in all debates: from words to the moment they were said."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import wait_until
from tests.frontend.axe import violations
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage


@pytest.fixture
def said(backend: Backend, debate: str) -> str:
    """The id of a debate in which three passages have "tax" in them; another has one more."""
    title = backend.jobs[debate].title
    say = backend.search.say
    say(debate, title, 5.0, "Ada Lovelace", "A tax on cars is a tax on workers.")
    say(debate, title, 28.0, "SPEAKER_01", "We never voted for the Tax.")
    say(debate, title, 44.0, None, "<img src=x onerror=alert(1)> no tax at all")
    say("another", "Budget night", 61.0, "Ada Lovelace", "The tax stands as it was.")
    return debate


def search(page: Page, words: str) -> None:
    page.get_by_role("searchbox").fill(words)
    page.get_by_role("button", name="Search", exact=True).click()


def count(page: Page) -> Locator:
    return page.locator(".results-count")


def test_words_are_found_by_debate_with_their_matches_marked(
    open_page: OpenPage, backend: Backend, said: str
) -> None:
    page = open_page("/?search=")
    search(page, "tax")

    expect(page).to_have_url(re.compile(r"\?search=tax$"))
    expect(page).to_have_title("tax · Debate Analyzer")
    expect(count(page)).to_have_text("4 passages")
    expect(page.get_by_role("status")).to_have_text("4 passages")
    assert page.locator(".found h3").all_text_contents() == [
        "Should Market Street be closed to cars?",
        "Budget night",
    ]
    first = page.locator(".hit").first
    expect(first.locator(".hit-speaker")).to_have_text("Ada Lovelace")
    expect(first.locator(".hit-words")).to_have_text("A tax on cars is a tax on workers.")
    assert page.locator("mark").all_text_contents() == ["tax", "tax", "Tax", "tax", "tax"]
    expect(page.get_by_text("Speaker 2", exact=True)).to_be_visible()
    expect(page.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    expect(page.locator("main img")).to_have_count(0)
    expect(page.get_by_role("searchbox")).to_have_value("tax")
    assert len(backend.search.asked) == 1  # and not with every key


def test_a_hit_opens_the_debate_there_and_plays_it(open_page: OpenPage, said: str) -> None:
    page = open_page("/?search=voted")
    page.get_by_role("link", name="Play from 0:28, Speaker 2").click()

    expect(page).to_have_url(re.compile(r"job=.*&t=28&to=33$"))
    expect(page.get_by_role("heading", level=1, name="Market Street")).to_be_visible()
    wait_until(page, "document.querySelector('video')?.currentTime > 28")
    assert page.evaluate("document.querySelector('video').currentTime") < 34
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("voted")
    expect(count(page)).to_have_text("1 passage")


def test_going_back_to_a_moment_does_not_play_it(open_page: OpenPage, said: str) -> None:
    page = open_page(f"/?job={said}&t=28")
    wait_until(page, "document.querySelector('video')?.currentTime >= 28")
    page.get_by_role("link", name="Search", exact=True).click()
    expect(page.get_by_role("searchbox")).to_be_visible()
    page.go_back()
    wait_until(page, "document.querySelector('video')?.currentTime >= 28")
    assert page.evaluate("document.querySelector('video').paused")


def test_the_speaker_and_the_days_narrow_it_and_stand_in_the_address(
    open_page: OpenPage, backend: Backend, said: str
) -> None:
    page = open_page("/?search=tax")
    expect(count(page)).to_have_text("4 passages")
    page.get_by_label("Speaker", exact=True).fill("lovelace")
    page.get_by_label("Added from").fill("2026-11-01")
    page.get_by_label("Added until").fill("2026-11-30")
    search(page, "tax")
    expect(count(page)).to_have_text("2 passages")
    expect(page).to_have_url(re.compile(r"search=tax&by=lovelace&from=2026-11-01&to=2026-11-30$"))

    page.go_back()
    expect(count(page)).to_have_text("4 passages")
    expect(page.get_by_label("Speaker", exact=True)).to_have_value("")
    expect(page.get_by_label("Added from")).to_have_value("")
    page.go_forward()
    expect(count(page)).to_have_text("2 passages")
    expect(page.get_by_label("Added until")).to_have_value("2026-11-30")


def test_more_hits_follow_by_the_cursor_and_the_first_of_them_has_the_focus(
    open_page: OpenPage, backend: Backend
) -> None:
    for number in range(45):
        backend.search.say("a", "A long night", number * 10.0, "Ada", f"Item {number}: tax")
    page = open_page("/?search=tax")
    expect(count(page)).to_have_text("20 passages so far")
    page.get_by_role("button", name="Look further back").click()
    expect(count(page)).to_have_text("40 passages so far")
    expect(page.get_by_role("link", name="Play from 3:20, Ada")).to_be_focused()
    expect(page.locator(".found")).to_have_count(1)
    page.get_by_role("button", name="Look further back").click()
    expect(count(page)).to_have_text("45 passages")
    expect(page.get_by_role("link", name="Play from 6:40, Ada")).to_be_focused()
    expect(page.get_by_role("button", name="Look further back")).to_have_count(0)


def test_short_and_empty_pages_are_followed_until_there_is_enough(
    open_page: OpenPage, backend: Backend
) -> None:
    for number in range(30):
        backend.search.say("a", "A long night", number * 10.0, "Ada", "tax")
    backend.search.sizes = (0, 3, 0, 0, 20)
    page = open_page("/?search=tax")
    expect(count(page)).to_have_text("23 passages so far")
    assert len(backend.search.asked) == 5


def test_what_was_found_stays_while_the_server_is_away(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    for number in range(30):
        backend.search.say("a", "A long night", number * 10.0, "Ada", "tax")
    page = open_page("/?search=tax")
    expect(count(page)).to_have_text("20 passages so far")
    backend.broken["/api/search"] = 500
    page.get_by_role("button", name="Look further back").click()
    expect(page.get_by_role("alert")).to_contain_text("The server has a problem")
    expect(count(page)).to_have_text("20 passages so far")
    backend.broken.clear()
    expect(count(page)).to_have_text("30 passages")
    complaints.clear()


def test_what_cannot_be_searched_for_is_told_with_the_reason(
    open_page: OpenPage, complaints: list[str]
) -> None:
    page = open_page("/?search=!!")
    expect(page.get_by_text("This could not be searched for")).to_be_visible()
    reason = page.get_by_text("there is no word in it")
    expect(reason).to_have_attribute("lang", "en")
    complaints.clear()


def test_nothing_found_says_what_to_try(open_page: OpenPage, said: str) -> None:
    page = open_page("/?search=zebra")
    expect(page.get_by_text("Nothing was found")).to_be_visible()
    expect(page.get_by_text("Try fewer words")).to_be_visible()


def test_an_empty_search_asks_nobody(open_page: OpenPage, backend: Backend) -> None:
    page = open_page("/?search=")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert not backend.search.asked


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: OpenPage, said: str, scheme: str) -> None:
    page = open_page("/?search=tax", color_scheme=scheme)
    expect(count(page)).to_have_text("4 passages")
    assert violations(page) == []


def test_it_fits_small_screens_and_is_used_by_keyboard_alone(
    open_page: OpenPage, said: str
) -> None:
    page = open_page("/?search=", locale="es-ES", viewport={"width": 320, "height": 700})
    page.get_by_role("searchbox").focus()
    page.keyboard.type("tax")
    page.keyboard.press("Enter")
    expect(count(page)).to_have_text("4 pasajes")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_label("Añadido hasta").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('hit-time')"):
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"t=5&to=10$"))
