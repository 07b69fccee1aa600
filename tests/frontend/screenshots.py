"""Pictures of every page, wide and narrow, by day and by night, for docs/screenshots.

    make demo            # twice, so that there is something to compare with
    python -m tests.frontend.screenshots

They show the two newest debates that are complete, as they are: name their speakers first.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from urllib.parse import urlencode

import httpx
import imageio_ffmpeg
from playwright.sync_api import Browser, sync_playwright

from tests.browser import FLAGS, find_chromium

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
SIZES = {1280: 900, 390: 844}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_SETTLED_MS = 2_500


def addresses(url: str) -> dict[str, str]:
    """Query of each page by its name. Raises LookupError without two complete debates."""
    done = httpx.get(f"{url}/api/jobs?status=complete").raise_for_status().json()["jobs"]
    if len(done) < 2:
        raise LookupError("Two complete debates are wanted: run `make demo` twice.")
    first, second = done[0]["job_id"], done[1]["job_id"]
    statistics = httpx.get(f"{url}/statistics/by-job/{first}.json").raise_for_status().json()
    named = [speaker["name"] for speaker in statistics["speakers"] if speaker["name"]]
    pages = {
        "home": {},
        "debate": {"job": first, "t": "12"},
        "search": {"search": "city"},
        "compare": {"compare": first, "with": second},
        "failures": {"failures": ""},
    }
    if named:
        pages["speaker"] = {"speaker": named[0]}
    return {name: f"?{urlencode(query)}" if query else "" for name, query in pages.items()}


def take(browser: Browser, url: str, name: str, query: str, folder: Path) -> None:
    """`folder/<name>-<width>-<theme>.webp`, of what is seen without scrolling; the debate's figures
    have one of their own."""
    for width, height in SIZES.items():
        for theme in THEMES:
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, locale="en-GB"
            )
            page = context.new_page()
            page.goto(f"{url}/{query}")
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(_SETTLED_MS)
            _keep(page.screenshot(), folder / f"{name}-{width}-{theme}.webp")
            if name == "debate":
                page.evaluate("document.querySelector('.figures').scrollIntoView()")
                page.wait_for_timeout(_SETTLED_MS)
                _keep(page.screenshot(), folder / f"figures-{width}-{theme}.webp")
            context.close()


def _keep(png: bytes, path: Path) -> None:
    """As WebP, a fifth of its size."""
    with TemporaryDirectory() as scratch:
        source = Path(scratch) / "picture.png"
        source.write_bytes(png)
        program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(source)]
        subprocess.run([*program, "-quality", "82", str(path)], check=True)


def main(url: str = "http://127.0.0.1:8080") -> None:
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for name, query in addresses(url).items():
            take(browser, url, name, query, FOLDER)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
