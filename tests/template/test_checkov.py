"""checkov on every template as SAM expands it, where it sees three times as much."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.template.templates import TEMPLATES, expanded
from tests.world import ROOT

CHECKOV = ROOT / ".venv" / "checkov" / "bin" / "checkov"
SKIPS = Path(__file__).with_name("checkov.yaml")

Finding = tuple[str, str]  # a check, and `template resource`


def run_checkov(folder: Path) -> Any:
    """Its report. It exits with 1 when it finds something, and needs no network."""
    command = [CHECKOV, "--framework", "cloudformation", "--skip-download", "-o", "json"]
    done = subprocess.run(
        [*command, "--directory", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("expanded")
    for path in TEMPLATES:
        file = folder / path.relative_to(ROOT).with_suffix(".json")
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(expanded(path)))
    return run_checkov(folder)


def findings(report: Any) -> Iterator[Finding]:
    for check in report["results"]["failed_checks"]:
        template = Path(check["file_path"]).relative_to("/").with_suffix(".yaml")
        resource = check["resource"].rpartition(".")[2]
        yield check["check_id"], f"{template} {resource}"


def skips() -> list[Finding]:
    entries = yaml.safe_load(SKIPS.read_text())
    assert all(len(entry["why"].split()) > 3 for entry in entries)
    return [(entry["check"], resource) for entry in entries for resource in entry["resources"]]


def test_checkov_reads_every_template(report: Any) -> None:
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 100
    assert report["summary"]["skipped"] == 0  # by a comment in a template: they belong in SKIPS
    read = {Path(each["file_path"]).stem for each in report["results"]["passed_checks"]}
    assert read | {"network"} == {path.stem for path in TEMPLATES}  # it checks nothing of routes


def test_checkov_finds_nothing_that_is_not_reasoned_about(report: Any) -> None:
    assert set(findings(report)) - set(skips()) == set()


def test_no_reason_is_out_of_date(report: Any) -> None:
    assert set(skips()) - set(findings(report)) == set()
    assert [skip for skip, times in Counter(skips()).items() if times > 1] == []


def test_a_public_bucket_would_be_found(tmp_path: Path) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"AccessControl": "PublicRead"}}
    (tmp_path / "public.json").write_text(
        json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Bucket": bucket}})
    )
    assert ("CKV_AWS_20", "public.yaml Bucket") in set(findings(run_checkov(tmp_path)))
