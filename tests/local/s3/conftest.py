from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.bucket import Bucket, running_bucket


@pytest.fixture(scope="package")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with running_bucket(tmp_path_factory.mktemp("bucket")) as bucket:
        yield bucket
