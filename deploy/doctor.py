"""What ails a deployment: read-only, findings with what to do. `examine` is pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.finding import Finding, error, ok, warning
from deploy.preflight import InstanceType, Stack, quota_findings
from deploy.quotas import Quota

UNSET = "unset"
"""What the stack's secrets hold until somebody fills them: template.yaml."""

LONG_RUNNABLE = timedelta(minutes=10)
"""A GPU instance takes three to five minutes from nothing to its first job."""
_LONG_ARRIVAL = timedelta(minutes=15)
_LONG_WORK = timedelta(hours=1)

# statusReason of a RUNNABLE job that blocks its queue, and what to do about it:
# https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html
_REMEDIES = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY": (
        "AWS has none of these instances free now. Name more types in GpuInstanceTypes, or say "
        "UseSpot=false."
    ),
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE": (
        "The job wants more vCPUs than GpuMaxVcpus or CpuMaxVcpus allow: raise it."
    ),
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT": (
        "No instance type of GpuInstanceTypes has the vCPUs, memory and GPU that the job wants."
    ),
    "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED": (
        "The region or its zones do not offer the instance types: make preflight names them."
    ),
    "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS": (
        "Batch may not start instances: its service-linked role AWSServiceRoleForBatch is missing "
        "rights, or an organization's policy denies them."
    ),
}


@dataclass(frozen=True)
class ComputeEnvironment:
    """One of Batch's, with its vCPUs now and at most."""

    name: str
    state: str
    status: str
    reason: str
    desired_vcpus: int
    max_vcpus: int


@dataclass(frozen=True)
class BatchQueue:
    """A job queue and what waits in it: when the oldest RUNNABLE job was made, and its reason."""

    name: str
    state: str
    status: str
    compute: ComputeEnvironment
    runnable: int = 0
    oldest: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Image:
    """What a job definition names."""

    reference: str
    pushed: bool


@dataclass(frozen=True)
class MessageQueue:
    """`age` of the oldest message, of queues that are not dead letters."""

    name: str
    messages: int
    age: timedelta = timedelta(0)
    dead_letters: bool = False


@dataclass(frozen=True)
class Patient:
    """A deployment as it was found."""

    stack: Stack
    now: datetime
    batch: tuple[BatchQueue, ...]
    images: tuple[Image, ...]
    messages: tuple[MessageQueue, ...]
    quotas: Mapping[Quota, float | None]
    instance_types: tuple[InstanceType, ...]
    token: str | None
    """What the secret with the Hugging Face token holds; None where there is no such secret."""
    has_page: bool


def examine(patient: Patient) -> Iterator[Finding]:
    """Everything but what Hugging Face says of the token."""
    yield _stack(patient.stack)
    yield from quota_findings(patient.stack.parameters, patient.quotas, patient.instance_types)
    for queue in patient.batch:
        yield from _compute(queue.compute)
        yield from _batch_queue(queue, patient.quotas, patient.now)
    for image in patient.images:
        yield _image(image)
    yield from _token(patient)
    yield from _messages(patient.messages)
    yield from _page(patient)


def _stack(stack: Stack) -> Finding:
    if stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return ok("stack", f"The stack {stack.name} is {stack.status}.")
    if stack.status == "UPDATE_ROLLBACK_COMPLETE":
        return warning(
            "stack", f"The last update of {stack.name} failed, and what was before it runs."
        )
    if stack.status.endswith("IN_PROGRESS"):
        return warning(
            "stack", f"The stack {stack.name} is {stack.status}: ask again when it is done."
        )
    return error("stack", f"The stack {stack.name} is {stack.status}. {stack.reason}".strip())


def _compute(compute: ComputeEnvironment) -> Iterator[Finding]:
    if compute.status != "VALID":
        yield error(
            "compute", f"{compute.name} is {compute.status}: {compute.reason or 'no reason'}"
        )
    elif compute.state != "ENABLED":
        yield error("compute", f"{compute.name} is {compute.state}: no job of its queue starts.")
    else:
        vcpus = f"{compute.desired_vcpus} of {compute.max_vcpus} vCPUs"
        yield ok("compute", f"{compute.name} is valid and enabled, {vcpus}.")


def _batch_queue(
    queue: BatchQueue, quotas: Mapping[Quota, float | None], now: datetime
) -> Iterator[Finding]:
    if (queue.state, queue.status) != ("ENABLED", "VALID"):
        yield error("batch_queue", f"The queue {queue.name} is {queue.state}, {queue.status}.")
    if queue.oldest is None:
        yield ok("batch_queue", f"Nothing waits in {queue.name}.")
    elif now - queue.oldest < LONG_RUNNABLE:
        yield ok("batch_queue", f"{queue.runnable} wait in {queue.name}, none for long.")
    else:
        minutes = (now - queue.oldest) // timedelta(minutes=1)
        waiting = f"{queue.runnable} RUNNABLE in {queue.name}, the oldest for {minutes} minutes: "
        if 0 < queue.compute.max_vcpus <= queue.compute.desired_vcpus:
            yield warning(
                "runnable",
                f"{waiting}all {queue.compute.max_vcpus} vCPUs that it may take are taken.",
            )
        else:
            yield error("runnable", waiting + _why(queue, quotas))


def _why(queue: BatchQueue, quotas: Mapping[Quota, float | None]) -> str:
    for code, remedy in _REMEDIES.items():
        if queue.reason.startswith(code):
            return f"{queue.reason}. {remedy}"
    compute = queue.compute
    if compute.status != "VALID" or compute.state != "ENABLED":
        return f"{compute.name} is {compute.status} and {compute.state}."
    none_left = [quota.name for quota, value in quotas.items() if value == 0]
    if none_left and not compute.desired_vcpus:
        return f"the account's quota {', '.join(none_left)} is 0 vCPUs: ask for more, see above."
    if queue.reason:
        return queue.reason
    if compute.desired_vcpus:
        return (
            "instances were asked for and have not joined: there is no spot capacity, other "
            "instances use up the quota (EC2 > Auto Scaling groups > Activity says which), or the "
            "subnets have no way to AWS."
        )
    return "Batch gives no reason yet."


def _image(image: Image) -> Finding:
    if image.pushed:
        return ok("image", f"{image.reference} is there.")
    return error(
        "image",
        f"{image.reference}, which the job definition names, was not pushed: make images, or the "
        "workflow images.yml.",
    )


def _token(patient: Patient) -> Iterator[Finding]:
    if patient.stack.parameters.get("Diarizer") != "pyannote":
        return
    if patient.token in (None, "", UNSET):
        yield error(
            "token",
            "The Hugging Face token is not set, and Diarizer=pyannote downloads nothing without: "
            "export HF_TOKEN and make deploy again.",
        )


def _messages(queues: Iterable[MessageQueue]) -> Iterator[Finding]:
    fine = True
    for queue in queues:
        if queue.dead_letters:
            if queue.messages:
                fine = False
                yield error(
                    "dead_letters",
                    f"{queue.messages} dead letters in {queue.name}: the log of what reads the "
                    "queue says why; when it is mended: aws sqs start-message-move-task.",
                )
        elif queue.messages and queue.age > _limit(queue.name):
            fine = False
            yield error(
                "old_messages",
                f"The oldest of {queue.messages} messages in {queue.name} has waited for "
                f"{queue.age // timedelta(minutes=1)} minutes.",
            )
    if fine:
        yield ok("messages", "No dead letters, and nothing waits for long.")


def _limit(name: str) -> timedelta:
    """Work waits for workers; everything else is a function's, and taken at once."""
    return _LONG_WORK if "Work" in name else _LONG_ARRIVAL


def _page(patient: Patient) -> Iterator[Finding]:
    if "SiteUrl" not in patient.stack.outputs:
        return
    if patient.has_page:
        yield ok("page", f"The page is uploaded: {patient.stack.outputs['SiteUrl']}")
    else:
        yield error("page", "The page is not uploaded: make site.")
