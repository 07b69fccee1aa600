"""The dashboard with a real debate: every page, in a real browser, on a stack of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import wait_until
from tests.e2e.excerpt import DEMO
from tests.e2e.laptop import Laptop, until
from tests.frontend.axe import violations_by_theme

pytestmark = [pytest.mark.e2e, pytest.mark.models]

SOON_MS = 60_000
TRANSCRIBED_MS = 240_000


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """One that never complains, but of a file that is not there yet: totals come a little later."""
    context = browser.new_context(locale="en-GB", reduced_motion="reduce")
    context.add_init_script("delete window.showOpenFilePicker")  # its dialog cannot be answered
    context.set_default_timeout(SOON_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"{error}: {error.stack}"))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if "Policy" in said.text else None,
    )
    yield page
    context.close()
    assert not complaints


@pytest.fixture(scope="session")
def job(laptop: Laptop) -> Any:
    """The demo debate, done."""
    done = laptop.debate("upload", str(DEMO), "--title", "Cars in the centre", "--wait", "--json")
    assert done.returncode == 0, done.stdout + done.stderr + laptop.terminal()
    return json.loads(done.stdout)


def statistics(laptop: Laptop, job_id: str) -> Any:
    return laptop.json(f"/api/jobs/{job_id}/statistics")


def opened(page: Page, laptop: Laptop, job_id: str) -> None:
    """The debate's page, with all there is on it."""
    page.goto(f"{laptop.url}/?job={job_id}")
    expect(page.locator(".figures")).to_be_visible(timeout=SOON_MS)
    expect(page.locator(".speaker-names button").first).to_be_visible(timeout=SOON_MS)


def tab_to(page: Page, place: Locator) -> None:
    """With the Tab key alone."""
    place.wait_for()
    for _ in range(120):
        page.keyboard.press("Tab")
        if place.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"the Tab key does not lead to {place}")


def test_from_upload_to_a_renamed_speaker_by_keyboard_alone(
    laptop: Laptop, page: Page, excerpt: Path
) -> None:
    page.goto(laptop.url)
    # Long before the key: a browser that is told of it a moment before shows its own dialog.
    with page.expect_file_chooser() as chooser:
        tab_to(page, page.get_by_role("button", name="Choose recordings"))
        page.keyboard.press("Enter")
    chooser.value.set_files(excerpt)
    link = page.get_by_role("link", name="opening").first
    tab_to(page, link)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="opening")).to_be_focused()
    expect(page.locator(".figures")).to_be_visible(timeout=TRANSCRIBED_MS)
    job_id = re.search(r"job=([\w-]+)", page.url)
    assert job_id

    tab_to(page, page.get_by_role("button", name="Speaker 2").first)
    page.keyboard.press("Enter")
    page.keyboard.type("Thomas North")
    page.keyboard.press("Enter")

    expect(page.locator(".segment-speaker", has_text="Thomas North").first).to_be_visible()
    expect(page.get_by_role("table", name="Every speaker in numbers")).to_contain_text(
        "Thomas North"
    )
    names = until(
        lambda: _names(laptop, job_id[1]), seconds=60, what="the figures to have the name"
    )
    assert names == {"Thomas North"}


def _names(laptop: Laptop, job_id: str) -> set[str] | None:
    speakers = statistics(laptop, job_id)["speakers"]
    return {each["name"] for each in speakers if each["name"]} or None


def test_a_number_plays_what_it_is_made_of_and_stops_there(
    laptop: Laptop, page: Page, job: Any
) -> None:
    opened(page, laptop, job["job_id"])
    counted = statistics(laptop, job["job_id"])
    first = counted["evidence"]["silences"][1]
    silence = page.get_by_role("button", name=re.compile("^Silence"))

    silence.click()
    moments = page.locator("[popover] .moment-list a")
    expect(moments).to_have_count(len(counted["evidence"]["silences"]))
    moments.nth(1).click()

    wait_until(page, f"document.querySelector('video').currentTime >= {first['start']}")
    wait_until(page, f"document.querySelector('video').currentTime >= {first['end'] - 0.05}")
    wait_until(page, "document.querySelector('video').paused")
    at = page.locator("video").evaluate("video => video.currentTime")
    assert at == pytest.approx(first["end"], abs=0.5)
    assert f"t={round(first['start'], 1):g}" in page.url


def test_a_corrected_word_is_in_every_copy_until_it_is_undone(
    laptop: Laptop, page: Page, job: Any
) -> None:
    opened(page, laptop, job["job_id"])
    page.get_by_role("button", name="Edit", exact=True).click()
    page.locator(".segment-time").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".word").first).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("Splendid")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_text("All is saved")).to_be_visible()
    _recounted(page)
    assert "Splendid evening" in _downloaded(page, "TXT")
    assert "Splendid evening" in _downloaded(page, "SRT")

    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator(".segment-text").first).to_have_text(re.compile("^Good evening"))
    expect(page.get_by_text("All is saved")).to_be_visible()
    _recounted(page)
    assert "Splendid" not in _downloaded(page, "TXT")


def _recounted(page: Page) -> None:
    expect(page.get_by_text("The figures are being counted again")).to_be_visible()
    expect(page.get_by_text("The figures are being counted again")).to_be_hidden(timeout=SOON_MS)


def _downloaded(page: Page, kind: str) -> str:
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=kind).first.click()
    return download.value.path().read_text()


def test_what_was_said_is_found_and_plays(laptop: Laptop, page: Page, job: Any) -> None:
    page.goto(laptop.url)
    page.get_by_role("searchbox", name="Search in everything that was said").fill('"buses stop"')
    page.keyboard.press("Enter")
    hit = page.locator(f".hit a[href*='{job['job_id']}']").first
    expect(page.locator("mark").first).to_have_text(re.compile("buses", re.I))
    hit.click()
    wait_until(page, "document.querySelector('video')?.currentTime > 20")
    expect(page.locator(".segment[aria-current] .segment-text")).to_be_visible()


def test_whoever_has_a_name_has_a_page(laptop: Laptop, page: Page, job: Any) -> None:
    label = statistics(laptop, job["job_id"])["speakers"][0]["speaker"]
    assert laptop.debate("rename", job["job_id"], label, "Ada Moreno").returncode == 0
    until(
        lambda: _is_listed(laptop, job["job_id"], "Ada Moreno"),
        seconds=60,
        what="the index to have the name",
    )

    page.goto(f"{laptop.url}/?speaker=Ada+Moreno")
    expect(page.get_by_role("heading", level=1, name="Ada Moreno")).to_be_visible()
    speaker = next(
        each
        for each in statistics(laptop, job["job_id"])["speakers"]
        if each["name"] == "Ada Moreno"
    )
    row = page.get_by_role("row").filter(has=page.locator(f"a[href*='{job['job_id']}']"))
    expect(row).to_contain_text(str(speaker["words"]))
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1, name=job["title"])).to_be_visible()


def _is_listed(laptop: Laptop, job_id: str, name: str) -> bool | None:
    """None while it is not, or there is no index yet."""
    answer = httpx.get(f"{laptop.url}/statistics/index.json", timeout=30)
    jobs = answer.json()["jobs"] if answer.status_code == 200 else []
    people = [person for each in jobs if each["jobId"] == job_id for person in each["people"]]
    return name in {person["name"] for person in people} or None


def test_two_debates_stand_side_by_side(
    laptop: Laptop, page: Page, job: Any, excerpt: Path
) -> None:
    other = laptop.upload("short.mp4", excerpt.read_bytes())
    laptop.ended(other)
    page.goto(f"{laptop.url}/?compare={job['job_id']}&with={other}")
    row = page.get_by_role("row").filter(
        has=page.get_by_role("rowheader", name="Words", exact=True)
    )
    words = [str(statistics(laptop, each)["totals"]["words"]) for each in (job["job_id"], other)]
    assert words[0] != words[1]
    expect(row.get_by_role("cell").nth(0)).to_have_text(words[0])
    expect(row.get_by_role("cell").nth(1)).to_have_text(words[1])


def test_whoever_has_a_link_reads_and_changes_nothing_until_it_is_revoked(
    laptop: Laptop, page: Page, browser: Browser, job: Any
) -> None:
    opened(page, laptop, job["job_id"])
    page.get_by_role("button", name="Share…").click()
    page.get_by_role("button", name="Make a link").click()
    address = page.get_by_label(re.compile("^Link made")).first.input_value()
    assert job["job_id"] not in address

    stranger = browser.new_context(locale="en-GB").new_page()
    stranger.goto(address)
    expect(stranger.locator(".figures")).to_be_visible()
    expect(stranger.locator(".segment").first).to_be_visible()
    expect(stranger.get_by_role("button", name="Edit", exact=True)).to_have_count(0)
    expect(stranger.get_by_role("button", name="Share…")).to_have_count(0)

    page.get_by_role("button", name="Revoke", exact=True).click()
    page.get_by_role("button", name="Revoke for good?").click()
    expect(page.get_by_label(re.compile("^Link made"))).to_have_count(0)
    stranger.reload()
    expect(stranger.get_by_role("heading", name="There is no such debate here")).to_be_visible()
    stranger.context.close()


def test_a_debate_is_described_counted_again_and_deleted(
    laptop: Laptop, page: Page, excerpt: Path
) -> None:
    job_id = laptop.upload("to-be-deleted.mp4", excerpt.read_bytes())
    laptop.ended(job_id)
    opened(page, laptop, job_id)
    _choose(page, "Title and language…")
    page.get_by_role("textbox", name="Title").fill("A better title")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1, name="A better title")).to_be_visible()

    _choose(page, "Process again…")
    page.get_by_role("radio", name="From the transcript").check()
    page.get_by_role("button", name="Process", exact=True).click()
    until(lambda: laptop.job(job_id)["attempt"] > 0 or None, seconds=10, what="it to begin")
    assert laptop.ended(job_id)["status"] == "COMPLETE"

    _choose(page, "Delete…")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", level=2, name="Debates", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="A better title")).to_have_count(0)
    assert laptop.job(job_id) is None


def _choose(page: Page, action: str) -> None:
    page.get_by_role("button", name=re.compile("^What to do with")).first.click()
    page.get_by_role("menuitem", name=action).click()


def test_an_address_that_may_not_be_asked_is_refused_in_words(laptop: Laptop, page: Page) -> None:
    page.goto(laptop.url)
    page.get_by_label("Or a link to a recording").fill("http://169.254.169.254/latest/meta-data")
    page.get_by_role("button", name="Fetch it").click()
    problem = page.locator(".import-link")
    expect(problem).to_contain_text("169.254.169.254")


@pytest.mark.parametrize(
    "where", ["", "?job={0}", "?search=city", "?speaker=Ada+Moreno", "?failures"]
)
def test_no_page_has_a_fault_that_axe_knows(
    laptop: Laptop, page: Page, job: Any, where: str
) -> None:
    page.goto(f"{laptop.url}/{where.format(job['job_id'])}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert violations_by_theme(page) == []
