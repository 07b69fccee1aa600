"""kill -9 of everything in the middle of a transcription: nothing is lost."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.e2e.excerpt import opening
from tests.e2e.laptop import Laptop, until

pytestmark = [pytest.mark.e2e, pytest.mark.models]


def _transcribing(laptop: Laptop, job_id: str) -> Any:
    def found() -> Any:
        job = laptop.job(job_id)
        return job if job and job["status"] == "TRANSCRIBING" else None

    return until(found, seconds=60, what="the transcription to begin")


def test_a_killed_stack_finishes_what_it_had_begun(own_laptop: Laptop) -> None:
    own_laptop.start()
    job_id = own_laptop.upload("debate.mp4", opening())
    _transcribing(own_laptop, job_id)

    own_laptop.kill()
    own_laptop.start()

    job = own_laptop.ended(job_id, seconds=400)
    assert job["status"] == "COMPLETE", job
    index = until(lambda: _index(own_laptop), seconds=60, what="the index")
    assert [entry["jobId"] for entry in index["jobs"]] == [job_id]


def _index(laptop: Laptop) -> Any:
    answer = httpx.get(f"{laptop.url}/statistics/index.json", timeout=30)
    return answer.json() if answer.status_code == 200 else None


def test_an_upload_that_the_killed_stack_forgot_is_found_in_the_bucket(
    own_laptop: Laptop,
) -> None:
    """The object is written at once, table and queues every two seconds: kill in between."""
    own_laptop.start()
    job_id = own_laptop.upload("debate.mp4", opening())
    own_laptop.kill()
    own_laptop.start()

    job = own_laptop.ended(job_id, seconds=400)
    assert job["status"] == "COMPLETE", job
