"""The local Batch with boto3 as its client and real processes as its jobs."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from local.batch import Batch, Site
from local.batch.job import Attempt, Condition, Job, RetryStrategy

PREFIX = "arn:aws:batch:us-east-1:000000000000"
QUEUE_ARN = f"{PREFIX}:job-queue/transcribe"
RETRY_LOST_HOSTS = {
    "attempts": 3,
    "evaluateOnExit": [
        {"onStatusReason": "Host EC2*", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ],
}
PROJECT = Path(__file__).parents[2]
PATIENCE = 20.0


@dataclass(frozen=True)
class TheQueue:
    name: str
    arn: str


@dataclass(frozen=True)
class TheDefinition:
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    retry_strategy: Mapping[str, Any] = field(default_factory=dict)
    timeout_seconds: float | None = None
    job_role_arn: str | None = "arn:aws:iam::000000000000:role/worker"

    @property
    def arn(self) -> str:
        return f"{PREFIX}:job-definition/{self.name}:1"


def script(text: str) -> tuple[str, ...]:
    return ("python", "-c", text)


DEFINITIONS = [
    TheDefinition("hello", script("print('hello')"), {"STAGE": "transcribe"}),
    TheDefinition("fail", script("raise SystemExit(3)")),
    TheDefinition("stubborn", script("raise SystemExit(3)"), retry_strategy={"attempts": 2}),
    TheDefinition("unwilling", script("raise SystemExit(3)"), retry_strategy=RETRY_LOST_HOSTS),
    TheDefinition("sleep", script("import time; print('up'); time.sleep(600)")),
    TheDefinition("brief", script("import time; time.sleep(600)"), timeout_seconds=0.3),
    TheDefinition(
        "family",
        script(
            "import subprocess, sys;"
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
            "print(child.pid); child.wait()"
        ),
        retry_strategy=RETRY_LOST_HOSTS,
    ),
    TheDefinition("missing", ("no-such-program",)),
    TheDefinition("env", script("import json, os; print(json.dumps(dict(os.environ)))")),
]


class Events:
    """Collects what the service emits."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def __call__(self, detail: dict[str, Any]) -> None:
        self._queue.put(detail)

    def until(self, status: str) -> list[dict[str, Any]]:
        """Events up to the first with this status."""
        seen = []
        while True:
            seen.append(self._queue.get(timeout=PATIENCE))
            if seen[-1]["status"] == status:
                return seen


def site(tmp_path: Path, events: Events) -> Site:
    return Site(
        queues=[TheQueue("transcribe", QUEUE_ARN)],
        definitions=DEFINITIONS,
        environment=lambda role: {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "ROLE": str(role)},
        emit=events,
        project=tmp_path,
    )


def client_of(endpoint: str) -> Any:
    return boto3.client(
        "batch",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@dataclass
class Running:
    service: Batch
    events: Events
    data: Path

    def __post_init__(self) -> None:
        self.client = client_of(self.service.endpoint)

    def submit(self, definition: str, **more: Any) -> str:
        job: str = self.client.submit_job(
            jobName=definition, jobQueue="transcribe", jobDefinition=definition, **more
        )["jobId"]
        return job

    def describe(self, job: str) -> dict[str, Any]:
        detail: dict[str, Any] = self.client.describe_jobs(jobs=[job])["jobs"][0]
        return detail

    def log(self, definition: str, job: str) -> str:
        return (self.data / "logs" / "batch" / definition / f"{job}.log").read_text()


@pytest.fixture
def batch(tmp_path: Path) -> Iterator[Running]:
    events = Events()
    service = Batch(tmp_path, 0, grace=0.5)
    service.start()
    service.deploy(site(tmp_path, events))
    yield Running(service, events, tmp_path)
    service.stop()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether the process runs (a zombie nobody has reaped does not)."""
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(listed.stdout.strip()) and not listed.stdout.strip().startswith("Z")


def test_a_job_runs_and_its_states_are_told_in_order(batch: Running) -> None:
    job = batch.submit("hello")
    events = batch.events.until("SUCCEEDED")
    assert [event["status"] for event in events] == [
        "SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED",
    ]  # fmt: skip
    assert {event["jobId"] for event in events} == {job}
    assert events[-1]["jobQueue"] == QUEUE_ARN
    assert events[-1]["container"]["exitCode"] == 0
    detail = batch.describe(job)
    assert detail["status"] == "SUCCEEDED"
    assert detail["createdAt"] <= detail["startedAt"] <= detail["stoppedAt"]
    assert batch.log("hello", job) == "hello\n"


def test_a_failing_job_tells_its_exit_code(batch: Running) -> None:
    job = batch.submit("fail")
    batch.events.until("FAILED")
    detail = batch.describe(job)
    assert detail["statusReason"] == "Essential container in task exited"
    assert detail["container"]["exitCode"] == 3
    assert len(detail["attempts"]) == 1


def test_a_job_is_tried_as_often_as_its_strategy_says(batch: Running) -> None:
    job = batch.submit("stubborn")
    batch.events.until("FAILED")
    attempts = batch.describe(job)["attempts"]
    assert [attempt["container"]["exitCode"] for attempt in attempts] == [3, 3]


def test_a_strategy_for_lost_hosts_does_not_retry_a_failure(batch: Running) -> None:
    job = batch.submit("unwilling")
    batch.events.until("FAILED")
    assert len(batch.describe(job)["attempts"]) == 1


def test_a_job_that_takes_too_long_is_ended_and_not_retried(batch: Running) -> None:
    job = batch.submit("brief", retryStrategy={"attempts": 3})
    batch.events.until("FAILED")
    detail = batch.describe(job)
    assert detail["statusReason"] == "Job attempt duration exceeded timeout"
    assert len(detail["attempts"]) == 1
    assert detail["container"]["exitCode"] == 128 + signal.SIGTERM


def test_a_program_that_does_not_exist_fails_as_a_shell_would(batch: Running) -> None:
    job = batch.submit("missing")
    batch.events.until("FAILED")
    assert batch.describe(job)["container"]["exitCode"] == 127
    assert "no-such-program" in batch.log("missing", job)


def test_a_job_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    events = Events()
    service = Batch(tmp_path, 0)
    service.start()
    service.deploy(replace(site(tmp_path, events), project=tmp_path / "gone"))
    Running(service, events, tmp_path).submit("hello")
    failed = events.until("FAILED")[-1]
    service.stop()
    assert failed["statusReason"] == "Task failed to start"
    assert "gone" in failed["container"]["reason"]


def test_queues_are_described(batch: Running) -> None:
    [queue] = batch.client.describe_job_queues(jobQueues=["transcribe"])["jobQueues"]
    assert (queue["jobQueueArn"], queue["state"]) == (QUEUE_ARN, "ENABLED")
    assert len(batch.client.describe_job_queues()["jobQueues"]) == 1


def test_before_anything_is_deployed_the_service_is_not_ready(tmp_path: Path) -> None:
    service = Batch(tmp_path, 0)
    service.start()
    answer = httpx.post(f"{service.endpoint}/v1/listjobs", json={"jobQueue": "transcribe"})
    service.stop()
    assert answer.status_code == 503


def test_a_queue_runs_one_job_at_a_time_and_the_next_when_it_ends(batch: Running) -> None:
    first = batch.submit("sleep")
    batch.events.until("RUNNING")
    second = batch.submit("hello")
    assert batch.describe(second)["status"] == "RUNNABLE"
    assert batch.service.counts() == {"transcribe": {"RUNNING": 1, "RUNNABLE": 1}}
    batch.client.terminate_job(jobId=first, reason="make way")
    batch.events.until("SUCCEEDED")
    assert batch.describe(first)["status"] == "FAILED"
    assert batch.describe(first)["statusReason"] == "make way"


def test_jobs_are_listed_by_queue_and_status(batch: Running) -> None:
    running = batch.submit("sleep")
    batch.events.until("RUNNING")
    waiting = [batch.submit("hello"), batch.submit("hello")]
    listed = batch.client.list_jobs(jobQueue="transcribe")["jobSummaryList"]
    assert [(job["jobId"], job["jobName"]) for job in listed] == [(running, "sleep")]
    pages = batch.client.get_paginator("list_jobs").paginate(
        jobQueue=QUEUE_ARN, jobStatus="RUNNABLE", PaginationConfig={"PageSize": 1}
    )
    assert {job["jobId"] for page in pages for job in page["jobSummaryList"]} == {*waiting}


def test_a_waiting_job_can_be_cancelled_and_a_running_one_cannot(batch: Running) -> None:
    running = batch.submit("sleep")
    batch.events.until("RUNNING")
    waiting = batch.submit("hello")
    batch.client.cancel_job(jobId=waiting, reason="changed my mind")
    batch.client.cancel_job(jobId=running, reason="changed my mind")
    assert batch.describe(waiting)["statusReason"] == "changed my mind"
    assert batch.describe(running)["status"] == "RUNNING"


def test_terminating_a_job_ends_its_children_too(batch: Running) -> None:
    job = batch.submit("family", retryStrategy={"attempts": 3})
    batch.events.until("RUNNING")
    eventually(lambda: batch.log("family", job).strip() != "")
    grandchild = int(batch.log("family", job))
    batch.client.terminate_job(jobId=job, reason="enough")
    batch.events.until("FAILED")
    eventually(lambda: not is_alive(grandchild))
    assert len(batch.describe(job)["attempts"]) == 1


def test_a_job_finds_its_environment_and_none_of_the_users_aws_settings(
    batch: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    overrides = {"environment": [{"name": "JOB_KEY", "value": "jobs/1/videos/a.mp4"}]}
    job = batch.submit("env", containerOverrides=overrides)
    batch.events.until("SUCCEEDED")
    environment = json.loads(batch.log("env", job))
    assert environment["AWS_BATCH_JOB_ID"] == job
    assert environment["AWS_BATCH_JQ_NAME"] == "transcribe"
    assert environment["AWS_BATCH_JOB_ATTEMPT"] == "1"
    assert environment["JOB_KEY"] == "jobs/1/videos/a.mp4"
    assert environment["ROLE"] == "arn:aws:iam::000000000000:role/worker"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert "AWS_PROFILE" not in environment


@pytest.mark.parametrize(
    "request_",
    [
        {"jobName": "x", "jobQueue": "nowhere", "jobDefinition": "hello"},
        {"jobName": "x", "jobQueue": "transcribe", "jobDefinition": "nothing"},
        {"jobName": "not a name!", "jobQueue": "transcribe", "jobDefinition": "hello"},
        {
            "jobName": "x",
            "jobQueue": "transcribe",
            "jobDefinition": "hello",
            "arrayProperties": {"size": 2},
        },
    ],
)
def test_what_cannot_run_is_refused(batch: Running, request_: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refusal:
        batch.client.submit_job(**request_)
    assert refusal.value.response["Error"]["Code"] == "ClientException"


def test_without_the_secret_nobody_submits_a_job(batch: Running) -> None:
    origin = batch.service.endpoint.rsplit("/", 1)[0]
    body = {"jobName": "x", "jobQueue": "transcribe", "jobDefinition": "hello"}
    assert httpx.post(f"{origin}/v1/submitjob", json=body).status_code == 404
    assert httpx.post(f"{batch.service.endpoint}/v1/submitjob", json=body).status_code == 200


def test_a_clean_stop_and_start_runs_the_interrupted_job_again(tmp_path: Path) -> None:
    events = Events()
    first = Batch(tmp_path, 0, grace=0.5)
    first.start()
    first.deploy(site(tmp_path, events))
    job = Running(first, events, tmp_path).submit("family")
    events.until("RUNNING")
    first.stop()
    second = Batch(tmp_path, 0, grace=0.5)
    second.start()
    second.deploy(site(tmp_path, events))
    assert [event["status"] for event in events.until("RUNNING")] == [
        "RUNNABLE", "STARTING", "RUNNING",
    ]  # fmt: skip
    detail = Running(second, events, tmp_path).describe(job)
    second.stop()
    assert first.endpoint.rsplit("/", 1)[1] == second.endpoint.rsplit("/", 1)[1]
    assert detail["attempts"][0]["statusReason"] == "Host EC2 (instance i-local) terminated."
    assert len(detail["attempts"]) == 2


HOST = """
import sys, threading
from pathlib import Path
from local.batch import Batch
from tests.local import test_batch
data = Path(sys.argv[1])
service = Batch(data, 0)
service.start()
service.deploy(test_batch.site(data, test_batch.Events()))
print(service.endpoint, flush=True)
threading.Event().wait()
"""


def test_a_killed_host_takes_its_jobs_along_and_the_next_one_takes_them_up(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOST, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=PROJECT, env=environment
    ) as host:
        assert host.stdout is not None
        client = client_of(host.stdout.readline().strip())
        request = {"jobQueue": "transcribe", "jobName": "x"}
        running = client.submit_job(**request, jobDefinition="family")["jobId"]
        waiting = client.submit_job(**request, jobDefinition="hello")["jobId"]
        log = tmp_path / "logs" / "batch" / "family" / f"{running}.log"
        eventually(lambda: log.exists() and log.read_text().strip() != "")
        grandchild = int(log.read_text())
        assert is_alive(grandchild)
        os.kill(host.pid, signal.SIGKILL)
    eventually(lambda: not is_alive(grandchild))

    events = Events()
    service = Batch(tmp_path, 0, grace=0.5)
    service.start()
    service.deploy(site(tmp_path, events))
    events.until("RUNNING")
    batch = Running(service, events, tmp_path)
    detail = batch.describe(running)
    assert detail["status"] == "RUNNING"
    assert detail["attempts"][0]["statusReason"] == "Host EC2 (instance i-local) terminated."
    assert batch.describe(waiting)["status"] == "RUNNABLE"
    service.stop()


def test_a_lost_host_fails_a_job_that_has_no_attempt_left(tmp_path: Path) -> None:
    job = Job(
        job_id="1",
        job_arn=f"{PREFIX}:job/1",
        job_name="x",
        job_queue=QUEUE_ARN,
        job_definition=f"{PREFIX}:job-definition/sleep:1",
        log_stream_name="sleep/1",
        status="RUNNING",
        attempts=[Attempt(started_at=1)],
    )
    folder = tmp_path / "batch" / "jobs"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(job.model_dump_json(by_alias=True))
    events = Events()
    service = Batch(tmp_path, 0)
    service.start()
    service.deploy(site(tmp_path, events))
    [event] = events.until("FAILED")
    service.stop()
    assert event["statusReason"] == "Host EC2 (instance i-local) terminated."
    assert "exitCode" not in event["container"]


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ({"onExitCode": "137"}, True),
        ({"onExitCode": "13*"}, True),
        ({"onExitCode": "1"}, False),
        ({"onStatusReason": "Host EC2*"}, False),
        ({"onReason": "OutOfMemory*", "onExitCode": "137"}, True),
        ({"onReason": "OutOfMemory*", "onExitCode": "1"}, False),
    ],
)
def test_a_condition_matches_when_each_of_its_patterns_does(
    condition: dict[str, str], matches: bool
) -> None:
    attempt = Attempt(
        started_at=1,
        exit_code=137,
        reason="OutOfMemoryError: Container killed due to memory usage",
        status_reason="Essential container in task exited",
    )
    assert Condition.model_validate({**condition, "action": "retry"}).matches(attempt) is matches


def test_batch_retries_when_no_condition_matches() -> None:
    strategy = RetryStrategy.model_validate(
        {"attempts": 2, "evaluateOnExit": [{"onExitCode": "1", "action": "exit"}]}
    )
    other, one = Attempt(started_at=1, exit_code=2), Attempt(started_at=1, exit_code=1)
    assert strategy.retries([other])
    assert not strategy.retries([one])
    assert not strategy.retries([other, other])


def test_old_finished_jobs_are_forgotten(batch: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.batch.scheduler.KEEP_FINISHED", 1)
    first = batch.submit("hello")
    batch.events.until("SUCCEEDED")
    second = batch.submit("hello")
    batch.events.until("SUCCEEDED")
    eventually(lambda: not (batch.data / "batch" / "jobs" / f"{first}.json").exists())
    jobs = batch.client.describe_jobs(jobs=[first, second])["jobs"]
    assert [job["jobId"] for job in jobs] == [second]
