from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.excerpt import opening
from tests.e2e.laptop import Laptop


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """One stack for all tests that leave it as they found it."""
    stack = Laptop(tmp_path_factory.mktemp("laptop"))
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture
def own_laptop(tmp_path: Path) -> Iterator[Laptop]:
    """A stack that a test may kill."""
    stack = Laptop(tmp_path)
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def excerpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The opening of the demo debate, as a file."""
    path = tmp_path_factory.mktemp("excerpt") / "opening.mp4"
    path.write_bytes(opening())
    return path


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    # Without it the page uses a field, whose dialog Playwright can answer.
    context.add_init_script("delete window.showOpenFilePicker")
    yield context.new_page()
    context.close()
