"""What is recorded in the browser arrives: all of it, in order, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.frontend.axe import violations_by_theme
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage

WEBM = bytes.fromhex("1A45DFA3")  # how the first piece of a stream begins, and no other


def open_recorder(page: Page, device: str = "Microphone") -> None:
    page.get_by_role("button", name="Record here").click()
    page.get_by_role("button", name=device, exact=True).click()


def start(page: Page, device: str = "Microphone") -> None:
    open_recorder(page, device)
    page.get_by_role("button", name="Start recording").click()
    expect(page.locator(".recorder-clock")).to_contain_text("Recording")


def until(page: Page, is_so: Callable[[], bool]) -> None:
    """Within half a minute."""
    for _ in range(300):
        if is_so():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never came to be")


def finish(page: Page, title: str) -> None:
    page.get_by_label("Title", exact=True).fill(title)
    page.get_by_role("button", name="Make a debate of it").click()
    expect(page.get_by_role("link", name=title)).to_be_visible(timeout=30_000)
    expect(page.locator(".recorder-ended")).to_have_count(0)


def complete_chunks(backend: Backend) -> int:
    return sum(len(each.complete_chunks) for each in backend.recordings.manifests)


def is_whole(backend: Backend, title: str) -> None:
    """One stream in one recording, without a gap, each piece of it kept once."""
    [manifest] = backend.recordings.manifests
    assert manifest.finalization
    assert manifest.finalization.without == ()
    assert manifest.title == title
    chunks = manifest.complete_chunks
    assert [chunk.seq for chunk in chunks] == list(range(len(chunks)))
    assert [chunk.t_start for chunk in chunks] == [0, *(chunk.t_end for chunk in chunks[:-1])]
    stream = backend.recordings.joined(manifest)
    assert stream.startswith(WEBM)
    assert stream.count(WEBM) == 1
    [job] = backend.jobs.values()
    assert job.title == title


def kept_here(page: Page) -> list[int]:
    """How many recordings and chunks the browser still holds."""
    counts: list[int] = page.evaluate(
        """async () => {
          const { database } = await import("/database.js");
          const there = await database();
          return Promise.all([there.count("recordings"), there.count("chunks")]);
        }"""
    )
    return counts


def test_a_recording_goes_in_chunks_and_becomes_a_debate(
    open_page: OpenPage, backend: Backend
) -> None:
    page = open_page()
    page.get_by_text("Language, speakers and more").click()
    page.get_by_label("Spoken language").select_option("es")
    open_recorder(page)
    meter = page.get_by_role("meter", name="Loudness")
    until(page, lambda: int(meter.get_attribute("aria-valuenow") or 0) > 0)  # the device beeps
    assert violations_by_theme(page) == []
    expect(page.get_by_role("button", name="Start recording")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    until(page, lambda: complete_chunks(backend) == 1)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".recorder-clock")).to_contain_text("Paused")
    assert violations_by_theme(page) == []
    before = page.get_by_role("timer").inner_text()
    page.wait_for_timeout(1_500)
    assert page.get_by_role("timer").inner_text() == before
    page.get_by_role("button", name="Go on").click()
    page.wait_for_timeout(1_000)
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Give it a title")).to_be_visible()
    expect(page.get_by_label("Title", exact=True)).to_be_focused()
    assert violations_by_theme(page) == []
    finish(page, "Plenary session")
    is_whole(backend, "Plenary session")
    [manifest] = backend.recordings.manifests
    assert (manifest.content_type, manifest.language) == ("audio/webm", "es")
    assert kept_here(page) == [0, 0]


def test_whoever_gave_an_address_is_written_to_about_a_recording(
    open_page: OpenPage, backend: Backend
) -> None:
    page = open_page()
    page.get_by_text("Language, speakers and more").click()
    address = page.get_by_label("Write to this address")
    address.fill("ana@example")
    start(page)
    until(page, lambda: complete_chunks(backend) == 1)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Make a debate of it").click()
    told = page.locator(".recorder-ended").get_by_role("alert")
    expect(told).to_contain_text("the mail address further up is none")
    assert violations_by_theme(page) == []
    [manifest] = backend.recordings.manifests
    assert manifest.finalization is None
    address.fill("ana@example.org")
    expect(told).to_have_count(0)
    finish(page, "Plenary session")
    is_whole(backend, "Plenary session")
    [manifest] = backend.recordings.manifests
    assert manifest.notify == "ana@example.org"


def test_a_camera_is_recorded_with_its_microphone(open_page: OpenPage, backend: Backend) -> None:
    page = open_page()
    start(page, "Camera and microphone")
    playing = "v => v.videoWidth > 0 && v.srcObject.getAudioTracks().length === 1"
    until(page, lambda: page.get_by_label("What the camera sees").evaluate(playing))
    until(page, lambda: complete_chunks(backend) == 1)
    page.get_by_role("button", name="Stop").click()
    finish(page, "With a picture")
    is_whole(backend, "With a picture")
    assert backend.recordings.manifests[0].content_type == "video/webm"


def test_what_could_not_be_sent_is_kept_over_a_reload(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    page = open_page()
    start(page)
    until(page, lambda: complete_chunks(backend) == 1)
    backend.broken["/api/audio"] = 503
    until(page, lambda: kept_here(page)[1] >= 2)
    page.on("dialog", lambda dialog: dialog.accept())  # the page asks whether to end the recording
    page.reload()
    left = page.locator(".recorder-ended")
    expect(left).to_contain_text("This recording was not finished, because the page was closed")
    expect(left).to_contain_text("still waits in this browser")
    backend.broken.clear()
    page.reload()
    expect(left).to_contain_text("All of it is on the server")
    finish(page, "Cut short")
    is_whole(backend, "Cut short")
    assert complete_chunks(backend) >= 3
    assert kept_here(page) == [0, 0]
    complaints.clear()  # the browser reports what was broken


def test_a_connection_that_goes_away_loses_nothing(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    page = open_page()
    expect(page.get_by_text("No debates yet")).to_be_visible()
    start(page)
    until(page, lambda: complete_chunks(backend) == 1)
    page.context.set_offline(True)
    until(page, lambda: kept_here(page)[1] >= 2)
    expect(page.locator(".recorder")).to_contain_text("No connection. It goes on by itself")
    page.context.set_offline(False)
    until(page, lambda: complete_chunks(backend) >= 3)
    page.get_by_role("button", name="Stop").click()
    finish(page, "Tunnel")
    is_whole(backend, "Tunnel")
    complaints.clear()


def test_answers_that_are_lost_lose_no_chunk_and_double_none(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    backend.recordings.lost.update({"put": 2, "complete": 1, "retry": 1, "finalize": 1})
    page = open_page()
    start(page)
    until(page, lambda: complete_chunks(backend) >= 2)
    page.get_by_role("button", name="Stop").click()
    finish(page, "Said twice")
    is_whole(backend, "Said twice")
    assert not +backend.recordings.lost
    complaints.clear()


def test_what_was_to_become_a_debate_does_so_after_a_reload(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    page = open_page()
    start(page)
    until(page, lambda: complete_chunks(backend) == 1)
    backend.broken["/api/audio"] = 503
    page.get_by_role("button", name="Stop").click()
    page.get_by_label("Title", exact=True).fill("In a hurry")
    page.get_by_role("button", name="Make a debate of it").click()
    expect(page.get_by_label("Title", exact=True)).to_have_count(0)
    page.reload()
    expect(page.locator(".recorder-ended")).to_contain_text("In a hurry")
    backend.broken.clear()
    expect(page.get_by_role("link", name="In a hurry")).to_be_visible(timeout=40_000)
    is_whole(backend, "In a hurry")
    complaints.clear()


def test_a_recording_goes_on_while_somebody_looks_at_another_page(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page()
    start(page)
    page.get_by_role("link", name=backend.jobs[debate].title).click()
    expect(page.get_by_role("heading", name="The figures")).to_be_visible()
    until(page, lambda: complete_chunks(backend) >= 1)
    page.get_by_role("link", name="This window records").click()
    expect(page.locator(".recorder-clock")).to_contain_text("Recording")
    page.get_by_role("button", name="Stop").click()
    finish(page, "Meanwhile")
    [manifest] = backend.recordings.manifests
    assert manifest.finalization


def test_another_window_leaves_a_recording_alone(open_page: OpenPage, backend: Backend) -> None:
    page = open_page()
    start(page)
    until(page, lambda: complete_chunks(backend) == 1)
    other = page.context.new_page()
    other.goto("/")
    expect(other.get_by_text("No debates yet")).to_be_visible()
    other.wait_for_load_state("networkidle")
    expect(other.locator(".recorder")).to_have_count(0)
    page.close()  # as a crash would
    other.reload()
    expect(other.locator(".recorder-ended")).to_have_count(1)


def test_a_recording_is_thrown_away_when_it_is_asked_for_twice(
    open_page: OpenPage, backend: Backend
) -> None:
    page = open_page()
    start(page)
    until(page, lambda: complete_chunks(backend) == 1)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Throw it away").click()
    page.get_by_role("button", name="Throw it away for good?").click()
    expect(page.locator(".recorder-ended")).to_have_count(0)
    until(page, lambda: not backend.recordings.manifests)
    assert kept_here(page) == [0, 0]
    assert not backend.jobs


REFUSE = """name => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name));
}"""


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("NotAllowedError", "The browser may not listen"),
        ("NotFoundError", "No such device was found"),
        ("NotReadableError", "used by another program"),
        ("AbortError", "This browser cannot record"),
    ],
)
def test_a_device_that_cannot_be_had_is_named(
    open_page: OpenPage, name: str, sentence: str
) -> None:
    page = open_page()
    page.evaluate(REFUSE, name)
    open_recorder(page)
    expect(page.get_by_role("alert").get_by_text(sentence)).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".recorder")).to_have_count(0)
    expect(page.get_by_role("button", name="Record here")).to_be_focused()


def test_a_page_that_may_not_record_says_where_it_may(open_page: OpenPage) -> None:
    page = open_page()
    page.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })")
    open_recorder(page)
    expect(page.get_by_role("alert").get_by_text("only over HTTPS")).to_be_visible()


def test_a_microphone_that_is_pulled_out_ends_the_recording_and_keeps_it(
    open_page: OpenPage, backend: Backend
) -> None:
    page = open_page()
    start(page)
    until(page, lambda: complete_chunks(backend) == 1)
    page.evaluate(
        """async () => {
          const { currentStream } = await import("/recorder.js");
          const [track] = currentStream().getTracks();
          track.stop();
          track.dispatchEvent(new Event("ended"));
        }"""
    )
    expect(page.get_by_text("The microphone or the camera is gone")).to_be_visible()
    finish(page, "Unplugged")
    is_whole(backend, "Unplugged")


def test_a_full_disk_is_told_and_the_recording_still_arrives(
    open_page: OpenPage, backend: Backend
) -> None:
    page = open_page()
    page.evaluate(
        """() => {
          const full = () => { throw new DOMException("", "QuotaExceededError"); };
          IDBObjectStore.prototype.put = full;
          navigator.storage.estimate = async () => ({ quota: 1e9, usage: 1e9 - 1e6 });
        }"""
    )
    start(page)
    expect(page.get_by_text("The disk is nearly full")).to_be_visible()
    expect(page.get_by_text("This browser cannot keep more")).to_be_visible()
    until(page, lambda: complete_chunks(backend) >= 1)
    page.get_by_role("button", name="Stop").click()
    finish(page, "No room")
    is_whole(backend, "No room")
