"""A recording that takes a while to arrive, and what a page shows of it."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.frontend.backend import Backend

PART = 1_000_000
PARTS = 13


def make_recording(path: Path) -> None:
    """Large enough that no socket buffer swallows it whole, and the last part is a short one."""
    path.write_bytes(os.urandom(PARTS * PART - 1234))


def choose(page: Page, path: Path) -> None:
    page.get_by_label("Choose recordings").set_input_files(path)


def some_parts_arrive(page: Page, backend: Backend) -> None:
    while len(next(iter(backend.parts.values()), ())) < 4:
        page.wait_for_timeout(20)


def is_there(page: Page, backend: Backend, recording: Path) -> None:
    """Once, whole, and in one debate."""
    expect(page.get_by_text("Waiting to be transcribed")).to_be_visible()
    if backend.part_size is not None:
        assert [*backend.files.values()] == [recording.read_bytes()]
    else:
        assert [*backend.received.values()] == [recording.stat().st_size]
    assert len(backend.announced) == 1
