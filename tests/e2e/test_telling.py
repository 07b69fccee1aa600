"""Webhooks, share links and feedback through the whole stack, every right enforced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.emulator import client
from local.folder import DataFolder
from tests.e2e.laptop import Laptop, until

pytestmark = [pytest.mark.e2e, pytest.mark.models]

HOOK = {"url": "https://localhost/told", "events": ["job.failed"]}


@pytest.fixture(scope="module")
def failed(laptop: Laptop) -> str:
    """A debate that is none."""
    job_id = laptop.upload("minutes.mp4", b"These are the minutes of an evening." * 9)
    assert laptop.ended(job_id)["status"] == "FAILED"
    return job_id


@pytest.fixture
def webhook(laptop: Laptop) -> Iterator[str]:
    made = httpx.post(f"{laptop.url}/api/webhooks", json=HOOK, timeout=30)
    assert made.status_code == 201, made.text
    one = f"{laptop.url}/api/webhooks/{made.json()['webhook_id']}"
    yield one
    assert httpx.delete(one, timeout=30).status_code == 204


def tried(log: str) -> Any:
    """The first delivery of a log, when it was tried."""

    def found() -> Any:
        for delivery in httpx.get(log, timeout=30).json()["deliveries"]:
            if any(attempt["outcome"] != "sending" for attempt in delivery["attempts"]):
                return delivery
        return None

    return until(found, seconds=60, what="a try")


def test_a_failure_is_told_and_a_receiver_on_this_machine_is_refused(
    laptop: Laptop, webhook: str
) -> None:
    job_id = laptop.upload("minutes.mp4", b"These are the minutes of an evening." * 9)
    laptop.ended(job_id)

    delivery = tried(f"{laptop.url}/api/jobs/{job_id}/deliveries")
    assert (delivery["event"], delivery["state"]) == ("job.failed", "pending")
    [attempt, *_] = delivery["attempts"]
    assert attempt["host"] == "localhost"
    assert "not on the public internet" in attempt["error"]


def test_a_webhook_is_tried_out(laptop: Laptop, webhook: str) -> None:
    secret = httpx.get(f"{webhook}/secret", timeout=30).json()["secret"]
    assert secret.startswith("whsec_")
    sent = httpx.post(f"{webhook}/test", timeout=30)
    assert sent.status_code == 202, sent.text

    delivery = tried(f"{webhook}/deliveries")
    assert (delivery["delivery_id"], delivery["state"]) == (sent.json()["delivery_id"], "failed")


def test_whoever_has_a_link_reads_the_debate_without_a_token(laptop: Laptop, failed: str) -> None:
    shares = f"{laptop.url}/api/jobs/{failed}/shares"
    share = httpx.post(shares, timeout=30).json()
    endpoint = f"http://127.0.0.1:{DataFolder(laptop.data / 'state').port('emulator')}"
    [api] = client("apigatewayv2", endpoint).get_apis()["Items"]
    gateway = f"{endpoint}/_aws/execute-api/{api['ApiId']}/$default"

    for origin in (laptop.url, gateway):
        shown = httpx.get(origin + share["url"], timeout=30)
        assert (shown.status_code, shown.json()["status"]) == (200, "FAILED"), shown.text
        video = httpx.get(f"{origin}{share['url']}/video", timeout=30).json()
        assert httpx.get(video["url"], timeout=30).content.startswith(b"These are")
    assert httpx.get(f"{gateway}/api/jobs/{failed}", timeout=30).status_code == 401
    assert httpx.post(f"{gateway}/api/jobs/{failed}/shares", timeout=30).status_code == 401
    assert httpx.delete(f"{shares}/{share['share_id']}", timeout=30).status_code == 204
    assert httpx.get(gateway + share["url"], timeout=30).status_code == 404


def test_a_debate_is_marked(laptop: Laptop, failed: str) -> None:
    mark = f"{laptop.url}/api/jobs/{failed}/feedback"
    said = httpx.put(mark, json={"useful": False, "comment": "It is text."}, timeout=30)
    assert said.status_code == 200, said.text
    assert httpx.get(mark, timeout=30).json() == said.json()
    assert httpx.delete(mark, timeout=30).status_code == 204
    assert httpx.get(mark, timeout=30).status_code == 404
