"""Who speaks when: the lanes, by pointer, by keyboard, and large."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from debate_analyzer.transcript import Segment, Transcript, Turn
from tests.browser import wait_until
from tests.frontend.axe import violations
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.debate import DURATION
from tests.frontend.test_debate import media_time, ready


def lanes(page: Page) -> Locator:
    return page.get_by_role("group", name=re.compile("speakers over"))


def cursor(page: Page) -> Locator:
    return lanes(page).locator("a[data-moment]")


def box_of(place: Locator) -> FloatRect:
    box = place.bounding_box()
    assert box
    return box


def view(page: Page) -> list[float]:
    """What is shown of the recording, from and to."""
    edges = page.get_by_role("slider")
    return [float(edges.nth(i).get_attribute("aria-valuenow") or "nan") for i in (0, 1)]


def expect_view(page: Page, start: int, end: int) -> None:
    expect(page.get_by_role("slider").nth(0)).to_have_attribute("aria-valuenow", str(start))
    expect(page.get_by_role("slider").nth(1)).to_have_attribute("aria-valuenow", str(end))


def test_a_click_on_a_lane_goes_there(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    chart = lanes(page)
    left = chart.locator(".drawing-track").first.evaluate("track => track.x.baseVal.value")
    width = box_of(chart)["width"] - left
    chart.click(position={"x": left + width / 2, "y": 5})  # nobody of the first lane speaks then
    wait_until(page, "!document.querySelector('video').paused")
    assert media_time(page) == pytest.approx(DURATION / 2, abs=2)
    chart.click(position={"x": left + width * 62 / DURATION, "y": 60})  # within a turn of the third
    expect(page).to_have_url(re.compile(r"t=56$"))


def test_overlaps_and_silences_have_rows_of_their_own(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    expect(
        lanes(page).locator("text").filter(has_text=re.compile("At once|Silence"))
    ).to_have_count(2)
    expect(page.locator(".lane-together")).to_have_count(1)
    cursor(page).focus()
    page.keyboard.press("End")
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    both = "At once (Speaker 2, Speaker 3), 0:43 to 0:44, 0.6 s"
    expect(cursor(page)).to_have_attribute("aria-label", both)
    page.keyboard.press("ArrowDown")
    expect(cursor(page)).to_have_attribute("aria-label", re.compile("^Silence, 0:38"))


def test_the_lanes_are_one_stop_of_the_tab_key_with_arrows_within(
    open_page: OpenPage, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    cursor(page).focus()
    page.keyboard.press("Home")
    expect(cursor(page)).to_have_attribute("aria-label", "Silence, 0:00 to 0:00, 0.6 s")
    page.keyboard.press("ArrowRight")
    expect(cursor(page)).to_have_attribute("aria-label", "Speaker 1, 0:00 to 0:09, 8.8 s")
    expect(page.locator("p[role=status]")).to_have_text("Speaker 1, 0:00 to 0:09, 8.8 s")
    expect(page.locator(".timeline-tip")).to_have_text("Speaker 1, 0:00 to 0:09, 8.8 s")
    page.keyboard.press("ArrowDown")
    expect(cursor(page)).to_have_attribute("aria-label", "Speaker 2, 0:10 to 0:19, 9.7 s")
    page.keyboard.press("Enter")
    wait_until(page, "document.querySelector('video').currentTime >= 10.1")
    page.keyboard.press("Tab")
    expect(page.get_by_role("slider", name="Start of what is shown")).to_be_focused()


def test_whoever_points_at_a_turn_is_told_whose_it_is(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    chart = lanes(page)
    left = chart.locator(".drawing-track").first.evaluate("track => track.x.baseVal.value")
    width = box_of(chart)["width"] - left
    chart.hover(position={"x": left + width * 5 / DURATION, "y": 12})
    expect(page.locator(".timeline-tip")).to_have_text("Speaker 1, 0:00 to 0:09, 8.8 s")
    chart.hover(position={"x": left + width * 40 / DURATION, "y": 12})
    expect(page.locator(".timeline-tip")).to_have_count(0)


def test_zoom_by_buttons_keys_and_wheel(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    expect_view(page, 0, 85)
    page.get_by_role("button", name="Zoom in").click()
    expect_view(page, 21, 64)
    cursor(page).focus()
    page.keyboard.press("+")
    wait_until(page, "document.querySelector('.timeline-cursor') === document.activeElement")
    start, end = view(page)
    assert end - start == pytest.approx(DURATION / 4, abs=1)
    page.keyboard.press("0")
    expect_view(page, 0, 85)
    chart = box_of(lanes(page))
    page.mouse.move(chart["x"] + chart["width"] - 2, chart["y"] + 30)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    expect(page.get_by_role("slider").nth(0)).not_to_have_attribute("aria-valuenow", "0")
    expect(page.get_by_role("slider").nth(1)).to_have_attribute("aria-valuenow", "85")
    page.get_by_role("button", name="All: show the whole recording").click()
    expect_view(page, 0, 85)


def test_what_is_shown_is_dragged_and_drawn_on_the_overview(
    open_page: OpenPage, debate: str
) -> None:
    page = open_page(f"/?job={debate}", viewport={"width": 1280, "height": 1200})
    ready(page)
    box = box_of(page.locator(".overview-drawing"))
    width = box["width"] - 24

    def to(seconds: float) -> None:
        page.mouse.move(box["x"] + 12 + width * seconds / DURATION, box["y"] + 10, steps=4)

    to(30)
    page.mouse.down()
    to(50)
    page.mouse.up()
    expect_view(page, 30, 50)
    to(40)
    page.mouse.down()
    to(60)
    page.mouse.up()
    expect_view(page, 50, 70)
    to(70)
    page.mouse.down()
    to(80)
    page.mouse.up()
    expect_view(page, 50, 80)


def test_the_ends_of_what_is_shown_are_sliders(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    page.get_by_role("button", name="Zoom in").click()
    expect_view(page, 21, 64)
    page.get_by_role("slider", name="End of what is shown").focus()
    page.keyboard.press("ArrowRight")
    expect_view(page, 26, 68)
    page.keyboard.press("Shift+ArrowLeft")
    expect_view(page, 26, 64)
    page.keyboard.press("End")
    expect_view(page, 47, 85)
    page.get_by_role("slider", name="Start of what is shown").focus()
    page.keyboard.press("Shift+Home")
    expect_view(page, 0, 85)


def test_what_is_shown_follows_the_recording_where_it_plays_out_of_it(
    open_page: OpenPage, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    cursor(page).focus()
    page.keyboard.press("Home")
    page.keyboard.press("+")
    page.keyboard.press("+")
    expect_view(page, 0, 21)
    page.locator("video").evaluate("video => { video.currentTime = 30; }")
    expect_view(page, 28, 49)


def _long(people: int, turns: int) -> Transcript:
    """Three hours."""
    length = 3 * 3600 / turns
    heard = [
        Turn(start=i * length, end=(i + 0.9) * length, speaker=f"SPEAKER_{i % people:02}")
        for i in range(turns)
    ]
    said = [
        Segment(start=turn.start, end=turn.end, speaker=turn.speaker, text="word " * 8)
        for turn in heard
    ]
    return Transcript(duration=3 * 3600, language="en", transcription=said, turns=heard)


def test_three_thousand_turns_are_a_few_elements(open_page: OpenPage, backend: Backend) -> None:
    job_id = backend.add("Parliament")
    backend.complete(job_id, _long(people=12, turns=3000))
    page = open_page(f"/?job={job_id}")
    wait_until(page, "document.querySelector('.speaker-table')")
    count = "svg => svg.querySelectorAll('*').length"
    assert lanes(page).evaluate(count) < 200
    cursor(page).focus()
    page.keyboard.press("ArrowRight")
    expect(cursor(page)).to_have_attribute("aria-label", re.compile("^Silence, 0:03"))
    page.keyboard.press("End")
    expect(cursor(page)).to_have_attribute("aria-label", re.compile("2:59:59"))
    for _ in range(8):
        page.keyboard.press("+")
    start, end = view(page)
    assert end - start == pytest.approx(10800 / 256, abs=1)
    assert lanes(page).evaluate(count) < 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_an_open_chart(open_page: OpenPage, debate: str, scheme: str) -> None:
    page = open_page(f"/?job={debate}", color_scheme=scheme)
    ready(page)
    page.locator(".lanes-zoom").get_by_role("button", name="Zoom in").click()
    page.locator(".chart-behind summary").first.click()
    expect(page.locator(".chart-table").first).to_be_visible()
    assert violations(page) == []
