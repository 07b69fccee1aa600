"""Kills at every call of AWS. With failures as well, and in every story whole:
`python -m tests.faults.boundaries`."""

from __future__ import annotations

import pytest

from tests.faults.boundaries import strike_all
from tests.faults.machine import Fault
from tests.faults.stories import STORIES


def test_whatever_call_a_process_is_killed_at_an_upload_ends_complete_and_once() -> None:
    tally = strike_all("an upload")
    assert tally.wrong == []
    assert set(tally.struck) >= {
        *("api", "submit-transcribe", "transcribe", "submit-stats", "stats", "publish", "index"),
        *("sweep", "track", "notify", "deliver"),
    }


@pytest.mark.parametrize("name", sorted(set(STORIES) - {"an upload"}))
def test_whatever_call_the_api_or_a_download_is_killed_at_what_was_asked_for_is_done(
    name: str,
) -> None:
    tally = strike_all(name, only=lambda call: call.process.kind in ("api", "download"))
    assert tally.wrong == []
    assert tally.struck or name == "by the console"


def test_a_call_whose_answer_is_lost_is_no_call_too_many() -> None:
    """boto3 repeats it; a conditional write meets itself."""
    tally = strike_all(
        "an upload", faults=(Fault.REFUSE_AFTER,), only=lambda call: call.is_conditional
    )
    assert tally.wrong == []
    assert tally.struck.total() > 10
