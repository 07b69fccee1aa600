"""Where the browser is, and how it is started."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

# Without the background services: a test machine may have no way out, and asks nobody anything.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
    # A microphone that beeps and a camera with a picture, and nobody who has to allow them.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # Nothing but this machine can be reached: a page that asks a third party complains of it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]

PATIENCE_MS = 30_000


HEADLESS = "chromium-headless-shell"
WHOLE = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium(names: Sequence[str] = (HEADLESS, *WHOLE)) -> str | None:
    """The path of a Chromium or Chrome: the system's first of `names`, else Playwright's own.

    The headless shell is the same browser without windows, and takes half the processor's time.
    https://developer.chrome.com/blog/chrome-headless-shell
    """
    for name in names:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def wait_until(page: Page, expression: str) -> None:
    """Playwright's own wait_for_function needs the eval that our policy forbids."""
    for _ in range(PATIENCE_MS // 50):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {expression}")
