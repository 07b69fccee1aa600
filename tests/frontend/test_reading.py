"""A transcript is searched, quoted, played by keys, printed; and whether it was of use is said."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import wait_until
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.debate import SPANISH, make_transcript


def ready(page: Page) -> None:
    wait_until(page, "document.querySelector('video')?.readyState >= 1")
    wait_until(page, "document.querySelector('.speaker-names') !== null")
    expect(page.locator(".figures")).to_be_visible()


@pytest.fixture
def page(open_page: OpenPage, debate: str) -> Page:
    permissions = ["clipboard-read", "clipboard-write"]
    page = open_page(f"/?job={debate}", reduced_motion="reduce", permissions=permissions)
    ready(page)
    return page


def marked(page: Page, name: str = "found") -> list[str]:
    found: list[str] = page.evaluate(
        """(name) => [...(CSS.highlights.get(name) ?? [])].map((range) =>
            range.startContainer.data.slice(range.startOffset, range.endOffset))""",
        name,
    )
    return found


# --- Finding --------------------------------------------------------------------------------------


def test_words_are_found_whatever_their_case_and_accents(
    open_page: OpenPage, backend: Backend
) -> None:
    job_id = backend.add("Debate")
    lines = [(who, start, end, f"{text} ¿Y la Pensión?") for who, start, end, text in SPANISH]
    backend.complete(job_id, make_transcript(lines, job_id=job_id, language="es"))
    page = open_page(f"/?job={job_id}")
    ready(page)
    page.keyboard.press("/")
    field = page.get_by_label("Find in the transcript")
    expect(field).to_be_focused()
    field.fill("pension?")
    expect(page.locator(".find-count")).to_have_text(f"{len(SPANISH)} found")
    wait_until(page, "CSS.highlights.get('found')?.size > 0")
    assert set(marked(page)) == {"Pensión?"}
    assert page.locator(".segment mark").count() == 0
    field.fill("no such words")
    expect(page.locator(".find-count")).to_have_text("Not found")


LONG = 900
"""Segments: too many to be drawn at once."""


def _long(backend: Backend) -> str:
    job_id = backend.add("A long debate")
    lines = [
        (f"SPEAKER_0{n // 10 % 3}", n * 0.09, n * 0.09 + 0.08, f"part {n}") for n in range(LONG)
    ]
    backend.complete(job_id, make_transcript(lines, job_id=job_id, language="en"))
    return job_id


def test_a_long_transcript_is_there_to_its_last_word(open_page: OpenPage, backend: Backend) -> None:
    page = open_page(f"/?job={_long(backend)}", viewport={"width": 1280, "height": 1400})
    page.get_by_label("Find in the transcript").fill(f"part {LONG - 1}")
    expect(page.locator(".segment")).to_have_count(LONG)
    expect(page.locator(".find-count")).to_have_text("1 found")
    page.keyboard.press("Enter")
    expect(page.locator(".segment").last).to_be_in_viewport()
    assert page.locator(".segment-text").all_text_contents()[1:3] == ["part 1", "part 2"]


def test_a_link_late_into_a_long_transcript_opens_there(
    open_page: OpenPage, backend: Backend
) -> None:
    page = open_page(f"/?job={_long(backend)}&t=80", reduced_motion="reduce")
    current = page.locator(".segment[aria-current]")
    expect(current).to_contain_text("part 888")
    expect(current).to_be_in_viewport()
    expect(page.locator(".segment")).to_have_count(LONG)
    expect(current).to_be_in_viewport()


def test_enter_goes_from_one_that_is_found_to_the_next(page: Page, debate: str) -> None:
    field = page.get_by_label("Find in the transcript")
    field.fill("street")
    count = page.locator(".find-count")
    page.keyboard.press("Enter")
    expect(count).to_contain_text("1 of ")
    assert marked(page, "found-here") == ["Street"]
    page.keyboard.press("Enter")
    expect(count).to_contain_text("2 of ")
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    total = int(count.inner_text().split()[-1])
    expect(count).to_have_text(f"{total} of {total}")
    expect(page.get_by_label("Follow the recording")).not_to_be_checked()
    # The Tab key's one stop in the transcript is now where it was found.
    stop = page.locator(".segment-time[tabindex='0']")
    expect(stop).to_have_count(1)
    expect(page.locator(".segment").filter(has=stop)).to_contain_text("street")
    page.keyboard.press("Escape")
    expect(field).to_have_value("")
    wait_until(page, "!CSS.highlights.get('found')?.size")


# --- Quoting --------------------------------------------------------------------------------------


def test_a_link_to_a_clip_is_copied(page: Page, debate: str) -> None:
    page.locator(".segment-time").nth(1).focus()
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".segment[data-clip]")).to_have_count(2)
    page.get_by_role("button", name="Copy a link to this clip").click()
    expect(page.locator("p[role=status]", has_text="Copied")).to_have_count(1)
    address = page.evaluate("navigator.clipboard.readText()")
    play = page.locator(".clip-bar a")
    start, end = (float(play.get_attribute(f"data-{name}") or 0) for name in ("moment", "end"))
    assert address.endswith(f"/?job={debate}&t={start:g}&to={end:g}")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".segment[data-clip]")).to_have_count(0)
    page.goto(address)
    ready(page)
    expect(page.locator(".segment[data-clip]")).to_have_count(2)


def test_a_link_to_the_moment_is_copied(page: Page, debate: str) -> None:
    page.locator("video").evaluate("video => { video.currentTime = 30; }")
    wait_until(page, "!document.querySelector('video').seeking")
    page.get_by_role("button", name="Copy a link to this moment").click()
    expect(page.locator(".clip-bar").get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/?job={debate}&t=30")


def test_what_the_clipboard_does_not_take_can_be_copied_by_hand(
    open_page: OpenPage, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    page.evaluate("() => { navigator.clipboard.write = () => Promise.reject(new Error('no')); }")
    page.get_by_role("button", name="Copy a link to this moment").click()
    expect(page.locator(".clip-address input")).to_have_value(f"{page.url}&t=0")


def test_words_that_are_selected_are_a_clip(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 1400})
    first, second = (page.locator(".segment-text").nth(n).bounding_box() for n in (1, 2))
    assert first
    assert second
    page.mouse.move(first["x"] + 4, first["y"] + 8)
    page.mouse.down()
    page.mouse.move(second["x"] + 60, second["y"] + 8, steps=4)
    page.mouse.up()
    expect(page.locator(".segment[data-clip]")).to_have_count(2)


# --- Playing by keys ------------------------------------------------------------------------------


def test_keys_play_and_can_be_switched_off(page: Page) -> None:
    page.locator(".segment-time").nth(1).focus()
    page.keyboard.press("Space")
    wait_until(page, "!document.querySelector('video').paused")
    page.keyboard.press("k")
    wait_until(page, "document.querySelector('video').paused")
    page.locator("video").evaluate("video => { video.currentTime = 40; }")
    page.keyboard.press("l")
    wait_until(page, "document.querySelector('video').currentTime === 50")
    page.keyboard.press("j")
    wait_until(page, "document.querySelector('video').currentTime === 40")
    page.keyboard.press("?")
    page.get_by_label("Single keys work on the whole page").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    page.keyboard.press("l")
    assert page.locator("video").evaluate("video => [video.paused, video.currentTime]") == [
        True,
        40,
    ]


def test_a_key_typed_into_a_field_is_a_letter(page: Page) -> None:
    page.get_by_label("Find in the transcript").focus()
    page.keyboard.type("kjl/?")
    expect(page.get_by_label("Find in the transcript")).to_have_value("kjl/?")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_who_speaks_is_asked_by_a_key(page: Page) -> None:
    page.locator(".segment-time").nth(1).focus()
    page.keyboard.press("n")
    expect(page.get_by_role("dialog", name="Speaker 2")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".segment-time").nth(1)).to_be_focused()


# --- On paper, and of use -------------------------------------------------------------------------


def test_paper_has_the_facts_the_figures_and_all_that_was_said(page: Page) -> None:
    page.set_viewport_size({"width": 720, "height": 1000})
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("video")).to_be_hidden()
    for control in (".transcript-search", ".downloads", ".clip-bar", ".feedback", "nav >> nth=0"):
        expect(page.locator(control)).to_be_hidden()
    expect(page.locator(".figures table").first).to_be_visible()
    expect(page.locator(".button:visible")).to_have_count(0)
    # Nothing of the list is cut off, and it comes after the figures.
    assert page.locator(".transcript-list").evaluate("l => l.scrollHeight <= l.clientHeight")
    figures, transcript = (page.locator(at).bounding_box() for at in (".figures", ".transcript"))
    assert figures
    assert transcript
    assert figures["y"] < transcript["y"]


def test_whether_it_was_of_use_is_said_and_taken_back(
    page: Page, backend: Backend, debate: str
) -> None:
    section = page.locator(".feedback")
    section.get_by_role("button", name="Yes").click()
    section.get_by_label("Why?").fill("The ranges helped.")
    section.get_by_role("button", name="Save").click()
    expect(section.get_by_text("Thank you")).to_be_visible()
    mark = backend.opinions.marks[debate]
    assert (mark.useful, mark.comment) == (True, "The ranges helped.")

    page.reload()
    expect(section.get_by_role("button", name="Yes")).to_have_attribute("aria-pressed", "true")
    expect(section.get_by_label("Why?")).to_have_value("The ranges helped.")
    section.get_by_role("button", name="Take it back").click()
    expect(section.get_by_role("button", name="Yes")).to_have_attribute("aria-pressed", "false")
    assert debate not in backend.opinions.marks


def test_a_mark_that_is_not_taken_is_said_and_made_again_by_the_same_button(
    page: Page, backend: Backend, debate: str, complaints: list[str]
) -> None:
    section = page.locator(".feedback")
    section.get_by_role("button", name="Yes").click()
    expect(section.get_by_text("Thank you")).to_be_visible()

    backend.broken[f"/api/jobs/{debate}/feedback"] = 409
    section.get_by_role("button", name="No").click()
    expect(section.get_by_role("alert")).to_contain_text("Broken by a test.")
    expect(section.get_by_text("Thank you")).to_have_count(0)
    expect(section.get_by_role("button", name="Yes")).to_have_attribute("aria-pressed", "true")

    backend.broken.clear()
    section.get_by_role("button", name="No").click()
    expect(section.get_by_text("Thank you")).to_be_visible()
    expect(section.get_by_role("alert")).to_be_empty()
    assert not backend.opinions.marks[debate].useful
    complaints.clear()


def test_a_mark_that_cannot_be_had_is_asked_for_again(
    page: Page, backend: Backend, debate: str, complaints: list[str]
) -> None:
    section = page.locator(".feedback")
    section.get_by_role("button", name="Yes").click()
    expect(section.get_by_text("Thank you")).to_be_visible()

    backend.broken[f"/api/jobs/{debate}/feedback"] = 503
    page.reload()
    expect(page.locator(".banner")).to_contain_text("The server has a problem")
    backend.broken.clear()
    page.get_by_role("button", name="Try now").click()
    expect(section.get_by_role("button", name="Yes")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".banner")).to_have_count(0)

    backend.broken[f"/api/jobs/{debate}/feedback"] = 403
    page.reload()
    expect(section.get_by_role("alert")).to_contain_text("Broken by a test.")
    complaints.clear()
