"""Keyboard, screen reader, language, theme and small screens, on every page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser import wait_until
from tests.frontend.axe import violations
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.debate import SPANISH, make_transcript
from tests.frontend.test_failures import letter

PAGES: dict[str, Callable[[Backend], str]] = {
    "empty": lambda backend: "/",
    "home": lambda backend: _crowded(backend),
    "debate": lambda backend: f"/?job={_long_names(backend)}",
    "running": lambda backend: f"/?job={_running(backend)}",
    "failed": lambda backend: f"/?job={_failed(backend)}",
    "failures": lambda backend: _given_up(backend),
}


def _long_names(backend: Backend) -> str:
    job_id = backend.add(
        "Biblioteca central: ¿abrir hasta la medianoche? Pleno_extraordinario_del_Ayuntamiento"
    )
    backend.complete(job_id, make_transcript(SPANISH, job_id=job_id, language="es"))
    return job_id


def _running(backend: Backend) -> str:
    return backend.add("Parliament", "TRANSCRIBING", stage="transcribe", progress=0.4)


def _failed(backend: Backend) -> str:
    message = "The video has no sound, so there is nothing to transcribe."
    return backend.add("Silent", "FAILED", error={"code": "no_audio_track", "message": message})


def _given_up(backend: Backend) -> str:
    backend.letters = {"publish": [letter("publish")], "webhooks": []}
    return "/?failures"


def _crowded(backend: Backend) -> str:
    _long_names(backend)
    _running(backend)
    _failed(backend)
    backend.add("Waiting", "QUEUED", stage="transcribe")
    backend.summary = {"jobs": 1, "duration": 85.0, "words": 118, "speakers": 3}
    return "/"


def settle(page: Page) -> None:
    page.wait_for_load_state("networkidle")


@pytest.fixture(params=PAGES)
def path(request: pytest.FixtureRequest, backend: Backend) -> str:
    return PAGES[request.param](backend)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: OpenPage, path: str, scheme: str) -> None:
    page = open_page(path, color_scheme=scheme)
    settle(page)
    assert violations(page) == []


def test_nothing_is_wider_than_the_screen(open_page: OpenPage, path: str) -> None:
    page = open_page(path)
    settle(page)
    for width in (320, 390, 768, 1280, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_upload_and_a_debate_by_keyboard_alone(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page()
    # Without it the page uses a field, whose dialog Playwright can answer.
    page.add_init_script("delete window.showOpenFilePicker")
    page.reload()
    settle(page)
    file = FilePayload(name="mine.wav", mimeType="", buffer=b"RIFF")
    # Listened for from the start: asked for together with the key press, it may come too late.
    page.on("filechooser", lambda chooser: chooser.set_files(file))
    settle(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose recordings")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="mine")).to_be_visible()

    page.get_by_role("link", name="Market Street").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Market Street")).to_be_focused()
    expect(page.locator(".segment").first).to_be_visible()
    expect(page).to_have_title("Should Market Street be closed to cars? · Debate Analyzer")
    wait_until(page, "document.querySelector('video')?.readyState >= 1")

    first = page.get_by_role("link", name="Play from 0:00, Speaker 1")
    first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(page.get_by_role("link", name="Play from 0:28, Speaker 3")).to_be_focused()
    page.keyboard.press("Enter")
    wait_until(page, "document.querySelector('video').currentTime >= 28.6")
    page.keyboard.press("End")
    expect(page.get_by_role("link", name="Play from 1:16, Speaker 1")).to_be_focused()
    page.keyboard.press("Tab")  # the transcript is one stop, however long
    assert page.evaluate("!document.activeElement.closest('.transcript-list')")

    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Who said what, and for how long")
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_the_language_can_be_switched_and_is_kept(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    settle(page)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_label("Language").select_option("es")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.get_by_role("heading", name="Las cifras")).to_be_visible()
    expect(page.locator(".segment-speaker").first).to_have_text("Hablante 1")
    expect(page.locator(".speaker-table tbody tr").first).to_contain_text("39 %")
    expect(page.locator(".transcript-list")).to_have_attribute("lang", "en")
    page.reload()
    expect(page.get_by_role("heading", name="Las cifras")).to_be_visible()


def test_the_browsers_language_is_taken(open_page: OpenPage, backend: Backend) -> None:
    backend.add("Mudo", "FAILED", error={"code": "no_audio_track", "message": "No sound."})
    page = open_page(locale="es-AR")
    expect(page.get_by_role("button", name="Elegir grabaciones")).to_be_visible()
    expect(page.get_by_text("El vídeo no tiene sonido")).to_be_visible()


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))


def test_the_theme_follows_the_system_until_chosen(open_page: OpenPage) -> None:
    page = open_page(color_scheme="dark")
    dark = background(page)
    page.emulate_media(color_scheme="light")
    light = background(page)
    assert light != dark
    page.get_by_label("Appearance").select_option("dark")
    assert background(page) == dark
    page.reload()
    assert background(page) == dark
    page.get_by_label("Appearance").select_option("system")
    assert background(page) == light


def test_nothing_moves_for_those_who_asked_for_stillness(
    open_page: OpenPage, backend: Backend
) -> None:
    _running(backend)
    page = open_page(reduced_motion="reduce")
    expect(page.locator(".icon-running")).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate("document.getAnimations().length") > 0


def test_speakers_differ_by_pattern_as_well_as_colour(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    settle(page)
    strokes = page.locator("pattern path").evaluate_all("all => all.map(p => p.getAttribute('d'))")
    assert len(set(strokes)) == len(strokes) == 8
    fills = page.locator("figure").filter(has=page.locator(".bar")).first.locator(".bar")
    assert len(set(fills.evaluate_all("all => all.map(r => r.getAttribute('fill'))"))) == 3
