"""The deployed template at work: events reach functions, and roles allow what they say."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from debate_analyzer.job import Claim, announced
from debate_analyzer.pipeline import Status
from debate_analyzer.unit import Unit
from tests.e2e.laptop import until
from tests.local.site import Site
from tests.world import MOVING_PICTURES

pytestmark = pytest.mark.emulator


def in_status(site: Site, job_id: str, status: Status) -> Any:
    def found() -> Any:
        job = site.table.get(job_id)
        return job if job and job.status is status else None

    return until(found, seconds=60, what=f"a {status} job")


# --- Events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "stage", "status"),
    [
        ("videos/x.mp4", "transcribe", Status.QUEUED),
        ("videos/plenary session.WEBM", "transcribe", Status.QUEUED),
        ("transcripts/x_transcription.json", "stats", Status.STATS_QUEUED),
    ],
)
def test_an_object_becomes_a_unit_and_a_worker(
    site: Site, key: str, stage: str, status: Status
) -> None:
    job_id, before = str(uuid.uuid4()), site.workers(stage)

    site.store.put(f"jobs/{job_id}/{key}", MOVING_PICTURES, "application/octet-stream")

    unit = in_status(site, job_id, status).unit
    assert unit.key == f"jobs/{job_id}/{key}"
    until(lambda: site.workers(stage) - before or None, seconds=60, what="a worker")


def test_what_is_plainly_no_recording_becomes_neither(site: Site) -> None:
    job_id = str(uuid.uuid4())
    site.store.put(f"jobs/{job_id}/videos/x.mp4", b"%PDF-1.7", "video/mp4")
    assert in_status(site, job_id, Status.FAILED).fault.code == "no_recording"


def test_edits_make_their_transcript_another_unit(site: Site) -> None:
    job_id = str(uuid.uuid4())
    site.store.put(f"jobs/{job_id}/transcripts/x.json", b"{}", "application/json")
    first = in_status(site, job_id, Status.STATS_QUEUED).unit

    version = site.store.put(f"jobs/{job_id}/edits/edits.json", b"{}", "application/json")

    def found() -> Unit | None:
        unit = in_status(site, job_id, Status.STATS_QUEUED).unit
        return unit if unit.edits else None

    second = until(found, seconds=60, what="a unit with edits")
    assert second == first.model_copy(update={"edits": version})


def test_the_death_of_a_worker_gives_its_unit_back(site: Site) -> None:
    job_id, now = str(uuid.uuid4()), datetime.now(UTC)
    unit = Unit(
        job_id=job_id, stage_name="stats", key=f"jobs/{job_id}/transcripts/a.json", etag="1"
    )
    claim = Claim(worker=job_id, until=(now + timedelta(hours=1)).timestamp())
    job = announced(owner="a", title="a", media=None, now=now, job_id=job_id, published=True)
    site.table.create(job.queued(unit, now).claimed(unit, claim, now))

    site.deployed.emit_batch_event(
        {
            "jobId": job_id,
            "jobName": "stats-worker",
            "jobQueue": next(q.arn for q in site.stack.queues if q.name.endswith("-stats")),
            "status": "FAILED",
            "statusReason": "Host EC2 (instance i-0123456789abcdef0) terminated.",
        }
    )

    assert in_status(site, job_id, Status.STATS_QUEUED).claim is None


# --- Rights ---------------------------------------------------------------------------------------


def test_a_worker_reads_its_own_prefix_only(site: Site) -> None:
    role = site.stack.definitions["debate-analyzer-transcribe"].job_role_arn
    assert role is not None
    s3 = site.as_role("s3", role)
    for key in ("jobs/a/videos/x.txt", "jobs/a/transcripts/x.txt", "statistics/by-job/x.txt"):
        site.store.put(key, b"bytes", "text/plain")

    read = s3.get_object(Bucket=site.bucket, Key="jobs/a/videos/x.txt")["Body"].read()

    assert read == b"bytes"
    for key in ("jobs/a/transcripts/x.txt", "statistics/by-job/x.txt"):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.get_object(Bucket=site.bucket, Key=key)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=site.bucket, Key="jobs/a/videos/x.txt", Body=b"overwritten")
    with pytest.raises(ClientError, match="AccessDenied"):
        site.as_role("dynamodb", role).scan(TableName=site.table.name)


def test_a_function_whose_role_lacks_a_right_fails(site: Site) -> None:
    iam, functions = site.client("iam"), site.client("lambda")
    name = site.stack.outputs["PublishFunction"]
    role = functions.get_function_configuration(FunctionName=name)["Role"].rsplit("/", 1)[-1]
    policy = iam.get_role_policy(RoleName=role, PolicyName="work")["PolicyDocument"]
    event = {"Records": [{"messageId": "1", "body": json.dumps({"page": 0})}]}

    def invoke() -> Any:
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    def allow(document: Any) -> None:
        text = json.dumps(document)
        iam.put_role_policy(RoleName=role, PolicyName="work", PolicyDocument=text)

    without = [s for s in policy["Statement"] if "dynamodb:Query" not in s["Action"]]
    assert len(without) == len(policy["Statement"]) - 1
    try:
        allow({**policy, "Statement": without})
        denied = invoke()
    finally:
        allow(policy)

    assert denied == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert invoke() == {"batchItemFailures": []}


# --- The API's door -------------------------------------------------------------------------------


def listed(site: Site, authorization: str | None) -> httpx.Response:
    gateway = f"{site.deployed.endpoint()}/_aws/execute-api/{site.stack.outputs['ApiId']}"
    headers = {"authorization": authorization} if authorization is not None else {}
    return httpx.get(f"{gateway}/$default/api/jobs", headers=headers, timeout=60)


def test_the_local_user_s_token_is_taken(site: Site) -> None:
    answer = listed(site, f"Bearer {site.deployed.token()}")
    assert answer.status_code == 200
    assert "jobs" in answer.json()


def test_any_other_token_is_not(site: Site) -> None:
    header, payload, signature = site.deployed.token().split(".")
    other = "A" if payload[20] != "A" else "B"
    for token in (
        None,
        "Basic bm9ib2R5Og==",
        "Bearer nonsense",
        f"Bearer {header}.{payload[:20]}{other}{payload[21:]}.{signature}",
        f"Bearer {header}.{payload}.{signature[::-1]}",
        f"Bearer {header}.{payload}.",
    ):
        assert listed(site, token).status_code == 401, token
