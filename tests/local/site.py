"""The deployed template with a Batch whose jobs do nothing: everything but the two workers.

Work that is left in a queue has a worker called whenever one leaves, for ever: `leave_nothing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3

from debate_analyzer import aws
from local.batch import Batch
from local.batch import Site as BatchSite
from local.stack import Stack
from tests.e2e.laptop import free_port
from tests.local.deployed import client, deployed
from tests.world import ROOT

_UNDER_WAY = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
_ENDED = ("SUCCEEDED", "FAILED")
STAGES = ("transcribe", "stats")
WORK_QUEUES = ("TranscribeWorkQueueUrl", "StatsWorkQueueUrl")


@dataclass(frozen=True)
class Site:
    """What a test may ask for; `batch_endpoint` is where the functions find Batch."""

    deployed: Any
    stack: Stack
    batch_endpoint: str

    def client(self, service: str) -> Any:
        """With an administrator's rights."""
        endpoint = self.batch_endpoint if service == "batch" else self.deployed.endpoint()
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def as_role(self, service: str, role_arn: str) -> Any:
        """With the rights of a role."""
        return client(self.deployed, service, self.deployed.role_environment(role_arn))

    @property
    def bucket(self) -> str:
        return self.stack.outputs["Bucket"]

    @property
    def table(self) -> aws.DynamoJobTable:
        return aws.DynamoJobTable(self.client("dynamodb"), self.stack.outputs["JobTable"])

    @property
    def store(self) -> aws.S3ObjectStore:
        return aws.S3ObjectStore(self.client("s3"), self.bucket)

    def silence(self) -> None:
        """Nothing invokes the functions any more, whatever arrives."""
        functions, rules = self.client("lambda"), self.client("events")
        for source in functions.list_event_source_mappings()["EventSourceMappings"]:
            functions.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
        for rule in rules.list_rules()["Rules"]:
            rules.disable_rule(Name=rule["Name"])
        self.client("s3").put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={}
        )
        for queue in ("TranscribeArrivalsQueueUrl", "StatsArrivalsQueueUrl"):
            self.taken(queue)

    def environment(self, function: str) -> dict[str, str]:
        """What the function with this name in the template is deployed with, its role's keys, too.

        Its endpoints are those on this machine.
        """
        deployed = self.client("lambda").get_function_configuration(
            FunctionName=self.stack.outputs[function]
        )
        return {
            **deployed["Environment"]["Variables"],
            **self.deployed.role_environment(deployed["Role"]),
            "AWS_ENDPOINT_URL": self.deployed.endpoint(),
            "AWS_ENDPOINT_URL_BATCH": self.batch_endpoint,
        }

    def taken(self, queue: str) -> list[str]:
        """Every message of the queue with this output's name, taken off it."""
        sqs, url = self.client("sqs"), self.stack.outputs[queue]
        bodies = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def leave_nothing(self) -> None:
        """No job, no object of one, for which the sweeper would call a worker, and no work."""
        dynamodb, s3 = self.client("dynamodb"), self.client("s3")
        for page in dynamodb.get_paginator("scan").paginate(TableName=self.table.name):
            for row in page["Items"]:
                dynamodb.delete_item(TableName=self.table.name, Key={"job_id": row["job_id"]})
        for found in self.store.list(""):
            s3.delete_object(Bucket=self.bucket, Key=found.key)
        for queue in WORK_QUEUES:
            self.taken(queue)

    def workers(self, stage: str) -> set[str]:
        """The ids of all workers that were ever submitted for the stage."""
        return self._workers(stage, *_UNDER_WAY, *_ENDED)

    def workers_under_way(self) -> set[str]:
        """The ids of the workers of either stage that have not ended."""
        return {worker for stage in STAGES for worker in self._workers(stage, *_UNDER_WAY)}

    def _workers(self, stage: str, *statuses: str) -> set[str]:
        batch, queue = self.client("batch"), f"debate-analyzer-{stage}"
        return {
            job["jobId"]
            for status in statuses
            for job in batch.list_jobs(jobQueue=queue, jobStatus=status)["jobSummaryList"]
        }


@contextmanager
def running_site(data: Path, *, host: str | None = None) -> Iterator[Site]:
    """Deployed and running, until the end of the block. `host`: see `deployed`."""
    batch = Batch(data, free_port(), grace=1)
    with deployed(data, batch_endpoint=batch.endpoint, host=host) as emulation:
        batch.start()
        try:
            stack, _ = emulation.deploy()
            batch.deploy(
                BatchSite(
                    queues=stack.queues,
                    definitions=[
                        replace(definition, command=("sleep", "1"), environment={})
                        for definition in stack.definitions.values()
                    ],
                    environment=lambda role: {},
                    emit=emulation.emit_batch_event,
                    project=ROOT,
                )
            )
            yield Site(emulation, stack, batch.endpoint)
        finally:
            batch.stop()
