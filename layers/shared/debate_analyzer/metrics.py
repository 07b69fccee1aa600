"""What is measured of the chain, for CloudWatch: docs/operations.md says what to make of it.

Each metric has one place that tells it. What happens to a debate is told from the stream of the job
table, by whoever is told of each change once (notify): a batch of changes that fails is measured
when it succeeds, and a batch that succeeded while Lambda lost the answer is measured twice, which
is as exact as a stream gets. How the workers stand, the sweeper tells once a minute.

They are written to standard output in CloudWatch's embedded metric format, which costs no call:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from debate_analyzer.attributes import unmarshal
from debate_analyzer.job import Job
from debate_analyzer.key import is_job_id
from debate_analyzer.pipeline import STAGES, Stage, Status
from debate_analyzer.ports import ImportPool, JobTable, WorkerPool, WorkQueue

NAMESPACE = "DebateAnalyzer"
OVERDUE = timedelta(minutes=5)  # the sweeper comes every minute
_MANY = 500

_ENDS = {
    Status.COMPLETE: "JobsCompleted",
    Status.FAILED: "JobsFailed",
    Status.CANCELLED: "JobsCancelled",
}


@dataclass(frozen=True)
class Measurement:
    """`unit` as CloudWatch names it; `dimensions` beside `service`, which all have."""

    name: str
    value: float = 1
    unit: str = "Count"
    dimensions: Mapping[str, str] = field(default_factory=dict)


def tell(measurements: Iterable[Measurement]) -> None:
    """Write them down, each a line: metrics with other dimensions cannot share one."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    for each in measurements:
        unit = MetricUnit(each.unit)
        with single_metric(each.name, unit, each.value, namespace=NAMESPACE) as metric:
            for name, value in each.dimensions.items():
                metric.add_dimension(name, value)


# --- what happens to debates ----------------------------------------------------------------------


def of_changes(event: Mapping[str, Any]) -> Iterator[Measurement]:
    """Of the changes that the job table's stream tells of; parts of recordings are no debates."""
    for record in event["Records"]:
        images = record["dynamodb"]
        old, new = unmarshal(images.get("OldImage", {})), unmarshal(images.get("NewImage", {}))
        if not is_job_id(new.get("job_id", "")):
            continue
        if not old:
            yield Measurement("JobsCreated")
        elif old["status"] != new["status"]:
            yield from _moved(Job.model_validate(old), Job.model_validate(new))


def _moved(old: Job, new: Job) -> Iterator[Measurement]:
    """A debate that is counted again, because somebody edited it, is not done a second time."""
    again = new.status is Status.COMPLETE and old.completed_at is not None
    if new.status in _ENDS and not again:
        yield Measurement(_ENDS[new.status])
    if old.stage and new.status is old.stage.done and old.since:
        yield from _work(old.stage, (new.updated_at - old.since).total_seconds(), new.duration)
    if new.status is Status.COMPLETE and not again:
        yield Measurement("JobsByLanguage", dimensions={"language": new.spoken or "unknown"})
        if new.figures and new.figures.confidence is not None:
            yield Measurement("Confidence", new.figures.confidence, "None")


def _work(stage: Stage, seconds: float, duration: float | None) -> Iterator[Measurement]:
    """Of the attempt that succeeded, from its claim to its result. `duration` of the recording."""
    yield Measurement("StageSeconds", seconds, "Seconds", {"stage": stage.name})
    if duration:
        yield Measurement("RealTimeFactor", seconds / duration, "None", {"stage": stage.name})


# --- how it stands --------------------------------------------------------------------------------


def of_workers(
    queues: Mapping[str, WorkQueue], pool: WorkerPool, imports: ImportPool
) -> Iterator[Measurement]:
    """What SQS and Batch do not publish themselves. `queues` by stage.

    The backlog per worker counts one worker where none runs: what waits for the first, waits.
    """
    for name, stage in STAGES.items():
        count, of_stage = pool.count(stage), {"stage": name}
        per_worker = queues[name].depth().waiting / max(1, count.running)
        yield Measurement("BacklogPerWorker", per_worker, dimensions=of_stage)
        yield Measurement("WorkersWaiting", count.waiting_long, dimensions=of_stage)
    yield Measurement("WorkersWaiting", imports.waiting_long(), dimensions={"stage": "download"})


def of_checks(table: JobTable, now: datetime) -> Iterator[Measurement]:
    """Debates that somebody should have looked at long ago, up to some hundreds."""
    yield Measurement("JobsStuck", len(table.due(now - OVERDUE, limit=_MANY)))
