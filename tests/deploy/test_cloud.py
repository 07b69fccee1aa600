"""The account on AWS as `deploy.cloud` sees it: moto, and stubbed answers where it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from debate_analyzer.errors import Misconfigured
from deploy.cloud import Cloud, Refused, explained
from deploy.preflight import BucketState, Stack, wanted_quotas
from deploy.quotas import FARGATE, ec2
from deploy.removal import Kept, Kind


@contextmanager
def stubbed(cloud: Cloud, service: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Whatever the cloud asks of the service is answered as the test says, in that order."""
    client, real = cloud.client(service), cloud.client
    monkeypatch.setattr(cloud, "client", lambda name: client if name == service else real(name))
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


# --- Who and where --------------------------------------------------------------------------------


def test_the_account_says_who_it_is(cloud: Cloud) -> None:
    assert (cloud.account_id, cloud.partition) == ("123456789012", "aws")
    assert cloud.region == "us-east-1"


def test_without_a_region_one_is_asked_for(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(Misconfigured, match="AWS_REGION"), explained():
        Cloud()
    assert Cloud("eu-west-1").region == "eu-west-1"


def test_without_credentials_a_sign_in_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Misconfigured, match="sign in"), explained():
        Cloud()


def test_aws_own_words_are_passed_on(cloud: Cloud) -> None:
    with pytest.raises(Refused, match="AWS refused GetSecretValue: "), explained():
        cloud.secret("nothing")


def test_expired_credentials_are_told_from_missing_rights(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stubbed(cloud, "cloudformation", monkeypatch) as stubber:
        stubber.add_client_error("describe_stacks", "ExpiredToken")
        stubber.add_client_error("describe_stacks", "AccessDenied", "not you")
        with pytest.raises(Misconfigured, match="expired"), explained():
            cloud.stack("debates")
        with pytest.raises(Refused, match="not you"), explained():
            cloud.stack("debates")


# --- What preflight asks --------------------------------------------------------------------------


def test_a_bucket_name_is_free_or_ours_or_somebody_elses(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("s3").create_bucket(Bucket="debates")
    assert cloud.bucket("debates") is BucketState.OURS
    assert cloud.bucket("nobodys") is BucketState.FREE
    with stubbed(cloud, "s3", monkeypatch) as stubber:
        stubber.add_client_error(
            "head_bucket",
            "403",
            http_status_code=403,
            expected_params={"Bucket": "theirs", "ExpectedBucketOwner": "123456789012"},
        )
        assert cloud.bucket("theirs") is BucketState.FOREIGN


def test_an_instance_type_is_on_offer_in_some_of_the_zones(cloud: Cloud) -> None:
    zones = ("us-east-1a", "us-east-1b")
    (found,) = cloud.instance_types(["g4dn.xlarge"], zones)
    assert (found.name, found.vcpus, found.gpus) == ("g4dn.xlarge", 4, 1)
    assert found.zones <= set(zones)


def test_a_family_is_asked_for_by_pattern(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    offer = {"InstanceType": "g6.2xlarge", "Location": "us-east-1b"}
    described = {"InstanceType": "g6.2xlarge", "VCpuInfo": {"DefaultVCpus": 8}}
    with stubbed(cloud, "ec2", monkeypatch) as stubber:
        stubber.add_response(
            "describe_instance_type_offerings",
            {"InstanceTypeOfferings": [offer]},
            {
                "LocationType": "availability-zone",
                "Filters": [{"Name": "instance-type", "Values": ["g6.*"]}],
            },
        )
        stubber.add_response("describe_instance_types", {"InstanceTypes": [described]})
        (found,) = cloud.instance_types(["g6"], ["us-east-1a", "us-east-1b"])
    assert (found.vcpus, found.gpus, found.zones) == (8, 0, {"us-east-1b"})


def test_types_that_the_region_does_not_offer_are_not_found(cloud: Cloud) -> None:
    assert list(cloud.instance_types(["g99.xlarge"], ["us-east-1a"])) == []


def test_a_quota_is_the_accounts_own_or_awss_default_or_unknown(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_demand, spot = ec2("g6.xlarge", spot=False), ec2("g6.xlarge", spot=True)
    assert on_demand
    assert spot
    named = {"ServiceCode": "ec2", "QuotaCode": "L-DB2E81BA"}
    with stubbed(cloud, "service-quotas", monkeypatch) as stubber:
        stubber.add_response("get_service_quota", {"Quota": {"Value": 8.0}}, named)
        stubber.add_client_error("get_service_quota", "NoSuchResourceException")
        stubber.add_response("get_aws_default_service_quota", {"Quota": {"Value": 6.0}})
        stubber.add_client_error("get_service_quota", "AccessDeniedException")
        stubber.add_client_error("get_aws_default_service_quota", "AccessDeniedException")
        assert cloud.quotas([on_demand, FARGATE, spot]) == {
            on_demand: 8.0,
            FARGATE: 6.0,
            spot: None,
        }


def test_everything_that_preflight_looks_at_is_found(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "SubnetIds": "",
        "BucketName": "debates",
        "GpuInstanceTypes": "g6.xlarge",
        "GpuMaxVcpus": "8",
        "UseSpot": "true",
        "CpuCompute": "FARGATE",
        "CpuMaxVcpus": "4",
        "HfTokenSecret": "create",
        "DomainName": "",
    }
    unreserved = {"AccountLimit": {"UnreservedConcurrentExecutions": 10}}
    with stubbed(cloud, "lambda", monkeypatch) as stubber:
        stubber.add_response("get_account_settings", unreserved)
        monkeypatch.setattr(cloud, "quotas", lambda wanted: dict.fromkeys(wanted, 8.0))
        found = cloud.account(values, "debate-analyzer-dev", 6, token="hf_1")
    assert (found.bucket, found.stack, found.has_token) == (BucketState.FREE, None, True)
    assert (found.unreserved_concurrency, found.functions) == (10, 6)
    assert len(found.zones) == 3
    assert [one.name for one in found.instance_types] == ["g6.xlarge"]
    assert set(found.quotas) == set(wanted_quotas(values))


def test_subnets_of_ones_own_say_which_zones_count(cloud: Cloud) -> None:
    subnets = boto3.client("ec2").describe_subnets()["Subnets"][:2]
    wanted = ",".join(one["SubnetId"] for one in subnets)
    assert cloud._zones(wanted) == tuple(sorted(one["AvailabilityZone"] for one in subnets))


def test_a_secret_that_the_stack_made_is_set_once_somebody_fills_it(cloud: Cloud) -> None:
    secrets = boto3.client("secretsmanager")
    arn = secrets.create_secret(Name="hf", SecretString="unset")["ARN"]
    stack = Stack("debates", "CREATE_COMPLETE", outputs={"HfTokenSecretArn": arn})
    assert not cloud._secret_is_set("create", None)
    assert not cloud._secret_is_set("create", stack)
    cloud.set_secret(arn, "hf_1")
    assert cloud._secret_is_set("create", stack)
    assert cloud.secret(arn) == "hf_1"


def test_a_secret_of_ones_own_has_to_be_there(cloud: Cloud) -> None:
    arn = boto3.client("secretsmanager").create_secret(Name="hf", SecretString="hf_1")["ARN"]
    assert cloud._secret_is_set(arn, None)
    assert not cloud._secret_is_set(arn + "x", None)
    assert not cloud._secret_is_set("", None)


def distribution(**more: Any) -> dict[str, Any]:
    origin = {
        "Id": "o",
        "DomainName": "o.s3.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    behaviour = {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"}
    config = {
        "CallerReference": "r",
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behaviour,
    }
    made = boto3.client("cloudfront").create_distribution(DistributionConfig={**config, **more})
    return dict(made["Distribution"])


def test_a_domain_has_one_distribution(cloud: Cloud) -> None:
    domain = "debates.example.org"
    made = distribution(Aliases={"Quantity": 1, "Items": [domain]})
    ours = Stack("debates", "CREATE_COMPLETE", outputs={"DistributionId": made["Id"]})
    assert cloud._alias_owner(domain, None) == made["Id"]
    assert cloud._alias_owner(domain, ours) is None
    assert cloud._alias_owner("other.example.org", None) is None


# --- Images and site ------------------------------------------------------------------------------


def test_an_image_is_there_once_its_tag_was_pushed(cloud: Cloud) -> None:
    ecr = boto3.client("ecr")
    uri = ecr.create_repository(repositoryName="debates/stats")["repository"]["repositoryUri"]
    assert not cloud.has_image(uri, "1")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "layers": []})
    named = {"repositoryName": "debates/stats", "imageTag": "1"}
    ecr.put_image(**named, imageManifest=manifest, imageManifestMediaType=kind)
    assert cloud.has_image(uri, "1")
    assert not cloud.has_image(uri, "2")


def test_the_registrys_password_is_not_its_users_name(cloud: Cloud) -> None:
    assert cloud.registry_password() == "123456789012-auth-token"


def test_the_edge_is_told_and_waited_for(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "r"}
    done = {
        "Id": "I1",
        "Status": "Completed",
        "CreateTime": datetime(2026, 11, 21, tzinfo=UTC),
        "InvalidationBatch": batch,
    }
    asked = {"DistributionId": "E1", "InvalidationBatch": {**batch, "CallerReference": ANY}}
    with stubbed(cloud, "cloudfront", monkeypatch) as stubber:
        made = {"Invalidation": {**done, "Status": "InProgress"}}
        stubber.add_response("create_invalidation", made, asked)
        stubber.add_response(
            "get_invalidation", {"Invalidation": done}, {"DistributionId": "E1", "Id": "I1"}
        )
        cloud.invalidate("E1", "/*")


# --- The end --------------------------------------------------------------------------------------


def test_a_bucket_goes_with_every_version_and_unfinished_upload(cloud: Cloud) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="debates")
    s3.put_bucket_versioning(Bucket="debates", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket="debates", Key="statistics/index.json", Body=body)
    s3.delete_object(Bucket="debates", Key="statistics/index.json")
    s3.create_multipart_upload(Bucket="debates", Key="jobs/1/videos/a.mp4")
    cloud.delete(Kept(Kind.BUCKET, "debates"), since=datetime.now(UTC))
    assert cloud.bucket("debates") is BucketState.FREE


def test_a_table_a_user_pool_and_a_key_go(cloud: Cloud) -> None:
    table = {
        "TableName": "jobs",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "job_id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "job_id", "KeyType": "HASH"}],
    }
    boto3.client("dynamodb").create_table(**table)
    pool = boto3.client("cognito-idp").create_user_pool(PoolName="debates")["UserPool"]["Id"]
    key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    for one in (Kept(Kind.TABLE, "jobs"), Kept(Kind.USER_POOL, pool), Kept(Kind.KEY, key)):
        cloud.delete(one, since=datetime.now(UTC))
    assert boto3.client("dynamodb").list_tables()["TableNames"] == []
    assert boto3.client("cognito-idp").list_user_pools(MaxResults=9)["UserPools"] == []
    state = boto3.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    assert state == "PendingDeletion"


def test_of_a_database_only_the_last_snapshot_goes(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = datetime(2026, 11, 21, tzinfo=UTC)
    snapshots = [
        {"DBSnapshotIdentifier": "last", "SnapshotCreateTime": began.replace(hour=1)},
        {"DBSnapshotIdentifier": "somebodys", "SnapshotCreateTime": began.replace(year=2025)},
    ]
    with stubbed(cloud, "rds", monkeypatch) as stubber:
        stubber.add_response("describe_db_snapshots", {"DBSnapshots": snapshots})
        stubber.add_response("delete_db_snapshot", {}, {"DBSnapshotIdentifier": "last"})
        cloud.delete(Kept(Kind.DATABASE, "debates"), since=began)
