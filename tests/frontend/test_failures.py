from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from debate_analyzer.dead_letters import Letter
from debate_analyzer.job import FailedAttempt, Fault
from tests.frontend.axe import violations
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage

SENT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def letter(queue: str, **values: Any) -> Letter:
    """That was tried four times."""
    tried = [
        FailedAttempt(code=code, message=message, at=SENT + timedelta(minutes=minutes))
        for code, message, minutes in (
            ("throttled", "ClientError: An error occurred (SlowDown)", 0),
            ("network", "ConnectionResetError: by peer", 5),
            ("disk_full", "OSError: [Errno 28] No space left on device", 30),
            ("internal", f"ValueError: <b>a defect</b> {'x' * 200}", 155),
        )
    ]
    fields: dict[str, Any] = {
        "queue": queue,
        "letter_id": str(uuid4()),
        "reason": Fault(code=tried[-1].code, message=tried[-1].message),
        "job_id": None,
        "job_status": None,
        "sent_at": SENT,
        "attempts": tried,
        "bytes": 4000,
        "body": f'{{"job_id": "{"7c9e6679" * 40}"}}',
        "is_cut": True,
    }
    return Letter(**(fields | values))


def section(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def test_whoever_runs_nothing_is_shown_no_way_there(open_page: OpenPage, backend: Backend) -> None:
    page = open_page()
    expect(page.get_by_text("No debates yet")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("link", name="given up")).to_have_count(0)
    page.goto("/?failures")
    expect(page.get_by_text("Only those who run this see what was given up.")).to_be_visible()


def test_what_was_given_up_is_found_from_the_first_page(
    open_page: OpenPage, backend: Backend
) -> None:
    backend.letters = {"publish": [letter("publish")], "webhooks": []}
    page = open_page()
    page.get_by_role("link", name="1 thing was given up").click()
    expect(page.get_by_role("heading", name="What was given up", level=1)).to_be_focused()
    expect(page.get_by_role("heading", level=2)).to_have_text(["Publication"])
    shown = section(page, "Publication")
    expect(shown.get_by_role("heading", name="internal")).to_be_visible()
    expect(shown.get_by_text("<b>a defect</b>").first).to_be_visible()
    shown.get_by_text("4 attempts, and the message").click()
    expect(shown.locator("ol li")).to_have_count(4)
    expect(shown.locator("ol li").first).to_contain_text("throttled: ClientError")
    expect(shown.locator("pre")).to_contain_text('"job_id"')
    expect(shown.get_by_text("debate failures show")).to_be_visible()


def test_one_is_done_again_and_the_rest_stays(open_page: OpenPage, backend: Backend) -> None:
    job_id = backend.add("Council", "FAILED")
    first = letter("transcribe-work", job_id=job_id, job_status="FAILED")
    second = letter("transcribe-work", reason=Fault(code="worker_lost", message="It went away."))
    backend.letters = {"transcribe-work": [first, second]}
    page = open_page("/?failures")
    shown = section(page, "Transcription")
    expect(shown.get_by_text("2 letters")).to_be_visible()
    expect(shown.get_by_role("link", name="The debate")).to_have_attribute("href", f"?job={job_id}")
    shown.get_by_role("button", name="Do it again").first.click()
    expect(page.get_by_role("status")).to_have_text("1 is done again.")
    expect(shown.get_by_text("1 letter", exact=True)).to_be_visible()
    assert backend.replayed == [first]


def test_all_are_done_again_but_those_of_deleted_debates(
    open_page: OpenPage, backend: Backend
) -> None:
    gone = letter("publish", job_id=str(uuid4()), job_status="DELETED")
    backend.letters = {"publish": [letter("publish"), gone], "mail": []}
    page = open_page("/?failures")
    expect(page.get_by_text("The debate was deleted: nothing would be done.")).to_be_visible()
    page.get_by_role("button", name="Do all again").click()
    expect(page.get_by_role("status")).to_have_text("1 is done again. 1 was of a deleted debate.")
    expect(page.get_by_text("Nothing was given up.")).to_be_visible()


def test_to_drop_is_asked_for_twice(open_page: OpenPage, backend: Backend) -> None:
    backend.letters = {"publish": [letter("publish")]}
    page = open_page("/?failures")
    page.get_by_role("button", name="Drop", exact=True).click()
    page.get_by_role("button", name="Drop for good?").blur()
    expect(page.get_by_role("button", name="Drop", exact=True)).to_be_visible()
    assert len(backend.letters["publish"]) == 1
    page.get_by_role("button", name="Drop", exact=True).click()
    page.get_by_role("button", name="Drop for good?").click()
    expect(page.get_by_role("status")).to_have_text("1 was dropped.")
    assert backend.letters["publish"] == []
    assert backend.replayed == []


def test_what_the_server_refuses_is_said(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    backend.letters = {"publish": [letter("publish")]}
    page = open_page("/?failures")
    expect(page.get_by_role("button", name="Do all again")).to_be_enabled()
    backend.broken["/api/failures/publish"] = 503
    page.get_by_role("button", name="Do all again").click()
    expect(page.get_by_text("Broken by a test.")).to_be_visible()
    backend.broken.clear()
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_text("Broken by a test.")).to_be_hidden()
    complaints.clear()


def test_by_keyboard_alone(open_page: OpenPage, backend: Backend) -> None:
    done, dropped, of_a_debate = letter("publish"), letter("publish"), letter("transcribe-work")
    backend.letters = {"publish": [done, dropped], "transcribe-work": [of_a_debate], "mail": []}
    page = open_page("/?failures")
    says = page.get_by_role("status")
    expect(section(page, "Publication")).to_be_visible()

    def press(*keys: str, reaches: Locator) -> None:
        for key in keys:
            page.keyboard.press(key)
        expect(reaches).to_be_focused()
        outline = reaches.evaluate("it => getComputedStyle(it).outlineStyle")
        assert outline == "solid" or reaches.evaluate("it => it.tagName") == "H1"

    def button(queue: str, name: str, nth: int = 0) -> Locator:
        return section(page, queue).get_by_role("button", name=name, exact=True).nth(nth)

    look = page.get_by_role("button", name="Look again")
    press("Tab", reaches=page.get_by_role("link", name="Skip to the content"))
    press("Enter", "Tab", reaches=look)
    press("Tab", reaches=button("Publication", "Do all again"))
    press("Tab", reaches=button("Publication", "Drop all"))
    press("Tab", reaches=page.get_by_text("4 attempts, and the message").first)
    press("Enter", "Tab", reaches=page.get_by_role("group", name="The message"))
    press("Tab", reaches=button("Publication", "Do it again"))

    following = page.get_by_role("listitem").filter(
        has=page.locator(f"#letter-{dropped.letter_id}")
    )
    press("Enter", reaches=following)
    expect(says).to_have_text("1 is done again.")
    press("Tab", "Tab", "Tab", reaches=button("Publication", "Drop"))
    press("Enter", reaches=button("Publication", "Drop for good?"))
    expect(says).to_have_text("Drop for good?")
    press("Escape", reaches=button("Publication", "Drop"))
    assert backend.letters["publish"] == [dropped]
    press("Enter", "Enter", reaches=section(page, "Transcription"))
    expect(says).to_have_text("1 was dropped.")

    press("Tab", reaches=button("Transcription", "Do all again"))
    press("Enter", reaches=page.get_by_role("heading", level=1))
    expect(says).to_have_text("1 is done again.")
    press("Tab", "Enter", reaches=look)
    expect(says).to_have_text("The list is up to date.")
    press(reaches=look)
    assert backend.replayed == [done, of_a_debate]
    assert backend.letters == {"publish": [], "transcribe-work": [], "mail": []}


def test_the_same_said_twice_is_heard_twice(open_page: OpenPage, backend: Backend) -> None:
    backend.letters = {"publish": [letter("publish"), letter("publish")]}
    page = open_page("/?failures")
    expect(page.get_by_text("2 letters")).to_be_visible()
    page.get_by_role("status").evaluate(
        """region => {
          globalThis.heard = [];
          const changes = new MutationObserver(() => heard.push(region.textContent));
          changes.observe(region, { characterData: true, childList: true, subtree: true });
        }"""
    )
    for left in ("1 letter", "Nothing was given up."):
        page.get_by_role("button", name="Do it again").first.click()
        expect(page.get_by_text(left, exact=True)).to_be_visible()
    assert [said.strip() for said in page.evaluate("heard")] == ["1 is done again."] * 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_all_is_open(
    open_page: OpenPage, backend: Backend, scheme: str
) -> None:
    backend.letters = {"publish": [letter("publish")], "mail": [letter("mail")]}
    page = open_page("/?failures", color_scheme=scheme)
    for summary in page.locator("summary").all():
        summary.click()
    page.get_by_role("button", name="Drop all").first.click()
    assert violations(page) == []
