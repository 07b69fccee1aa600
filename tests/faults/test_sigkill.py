"""A real worker in a process of its own is killed by a real SIGKILL, before and after requests to
the laptop's AWS; the sweeper finds what it held, and another worker does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from debate_analyzer.job import utc_now
from debate_analyzer.key import private_statistics_key, statistics_key, transcript_key
from debate_analyzer.pipeline import Status
from tests.local.bucket import running_bucket
from tests.world import BUCKET, LEDGER, ROOT, TABLE, World

pytestmark = pytest.mark.emulator

_KILLS = int(os.environ.get("SIGKILLS", "4"))
_LEASE = 3
_DOCUMENT = {
    "duration": 12.0,
    "transcription": [{"start": 0.0, "end": 5.0, "text": "good evening all", "speaker": "A"}],
}


@dataclass
class Scene:
    """A world whose AWS other processes can reach."""

    world: World
    endpoint: str

    def begin(self) -> str:
        """A transcript waits; whose."""
        job_id = str(uuid.uuid4())
        key = transcript_key(job_id, "town hall")
        self.world.drop(key, json.dumps(_DOCUMENT).encode(), "application/json")
        self.world.arrive(key)
        return job_id

    def work(
        self, at: int = 0, when: str = "before-send", after: str = "", linger: float = 0.2
    ) -> subprocess.CompletedProcess[str]:
        queues = {name: queue.url for name, queue in self.world.queues.items()}
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}/layers/shared",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_BATCH_JOB_ID": str(uuid.uuid4()),
            "BUCKET": BUCKET,
            "JOB_TABLE": TABLE,
            "LEDGER_TABLE": LEDGER,
            "STATS_WORK_QUEUE_URL": queues["stats"],
            "PUBLISH_QUEUE_URL": self.world.publish_queue.url,
            "LEASE_SECONDS": str(_LEASE),
            "WORKER_LINGER_SECONDS": str(linger),
            "VICTIM_AT": str(at),
            "VICTIM_WHEN": when,
            "VICTIM_AFTER": after,
        }
        command = [sys.executable, "-m", "tests.faults.victim"]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
        )

    def files(self, job_id: str) -> dict[str, str]:
        """What there is of a debate, by its place and as it is."""
        found = self.world.store.list(f"jobs/{job_id}/")
        return {each.key.removeprefix(f"jobs/{job_id}/"): each.etag for each in found}

    def figures(self, job_id: str) -> dict[str, Any]:
        """Without what says whose they are, and since when."""
        found = self.world.store.get(private_statistics_key(job_id))
        assert found is not None
        read: dict[str, Any] = json.loads(found[0])
        of_its_own = {"jobId", "transcriptKey", "provenance", "updatedAt"}
        return {name: read[name] for name in read.keys() - of_its_own}

    def sweep(self) -> None:
        """When the lease of whoever died has run out."""
        self.world.clock.time = utc_now()
        for _ in range(3):
            self.world.clock.advance(minutes=3)
            self.world.sweeper.sweep(self.world.clock())


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    with running_bucket(tmp_path) as bucket:
        yield bucket.process.endpoint()


@pytest.fixture
def scene(_no_account: None, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return Scene(World(), endpoint)


def test_a_worker_that_is_killed_anywhere_is_followed_by_one_that_does_its_work(
    scene: Scene,
) -> None:
    first = scene.begin()
    whole = scene.work()
    assert whole.returncode == 0, whole.stderr
    requests = int(whole.stdout)
    jobs = [first]
    for number in range(1, _KILLS + 1):
        at = max(2, requests * number // (_KILLS + 1))
        jobs.append(scene.begin())
        assert scene.work(at, ("before-send", "after-call")[number % 2]).returncode == -9
        scene.sweep()
        done = scene.work(linger=_LEASE + 2)  # until a message comes back that died in its hands
        assert done.returncode == 0, done.stderr
        assert scene.world.job(jobs[-1]).status is Status.COMPLETE

    scene.world.publication.publish(scene.world.publish_requests())
    for job_id in jobs:
        assert scene.world.job(job_id).check_at is None
        statistics = scene.world.store.get(private_statistics_key(job_id))
        assert statistics is not None
        assert scene.world.store.get(statistics_key(job_id)) == statistics
    index = scene.world.store.get("statistics/index.json")
    assert index is not None
    assert sorted(each["jobId"] for each in json.loads(index[0])["jobs"]) == sorted(jobs)


def test_a_worker_that_is_killed_while_it_counts_leaves_no_half_and_no_second_set_of_figures(
    scene: Scene,
) -> None:
    undisturbed = scene.begin()
    assert scene.work().returncode == 0
    for step in ("read", "measure", "write_exports", "searched", "write_parquet"):
        job_id = scene.begin()
        assert scene.work(after=step).returncode == -9
        left = scene.files(job_id)
        scene.sweep()
        assert scene.work(linger=_LEASE + 2).returncode == 0
        assert scene.world.job(job_id).status is Status.COMPLETE
        done = scene.files(job_id)
        assert left.items() <= done.items(), "what one wrote the other wrote otherwise"
        assert set(done) == set(scene.files(undisturbed))
        assert scene.figures(job_id) == scene.figures(undisturbed)
