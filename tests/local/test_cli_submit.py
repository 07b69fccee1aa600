"""`debate submit` against the deployed template, IAM enforced."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from debate_analyzer.job import Fault, new_job_id, utc_now
from debate_analyzer.pipeline import Status
from local.cli import main
from local.cli.deployment import BatchJob, Deployment
from local.folder import DataFolder
from tests.e2e.laptop import until
from tests.local.site import Site
from tests.world import ROOT, silent_wav

pytestmark = pytest.mark.emulator

STACK = "debate-analyzer"
URL = "https://www.example.org/evening.mp4"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.cli.follow._OFTEN", 0.05)
    monkeypatch.setattr("local.cli.follow._SELDOM", 0.05)


@pytest.fixture
def laptop(site: Site, tmp_path: Path) -> list[str]:
    """The arguments that name the stack of a data folder."""
    folder = DataFolder(tmp_path)
    batch, _, secret = site.batch_endpoint.rpartition("/")
    for name, endpoint in (("emulator", site.deployed.endpoint()), ("batch", batch)):
        folder.keep_port(name, int(endpoint.rpartition(":")[2]))
    (tmp_path / "batch").mkdir()
    (tmp_path / "batch" / "secret").write_text(secret)
    return ["--data", str(tmp_path)]


@pytest.fixture
def somebody(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Whoever types, with the rights of the policy that they put; none at first."""
    iam = site.client("iam")
    iam.create_user(UserName="ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    for name, value in {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_ENDPOINT_URL": site.deployed.endpoint(),
        "AWS_ENDPOINT_URL_BATCH": site.batch_endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)

    def may(policy: dict[str, Any]) -> None:
        iam.put_user_policy(UserName="ana", PolicyName="submit", PolicyDocument=json.dumps(policy))

    yield may
    iam.delete_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"])
    for name in iam.list_user_policies(UserName="ana")["PolicyNames"]:
        iam.delete_user_policy(UserName="ana", PolicyName=name)
    iam.delete_user(UserName="ana")


def documented() -> dict[str, Any]:
    """The policy of docs/cli.md."""
    [policy] = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "cli.md").read_text(), re.S)
    found: dict[str, Any] = json.loads(policy)
    return found


def told(site: Site, batch_id: str) -> tuple[str, dict[str, str]]:
    """The definition that the job is of, and what it finds in its environment."""
    [job] = site.client("batch").describe_jobs(jobs=[batch_id])["jobs"]
    name = job["jobDefinition"].rpartition("/")[2].partition(":")[0].removeprefix(f"{STACK}-")
    assert job["jobQueue"].endswith(f"/{STACK}-{name}")
    return name, {each["name"]: each["value"] for each in job["container"]["environment"]}


def submitted(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["submit", *arguments]) == 0, capsys.readouterr().err
    return capsys.readouterr().out.strip()


def test_each_job_is_told_what_was_said(
    site: Site, laptop: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = new_job_id(), new_job_id()
    job = f"s3://{site.bucket}/jobs/{one}"
    video = f"{job}/videos/a.mp4"
    manifest = f"s3://{site.bucket}/manifests/monday.json"
    for order, kind, environment in (
        (["download", "--url", URL], "download", {"VIDEO_URL": URL}),
        (["full", "--url", URL], "download", {"VIDEO_URL": URL}),
        (["transcribe", one], "transcribe", {"VIDEO_S3_PREFIX": f"{job}/videos/"}),
        (["transcribe", video], "transcribe", {"VIDEO_S3_PREFIX": video}),
        (["stats", one], "stats", {"TRANSCRIPTS_S3_PREFIX": f"{job}/transcripts/"}),
        (["stats", "--manifest", manifest], "stats", {"MANIFEST_S3_URI": manifest}),
        (["stats", "--jobs", f"{one}, {other}"], "stats", {"JOB_IDS": f"{one},{other}"}),
    ):  # fmt: skip
        batch_id = submitted(capsys, *order, "--set", "DIARIZER=onnx", *laptop)
        assert told(site, batch_id) == (kind, {**environment, "DIARIZER": "onnx"})


def test_a_job_is_followed_to_its_end(
    laptop: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "stats", new_job_id(), "--follow", *laptop]) == 0


def test_a_job_that_fails_says_why_and_where_its_log_is(
    laptop: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = BatchJob("FAILED", "Host EC2 (instance i-1) terminated.", 137, "debate/7c9e")
    monkeypatch.setattr(Deployment, "batch_job", lambda *_: lost)
    assert main(["submit", "full", "--url", URL, "--follow", *laptop]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "with exit code 137: Host EC2 (instance i-1) terminated." in said
    assert f"/aws/batch/{STACK}, debate/7c9e." in said


@pytest.mark.parametrize(
    ("order", "because"),
    [
        (["download", "--url", "http://169.254.169.254/"], "public internet"),
        (["full", "--url", "file:///etc/passwd"], "https://"),
        (["full", "no-such-file.mp4"], "cannot be read"),
        (["transcribe", "s3://elsewhere/jobs/x/videos/"], "not of this deployment"),
        (["stats", "--manifest", "s3://elsewhere/manifests/a.json"], "manifests/"),
        (["stats", "--jobs", "7c9e"], "write it out whole"),
    ],
)
def test_what_could_not_be_done_is_not_submitted(
    order: list[str], because: str, laptop: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", *order, *laptop]) == 2
    said = capsys.readouterr()
    assert because in " ".join(said.err.split())
    assert said.out == ""


def test_the_policy_in_the_docs_is_enough_and_no_less_is(
    site: Site, somebody: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "evening.wav"
    file.write_bytes(silent_wav())
    whole = ["full", str(file), "--follow", "--stack", STACK]
    policy = documented()
    for missing in ("cloudformation:DescribeStacks", "s3:PutObject", "dynamodb:GetItem"):
        rest = [each for each in policy["Statement"] if missing not in each["Action"]]
        somebody({**policy, "Statement": rest})
        assert main(["submit", *whole]) == 2
        assert missing.partition(":")[2] in "".join(capsys.readouterr().err.split())

    somebody(policy)
    batch_id = submitted(capsys, "download", "--url", URL, "--follow", "--stack", STACK)
    assert told(site, batch_id) == ("download", {"VIDEO_URL": URL})


def test_a_file_is_put_where_the_chain_begins_and_followed_to_its_end(
    site: Site, somebody: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    somebody(documented())
    file = tmp_path / "evening.wav"
    file.write_bytes(silent_wav())
    before = {job["Key"] for job in _objects(site)}

    def fail() -> None:
        """The worker's part: it finds nobody speaking."""

        def queued() -> Any:
            for key in {job["Key"] for job in _objects(site)} - before:
                row = site.table.get(key.split("/")[1])
                if row is not None and row.status is Status.QUEUED:
                    return row
            return None

        row = until(queued, seconds=60, what="the row")
        fault = Fault(code="no_speech", message="Nobody speaks in this recording.")
        site.table.replace(row.failed(fault, utc_now()))

    worker = threading.Thread(target=fail)
    worker.start()
    code = main(["submit", "full", str(file), "--follow", "--stack", STACK])
    worker.join()
    said = capsys.readouterr()
    assert code == 1
    assert "Nobody speaks in this recording. (no_speech)" in said.err
    job_id = said.out.split()[0]
    found = site.store.get(f"jobs/{job_id}/videos/evening.wav")
    assert found is not None
    assert found[0] == file.read_bytes()


def test_a_stack_that_is_not_there_is_named(
    somebody: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    somebody({"Version": "2012-10-17", "Statement": [everything]})
    assert main(["submit", "download", "--url", URL, "--stack", "elsewhere"]) == 2
    assert "There is no deployment elsewhere" in capsys.readouterr().err


def _objects(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        site.client("s3").list_objects_v2(Bucket=site.bucket, Prefix="jobs/").get("Contents", [])
    )
    return found
