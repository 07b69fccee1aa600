"""What can be known to go wrong before anything is made.

Pure: takes the parameters and what `deploy.cloud` found in the account, returns findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from deploy.finding import Finding, error, ok, warning
from deploy.quotas import FARGATE, Quota, ec2

Values = Mapping[str, str]

_LONGEST_BUCKET_NAME = 63
_LONGEST_FUNCTION_NAME = 64
_LONGEST_SUFFIX = "-submit-transcribe"
_UNRESERVED_LAMBDA = 100
"""Concurrency that Lambda leaves to the functions that reserve none.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""
_NEW_ACCOUNT_CONCURRENCY = 10
_LEAST_ARRIVALS = 2
"""The least number of a function's calls at a time that Lambda lets a queue be bound to.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""
_LAMBDA_INCREASE = (
    "aws service-quotas request-service-quota-increase --service-code lambda "
    "--quota-code L-B99A9384 --desired-value 1000"
)


class BucketState(StrEnum):
    """What a HEAD of the bucket's name says."""

    FREE = "free"
    OURS = "ours"
    """In this account."""
    FOREIGN = "foreign"
    """In another one."""


@dataclass(frozen=True)
class Stack:
    """A deployment that exists."""

    name: str
    status: str
    description: str = ""
    reason: str = ""
    parameters: Values = field(default_factory=dict)
    outputs: Values = field(default_factory=dict)


@dataclass(frozen=True)
class InstanceType:
    """`zones`: where it is on offer, of those that the workers run in."""

    name: str
    vcpus: int
    gpus: int
    zones: frozenset[str]


@dataclass(frozen=True)
class Account:
    """What was found in the account and the region. None: it may not be looked up."""

    id: str
    partition: str
    region: str
    bucket: BucketState
    stack: Stack | None
    zones: tuple[str, ...]
    instance_types: tuple[InstanceType, ...]
    quotas: Mapping[Quota, float | None]
    unreserved_concurrency: int
    functions: int
    """How many the template has."""
    has_token: bool
    """Whether there is a Hugging Face token for the workers."""
    alias_owner: str | None = None
    """Another distribution that has the domain's name already."""


@dataclass(frozen=True)
class Builder:
    """What builds images here. `problem` is why it cannot."""

    name: str | None
    problem: str | None = None


def bucket_name(values: Values, account: str, region: str, stack_name: str) -> str:
    """As the template makes it."""
    return values.get("BucketName") or f"debate-analyzer-{account}-{region}-{stack_name}"


# --- Before AWS is asked --------------------------------------------------------------------------


def sense(values: Values, stack_name: str) -> Iterator[Finding]:
    """What no rule or pattern of the template says: the stack's name, and halves without effect."""
    yield from _stack_name(stack_name)
    if values["JwtAudience"] and not values["JwtIssuer"]:
        yield error(
            "jwt",
            "JwtAudience is given, JwtIssuer is not: give both for an issuer of your own, or "
            "neither for the user pool that the stack makes.",
        )
    yield from _sign_in(values)
    if values["CertificateArn"] and not values["DomainName"]:
        yield error("domain", "CertificateArn is given, DomainName is not: say which domain.")
    of_the_site = [n for n in ("DomainName", "WebAclArn", "StatisticsKeyGroup") if values[n]]
    if values["Site"] == "false" and of_the_site:
        yield error(
            "site", f"Site=false makes no distribution for {', '.join(of_the_site)}: say Site=true."
        )
    if values["VpcId"] and values["Database"] == "true":
        subnets = _listed(values["DatabaseSubnetIds"])
        if len(subnets) == 1:
            yield error("network", "DatabaseSubnetIds names one subnet: RDS wants two zones.")
    told = [n for n, none in (("AlarmEmail", ""), ("MonthlyBudget", "0")) if values[n] != none]
    if values["Monitoring"] == "false" and told:
        yield error(
            "alarms",
            f"Monitoring=false makes no alarms for {', '.join(told)}: say Monitoring=true.",
        )
    if not gpu_types(values):
        yield error("gpu_types", "GpuInstanceTypes is empty: name one, such as g6.xlarge.")


def _sign_in(values: Values) -> Iterator[Finding]:
    if values["SignInTokenOrigin"] and not values["SignInClientId"]:
        yield error(
            "sign_in", "SignInTokenOrigin is given, SignInClientId is not: say which client."
        )
    if values["SignInClientId"] and not values["JwtIssuer"]:
        yield error(
            "sign_in",
            "SignInClientId is given, JwtIssuer is not: give both for an issuer of your own, or "
            "neither for the user pool that the stack makes.",
        )
    page_signs_in = values["Site"] == "true" and values["Access"] == "signed-in"
    if page_signs_in and values["JwtIssuer"] and not values["SignInClientId"]:
        yield warning(
            "sign_in",
            "JwtIssuer is given, SignInClientId is not: the page cannot sign anybody in, and shows "
            "what there are share links to.",
        )


def _stack_name(name: str) -> Iterator[Finding]:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        yield error(
            "stack_name",
            f"The stack's name {name!r} ends up in its bucket's: a lower-case letter first, then "
            "lower-case letters, digits and single hyphens.",
        )
    elif len(name) + len(_LONGEST_SUFFIX) > _LONGEST_FUNCTION_NAME:
        longest = _LONGEST_FUNCTION_NAME - len(_LONGEST_SUFFIX)
        yield error(
            "stack_name", f"The stack's name {name!r} is longer than {longest}: functions bear it."
        )


def gpu_types(values: Values) -> list[str]:
    """The types, or families of types, that transcribe workers may run on."""
    return _listed(values["GpuInstanceTypes"])


def _listed(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


# --- With what the account says -------------------------------------------------------------------


def check(values: Values, stack_name: str, account: Account) -> Iterator[Finding]:
    """Everything that the account shows. `sense` is to have found nothing."""
    yield ok("account", f"Account {account.id}, region {account.region}, stack {stack_name}.")
    yield from _stack(stack_name, account.stack)
    yield from _bucket(values, stack_name, account)
    yield from _offers(values, account)
    yield from quota_findings(values, account.quotas, account.instance_types)
    yield from _concurrency(values, account)
    yield from _token(values, account)
    yield from _edge(values, account)
    yield from _alarms(values)


def _stack(name: str, stack: Stack | None) -> Iterator[Finding]:
    if stack is None:
        return
    if not stack.description.startswith("debate-analyzer"):
        yield error(
            "foreign_stack",
            f"There is a stack {name} that is not this project's ({stack.description or 'no text'})"
            ": give ours another name in samconfig.toml.",
        )
    elif stack.status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"):
        yield error(
            "broken_stack",
            f"The stack {name} is {stack.status} and can only be deleted: make destroy, then "
            f"again. {stack.reason}".strip(),
        )
    elif stack.status == "UPDATE_ROLLBACK_FAILED":
        yield error(
            "broken_stack",
            f"The last update of {name} could not be rolled back. {stack.reason} When the cause is "
            f"gone: aws cloudformation continue-update-rollback --stack-name {name}",
        )
    elif stack.status.endswith("IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
        yield error("busy_stack", f"The stack {name} is {stack.status}: wait until it is done.")
    else:
        yield ok("stack", f"The stack {name} exists ({stack.status}): this is an update.")


def _bucket(values: Values, stack_name: str, account: Account) -> Iterator[Finding]:
    name = bucket_name(values, account.id, account.region, stack_name)
    if len(name) > _LONGEST_BUCKET_NAME:
        yield error(
            "bucket_name",
            f"The bucket would be called {name}, {len(name) - _LONGEST_BUCKET_NAME} letters more "
            f"than {_LONGEST_BUCKET_NAME}: give the stack a shorter name, or say BucketName.",
        )
        return
    deployed = account.stack.outputs.get("Bucket") if account.stack else None
    if deployed and deployed != name:
        yield error(
            "bucket_moves",
            f"The deployment keeps its recordings in {deployed}, and would go on with an empty "
            f"bucket {name}: say BucketName={deployed}, or deploy a second stack.",
        )
    elif deployed or account.bucket is BucketState.FREE:
        yield ok("bucket", f"The bucket {name} is {'this stack’s' if deployed else 'free'}.")
    elif account.bucket is BucketState.OURS:
        yield error(
            "bucket_kept",
            f"The bucket {name} is in your account already, and no part of this stack: it was kept "
            "when an earlier deployment was deleted, or somebody else's work is in it. Say "
            "BucketName=ANOTHER to leave it alone; when nothing in it is wanted any more, "
            f"aws s3 rb s3://{name} --force deletes it with all that it holds.",
        )
    else:
        yield error(
            "bucket_taken",
            f"A bucket {name} exists in somebody else's account, or you may not see it (s3:"
            "ListBucket): say BucketName=ANOTHER.",
        )


def _offers(values: Values, account: Account) -> Iterator[Finding]:
    wanted = gpu_types(values)
    found = {name: _of(name, account.instance_types) for name in wanted}
    missing = [name for name in wanted if not found[name]]
    if missing:
        yield error(
            "not_offered",
            f"{account.region} does not offer {', '.join(missing)}: take it out of "
            "GpuInstanceTypes, or deploy to another region.",
        )
    types = [one for name in wanted for one in found[name]]
    without = [one.name for one in types if not one.gpus]
    if without:
        yield error("no_gpu", f"{', '.join(without)} in GpuInstanceTypes has no GPU.")
    types = [one for one in types if one.gpus]
    if not types:
        return
    reachable = {zone for one in types for zone in one.zones}
    if not reachable:
        yield error(
            "not_in_zones",
            f"{account.region} offers {', '.join(wanted)}, but not in the zones that the workers' "
            f"subnets are in ({', '.join(account.zones)}): name other types, or subnets in other "
            "zones (VpcId, SubnetIds).",
        )
    elif bare := sorted(set(account.zones) - reachable):
        yield warning(
            "fewer_zones", f"{', '.join(bare)} offers none of {', '.join(wanted)}: less capacity."
        )
    else:
        yield ok("offers", f"{', '.join(wanted)} on offer in {', '.join(account.zones)}.")
    smallest = min(one.vcpus for one in types)
    if float(values["GpuMaxVcpus"]) < smallest:
        yield error(
            "max_vcpus",
            f"GpuMaxVcpus={values['GpuMaxVcpus']}: the smallest of {', '.join(wanted)} has "
            f"{smallest}, so that none could ever start.",
        )


def _of(name: str, types: Iterable[InstanceType]) -> list[InstanceType]:
    """The type of this name, or the types of this family."""
    return [one for one in types if one.name == name or one.name.startswith(f"{name}.")]


def wanted_quotas(values: Values) -> dict[Quota, int]:
    """The quotas that bound the workers, with the vCPUs that the parameters let them take."""
    spot = values["UseSpot"] == "true"
    wanted: dict[Quota, int] = {}
    for name in gpu_types(values):
        if quota := ec2(name, spot=spot):
            wanted[quota] = int(float(values["GpuMaxVcpus"]))
    if values["CpuCompute"] == "FARGATE":
        wanted[FARGATE] = int(float(values["CpuMaxVcpus"]))
    else:
        for name in _listed(values["CpuInstanceTypes"]):
            if quota := ec2(name, spot=False):
                wanted[quota] = int(float(values["CpuMaxVcpus"]))
    return wanted


def quota_findings(
    values: Values, quotas: Mapping[Quota, float | None], types: Iterable[InstanceType]
) -> Iterator[Finding]:
    """Warnings: a quota too small makes jobs wait, and more can be asked for meanwhile."""
    types = list(types)
    for quota, wanted in wanted_quotas(values).items():
        value = quotas.get(quota)
        least = min((one.vcpus for one in types if _counts(quota, one.name)), default=1)
        if value is None:
            yield warning("quota_unknown", f"{quota.name} ({quota.code}) cannot be looked up here.")
        elif value < least:
            yield warning(
                "quota_none",
                f"The account's quota {quota.name} is {value:g} vCPUs, and no worker starts with "
                f"fewer than {least}: its jobs will wait as RUNNABLE. Ask for more: "
                f"{quota.request(wanted)}",
            )
        elif value < wanted:
            yield warning(
                "quota_small",
                f"The account's quota {quota.name} is {value:g} vCPUs, the parameters allow "
                f"{wanted}: fewer workers will run at a time. To ask for more: "
                f"{quota.request(wanted)}",
            )
        else:
            yield ok("quota", f"{quota.name}: {value:g} vCPUs.")


def _counts(quota: Quota, instance_type: str) -> bool:
    return quota in (ec2(instance_type, spot=True), ec2(instance_type, spot=False))


def _concurrency(values: Values, account: Account) -> Iterator[Finding]:
    each, left = int(float(values["ReservedConcurrency"])), account.unreserved_concurrency
    arrivals = int(float(values["ArrivalsConcurrency"]))
    # A deployment that runs has its share already.
    had = account.stack.parameters.get("ReservedConcurrency", "0") if account.stack else "0"
    more = (each - int(float(had))) * account.functions
    if more > 0 and left - more < _UNRESERVED_LAMBDA:
        yield error(
            "concurrency",
            f"ReservedConcurrency={each} takes {more} more of the account's Lambda concurrency, of "
            f"which {left} is unreserved and {_UNRESERVED_LAMBDA} must stay so. Say 0, or ask for "
            f"more: {_LAMBDA_INCREASE}",
        )
    elif left <= _NEW_ACCOUNT_CONCURRENCY and arrivals > _LEAST_ARRIVALS:
        yield error(
            "arrivals_concurrency",
            f"The account may run {left} functions at a time, as new ones may, and a burst of "
            f"uploads would take {arrivals}, which leaves the API nothing: make deploy ENV=… "
            f'PARAMETERS="ArrivalsConcurrency={_LEAST_ARRIVALS}". Or first ask for more: '
            f"{_LAMBDA_INCREASE}",
        )
    elif left <= _NEW_ACCOUNT_CONCURRENCY:
        yield warning(
            "concurrency",
            f"The account may run {left} functions at a time, as new ones may: enough to try it. "
            f"Before real traffic: {_LAMBDA_INCREASE}",
        )
    else:
        yield ok("concurrency", f"Lambda concurrency: {left} unreserved.")


def _token(values: Values, account: Account) -> Iterator[Finding]:
    if values["Diarizer"] != "pyannote":
        return
    if account.has_token:
        yield ok("token", "There is a Hugging Face token for the workers.")
    elif values["HfTokenSecret"] == "create":
        yield error(
            "token",
            "Diarizer=pyannote downloads its model with a Hugging Face token, and there is none: "
            "export HF_TOKEN (create one at https://hf.co/settings/tokens), or say Diarizer=onnx.",
        )
    else:
        yield error("token", f"There is no secret {values['HfTokenSecret']} in {account.region}.")


def _alarms(values: Values) -> Iterator[Finding]:
    if values["Monitoring"] == "true" and not values["AlarmEmail"]:
        yield warning(
            "alarms",
            "There are alarms and nobody whom they are mailed to. Say AlarmEmail=you@example.org, "
            "or subscribe to the stack's AlarmTopic.",
        )


def _edge(values: Values, account: Account) -> Iterator[Finding]:
    if values["Site"] == "true" and account.partition == "aws-us-gov":
        yield error("site", f"There is no CloudFront in {account.region}: say Site=false.")
    if account.alias_owner:
        yield error(
            "domain",
            f"{values['DomainName']} belongs to the CloudFront distribution {account.alias_owner}, "
            "which is not this stack's: take it from there first.",
        )


def builder_finding(builder: Builder) -> Finding:
    """Whether images can be built here."""
    if builder.name is None or builder.problem:
        why = builder.problem or "neither docker nor podman is installed"
        return error(
            "builder",
            f"The workers' images cannot be built here: {why}. Install or start one, or let the "
            "workflow images.yml build them and come back.",
        )
    return ok("builder", f"Images are built with {builder.name}.")
