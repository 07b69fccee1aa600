"""A whole deployment: which step comes when, and what each leaves. The programs are recorders, the
account is moto's; its stack is a given, for the template's own deployment is tested elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from debate_analyzer.errors import Misconfigured
from deploy import parameters, release
from deploy.cloud import Cloud
from deploy.finding import ok
from deploy.parameters import Environment
from deploy.preflight import Account, BucketState, InstanceType, Stack, Values
from deploy.programs import ProgramFailed, commit
from deploy.release import NotReady, Release
from tests.deploy.conftest import Programs
from tests.world import ROOT

NAME, BUCKET = "debate-analyzer-dev", "debates"
TOKEN = "hf_0123456789"
TEMPLATE = parameters.template(ROOT)


class Deployment(Cloud):
    """The account with a stack that `sam deploy` brings about: what moto's CloudFormation lacks."""

    def __init__(self, programs: Programs, outputs: Values, image_tag: str) -> None:
        super().__init__()
        self._programs, self._outputs = programs, outputs
        self.exists = False
        self.image_tag = image_tag
        self.done: list[str] = []

    def stack(self, name: str) -> Stack | None:
        assert name == NAME
        if not self.exists and not any("sam deploy" in line for line in self._programs.lines()):
            return None
        given = {"HfTokenSecret": "create", "ImageTag": self.image_tag}
        return Stack(name, "UPDATE_COMPLETE", "debate-analyzer: x", "", given, self._outputs)

    def account(
        self, values: Values, stack_name: str, functions: int, token: str | None
    ) -> Account:
        return Account(
            id=self.account_id,
            partition=self.partition,
            region=self.region,
            bucket=BucketState.FREE,
            stack=None,
            zones=("us-east-1a",),
            instance_types=tuple(
                InstanceType(name, 4, 1, frozenset({"us-east-1a"}))
                for name in ("g6.xlarge", "g4dn.xlarge")
            ),
            quotas={},
            unreserved_concurrency=1000,
            functions=functions,
            has_token=bool(token),
        )

    def resources(self, stack: str) -> dict[str, tuple[str, str]]:
        return {name: ("", name) for name in ("Bucket", "JobTable", "ApiFunction")}

    def protect(self, stack: str, logical_ids: Any) -> None:
        self.done.append(f"protect {' '.join(logical_ids)}")

    def invalidate(self, distribution: str, path: str) -> None:
        self.done.append(f"invalidate {distribution} {path}")


@pytest.fixture
def site(checkout: Path) -> Path:
    """The page of the checkout, committed or not."""
    folder = checkout / "frontend"
    folder.mkdir()
    for name in ("index.html", "main.js"):
        (folder / name).write_text(name)
    (checkout / ".git" / "info" / "exclude").write_text("frontend/\n")
    return folder


@pytest.fixture
def released(
    account: None, programs: Programs, checkout: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> Release:
    monkeypatch.setattr(
        "deploy.huggingface.token_finding", lambda token: ok("token", "The token is good.")
    )
    programs.install("sam", "docker")
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    secret = boto3.client("secretsmanager").create_secret(Name="hf", SecretString="unset")
    outputs = {
        "Bucket": BUCKET,
        "ApiUrl": "https://api.example",
        "SiteUrl": "https://page.example",
        "DistributionId": "E1",
        "HfTokenSecretArn": secret["ARN"],
        "UserPoolId": "pool-1",
        "UserPoolClientId": "client-1",
    }
    for output, folder in release.IMAGES.items():
        made = boto3.client("ecr").create_repository(repositoryName=f"debates/{folder}")
        outputs[output] = made["repository"]["repositoryUri"]
    tag = commit(checkout)
    return Release(
        root=checkout,
        environment=Environment("dev", NAME, None, {"UseSpot": "true"}),
        template=TEMPLATE,
        given={"ImageTag": tag, "UseSpot": "true"},
        commit=tag,
        cloud=Deployment(programs, outputs, tag),
        token=TOKEN,
    )


def push(released: Release, folder: str) -> None:
    """The commit's image, as if it had been pushed before."""
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    boto3.client("ecr").put_image(
        repositoryName=f"debates/{folder}",
        imageTag=released.commit,
        imageManifest=json.dumps({"schemaVersion": 2, "mediaType": kind, "layers": []}),
        imageManifestMediaType=kind,
    )


def verbs(programs: Programs) -> list[str]:
    """Program and command of each call, without the questions whether docker works."""
    found = [" ".join(line.split()[:2]) for line in programs.lines()]
    return [line for line in found if line != "docker info"]


IMAGE = ["docker login", "docker build", "docker push"]


def test_a_first_deployment_pushes_images_once_there_are_repositories(
    released: Release, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    release.deploy(released)
    assert verbs(programs) == ["sam build", "sam deploy", *IMAGE * len(release.IMAGES)]
    printed = capsys.readouterr().out
    assert "The page: https://page.example" in printed
    assert "admin-create-user --user-pool-id pool-1" in printed
    assert "debate doctor --stack debate-analyzer-dev" in printed


def test_an_update_pushes_images_before_anything_names_them(
    released: Release, programs: Programs
) -> None:
    released.cloud.exists = True  # type: ignore[attr-defined]
    release.deploy(released)
    calls = verbs(programs)
    assert calls[: 1 + len(IMAGE)] == ["sam build", *IMAGE]
    assert calls.index("sam deploy") > calls.index("docker push")


def test_images_bear_the_commit_that_the_job_definitions_name(
    released: Release, programs: Programs
) -> None:
    release.deploy(released)
    (given,) = [line for line in programs.lines() if line.startswith("sam deploy")]
    sent = json.loads(Path(given.partition("file://")[2]).read_text())
    assert sent == {"ImageTag": released.commit, "UseSpot": "true"}
    pushed = [line.split()[-1] for line in programs.lines() if line.startswith("docker push")]
    assert {reference.rpartition(":")[2] for reference in pushed} == {released.commit}


def test_a_tag_that_moves_gets_the_new_image_as_well(released: Release, programs: Programs) -> None:
    released.cloud.exists = True  # type: ignore[attr-defined]
    released.cloud.image_tag = "latest"  # type: ignore[attr-defined]
    release.images(released)
    pushed = [line.split()[-1] for line in programs.lines() if line.startswith("docker push")]
    assert {reference.rpartition(":")[2] for reference in pushed} == {released.commit, "latest"}


def test_a_commit_that_was_deployed_keeps_its_own_image(
    released: Release, programs: Programs
) -> None:
    released.cloud.exists = True  # type: ignore[attr-defined]
    released.cloud.image_tag = "0" * 40  # type: ignore[attr-defined]
    release.images(released)
    pushed = [line.split()[-1] for line in programs.lines() if line.startswith("docker push")]
    assert {reference.rpartition(":")[2] for reference in pushed} == {released.commit}


def test_what_was_pushed_is_not_built_again(released: Release, programs: Programs) -> None:
    released.cloud.exists = True  # type: ignore[attr-defined]
    push(released, "transcribe")
    release.images(released)
    built = [line for line in programs.lines() if line.startswith("docker build")]
    assert len(built) == len(release.IMAGES) - 1
    assert not any("batch_images/transcribe/Dockerfile" in line for line in built)


def test_no_engine_is_needed_when_every_image_is_there(
    released: Release, programs: Programs
) -> None:
    released.cloud.exists = True  # type: ignore[attr-defined]
    (programs.folder / "docker").unlink()
    with pytest.raises(NotReady):
        release.check(released)
    for folder in release.IMAGES.values():
        push(released, folder)
    release.check(released)


def test_changed_files_are_built_whatever_was_pushed(released: Release, programs: Programs) -> None:
    released.cloud.exists = True  # type: ignore[attr-defined]
    changed = replace(released, commit=f"{released.commit}-changed")
    for folder in release.IMAGES.values():
        push(changed, folder)
    release.images(changed)
    assert verbs(programs).count("docker build") == len(release.IMAGES)


def test_the_token_goes_into_the_stacks_secret_and_nowhere_else(
    released: Release, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    release.deploy(released)
    assert released.cloud.secret(_outputs(released)["HfTokenSecretArn"]) == TOKEN
    printed = capsys.readouterr()
    calls = (programs.folder / "calls").read_text()
    written = "".join(p.read_text() for p in (released.root / ".aws-sam").iterdir())
    assert TOKEN not in printed.out + printed.err + calls + written


def test_without_a_token_the_secret_is_left_alone(released: Release) -> None:
    released = replace(released, token=None, given={**released.given, "Diarizer": "onnx"})
    release.deploy(released)
    assert released.cloud.secret(_outputs(released)["HfTokenSecretArn"]) == "unset"


def test_the_data_is_guarded_and_the_edge_is_told_last(released: Release) -> None:
    release.deploy(released)
    assert released.cloud.done == [  # type: ignore[attr-defined]
        "protect Bucket JobTable",
        "invalidate E1 /*",
    ]


def test_a_step_that_fails_is_the_last_one(released: Release, programs: Programs) -> None:
    programs.fail("sam", "deploy")
    with pytest.raises(ProgramFailed, match="sam deploy"):
        release.deploy(released)
    assert verbs(programs) == ["sam build", "sam deploy"]
    assert released.cloud.keys(BUCKET, "") == []


def test_bad_parameters_stop_before_anything_is_made(released: Release, programs: Programs) -> None:
    bad = replace(released, given={**released.given, "GpuMaxVcpus": "0"})
    with pytest.raises(NotReady, match="Nothing was made"):
        release.deploy(bad)
    assert verbs(programs) == []


def test_images_of_a_deployment_that_is_not_there_are_refused(released: Release) -> None:
    with pytest.raises(NotReady, match="make deploy ENV=dev"):
        release.images(released)


# --- The site -------------------------------------------------------------------------------------


@dataclass
class Written:
    """What S3 was asked to write, in order."""

    keys: list[str] = field(default_factory=list)

    def __call__(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.keys.append(f"{model.name} {params['Key']}")


def test_the_page_is_uploaded_entrance_last_and_what_is_gone_removed_after_it(
    released: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    released.cloud.exists = True  # type: ignore[attr-defined]
    s3 = boto3.client("s3")
    for key in ("website/old.js", "statistics/index.json"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"1")
    written = Written()
    client = released.cloud.client("s3")
    for operation in ("PutObject", "DeleteObject"):
        client.meta.events.register(f"provide-client-params.s3.{operation}", written)
    monkeypatch.setattr(released.cloud, "client", lambda _: client)
    release.upload_site(released)
    assert written.keys == [
        "PutObject website/main.js",
        "PutObject website/index.html",
        "DeleteObject website/old.js",
    ]
    assert released.cloud.keys(BUCKET, "statistics/") == ["statistics/index.json"]


def test_objects_say_their_type_and_who_keeps_them_how_long(released: Release) -> None:
    released.cloud.exists = True  # type: ignore[attr-defined]
    release.upload_site(released)
    found = boto3.client("s3").get_object(Bucket=BUCKET, Key="website/main.js")
    assert found["ContentType"] == "text/javascript; charset=utf-8"
    assert found["CacheControl"] == "public, max-age=0, s-maxage=31536000, must-revalidate"
    assert found["Body"].read() == b"main.js"


# --- Preparing ------------------------------------------------------------------------------------


def test_what_is_given_last_counts(
    account: None, programs: Programs, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("samconfig.toml", "template.yaml"):
        (checkout / name).write_bytes((ROOT / name).read_bytes())
    prepared = release.prepare(checkout, "dev", "UseSpot=false Diarizer=onnx")
    assert prepared.stack_name == NAME
    assert (prepared.given["UseSpot"], prepared.given["GpuMaxVcpus"]) == ("false", "8")
    assert prepared.image_tag == prepared.commit
    with pytest.raises(NotReady):
        release.prepare(checkout, "dev", "UseSpt=false")
    assert "no parameter UseSpt" in capsys.readouterr().out
    with pytest.raises(Misconfigured):
        release.prepare(checkout, "staging", "")


def _outputs(released: Release) -> Values:
    return release.deployed(released).outputs
