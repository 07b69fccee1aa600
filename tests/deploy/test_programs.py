"""The programs that a deployment runs, by recorders on PATH."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from debate_analyzer.errors import Misconfigured
from deploy.programs import Images, ProgramFailed, Sam, builder, commit
from tests.deploy.conftest import Programs


def test_the_layer_is_built_for_the_functions_processor(programs: Programs, checkout: Path) -> None:
    programs.install("sam")
    Sam(checkout, "eu-west-1").build("x86_64")
    assert programs.lines() == ["sam build --parameter-overrides Arch=x86_64"]


def test_sam_is_told_everything_and_asks_nothing(programs: Programs, checkout: Path) -> None:
    programs.install("sam")
    given = {"GpuInstanceTypes": "g6.xlarge,g5.xlarge", "JwtIssuer": "", "Title": 'two "words"'}
    Sam(checkout, "eu-west-1").deploy("prod", "debates", given)
    (line,) = programs.lines()
    assert line.startswith("sam deploy --config-env prod --stack-name debates --region eu-west-1")
    assert "--no-confirm-changeset" in line
    path = line.partition("file://")[2]
    assert path.endswith(".yaml")
    assert json.loads(Path(path).read_text()) == given


def test_cloudformation_may_be_given_a_role_of_its_own(programs: Programs, checkout: Path) -> None:
    programs.install("sam")
    Sam(checkout, "eu-west-1").deploy("prod", "debates", {})
    Sam(checkout, "eu-west-1", "arn:role").deploy("prod", "debates", {})
    without, with_role = programs.lines()
    assert "--role-arn" not in without
    assert with_role.endswith("--role-arn arn:role")


def test_what_fails_is_named(programs: Programs, checkout: Path) -> None:
    programs.install("sam")
    programs.fail("sam", "build")
    with pytest.raises(ProgramFailed, match=r"`sam build` failed \(exit 3\)"):
        Sam(checkout, "eu-west-1").build("arm64")


def test_what_is_not_there_is_named(programs: Programs, checkout: Path) -> None:
    with pytest.raises(Misconfigured, match="sam is not installed"):
        Sam(checkout, "eu-west-1").build("arm64")


def test_a_password_goes_by_standard_input_alone(programs: Programs, checkout: Path) -> None:
    programs.install("docker")
    Images("docker", checkout).log_in("registry.example", "s3cret")
    (call,) = programs.calls()
    assert call["stdin"] == "s3cret"
    assert "s3cret" not in " ".join(call["arguments"])


def test_images_are_built_from_the_root_for_the_machines_of_batch(
    programs: Programs, checkout: Path
) -> None:
    programs.install("podman")
    Images("podman", checkout).build("batch_images/stats/Dockerfile", ["r:1", "r:latest"])
    assert programs.lines() == [
        "podman build --platform linux/amd64 --file batch_images/stats/Dockerfile "
        "--tag r:1 --tag r:latest ."
    ]


def test_docker_comes_before_podman(programs: Programs) -> None:
    assert builder().name is None
    programs.install("podman")
    assert builder().name == "podman"
    programs.install("docker")
    assert builder().name == "docker"


def test_an_engine_that_does_not_answer_says_why(programs: Programs) -> None:
    programs.install("docker")
    programs.fail("docker", "info")
    assert builder().problem == "docker does not work (no space left)"


def test_an_image_bears_the_commit_and_says_when_files_differ(checkout: Path) -> None:
    clean = commit(checkout)
    assert re.fullmatch(r"[0-9a-f]{40}", clean)
    (checkout / "file").write_text("two")
    assert commit(checkout) == f"{clean}-changed"


def test_without_a_commit_there_is_no_tag(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no checkout"):
        commit(tmp_path)
