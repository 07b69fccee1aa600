"""What somebody would try who got hold of a role's credentials. No role may do any of it, unless it
is what the role is for."""

from __future__ import annotations

from collections.abc import Iterator

from debate_analyzer.key import (
    INDEX_KEY,
    SCHEMA_KEY,
    SUMMARY_KEY,
    captions_key,
    edits_key,
    exports_key,
    index_chapter_key,
    index_page_key,
    private_statistics_key,
    speaker_stats_key,
    statistics_key,
    subtitles_key,
    transcript_key,
    video_key,
)
from debate_analyzer.recording import manifest_key, session_prefix
from tests.template.calls import Call
from tests.template.templates import ACCOUNT, REGION, STACK, Resolved
from tests.world import JOB_ID

CHAPTER, PAGE = 4711, 2355500
KEYS = {
    "video": video_key(JOB_ID, "town hall.mp4"),
    "transcript": transcript_key(JOB_ID, "town hall"),
    "captions": captions_key(JOB_ID, "town hall", "srt"),
    "subtitles": subtitles_key(JOB_ID, "town hall", "en", ".vtt"),
    "cookies": "private/cookies.txt",
    "edits": edits_key(JOB_ID),
    "exports": exports_key(JOB_ID, "town hall", "csv"),
    "manifest": "manifests/town hall.json",
    "incoming": "incoming/town hall.mp4",
    "recording": manifest_key("town hall", JOB_ID),
    "chunk": f"{session_prefix('town hall', JOB_ID)}chunks/town hall.webm",
    "table": speaker_stats_key(JOB_ID, "town hall"),
    "private statistics": private_statistics_key(JOB_ID),
    "statistics": statistics_key(JOB_ID),
    "index": INDEX_KEY,
    "page of the index": index_page_key(CHAPTER, PAGE),
    "chapter of the index": index_chapter_key(CHAPTER),
    "summary": SUMMARY_KEY,
    "schema": SCHEMA_KEY,
    "page of the site": "website/index.html",
    "anything else": "notes.txt",
}

# Of another stack in the same account.
OTHER_BUCKET = f"debate-analyzer-{ACCOUNT}-{REGION}-{STACK}-two"


def attempts(stack: Resolved) -> Iterator[Call]:
    yield from _on_objects(stack)
    yield from _on_rows(stack)
    yield from _on_messages(stack)
    yield from _on_workers(stack)
    yield from _on_secrets(stack)
    yield from _on_rights(stack)
    yield from _on_logs_and_code(stack)


def _on_objects(stack: Resolved) -> Iterator[Call]:
    bucket = {"Bucket": stack.name("Bucket")}
    for key in KEYS.values():
        where = bucket | {"Key": key}
        yield Call("s3", "GetObject", where)
        yield Call("s3", "HeadObject", where)
        yield Call("s3", "PutObject", where)
        yield Call("s3", "DeleteObject", where)
        yield Call("s3", "PutObjectAcl", where | {"ACL": "public-read"})
    yield Call("s3", "ListObjectsV2", bucket)
    yield Call("s3", "ListObjectsV2", bucket | {"Prefix": "website/"})
    yield Call("s3", "ListBuckets")
    yield Call("s3", "DeleteBucket", bucket)
    yield Call("s3", "DeleteBucketPolicy", bucket)
    yield Call("s3", "DeletePublicAccessBlock", bucket)
    yield Call("s3", "PutBucketPolicy", bucket | {"Policy": "{}"})
    yield Call(
        "s3", "PutBucketVersioning", bucket | {"VersioningConfiguration": {"Status": "Suspended"}}
    )
    rule = {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    yield Call(
        "s3",
        "PutBucketLifecycleConfiguration",
        bucket | {"LifecycleConfiguration": {"Rules": [rule]}},
    )
    other = {"Bucket": OTHER_BUCKET}
    for key in KEYS.values():
        yield Call("s3", "GetObject", other | {"Key": key})
        yield Call("s3", "PutObject", other | {"Key": key})
    yield Call("s3", "ListObjectsV2", other | {"Prefix": "jobs/"})


def _on_rows(stack: Resolved) -> Iterator[Call]:
    key = {"job_id": {"S": JOB_ID}}
    table = {"TableName": stack.name("JobTable")}
    yield Call("dynamodb", "Scan", table)
    yield Call("dynamodb", "DeleteItem", table | {"Key": key})
    yield Call("dynamodb", "UpdateItem", table | {"Key": key})
    yield Call("dynamodb", "DeleteTable", table)
    yield Call("dynamodb", "UpdateTable", table | {"DeletionProtectionEnabled": False})
    expiry = {"AttributeName": "created_at", "Enabled": True}
    yield Call("dynamodb", "UpdateTimeToLive", table | {"TimeToLiveSpecification": expiry})
    for index in stack.of_type("AWS::DynamoDB::Table")["JobTable"]["GlobalSecondaryIndexes"]:
        name = {"IndexName": index["IndexName"]}
        attribute = index["KeySchema"][0]["AttributeName"]
        yield Call("dynamodb", "Scan", table | name)
        yield Call(
            "dynamodb",
            "Query",
            table
            | name
            | {
                "KeyConditionExpression": "#k = :v",
                "ExpressionAttributeNames": {"#k": attribute},
                "ExpressionAttributeValues": {":v": {"S": "1"}},
            },
        )
    other = {"TableName": "users"}
    yield Call("dynamodb", "GetItem", other | {"Key": key})
    yield Call("dynamodb", "PutItem", other | {"Item": key})


def _on_messages(stack: Resolved) -> Iterator[Call]:
    for name in stack.of_type("AWS::SQS::Queue"):
        queue = {"QueueUrl": stack.ref(name)}
        yield Call("sqs", "SendMessage", queue | {"MessageBody": "{}"})
        yield Call("sqs", "ReceiveMessage", queue)
        yield Call("sqs", "DeleteMessage", queue | {"ReceiptHandle": "1"})
        yield Call("sqs", "PurgeQueue", queue)
        yield Call("sqs", "DeleteQueue", queue)
        yield Call("sqs", "SetQueueAttributes", queue | {"Attributes": {"VisibilityTimeout": "0"}})


def _on_workers(stack: Resolved) -> Iterator[Call]:
    for name in stack.of_type("AWS::Batch::JobQueue"):
        for definition in ("miner", f"{stack.stack}-two-transcribe"):
            yield Call(
                "batch",
                "SubmitJob",
                {"jobName": "j", "jobQueue": stack.ref(name), "jobDefinition": definition},
            )
    for definition in stack.of_type("AWS::Batch::JobDefinition"):
        name = stack.name(definition)
        yield Call(
            "batch", "SubmitJob", {"jobName": "j", "jobQueue": "other", "jobDefinition": name}
        )
        yield Call(
            "batch", "RegisterJobDefinition", {"jobDefinitionName": name, "type": "container"}
        )
    yield Call("batch", "TerminateJob", {"jobId": "1", "reason": "spite"})
    yield Call("ec2", "RunInstances", {"MinCount": 1, "MaxCount": 1, "ImageId": "ami-1"})
    for repository in stack.of_type("AWS::ECR::Repository"):
        yield Call(
            "ecr",
            "PutImage",
            {"repositoryName": stack.name(repository), "imageManifest": "{}", "imageTag": "latest"},
        )


def _on_secrets(stack: Resolved) -> Iterator[Call]:
    secrets = [stack.ref(name) for name in stack.of_type("AWS::SecretsManager::Secret")]
    others = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:payroll-AbCdEf"
    for secret in (*secrets, others):
        yield Call("secretsmanager", "GetSecretValue", {"SecretId": secret})
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{JOB_ID}"
    yield Call("kms", "Decrypt", {"CiphertextBlob": b"1", "KeyId": key})
    yield Call("kms", "ScheduleKeyDeletion", {"KeyId": key})


def _on_rights(stack: Resolved) -> Iterator[Call]:
    document = '{"Version": "2012-10-17", "Statement": []}'
    for name in stack.of_type("AWS::IAM::Role"):
        role = {"RoleName": stack.name(name)}
        yield Call("sts", "AssumeRole", {"RoleArn": stack.arn(name), "RoleSessionName": "mallory"})
        yield Call("iam", "PutRolePolicy", role | {"PolicyName": "all", "PolicyDocument": document})
        yield Call("iam", "UpdateAssumeRolePolicy", role | {"PolicyDocument": document})
        yield Call(
            "lambda",
            "CreateFunction",
            {
                "FunctionName": "f",
                "Role": stack.arn(name),
                "Code": {"ZipFile": b"1"},
                "Runtime": "python3.13",
                "Handler": "handler.handler",
            },
        )
    yield Call("iam", "CreateUser", {"UserName": "mallory"})
    for pool in stack.of_type("AWS::Cognito::UserPool"):
        users = {"UserPoolId": stack.ref(pool)}
        yield Call("cognito-idp", "ListUsers", users)
        yield Call("cognito-idp", "AdminCreateUser", users | {"Username": "mallory"})
        yield Call(
            "cognito-idp",
            "AdminSetUserPassword",
            users | {"Username": "admin", "Password": "correct horse"},
        )


def _on_logs_and_code(stack: Resolved) -> Iterator[Call]:
    for name in stack.of_type("AWS::Logs::LogGroup"):
        group = {"logGroupName": stack.ref(name)}
        event = {"timestamp": 1, "message": "never happened"}
        yield Call("logs", "PutLogEvents", group | {"logStreamName": "1", "logEvents": [event]})
        yield Call("logs", "GetLogEvents", group | {"logStreamName": "1"})
        yield Call("logs", "DeleteLogGroup", group)
    for name in stack.of_type("AWS::Lambda::Function"):
        function = {"FunctionName": stack.ref(name)}
        yield Call("lambda", "Invoke", function)
        yield Call("lambda", "GetFunction", function)
        yield Call("lambda", "UpdateFunctionCode", function | {"ZipFile": b"1"})
    yield Call("events", "PutRule", {"Name": "r", "ScheduleExpression": "rate(1 minute)"})
    yield Call("cloudformation", "DeleteStack", {"StackName": stack.stack})
