from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from batch_images.stats import measures


@pytest.fixture(scope="module")
def figures_alone() -> Iterator[None]:
    """Without how sure they are, which takes a hundred times as long and is tested for itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            measures,
            "estimate",
            lambda debate, *_, **__: SimpleNamespace(
                speakers=[{} for _ in debate.speakers], totals={}, comparisons=[]
            ),
        )
        yield
