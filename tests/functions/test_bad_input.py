"""Every function that a queue or an event feeds, with what nobody should have sent: it comes back,
with a reason and no harm to its neighbours, or it is passed by as what it is."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from debate_analyzer import bootstrap
from debate_analyzer.errors import InvalidInput
from debate_analyzer.messages import attempts
from debate_analyzer.pipeline import Status
from tests.functions.runtime import folder, sample
from tests.world import BUCKET, JOB_ID, LEDGER, TABLE, VIDEO, World

Handler = Callable[[Any], Any]

DEEP = "[" * 200_000
JUNK = {
    "nothing": "",
    "no JSON": "<xml/>",
    "null": "null",
    "a list": "[]",
    "a number": "1e999",
    "an empty object": "{}",
    "another's": '{"detail": {"jobId": "1"}}',
    "nested too deep": DEEP,
    "nested too deep within": f'{{"job_id": {DEEP}',
    "as large as SQS once took": json.dumps("x" * 256 * 1024),
    "as large as SQS takes": json.dumps("x" * (1024 * 1024 - 2)),
    "no text": "\ud800\udfff",
}
SENSELESS = {
    "publish": ['{"page": -1}', '{"job_id": "a", "page": 1}', '{"job_id": 7}'],
    "deliver": ['{"subject": "a"}', '{"subject": 1, "delivery_id": 2, "webhook_id": 3}'],
    "mail": ['{"job_id": "a"}', '{"job_id": 7}'],
    "submit": ['{"Records": [{"s3": {}}]}', '{"Event": "s3:Other"}'],
}


@pytest.fixture
def handler(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Handler]:
    """Of a function, with moto's AWS behind it."""
    queues = {name: world._queue(name) for name in ("webhooks", "mail", "event-letters")}
    environment = {
        "BUCKET": BUCKET,
        "JOB_TABLE": TABLE,
        "LEDGER_TABLE": LEDGER,
        "STAGE": "transcribe",
        "PUBLISH_QUEUE_URL": world.publish_queue.url,
        "WEBHOOK_QUEUE_URL": queues["webhooks"],
        "MAIL_QUEUE_URL": queues["mail"],
        "MAIL_FROM": "debates@example.org",
        "SITE_URL": "https://debates.example.org",
        "EVENT_DEAD_LETTERS_URL": queues["event-letters"],
        "DOWNLOAD_BATCH_QUEUE": "download",
        "DOWNLOAD_JOB_DEFINITION": "download",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    bootstrap._client.cache_clear()
    monkeypatch.setattr(bootstrap, "dispatcher", lambda *_: world.dispatcher)
    monkeypatch.setattr(bootstrap, "imports", lambda *_: world.imports)
    context = SimpleNamespace(
        function_name="function",
        memory_limit_in_mb=256,
        invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:notify",
        aws_request_id="request",
    )

    def load(name: str) -> Handler:
        path = folder("SubmitFunction" if name == "submit" else f"{name.title()}Function")
        specification = importlib.util.spec_from_file_location(name, path / "handler.py")
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return lambda event: module.handler(event, context)

    return load


def batch(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "receiptHandle": "receipt",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
            }
            for number, body in enumerate(bodies)
        ]
    }


def notification(**changes: Any) -> str:
    """Of VIDEO, in our bucket."""
    body = json.loads(sample("submit-video")["Records"][0]["body"])
    [record] = body["Records"]
    record["s3"]["bucket"]["name"] = BUCKET
    record["s3"]["object"]["key"] = VIDEO.replace(" ", "+")
    record |= {name: changes[name] for name in changes if name in record}
    record["s3"]["object"] |= {name: changes[name] for name in changes if name not in record}
    return json.dumps(body)


@pytest.mark.parametrize("function", SENSELESS)
def test_what_makes_no_sense_comes_back_with_its_reason(
    handler: Callable[[str], Handler], world: World, function: str
) -> None:
    bodies = [*JUNK.values(), *SENSELESS[function]]
    answer = handler(function)(batch(*bodies))
    ids = [f"message-{number}" for number in range(len(bodies))]
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ids
    for message_id in ids:
        [attempt] = attempts(world.ledger, message_id)
        assert 0 < len(attempt.message) <= 500
        assert "Traceback" not in attempt.message
    assert world.waiting() == []


def test_the_neighbours_of_poison_are_done(handler: Callable[[str], Handler], world: World) -> None:
    world.drop(VIDEO)
    answer = handler("submit")(batch("poison", notification(), DEEP))
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == [
        "message-0",
        "message-2",
    ]
    assert world.job().status is Status.QUEUED
    assert len(world.waiting()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "jobs/../../etc/passwd"},
        {"key": f"jobs/{JOB_ID}/videos/%2e%2e%2Fother.mp4"},
        {"key": f"jobs/{JOB_ID}/other/town+hall.mp4"},
        {"key": "website/index.html"},
        {"key": "x" * 5000},
        {"key": ""},
        {"eventName": "ObjectRemoved:Delete"},
        {"eventName": "ObjectCreated"},
        {"key": f"jobs/{JOB_ID}/videos/never+was.mp4", "size": 10**30, "eTag": "made up"},
    ],
)
def test_what_is_no_work_of_ours_is_passed_by(
    handler: Callable[[str], Handler], world: World, changes: dict[str, Any]
) -> None:
    assert handler("submit")(batch(notification(**changes))) == {"batchItemFailures": []}
    assert world.table.get(JOB_ID) is None


def test_of_an_event_only_the_key_is_believed(
    handler: Callable[[str], Handler], world: World
) -> None:
    world.drop(VIDEO)
    claims = notification(size=10**30, eTag="made up", sequencer="no hex", versionId=[])
    assert handler("submit")(batch(claims)) == {"batchItemFailures": []}
    found = world.store.head(VIDEO)
    assert found is not None
    assert (world.job().media.bytes, world.job().media.etag) == (found.bytes, found.etag)


@pytest.mark.parametrize("event", [{}, {"detail": None}, {"detail": []}, {"detail": {"jobId": 1}}])
def test_what_is_no_change_of_batch_is_refused_by_name(
    handler: Callable[[str], Handler], event: dict[str, Any]
) -> None:
    """Lambda tries twice again, then puts it among the dead letters of events."""
    with pytest.raises(InvalidInput, match="Not a state change of Batch"):
        handler("track")(event)


@pytest.mark.parametrize("name", ["transcribe-worker", "import-", "somebody else's", "x" * 5000])
@pytest.mark.parametrize("status", ["FAILED", "SUCCEEDED", "UNHEARD OF"])
def test_a_job_of_batch_that_nobody_knows_is_passed_by(
    handler: Callable[[str], Handler], world: World, name: str, status: str
) -> None:
    event = sample("track-worker-lost")
    event["detail"] |= {"jobName": name, "status": status}
    assert handler("track")(event)["released"] == []
    assert world.waiting() == []


def test_a_row_that_cannot_be_read_is_set_aside_with_its_reason(
    handler: Callable[[str], Handler], world: World
) -> None:
    event = sample("notify-failed")
    bad = {"dynamodb": {"NewImage": {"job_id": {"S": JOB_ID}, "status": {"S": "UNHEARD OF"}}}}
    event["Records"].insert(0, bad)
    told = handler("notify")(event)
    assert told["mails"] + told["deliveries"] >= 0
    [letter] = world._bodies(os.environ["EVENT_DEAD_LETTERS_URL"])
    record = json.loads(letter)
    assert record["requestPayload"] == {"Records": [bad]}
    assert record["responsePayload"]["errorType"] == "invalid_input"
