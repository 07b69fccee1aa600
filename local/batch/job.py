"""A Batch job and its rules, in the words of the AWS Batch API.

Times are milliseconds since the epoch, as in the API.
https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html
"""

from __future__ import annotations

import time
from fnmatch import fnmatchcase
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

Status = Literal["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"]
WAITING: tuple[Status, ...] = ("SUBMITTED", "PENDING", "RUNNABLE")
RUNNING: tuple[Status, ...] = ("STARTING", "RUNNING")
FINISHED: tuple[Status, ...] = ("SUCCEEDED", "FAILED")

HOST_LOST = "Host EC2 (instance i-local) terminated."
TIMED_OUT = "Job attempt duration exceeded timeout"
EXITED = "Essential container in task exited"
NOT_STARTED = "Task failed to start"


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class Wire(BaseModel):
    """camelCase on the wire and on disk, snake_case in Python; unknown fields are let be."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class EnvironmentVariable(Wire):
    """One name and value, the way Batch lists an environment."""

    name: str
    value: str = ""


class Attempt(Wire):
    """One run of a job. `exit_code` is None when the process never came to an end of its own."""

    started_at: int
    stopped_at: int | None = None
    exit_code: int | None = None
    reason: str | None = None
    status_reason: str | None = None


class Condition(Wire):
    """One `evaluateOnExit` entry: every pattern that is given must match (`*` at its end)."""

    action: Literal["RETRY", "EXIT"]
    on_status_reason: str | None = None
    on_reason: str | None = None
    on_exit_code: str | None = None

    @field_validator("action", mode="before")
    @classmethod
    def _upper(cls, action: object) -> object:
        return action.upper() if isinstance(action, str) else action

    def matches(self, attempt: Attempt) -> bool:
        """Whether the end of this attempt is the one described."""
        exit_code = "" if attempt.exit_code is None else str(attempt.exit_code)
        return all(
            pattern is None or fnmatchcase(actual, pattern)
            for pattern, actual in (
                (self.on_status_reason, attempt.status_reason or ""),
                (self.on_reason, attempt.reason or ""),
                (self.on_exit_code, exit_code),
            )
        )


class RetryStrategy(Wire):
    """How many attempts a job has and which ends are worth another one.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_RetryStrategy.html
    """

    attempts: int = Field(default=1, ge=1, le=10)
    evaluate_on_exit: list[Condition] = Field(default=[], max_length=5)

    def retries(self, attempts: list[Attempt]) -> bool:
        """Whether a failed last attempt is followed by another.

        The first condition that matches decides; when none does, Batch retries.
        """
        if len(attempts) >= self.attempts:
            return False
        for condition in self.evaluate_on_exit:
            if condition.matches(attempts[-1]):
                return condition.action == "RETRY"
        return True


class Timeout(Wire):
    """Seconds one attempt may take. Batch does not retry an attempt that took longer."""

    attempt_duration_seconds: float = Field(gt=0)


class ContainerOverrides(Wire):
    """What a submission may change of its definition."""

    command: list[str] | None = None
    environment: list[EnvironmentVariable] = []


class Submission(Wire):
    """The body of SubmitJob, as far as this Batch goes."""

    job_name: str = Field(pattern=r"^[A-Za-z0-9][\w-]{0,127}$")
    job_queue: str
    job_definition: str
    container_overrides: ContainerOverrides = ContainerOverrides()
    retry_strategy: RetryStrategy | None = None
    timeout: Timeout | None = None
    parameters: dict[str, str] = {}
    array_properties: dict[str, Any] = {}
    node_properties: dict[str, Any] = {}
    depends_on: list[dict[str, Any]] = []

    @field_validator("array_properties", "node_properties", "depends_on")
    @classmethod
    def _not_here(cls, value: Any) -> Any:
        if value:
            raise ValueError("the local Batch runs single jobs only")
        return value


class Job(Wire):
    """A submitted job: what was asked for, and what became of it."""

    job_id: str
    job_arn: str
    job_name: str
    job_queue: str
    """ARN of the queue."""
    job_definition: str
    """ARN of the definition."""
    log_stream_name: str
    status: Status = "SUBMITTED"
    status_reason: str | None = None
    created_at: int = Field(default_factory=now_ms)
    started_at: int | None = None
    stopped_at: int | None = None
    attempts: list[Attempt] = []
    retry_strategy: RetryStrategy = RetryStrategy()
    timeout: Timeout | None = None
    parameters: dict[str, str] = {}
    overrides: ContainerOverrides = ContainerOverrides()
    stop_requested: str | None = None
    """The reason somebody gave for terminating the job."""

    def begin_attempt(self) -> None:
        """Give the job a place to run."""
        self.attempts.append(Attempt(started_at=now_ms()))
        self.status = "STARTING"

    def end_attempt(
        self, *, exit_code: int | None, status_reason: str, reason: str | None = None
    ) -> None:
        """Record how the running attempt ended and where that leads the job."""
        attempt = self.attempts[-1]
        attempt.stopped_at = now_ms()
        attempt.exit_code = exit_code
        attempt.reason = reason
        attempt.status_reason = status_reason
        final = self.stop_requested is not None or status_reason == TIMED_OUT
        if exit_code == 0 and status_reason == EXITED:
            self._finish("SUCCEEDED", status_reason)
        elif not final and self.retry_strategy.retries(self.attempts):
            self.status = "RUNNABLE"
            self.status_reason = status_reason
        else:
            self._finish("FAILED", self.stop_requested or status_reason)

    def fail_before_start(self, reason: str) -> None:
        """Terminated or cancelled while it still waited."""
        self.stop_requested = reason
        self._finish("FAILED", reason)

    def _finish(self, status: Status, reason: str) -> None:
        self.status = status
        self.status_reason = reason
        self.stopped_at = now_ms()

    def summary(self) -> dict[str, Any]:
        """The job as ListJobs shows it."""
        shown = {
            "job_id", "job_arn", "job_name", "job_definition", "status",
            "status_reason", "created_at", "started_at", "stopped_at",
        }  # fmt: skip
        summary = self.model_dump(by_alias=True, exclude_none=True, include=shown)
        if self.attempts and self.attempts[-1].exit_code is not None:
            summary["container"] = {"exitCode": self.attempts[-1].exit_code}
        return summary

    def detail(self) -> dict[str, Any]:
        """The job as DescribeJobs and the state change events show it."""
        detail = self.model_dump(
            by_alias=True,
            exclude_none=True,
            exclude={"attempts", "overrides", "stop_requested", "log_stream_name"},
        )
        detail["attempts"] = [self._attempt_detail(attempt) for attempt in self.attempts]
        container: dict[str, Any] = {
            "environment": [
                variable.model_dump(by_alias=True) for variable in self.overrides.environment
            ],
            "logStreamName": self.log_stream_name,
        }
        if self.overrides.command:
            container["command"] = self.overrides.command
        if self.attempts:
            container.update(self._attempt_detail(self.attempts[-1])["container"])
        detail["container"] = container
        detail["dependsOn"] = []
        detail["isTerminated"] = self.stop_requested is not None
        return detail

    def _attempt_detail(self, attempt: Attempt) -> dict[str, Any]:
        detail = attempt.model_dump(
            by_alias=True, exclude_none=True, include={"started_at", "stopped_at", "status_reason"}
        )
        container: dict[str, Any] = {"logStreamName": self.log_stream_name}
        if attempt.exit_code is not None:
            container["exitCode"] = attempt.exit_code
        if attempt.reason is not None:
            container["reason"] = attempt.reason
        return {**detail, "container": container}
