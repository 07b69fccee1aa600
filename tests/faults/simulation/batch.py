"""AWS Batch: quotas, minutes until a machine is there, machines that are taken away.

What the product's own adapter (`aws.BatchWorkerPool`) calls is `Batch`, a client, which retries
what is throttled as botocore's standard mode does. A job runs what it is given as a process of its
own.
https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
https://repost.aws/knowledge-center/aws-batch-requests-error (50 a second for each kind of call)
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from tests.faults.simulation.loop import Loop, Process, Task

SECONDS = 0.050
"""A call of Batch; assumed."""

QUOTA = 50
_TRIES, _LONGEST_PAUSE = 5, 20.0  # botocore's standard mode, as aws.client has it
_BOOT, _WARM, _KEPT = (90.0, 240.0), (5.0, 15.0), 300.0
"""Seconds to a machine, to a container on one that is there, and how long it is kept; assumed."""
_ATTEMPTS = 3  # template.yaml: RetryStrategy
_WARNING = 120.0
HOST_LOST = "Host EC2 (instance i-0) terminated."

Run = Callable[[str, int], int]
"""What a container does, by the job's id and the attempt: the exit code."""


@dataclass(eq=False)
class BatchJob:
    job_id: str
    name: str
    queue: str
    run: Run
    created: float
    status: str = "SUBMITTED"
    reason: str = ""
    attempt: int = 0
    started: float = 0.0
    stopped: float = 0.0
    process: Process | None = None
    main: Task | None = None


@dataclass
class Batch:
    """`definitions` by name. `interruptions`: how often an hour a machine is taken away (spot), of
    which half warn the container first. `told`: whoever hears of state changes."""

    loop: Loop
    definitions: dict[str, Run]
    stopped: type[BaseException]
    told: Callable[[BatchJob], None]
    random: Random = field(default_factory=lambda: Random(2))
    interruptions: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    jobs: dict[str, BatchJob] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._calls: dict[str, deque[float]] = defaultdict(deque)
        self._by_status: dict[tuple[str, str], dict[str, BatchJob]] = defaultdict(dict)
        self._warm: dict[str, list[float]] = defaultdict(list)

    # --- the client ------------------------------------------------------------------------------

    def submit_job(self, **request: Any) -> dict[str, Any]:
        self._call("SubmitJob")
        number = len(self.jobs) + 1
        job = BatchJob(
            job_id=f"00000000-0000-4000-8000-{number:012d}",
            name=request["jobName"],
            queue=request["jobQueue"],
            run=self.definitions[request["jobDefinition"]],
            created=self.loop.now,
        )
        self.jobs[job.job_id] = job
        self._become(job, "RUNNABLE")
        self._place(job)
        return {"jobId": job.job_id}

    def list_jobs(self, **request: Any) -> dict[str, Any]:
        self._call("ListJobs")
        found = self._by_status[request["jobQueue"], request.get("jobStatus", "RUNNING")]
        newest = list(found.values())[: -(request.get("maxResults", 100) + 1) : -1]
        return {"jobSummaryList": [_summary(job) for job in newest]}

    def describe_jobs(self, **request: Any) -> dict[str, Any]:
        self._call("DescribeJobs")
        known = [self.jobs[job_id] for job_id in request["jobs"] if job_id in self.jobs]
        return {"jobs": [_summary(job) for job in known]}

    def get_paginator(self, operation: str) -> Any:
        """Of one page: there are never more than a hundred jobs here in one state but the ended."""
        batch = self

        class Pages:
            def paginate(self, **request: Any) -> list[dict[str, Any]]:
                return [getattr(batch, operation)(**request)]

        return Pages()

    def _call(self, operation: str) -> None:
        for attempt in range(_TRIES):
            self.loop.sleep(SECONDS)
            calls, now = self._calls[operation], self.loop.now
            while calls and calls[0] <= now - 1:
                calls.popleft()
            if len(calls) < QUOTA:
                calls.append(now)
                self.counts[operation] += 1
                return
            self.counts[f"{operation} throttled"] += 1
            self.loop.sleep(self.random.random() * min(2**attempt, _LONGEST_PAUSE))
        self.counts["throttles surfaced"] += 1
        told = {"Code": "TooManyRequestsException", "Message": "Too Many Requests"}
        raise ClientError({"Error": told}, operation)

    # --- what becomes of a job -------------------------------------------------------------------

    def alive(self, queue: str) -> int:
        """Jobs that are on their way or run."""
        return sum(len(self._by_status[queue, s]) for s in ("RUNNABLE", "STARTING", "RUNNING"))

    def running(self, queue: str) -> int:
        return len(self._by_status[queue, "RUNNING"])

    def _become(self, job: BatchJob, status: str, reason: str = "") -> None:
        self._by_status[job.queue, job.status].pop(job.job_id, None)
        job.status, job.reason = status, reason
        self._by_status[job.queue, status][job.job_id] = job
        if status in ("SUCCEEDED", "FAILED"):
            job.stopped = self.loop.now
            self.loop.spawn(lambda: self.told(job), Process("events"))

    def _place(self, job: BatchJob) -> None:
        warm = [free for free in self._warm[job.queue] if free > self.loop.now - _KEPT]
        wait = self.random.uniform(*(_WARM if warm else _BOOT))
        self._warm[job.queue] = warm[1:]
        self.loop.at(self.loop.now + 0.8 * wait, lambda: self._become(job, "STARTING"))
        self.loop.at(self.loop.now + wait, lambda: self._start(job))

    def _start(self, job: BatchJob) -> None:
        self._become(job, "RUNNING")
        job.attempt += 1
        job.started = self.loop.now
        job.process = Process(f"{job.job_id}#{job.attempt}")
        attempt = job.attempt

        def main() -> None:
            code = job.run(job.job_id, attempt)
            self._warm[job.queue].append(self.loop.now)
            self._become(
                job, "FAILED" if code else "SUCCEEDED", "Essential container in task exited"
            )

        job.main = self.loop.spawn(main, job.process)
        if self.interruptions:
            lasts = self.random.expovariate(self.interruptions / 3600)
            self.loop.at(self.loop.now + lasts, lambda: self._interrupt(job, attempt))

    def _interrupt(self, job: BatchJob, attempt: int) -> None:
        if job.status != "RUNNING" or job.attempt != attempt:
            return
        self.counts["interruptions"] += 1
        if self.random.random() < 0.5 and job.main:
            self.loop.interrupt(job.main, self.stopped())
            self.loop.at(self.loop.now + _WARNING, lambda: self._lose(job, attempt))
        else:
            self._lose(job, attempt)

    def _lose(self, job: BatchJob, attempt: int) -> None:
        if job.status != "RUNNING" or job.attempt != attempt:
            return
        if job.process:
            job.process.alive = False
        if attempt < _ATTEMPTS:
            self._become(job, "RUNNABLE", HOST_LOST)
            self._place(job)
        else:
            self._become(job, "FAILED", HOST_LOST)


def _summary(job: BatchJob) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "jobId": job.job_id,
        "jobName": job.name,
        "jobQueue": job.queue,
        "status": job.status,
        "createdAt": int(job.created * 1000),
    }
    return summary | ({"stoppedAt": int(job.stopped * 1000)} if job.stopped else {})
