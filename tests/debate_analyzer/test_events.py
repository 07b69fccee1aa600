from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate_analyzer.errors import InvalidInput
from debate_analyzer.events import arrived_keys, batch_job_change, ended_jobs, sifted
from tests.world import JOB_ID, ROOT

BUCKET = "debate-analyzer-000000000000-us-east-1-debate-analyzer"  # of the samples


def _body(name: str) -> str:
    event = json.loads(Path(ROOT, "events", name).read_text())
    return str(event["Records"][0]["body"])


def test_keys_are_decoded() -> None:
    assert arrived_keys(_body("submit-video.json"), BUCKET) == [
        f"jobs/{JOB_ID}/videos/Town hall – café.mp4"
    ]


def test_s3_s_own_test_event_names_nothing() -> None:
    assert arrived_keys(_body("submit-s3-test-event.json"), BUCKET) == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (_body("submit-not-a-notification.json"), "Invalid JSON"),
        ("", "Invalid JSON"),
        ("{}", "Field required"),
        ("[]", "Input should be"),
        ("null", "Input should be"),
        ('{"Records": []}', "at least 1 item"),
        ('{"Records": [{}]}', "Field required"),
        ('{"Event": "s3:Other"}', "Field required"),
        ("[" * 300_000, "recursion limit"),
        ('{"a":' * 100_000, "recursion limit"),
        (_body("submit-video.json").replace('"2.3"', '"3.0"'), "eventVersion"),
        (_body("submit-video.json").replace("aws:s3", "aws:sns", 1), "eventSource"),
        (_body("submit-video.json").replace(BUCKET, "another"), "another, which is not our bucket"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_notification_of_ours_is_refused_with_a_sentence(
    body: str, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence) as raised:
        arrived_keys(body, BUCKET)
    assert len(str(raised.value)) < 400


def test_deletions_are_not_arrivals() -> None:
    body = _body("submit-video.json").replace("ObjectCreated:Put", "ObjectRemoved:Delete")
    assert arrived_keys(body, BUCKET) == []


@pytest.mark.parametrize("event", [{}, {"detail": None}, {"detail": {"status": "FAILED"}}])
def test_what_is_no_change_of_batch_is_refused(event: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="Not a state change of Batch"):
        batch_job_change(event)


def test_a_batch_change_says_who_and_why() -> None:
    event = json.loads(Path(ROOT, "events", "track-worker-lost.json").read_text())
    change = batch_job_change(event)
    assert change.status == "FAILED"
    assert change.status_reason.startswith("Host EC2")


def _changes() -> dict[str, Any]:
    event: dict[str, Any] = json.loads(Path(ROOT, "events", "notify-failed.json").read_text())
    return event


def test_a_stream_s_records_are_all_readable_as_they_come() -> None:
    event = _changes()
    assert sifted(event) == (event, [])


@pytest.mark.parametrize(
    "record",
    [
        None,
        {},
        {"dynamodb": 7},
        {"dynamodb": {"NewImage": {"job_id": "not an attribute"}}},
        {"dynamodb": {"NewImage": {"job_id": {"S": "a", "N": "1"}}}},
        {"dynamodb": {"NewImage": {"job_id": {"S": JOB_ID}}}},
        {"dynamodb": {"NewImage": {"job_id": {"S": JOB_ID}, "status": {"S": "UNHEARD OF"}}}},
        {"dynamodb": {"OldImage": {"version": {"N": "many"}}}},
    ],
)
def test_one_that_cannot_be_read_is_set_aside_and_its_neighbours_are_not(record: object) -> None:
    event = _changes()
    mixed = {**event, "Records": [record, *event["Records"]]}
    readable, [(bad, why)] = sifted(mixed)
    assert readable == event
    assert bad == record
    assert str(why).startswith("Not a change of the job table")
    assert [job.job_id for job in ended_jobs(readable)] == [JOB_ID]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@st.composite
def _mutated(draw: st.DrawFn, name: str) -> Any:
    """A sample event with one thing in it that is something else, or gone."""
    event = json.loads(Path(ROOT, "events", f"{name}.json").read_text())
    if isinstance(body := event.get("Records", [{}])[0].get("body"), str):
        event = json.loads(body)
    path: list[Any] = []
    here: Any = event
    while isinstance(here, dict | list) and here and (not path or draw(st.booleans())):
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        path.append(draw(st.sampled_from(keys)))
        here = here[path[-1]]
    holder = event
    for step in path[:-1]:
        holder = holder[step]
    if draw(st.booleans()):
        holder[path[-1]] = draw(_JSON)
    else:
        del holder[path[-1]]
    return event


@given(body=_mutated("submit-video") | _mutated("submit-edits") | _JSON)
def test_whatever_comes_for_a_notification_is_read_or_refused(body: Any) -> None:
    try:
        keys = arrived_keys(json.dumps(body), BUCKET)
    except InvalidInput:
        return
    assert all(isinstance(key, str) for key in keys)


@given(event=_mutated("track-worker-lost"))
def test_whatever_comes_for_a_change_of_batch_is_read_or_refused(event: Any) -> None:
    try:
        change = batch_job_change(event)
    except InvalidInput:
        return
    assert isinstance(change.job_id, str)


@given(record=_mutated("notify-failed").map(lambda event: event.get("Records")) | _JSON)
def test_whatever_comes_for_a_record_is_told_or_set_aside(record: Any) -> None:
    records = record if isinstance(record, list) else [record]
    readable, unreadable = sifted({"Records": records})
    assert len(readable["Records"]) + len(unreadable) == len(records)
    list(ended_jobs(readable))
