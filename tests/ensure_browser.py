"""Sees to it that the browser tests find a Chromium: the system's, or one from Playwright."""

from __future__ import annotations

import subprocess
import sys

from tests.browser import find_chromium


def main() -> int:
    """0 when there is a browser in the end."""
    if find_chromium():
        return 0
    print("Fetching a Chromium for the browser tests ...", flush=True)
    fetched = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])
    if fetched.returncode == 0 and find_chromium():
        return 0
    print(
        "No Chromium was found and none could be fetched. Install one with the system's package "
        "manager (Debian: apt install chromium-headless-shell) and run this again.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
