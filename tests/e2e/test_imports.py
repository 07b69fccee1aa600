"""Recordings that nobody uploads, through the whole stack.

The job that brings them runs as a process of this machine, with its role's rights, and the chain
goes on from there.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.batch_images.download.website import Page, Website, serve
from tests.e2e.excerpt import DEMO, opening
from tests.e2e.laptop import Laptop, until

pytestmark = [pytest.mark.e2e, pytest.mark.models]

HOME = "http://videos.example"

# Found by the download job alone, before its proxy: every name is at one public address, and what
# is there is the test's website. No other process is changed, and nothing else of this one.
NETWORK = """
import asyncio, sys

if "batch_images.download.job" in sys.orig_argv:
    from ipaddress import ip_address
    from debate_analyzer import internet

    async def resolve(host, port):
        return [ip_address("10.0.0.1" if host == "within.example" else "93.184.215.14")]

    async def connect(address, port):
        return await asyncio.open_connection("127.0.0.1", {port})

    internet.resolve, internet.connect = resolve, connect
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Website]:
    with serve() as site:
        site.pages["/debate.mp4"] = Page(opening(), "video/mp4")
        site.pages["/slow.mp4"] = Page(DEMO.read_bytes(), "video/mp4", pause=1)
        for number in (1, 2):
            site.pages[f"/debate.mp4?{number}"] = site.pages["/debate.mp4"]
        entries = "".join(f'<video src="/debate.mp4?{number}"></video>' for number in (1, 2))
        site.pages["/list"] = Page(f"<html><title>Evening</title>{entries}</html>".encode())
        yield site


@pytest.fixture(scope="module")
def laptop(site: Website, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    folder = tmp_path_factory.mktemp("imports")
    (folder / "sitecustomize.py").write_text(NETWORK.replace("{port}", str(site.port)))
    stack = Laptop(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        stack.start()
    yield stack
    stack.stop()


def ask(laptop: Laptop, path: str, body: Any, status: int = 202) -> Any:
    answer = httpx.post(f"{laptop.url}{path}", json=body, timeout=30)
    assert answer.status_code == status, answer.text
    return answer.json()


def bucket(laptop: Laptop) -> str:
    names = [each["Name"] for each in laptop.aws("s3").list_buckets()["Buckets"]]
    return next(name for name in names if "artifacts" not in name and "log" not in name)


def test_a_recording_on_the_web_becomes_a_debate(laptop: Laptop) -> None:
    made = ask(laptop, "/api/imports", {"url": f"{HOME}/debate.mp4"})
    assert (made["status"], made["source_url"]) == ("UPLOADING", f"{HOME}/debate.mp4")
    done = laptop.ended(made["job_id"])
    assert (done["status"], done["title"], done["bytes"]) == ("COMPLETE", "debate", len(opening()))


def test_each_of_a_playlist_becomes_one(laptop: Laptop) -> None:
    made = ask(laptop, "/api/imports", {"url": f"{HOME}/list", "playlist": 2, "language": "en"})

    def both() -> Any:
        jobs = laptop.json("/api/jobs")["jobs"]
        of_list = [job for job in jobs if job["source_url"] == f"{HOME}/list"]
        there = [job for job in of_list if job["bytes"] and job["status"] != "UPLOADING"]
        return there if len(there) == 2 else None

    found = until(both, seconds=240, what="both recordings")
    assert {job["title"] for job in found} == {"Evening (1)", "Evening (2)"}
    assert {job["language"] for job in found} == {"en"}
    assert made["job_id"] in {job["job_id"] for job in found}
    for job in found:
        httpx.post(f"{laptop.url}/api/jobs/{job['job_id']}/cancel", timeout=30)


def test_a_name_that_leads_within_fails_and_says_why(laptop: Laptop) -> None:
    made = ask(laptop, "/api/imports", {"url": "http://within.example/debate.mp4"})
    failed = laptop.ended(made["job_id"])
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "invalid_address")
    assert "not on the public internet" in failed["error"]["message"]


def moving(laptop: Laptop) -> Any:
    """An import that has begun, and takes its time."""
    made = ask(laptop, "/api/imports", {"url": f"{HOME}/slow.mp4"})

    def moves() -> Any:
        job = laptop.json(f"/api/jobs/{made['job_id']}")
        return job if 0 < (job["progress"] or 0) < 0.9 else None

    return until(moves, seconds=60, what="progress")


def running(laptop: Laptop) -> list[str]:
    """The jobs of Batch that bring recordings."""
    batch = laptop.aws("batch")
    queues = [each["jobQueueName"] for each in batch.describe_job_queues()["jobQueues"]]
    queue = next(name for name in queues if name.endswith("-download"))
    listed = batch.list_jobs(jobQueue=queue, jobStatus="RUNNING")["jobSummaryList"]
    return [job["jobId"] for job in listed]


def test_what_comes_is_seen_to_come_and_can_be_cancelled(laptop: Laptop) -> None:
    job = moving(laptop)
    assert (job["status"], job["stage"]) == ("UPLOADING", "upload")
    ask(laptop, f"/api/jobs/{job['job_id']}/cancel", None, status=200)
    until(lambda: not running(laptop) or None, seconds=60, what="the job of Batch to leave")
    assert laptop.json(f"/api/jobs/{job['job_id']}")["status"] == "CANCELLED"


def test_a_job_of_batch_that_dies_is_noticed_and_its_import_is_tried_again(laptop: Laptop) -> None:
    job = moving(laptop)
    [batch_id] = running(laptop)
    laptop.aws("batch").terminate_job(jobId=batch_id, reason="test")

    def noticed() -> Any:
        seen = laptop.json(f"/api/jobs/{job['job_id']}")
        return seen if seen["retry_at"] else None

    seen = until(noticed, seconds=60, what="the death to be noticed")
    assert (seen["status"], seen["error"]["code"]) == ("UPLOADING", "worker_lost")
    ask(laptop, f"/api/jobs/{job['job_id']}/cancel", None, status=200)


def test_what_lies_below_incoming_becomes_a_debate(laptop: Laptop) -> None:
    s3, name = laptop.aws("s3"), bucket(laptop)
    s3.put_object(Bucket=name, Key="incoming/town hall.mp4", Body=opening())
    made = ask(laptop, "/api/jobs", {"uri": f"s3://{name}/incoming/town hall.mp4", "speakers": 3})

    def arrived() -> Any:
        job = laptop.json(f"/api/jobs/{made['job_id']}")
        return job if job["status"] not in ("UPLOADING", "FAILED") else None

    job = until(arrived, seconds=60, what="the copy")
    assert (job["title"], job["filename"], job["bytes"]) == (
        "town hall",
        "town hall.mp4",
        len(opening()),
    )
    ask(laptop, f"/api/jobs/{made['job_id']}/cancel", None, status=200)


def test_what_lies_in_a_job_s_folder_becomes_the_caller_s(laptop: Laptop) -> None:
    s3, name, job_id = laptop.aws("s3"), bucket(laptop), str(uuid.uuid4())
    key = f"jobs/{job_id}/videos/town hall.mp4"
    s3.put_object(Bucket=name, Key=key, Body=opening())
    made = ask(laptop, "/api/jobs", {"uri": f"s3://{name}/{key}", "title": "Evening"})
    assert (made["job_id"], made["title"]) == (job_id, "Evening")
    assert made["status"] in ("QUEUED", "TRANSCRIBING")
    ask(laptop, f"/api/jobs/{job_id}/cancel", None, status=200)
    ask(laptop, "/api/jobs", {"uri": f"s3://{name}/private/cookies.txt"}, status=422)
