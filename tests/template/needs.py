"""What each role of the stack needs: what the code was seen to call, what AWS calls in its name."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from tests.template.calls import Call
from tests.template.compositions import DRIVES, Recording, record
from tests.template.templates import Resolved, resolve

# Left out by default.
PARAMETERS = {
    "YoutubeCookiesSecret": "create",
    "MailFrom": "debates@example.org",
    "RequestsPerMinute": "10000",
    "MaxActiveJobs": "5",
    "MaxBytesPerDay": "1000000000",
    "MaxMinutesPerDay": "10000",
}


@functools.cache
def stack() -> Resolved:
    """The template as it is looked at here."""
    return resolve(parameters=PARAMETERS)


@functools.cache
def recording(composition: str) -> Recording:
    return record(stack(), composition)


def runners(stack: Resolved) -> dict[str, str]:
    """The role, by its logical name, of each function and job definition."""
    by_arn = {stack.arn(name): name for name in stack.of_type("AWS::IAM::Role")}
    functions = stack.of_type("AWS::Lambda::Function")
    definitions = stack.of_type("AWS::Batch::JobDefinition")
    return {name: by_arn[properties["Role"]] for name, properties in functions.items()} | {
        name: by_arn[properties["ContainerProperties"]["JobRoleArn"]]
        for name, properties in definitions.items()
    }


@functools.cache
def needs(role: str) -> tuple[Call, ...]:
    """All calls made in a role's name, each of them once."""
    calls = [*_by_services(role)]
    for composition, runner in runners(stack()).items():
        if runner == role:
            calls += recording(composition).calls
    # What is deleted together stands in a list, which a call's text leaves out.
    return tuple({f"{call} {call.parameters.get('Delete')}": call for call in calls}.values())


def _by_services(role: str) -> Iterator[Call]:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html and
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"""
    for name, function in stack().of_type("AWS::Lambda::Function").items():
        if function["Role"] == stack().arn(role):
            yield from _logs(function["LoggingConfig"]["LogGroup"])
            yield from _events(name)
    for definition in stack().of_type("AWS::Batch::JobDefinition").values():
        container = definition["ContainerProperties"]
        if container["ExecutionRoleArn"] == stack().arn(role):
            yield from _start(container)


def _logs(group: str) -> Iterator[Call]:
    where = {"logGroupName": group, "logStreamName": "1"}
    yield Call("logs", "CreateLogStream", where)
    yield Call("logs", "PutLogEvents", where | {"logEvents": [{"timestamp": 1, "message": "said"}]})


def _events(function: str) -> Iterator[Call]:
    """What is polled for the function, and where its failures go."""
    queues = {stack().arn(name): stack().ref(name) for name in stack().of_type("AWS::SQS::Queue")}
    for source in stack().of_type("AWS::Lambda::EventSourceMapping").values():
        if source["FunctionName"] == stack().ref(function):
            where = source["EventSourceArn"]
            yield from _from_queue(queues[where]) if where in queues else _from_stream(where)
            failure = source.get("DestinationConfig", {}).get("OnFailure", {})
            if failure:
                queue = {"QueueUrl": queues[failure["Destination"]]}
                yield Call("sqs", "SendMessage", queue | {"MessageBody": "failed"})
    for told in stack().of_type("AWS::Lambda::EventInvokeConfig").values():
        failure = told.get("DestinationConfig", {}).get("OnFailure", {})
        if told["FunctionName"] == stack().ref(function) and failure:
            queue = {"QueueUrl": queues[failure["Destination"]]}
            yield Call("sqs", "SendMessage", queue | {"MessageBody": "failed"})


def _from_queue(url: str) -> Iterator[Call]:
    queue = {"QueueUrl": url}
    yield Call("sqs", "ReceiveMessage", queue)
    yield Call("sqs", "DeleteMessage", queue | {"ReceiptHandle": "1"})
    yield Call("sqs", "GetQueueAttributes", queue)


def _from_stream(arn: str) -> Iterator[Call]:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html"""
    stream = {"StreamArn": arn}
    table = arn.partition("/stream/")[0].rpartition("/")[2]
    yield Call("dynamodbstreams", "ListStreams", {"TableName": table})
    yield Call("dynamodbstreams", "DescribeStream", stream)
    shard = {"ShardId": "shardId-00000001795264200000-00000001", "ShardIteratorType": "LATEST"}
    yield Call("dynamodbstreams", "GetShardIterator", stream | shard)
    yield Call("dynamodbstreams", "GetRecords", {"ShardIterator": f"{arn}|1|1"})


def _start(container: dict[str, object]) -> Iterator[Call]:
    """The image, the log and the secrets of a job."""
    yield Call("ecr", "GetAuthorizationToken")
    for name in stack().of_type("AWS::ECR::Repository"):
        if str(container["Image"]).startswith(str(stack().attribute(name, "RepositoryUri"))):
            where = {"repositoryName": stack().name(name)}
            digest = {"layerDigest": "sha256:" + "0" * 64}
            yield Call("ecr", "BatchGetImage", where | {"imageIds": [{"imageTag": "latest"}]})
            yield Call("ecr", "GetDownloadUrlForLayer", where | digest)
            yield Call(
                "ecr",
                "BatchCheckLayerAvailability",
                where | {"layerDigests": [digest["layerDigest"]]},
            )
    log = container["LogConfiguration"]
    assert isinstance(log, dict)
    yield from _logs(log["Options"]["awslogs-group"])
    secrets = container.get("Secrets", [])
    assert isinstance(secrets, list)
    for secret in secrets:
        yield Call("secretsmanager", "GetSecretValue", {"SecretId": secret["ValueFrom"]})


__all__ = ["DRIVES", "PARAMETERS", "needs", "recording", "runners", "stack"]
