from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest

from local.batch import Batch
from local.batch import Site as BatchSite
from local.stack import Stack
from tests.e2e.laptop import free_port
from tests.local.deployed import client, deployed
from tests.world import ROOT


@dataclass(frozen=True)
class Site:
    """The deployed template with a Batch whose jobs wait for something that never comes."""

    deployed: Any
    stack: Stack
    batch: Any

    def client(self, service: str) -> Any:
        return client(self.deployed, service)

    def as_role(self, service: str, role: str) -> Any:
        """A client with the rights of the one role whose name has `role` in it."""
        roles = self.client("iam").list_roles(MaxItems=1000)["Roles"]
        (arn,) = [each["Arn"] for each in roles if role in each["RoleName"]]
        return client(self.deployed, service, self.deployed.role_environment(arn))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data = tmp_path_factory.mktemp("site")
    batch = Batch(data, free_port(), grace=1)
    with deployed(data, batch_endpoint=batch.endpoint) as emulation:
        batch.start()
        try:
            stack, _ = emulation.deploy()
            batch.deploy(
                BatchSite(
                    queues=stack.queues,
                    definitions=[
                        replace(definition, command=("sleep", "600"), environment={})
                        for definition in stack.definitions.values()
                    ],
                    environment=lambda role: {},
                    emit=emulation.emit_batch_event,
                    project=ROOT,
                )
            )
            credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
            jobs = boto3.client(
                "batch", endpoint_url=batch.endpoint, region_name="us-east-1", **credentials
            )
            yield Site(emulation, stack, jobs)
        finally:
            batch.stop()
