from __future__ import annotations

from collections.abc import Iterator

import pytest

from batch_images.download.proxy import Proxy
from tests.batch_images.download.website import Network, Website, serve


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
