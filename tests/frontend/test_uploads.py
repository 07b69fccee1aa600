"""An upload that is paused, cut off, refused for now, or left behind by a reload goes on."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser import wait_until
from tests.frontend.axe import violations_by_theme
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.upload import PART, PARTS, choose, is_there, some_parts_arrive


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=f"{name}: council.mp4")


def test_a_pause_keeps_the_parts_that_have_arrived(
    open_page: OpenPage, backend: Backend, recording: Path
) -> None:
    backend.part_size = PART
    backend.slow = True
    page = open_page()
    choose(page, recording)
    some_parts_arrive(page, backend)
    button(page, "Pause").click()
    expect(page.get_by_text("Paused. It goes on where it was.")).to_be_visible()
    expect(button(page, "Go on")).to_be_focused()
    page.wait_for_load_state("networkidle")
    [there] = [set(parts) for parts in backend.parts.values()]
    before = backend.part_puts.copy()
    backend.slow = False
    button(page, "Go on").click()
    is_there(page, backend, recording)
    assert {number for number in before if backend.part_puts[number] == before[number]} >= there


def test_a_pause_of_what_goes_in_one_piece_says_that_it_begins_again(
    open_page: OpenPage, backend: Backend, recording: Path
) -> None:
    backend.slow = True
    page = open_page()
    choose(page, recording)
    wait_until(page, "document.querySelector('.upload progress')?.value > 0")
    button(page, "Pause").click()
    expect(page.get_by_text("goes in one piece, and begins again")).to_be_visible()
    expect(page.locator(".job")).to_have_count(0)
    backend.slow = False
    button(page, "Go on").click()
    is_there(page, backend, recording)


def test_an_address_that_is_too_old_is_asked_for_anew(
    open_page: OpenPage, backend: Backend, recording: Path, complaints: list[str]
) -> None:
    backend.expired = {"upload?signed=1", "upload?signed=2"}
    page = open_page()
    choose(page, recording)
    is_there(page, backend, recording)
    assert backend.signed == 3
    complaints.clear()  # the browser reports the 403s


def test_a_connection_that_is_lost_is_waited_for(
    open_page: OpenPage, backend: Backend, recording: Path, complaints: list[str]
) -> None:
    backend.part_size = PART
    backend.slow = True
    page = open_page()
    choose(page, recording)
    some_parts_arrive(page, backend)
    page.context.set_offline(True)
    lost = page.locator(".upload").get_by_text("It goes on by itself as soon as there is one")
    expect(lost).to_be_visible(timeout=30_000)
    backend.slow = False
    page.context.set_offline(False)
    is_there(page, backend, recording)
    complaints.clear()  # the browser reports each request that fails


def test_a_file_that_is_chosen_without_a_connection_goes_when_there_is_one(
    open_page: OpenPage, backend: Backend, recording: Path, complaints: list[str]
) -> None:
    page = open_page()
    expect(page.get_by_text("No debates yet")).to_be_visible()
    page.context.set_offline(True)
    choose(page, recording)
    expect(page.get_by_role("alert").get_by_text("This device is offline")).to_be_visible()
    page.context.set_offline(False)
    is_there(page, backend, recording)
    complaints.clear()


def test_a_part_that_stalls_without_breaking_is_sent_again(
    open_page: OpenPage, backend: Backend, recording: Path
) -> None:
    backend.part_size = PART
    backend.stuck[5] = 1
    page = open_page()
    page.clock.install()
    choose(page, recording)
    while backend.part_puts[5] == 0:
        page.wait_for_timeout(20)
    page.clock.run_for(70_000)
    is_there(page, backend, recording)
    assert backend.part_puts[5] == 2


def test_a_file_that_changes_while_it_is_sent_is_named(
    open_page: OpenPage, backend: Backend, recording: Path, complaints: list[str]
) -> None:
    backend.part_size = PART
    backend.slow = True
    page = open_page()
    choose(page, recording)
    some_parts_arrive(page, backend)
    recording.write_bytes(b"something else")
    expect(page.get_by_text("The file was changed, moved or removed")).to_be_visible()
    complaints.clear()


def interrupted(open_page: OpenPage, backend: Backend, recording: Path) -> Page:
    """A page that was loaded again while a file was on its way."""
    backend.part_size = PART
    backend.slow = True
    page = open_page()
    choose(page, recording)
    some_parts_arrive(page, backend)
    page.reload()
    expect(page.locator(".upload-interrupted")).to_contain_text("Choose the same file again")
    backend.slow = False
    return page


def test_after_a_reload_another_file_of_the_same_name_is_not_taken_for_it(
    open_page: OpenPage, backend: Backend, recording: Path, tmp_path: Path
) -> None:
    page = interrupted(open_page, backend, recording)
    again = page.get_by_label("Choose the file: council.mp4", exact=True).last
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / recording.name
    other.write_bytes(b"another council")
    again.set_input_files(other)
    expect(page.get_by_text("This is another file")).to_be_visible()
    assert violations_by_theme(page) == []
    again.set_input_files(recording)
    is_there(page, backend, recording)


def test_after_a_reload_it_may_be_given_up(
    open_page: OpenPage, backend: Backend, recording: Path
) -> None:
    page = interrupted(open_page, backend, recording)
    button(page, "Cancel").click()
    expect(page.locator(".upload")).to_have_count(0)
    while backend.parts:
        page.wait_for_timeout(20)
    page.reload()
    expect(page.get_by_role("heading", name="Debates", exact=True)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".upload")).to_have_count(0)


PICK = """async ([name, size]) => {
  const root = await navigator.storage.getDirectory();
  const handle = await root.getFileHandle(name, { create: true });
  const written = await handle.createWritable();
  await written.write(new Uint8Array(size));
  await written.close();
  window.showOpenFilePicker = async () => [handle];
}"""


def test_a_file_that_the_browser_keeps_a_handle_of_need_not_be_chosen_again(
    open_page: OpenPage, backend: Backend
) -> None:
    backend.part_size = PART
    backend.slow = True
    page = open_page()
    page.evaluate(PICK, ["council.mp4", PART * PARTS])
    page.get_by_role("button", name="Choose recordings").click()
    some_parts_arrive(page, backend)
    page.reload()
    expect(page.get_by_text("the browser may ask whether this page may read it")).to_be_visible()
    backend.slow = False
    button(page, "Go on").click()
    expect(page.get_by_text("Waiting to be transcribed")).to_be_visible()
    assert [len(data) for data in backend.files.values()] == [PART * PARTS]
    assert len(backend.announced) == 1


def test_what_another_window_sends_is_not_taken_for_interrupted(
    open_page: OpenPage, backend: Backend, recording: Path, complaints: list[str]
) -> None:
    backend.part_size = PART
    backend.slow = True
    page = open_page()
    choose(page, recording)
    some_parts_arrive(page, backend)
    [job_id] = backend.jobs
    backend.broken[f"/api/uploads/{job_id}/complete"] = 503  # it does not end meanwhile
    other = page.context.new_page()
    other.goto("/")
    expect(other.get_by_text("Waiting for the file")).to_be_visible()
    other.wait_for_load_state("networkidle")
    expect(other.locator(".upload")).to_have_count(0)
    backend.slow = False
    backend.broken.clear()
    is_there(page, backend, recording)
    complaints.clear()  # the browser reports the 503s
