"""The Dockerfiles, as far as they can be judged without being built."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.world import ROOT

IMAGES = ["transcribe", "stats", "download"]
HADOLINT = Path(sys.executable).with_name("hadolint")


def dockerfile(image: str) -> Path:
    return ROOT / "batch_images" / image / "Dockerfile"


def hadolint(path: Path) -> str:
    """What it finds, of whatever severity."""
    done = subprocess.run([HADOLINT, "--no-color", path], capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout


def pins(path: Path) -> dict[str, set[str]]:
    """The versions of each package in a requirements file; several where markers choose."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", path.read_text(), re.MULTILINE):
        found[re.sub(r"[-_.]+", "-", name).lower()].add(version)
    return dict(found)


@pytest.mark.parametrize("image", IMAGES)
def test_hadolint_finds_nothing(image: str) -> None:
    assert hadolint(dockerfile(image)) == ""


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    careless = tmp_path / "Dockerfile"
    careless.write_text("FROM python\nRUN pip install requests\n")
    assert {"DL3006", "DL3013"} <= set(re.findall(r"DL\d+", hadolint(careless)))


def test_all_images_are_of_one_base() -> None:
    start = r"^ARG PYTHON=(.+)\nFROM \$\{PYTHON\}$"
    (base,) = {re.findall(start, dockerfile(image).read_text(), re.M)[0] for image in IMAGES}
    assert re.fullmatch(r"public\.ecr\.aws/docker/library/python:3\.13-slim-\w+", base)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_works_as_nobody_in_particular(image: str) -> None:
    content = dockerfile(image).read_text()
    assert re.findall(r"^USER (.+)$", content, re.M) == ["10001"]
    assert "useradd --uid 10001" in content


@pytest.mark.parametrize("image", IMAGES)
def test_every_package_is_pinned_by_hash(image: str) -> None:
    lock = dockerfile(image).with_name("requirements.txt")
    assert "--require-hashes" in dockerfile(image).read_text()
    for line in lock.read_text().splitlines():
        assert re.fullmatch(r"[\w.-]+==[^\\]+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line), line
    wanted = pins(lock.with_suffix(".in"))
    locked = pins(lock)
    assert wanted
    assert {name: locked.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_the_versions_that_are_tested(image: str) -> None:
    tested = pins(ROOT / "requirements" / "dev.txt")
    image_pins = pins(dockerfile(image).with_name("requirements.txt"))
    shared = image_pins.keys() & tested.keys()
    assert {"boto3", "pydantic"} <= shared
    assert {name for name in shared if not image_pins[name] <= tested[name]} == set()


def test_no_token_can_stay_in_an_image() -> None:
    content = dockerfile("transcribe").read_text()
    assert not re.search(r"^(ARG|ENV).*(TOKEN|token)", content, re.M)
    assert "--mount=type=secret,id=hf_token" in content
