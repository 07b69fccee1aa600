"""A large file goes in parts, whatever happens to some of them, and to the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import wait_until
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.upload import PART, choose, is_there, some_parts_arrive


@pytest.fixture(autouse=True)
def in_parts(backend: Backend) -> None:
    backend.part_size = PART


def test_a_part_whose_connection_breaks_or_whose_address_is_too_old_goes_again(
    open_page: OpenPage, backend: Backend, recording: Path, complaints: list[str]
) -> None:
    backend.torn[5] = 2
    backend.expired = {"7?signed=1", "13?signed=1"}
    page = open_page()
    choose(page, recording)
    is_there(page, backend, recording)
    again = {number: puts for number, puts in backend.part_puts.items() if puts > 1}
    assert again == {5: 3, 7: 2, 13: 2}
    complaints.clear()  # the browser reports what was broken


def test_after_a_reload_the_same_file_goes_on_where_it_was(
    open_page: OpenPage, backend: Backend, recording: Path
) -> None:
    backend.slow = True
    page = open_page()
    choose(page, recording)
    some_parts_arrive(page, backend)
    page.reload()
    interrupted = page.locator(".upload-interrupted")
    expect(interrupted).to_contain_text("Choose the same file again")
    expect(page.locator(".job")).to_have_count(0)
    [there] = [set(parts) for parts in backend.parts.values()]
    before = backend.part_puts.copy()

    choose(page, recording)
    wait_until(page, f"document.querySelector('.upload progress')?.value >= {len(there) * PART}")
    backend.slow = False
    is_there(page, backend, recording)
    assert {number for number in before if backend.part_puts[number] == before[number]} >= there

    choose(page, recording)  # it has arrived: this is another
    expect(page.get_by_role("link", name="council")).to_have_count(2)


def test_one_that_failed_is_tried_again_without_what_had_arrived(
    open_page: OpenPage, backend: Backend, recording: Path, complaints: list[str]
) -> None:
    backend.broken["/api/uploads/"] = 409  # nothing that may pass by itself
    page = open_page()
    choose(page, recording)
    expect(page.get_by_text("Broken by a test.")).to_be_visible()
    backend.broken.clear()
    page.get_by_role("button", name="Try again: council.mp4").click()
    is_there(page, backend, recording)
    complaints.clear()


def test_what_was_sent_in_parts_goes_when_it_is_cancelled(
    open_page: OpenPage, backend: Backend, recording: Path
) -> None:
    backend.slow = True
    page = open_page()
    choose(page, recording)
    page.get_by_role("button", name="Cancel: council.mp4").click()
    expect(page.get_by_text("Cancelled. Nothing was kept.")).to_be_visible()
    while backend.parts:
        page.wait_for_timeout(20)
    [job] = backend.jobs.values()
    assert job.status == "CANCELLED"
    expect(page.locator(".job")).to_have_count(0)
