"""What the preflight says of parameters and accounts: every bad input, and the good one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deploy import parameters
from deploy.finding import Finding, Level, is_good
from deploy.preflight import (
    Account,
    BucketState,
    Builder,
    InstanceType,
    Stack,
    builder_finding,
    check,
    sense,
    wanted_quotas,
)
from deploy.quotas import FARGATE, ec2
from tests.world import ROOT

STACK = "debate-analyzer-dev"
DEFAULTS = {**parameters.template(ROOT).defaults, "AlarmEmail": "operations@example.org"}
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
BUCKET = f"debate-analyzer-123456789012-eu-west-1-{STACK}"
ON_DEMAND = ec2("g6.xlarge", spot=False)
SPOT = ec2("g6.xlarge", spot=True)
assert ON_DEMAND
assert SPOT


def instance_type(name: str, zones: tuple[str, ...] = ZONES, **facts: int) -> InstanceType:
    return InstanceType(name, **{"vcpus": 4, "gpus": 1, **facts}, zones=frozenset(zones))


ACCOUNT = Account(
    id="123456789012",
    partition="aws",
    region="eu-west-1",
    bucket=BucketState.FREE,
    stack=None,
    zones=ZONES,
    instance_types=(instance_type("g6.xlarge"), instance_type("g4dn.xlarge")),
    quotas={ON_DEMAND: 256.0, SPOT: 256.0, FARGATE: 4000.0},
    unreserved_concurrency=1000,
    functions=6,
    has_token=True,
)
DEPLOYED = Stack(
    STACK, "UPDATE_COMPLETE", description="debate-analyzer: debates", outputs={"Bucket": BUCKET}
)


def findings(given: dict[str, str] | None = None, **facts: Any) -> list[Finding]:
    return list(check({**DEFAULTS, **(given or {})}, STACK, replace(ACCOUNT, **facts)))


def bad(given: dict[str, str] | None = None, **facts: Any) -> Finding:
    """The one finding that is not fine."""
    (finding,) = [one for one in findings(given, **facts) if one.level is not Level.OK]
    return finding


def test_an_account_that_has_everything_passes() -> None:
    assert {one.level for one in findings()} == {Level.OK}


def test_warnings_do_not_stop_and_errors_do() -> None:
    small = bad({"ArrivalsConcurrency": "2"}, unreserved_concurrency=10)
    taken = bad(bucket=BucketState.FOREIGN)
    assert is_good([small])
    assert not is_good([small, taken])


# --- Names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Debates", "debate_analyzer", "1st", "a--b", "a-", "x" * 47])
def test_a_stack_name_that_its_resources_cannot_bear_is_refused(name: str) -> None:
    (finding,) = sense(DEFAULTS, name)
    assert finding.code == "stack_name"


def test_a_stack_name_that_makes_the_buckets_too_long_is_refused() -> None:
    name = "debate-analyzer-for-everybody"
    (finding,) = [f for f in check(DEFAULTS, name, ACCOUNT) if f.level is Level.ERROR]
    assert finding.code == "bucket_name"
    assert "5 letters more than 63" in finding.sentence


def test_a_short_bucket_name_makes_room_for_a_long_stack_name() -> None:
    values = {**DEFAULTS, "BucketName": "debates"}
    assert is_good(check(values, "debate-analyzer-for-everybody", ACCOUNT))


def test_a_bucket_that_an_earlier_deployment_left_is_not_touched() -> None:
    finding = bad(bucket=BucketState.OURS)
    assert finding.code == "bucket_kept"
    assert BUCKET in finding.sentence
    assert "BucketName=ANOTHER" in finding.sentence


def test_somebody_elses_bucket_is_said_to_be_theirs() -> None:
    assert bad({"BucketName": "debates"}, bucket=BucketState.FOREIGN).code == "bucket_taken"


def test_the_stacks_own_bucket_is_no_obstacle_to_an_update() -> None:
    assert is_good(findings(stack=DEPLOYED, bucket=BucketState.OURS))


def test_an_update_may_not_leave_the_recordings_behind() -> None:
    finding = bad({"BucketName": "elsewhere"}, stack=DEPLOYED)
    assert finding.code == "bucket_moves"
    assert f"BucketName={BUCKET}" in finding.sentence


# --- The stack ------------------------------------------------------------------------------------


def test_a_second_stack_in_the_account_is_fine() -> None:
    names = [name for stack in ("one", "two") for name in (check(DEFAULTS, stack, ACCOUNT))]
    assert is_good(names)
    assert len({one.sentence for one in names if one.code == "bucket"}) == 2


def test_somebody_elses_stack_of_the_same_name_is_not_overwritten() -> None:
    assert bad(stack=Stack(STACK, "CREATE_COMPLETE", "A shop")).code == "foreign_stack"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("ROLLBACK_COMPLETE", "broken_stack"),
        ("DELETE_FAILED", "broken_stack"),
        ("UPDATE_ROLLBACK_FAILED", "broken_stack"),
        ("UPDATE_IN_PROGRESS", "busy_stack"),
    ],
)
def test_a_stack_that_takes_no_update_says_what_to_do(status: str, code: str) -> None:
    assert bad(stack=replace(DEPLOYED, status=status)).code == code


def test_a_stack_that_was_only_reviewed_is_as_good_as_none() -> None:
    assert is_good(findings(stack=replace(DEPLOYED, status="REVIEW_IN_PROGRESS", outputs={})))


# --- Instance types -------------------------------------------------------------------------------


def test_a_region_without_the_gpu_type_is_refused() -> None:
    finding = bad({"GpuInstanceTypes": "g6.xlarge,g6e.xlarge"})
    assert finding.code == "not_offered"
    assert "g6e.xlarge" in finding.sentence
    assert "eu-west-1" in finding.sentence


def test_a_type_that_is_offered_elsewhere_in_the_region_is_refused() -> None:
    types = (instance_type("g6.xlarge", zones=()), instance_type("g4dn.xlarge", zones=()))
    assert bad(instance_types=types).code == "not_in_zones"


def test_a_zone_without_any_of_the_types_is_a_warning() -> None:
    types = (instance_type("g6.xlarge", ZONES[:1]), instance_type("g4dn.xlarge", ZONES[:2]))
    finding = bad(instance_types=types)
    assert (finding.level, finding.code) == (Level.WARNING, "fewer_zones")
    assert ZONES[2] in finding.sentence


def test_a_type_without_a_gpu_is_refused() -> None:
    types = (instance_type("g6.xlarge"), instance_type("m7i.xlarge", gpus=0))
    found = findings({"GpuInstanceTypes": "g6.xlarge,m7i.xlarge"}, instance_types=types)
    (finding,) = [one for one in found if one.level is Level.ERROR]
    assert finding.code == "no_gpu"
    assert "m7i.xlarge" in finding.sentence


def test_a_family_stands_for_its_types() -> None:
    types = (instance_type("g6.2xlarge", vcpus=8), instance_type("g6.xlarge"))
    assert is_good(findings({"GpuInstanceTypes": "g6"}, instance_types=types))


def test_fewer_vcpus_than_the_smallest_type_has_are_refused() -> None:
    types = (instance_type("g6.12xlarge", vcpus=48),)
    given = {"GpuInstanceTypes": "g6.12xlarge", "GpuMaxVcpus": "32"}
    assert bad(given, instance_types=types).code == "max_vcpus"


# --- Quotas ---------------------------------------------------------------------------------------


def test_spot_and_on_demand_are_different_quotas() -> None:
    assert set(wanted_quotas(DEFAULTS)) == {ON_DEMAND, FARGATE}
    assert set(wanted_quotas({**DEFAULTS, "UseSpot": "true"})) == {SPOT, FARGATE}


def test_statistics_on_ec2_want_the_standard_quota() -> None:
    (standard,) = set(wanted_quotas({**DEFAULTS, "CpuCompute": "EC2"})) - {ON_DEMAND}
    assert standard.code == "L-1216C47A"


@pytest.mark.parametrize(
    ("value", "code"), [(0.0, "quota_none"), (8.0, "quota_small"), (None, "quota_unknown")]
)
def test_a_quota_that_is_too_small_is_a_warning_with_the_command_that_asks_for_more(
    value: float | None, code: str
) -> None:
    finding = bad(quotas={ON_DEMAND: value, FARGATE: 4000.0})
    assert (finding.level, finding.code) == (Level.WARNING, code)
    assert "L-DB2E81BA" in finding.sentence
    if value is not None:
        assert "--desired-value 256" in finding.sentence


def test_a_new_accounts_ten_functions_are_a_warning() -> None:
    finding = bad({"ArrivalsConcurrency": "2"}, unreserved_concurrency=10)
    assert (finding.level, finding.code) == (Level.WARNING, "concurrency")


@pytest.mark.parametrize("arrivals", [{}, {"ArrivalsConcurrency": "3"}])
def test_arrivals_may_not_take_all_that_a_new_account_has(arrivals: dict[str, str]) -> None:
    finding = bad(arrivals, unreserved_concurrency=10)
    assert (finding.level, finding.code) == (Level.ERROR, "arrivals_concurrency")
    assert 'PARAMETERS="ArrivalsConcurrency=2"' in finding.sentence
    assert is_good(findings(arrivals, unreserved_concurrency=100))


def test_concurrency_that_the_account_cannot_spare_is_refused() -> None:
    finding = bad({"ReservedConcurrency": "10"}, unreserved_concurrency=150)
    assert (finding.level, finding.code) == (Level.ERROR, "concurrency")
    assert "takes 60 more" in finding.sentence


def test_concurrency_that_the_deployment_has_already_is_not_counted_twice() -> None:
    stack = replace(DEPLOYED, parameters={"ReservedConcurrency": "10"})
    assert is_good(findings({"ReservedConcurrency": "10"}, stack=stack, unreserved_concurrency=100))


# --- Tokens, domain, builder ----------------------------------------------------------------------


def test_pyannote_without_a_token_is_refused() -> None:
    finding = bad(has_token=False)
    assert finding.code == "token"
    assert "HF_TOKEN" in finding.sentence
    assert "Diarizer=onnx" in finding.sentence


def test_a_secret_that_is_not_there_is_named() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hf"
    assert arn in bad({"HfTokenSecret": arn}, has_token=False).sentence


def test_the_onnx_diarizer_wants_no_token() -> None:
    assert is_good(findings({"Diarizer": "onnx"}, has_token=False))


def test_a_domain_that_another_distribution_has_is_refused() -> None:
    given = {"DomainName": "debates.example.org", "CertificateArn": "arn:x"}
    assert "E123" in bad(given, alias_owner="E123").sentence


def test_a_partition_without_cloudfront_is_refused_only_with_a_site() -> None:
    assert bad(partition="aws-us-gov").code == "site"
    given = {"Site": "false", "AllowedOrigins": "https://news.example"}
    assert is_good(findings(given, partition="aws-us-gov"))


def test_alarms_that_nobody_hears_are_a_warning() -> None:
    finding = bad({"AlarmEmail": ""})
    assert (finding.level, finding.code) == (Level.WARNING, "alarms")
    assert is_good(findings({"AlarmEmail": "", "Monitoring": "false"}))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"JwtAudience": "web"}, "jwt"),
        ({"SignInClientId": "web"}, "sign_in"),
        (
            {
                "JwtIssuer": "https://x",
                "JwtAudience": "web",
                "Site": "false",
                "SignInTokenOrigin": "https://y",
            },
            "sign_in",
        ),
        ({"CertificateArn": "arn:x"}, "domain"),
        ({"Site": "false", "WebAclArn": "arn:x"}, "site"),
        ({"VpcId": "vpc-1", "DatabaseSubnetIds": "subnet-1"}, "network"),
        ({"GpuInstanceTypes": " ,"}, "gpu_types"),
        ({"Monitoring": "false"}, "alarms"),
        ({"Monitoring": "false", "AlarmEmail": "", "MonthlyBudget": "500"}, "alarms"),
    ],
)
def test_halves_without_effect_are_refused(given: dict[str, str], code: str) -> None:
    (finding,) = sense({**DEFAULTS, **given}, STACK)
    assert (finding.level, finding.code) == (Level.ERROR, code)


def test_a_page_that_cannot_sign_anybody_in_is_told_of() -> None:
    given = {**DEFAULTS, "JwtIssuer": "https://id.example.org", "JwtAudience": "web"}
    (finding,) = sense(given, STACK)
    assert (finding.level, finding.code) == (Level.WARNING, "sign_in")
    assert list(sense({**given, "SignInClientId": "web"}, STACK)) == []
    assert list(sense({**given, "Access": "anonymous"}, STACK)) == []


@pytest.mark.parametrize(
    ("builder", "said"),
    [
        (Builder(None), "neither docker nor podman"),
        (Builder("docker", "docker does not work (no daemon)"), "no daemon"),
    ],
)
def test_a_machine_that_cannot_build_images_says_why(builder: Builder, said: str) -> None:
    finding = builder_finding(builder)
    assert finding.level is Level.ERROR
    assert said in finding.sentence


def test_a_machine_that_can_is_fine() -> None:
    assert builder_finding(Builder("podman")).level is Level.OK
