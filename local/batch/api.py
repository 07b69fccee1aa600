"""The AWS Batch REST API, as far as the functions and a curious user need it.

https://docs.aws.amazon.com/batch/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from local.batch.job import Status, Submission, Wire
from local.batch.scheduler import Scheduler, UnknownResource

PAGE = 100

Operation = Callable[[Scheduler, bytes], dict[str, Any]]


class _Describe(Wire):
    jobs: list[str]


class _List(Wire):
    job_queue: str
    job_status: Status = "RUNNING"
    max_results: int = PAGE
    next_token: str = "0"


class _Stop(Wire):
    job_id: str
    reason: str


class _DescribeQueues(Wire):
    job_queues: list[str] | None = None


def _submit_job(scheduler: Scheduler, body: bytes) -> dict[str, Any]:
    job = scheduler.submit(Submission.model_validate_json(body))
    return {"jobId": job.job_id, "jobArn": job.job_arn, "jobName": job.job_name}


def _describe_jobs(scheduler: Scheduler, body: bytes) -> dict[str, Any]:
    asked = _Describe.model_validate_json(body)
    return {"jobs": [job.detail() for job in scheduler.find(asked.jobs)]}


def _list_jobs(scheduler: Scheduler, body: bytes) -> dict[str, Any]:
    asked = _List.model_validate_json(body)
    jobs = scheduler.in_status(asked.job_queue, asked.job_status)
    start = int(asked.next_token)
    end = start + min(asked.max_results, PAGE)
    page = {"jobSummaryList": [job.summary() for job in jobs[start:end]]}
    return {**page, "nextToken": str(end)} if end < len(jobs) else page


def _terminate_job(scheduler: Scheduler, body: bytes) -> dict[str, Any]:
    asked = _Stop.model_validate_json(body)
    scheduler.terminate(asked.job_id, asked.reason)
    return {}


def _cancel_job(scheduler: Scheduler, body: bytes) -> dict[str, Any]:
    asked = _Stop.model_validate_json(body)
    scheduler.terminate(asked.job_id, asked.reason, running_too=False)
    return {}


def _describe_job_queues(scheduler: Scheduler, body: bytes) -> dict[str, Any]:
    names = _DescribeQueues.model_validate_json(body).job_queues
    queues = [scheduler.queue(name) for name in (names or scheduler.counts())]
    return {
        "jobQueues": [
            {
                "jobQueueName": queue.name,
                "jobQueueArn": queue.arn,
                "state": "ENABLED",
                "status": "VALID",
                "priority": 1,
                "computeEnvironmentOrder": [],
            }
            for queue in queues
        ]
    }


_OPERATIONS: dict[str, Operation] = {
    "submitjob": _submit_job,
    "describejobs": _describe_jobs,
    "listjobs": _list_jobs,
    "terminatejob": _terminate_job,
    "canceljob": _cancel_job,
    "describejobqueues": _describe_job_queues,
}


def _endpoint(
    operation: Operation, scheduler: Callable[[], Scheduler | None]
) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        open_scheduler = scheduler()
        if open_scheduler is None:
            return _error(503, "ServerException", "The stack is not deployed yet.")
        try:
            return JSONResponse(operation(open_scheduler, await request.body() or b"{}"))
        except UnknownResource as error:
            return _error(400, "ClientException", str(error))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            return _error(400, "ClientException", f"{where}: {first['msg']}")

    return respond


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"message": message}, status, headers={"x-amzn-errortype": code})


def application(
    secret: str,
    scheduler: Callable[[], Scheduler | None],
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
) -> Starlette:
    """The API under `/<secret>`: whoever may submit a job may run commands, and any web page and
    any other user of this machine can reach a port. `scheduler` is asked at each request.
    """
    routes = [
        Route(f"/v1/{name}", _endpoint(operation, scheduler), methods=["POST"])
        for name, operation in _OPERATIONS.items()
    ]
    return Starlette(routes=[Mount(f"/{secret}", routes=routes)], lifespan=lifespan)
