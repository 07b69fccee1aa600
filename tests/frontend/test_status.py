"""The laptop's `/status`: without a script, by keyboard, and while its figures change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from local.laptop import FRONTEND
from local.server import Server
from local.status import Failure, Health, QueueStatus, SourceStatus, StageStatus
from local.web import Site, application
from tests.browser import PATIENCE_MS
from tests.frontend.axe import violations

Open = Callable[..., Page]
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Stack:
    """How it is, as a test says."""

    def __init__(self) -> None:
        self.waiting = 2
        self.failures: list[Failure] = []

    def fail(self, title: str) -> None:
        message = "The recording has no sound, so there is nothing to transcribe."
        failed = Failure(job_id="7c9e6679", title=title, at=NOW, code="no_sound", message=message)
        self.failures.append(failed)

    def look(self, is_up: bool) -> Health:
        stage = StageStatus(
            name="transcribe",
            slots=1,
            workers_running=1,
            workers_waiting=0,
            waiting=self.waiting,
            in_hand=1,
            waits_since=NOW,
        )
        return Health(
            status="ok",
            started_at=NOW,
            read_at=NOW,
            stages=[stage],
            queues=[QueueStatus(name="events", waiting=None, in_hand=None, dead_letters=3)],
            sources=[SourceStatus(function="publish", source="publish", state="Enabled")],
            failures=list(self.failures),
            disk_free=2**31,
            disk_total=2**34,
            models=["whisper-base"],
            versions={"ministack": "1.5.33"},
        )


@pytest.fixture
def stack() -> Stack:
    return Stack()


@pytest.fixture
def server(stack: Stack, tmp_path: Path) -> Iterator[Server]:
    async def nobody(*_: Any) -> Any:
        raise NotImplementedError

    server = Server(0)
    site = Site(
        frontend=FRONTEND,
        endpoint="http://127.0.0.1:9",
        api="/nowhere",
        token=str,
        bucket="debates",
        objects=tmp_path,
        s3=nobody,
        look=stack.look,
    )
    server.start(application(site, server.port))
    yield server
    server.stop()


@pytest.fixture
def status(browser: Browser, server: Server) -> Iterator[Open]:
    """Opens it in a context with `options`, on a clock that a test turns."""
    contexts = []

    def opened(**options: Any) -> Page:
        context = browser.new_context(base_url=server.url, **{"locale": "en-GB", **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.clock.install()
        page.goto("/status")
        return page

    yield opened
    for context in contexts:
        context.close()


def figure(page: Page, column: int) -> Any:
    stages = page.get_by_role("region", name="Stages")
    return stages.locator("tbody tr").first.locator("th, td").nth(column)


def test_without_a_script_it_is_read_again_by_its_link(status: Open, stack: Stack) -> None:
    page = status(java_script_enabled=False)
    expect(figure(page, 4)).to_have_text("2")
    stack.waiting = 7
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Read again")).to_be_focused()
    page.keyboard.press("Enter")
    expect(figure(page, 4)).to_have_text("7")


def test_figures_follow_and_whoever_reads_stays_where_they_are(status: Open, stack: Stack) -> None:
    page = status()
    page.keyboard.press("Tab")
    link, failed = (
        page.get_by_role("link", name="Read again"),
        page.get_by_role("region", name="Debates that failed"),
    )
    for reached in (link, failed):
        while not reached.evaluate("it => it === document.activeElement"):
            page.keyboard.press("Tab")
        assert reached.evaluate("it => getComputedStyle(it).outlineStyle") == "solid"
        stack.waiting += 1
        stack.fail(f"Council {stack.waiting}")
        page.clock.fast_forward(5000)
        expect(figure(page, 4)).to_have_text(str(stack.waiting))
        expect(failed.get_by_role("rowheader")).to_have_count(len(stack.failures))
        expect(reached).to_be_focused()


def test_that_the_stack_was_stopped_is_said(status: Open, server: Server) -> None:
    page = status(locale="es-ES")
    expect(page.get_by_role("status")).to_contain_text("Está en marcha.")
    server.stop()
    page.clock.fast_forward(5000)
    expect(page.get_by_role("status")).to_contain_text("El sistema se detuvo")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_screen(status: Open, stack: Stack, scheme: str) -> None:
    stack.fail("Biblioteca_central_abrir_hasta_la_medianoche_Pleno_extraordinario_del_Ayuntamiento")
    page = status(color_scheme=scheme)
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []
