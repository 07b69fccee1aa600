"""The account on AWS: the only place here with boto3. Answers in the terms of the pure modules."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    WaiterError,
)
from samtranslator.yaml_helper import yaml_parse

from debate_analyzer.errors import DebateError, Misconfigured
from deploy.doctor import BatchQueue, ComputeEnvironment, Image, MessageQueue, Patient
from deploy.preflight import (
    Account,
    BucketState,
    InstanceType,
    Stack,
    Values,
    bucket_name,
    gpu_types,
    wanted_quotas,
)
from deploy.quotas import Quota
from deploy.removal import Kept, Kind, kept
from deploy.site import PREFIX, File

_WORKER_ZONES = 3
"""Of the network that the stack makes: stacks/network.yaml."""
_DELETED_AT_ONCE = 1000
"""Keys that one DeleteObjects takes."""
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class Refused(DebateError):
    """AWS said no; the sentence is AWS's own."""

    code = "refused"


@contextmanager
def explained() -> Iterator[None]:
    """Whatever AWS or its SDK has to say becomes Misconfigured or Refused."""
    try:
        yield
    except NoCredentialsError as error:
        raise Misconfigured(
            "There are no AWS credentials: sign in (aws sso login), or set AWS_PROFILE."
        ) from error
    except NoRegionError as error:
        raise Misconfigured(
            "No region is set: export AWS_REGION=…, or give the profile one (aws configure)."
        ) from error
    except ClientError as error:
        fault = error.response["Error"]
        if fault["Code"] in ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId"):
            raise Misconfigured("The AWS credentials have expired: sign in again.") from error
        raise Refused(
            f"AWS refused {error.operation_name}: {fault.get('Message') or fault['Code']}"
        ) from error
    except S3UploadFailedError as error:  # of upload_file, in place of ClientError
        raise Refused(f"AWS refused: {error}") from error
    except BotoCoreError as error:
        raise Refused(f"AWS cannot be asked: {error}") from error


CONFIGS = {"lambda": Config(read_timeout=900, retries={"total_max_attempts": 1})}
"""By service. A function may run for 15 minutes; asked again meanwhile, it would run twice
(https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html)."""


class Cloud:
    """One account and region. Raises what boto3 raises; `explained` makes sentences of it."""

    def __init__(self, region: str | None = None) -> None:
        self._session = boto3.Session(region_name=region)
        if self._session.region_name is None:
            raise NoRegionError
        self.region: str = self._session.region_name
        identity = self._session.client("sts").get_caller_identity()
        self.account_id: str = identity["Account"]
        self.partition: str = identity["Arn"].split(":")[1]

    def client(self, service: str) -> Any:
        """A client of boto3."""
        return self._session.client(service, config=CONFIGS.get(service))

    # --- Stacks -----------------------------------------------------------------------------------

    def stack(self, name: str) -> Stack | None:
        """The stack, or None where there is none."""
        try:
            answer = self.client("cloudformation").describe_stacks(StackName=name)
        except ClientError as error:
            if "does not exist" in error.response["Error"].get("Message", ""):
                return None
            raise
        found = answer["Stacks"][0]
        return Stack(
            name=found["StackName"],
            status=found["StackStatus"],
            description=found.get("Description", ""),
            reason=found.get("StackStatusReason", ""),
            parameters={
                one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", ())
            },
            outputs={one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())},
        )

    def resources(self, stack: str) -> dict[str, tuple[str, str]]:
        """Type and physical id of each resource by its logical one; nested stacks not entered."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            one["LogicalResourceId"]: (one["ResourceType"], one.get("PhysicalResourceId", ""))
            for page in pages.paginate(StackName=stack)
            for one in page["StackResourceSummaries"]
            if one["ResourceStatus"] != "DELETE_COMPLETE"
        }

    def protect(self, stack: str, logical_ids: Sequence[str]) -> None:
        """No update replaces or removes these, and nobody deletes the stack by a slip."""
        cloudformation = self.client("cloudformation")
        statements: list[dict[str, Any]] = [
            {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": ["Update:Replace", "Update:Delete"],
                "Principal": "*",
                "Resource": [f"LogicalResourceId/{name}" for name in logical_ids],
            },
        ]
        cloudformation.set_stack_policy(
            StackName=stack, StackPolicyBody=json.dumps({"Statement": statements})
        )
        cloudformation.update_termination_protection(
            StackName=stack, EnableTerminationProtection=True
        )

    # --- What preflight wants to know -------------------------------------------------------------

    def account(
        self, values: Values, stack_name: str, functions: int, token: str | None
    ) -> Account:
        """Everything that `preflight.check` looks at; `token` is the one of the environment."""
        stack = self.stack(stack_name)
        zones = self._zones(values["SubnetIds"])
        return Account(
            id=self.account_id,
            partition=self.partition,
            region=self.region,
            bucket=self.bucket(bucket_name(values, self.account_id, self.region, stack_name)),
            stack=stack,
            zones=zones,
            instance_types=tuple(self.instance_types(gpu_types(values), zones)),
            quotas=self.quotas(wanted_quotas(values)),
            unreserved_concurrency=self._unreserved_concurrency(),
            functions=functions,
            has_token=bool(token) or self._secret_is_set(values["HfTokenSecret"], stack),
            alias_owner=self._alias_owner(values["DomainName"], stack),
        )

    def bucket(self, name: str) -> BucketState:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html"""
        try:
            self.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=self.account_id)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return BucketState.FREE if status == 404 else BucketState.FOREIGN
        return BucketState.OURS

    def _zones(self, subnet_ids: str) -> tuple[str, ...]:
        ec2 = self.client("ec2")
        if wanted := [one.strip() for one in subnet_ids.split(",") if one.strip()]:
            subnets = ec2.describe_subnets(SubnetIds=wanted)["Subnets"]
            return tuple(sorted({one["AvailabilityZone"] for one in subnets}))
        kind = [{"Name": "zone-type", "Values": ["availability-zone"]}]
        zones = ec2.describe_availability_zones(Filters=kind)["AvailabilityZones"]
        return tuple(sorted(one["ZoneName"] for one in zones)[:_WORKER_ZONES])

    def instance_types(self, names: Iterable[str], zones: Sequence[str]) -> Iterator[InstanceType]:
        """Those of these types, or families of types, that the region offers."""
        ec2 = self.client("ec2")
        patterns = [name if "." in name else f"{name}.*" for name in names]
        offers: dict[str, set[str]] = {}
        asked = {
            "LocationType": "availability-zone",
            "Filters": [{"Name": "instance-type", "Values": patterns}],
        }
        for page in ec2.get_paginator("describe_instance_type_offerings").paginate(**asked):
            for one in page["InstanceTypeOfferings"]:
                offers.setdefault(one["InstanceType"], set()).add(one["Location"])
        if not offers:
            return
        described = ec2.get_paginator("describe_instance_types")
        for page in described.paginate(InstanceTypes=sorted(offers)[:100]):
            for one in page["InstanceTypes"]:
                yield InstanceType(
                    name=one["InstanceType"],
                    vcpus=one["VCpuInfo"]["DefaultVCpus"],
                    gpus=sum(gpu["Count"] for gpu in one.get("GpuInfo", {}).get("Gpus", ())),
                    zones=frozenset(offers[one["InstanceType"]] & set(zones)),
                )

    def quotas(self, wanted: Iterable[Quota]) -> dict[Quota, float | None]:
        """The account's own value, or else AWS's default; None where neither may be looked up."""
        return {quota: self._quota(quota) for quota in wanted}

    def _quota(self, quota: Quota) -> float | None:
        client = self.client("service-quotas")
        named = {"ServiceCode": quota.service, "QuotaCode": quota.code}
        for ask in (client.get_service_quota, client.get_aws_default_service_quota):
            try:
                return float(ask(**named)["Quota"]["Value"])
            except ClientError as error:
                if error.response["Error"]["Code"] not in (*_DENIED, "NoSuchResourceException"):
                    raise
        return None

    def _unreserved_concurrency(self) -> int:
        limits = self.client("lambda").get_account_settings()["AccountLimit"]
        return int(limits["UnreservedConcurrentExecutions"])

    def _secret_is_set(self, parameter: str, stack: Stack | None) -> bool:
        """Whether somebody has given the secret a value; it is not read for that."""
        own = parameter == "create"
        arn = parameter if not own else stack and stack.outputs.get("HfTokenSecretArn")
        if not arn:
            return False
        try:
            found = self.client("secretsmanager").describe_secret(SecretId=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return False
            raise
        # The stack makes its secret with a first version that holds nothing.
        stages = [stage for stages in found["VersionIdsToStages"].values() for stage in stages]
        return not own or "AWSPREVIOUS" in stages

    def _alias_owner(self, domain: str, stack: Stack | None) -> str | None:
        if not domain:
            return None
        ours = stack.outputs.get("DistributionId") if stack else None
        for page in self.client("cloudfront").get_paginator("list_distributions").paginate():
            for one in page["DistributionList"].get("Items", ()):
                if domain in one.get("Aliases", {}).get("Items", ()) and one["Id"] != ours:
                    return str(one["Id"])
        return None

    # --- Images -----------------------------------------------------------------------------------

    def has_image(self, repository_uri: str, tag: str) -> bool:
        """Whether the tag was pushed to the repository."""
        name = repository_uri.split("/", 1)[1]
        try:
            self.client("ecr").describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])
        except ClientError as error:
            if error.response["Error"]["Code"] == "ImageNotFoundException":
                return False
            raise
        return True

    def registry_password(self) -> str:
        """Of the user AWS; good for twelve hours."""
        data = self.client("ecr").get_authorization_token()["authorizationData"][0]
        user_and_password = base64.b64decode(data["authorizationToken"]).decode()
        return user_and_password.partition(":")[2]

    # --- Secrets ----------------------------------------------------------------------------------

    def secret(self, arn: str) -> str:
        """The value."""
        return str(self.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])

    def set_secret(self, arn: str, value: str) -> None:
        """A new version."""
        self.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=value)

    # --- The site ---------------------------------------------------------------------------------

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Every key under the prefix."""
        pages = self.client("s3").get_paginator("list_objects_v2")
        return [
            one["Key"]
            for page in pages.paginate(Bucket=bucket, Prefix=prefix)
            for one in page.get("Contents", ())
        ]

    def upload(self, bucket: str, file: File) -> None:
        """Put the file where it belongs, with its headers."""
        self.client("s3").put_object(
            Bucket=bucket,
            Key=file.key,
            Body=file.read(),
            ContentType=file.content_type,
            CacheControl=file.cache_control,
        )

    def remove(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete the objects."""
        s3 = self.client("s3")
        for key in keys:
            s3.delete_object(Bucket=bucket, Key=key)

    def invalidate(self, distribution: str, path: str) -> None:
        """Return once no edge has anything older.

        https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Invalidation.html
        """
        cloudfront = self.client("cloudfront")
        made = cloudfront.create_invalidation(
            DistributionId=distribution,
            InvalidationBatch={
                "Paths": {"Quantity": 1, "Items": [path]},
                "CallerReference": str(uuid.uuid4()),
            },
        )
        cloudfront.get_waiter("invalidation_completed").wait(
            DistributionId=distribution, Id=made["Invalidation"]["Id"]
        )

    # --- What doctor asks -------------------------------------------------------------------------

    def patient(self, stack: Stack, now: datetime) -> Patient:
        """The deployment as it is; nothing is changed."""
        outputs = stack.outputs
        pairs = [("TranscribeBatchQueue", "GpuCompute"), ("StatsBatchQueue", "CpuCompute")]
        token = outputs.get("HfTokenSecretArn")
        names = gpu_types(stack.parameters)
        return Patient(
            stack=stack,
            now=now,
            batch=tuple(self._batch(outputs[queue], outputs[compute]) for queue, compute in pairs),
            images=tuple(
                self._image(outputs[definition])
                for definition in ("TranscribeJobDefinition", "StatsJobDefinition")
            ),
            messages=tuple(self._messages(stack.name, now)),
            quotas=self.quotas(wanted_quotas(stack.parameters)),
            instance_types=tuple(self.instance_types(names, ())),
            token=self.secret(token) if token else None,
            has_page=bool(self.keys(outputs["Bucket"], f"{PREFIX}index.html")),
        )

    def _batch(self, queue: str, compute: str) -> BatchQueue:
        batch = self.client("batch")
        found = batch.describe_job_queues(jobQueues=[queue])["jobQueues"][0]
        pages = batch.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus="RUNNABLE")
        jobs = [job for page in pages for job in page["jobSummaryList"]]
        oldest = min(jobs, key=lambda job: job["createdAt"], default=None)
        return BatchQueue(
            name=found["jobQueueName"],
            state=found["state"],
            status=found["status"],
            compute=self._compute(compute),
            runnable=len(jobs),
            oldest=datetime.fromtimestamp(oldest["createdAt"] / 1000, UTC) if oldest else None,
            reason=oldest.get("statusReason", "") if oldest else "",
        )

    def _compute(self, arn: str) -> ComputeEnvironment:
        described = self.client("batch").describe_compute_environments(computeEnvironments=[arn])
        found = described["computeEnvironments"][0]
        resources = found.get("computeResources", {})
        return ComputeEnvironment(
            name=found["computeEnvironmentName"],
            state=found["state"],
            status=found["status"],
            reason=found.get("statusReason", ""),
            desired_vcpus=resources.get("desiredvCpus", 0),  # Fargate has none
            max_vcpus=resources.get("maxvCpus", 0),
        )

    def _image(self, definition: str) -> Image:
        described = self.client("batch").describe_job_definitions(jobDefinitions=[definition])
        reference = described["jobDefinitions"][0]["containerProperties"]["image"]
        repository, _, tag = reference.rpartition(":")
        return Image(reference, self.has_image(repository, tag))

    def _messages(self, stack: str, now: datetime) -> Iterator[MessageQueue]:
        sqs = self.client("sqs")
        wanted = ["ApproximateNumberOfMessages"]
        for name, (kind, url) in self.resources(stack).items():
            if kind != "AWS::SQS::Queue":
                continue
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
            messages = int(attributes["ApproximateNumberOfMessages"])
            dead_letters = name.endswith("DeadLetters")
            wait = self._age(url, now) if messages and not dead_letters else timedelta(0)
            yield MessageQueue(name, messages, wait, dead_letters)

    def _age(self, queue_url: str, now: datetime) -> timedelta:
        """Of the oldest message, as far as the last minutes tell."""
        points = self.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName="ApproximateAgeOfOldestMessage",
            Dimensions=[{"Name": "QueueName", "Value": queue_url.rpartition("/")[2]}],
            StartTime=now - timedelta(minutes=10),
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        last = max(points, key=lambda point: point["Timestamp"], default={"Maximum": 0.0})
        return timedelta(seconds=last["Maximum"])

    # --- The end ----------------------------------------------------------------------------------

    def kept(self, stack: str) -> list[Kept]:
        """What the stack's deletion will leave, in nested stacks as well, with its size."""
        client = self.client("cloudformation")
        template = client.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
        if isinstance(template, str):
            template = yaml_parse(template)
        resources = self.resources(stack)
        found = [
            Kept(kind, physical_id, self._size(kind, physical_id))
            for kind, physical_id in kept(template, resources)
        ]
        for kind, physical_id in resources.values():
            if kind == "AWS::CloudFormation::Stack" and physical_id:
                found += self.kept(physical_id)
        return found

    def _size(self, kind: Kind, physical_id: str) -> int | None:
        if kind is Kind.BUCKET:
            return sum(int(version.get("Size", 0)) for version in self._versions(physical_id))
        if kind is Kind.TABLE:
            described = self.client("dynamodb").describe_table(TableName=physical_id)
            return int(described["Table"]["TableSizeBytes"])
        if kind is Kind.DATABASE:
            found = self.client("rds").describe_db_instances(DBInstanceIdentifier=physical_id)
            return int(found["DBInstances"][0]["AllocatedStorage"]) * 2**30
        return None

    def _versions(self, bucket: str) -> Iterator[dict[str, Any]]:
        for page in self.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket):
            yield from page.get("Versions", ())
            yield from page.get("DeleteMarkers", ())

    def delete_stack(self, name: str) -> None:
        """Return once it is gone. Raises Refused with CloudFormation's reasons."""
        client = self.client("cloudformation")
        client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
        # By id: a stack that is deleted has no name any more.
        stack_id = client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        client.delete_stack(StackName=stack_id)
        try:
            client.get_waiter("stack_delete_complete").wait(StackName=stack_id)
        except WaiterError as error:
            raise Refused(f"{name} was not deleted: {self._failures(stack_id)}") from error

    def _failures(self, stack: str) -> str:
        events = self.client("cloudformation").describe_stack_events(StackName=stack)
        return "; ".join(
            f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', '?')}"
            for one in events["StackEvents"]
            if one["ResourceStatus"] == "DELETE_FAILED"
        )

    def delete(self, one: Kept, since: datetime) -> None:
        """Delete for good. `since`: of a database, the snapshots that were made after it."""
        match one.kind:
            case Kind.BUCKET:
                self._delete_bucket(one.id)
            case Kind.TABLE:
                self.client("dynamodb").delete_table(TableName=one.id)
            case Kind.USER_POOL:
                self.client("cognito-idp").delete_user_pool(UserPoolId=one.id)
            case Kind.KEY:
                self.client("kms").schedule_key_deletion(KeyId=one.id)  # 30 days to think better
            case Kind.DATABASE:
                self._delete_snapshots(one.id, since)

    def _delete_bucket(self, name: str) -> None:
        s3 = self.client("s3")
        uploads = s3.get_paginator("list_multipart_uploads")
        for page in uploads.paginate(Bucket=name):
            for one in page.get("Uploads", ()):
                s3.abort_multipart_upload(Bucket=name, Key=one["Key"], UploadId=one["UploadId"])
        versions = self._versions(name)
        while batch := list(islice(versions, _DELETED_AT_ONCE)):
            objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in batch]
            answer = s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
            for failure in answer.get("Errors", ()):
                raise Refused(f"{failure['Key']} in {name} stays: {failure.get('Message')}")
        s3.delete_bucket(Bucket=name)

    def _delete_snapshots(self, instance: str, since: datetime) -> None:
        rds = self.client("rds")
        snapshots = rds.describe_db_snapshots(DBInstanceIdentifier=instance, SnapshotType="manual")
        for one in snapshots["DBSnapshots"]:
            if one["SnapshotCreateTime"] >= since:
                rds.delete_db_snapshot(DBSnapshotIdentifier=one["DBSnapshotIdentifier"])
