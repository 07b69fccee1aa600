"""axe-core on a page: https://github.com/dequelabs/axe-core/blob/develop/doc/API.md"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """What it finds: each rule, with the elements that break it."""
    # Not a script element: the page's policy would refuse it.
    page.evaluate(f"() => {{ {_AXE} }}")
    found: dict[str, Any] = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in found["violations"]
    ]


def violations_by_theme(page: Page) -> list[tuple[str, list[str]]]:
    """What it finds in the light, and then in the dark."""
    page.emulate_media(color_scheme="light")
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    return found + violations(page)
