"""What outlives a stack; and, on the emulator, that it does."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from debate_analyzer.errors import Misconfigured
from deploy import preflight
from deploy.cloud import Cloud
from deploy.destroy import NotConfirmed, destroy
from deploy.parameters import Environment
from deploy.preflight import BucketState
from deploy.removal import Kept, Kind, described, in_order, kept, monthly_cost
from tests.local.deployed import deployed
from tests.world import ROOT, template

RESOURCES = {name: (r["Type"], f"id-of-{name}") for name, r in template()["Resources"].items()}


def test_what_holds_data_is_kept_and_nothing_else() -> None:
    found = {id_: kind for kind, id_ in kept(template(), RESOURCES)}
    assert found == {
        "id-of-Key": Kind.KEY,
        "id-of-Bucket": Kind.BUCKET,
        "id-of-AccessLogsBucket": Kind.BUCKET,
        "id-of-JobTable": Kind.TABLE,
        "id-of-LedgerTable": Kind.TABLE,
        "id-of-UserPool": Kind.USER_POOL,
    }


def test_a_kind_that_nobody_knows_how_to_delete_is_noticed() -> None:
    unknown = {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Retain"}}}
    with pytest.raises(ValueError, match="AWS::SQS::Queue"):
        kept(unknown, {"Q": ("AWS::SQS::Queue", "q")})


def test_what_was_never_made_is_not_kept() -> None:
    assert kept(template(), {"Queue": ("AWS::SQS::Queue", "q")}) == []


@pytest.mark.parametrize("kind", Kind)
def test_everything_kept_says_how_it_is_deleted_later(kind: Kind) -> None:
    line = described(Kept(kind, "the-id", 2**30))
    assert "the-id" in line
    assert "to delete it: aws " in line


def test_keys_go_last() -> None:
    things = [Kept(Kind.KEY, "k"), Kept(Kind.BUCKET, "b"), Kept(Kind.TABLE, "t")]
    assert [one.id for one in in_order(things)] == ["b", "t", "k"]


def test_the_prices_are_those_of_the_cost_model() -> None:
    prices = tomllib.loads((ROOT / "cost" / "prices.toml").read_text())
    table = prices["dynamodb"]
    gib = 2**30
    assert (
        monthly_cost(Kept(Kind.BUCKET, "b", gib))
        == prices["s3"]["standard_gib_month"]["steps"][0][1]
    )
    assert monthly_cost(Kept(Kind.TABLE, "t", gib)) == pytest.approx(
        table["gib_month"]["value"] + table["recovery_gib_month"]["value"]
    )
    assert monthly_cost(Kept(Kind.KEY, "k")) == prices["kms"]["key_month"]["value"]
    assert monthly_cost(Kept(Kind.USER_POOL, "u")) == 0


# --- On the emulator ------------------------------------------------------------------------------

ENVIRONMENT = Environment("dev", "debate-analyzer", "us-east-1", {})
RECORDING = "jobs/1/videos/a.mp4"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The template deployed, with a recording and a row in place."""
    with deployed(tmp_path / "data") as emulation:
        stack, _ = emulation.deploy()
        monkeypatch.setenv("AWS_ENDPOINT_URL", emulation.endpoint())
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        outputs = stack.outputs
        boto3.client("s3").put_object(Bucket=outputs["Bucket"], Key=RECORDING, Body=b"1" * 1000)
        boto3.client("dynamodb").put_item(
            TableName=outputs["JobTable"], Item={"job_id": {"S": "1"}, "version": {"N": "1"}}
        )
        yield outputs


def typed(answer: str) -> Any:
    return lambda _: answer


@pytest.mark.emulator
def test_nothing_goes_until_the_stacks_name_was_typed(site: Any) -> None:
    cloud = Cloud()
    cloud.protect("debate-analyzer", ["Bucket", "JobTable", "UserPool"])
    with pytest.raises(NotConfirmed):
        destroy(cloud, ENVIRONMENT, data=True, ask=typed("yes"))
    assert cloud.stack("debate-analyzer") is not None
    with pytest.raises(Misconfigured, match="no stack nobodys"):
        destroy(cloud, Environment("x", "nobodys", None, {}), data=False, ask=typed("nobodys"))


@pytest.mark.emulator
def test_a_stack_goes_and_its_data_stays_and_is_found_by_the_next_preflight(
    site: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = Cloud()
    cloud.protect("debate-analyzer", ["Bucket", "JobTable", "UserPool"])
    destroy(cloud, ENVIRONMENT, data=False, ask=typed("debate-analyzer"))
    assert cloud.stack("debate-analyzer") is None
    printed = capsys.readouterr().out
    assert f"the bucket {site['Bucket']}, 0.00 GiB" in printed
    assert f"aws dynamodb delete-table --table-name {site['JobTable']}" in printed
    assert cloud.keys(site["Bucket"], "jobs/") == [RECORDING]
    table = boto3.client("dynamodb").scan(TableName=site["JobTable"])
    assert table["Count"] == 1
    pool = boto3.client("cognito-idp").describe_user_pool(UserPoolId=site["UserPoolId"])
    assert pool["UserPool"]["Id"] == site["UserPoolId"]
    values = {"BucketName": ""}
    name = preflight.bucket_name(values, cloud.account_id, cloud.region, "debate-analyzer")
    assert (name, cloud.bucket(name)) == (site["Bucket"], BucketState.OURS)


@pytest.mark.emulator
def test_the_data_goes_with_the_stack_only_when_asked_for(site: Any) -> None:
    cloud = Cloud()
    destroy(cloud, ENVIRONMENT, data=True, ask=typed("debate-analyzer"))
    assert cloud.bucket(site["Bucket"]) is BucketState.FREE
    assert site["JobTable"] not in boto3.client("dynamodb").list_tables()["TableNames"]
    pools = boto3.client("cognito-idp").list_user_pools(MaxResults=9)["UserPools"]
    assert site["UserPoolId"] not in {pool["Id"] for pool in pools}
