from __future__ import annotations

import json
from pathlib import Path

import pytest

from debate_analyzer.errors import InvalidInput
from debate_analyzer.events import arrived_keys, batch_job_change
from tests.world import JOB_ID, ROOT


def _body(name: str) -> str:
    event = json.loads(Path(ROOT, "events", name).read_text())
    return str(event["Records"][0]["body"])


def test_keys_are_decoded() -> None:
    assert list(arrived_keys(_body("submit-video.json"))) == [
        f"jobs/{JOB_ID}/videos/Town hall – café.mp4"
    ]


def test_s3_s_own_test_event_names_nothing() -> None:
    assert list(arrived_keys(_body("submit-s3-test-event.json"))) == []


def test_what_is_no_notification_is_refused() -> None:
    with pytest.raises(InvalidInput):
        list(arrived_keys(_body("submit-not-a-notification.json")))


def test_deletions_are_not_arrivals() -> None:
    body = _body("submit-video.json").replace("ObjectCreated:Put", "ObjectRemoved:Delete")
    assert list(arrived_keys(body)) == []


def test_a_batch_change_says_who_and_why() -> None:
    event = json.loads(Path(ROOT, "events", "track-worker-lost.json").read_text())
    change = batch_job_change(event)
    assert change.status == "FAILED"
    assert change.status_reason.startswith("Host EC2")
