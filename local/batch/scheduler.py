"""Decides which job runs when, and what its end leads to."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from local.batch.job import (
    EXITED,
    FINISHED,
    HOST_LOST,
    NOT_STARTED,
    RUNNING,
    TIMED_OUT,
    WAITING,
    Job,
    RetryStrategy,
    Status,
    Submission,
    Timeout,
    now_ms,
)
from local.batch.journal import Journal
from local.batch.process import Process

KEEP_FINISHED = 500
"""Finished jobs remembered; Batch itself forgets them after a week or so."""


class UnknownResource(LookupError):
    """A queue, definition or job that is not there. Batch answers ClientException."""


class Queue(Protocol):
    """A job queue as deployed."""

    @property
    def name(self) -> str: ...
    @property
    def arn(self) -> str: ...


class Definition(Protocol):
    """A job definition as deployed."""

    @property
    def name(self) -> str: ...
    @property
    def arn(self) -> str: ...
    @property
    def command(self) -> Sequence[str]: ...
    @property
    def environment(self) -> Mapping[str, str]: ...
    @property
    def job_role_arn(self) -> str | None: ...
    @property
    def retry_strategy(self) -> Mapping[str, Any]: ...
    @property
    def timeout_seconds(self) -> float | None: ...


@dataclass(frozen=True)
class Site:
    """What the jobs find around them, and who hears of them."""

    queues: Iterable[Queue]
    definitions: Iterable[Definition]
    environment: Callable[[str | None], Mapping[str, str]]
    """From the ARN of a job's role to its credentials, region and AWS endpoint, and whatever else
    is different here from what the definition says."""
    emit: Callable[[dict[str, Any]], None]
    """Given a job's detail at each change of its status; one call at a time, in order."""
    project: Path
    """Working directory of every job."""
    slots: Mapping[str, int] = field(default_factory=dict)
    """Jobs of a queue that may run at a time, by queue name; 1 where nothing is said."""


def queue_name(reference: str) -> str:
    """The name in a queue's name or ARN."""
    return reference.rsplit("/", 1)[-1]


def definition_name(reference: str) -> str:
    """The name in `name`, `name:revision` or an ARN."""
    return reference.rsplit("/", 1)[-1].split(":", 1)[0]


class Scheduler:
    """The jobs of one journal. Every method belongs to the event loop that opened it.

    Each change is on disk before it is acted upon, so after a kill -9 the next scheduler finds
    every job; those that were running have lost their host. An event is sent once and may be lost
    with the process: like those of EventBridge it is a hint, and whoever needs certainty asks.
    """

    def __init__(self, journal: Journal, site: Site, *, grace: float = 10.0) -> None:
        self._journal = journal
        self._site = site
        self._grace = grace
        self._queues = {queue.name: queue for queue in site.queues}
        self._definitions = {definition.name: definition for definition in site.definitions}
        self._jobs: dict[str, Job] = {}
        self._processes: dict[str, Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._events = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batch-events")
        self._closing = False

    async def open(self) -> None:
        """Take up what the last scheduler left: lost jobs end or try again, waiting ones run."""
        self._jobs = {job.job_id: job for job in self._journal.load()}
        for job in self._in_order():
            if job.status in FINISHED:
                continue
            if not self._is_deployed(job):
                job.fail_before_start("The job queue or job definition was deleted.")
            elif job.status in RUNNING:
                job.end_attempt(exit_code=None, status_reason=HOST_LOST)
            else:
                job.status = "RUNNABLE"
            self._changed(job)
        self._start_what_fits()

    async def close(self) -> None:
        """Stop every process. Jobs cut short count as lost with their host at the next `open`."""
        self._closing = True
        await asyncio.gather(*(process.stop(self._grace) for process in self._processes.values()))
        await asyncio.gather(*self._tasks)
        await asyncio.to_thread(self._events.shutdown)

    def submit(self, submission: Submission) -> Job:
        """Queue a job. Raises UnknownResource."""
        queue = self.queue(submission.job_queue)
        definition = self._definition(submission.job_definition)
        job_id = str(uuid.uuid4())
        timeout = submission.timeout
        if timeout is None and definition.timeout_seconds is not None:
            timeout = Timeout(attempt_duration_seconds=definition.timeout_seconds)
        job = Job(
            job_id=job_id,
            job_arn=f"{queue.arn.split(':job-queue/')[0]}:job/{job_id}",
            job_name=submission.job_name,
            job_queue=queue.arn,
            job_definition=definition.arn,
            log_stream_name=f"{definition.name}/{job_id}",
            retry_strategy=submission.retry_strategy
            or RetryStrategy.model_validate(definition.retry_strategy),
            timeout=timeout,
            parameters=submission.parameters,
            overrides=submission.container_overrides,
        )
        self._jobs[job_id] = job
        self._changed(job)
        job.status = "RUNNABLE"
        self._changed(job)
        self._start_what_fits()
        return job

    def terminate(self, job_id: str, reason: str, *, running_too: bool = True) -> None:
        """End a job that waits or (`running_too`) runs; others are left as they are.

        Raises UnknownResource.
        """
        found = self.find([job_id])
        if not found:
            raise UnknownResource(f"Job {job_id} does not exist.")
        [job] = found
        if job.status in WAITING:
            job.fail_before_start(reason)
            self._changed(job)
        elif job.status in RUNNING and running_too:
            job.stop_requested = reason
            self._journal.save(job)
            process = self._processes.get(job.job_id)
            if process is not None:
                self._spawn(process.stop(self._grace))

    def find(self, job_ids: Iterable[str]) -> list[Job]:
        """The jobs among these ids (or ARNs) that exist."""
        names = [job_id.rsplit("/", 1)[-1] for job_id in job_ids]
        return [self._jobs[name] for name in names if name in self._jobs]

    def in_status(self, queue: str, status: Status) -> list[Job]:
        """Jobs of a queue in a status, newest first. Raises UnknownResource."""
        arn = self.queue(queue).arn
        found = [job for job in self._in_order() if (job.job_queue, job.status) == (arn, status)]
        return found[::-1]

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of unfinished jobs by queue name and status."""
        counts: dict[str, dict[str, int]] = {name: {} for name in self._queues}
        for job in [*self._jobs.values()]:  # a copy: the caller may be on another thread
            if job.status not in FINISHED:
                queue = counts[queue_name(job.job_queue)]
                queue[job.status] = queue.get(job.status, 0) + 1
        return counts

    def queue(self, reference: str) -> Queue:
        """The queue of this name or ARN. Raises UnknownResource."""
        try:
            return self._queues[queue_name(reference)]
        except KeyError:
            raise UnknownResource(f"Job queue {reference} does not exist.") from None

    def _definition(self, reference: str) -> Definition:
        try:
            return self._definitions[definition_name(reference)]
        except KeyError:
            raise UnknownResource(f"Job definition {reference} does not exist.") from None

    def _is_deployed(self, job: Job) -> bool:
        return (
            queue_name(job.job_queue) in self._queues
            and definition_name(job.job_definition) in self._definitions
        )

    def _start_what_fits(self) -> None:
        if self._closing:
            return
        for queue in self._queues.values():
            jobs = [job for job in self._in_order() if job.job_queue == queue.arn]
            free = self._site.slots.get(queue.name, 1)
            free -= sum(job.status in RUNNING for job in jobs)
            for job in [job for job in jobs if job.status == "RUNNABLE"][: max(free, 0)]:
                job.begin_attempt()
                self._changed(job)
                self._spawn(self._run(job))

    async def _run(self, job: Job) -> None:
        """One attempt, from the start of its process to where its end leads."""
        try:
            process = await self._start(job)
        except OSError as error:
            job.end_attempt(exit_code=None, status_reason=NOT_STARTED, reason=str(error))
        else:
            self._processes[job.job_id] = process
            job.started_at = now_ms()
            job.status = "RUNNING"
            self._changed(job)
            exit_code, status_reason = await self._watch(job, process)
            del self._processes[job.job_id]
            if self._closing and exit_code != 0:
                return
            job.end_attempt(exit_code=exit_code, status_reason=status_reason)
        self._changed(job)
        self._prune()
        self._start_what_fits()

    async def _watch(self, job: Job, process: Process) -> tuple[int, str]:
        if self._closing or job.stop_requested:  # while it was being started
            await process.stop(self._grace)
        limit = job.timeout.attempt_duration_seconds if job.timeout else None
        try:
            return await process.wait(limit), EXITED
        except TimeoutError:
            await process.stop(self._grace)
            return await process.wait(), TIMED_OUT

    async def _start(self, job: Job) -> Process:
        definition = self._definition(job.job_definition)
        return await Process.start(
            job.overrides.command or definition.command,
            folder=self._site.project,
            environment=self._environment(job, definition),
            log=self._journal.log(job),
        )

    def _environment(self, job: Job, definition: Definition) -> dict[str, str]:
        """The user's environment without its own AWS settings, then what a container would get, as
        far as this machine does not know better."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **ours,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONUNBUFFERED": "1",
            **definition.environment,
            **self._site.environment(definition.job_role_arn),
            **{item.name: item.value for item in job.overrides.environment},
            "AWS_BATCH_JOB_ID": job.job_id,
            "AWS_BATCH_JQ_NAME": queue_name(job.job_queue),
            "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts)),
        }

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _in_order(self) -> list[Job]:
        return sorted(self._jobs.values(), key=lambda job: job.created_at)

    def _changed(self, job: Job) -> None:
        self._journal.save(job)
        loop = asyncio.get_running_loop()

        def report(delivery: Future[None]) -> None:
            # A lost event must be seen, and must not change what became of the job.
            error = delivery.exception()
            if error is not None:
                context = {"message": f"event of job {job.job_id} lost", "exception": error}
                loop.call_soon_threadsafe(loop.call_exception_handler, context)

        self._events.submit(self._site.emit, job.detail()).add_done_callback(report)

    def _prune(self) -> None:
        finished = [job for job in self._in_order() if job.status in FINISHED]
        for job in finished[: max(len(finished) - KEEP_FINISHED, 0)]:
            del self._jobs[job.job_id]
            self._journal.forget(job)
