from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest

from batch_images.download.proxy import Proxy
from tests.batch_images.download.website import Network, Website, serve


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    """An answer that yt-dlp thinks better of is closed when it is collected: here, and not in a
    later module's tests, where its warning would be an error."""
    yield
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()


@pytest.fixture
def site() -> Iterator[Website]:
    with serve() as site:
        yield site


@pytest.fixture
def network(site: Website) -> Network:
    return Network(site)


@pytest.fixture
def proxy(network: Network) -> Iterator[Proxy]:
    with Proxy(resolve=network.resolve, connect=network.connect) as proxy:
        proxy.allow(received=2**20, seconds=60)
        yield proxy
