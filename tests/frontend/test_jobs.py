"""The list of debates narrowed and searched, and what is done with one of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from debate_analyzer.pipeline import Status
from debate_analyzer.trouble import Trouble
from tests.browser import wait_until
from tests.codes import of_failed_jobs
from tests.frontend.axe import violations
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.test_static import PAGES, dictionary


def titles(page: Page) -> Locator:
    return page.locator(".job h3")


def menu_of(page: Page, title: str) -> Locator:
    return page.get_by_role("button", name=f"What to do with {title}")


def choose(page: Page, title: str, item: str) -> None:
    menu_of(page, title).click()
    page.get_by_role("menuitem", name=item).click()


def one_of_each(backend: Backend) -> None:
    backend.add("Finished")
    backend.add("Broken", "FAILED", error={"code": "internal", "message": "Something went wrong."})
    backend.add("Under way", "TRANSCRIBING", stage="transcribe", progress=0.4)
    backend.add("Called off", "CANCELLED")


def test_the_list_is_narrowed_by_status_and_stays_so_after_a_reload(
    open_page: OpenPage, backend: Backend
) -> None:
    one_of_each(backend)
    page = open_page()
    expect(titles(page)).to_have_count(4)
    for phase, left in (("Working", "Under way"), ("Done", "Finished"), ("Failed", "Broken")):
        page.get_by_role("radio", name=phase).check(force=True)
        expect(titles(page)).to_have_text([left])
    page.reload()
    expect(page.get_by_role("radio", name="Failed")).to_be_checked()
    expect(titles(page)).to_have_text(["Broken"])
    del backend.jobs[next(each.job_id for each in backend.jobs.values() if each.title == "Broken")]
    page.reload()
    expect(page.get_by_text("No debate here is like that.")).to_be_visible()
    expect(page.locator(".upload-box-compact")).to_be_visible()  # this is no newcomer
    page.get_by_role("radio", name="All").check(force=True)
    page.get_by_label("Search titles").fill("nothing like it")
    expect(page.get_by_text("No debate here is like that.")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(titles(page)).to_have_count(3)


def test_the_status_is_asked_of_the_server(open_page: OpenPage, backend: Backend) -> None:
    """So that a failed one is found behind any number of others."""
    backend.page_size = 2
    backend.add("Broken", "FAILED")
    for number in range(5):
        backend.add(f"Debate {number}")
    page = open_page()
    expect(titles(page)).to_have_text(["Debate 4", "Debate 3"])
    page.get_by_role("radio", name="Failed").check(force=True)
    expect(titles(page)).to_have_text(["Broken"])
    expect(page.get_by_role("button", name="older")).to_have_count(0)


def test_titles_are_searched_without_case_and_accents_and_it_is_said_in_how_many(
    open_page: OpenPage, backend: Backend
) -> None:
    backend.page_size = 2
    backend.add("La pensión mínima")
    for number in range(4):
        backend.add(f"Debate {number}")
    backend.add("Pensiones")
    page = open_page()
    expect(titles(page)).to_have_count(2)
    page.get_by_label("Search titles").fill("PENSION")
    expect(titles(page)).to_have_text(["Pensiones"])
    expect(page.get_by_text("1 of the 2 newest has these words in its title.")).to_be_visible()
    page.get_by_role("button", name="Look in older debates").click()
    expect(titles(page)).to_have_text(["Pensiones", "La pensión mínima"])
    expect(page.locator("main").get_by_text("2 of all 6 have these words in their")).to_be_visible()
    expect(page.get_by_role("button", name="Look in older debates")).to_have_count(0)


def test_ten_thousand_debates_are_not_drawn_at_once(open_page: OpenPage, backend: Backend) -> None:
    for number in range(300):
        backend.add(f"Debate {number}")
    backend.page_size = 100
    page = open_page()
    expect(titles(page)).to_have_count(50)
    page.get_by_label("Search titles").fill("debate 1")
    page.get_by_role("button", name="Look in older debates").click()
    expect(page.locator("main").get_by_text("of the 150 newest")).to_be_visible()
    assert titles(page).count() <= 100
    page.get_by_label("Search titles").fill("")
    expect(titles(page)).to_have_count(50)
    page.get_by_role("button", name="Show older debates").click()
    expect(titles(page)).to_have_count(100)


def test_all_that_run_move_however_far_down(open_page: OpenPage, backend: Backend) -> None:
    backend.page_size = 2
    old = backend.add("Old", "TRANSCRIBING", stage="transcribe", progress=0.1)
    for number in range(5):
        backend.add(f"Debate {number}")
    page = open_page()
    for count in (4, 6):
        page.get_by_role("button", name="Show older debates").click()
        expect(titles(page)).to_have_count(count)
    backend.change(old, progress=0.8)
    expect(page.get_by_text("80%")).to_be_visible()
    backend.add("New")  # what was loaded stays in its place
    backend.change(old, status="COMPLETE", progress=None)
    expect(titles(page)).to_have_count(7)
    expect(page.locator(".job").last).to_contain_text("Complete")
    del backend.jobs[old]
    page.reload()
    expect(titles(page)).to_have_text(["New", "Debate 4"])


def test_a_menu_by_keyboard(open_page: OpenPage, backend: Backend) -> None:
    backend.add("Other")
    job_id = backend.add("Council", "TRANSCRIBING", stage="transcribe", progress=0.4)
    page = open_page()
    button = menu_of(page, "Council")
    items = page.get_by_role("menuitem")
    button.focus()
    page.keyboard.press("Enter")
    expect(items).to_have_text(["Share…", "Title and language…", "Cancel the work", "Delete…"])
    expect(items.first).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "true")
    for key, reached in (("ArrowUp", 3), ("ArrowDown", 0), ("End", 3), ("Home", 0)):
        page.keyboard.press(key)
        expect(items.nth(reached)).to_be_focused()
    page.keyboard.press("Escape")
    expect(items).to_have_count(0)
    expect(button).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(items.first).to_be_focused()
    page.keyboard.press("Tab")
    expect(items).to_have_count(0)

    button.focus()
    page.keyboard.press("Space")
    expect(items.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".job").first).to_contain_text("Cancelled")
    expect(button).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("Council")
    assert backend.jobs[job_id].status is Status.CANCELLED


def test_a_menu_opens_that_has_not_been_told_yet_that_it_is_closed(
    open_page: OpenPage, backend: Backend
) -> None:
    backend.add("Council")
    page = open_page()
    menu_of(page, "Council").click()
    first = page.get_by_role("menuitem").first
    expect(first).to_be_focused()
    page.get_by_role("menu").evaluate(
        """menu => {
          menu.hidePopover();
          const key = { key: "ArrowDown", bubbles: true, cancelable: true };
          document.activeElement.dispatchEvent(new KeyboardEvent("keydown", key));
        }"""
    )
    expect(first).to_be_focused()


def test_a_menu_is_within_the_screen(open_page: OpenPage, backend: Backend, debate: str) -> None:
    for number in range(6):
        backend.add(f"Debate {number}")
    for path in ("/", f"/?job={debate}"):
        page = open_page(path, viewport={"width": 320, "height": 568})
        for button in page.get_by_role("button", name="What to do with").all():
            button.click()
            expect(page.get_by_role("menuitem").first).to_be_focused()
            box = page.get_by_role("menu").bounding_box()
            assert box
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 320
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= 568
            page.keyboard.press("Escape")


def test_title_and_language_are_changed(open_page: OpenPage, backend: Backend) -> None:
    job_id = backend.add("Council", "QUEUED", language="en")
    page = open_page(f"/?job={job_id}")
    choose(page, "Council", "Title and language")
    field = page.get_by_role("textbox", name="Title")
    expect(field).to_be_focused()
    field.fill("  ")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_visible()  # the browser says what is missing
    field.fill("Pleno <b>municipal</b>")
    page.get_by_label("Spoken language").select_option("es")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pleno <b>municipal</b>")
    expect(page.locator(".facts")).to_contain_text("Spanish")
    expect(menu_of(page, "Pleno")).to_be_focused()
    expect(page.get_by_role("status").last).to_contain_text("saved")
    assert backend.jobs[job_id].title == "Pleno <b>municipal</b>"


def test_what_the_server_refuses_is_said_in_the_dialog_and_nothing_is_lost(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    job_id = backend.add("Council", language="en")
    page = open_page()
    choose(page, "Council", "Title and language")
    page.get_by_role("textbox", name="Title").fill("Pleno")
    backend.broken[f"/api/jobs/{job_id}"] = 409
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Broken by a test.")).to_be_visible()
    backend.broken.clear()
    page.get_by_role("button", name="Save").click()
    expect(titles(page)).to_have_text(["Pleno"])
    complaints.clear()


def test_a_debate_is_published_and_withdrawn(open_page: OpenPage, backend: Backend) -> None:
    job_id = backend.add("Council")
    page = open_page()
    choose(page, "Council", "Withdraw")
    expect(page.get_by_role("status").last).to_contain_text("Council is no longer public")
    assert not backend.jobs[job_id].published
    choose(page, "Council", "Publish")
    expect(page.get_by_role("status").last).to_contain_text("Council is published")
    assert backend.jobs[job_id].published


def test_what_cannot_be_done_at_once_is_said_and_can_be_tried_again(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    job_id = backend.add("Council", "QUEUED", stage="transcribe")
    page = open_page()
    backend.broken[f"/api/jobs/{job_id}/cancel"] = 503
    choose(page, "Council", "Cancel the work")
    dialog = page.get_by_role("dialog", name="Not done: Cancel the work")
    expect(dialog).to_contain_text("Broken by a test.")
    backend.broken.clear()
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".job")).to_contain_text("Cancelled")
    complaints.clear()


def test_a_debate_is_processed_again_and_followed(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    title = backend.jobs[debate].title
    page = open_page(f"/?job={debate}")
    choose(page, title, "Process again")
    page.get_by_label("Spoken language").select_option("es")
    page.get_by_label("Number of speakers").fill("4")
    page.get_by_role("button", name="Process", exact=True).click()
    stages = page.get_by_role("region", name="Progress")
    expect(stages).to_contain_text("Waiting to be transcribed")
    [wishes] = backend.desk.retried
    assert wishes.model_dump(exclude_none=True) == {
        "stage": "transcribe",
        "language": "es",
        "speakers": 4,
    }
    backend.change(debate, status="TRANSCRIBING", progress=0.3)
    expect(stages).to_contain_text("30%")
    backend.change(debate, status="COMPLETE", stage=None)
    expect(stages).to_be_hidden()

    choose(page, title, "Process again")
    page.get_by_label("count only").check()
    expect(page.get_by_label("Number of speakers")).to_have_count(0)
    page.get_by_role("button", name="Process", exact=True).click()
    expect(page.get_by_text("The figures are being counted again")).to_be_visible()
    assert backend.desk.retried[1].stage == "stats"


def test_to_delete_is_asked_and_the_focus_stays_near(open_page: OpenPage, backend: Backend) -> None:
    backend.add("First")
    second = backend.add("Second")
    page = open_page()
    choose(page, "Second", "Delete")
    dialog = page.get_by_role("dialog", name="Delete this debate?")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    expect(dialog).to_contain_text("recording, transcript, corrections, figures and share links")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(menu_of(page, "Second")).to_be_focused()
    assert second in backend.jobs
    choose(page, "Second", "Delete")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(titles(page)).to_have_text(["First"])
    expect(page.get_by_role("status").last).to_contain_text("Second is deleted")
    expect(page.get_by_role("link", name="First")).to_be_focused()
    assert second not in backend.jobs


def test_after_a_debate_was_deleted_on_its_page_the_list_is_shown(
    open_page: OpenPage, backend: Backend
) -> None:
    backend.add("First")
    job_id = backend.add("Second", "FAILED")
    page = open_page(f"/?job={job_id}")
    choose(page, "Second", "Delete")
    page.get_by_role("button", name="Delete for good").click()
    expect(titles(page)).to_have_text(["First"])


def test_a_debate_that_somebody_else_deleted_is_deleted(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    job_id = backend.add("Council")
    page = open_page()
    choose(page, "Council", "Delete")
    backend.broken[f"/api/jobs/{job_id}"] = 404
    del backend.jobs[job_id]
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("No debates yet")).to_be_visible()
    complaints.clear()


def test_links_are_made_copied_and_revoked(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Share…").click()
    dialog = page.get_by_role("dialog", name="Share this debate")
    for count in (1, 2):
        dialog.get_by_role("button", name="Make a link").click()
        expect(dialog.get_by_role("textbox")).to_have_count(count)
    dialog.get_by_role("button", name="Copy").first.click()
    expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    address = dialog.get_by_role("textbox").first.input_value()
    assert page.evaluate("navigator.clipboard.readText()") == address
    first, second = (share.share_id for share in backend.desk.shares[debate])
    assert address == f"{page.url.split('?')[0]}?share={first}"

    reader = open_page(f"/?share={first}")
    expect(reader.get_by_role("heading", level=1)).to_have_text(backend.jobs[debate].title)
    expect(reader.locator(".segment").first).to_be_visible()
    for name in ("Share…", "What to do with"):
        expect(reader.get_by_role("button", name=name)).to_have_count(0)

    dialog.get_by_role("button", name="Revoke").first.click()
    dialog.get_by_role("button", name="Revoke for good?").press("Escape")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Revoke").first.click()
    dialog.get_by_role("button", name="Revoke for good?").click()
    expect(dialog.get_by_role("textbox")).to_have_count(1)
    assert list(backend.links) == [second]
    assert page.evaluate("!!document.activeElement.closest('dialog')")


def test_a_link_whose_answer_was_lost_is_made_once(
    open_page: OpenPage, backend: Backend, debate: str, complaints: list[str]
) -> None:
    page = open_page(f"/?job={debate}")
    page.get_by_role("button", name="Share…").click()
    make = page.get_by_role("button", name="Make a link")

    def lose(route: Any) -> None:
        if route.request.method == "POST":
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/shares", lose)
    make.click()
    expect(page.get_by_role("dialog")).to_contain_text("The server did not answer")
    page.unroute("**/shares")
    make.click()
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_have_count(1)
    complaints.clear()


def test_a_failure_that_may_pass_is_tried_again_with_one_click(
    open_page: OpenPage, backend: Backend
) -> None:
    job_id = backend.add(
        "Council",
        "FAILED",
        stage="stats",
        speakers_count=3,
        error={"code": "disk_full", "message": "The machine's disk was full."},
    )
    page = open_page()
    row = page.locator(".job")
    expect(row).to_contain_text("nothing has to be uploaded again")
    row.get_by_role("button", name="Try again").click()
    expect(row).to_contain_text("Waiting to be counted")
    assert backend.desk.retried[0].stage == "stats"
    expect(menu_of(page, "Council")).to_be_focused()
    assert backend.jobs[job_id].error is None


def test_a_language_that_there_is_not_is_chosen_anew(open_page: OpenPage, backend: Backend) -> None:
    message = "This model does not know the language xx."
    backend.add("Council", "FAILED", error={"code": "unknown_language", "message": message})
    page = open_page(locale="es-ES")
    expect(page.locator(".job")).to_contain_text("El modelo de reconocimiento no conoce")
    page.get_by_role("button", name="Volver a procesar").click()
    expect(page.get_by_role("dialog", name="Volver a procesarlo")).to_be_visible()


@pytest.mark.parametrize("code", sorted(of_failed_jobs()))
def test_every_failure_has_its_sentence(code: str) -> None:
    assert f"error.{code}" in dictionary("es")


def test_every_failure_has_its_remedy(open_page: OpenPage) -> None:
    """Unknown ones, too: the file is kept, whatever it was."""
    page = open_page()
    remedy = (
        "codes => import('/faults.js').then(m => codes.map(code => m.remedyOf({error: {code}})))"
    )
    codes = sorted(of_failed_jobs())
    remedies = dict(zip(codes, page.evaluate(remedy, codes), strict=True))
    passing = {*Trouble, "misconfigured", "download_failed"}
    assert {code for code, what in remedies.items() if what == "again"} == passing
    listed = set(re.findall(r'^  "(\w+)",$', (PAGES / "faults.js").read_text(), re.M))
    assert listed == {code for code, what in remedies.items() if what == "upload"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_menus_and_dialogs(
    open_page: OpenPage, backend: Backend, debate: str, scheme: str
) -> None:
    title = backend.jobs[debate].title
    page = open_page(color_scheme=scheme)
    menu_of(page, title).click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    for item in ("Share", "Title and language", "Process again", "Delete"):
        choose(page, title, item)
        if item == "Share":
            page.get_by_role("button", name="Make a link").click()
            expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_visible()
        assert violations(page) == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_times_are_right_on_a_clock_that_is_an_hour_off(
    open_page: OpenPage, backend: Backend
) -> None:
    now = datetime.now(UTC)
    backend.add(
        "Council",
        "TRANSCRIBING",
        stage="transcribe",
        progress=0.5,
        created_at=now - timedelta(minutes=3),
        expected_at=now + timedelta(minutes=4, seconds=30),
    )
    page = open_page()
    for hours in (1, -1):
        page.clock.install(time=now + timedelta(hours=hours))
        page.goto("/")
        expect(page.get_by_text("about 5 minutes left")).to_be_visible()
        expect(page.get_by_text("3 minutes ago")).to_be_visible()
        wait_until(page, "/3:\\d\\d so far/.test(document.body.innerText)")
