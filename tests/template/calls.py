"""API calls, and the rights that AWS asks for them.

An action usually has its operation's name; where not, and which resource is checked, stands here,
after https://docs.aws.amazon.com/service-authorization/latest/reference/. An operation that is not
here is an error: say what it needs before code may make it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from tests.template.templates import ACCOUNT, REGION, Resolved


@dataclass(frozen=True)
class Call:
    """One operation of an API, as botocore names it, with its parameters."""

    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = {k: v for k, v in self.parameters.items() if isinstance(v, str) and len(v) < 200}
        return f"{self.service}.{self.operation}({told})"


@dataclass(frozen=True)
class Right:
    """What IAM decides on: an action, a resource, and the keys of a condition."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        keys = "".join(f" with {key}={value}" for key, value in self.context)
        return f"{self.action} on {self.resource}{keys}"


def rights(call: Call) -> list[Right]:
    """All that the call needs. Raises LookupError for an operation that is not described here."""
    name = f"{call.service}.{call.operation}"
    if name not in _RIGHTS:
        raise LookupError(f"{name}: say in {__name__} which rights it needs")
    return list(_RIGHTS[name](call.parameters))


Parameters = Mapping[str, Any]
Rule = Callable[[Parameters], Iterator[Right]]


def _regional(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def _on(action: str, resource: Callable[[Parameters], str]) -> Rule:
    def rule(given: Parameters) -> Iterator[Right]:
        yield Right(action, resource(given))

    return rule


def _bucket(given: Parameters) -> str:
    return f"arn:aws:s3:::{given['Bucket']}"


def _object(given: Parameters) -> str:
    return f"{_bucket(given)}/{given['Key']}"


def _reads_object(given: Parameters) -> Iterator[Right]:
    """Without ListBucket a missing object is answered 403 and not 404; IAM is asked with the key as
    the prefix (found by Ceph, which does the same: https://github.com/ceph/ceph/pull/68577)."""
    yield Right("s3:GetObject", _object(given))
    yield Right("s3:ListBucket", _bucket(given), (("s3:prefix", str(given["Key"])),))


def _copies(given: Parameters) -> Iterator[Right]:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html: tags are not copied."""
    assert given["TaggingDirective"] == "REPLACE"
    bucket, _, key = unquote(given["CopySource"]).partition("/")
    yield from _reads_object({"Bucket": bucket, "Key": key})
    yield Right("s3:PutObject", _object(given))


def _lists(given: Parameters) -> Iterator[Right]:
    prefix = given.get("Prefix")
    yield Right("s3:ListBucket", _bucket(given), (("s3:prefix", prefix),) if prefix else ())


def _deletes(given: Parameters) -> Iterator[Right]:
    for each in given["Delete"]["Objects"]:
        yield Right("s3:DeleteObject", _object({**given, **each}))


def _puts_events(given: Parameters) -> Iterator[Right]:
    for entry in given["Entries"]:
        bus = entry.get("EventBusName", "default")
        yield Right("events:PutEvents", _regional("events", f"event-bus/{bus}"))


def _submits(given: Parameters) -> Iterator[Right]:
    """The queue, and the definition's revision: Batch resolves a name to its newest one first.

    https://docs.aws.amazon.com/batch/latest/userguide/iam-example-restrict-job-submission.html
    """
    queue, definition = given["jobQueue"], given["jobDefinition"]
    if not queue.startswith("arn:"):
        queue = _regional("batch", f"job-queue/{queue}")
    yield Right("batch:SubmitJob", queue)
    # AWS's guide says that the revision is always asked for; a name without one has been refused
    # under its own name all the same: https://github.com/aws/aws-sdk-js/issues/4280
    yield Right("batch:SubmitJob", _regional("batch", f"job-definition/{definition}"))
    yield Right("batch:SubmitJob", _regional("batch", f"job-definition/{definition}:7"))


def _table(given: Parameters) -> str:
    index = f"/index/{given['IndexName']}" if "IndexName" in given else ""
    return _regional("dynamodb", f"table/{given['TableName']}{index}")


def _reads_rows(given: Parameters) -> Iterator[Right]:
    for table in given["RequestItems"]:
        yield Right("dynamodb:BatchGetItem", _table({"TableName": table}))


def _queue(given: Parameters) -> str:
    return _regional("sqs", given["QueueUrl"].rsplit("/", 1)[-1])


def _stream(given: Parameters) -> str:
    group = f"log-group:{given['logGroupName']}"
    return _regional("logs", f"{group}:log-stream:{given.get('logStreamName', '')}")


def _anything(given: Parameters) -> str:
    """Calls that know no resource, such as lists."""
    return "*"


def _passes(given: Parameters) -> Iterator[Right]:
    yield Right("iam:PassRole", given["Role"])
    yield Right("lambda:CreateFunction", _regional("lambda", f"function:{given['FunctionName']}"))


def _sends_mail(given: Parameters) -> Iterator[Right]:
    """The sender's identity, here its domain, and the configuration set.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
    """
    sender = given["FromEmailAddress"]
    keys = (("ses:FromAddress", sender),)
    for resource in (
        f"identity/{sender.rpartition('@')[2]}",
        f"configuration-set/{given['ConfigurationSetName']}",
    ):
        yield Right("ses:SendEmail", _regional("ses", resource), keys)


_RIGHTS: dict[str, Rule] = {
    "sesv2.SendEmail": _sends_mail,
    "s3.HeadObject": _reads_object,
    "s3.GetObject": _reads_object,
    "s3.ListObjectsV2": _lists,
    "s3.ListBuckets": _on("s3:ListAllMyBuckets", _anything),
    **{
        f"s3.{name}": _on(f"s3:{name}", _object)
        for name in (
            *("PutObject", "PutObjectTagging", "DeleteObject", "PutObjectAcl"),
            "AbortMultipartUpload",
        )
    },
    "s3.DeleteObjects": _deletes,
    "s3.CopyObject": _copies,
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
    **{
        f"s3.{name}": _on("s3:PutObject", _object)
        for name in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")
    },
    "s3.ListMultipartUploads": _on("s3:ListBucketMultipartUploads", _bucket),
    "s3.ListParts": _on("s3:ListMultipartUploadParts", _object),
    **{
        f"s3.{name}": _on(f"s3:{name}", _bucket)
        for name in ("PutBucketPolicy", "DeleteBucketPolicy", "DeleteBucket", "PutBucketVersioning")
    },
    "s3.PutBucketLifecycleConfiguration": _on("s3:PutLifecycleConfiguration", _bucket),
    "s3.DeletePublicAccessBlock": _on("s3:PutBucketPublicAccessBlock", _bucket),
    **{
        f"dynamodb.{name}": _on(f"dynamodb:{name}", _table)
        for name in (
            *("GetItem", "PutItem", "Query", "Scan", "UpdateItem", "DeleteItem"),
            *("DeleteTable", "UpdateTable", "UpdateTimeToLive"),
        )
    },
    "dynamodb.BatchGetItem": _reads_rows,
    "dynamodbstreams.ListStreams": _on(
        "dynamodb:ListStreams",
        lambda given: _regional("dynamodb", f"table/{given['TableName']}/stream/*"),
    ),
    "dynamodbstreams.GetRecords": _on(
        "dynamodb:GetRecords", lambda given: given["ShardIterator"].partition("|")[0]
    ),
    **{
        f"dynamodbstreams.{name}": _on(f"dynamodb:{name}", lambda given: given["StreamArn"])
        for name in ("DescribeStream", "GetShardIterator")
    },
    **{
        f"sqs.{name}": _on(f"sqs:{name}", _queue)
        for name in (
            *("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"),
            *("GetQueueAttributes", "SetQueueAttributes", "PurgeQueue", "DeleteQueue"),
        )
    },
    "sqs.SendMessageBatch": _on("sqs:SendMessage", _queue),
    "sqs.ChangeMessageVisibilityBatch": _on("sqs:ChangeMessageVisibility", _queue),
    "batch.DescribeJobs": _on("batch:DescribeJobs", _anything),
    "batch.ListJobs": _on("batch:ListJobs", _anything),
    "batch.SubmitJob": _submits,
    "batch.RegisterJobDefinition": _on(
        "batch:RegisterJobDefinition",
        lambda given: _regional("batch", f"job-definition/{given['jobDefinitionName']}"),
    ),
    "batch.TerminateJob": _on(
        "batch:TerminateJob", lambda given: _regional("batch", f"job/{given['jobId']}")
    ),
    **{
        f"logs.{name}": _on(f"logs:{name}", _stream)
        for name in ("CreateLogStream", "PutLogEvents", "GetLogEvents")
    },
    "logs.DeleteLogGroup": _on(
        "logs:DeleteLogGroup",
        lambda given: _regional("logs", f"log-group:{given['logGroupName']}:*"),
    ),
    "secretsmanager.GetSecretValue": _on(
        "secretsmanager:GetSecretValue", lambda given: given["SecretId"]
    ),
    "kms.Decrypt": _on("kms:Decrypt", lambda given: given["KeyId"]),
    "kms.ScheduleKeyDeletion": _on("kms:ScheduleKeyDeletion", lambda given: given["KeyId"]),
    "ecr.GetAuthorizationToken": _on("ecr:GetAuthorizationToken", _anything),
    **{
        f"ecr.{name}": _on(
            f"ecr:{name}",
            lambda given: _regional("ecr", f"repository/{given['repositoryName']}"),
        )
        for name in (
            *("BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage"),
            "PutImage",
        )
    },
    "sts.AssumeRole": _on("sts:AssumeRole", lambda given: given["RoleArn"]),
    **{
        f"iam.{name}": _on(
            f"iam:{name}", lambda given: f"arn:aws:iam::{ACCOUNT}:role/{given['RoleName']}"
        )
        for name in ("PutRolePolicy", "AttachRolePolicy", "UpdateAssumeRolePolicy")
    },
    "iam.CreateUser": _on(
        "iam:CreateUser", lambda given: f"arn:aws:iam::{ACCOUNT}:user/{given['UserName']}"
    ),
    "lambda.CreateFunction": _passes,
    **{
        f"lambda.{name}": _on(
            f"lambda:{action}",
            lambda given: _regional(
                "lambda", f"function:{given['FunctionName'].rpartition(':')[2]}"
            ),
        )
        for name, action in (
            ("Invoke", "InvokeFunction"),
            ("UpdateFunctionCode", "UpdateFunctionCode"),
            ("GetFunction", "GetFunction"),
        )
    },
    **{
        f"cognito-idp.{name}": _on(
            f"cognito-idp:{name}",
            lambda given: _regional("cognito-idp", f"userpool/{given['UserPoolId']}"),
        )
        for name in ("AdminCreateUser", "AdminSetUserPassword", "ListUsers")
    },
    "events.PutEvents": _puts_events,
    "events.PutRule": _on(
        "events:PutRule", lambda given: _regional("events", f"rule/{given['Name']}")
    ),
    "cloudfront.CreateInvalidation": _on(
        "cloudfront:CreateInvalidation",
        lambda given: f"arn:aws:cloudfront::{ACCOUNT}:distribution/{given['DistributionId']}",
    ),
    "cloudformation.DeleteStack": _on(
        "cloudformation:DeleteStack",
        lambda given: _regional("cloudformation", f"stack/{given['StackName']}/*"),
    ),
    "ec2.RunInstances": _on("ec2:RunInstances", lambda given: _regional("ec2", "instance/*")),
}


def decision(documents: Iterable[Any], right: Right, *, tls: bool = True) -> str:
    """IAM's: Allow, Deny, or ImplicitDeny where no statement says anything. Principals are not
    looked at: leave out the statements that speak of others."""
    context = EvalContext(
        principal_arn=f"arn:aws:iam::{ACCOUNT}:root",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=right.action,
        resource_arn=right.resource,
        region=REGION,
        secure_transport=tls,
        service_context={key.lower(): value for key, value in right.context},
    )
    policies = [parse_policy_document(document) for document in documents]
    return str(evaluate(context, policies).decision)


@dataclass(frozen=True)
class Role:
    """A role of the template with its own policies, as IAM evaluates them."""

    name: str
    arn: str
    documents: tuple[Any, ...]

    def may(self, right: Right) -> bool:
        return decision(self.documents, right) == "Allow"

    def statements(self) -> Iterator[tuple[str, str, Any]]:
        """Each action on each resource that is allowed, and the statement reduced to that."""
        for document in self.documents:
            for statement in document["Statement"]:
                if statement["Effect"] == "Allow":
                    for action in _listed(statement["Action"]):
                        for resource in _listed(statement["Resource"]):
                            reduced = {"Action": action, "Resource": resource}
                            yield action, resource, statement | reduced


def allows(statement: Any, right: Right) -> bool:
    """Whether this statement alone does."""
    return decision([{"Statement": [statement]}], right) == "Allow"


def roles(stack: Resolved) -> dict[str, Role]:
    """By logical name."""
    apart = stack.of_type("AWS::IAM::Policy").values()
    return {
        name: Role(
            name,
            stack.arn(name),
            tuple(
                policy["PolicyDocument"]
                for policy in (
                    *properties.get("Policies", []),
                    *(each for each in apart if stack.ref(name) in each["Roles"]),
                )
            ),
        )
        for name, properties in stack.of_type("AWS::IAM::Role").items()
    }


def _listed(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]
