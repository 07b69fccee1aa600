"""A recording that lies elsewhere is asked for by its address."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.frontend.axe import violations_by_theme
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage

FIELD = "Or a link to a recording"


def fetch(page: Page, address: str) -> None:
    page.get_by_label(FIELD).fill(address)
    page.get_by_role("button", name="Fetch it").click()


def test_an_address_becomes_a_debate_with_what_is_known_of_it(
    open_page: OpenPage, backend: Backend
) -> None:
    page = open_page()
    page.get_by_text("Language, speakers and more").click()
    page.get_by_label("Spoken language").select_option("es")
    page.get_by_label("Number of speakers").fill("4")
    page.get_by_label("Write to this address").fill("ana@example.org")
    fetch(page, " https://media.example.org/council.mp4 ")
    expect(page.locator(".job")).to_have_count(1)
    expect(page.get_by_label(FIELD)).to_have_value("")
    expect(page.get_by_role("status")).to_contain_text("is being fetched")
    [asked] = backend.imports.fetched
    assert asked.url == "https://media.example.org/council.mp4"
    assert (asked.language, asked.speakers, asked.notify) == ("es", 4, "ana@example.org")
    assert len(backend.imports.keys[0]) == 36


def test_an_object_of_the_bucket_is_registered(open_page: OpenPage, backend: Backend) -> None:
    uri = "s3://debates/incoming/council.mp4"
    backend.imports.objects.add(uri)
    page = open_page()
    fetch(page, uri)
    expect(page.get_by_role("link", name="council.mp4")).to_be_visible()
    assert [asked.uri for asked in backend.imports.registered] == [uri]


def test_what_the_server_refuses_is_said_in_its_words(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    page = open_page()
    fetch(page, "http://127.0.0.1/council.mp4")
    refusal = page.locator(".import-link [role=alert]")
    expect(refusal).to_contain_text("127.0.0.1")
    expect(page.get_by_label(FIELD)).to_have_value("http://127.0.0.1/council.mp4")
    fetch(page, "s3://debates/incoming/none.mp4")
    expect(refusal).to_contain_text("There is no such object")
    assert violations_by_theme(page) == []
    expect(page.locator(".job")).to_have_count(0)
    complaints.clear()  # the browser reports the refusals


def test_what_is_no_address_is_refused_without_a_request(
    open_page: OpenPage, backend: Backend
) -> None:
    page = open_page()
    for text in ("council", "council.mp4", "ftp://example.org/x.mp4", "https://a b", "https://"):
        fetch(page, text)
        expect(page.get_by_text("This is no address")).to_be_visible()
        expect(page.get_by_label(FIELD)).to_have_attribute("aria-invalid", "true")
        page.get_by_label(FIELD).fill("")
        expect(page.get_by_text("This is no address")).to_be_hidden()
    assert not backend.imports.keys


def test_the_same_wish_is_sent_again_with_the_same_key(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    page = open_page()
    keys = []
    page.on(
        "request",
        lambda sent: (
            keys.append(sent.headers["idempotency-key"])
            if sent.url.endswith("/api/imports")
            else None
        ),
    )
    backend.broken["/api/imports"] = 503
    fetch(page, "https://media.example.org/council.mp4")
    expect(page.get_by_text("Broken by a test.")).to_be_visible()
    backend.broken.clear()
    page.get_by_role("button", name="Fetch it").click()
    expect(page.locator(".job")).to_have_count(1)
    fetch(page, "https://media.example.org/council.mp4")  # another wish
    expect(page.locator(".job")).to_have_count(2)
    assert len(keys) == 3
    assert keys[0] == keys[1] != keys[2]
    complaints.clear()


PASTE = """([selector, text]) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(event);
}"""


def test_an_address_that_is_pasted_anywhere_is_meant_for_the_field(
    open_page: OpenPage, backend: Backend
) -> None:
    page = open_page()
    field = page.get_by_label(FIELD)
    expect(field).to_be_visible()
    page.evaluate(PASTE, ["body", "https://example.org/a.mp4 and more"])
    page.evaluate(PASTE, ["#upload-mail", "https://example.org/b.mp4"])
    expect(field).to_have_value("")
    page.evaluate(PASTE, ["body", "https://example.org/c.mp4\n"])
    expect(field).to_have_value("https://example.org/c.mp4")
    expect(field).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".job")).to_have_count(1)
    assert [asked.url for asked in backend.imports.fetched] == ["https://example.org/c.mp4"]
