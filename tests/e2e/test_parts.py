"""Long recordings and many: parts, two workers, one of them told to leave, on the laptop stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from debate_analyzer.transcript import Transcript, parse_transcript
from demo.score import score
from demo.truth import read_truth
from local.stack import STACK_NAME
from tests.e2e.laptop import Laptop, until
from tests.world import ROOT, wav

pytestmark = [pytest.mark.e2e, pytest.mark.models]

DEMO = (ROOT / "demo" / "debate.mp4").read_bytes()


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """What is longer than half a minute is done in parts of a third of one, by two workers."""
    stack = Laptop(
        tmp_path_factory.mktemp("parts"),
        parameters={
            "LongestWholeMinutes": "0.5",
            "PartMinutes": "0.33",
            "TranscribeMaxWorkers": "2",
        },
    )
    stack.start()
    yield stack
    stack.stop()


def _transcript(laptop: Laptop, job_id: str) -> Transcript:
    answer = httpx.get(f"{laptop.url}/api/jobs/{job_id}/transcript", follow_redirects=True)
    return parse_transcript(answer.content)


def _left(laptop: Laptop, job_id: str) -> list[str]:
    s3 = laptop.aws("s3")
    listed = (
        s3.list_objects_v2(Bucket=bucket["Name"], Prefix=f"jobs/{job_id}/parts/")
        for bucket in s3.list_buckets()["Buckets"]
    )
    return [item["Key"] for found in listed for item in found.get("Contents", [])]


def test_a_long_debate_is_heard_in_parts_though_a_worker_is_told_to_leave(
    two_workers: Laptop,
) -> None:
    """As a spot host has to: what it holds goes back, and another has it."""
    job_id = two_workers.upload("debate.mp4", DEMO)

    def split() -> Any:
        job = two_workers.job(job_id)
        return job if job and job["status"] == "SPLIT" else None

    until(split, seconds=120, what="the debate to be split")
    (worker, *_) = _workers(two_workers, "RUNNING")
    two_workers.aws("batch").terminate_job(jobId=worker, reason="Its host is wanted elsewhere.")

    job = two_workers.ended(job_id, seconds=400)
    assert job["status"] == "COMPLETE", job
    transcript = _transcript(two_workers, job_id)
    assert transcript.provenance["parts"] >= 3
    got = score(transcript, read_truth())
    assert got.speakers == 3
    assert got.wer < 0.08
    assert got.der < 0.12
    assert _left(two_workers, job_id) == []


def _workers(laptop: Laptop, *statuses: str) -> list[str]:
    """The Batch jobs of the transcribe queue."""
    batch = laptop.aws("batch")
    return [
        job["jobId"]
        for status in statuses
        for job in batch.list_jobs(jobQueue=f"{STACK_NAME}-transcribe", jobStatus=status)[
            "jobSummaryList"
        ]
    ]


def test_many_files_at_once_are_done_by_few_workers_each_on_its_own(two_workers: Laptop) -> None:
    """Files of one name: thirty in which nobody speaks, one that is no recording, and a debate."""
    silent = wav(np.tile(np.array([4096, -4096], np.int16), 8_000))  # a tone
    ids = [two_workers.upload("debate.wav", silent) for _ in range(30)]
    broken = two_workers.upload("debate.wav", silent[:20])
    debate = two_workers.upload("debate.mp4", DEMO)

    codes = [two_workers.ended(job_id, seconds=400)["error"]["code"] for job_id in ids]
    assert codes == ["no_speech"] * 30
    assert two_workers.ended(broken)["error"]["code"] == "invalid_media"
    assert two_workers.ended(debate, seconds=400)["status"] == "COMPLETE"
    assert len(_workers(two_workers, "SUCCEEDED", "RUNNING", "FAILED")) <= 6  # loads of the models
