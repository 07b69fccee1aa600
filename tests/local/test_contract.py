"""The API's contract, tried by schemathesis at the gateway of the deployed stack: IAM enforced, the
JWT authorizer at the door, every check, and sequences of calls that follow the contract's links.

EXAMPLES says how many of each kind are tried: few in every run of the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local.site import running_site

pytestmark = pytest.mark.emulator

EXAMPLES = os.environ.get("EXAMPLES", "2")


def test_no_call_is_answered_otherwise_than_the_contract_says(tmp_path: Path) -> None:
    with running_site(tmp_path) as site:
        site.silence()
        gateway = f"{site.deployed.endpoint()}/_aws/execute-api/{site.stack.outputs['ApiId']}"
        base = f"{gateway}/$default"
        command = [str(Path(sys.executable).with_name("st"))]
        command += ["--config-file", str(Path(__file__).with_name("schemathesis.toml"))]
        command += ["run", f"{base}/api/openapi.json", "--url", base]
        command += ["--header", f"Authorization: Bearer {site.deployed.token()}"]
        command += ["--checks", "all", "--max-examples", EXAMPLES, "--generation-deterministic"]
        command += ["--no-color", "--suppress-health-check", "all"]

        tried = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert tried.returncode == 0, tried.stdout[-20_000:] + tried.stderr
