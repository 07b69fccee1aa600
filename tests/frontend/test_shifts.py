"""What is on the screen stays where it is when the rest comes."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.debate import ENGLISH, make_transcript

GOOD = 0.02  # https://web.dev/articles/cls: a fifth of what is good there
_SHIFTS = """() => {
  const observer = new PerformanceObserver(() => {});
  observer.observe({ type: "layout-shift", buffered: true });
  return observer.takeRecords().reduce((sum, { value }) => sum + value, 0);
}"""


def shifted(page: Page) -> float:
    return float(page.evaluate(_SHIFTS))


def test_the_first_page_stays_when_the_debates_come(open_page: OpenPage, backend: Backend) -> None:
    for number in range(30):
        backend.add(f"Debate {number}")
    page = open_page()
    expect(page.locator(".job")).to_have_count(30)

    assert shifted(page) < GOOD

    page.reload()
    expect(page.locator(".upload-box-compact")).to_be_visible()  # this is no newcomer
    expect(page.locator(".job")).to_have_count(30)
    assert shifted(page) < GOOD


def test_a_debate_stays_when_its_transcript_comes_last(
    open_page: OpenPage, backend: Backend
) -> None:
    job_id = backend.add("The council")
    transcript = make_transcript(ENGLISH, job_id=job_id, language="en")
    backend.complete(job_id, transcript.model_copy(update={"warnings": []}))
    held: list[Route] = []
    page = open_page(viewport={"width": 1350, "height": 940})
    page.route("**/transcript?format=json", lambda route: held.append(route))
    page.goto(f"/?job={job_id}")
    expect(page.get_by_text("The transcript is on its way")).to_be_visible()
    expect(page.get_by_text("The figures are on their way")).to_be_hidden()
    held[0].continue_()
    expect(page.locator(".segment").first).to_be_visible()
    expect(page.locator(".feedback")).to_be_visible()

    assert shifted(page) < GOOD
