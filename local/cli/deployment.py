"""A deployment and its parts, by the outputs of its stack: with one's own credentials, not by the
API."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import EndpointConnectionError

from debate_analyzer.aws import DynamoJobTable
from debate_analyzer.catalogue import JobView, view
from debate_analyzer.errors import DebateError
from deploy.cloud import CONFIGS, Cloud
from local import batch
from local.emulator import client
from local.folder import DataFolder
from local.server import HOST
from local.stack import STACK_NAME


class NoDeployment(DebateError):
    """No stack of this name, or it does not run."""

    code = "no_deployment"


@dataclass(frozen=True)
class BatchJob:
    """A job of Batch: `status` and `reason` in Batch's words, `log` its stream, None before there
    is one."""

    status: str
    reason: str
    exit_code: int | None
    log: str | None


@dataclass(frozen=True)
class Deployment:
    """`outputs` as the template names them; `client` makes boto3's of a service. Raises what boto3
    raises; `deploy.cloud.explained` makes sentences of it."""

    outputs: Mapping[str, str]
    client: Callable[[str], Any]
    is_local: bool = False

    def submit(self, kind: str, environment: Mapping[str, str]) -> str:
        """The id of a job of Batch. `kind`: "Download", "Transcribe" or "Stats"."""
        said = [{"name": name, "value": value} for name, value in environment.items()]
        submitted = self.client("batch").submit_job(
            jobName=kind.lower(),
            jobQueue=self.outputs[f"{kind}BatchQueue"],
            jobDefinition=self.outputs[f"{kind}JobDefinition"],
            containerOverrides={"environment": said},
        )
        return str(submitted["jobId"])

    def batch_job(self, batch_id: str) -> BatchJob:
        """How a job stands. Raises NoDeployment when Batch has forgotten it."""
        found = self.client("batch").describe_jobs(jobs=[batch_id])["jobs"]
        if not found:
            raise NoDeployment(f"Batch knows no job {batch_id}: it keeps them for seven days.")
        [job] = found
        container = job.get("container", {})
        return BatchJob(
            status=job["status"],
            reason=job.get("statusReason", ""),
            exit_code=container.get("exitCode"),
            log=container.get("logStreamName"),
        )

    def put(self, file: Path, key: str, content_type: str, advance: Callable[[int], None]) -> None:
        """Into the bucket, in parts where it is large."""
        self.client("s3").upload_file(
            str(file),
            self.outputs["Bucket"],
            key,
            ExtraArgs={"ContentType": content_type},
            Callback=advance,
        )

    def find_job(self, job_id: str) -> JobView | None:
        """As the job's row has it; None before there is one."""
        table = DynamoJobTable(self.client("dynamodb"), self.outputs["JobTable"])
        job = table.get(job_id)
        return view(job) if job is not None else None


def deployment(options: Namespace) -> Deployment:
    """The one that the command names. Raises NoDeployment."""
    return on_aws(options.stack, options.region) if options.stack else on_laptop(options.data)


def on_aws(name: str, region: str | None) -> Deployment:
    """With the credentials and the endpoints of the AWS profile."""
    cloud = Cloud(region)
    stack = cloud.stack(name)
    if stack is None or not stack.outputs:
        raise NoDeployment(f"There is no deployment {name} in {cloud.region}.")
    return Deployment(stack.outputs, cloud.client)


def on_laptop(data: Path) -> Deployment:
    """The stack of the data folder, which has to run."""
    port = DataFolder(data).port("emulator")
    if not port:
        raise NoDeployment(f"No stack has run with the data folder {data}; see --data.")
    endpoint = f"http://{HOST}:{port}"
    try:
        described = client("cloudformation", endpoint).describe_stacks(StackName=STACK_NAME)
    except EndpointConnectionError as error:
        raise NoDeployment(f"The stack of {data} is not running: `make run` starts it.") from error
    [stack] = described["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    return Deployment(outputs, partial(_client, data, endpoint), is_local=True)


def _client(data: Path, endpoint: str, service: str) -> Any:
    if service == "batch":
        endpoint = batch.endpoint(data, DataFolder(data).port("batch"))
    return client(service, endpoint, CONFIGS.get(service))
