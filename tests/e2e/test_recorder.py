"""A recording of the page's own becomes a debate on the laptop stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from debate_analyzer.transcript import parse_transcript
from tests.e2e.laptop import Laptop

pytestmark = [pytest.mark.e2e]

SECONDS = 13


@pytest.fixture
def fast_laptop(tmp_path: Path) -> Iterator[Laptop]:
    """What is said does not matter here: the device beeps."""
    stack = Laptop(tmp_path, launcher="tests.e2e.fast_local")
    stack.start()
    yield stack
    stack.stop()


def test_what_is_recorded_becomes_a_debate(fast_laptop: Laptop, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(error.stack or error.message))
    page.goto(fast_laptop.url)
    page.get_by_role("button", name="Record here").click()
    page.get_by_role("button", name="Microphone", exact=True).click()
    page.get_by_role("button", name="Start recording").click()
    page.wait_for_timeout(SECONDS * 1000)
    page.get_by_role("button", name="Stop").click()
    page.get_by_label("Title", exact=True).fill("Recorded here")
    page.get_by_role("button", name="Make a debate of it").click()
    link = page.get_by_role("link", name="Recorded here")
    expect(link).to_be_visible(timeout=60_000)
    job_id = (link.get_attribute("href") or "").split("=")[1]

    assert fast_laptop.ended(job_id)["status"] == "COMPLETE"
    found = httpx.get(
        f"{fast_laptop.url}/api/jobs/{job_id}/transcript", follow_redirects=True, timeout=30
    )
    assert parse_transcript(found.content).duration == pytest.approx(SECONDS, abs=1.5)
    link.click()
    expect(page.get_by_role("heading", name="Recorded here")).to_be_visible()
    assert not complaints
    expect(page.get_by_role("heading", name="The figures")).to_be_visible()
