"""A debate is deleted at every call of AWS that its making takes; nothing of it comes back."""

from __future__ import annotations

import json
from dataclasses import dataclass

from debate_analyzer.key import dataset_key, job_prefix, statistics_key
from debate_analyzer.pipeline import Status
from tests.faults.boundaries import tell
from tests.faults.cloud import Cloud
from tests.faults.engines import WORKS
from tests.faults.judge import Wish
from tests.faults.machine import Call
from tests.faults.stories import upload


@dataclass
class Deleting:
    """Somebody asks for it while the `number`th call is made, and until it is granted."""

    number: int
    count: int = 0
    cloud: Cloud | None = None

    def __call__(self, call: Call) -> None:
        self.count += 1
        if self.count - 1 == self.number and self.cloud is not None:
            (job_id,) = self.cloud.table.rows
            self.cloud.ask("DELETE", f"/api/jobs/{job_id}")


def _tell(number: int) -> Cloud:
    """As it is two days later and more."""
    deleting = Deleting(number)

    def story(cloud: Cloud) -> list[Wish]:
        deleting.cloud = cloud
        wishes = upload(cloud)
        for wish in wishes:
            wish.orders.add("delete")
        return wishes

    return tell(story, WORKS, deleting)


def test_a_debate_that_is_deleted_at_any_stage_is_gone_for_good() -> None:
    calls = len(_tell(-1).machine.calls)
    deleted = 0
    for number in range(2, calls, 2):
        cloud = _tell(number)
        (job,) = cloud.table.rows.values()
        if job.status is not Status.DELETED:
            continue
        deleted += 1
        for prefix in (
            job_prefix(job.job_id),
            dataset_key(job.job_id, job.created_at.date()),
            statistics_key(job.job_id),
            f"search/new/{job.job_id}",
        ):
            assert list(cloud.store.list(prefix)) == []
        named = [pk for pk, _ in cloud.ledger.facts if job.job_id in pk]
        assert named == [], f"deleted at call {number}"
        manifest = cloud.store.get("search/manifest.json")
        assert manifest is None or json.loads(manifest[0])["shards"] == []
        index = cloud.store.get("statistics/index.json")
        assert index is None or job.job_id.encode() not in index[0]
    assert deleted > calls // 3
