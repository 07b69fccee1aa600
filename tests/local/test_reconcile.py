"""`debate reconcile` and `/status` against the deployed template, with IAM enforced."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from debate_analyzer.job import Fault, Figures, announced, new_job_id
from debate_analyzer.key import (
    private_statistics_key,
    statistics_key,
    transcript_key,
    video_key,
)
from debate_analyzer.pipeline import STAGES, STATS, TRANSCRIBE, Status
from debate_analyzer.reconciliation import Finding
from debate_analyzer.unit import Unit
from local.cli import reconcile
from local.cli.parser import parser
from local.status import Watch
from tests.local.site import Site

pytestmark = pytest.mark.emulator


@pytest.fixture
def findings(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    """What the command prints, as JSON, and its exit code."""

    class Deployed:
        outputs = site.stack.outputs
        client = staticmethod(site.client)

    monkeypatch.setattr(reconcile, "deployment", lambda options: Deployed)

    def run() -> tuple[int, list[Finding]]:
        code = reconcile.run(parser().parse_args(["reconcile", "--json"]))
        return code, [Finding.model_validate(one) for one in json.loads(capsys.readouterr().out)]

    return run


def test_the_command_finds_what_was_lost_and_has_it_mended(site: Site, findings: Any) -> None:
    findings()  # what other tests have left
    alone, bare = new_job_id(), new_job_id()
    site.store.put(statistics_key(new_job_id()), b"{}", "application/json")
    _keep_queued(site, alone)
    _keep_complete(site, bare)

    code, found = findings()

    assert code == 1, "one of them cannot be mended"
    assert {(each.kind, each.job_id, each.mended) for each in found} >= {
        ("unattended", alone, True),
        ("no_transcript", bare, False),
    }
    assert "not_withdrawn" in {each.kind for each in found}
    assert site.table.get(alone).check_at is not None
    again, found = findings()
    assert again == 1
    assert {each.job_id for each in found} & {alone, bare} == {bare}
    assert "not_withdrawn" not in {each.kind for each in found}
    site.table.delete(bare)


def test_the_laptop_s_status_is_read_from_what_is_deployed(site: Site, tmp_path: Path) -> None:
    job_id = new_job_id()
    failed = announced(
        owner="ana",
        title="Town hall",
        media=None,
        now=datetime.now(UTC),
        job_id=job_id,
        published=True,
    )
    site.table.create(failed)
    code, message = "no_speech", "Nobody speaks."
    site.table.replace(
        failed.model_copy(
            update={"status": Status.FAILED, "fault": Fault(code=code, message=message)}
        )
    )
    (tmp_path / "models" / "whisper-base").mkdir(parents=True)
    watch = Watch(
        client=site.client,
        outputs=site.stack.outputs,
        jobs=lambda: {"debate-analyzer-transcribe": {"RUNNING": 1, "RUNNABLE": 2}},
        slots=dict.fromkeys(STAGES, 1),
        data=tmp_path,
        models=tmp_path / "models",
        started_at=datetime.now(UTC),
    )

    health = watch.look(True)

    [transcribe, _] = health.stages
    assert (transcribe.workers_running, transcribe.workers_waiting) == (1, 2)
    queues = {queue.name: queue for queue in health.queues}
    assert {"transcribe-arrivals", "stats-work", "publish", "webhooks", "events"} <= set(queues)
    assert queues["publish"].waiting is not None
    assert queues["events"].waiting is None
    assert any("submit-transcribe" in source.function for source in health.sources)
    [mine] = [failure for failure in health.failures if failure.job_id == job_id]
    assert (mine.code, mine.message) == (code, message)
    assert health.models == ["whisper-base"]
    assert watch.look(False).stages == []


def _keep_queued(site: Site, job_id: str) -> None:
    """A row that waits, that no message tells of and nobody looks at."""
    now = datetime.now(UTC)
    row = announced(owner="ana", title="t", media=None, now=now, job_id=job_id, published=False)
    unit = Unit(job_id=job_id, stage_name=TRANSCRIBE.name, key=video_key(job_id, "a.mp4"), etag="1")
    site.table.create(row.queued(unit, now).model_copy(update={"check_at": None}))


def _keep_complete(site: Site, job_id: str) -> None:
    """A row that says that all is done, of a debate of which there is nothing."""
    now = datetime.now(UTC)
    row = announced(owner="ana", title="t", media=None, now=now, job_id=job_id, published=False)
    unit = Unit(job_id=job_id, stage_name=STATS.name, key=transcript_key(job_id, "a"), etag="1")
    figures = Figures(duration=1.0, speaking_time=1.0, words=1, speakers=1)
    done = {"status": Status.COMPLETE, "units": {STATS.name: unit}, "figures": figures}
    site.table.create(row.model_copy(update={**done, "check_at": None}))
    assert site.store.head(private_statistics_key(job_id)) is None
