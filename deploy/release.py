"""The steps of a deployment, in their order, each said before it is done."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from debate_analyzer.errors import DebateError
from deploy import huggingface, parameters, preflight, programs, site
from deploy.cloud import Cloud
from deploy.finding import Finding, Level, is_good
from deploy.parameters import Environment, Template
from deploy.preflight import Stack

PROJECT = Path(__file__).resolve().parent.parent
FRONTEND = "frontend"
IMAGES = {
    "TranscribeRepository": "transcribe",
    "StatsRepository": "stats",
    "DownloadRepository": "download",
}
"""The outputs that name the repositories, with the folders in batch_images/ that fill them."""
GUARDED = ("Bucket", "JobTable", "UserPool")
"""What holds data and can be replaced by an update; the database leaves a snapshot."""
_COMMIT = re.compile(r"[0-9a-f]{40}(-changed)?")
_MARKS = {Level.OK: "✓", Level.WARNING: "!", Level.ERROR: "✗"}


class NotReady(DebateError):
    """The preflight found what has to be mended first; nothing was made."""

    code = "not_ready"


@dataclass(frozen=True)
class Release:
    """One checkout, on its way to one environment."""

    root: Path
    environment: Environment
    template: Template
    given: Mapping[str, str]
    """Parameters: samconfig.toml's, those of the command line, and the tag of the images."""
    commit: str
    cloud: Cloud
    token: str | None
    """HF_TOKEN."""

    @property
    def stack_name(self) -> str:
        return self.environment.stack_name

    @property
    def image_tag(self) -> str:
        return self.given["ImageTag"]


def prepare(root: Path, environment: str, more: str) -> Release:
    """Raises Misconfigured, and NotReady for parameters that make no sense: AWS is not asked."""
    config = parameters.environment(root, environment)
    template = parameters.template(root)
    commit = programs.commit(root)
    given = {"ImageTag": commit, **config.parameters, **parameters.assignments(more)}
    values = parameters.effective(template.defaults, {}, given)
    found = parameters.problems(template, values)
    _report(found or preflight.sense(values, config.stack_name))
    cloud = Cloud(config.region)
    return Release(root, config, template, given, commit, cloud, os.environ.get("HF_TOKEN") or None)


def check(release: Release) -> None:
    """Everything that can be known before anything is made. Raises NotReady."""
    deployed = release.cloud.stack(release.stack_name)
    values = parameters.effective(
        release.template.defaults, deployed.parameters if deployed else {}, release.given
    )
    # Once more: what the deployment has and what it is given now may contradict each other.
    _report(
        parameters.problems(release.template, values) or preflight.sense(values, release.stack_name)
    )
    account = release.cloud.account(
        values, release.stack_name, release.template.functions, release.token
    )
    findings = list(preflight.check(values, release.stack_name, account))
    if release.token and values["Diarizer"] == "pyannote":
        findings.append(huggingface.token_finding(release.token))
    if _missing_images(release, deployed):
        findings.append(preflight.builder_finding(programs.builder()))
    _report(findings)


def deploy(release: Release) -> None:
    """From the checkout to a page that answers."""
    _say("preflight: the account, its quotas, and what is in the way")
    check(release)
    before = release.cloud.stack(release.stack_name)
    arch = parameters.effective(
        release.template.defaults, before.parameters if before else {}, release.given
    )["Arch"]
    role = os.environ.get("CLOUDFORMATION_ROLE_ARN") or None
    sam = programs.Sam(release.root, release.cloud.region, role)
    _say(f"build: the layer for {arch}, the functions' code")
    sam.build(arch)
    if before is not None and before.outputs:
        # Before the job definitions name them. On a first deploy their repositories are not there
        # yet: a job that comes too early fails to pull, and its unit is tried again in minutes.
        images(release)
    _say(f"deploy: the stack {release.stack_name} in {release.cloud.region}")
    sam.deploy(release.environment.name, release.stack_name, release.given)
    stack = deployed(release)
    if release.token and stack.parameters.get("HfTokenSecret") == "create":
        _say("token: HF_TOKEN into the stack's secret")
        release.cloud.set_secret(stack.outputs["HfTokenSecretArn"], release.token)
    _say("protection: no update replaces the data, no slip deletes the stack")
    present = release.cloud.resources(release.stack_name)
    release.cloud.protect(release.stack_name, [name for name in GUARDED if name in present])
    images(release)
    if "DistributionId" in stack.outputs:
        upload_site(release)
    _say("done")
    print(_next_steps(stack))


def deployed(release: Release) -> Stack:
    """The stack, which is to exist. Raises NotReady."""
    stack = release.cloud.stack(release.stack_name)
    if stack is None or not stack.outputs:
        raise NotReady(
            f"There is no deployment {release.stack_name} in {release.cloud.region}: "
            f"make deploy ENV={release.environment.name} makes it."
        )
    return stack


# --- Images ---------------------------------------------------------------------------------------


def images(release: Release) -> None:
    """Build and push what the repositories do not have under this commit."""
    stack = deployed(release)
    tags = [release.commit]
    # A tag that names no commit moves along: job definitions that name it get the new image.
    if not _COMMIT.fullmatch(moving := stack.parameters.get("ImageTag", "")) and moving:
        tags.append(moving)
    if release.image_tag not in tags:
        tags.append(release.image_tag)
    missing = _missing_images(release, stack)
    if not missing:
        _say(f"images: those of {release.commit[:12]} are there")
        return
    _say(f"images: {', '.join(missing.values())} of {release.commit[:12]}, built and pushed")
    builder = programs.builder()
    if builder.name is None or builder.problem:
        raise NotReady(preflight.builder_finding(builder).sentence)
    engine = programs.Images(builder.name, release.root)
    password = release.cloud.registry_password()
    for repository, folder in missing.items():
        references = [f"{repository}:{tag}" for tag in tags]
        engine.log_in(repository.split("/", 1)[0], password)
        engine.build(f"batch_images/{folder}/Dockerfile", references)
        for reference in references:
            engine.push(reference)


def _missing_images(release: Release, stack: Stack | None) -> dict[str, str]:
    """Repositories without this commit's image, with the folder that fills each."""
    if stack is None:
        return dict(IMAGES)
    repositories = {
        stack.outputs[output]: folder
        for output, folder in IMAGES.items()
        if output in stack.outputs
    }
    if not repositories:
        return dict(IMAGES)
    if release.commit.endswith("-changed"):
        return repositories  # what was pushed under this tag may be of other changes
    return {
        repository: folder
        for repository, folder in repositories.items()
        if not release.cloud.has_image(repository, release.commit)
    }


# --- The site -------------------------------------------------------------------------------------


def upload_site(release: Release) -> None:
    """The page's files, entrance last; what is gone; then the edge is told."""
    stack = deployed(release)
    bucket = stack.outputs["Bucket"]
    current = site.files(release.root / FRONTEND, stack.outputs)
    present = release.cloud.keys(bucket, site.PREFIX)
    _say(f"site: {len(current)} files to s3://{bucket}/{site.PREFIX}")
    for file in current:
        release.cloud.upload(bucket, file)
    release.cloud.remove(bucket, site.gone(present, current))
    if distribution := stack.outputs.get("DistributionId"):
        _say("invalidation: the edge forgets the last page; this takes a minute")
        release.cloud.invalidate(distribution, "/*")


# --- Words ----------------------------------------------------------------------------------------


def _report(findings: Iterable[Finding]) -> None:
    """Print them. Raises NotReady when there is an error among them."""
    findings = list(findings)
    for finding in findings:
        print(f"  {_MARKS[finding.level]} {finding.sentence}")
    if not is_good(findings):
        raise NotReady("Nothing was made. Mend what is marked ✗ and start again.")


def _say(sentence: str) -> None:
    print(f"==> {sentence}", flush=True)


def _next_steps(stack: Stack) -> str:
    outputs = stack.outputs
    page = outputs.get("SiteUrl")
    lines = [
        f"The page: {page}" if page else "No page: Site=false.",
        f"The API:  {outputs['ApiUrl']}",
    ]
    if pool := outputs.get("UserPoolId"):
        lines += [
            "The first user, with a password of 12 letters or more:",
            "  read -rs PASSWORD",
            f"  aws cognito-idp admin-create-user --user-pool-id {pool} \\",
            "    --username you@example.org --message-action SUPPRESS",
            f"  aws cognito-idp admin-set-user-password --user-pool-id {pool} \\",
            '    --username you@example.org --permanent --password "$PASSWORD"',
            "Their token, good for an hour, and a first debate:",
            "  export DEBATE_TOKEN=$(aws cognito-idp admin-initiate-auth \\",
            f"    --user-pool-id {pool} --client-id {outputs['UserPoolClientId']} \\",
            "    --auth-flow ADMIN_USER_PASSWORD_AUTH --query AuthenticationResult.IdToken \\",
            '    --auth-parameters USERNAME=you@example.org,PASSWORD="$PASSWORD" --output text)',
            f"  debate --api {page or outputs['ApiUrl']} upload FILE --wait",
        ]
    lines.append(f"When something waits: debate doctor --stack {stack.name}")
    return "\n".join(lines)
