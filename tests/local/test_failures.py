"""Poison among good messages on the emulator, with the rights of the functions' own roles, until it
is a dead letter that the API lists, replays and drops."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from debate_analyzer.pipeline import Status
from debate_analyzer.unit import Unit
from tests.e2e.laptop import until
from tests.local.site import Site, running_site
from tests.world import MOVING_PICTURES

pytestmark = pytest.mark.emulator

POISON = '{"Records": "all of them"}'
LARGE = "x" * 256 * 1024


def test_of_ten_messages_nine_are_done_and_the_poison_is_a_letter_with_its_reason(
    tmp_path: Path,
) -> None:
    with running_site(tmp_path) as site:
        sqs, queue = site.client("sqs"), site.stack.outputs["TranscribeArrivalsQueueUrl"]
        # Of a message that failed SQS waits so long before the next of five attempts.
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
        keys = [f"jobs/{uuid.uuid4()}/videos/town hall.mp4" for _ in range(9)]
        for key in keys:
            site.store.put(key, MOVING_PICTURES, "video/mp4")
        bodies = [*(_notification(site, key) for key in keys[:5]), POISON]
        bodies += [_notification(site, key) for key in keys[5:]]
        sent = sqs.send_message_batch(
            QueueUrl=queue,
            Entries=[{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)],
        )
        [poison] = [each["MessageId"] for each in sent["Successful"] if each["Id"] == "5"]
        sqs.send_message(QueueUrl=queue, MessageBody=LARGE)

        letters = until(lambda: _letters(site, 2), seconds=90, what="two dead letters")

        rows = {key: site.table.get(key.split("/")[1]) for key in keys}
        assert {row.status for row in rows.values() if row} == {Status.QUEUED}
        waiting = [Unit.model_validate_json(b) for b in site.taken("TranscribeWorkQueueUrl")]
        assert {unit.key for unit in waiting} == set(keys)
        [letter] = [each for each in letters if each["letter_id"] == poison]
        assert letter["body"] == POISON
        assert letter["reason"]["code"] == "invalid_input"
        assert letter["reason"]["message"].startswith("Not an S3 notification: ")
        assert len(letter["attempts"]) == 5
        [large] = [each for each in letters if each["letter_id"] != poison]
        assert (large["is_cut"], large["bytes"]) == (True, len(LARGE))

        # Nothing has changed, so it comes back; then it goes.
        replayed = _ask(site, "POST", f"/transcribe-arrivals/{poison}/replay")
        assert replayed.json()["replayed"] == 1, replayed.text
        again = until(lambda: _letters(site, 2), seconds=90, what="the letter again")
        assert POISON in [each["body"] for each in again]
        assert _ask(site, "DELETE", "/transcribe-arrivals").json() == {"dropped": 2, "left": 0}

        assert _ask(site, "GET", "").json()["queues"][0] == {
            "queue": "transcribe-arrivals",
            "letters": 0,
        }


def _notification(site: Site, key: str) -> str:
    """Of an object that lies there: S3 told of it already, and is told to have told of it twice."""
    return json.dumps(
        {
            "Records": [
                {
                    "eventVersion": "2.6",
                    "eventSource": "aws:s3",
                    "eventName": "ObjectCreated:Put",
                    "s3": {
                        "bucket": {"name": site.bucket},
                        "object": {"key": key.replace(" ", "+")},
                    },
                }
            ]
        }
    )


def _ask(site: Site, method: str, path: str) -> httpx.Response:
    api = f"{site.deployed.endpoint()}/_aws/execute-api/{site.stack.outputs['ApiId']}/$default"
    token = {"authorization": f"Bearer {site.deployed.token()}"}
    answer = httpx.request(method, f"{api}/api/failures{path}", headers=token, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer


def _letters(site: Site, count: int) -> list[dict[str, Any]] | None:
    """Once there are so many."""
    found: list[dict[str, Any]] = _ask(site, "GET", "/transcribe-arrivals").json()["letters"]
    return found if len(found) >= count else None
