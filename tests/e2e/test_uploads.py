"""A file in parts, through the gateway and to the bucket by the URLs that are signed for it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.e2e.laptop import Laptop, until
from tests.world import silent_wav

pytestmark = [pytest.mark.e2e, pytest.mark.models]

SOUND = silent_wav(10 * 60)  # 18 MiB: two parts


def _ask(laptop: Laptop, method: str, path: str, status: int, body: Any = None, **more: Any) -> Any:
    answer = httpx.request(method, f"{laptop.url}/api{path}", json=body, timeout=60, **more)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def _announce(laptop: Laptop) -> Any:
    body = {"filename": "Hall.wav", "size": len(SOUND), "multipart": True}
    made = _ask(laptop, "POST", "/uploads", 201, body)
    assert made["upload"]["parts"] == 2
    return made


def _send(laptop: Laptop, of: str, number: int, made: Any, *, too_many: bytes = b"") -> Any:
    signed = _ask(laptop, "POST", f"{of}/parts", 200, {"numbers": [number]})
    size = made["upload"]["part_size"]
    data = SOUND[(number - 1) * size : number * size]
    return httpx.put(signed["urls"][0]["url"], content=data + too_many, timeout=60)


def test_an_upload_in_parts_is_resumed_completed_and_worked_on(laptop: Laptop) -> None:
    made = _announce(laptop)
    of = f"/uploads/{made['job']['job_id']}"
    sent = _send(laptop, of, 2, made)
    assert sent.status_code == 200

    refused = _ask(laptop, "POST", f"{of}/complete", 409, {})
    assert refused["code"] == "incomplete_upload"
    assert "missing: 1" in refused["detail"]
    assert _ask(laptop, "GET", of, 200)["upload"]["missing"] == [1]  # as after a reload
    assert _send(laptop, of, 1, made, too_many=b"x").status_code == 403
    assert _send(laptop, of, 1, made).status_code == 200
    parts = _ask(laptop, "GET", f"{of}/parts", 200)["parts"]
    assert [part["bytes"] for part in parts] == [
        made["upload"]["part_size"],
        len(SOUND) - made["upload"]["part_size"],
    ]
    assert parts[1]["etag"] == sent.headers["etag"].strip('"')

    said = {"parts": [{"number": p["number"], "etag": p["etag"]} for p in reversed(parts)]}
    for _ in range(2):
        _ask(laptop, "POST", f"{of}/complete", 200, said)

    def arrived() -> Any:
        job = laptop.job(made["job"]["job_id"])
        return None if job["status"] == "UPLOADING" else job

    job = until(arrived, seconds=60, what="the recording to arrive")
    assert (job["bytes"], job["content_type"]) == (len(SOUND), "audio/wav")
    assert _ask(laptop, "GET", of, 200)["upload"] is None
    _ask(laptop, "DELETE", f"/jobs/{job['job_id']}", 200)


def test_an_upload_in_parts_is_given_up(laptop: Laptop) -> None:
    made = _announce(laptop)
    of = f"/uploads/{made['job']['job_id']}"
    _send(laptop, of, 1, made)
    for _ in range(2):
        _ask(laptop, "DELETE", of, 204)
    assert laptop.job(made["job"]["job_id"])["status"] == "CANCELLED"
    assert _ask(laptop, "POST", f"{of}/complete", 409, {})["code"] == "conflict"


def test_a_request_that_is_sent_again_with_its_key_is_done_once(laptop: Laptop) -> None:
    body = {"filename": "Hall.wav", "size": 15}
    key = {"idempotency-key": '"00000000-0000-4000-8000-000000000001"'}
    made = [_ask(laptop, "POST", "/uploads", 201, body, headers=key) for _ in range(2)]
    assert made[0] == made[1]
    other = _ask(laptop, "POST", "/uploads", 422, body | {"size": 16}, headers=key)
    assert other["code"] == "idempotency_mismatch"
    _ask(laptop, "DELETE", f"/uploads/{made[0]['job']['job_id']}", 204)
