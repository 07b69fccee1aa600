"""A tenth of what `python -m benchmarks.reliability laptop` does, by the same code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.burst import FAST, burst
from tests.e2e.laptop import Laptop
from tests.world import silent_wav

pytestmark = [pytest.mark.e2e, pytest.mark.models]

UPLOADS, KILLS = 40, 2


@pytest.fixture
def fast_laptop(tmp_path: Path) -> Iterator[Laptop]:
    stack = Laptop(tmp_path, launcher=FAST)
    yield stack
    stack.stop()


def test_what_was_uploaded_at_once_is_all_done_though_everything_is_killed_meanwhile(
    fast_laptop: Laptop,
) -> None:
    ended = burst(fast_laptop, silent_wav(1), uploads=UPLOADS, kills=KILLS)

    assert ended == {"COMPLETE": UPLOADS}
