"""The figures: the numbers of the JSON, how sure they are, and the moments they are made of."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from debate_analyzer.edits import AssignRole, Rename, Schedule, Slot
from debate_analyzer.statistics import SpeakerStatistics
from debate_analyzer.transcript import Transcript
from tests.browser import wait_until
from tests.frontend.axe import violations
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.test_debate import media_time, ready

COLUMNS = [
    *("speakingTime", "speakingShare", "words", "wordShare", "wordsPerMinute"),
    *("segments", "turns", "longestTurn", "meanTurn", "confidence"),
]


def published(backend: Backend, job_id: str) -> dict[str, Any]:
    return backend.statistics[job_id]


def chart(page: Page, title: str) -> Locator:
    return page.locator("figure.chart", has=page.get_by_role("heading", name=title, exact=True))


def panel(page: Page) -> Locator:
    return page.get_by_role("dialog")


@pytest.fixture
def edited(backend: Backend, debate: str) -> str:
    """A debate whose people have names, roles, sides and agreed times."""
    moderator, ada, other = "SPEAKER_00", "SPEAKER_01", "SPEAKER_02"
    backend.opinions.say(
        debate,
        Rename(speaker=ada, name="Ada <i>Lovelace</i>"),
        AssignRole(speaker=moderator, role="moderator"),
        AssignRole(speaker=ada, role="debater", side="for"),
        AssignRole(speaker=other, role="debater", side="against"),
        Schedule(slots=(Slot(speaker=ada, seconds=30), Slot(speaker=other, seconds=30))),
    )
    return debate


def test_the_numbers_are_those_of_the_json(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    statistics = published(backend, debate)
    rows = sorted(statistics["speakers"], key=lambda row: -row["speakingTime"])
    shown = page.locator(".speaker-table tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('data')].map(data => Number(data.value)))"
    )
    assert shown == [[row[column] for column in COLUMNS] for row in rows]
    names = [f"Speaker {int(row['speaker'][-2:]) + 1}" for row in rows]
    expect(page.locator(".speaker-table tbody th")).to_have_text(names)

    totals = statistics["totals"]
    headlines = page.locator(".headlines data").evaluate_all("all => all.map(d => Number(d.value))")
    assert headlines == [
        *(statistics["duration"], statistics["speakersCount"], totals["words"]),
        *(totals["turns"], totals["overlap"], totals["silence"]),
    ]
    # What a reader sees is the same number, rounded.
    first = page.locator(".speaker-table tbody tr").first
    expect(first).to_contain_text(f"{rows[0]['speakingTime']:.0f} s")
    expect(first).to_contain_text(f"{100 * rows[0]['speakingShare']:.0f}%")
    expect(first).to_contain_text(f"{rows[0]['wordsPerMinute']:.0f}")
    expect(page.get_by_text("All figures are approximate")).to_be_visible()


def test_every_column_is_in_the_contract() -> None:
    fields = {field.alias for field in SpeakerStatistics.model_fields.values()}
    assert fields > {*COLUMNS, "speaker", "longestTurnStart"}


def test_bars_are_as_long_as_their_numbers_with_their_intervals_on_them(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    rows = sorted(published(backend, debate)["speakers"], key=lambda row: -row["speakingTime"])
    bars = chart(page, "Speaking time").locator("rect.bar")
    widths = bars.evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().width)")
    times = [row["speakingTime"] for row in rows]
    assert [w / widths[0] for w in widths] == pytest.approx([t / times[0] for t in times], rel=0.01)
    whiskers = chart(page, "Speaking time").locator("path.whisker")
    lengths = whiskers.evaluate_all("all => all.map(each => each.getBBox().width)")
    bounds = [row["uncertainty"]["speakingTime"]["thisDebate"] for row in rows]
    scale = widths[0] / times[0]
    assert lengths == pytest.approx([(high - low) * scale for low, high in bounds], rel=0.02)


def test_figures_come_with_how_sure_they_are(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    rows = sorted(published(backend, debate)["speakers"], key=lambda row: -row["speakingTime"])
    low, high = rows[0]["uncertainty"]["speakingTime"]["thisDebate"]
    assert low < rows[0]["speakingTime"] < high
    first = page.locator(".speaker-table tbody tr").first.locator("td").first
    expect(first.locator(".figure-range")).to_have_text(f"{low:.0f} s to {high:.0f} s")
    pace = [f"{bound:.0f}" for bound in rows[0]["uncertainty"]["wordsPerMinute"]["thisDebate"]]
    ranges = page.locator(".speaker-table tbody tr").first.locator(".figure-range")
    assert " to ".join(pace) in ranges.all_text_contents()

    (sure,) = (
        comparison["thisDebate"]
        for comparison in published(backend, debate)["comparisons"]
        if comparison["figure"] == "speakingTime"
        and (comparison["more"], comparison["less"]) == (rows[0]["speaker"], rows[1]["speaker"])
    )
    told = page.locator(".comparisons li").first
    expect(told).to_contain_text("spoke longer than")
    expect(told).to_contain_text("more than 99%" if sure > 0.995 else f"{100 * sure:.0f}%")


def test_how_sure_has_two_questions(open_page: OpenPage, backend: Backend, debate: str) -> None:
    """With few turns one of them has no answer: then nothing is shown."""
    row = max(published(backend, debate)["speakers"], key=lambda row: row["speakingTime"])
    assert row["uncertainty"]["speakingTime"]["suchDebates"] is None
    row["uncertainty"]["words"]["suchDebates"] = [60.0, 110.0]
    page = open_page(f"/?job={debate}")
    ready(page)
    page.get_by_label("about debates like it").check()
    expect(page.get_by_text("how much of a difference is chance")).to_be_visible()
    ranges = page.locator(".speaker-table tbody tr").first.locator(".figure-range")
    expect(ranges).to_have_text(["60 to 110"])
    expect(chart(page, "Speaking time").locator("path.whisker")).to_have_count(0)
    expect(chart(page, "Words").locator("path.whisker")).to_have_count(1)


def test_a_number_opens_the_moments_it_is_made_of_and_they_play(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    page.get_by_role("button", name="Speaking time of Speaker 2: 31 s").click()
    spans = [
        span
        for span in published(backend, debate)["evidence"]["speech"]
        if span["speaker"] == "SPEAKER_01"
    ]
    moments = panel(page).locator("a[data-moment]")
    times = moments.evaluate_all("all => all.map(a => [+a.dataset.moment, +a.dataset.end])")
    assert times == [[span["start"], span["end"]] for span in spans]
    expect(panel(page)).to_contain_text("had everything been heard without error")
    expect(panel(page)).to_contain_text("Three thousand people walk that street")
    moments.nth(1).click()
    wait_until(page, f"document.querySelector('video').currentTime >= {spans[1]['start']}")
    expect(panel(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()


def test_moments_play_one_after_the_other(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    silence = page.get_by_role("button", name="Silence: 7.1 s")
    silence.focus()
    page.keyboard.press("Enter")
    panel(page).get_by_role("button", name="Play all").click()
    wait_until(page, "document.querySelector('video').currentTime >= 9.4")  # the second
    wait_until(page, "document.querySelector('video').currentTime >= 19.8")  # the third
    panel(page).get_by_role("button", name="Stop").click()
    expect(panel(page).get_by_role("button", name="Play all")).to_be_visible()
    page.keyboard.press("Escape")
    expect(silence).to_be_focused()


def test_the_longest_turn_plays_from_its_number(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    page.get_by_role("link", name="Longest turn of Speaker 2").click()
    [row] = [r for r in published(backend, debate)["speakers"] if r["speaker"] == "SPEAKER_01"]
    wait_until(page, "!document.querySelector('video').paused")
    assert media_time(page) >= row["longestTurnStart"]
    expect(page.locator("video")).to_be_in_viewport()


def test_every_count_that_opens_has_as_many_moments(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    opened = 0
    for column in (6, 7):  # segments, turns
        for button in page.locator(f".speaker-table td:nth-child({column + 1}) button").all():
            count = int(button.inner_text())
            button.click()
            expect(panel(page).locator("a[data-moment]")).to_have_count(count)
            page.keyboard.press("Escape")
            opened += 1
    assert opened == 6


def test_pace_is_a_row_a_speaker_and_a_window_plays(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    pace = chart(page, "Pace over time")
    expect(pace.locator("path.pace-line")).to_have_count(3)
    cursor = pace.locator("a[data-moment]")
    cursor.focus()
    page.keyboard.press("End")
    last = max(
        (window["start"], -row["speakingTime"], window)
        for row in published(backend, debate)["speakers"]
        for window in row["pace"]
        if window["wordsPerMinute"] is not None
    )[2]
    expect(cursor).to_have_attribute(
        "aria-label", re.compile(f": {last['wordsPerMinute']:.0f} words a minute, {last['words']} ")
    )
    page.keyboard.press("Enter")
    wait_until(page, f"document.querySelector('video').currentTime >= {last['start']}")


def test_the_matrix_has_the_counts_and_each_has_as_many_turns(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    taking = published(backend, debate)["turnTaking"]
    matrix = chart(page, "Who follows whom")
    cells = matrix.locator("[data-cell]")
    shown = matrix.locator(".figure-mark text").all_text_contents()
    counts = [count for row in taking["counts"] for count in row]
    assert [text.strip() for text in shown] == [str(count) if count else "·" for count in counts]
    for index, count in enumerate(counts):
        if count:
            cells.nth(index).click()
            expect(panel(page).locator("a[data-moment]")).to_have_count(count)
            page.keyboard.press("Escape")
    cells.first.focus()
    page.keyboard.press("ArrowRight")
    expect(cells.nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(cells.nth(4)).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel(page)).to_be_visible()


def test_shares_stand_beside_what_was_agreed_and_what_is_even(
    open_page: OpenPage, backend: Backend, edited: str
) -> None:
    page = open_page(f"/?job={edited}")
    ready(page)
    balance = published(backend, edited)["balance"]
    agreed = chart(page, "Agreed time")
    assert agreed.locator("rect.bar").evaluate_all("all => all.map(b => +b.dataset.value)") == [
        slot["used"] for slot in balance["agreed"]
    ]
    expect(agreed.locator("path.bar-target")).to_have_count(2)
    over = balance["agreed"][0]
    assert over["overrun"] > 0
    label = f"Ada <i>Lovelace</i>: {over['used']:.0f} s of 30 s, +{over['overrun']:.1f} s"
    expect(agreed.get_by_role("button", name=label)).to_be_visible()
    sides = chart(page, "Sides").locator("rect.bar")
    assert sides.evaluate_all("all => all.map(b => +b.dataset.value)") == [
        side["share"] for side in balance["sides"]
    ]
    expect(chart(page, "Balance")).to_contain_text("Evenness 1.00")
    floor = chart(page, "Floor given by Speaker 1")
    floor.get_by_role("button", name="Ada <i>Lovelace</i>: once").click()
    expect(panel(page).locator("a[data-moment]")).to_have_count(1)


def test_overlaps_are_filtered(open_page: OpenPage, backend: Backend, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    (event,) = published(backend, debate)["evidence"]["overlapStarts"]
    overlaps = chart(page, "Who began while another spoke")
    expect(overlaps).to_contain_text("1 time")
    cursor = overlaps.locator(".timeline a[data-moment]")
    expect(cursor).to_have_attribute("aria-label", "Overlap: Speaker 2 over Speaker 3, 0:43")
    expect(cursor).to_have_attribute("data-end", f"{event['end']:g}")
    overlaps.get_by_label("Kind").select_option("backchannel")
    expect(overlaps).to_contain_text("0 times")
    expect(cursor).to_have_count(0)
    overlaps.get_by_label("Kind").select_option("overlap")
    overlaps.get_by_label("Who began", exact=True).select_option("SPEAKER_01")
    expect(overlaps).to_contain_text("1 time")
    overlaps.get_by_label("Over whom").select_option("SPEAKER_00")
    expect(overlaps).to_contain_text("0 times")


def test_what_the_transcript_cannot_say_is_said(open_page: OpenPage, backend: Backend) -> None:
    job_id = backend.add("Foreign", filename=None)
    segments = [
        {"start": 0, "end": 4, "text": "Hello there", "speaker": "A"},
        {"start": 5, "end": 9, "text": "And to you", "speaker": "B"},
    ]
    transcript = Transcript.model_validate({"duration": 10, "transcription": segments})
    backend.complete(job_id, transcript)
    page = open_page(f"/?job={job_id}", locale="es-ES")
    expect(page.get_by_text("no dice quiénes hablaron al mismo tiempo")).to_be_visible()
    reasons = page.locator(".figures-missing li")
    given = {each["reason"] for each in published(backend, job_id)["unavailable"]}
    expect(reasons).to_have_count(len(given))
    expect(page.locator(".figures-missing [lang=en]")).to_have_count(0)


def test_figures_of_another_version_are_not_guessed_at(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    backend.statistics[debate] = {"schemaVersion": 3, "people": {"new": "shape"}}
    page = open_page(f"/?job={debate}")
    expect(page.get_by_text("written in version 3")).to_be_visible()
    expect(page.get_by_text("I own one of those shops")).to_be_visible()


def test_a_table_behind_a_chart_has_its_numbers_and_plays(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    pace = chart(page, "Pace over time")
    pace.get_by_text("Table and copies").click()
    windows = [
        window
        for row in published(backend, debate)["speakers"]
        for window in row["pace"]
        if window["wordsPerMinute"] is not None
    ]
    expect(pace.get_by_role("row")).to_have_count(1 + len(windows))
    pace.get_by_role("row").last.get_by_role("link").click()
    start = max(window["start"] for window in windows)
    wait_until(page, f"document.querySelector('video').currentTime >= {start}")


def test_a_chart_is_saved_as_csv_svg_and_png(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    backend.opinions.say(debate, Rename(speaker="SPEAKER_00", name='=HYPERLINK("x", 1)'))
    speakers = published(backend, debate)["speakers"]
    page = open_page(f"/?job={debate}")
    ready(page)
    bars = chart(page, "Speaking time")
    bars.get_by_text("Table and copies").click()

    def saved(kind: str) -> bytes:
        group = bars.get_by_role("group", name="Save “Speaking time” as a file")
        with page.expect_download() as download:
            group.get_by_role("button", name=kind).click()
        assert download.value.suggested_filename == f"Speaking time.{kind.lower()}"
        return download.value.path().read_bytes()

    header, *rows = csv.reader(io.StringIO(saved("CSV").decode("utf-8-sig")))
    assert header == ["Speaker", "Speaking time", "At least", "At most", "Share of time"]
    ranked = sorted(speakers, key=lambda row: -row["speakingTime"])
    assert [float(row[1]) for row in rows] == [row["speakingTime"] for row in ranked]
    assert '\'=HYPERLINK("x", 1)' in [row[0] for row in rows]

    svg = saved("SVG").decode()
    assert "HYPERLINK" in svg
    assert "<pattern" in svg
    assert not re.search(r"var\(|class=|style=|light-dark", svg)
    colours = (
        "style => getComputedStyle(document.querySelector('.speaker-0')).getPropertyValue('fill')"
    )
    assert page.evaluate(colours)

    png = saved("PNG")
    assert png.startswith(b"\x89PNG")
    box = bars.locator("svg.drawing").bounding_box()
    assert box
    assert int.from_bytes(png[16:20]) == round(box["width"] + 32) * 2


def test_a_chart_is_copied_where_the_browser_lets_it(open_page: OpenPage, debate: str) -> None:
    allowed = ["clipboard-read", "clipboard-write"]
    page = open_page(f"/?job={debate}", permissions=allowed)
    ready(page)
    bars = chart(page, "Words")
    bars.get_by_text("Table and copies").click()
    copies = bars.get_by_role("group", name="Copy “Words”")
    copies.get_by_role("button", name="CSV").click()
    expect(page.locator("p[role=status]")).to_have_text("Words: copied as CSV")
    assert page.evaluate("navigator.clipboard.readText()").startswith("Speaker,Words,")
    copies.get_by_role("button", name="PNG").click()
    expect(page.locator("p[role=status]")).to_have_text("Words: copied as PNG")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_figures(open_page: OpenPage, edited: str, scheme: str) -> None:
    page = open_page(f"/?job={edited}", color_scheme=scheme)
    ready(page)
    for summary in page.locator(".chart-behind summary").all():
        summary.click()
    page.get_by_role("button", name="Silence: 7.1 s").click()
    expect(panel(page)).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 390])
def test_figures_fit_a_small_screen(open_page: OpenPage, edited: str, width: int) -> None:
    page = open_page(f"/?job={edited}", viewport={"width": width, "height": 800})
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Silence: 7.1 s").click()
    box = panel(page).bounding_box()
    assert box
    assert box["width"] <= width
