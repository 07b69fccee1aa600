"""What somebody does with a long debate."""

from __future__ import annotations

import random
from collections.abc import Callable

from playwright.sync_api import Page

_PAUSE_MS = 120


def scroll(page: Page, over: str) -> None:
    """With the wheel, thirty times most of a screen."""
    page.locator(over).first.scroll_into_view_if_needed()
    page.locator(over).first.hover()
    for _ in range(30):
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(_PAUSE_MS)


def seek(page: Page, links: str) -> None:
    """By twenty places of the transcript, anywhere in it."""
    random_ = random.Random(2)
    for _ in range(20):
        page.evaluate(
            "([links, at]) => { const all = document.querySelectorAll(links);"
            " all[Math.floor(at * all.length)].click(); }",
            [links, random_.random()],
        )
        page.wait_for_timeout(_PAUSE_MS)


def search(page: Page, field: str) -> None:
    """For a word that is often there, letter by letter, and from one place to the next."""
    page.locator(field).focus()
    for letter in "hospitals":
        page.keyboard.press(letter)
        page.wait_for_timeout(_PAUSE_MS)
    for _ in range(10):
        page.keyboard.press("Enter")
        page.wait_for_timeout(_PAUSE_MS)


def play(page: Page) -> None:
    """Five seconds at eight times the speed: a segment every half second."""
    page.evaluate(
        "() => { const media = document.querySelector('video, audio');"
        " media.currentTime = 600; media.playbackRate = 8; media.play(); }"
    )
    page.wait_for_timeout(5_000)
    page.evaluate("document.querySelector('video, audio').pause()")


ACTS: dict[str, Callable[[Page], None]] = {
    "scrolling": lambda page: scroll(page, ".transcript-list"),
    "seeking": lambda page: seek(page, ".segment-time"),
    "searching": lambda page: search(page, ".find-field"),
    "playing": play,
}
