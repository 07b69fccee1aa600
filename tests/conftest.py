"""Fixtures that every room uses."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import moto
import pytest
from hypothesis import HealthCheck, settings
from moto.core.config import default_user_config
from moto.dynamodb.models import DynamoDBBackend
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import FLAGS, PATIENCE_MS, find_chromium
from tests.world import World

# How long an example takes, and how long it takes to make one up, says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Each of botocore's sessions reads the services' models from disk, which takes longer than a test.
default_user_config["core"]["reset_boto3_session"] = False

_STACKS = ("e2e", "emulator", "models")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Playwright leaves a loop running in its process: no test that opens a browser may be taken
    for one that does not, whatever its author marked."""
    if "browser" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.browser)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start stacks of their own first, those that take longest before others: they are
    dealt out to processes in this order, and none is to begin a long one when others are done."""
    ranks: dict[Path, int] = {}
    for item in items:
        marks = (n for n, mark in enumerate(_STACKS) if item.get_closest_marker(mark))
        rank = next(marks, len(_STACKS))
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    items.sort(key=lambda item: ranks[item.path])


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may reach an account, whatever the machine is signed in to."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def one_write_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB serializes the writes of an item; moto's threads get between a condition and its
    write. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html"""
    writing = threading.RLock()

    def serialized(write: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(write)
        def one(*args: Any, **kwargs: Any) -> Any:
            with writing:
                return write(*args, **kwargs)

        return one

    for name in ("put_item", "update_item", "delete_item"):
        monkeypatch.setattr(DynamoDBBackend, name, serialized(getattr(DynamoDBBackend, name)))


@pytest.fixture
def world(_no_account: None, one_write_at_a_time: None) -> Iterator[World]:
    with moto.mock_aws():
        yield World()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole session; each test has a context of its own.

    What is waited for may take long: how long says how busy the machine is.
    """
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield browser
        browser.close()
