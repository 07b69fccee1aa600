from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.site import Site, running_site


@pytest.fixture(scope="session")
def site_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def site(site_of_all: Site) -> Iterator[Site]:
    """One for all tests, each of which leaves nothing there."""
    yield site_of_all
    site_of_all.leave_nothing()
