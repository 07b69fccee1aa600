"""What a function must not pay for before it knows that it needs it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.world import ROOT

HEAVY = ("boto3", "botocore.session", "asyncio")  # each a fifth of a cold start, or more


@pytest.mark.parametrize(
    "function", ["submit", "track", "sweep", "publish", "index", "search", "api"]
)
def test_a_function_is_ready_before_boto3_is_there(function: str) -> None:
    path = [ROOT / "functions" / function, ROOT / "layers" / "shared"]
    source = f"import handler, sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    imported = subprocess.run(
        [sys.executable, "-c", source], env=environment, check=True, capture_output=True, text=True
    )
    assert imported.stdout.split() == []
