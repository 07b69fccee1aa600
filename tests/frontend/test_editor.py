"""A debate is edited where it is read."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from debate_analyzer.edits import CorrectSpeaker, Rename
from debate_analyzer.transcript import Transcript
from tests.browser import wait_until
from tests.frontend.axe import violations
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.debate import make_transcript

NAME = "Ada <img src=x onerror=alert(1)>"


def read(page: Page) -> None:
    """The transcript is there, and may be edited."""
    wait_until(page, "document.querySelector('.speaker-names') !== null")
    expect(page.locator(".figures")).to_be_visible()


@pytest.fixture
def page(open_page: OpenPage, debate: str) -> Page:
    page = open_page(f"/?job={debate}", reduced_motion="reduce")
    read(page)
    return page


def segment(page: Page, index: int) -> Locator:
    return page.locator(f".segment[data-index='{index}']")


def open_segment(page: Page, index: int) -> Locator:
    """As a keyboard does; the editor."""
    page.locator(".transcript-head > button", has_text="Edit").click()
    segment(page, index).locator(".segment-time").focus()
    page.keyboard.press("Enter")
    editor = page.locator(".segment-editor")
    expect(editor).to_be_visible()  # it is loaded with the first
    return editor


def saved(page: Page) -> None:
    expect(page.get_by_text("All is saved")).to_be_visible()


# --- Who is who -----------------------------------------------------------------------------------


def test_a_name_is_fixed_in_two_clicks_everywhere_at_once(
    page: Page, backend: Backend, debate: str
) -> None:
    page.locator(".segment-speaker button").first.click()
    page.keyboard.type(NAME)
    page.keyboard.press("Enter")
    expect(page.locator(".segment-speaker").first).to_have_text(NAME)
    expect(page.get_by_role("dialog")).to_have_count(0)
    said = [{"op": "rename", "speaker": "SPEAKER_00", "name": NAME}]
    wait_until(page, f"document.querySelector('.figures').innerText.includes({NAME!r})")
    assert backend.opinions.said(debate) == said
    assert "Speaker 1" not in page.locator("main").inner_text()
    expect(page.locator("article img")).to_have_count(0)


def test_who_somebody_is_is_said_in_one_form(page: Page, backend: Backend, debate: str) -> None:
    page.get_by_role("button", name="Speaker 2").first.click()
    form = page.get_by_role("dialog", name="Speaker 2")
    form.get_by_label("Role").select_option("debater")
    form.get_by_label("Side").fill("for")
    form.get_by_label("Agreed speaking time").fill("soon")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("This is not a length of time")).to_be_visible()
    form.get_by_label("Agreed speaking time").fill("1:30")
    form.get_by_label("Is the same person as").select_option("SPEAKER_02")
    form.get_by_role("button", name="Save").click()

    expect(page.locator(".speaker-names button")).to_have_count(2)
    expect(page.locator(".segment-speaker", has_text="Speaker 2")).to_have_count(0)
    wait_until(page, "!document.querySelector('.figures').innerText.includes('Speaker 2')")
    assert backend.opinions.said(debate) == [
        {"op": "role", "speaker": "SPEAKER_01", "role": "debater", "side": "for"},
        {"op": "schedule", "slots": ({"speaker": "SPEAKER_01", "seconds": 90.0},)},
        {"op": "merge", "speaker": "SPEAKER_01", "into": "SPEAKER_02"},
    ]
    page.get_by_role("button", name="Speaker 3").first.click()
    form = page.get_by_role("dialog", name="Speaker 3")
    expect(form.get_by_label("Role")).to_have_value("debater")
    expect(form.get_by_label("Agreed speaking time")).to_have_value("1:30")


def test_how_a_speaker_looks_is_chosen_for_this_browser(page: Page, backend: Backend) -> None:
    page.get_by_role("button", name="Speaker 1").first.click()
    page.get_by_role("radio", name="Look 5").check(force=True)
    page.keyboard.press("Escape")
    fill = page.locator(".segment-speaker rect").first
    expect(fill).to_have_attribute("fill", "url(#speaker-pattern-4)")
    page.reload()
    expect(fill).to_have_attribute("fill", "url(#speaker-pattern-4)")
    assert not backend.opinions.edits


# --- A segment ------------------------------------------------------------------------------------


def test_words_are_corrected_by_keyboard_alone(page: Page, backend: Backend, debate: str) -> None:
    editor = open_segment(page, 0)
    before = segment(page, 1).locator(".segment-text").inner_text()
    words = editor.locator(".word")
    expect(words.first).to_be_focused()
    first = words.first.inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.type("dear all")
    page.keyboard.press("Enter")
    expect(words.nth(2)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.type("not this")
    page.keyboard.press("Escape")
    expect(words.nth(3)).to_be_focused()
    page.keyboard.press("Escape")
    expect(segment(page, 0).locator(".segment-time")).to_be_focused()
    text = segment(page, 0).locator(".segment-text")
    expect(text).to_contain_text(f"{first} dear all")
    expect(text).not_to_contain_text("not this")
    saved(page)
    assert backend.opinions.said(debate) == [
        {"op": "word", "segment": 0, "word": 1, "text": "dear all"},
        {"op": "word", "segment": 0, "word": 2, "text": ""},
    ]
    assert text.inner_text() == backend.opinions.revised(debate).transcription[0].text
    expect(segment(page, 1).locator(".segment-text")).to_have_text(before)


def test_a_segment_is_given_to_another_by_a_digit_or_the_list(
    page: Page, backend: Backend, debate: str
) -> None:
    editor = open_segment(page, 0)
    page.keyboard.press("3")
    expect(editor.get_by_label("Said by")).to_have_value("SPEAKER_02")
    expect(segment(page, 0).locator(".segment-speaker")).to_have_text("Speaker 3")
    editor.get_by_label("Said by").select_option("SPEAKER_01")
    saved(page)
    speakers = [said["speaker"] for said in backend.opinions.said(debate)]
    assert speakers == ["SPEAKER_02", "SPEAKER_01"]


def test_boundaries_are_set_by_number_and_by_the_player(
    page: Page, backend: Backend, debate: str
) -> None:
    wait_until(page, "document.querySelector('video')?.readyState >= 1")
    editor = open_segment(page, 1)
    end = editor.get_by_role("spinbutton", name="Ends at")
    end.fill("900")
    expect(editor.get_by_text("within the recording")).to_be_visible()
    end.fill("19.5")
    expect(editor.get_by_text("within the recording")).to_be_hidden()
    page.locator("video").evaluate("video => { video.currentTime = 11; }")
    wait_until(page, "document.querySelector('video').currentTime === 11")
    editor.get_by_role("button", name="Now: Starts at").click()
    page.keyboard.press("Escape")
    expect(segment(page, 1).locator(".segment-time")).to_have_text("0:11")
    saved(page)
    said = [{"op": "boundary", "segment": 1, "start": 11.0, "end": 19.5}]
    assert backend.opinions.said(debate) == said


def test_a_clip_is_left_out_of_the_figures(page: Page, backend: Backend, debate: str) -> None:
    page.get_by_role("button", name="Edit", exact=True).click()
    segment(page, 0).locator(".segment-time").focus()
    page.keyboard.press("Shift+ArrowDown")
    page.get_by_role("button", name="Do not count it").click()
    expect(segment(page, 1).get_by_text("Not counted")).to_be_visible()
    expect(segment(page, 2).get_by_text("Not counted")).to_have_count(0)
    saved(page)
    (said,) = backend.opinions.said(debate)
    assert said["op"] == "leave_out"


# --- Undo, and the original -----------------------------------------------------------------------


def test_what_was_said_is_undone_and_done_again(page: Page, backend: Backend, debate: str) -> None:
    open_segment(page, 0)
    page.keyboard.press("2")
    name = segment(page, 0).locator(".segment-speaker")
    expect(name).to_have_text("Speaker 2")
    page.keyboard.press("Control+z")
    expect(name).to_have_text("Speaker 1")
    page.keyboard.press("Control+Shift+z")
    expect(name).to_have_text("Speaker 2")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(name).to_have_text("Speaker 1")
    saved(page)
    assert backend.opinions.said(debate) == []
    expect(page.get_by_role("button", name="Undo", exact=True)).to_have_attribute(
        "aria-disabled", "true"
    )


def test_the_history_undoes_any_of_it_and_brings_it_back(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    first = Rename(speaker="SPEAKER_00", name="Ana")
    backend.opinions.say(debate, first, Rename(speaker="SPEAKER_01", name="Bo"))
    page = open_page(f"/?job={debate}")
    read(page)
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("button", name="History").click()
    history = page.get_by_role("dialog", name="What was edited")
    expect(history.get_by_role("listitem")).to_contain_text(
        ["Speaker 2 is called Bo", "Speaker 1 is called Ana"]
    )
    expect(history.get_by_role("listitem").first).to_contain_text("bo")
    history.get_by_role("button", name="Undo: Speaker 1 is called Ana").click()
    expect(page.locator(".segment-speaker").first).to_have_text("Speaker 1")
    history.get_by_role("button", name="Bring back: Speaker 1 is called Ana").click()
    expect(page.locator(".segment-speaker").first).to_have_text("Ana")
    page.keyboard.press("Escape")
    saved(page)
    assert first.model_dump(exclude_none=True) in backend.opinions.said(debate)


def test_the_original_stays_and_is_shown(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    backend.opinions.say(debate, Rename(speaker="SPEAKER_00", name="Ana"))
    page = open_page(f"/?job={debate}")
    read(page)
    name = page.locator(".segment-speaker").first
    expect(name).to_have_text("Ana")
    page.get_by_label("Show the original").check()
    expect(name).to_have_text("Speaker 1")
    expect(page.get_by_role("button", name="Edit", exact=True)).to_have_count(0)
    page.get_by_label("Show the original").uncheck()
    expect(name).to_have_text("Ana")


# --- The figures ----------------------------------------------------------------------------------


def test_figures_are_counted_again_and_nothing_else_blinks(
    page: Page, backend: Backend, debate: str
) -> None:
    wait_until(page, "document.querySelector('track')?.src.startsWith('blob:')")
    backend.opinions.counts_at_once = False
    captions = page.locator("track").get_attribute("src")
    page.evaluate("for (const item of document.querySelectorAll('.segment')) item.marked = true")
    page.locator(".segment-speaker button").first.click()
    page.keyboard.type("Ana")
    page.keyboard.press("Enter")
    expect(page.get_by_text("being counted again")).to_be_visible()
    expect(page.locator(".figures")).to_be_visible()
    expect(page.locator(".stages")).to_have_count(0)
    backend.opinions.count(debate)
    expect(page.get_by_text("being counted again")).to_be_hidden(timeout=20_000)
    expect(page.locator("track")).not_to_have_attribute("src", captions or "")
    assert page.evaluate("[...document.querySelectorAll('.segment')].every((item) => item.marked)")


def test_an_edit_costs_what_it_changes(open_page: OpenPage, backend: Backend) -> None:
    """Three hours: words become elements in one segment, and no other is made anew."""
    text = "that is what we have all been told so far"
    lines = [(f"SPEAKER_0{n % 4}", n * 3.6, n * 3.6 + 3, text) for n in range(3000)]
    job_id = backend.add("Three hours")
    transcript = make_transcript(lines, job_id=job_id, language="en")
    backend.complete(job_id, transcript.model_copy(update={"duration": 10_800.0}))
    page = open_page(f"/?job={job_id}", reduced_motion="reduce")
    read(page)
    expect(page.locator(".segment")).to_have_count(3000)
    page.evaluate("""() => {
        window.changed = new Set();
        const place = (node) => node.parentElement?.closest(".segment")?.dataset.index ?? node.dataset?.index;
        new MutationObserver((all) => {
            for (const { target } of all) window.changed.add(place(target));
        }).observe(document.querySelector(".transcript-list"),
            { childList: true, characterData: true, subtree: true });
    }""")  # noqa: E501
    editor = open_segment(page, 1500)
    expect(editor.locator(".word")).to_have_count(10)
    expect(page.locator(".word")).to_have_count(10)
    page.keyboard.press("Enter")
    page.keyboard.type("it")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(segment(page, 1500)).to_contain_text("it is what we")
    assert page.evaluate("[...window.changed]") == ["1500"]


# --- Several windows, and none that answers -------------------------------------------------------


def test_the_second_of_two_is_told_and_adds_to_what_the_first_said(
    page: Page, backend: Backend, debate: str, complaints: list[str]
) -> None:
    backend.opinions.say(debate, Rename(speaker="SPEAKER_01", name="Bo"))
    page.locator(".segment-speaker button").first.click()
    page.keyboard.type("Ana")
    page.keyboard.press("Enter")
    told = page.get_by_role("alert").filter(has_text="Somebody else was faster")
    expect(told).to_contain_text("Speaker 2 is called Bo")
    expect(told).to_contain_text("Speaker 1 is called Ana")
    expect(page.locator(".speaker-names")).to_contain_text("Bo")
    expect(page.locator(".speaker-names")).to_contain_text("Ana")
    assert len(backend.opinions.said(debate)) == 1
    told.get_by_role("button", name="Apply mine, too").click()
    expect(told).to_be_hidden()
    wait_until(page, "!Object.keys(localStorage).some((name) => name.startsWith('edits.'))")
    assert [said["name"] for said in backend.opinions.said(debate)] == ["Bo", "Ana"]
    complaints.clear()  # the browser reports the 409


def test_the_second_of_two_may_drop_what_was_said_too_late(
    page: Page, backend: Backend, debate: str, complaints: list[str]
) -> None:
    backend.opinions.say(debate, Rename(speaker="SPEAKER_00", name="Bo"))
    page.locator(".segment-speaker button").first.click()
    page.keyboard.type("Ana")
    page.keyboard.press("Enter")
    expect(page.locator(".segment-speaker").first).to_have_text("Ana")
    page.get_by_role("button", name="Drop mine").click()
    expect(page.locator(".segment-speaker").first).to_have_text("Bo")
    assert [said["name"] for said in backend.opinions.said(debate)] == ["Bo"]
    complaints.clear()  # the browser reports the 409


def test_an_edit_that_cannot_be_sent_is_kept_until_it_can(
    page: Page, backend: Backend, debate: str, complaints: list[str]
) -> None:
    backend.broken[f"/api/jobs/{debate}/edits"] = 503
    page.locator(".segment-speaker button").first.click()
    page.keyboard.type("Ana")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 edit could not be sent yet")).to_be_visible()
    expect(page.locator(".segment-speaker").first).to_have_text("Ana")
    page.reload()
    expect(page.locator(".segment-speaker").first).to_have_text("Ana")
    backend.broken.clear()
    wait_until(page, "!Object.keys(localStorage).some((name) => name.startsWith('edits.'))")
    assert [said["name"] for said in backend.opinions.said(debate)] == ["Ana"]
    complaints.clear()  # the browser reports the 503s


def test_an_edit_whose_answer_is_lost_is_not_said_twice(
    page: Page, backend: Backend, debate: str, complaints: list[str]
) -> None:
    lost = 0

    def lose_first(route: Route) -> None:
        nonlocal lost
        if route.request.method == "POST" and not lost:
            lost += 1
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/edits", lose_first)
    page.locator(".segment-speaker button").first.click()
    page.keyboard.type("Ana")
    page.keyboard.press("Enter")
    wait_until(page, "!Object.keys(localStorage).some((name) => name.startsWith('edits.'))")
    assert lost == 1
    assert len(backend.opinions.edits[debate].entries) == 1
    expect(page.get_by_text("Somebody else was faster")).to_have_count(0)
    complaints.clear()  # the browser reports what was lost, and the 409


def test_what_the_server_does_not_take_is_told_with_its_reason(
    page: Page, backend: Backend, debate: str, complaints: list[str]
) -> None:
    known = backend.transcripts[debate]
    silent = Transcript.model_validate(known.model_dump() | {"transcription": [], "turns": []})
    backend.transcripts[debate] = silent
    page.locator(".segment-speaker button").first.click()
    page.keyboard.type("Ana")
    page.keyboard.press("Enter")
    told = page.get_by_role("alert").filter(has_text="The server did not take this")
    expect(told).to_contain_text("There is no speaker 'SPEAKER_00'")
    told.get_by_role("button", name="Drop mine").click()
    expect(page.locator(".segment-speaker").first).to_have_text("Speaker 1")
    complaints.clear()  # the browser reports the 400


def test_who_may_not_edit_is_not_asked_to(
    open_page: OpenPage, backend: Backend, debate: str, complaints: list[str]
) -> None:
    backend.opinions.say(debate, CorrectSpeaker(segment=0, speaker="SPEAKER_02"))
    backend.links["0b4c6e1f"] = debate
    page = open_page("/?share=0b4c6e1f")
    expect(page.locator(".segment-speaker").first).to_have_text("Speaker 3")
    backend.opinions.closed.add(debate)
    other = open_page(f"/?job={debate}")
    expect(other.locator(".segment").first).to_be_visible()
    for reader in (page, other):
        expect(reader.get_by_role("button", name="Edit", exact=True)).to_have_count(0)
        expect(reader.locator(".segment-speaker button")).to_have_count(0)
    complaints.clear()  # the browser reports the 403


# --- For everyone ---------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_where_a_debate_is_edited(
    open_page: OpenPage, debate: str, theme: str
) -> None:
    page = open_page(f"/?job={debate}&t=28.6&to=44", color_scheme=theme, reduced_motion="reduce")
    read(page)
    open_segment(page, 0)
    page.keyboard.press("Enter")
    page.keyboard.type("changed")
    page.keyboard.press("Enter")
    saved(page)
    assert violations(page) == []
    page.get_by_role("button", name="History").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Speaker 2").first.click()
    assert violations(page) == []


def test_nothing_is_wider_than_a_phone(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}", viewport={"width": 320, "height": 700})
    read(page)
    open_segment(page, 0)

    def overflow() -> Any:
        return page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert overflow() <= 0
    page.get_by_role("button", name="Speaker 2").first.click()
    assert overflow() <= 0


def test_spanish_is_spoken_where_a_debate_is_edited(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}", locale="es-ES")
    page.get_by_role("button", name="Editar", exact=True).click()
    page.get_by_role("button", name="Historial").click()
    expect(page.get_by_text("Aún no se ha editado nada.")).to_be_visible()
