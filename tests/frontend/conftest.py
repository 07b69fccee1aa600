"""A browser, a server that keeps the contract, and pages that may not complain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from local.server import Server
from tests.browser import PATIENCE_MS
from tests.frontend.backend import Backend
from tests.frontend.debate import ENGLISH, make_transcript, make_video
from tests.frontend.upload import make_recording

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "debate.webm"
    make_video(path)
    return path


@pytest.fixture
def backend(video: Path) -> Backend:
    return Backend(video)


@pytest.fixture
def server(backend: Backend) -> Iterator[Server]:
    server = Server(0)
    server.start(backend.app)
    yield server
    backend.slow = False
    server.stop()


@pytest.fixture
def debate(backend: Backend) -> str:
    """The id of a complete English debate of three speakers."""
    job_id = backend.add("Should Market Street be closed to cars?")
    backend.complete(job_id, make_transcript(ENGLISH, job_id=job_id, language="en"))
    return job_id


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "council.mp4"
    make_recording(path)
    return path


@pytest.fixture
def complaints() -> list[str]:
    """What pages complained of; a test that provokes a complaint empties it."""
    return []


@pytest.fixture
def open_page(browser: Browser, server: Server, complaints: list[str]) -> Iterator[OpenPage]:
    """Opens a path in a browser context with `options`. Complaints of the page fail the test."""
    contexts = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text}")

    def open_page(path: str = "/", **options: Any) -> Page:
        context = browser.new_context(base_url=server.url, **{"locale": "en-GB", **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", on_console)
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error.stack}"))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
