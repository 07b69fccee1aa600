"""Where the browser is, and how it is started."""

from __future__ import annotations

import shutil
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
]

PATIENCE_MS = 30_000


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome: the system's, else Playwright's own, else None."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
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
