"""What the table's stream and the queues lead to in CloudWatch."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from debate_analyzer import aws, metrics
from debate_analyzer.job import Claim, Fault, Figures, Job, Media, announced
from debate_analyzer.metrics import Measurement
from debate_analyzer.part import Part, part_job
from debate_analyzer.unit import Unit
from tests.world import JOB_ID, STATS, TRANSCRIBE, TRANSCRIPT, VIDEO, Clock, World

FIGURES = Figures(duration=100.0, speaking_time=80.0, words=20, speakers=2, confidence=0.75)


def _change(old: Job | None, new: Job) -> dict[str, Any]:
    images = {"NewImage": aws.row_of(new)}
    return {"dynamodb": images | ({"OldImage": aws.row_of(old)} if old else {})}


def _history(clock: Clock) -> list[Job]:
    """A debate's rows, as they were written: 20 seconds of transcription, 5 of statistics."""
    media = Media(key=VIDEO, bytes=15, content_type="video/mp4")
    made = announced(
        owner="ana", title="t", media=media, now=clock(), job_id=JOB_ID, published=True
    )
    rows = [made]
    heard = Unit(job_id=JOB_ID, stage_name=TRANSCRIBE.name, key=VIDEO, etag="1")
    counted = Unit(job_id=JOB_ID, stage_name=STATS.name, key=TRANSCRIPT, etag="2")
    claim = Claim(worker="batch-1", until=clock().timestamp() + 60)
    rows.append(rows[-1].queued(heard, clock()))
    rows.append(rows[-1].claimed(heard, claim, clock.advance(seconds=100)))
    rows.append(rows[-1].renewed(claim, 0.5, clock.advance(seconds=10)))
    said = {"duration": 100.0, "language": "es", "speakers_count": 2, "warnings": []}
    rows.append(rows[-1].transcribed(clock.advance(seconds=10), **said))
    rows.append(rows[-1].queued(counted, clock()))
    rows.append(rows[-1].claimed(counted, claim, clock.advance(seconds=100)))
    rows.append(rows[-1].completed(FIGURES, clock.advance(seconds=5)))
    return rows


def _told(rows: list[Job | None]) -> list[Measurement]:
    changes = [_change(old, new) for old, new in pairwise(rows) if new]
    return list(metrics.of_changes({"Records": changes}))


def test_a_debate_is_measured_once_from_its_beginning_to_its_end() -> None:
    assert _told([None, *_history(Clock())]) == [
        Measurement("JobsCreated"),
        Measurement("StageSeconds", 20.0, "Seconds", {"stage": "transcribe"}),
        Measurement("RealTimeFactor", 0.2, "None", {"stage": "transcribe"}),
        Measurement("JobsCompleted"),
        Measurement("StageSeconds", 5.0, "Seconds", {"stage": "stats"}),
        Measurement("RealTimeFactor", 0.05, "None", {"stage": "stats"}),
        Measurement("JobsByLanguage", dimensions={"language": "es"}),
        Measurement("Confidence", 0.75, "None"),
    ]


def test_a_debate_that_is_counted_again_is_not_done_again() -> None:
    clock = Clock()
    done = _history(clock)[-1]
    unit = done.units["stats"].model_copy(update={"edits": "3"})
    again = done.queued(unit, clock())
    claim = Claim(worker="batch-1", until=clock().timestamp() + 60)
    claimed = again.claimed(unit, claim, clock())
    assert {
        each.name for each in _told([done, again, claimed, claimed.completed(FIGURES, clock())])
    } == {
        "StageSeconds",
        "RealTimeFactor",
    }


def test_what_fails_and_what_is_cancelled_is_counted_as_such() -> None:
    clock = Clock()
    queued = _history(clock)[1]
    failed = queued.failed(Fault(code="no_speech", message="Nobody speaks."), clock())
    assert _told([queued, failed]) == [Measurement("JobsFailed")]
    assert _told([queued, queued.cancelled(clock())]) == [Measurement("JobsCancelled")]
    assert _told([failed, failed.described(clock(), title="x", language=None)]) == []


def test_a_part_of_a_recording_is_no_debate() -> None:
    clock = Clock()
    part = part_job(Part(JOB_ID, 1, 0), _history(clock)[1], clock())
    assert _told([None, part]) == []


def test_workers_are_measured_as_they_stand(world: World) -> None:
    for n in range(4):
        world.drop(VIDEO.replace(JOB_ID[0], str(n)))
        world.arrive(VIDEO.replace(JOB_ID[0], str(n)))
    world.pool.running = 2
    found = list(metrics.of_workers(world.queues, world.pool, world.importers))
    of_stage = {"stage": "transcribe"}
    assert Measurement("BacklogPerWorker", 2, dimensions=of_stage) in found
    assert Measurement("WorkersWaiting", 0, dimensions=of_stage) in found
    assert Measurement("BacklogPerWorker", 0, dimensions={"stage": "stats"}) in found
    assert Measurement("WorkersWaiting", 0, dimensions={"stage": "download"}) in found


def test_a_debate_that_nobody_looks_at_is_stuck(world: World) -> None:
    world.drop(VIDEO)
    world.arrive()
    world.clock.advance(minutes=2)
    assert list(metrics.of_checks(world.table, world.clock())) == [Measurement("JobsStuck", 0)]
    world.clock.time += metrics.OVERDUE + timedelta(seconds=1)
    assert list(metrics.of_checks(world.table, world.clock())) == [Measurement("JobsStuck", 1)]


def test_a_metric_is_a_line_in_cloudwatch_s_format(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "debate-analyzer")
    metrics.tell(
        [
            Measurement("WorkersWaiting", 4, dimensions={"stage": "stats"}),
            Measurement("JobsStuck", 0),
        ]
    )
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["WorkersWaiting"], first["stage"], first["service"]) == (
        [4.0],
        "stats",
        "debate-analyzer",
    )
    [told] = first["_aws"]["CloudWatchMetrics"]
    assert told["Namespace"] == "DebateAnalyzer"
    assert sorted(told["Dimensions"][0]) == ["service", "stage"]
    assert told["Metrics"] == [{"Name": "WorkersWaiting", "Unit": "Count"}]
    assert second["JobsStuck"] == [0.0]
