"""docs/api.md does what it says, line by line, on the laptop stack."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.laptop import Laptop
from tests.world import ROOT

pytestmark = pytest.mark.e2e


def test_the_walk_of_the_api_s_page_can_be_walked(
    laptop: Laptop, excerpt: Path, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    blocks = re.findall(r"```bash\n(.*?)```", page, re.DOTALL)
    script = "\n".join(["set -euo pipefail", *blocks])

    walk = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "API": laptop.url,
            "FILE": str(excerpt),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert walk.returncode == 0, walk.stdout + walk.stderr
    assert "('COMPLETE', '/api/jobs/" in walk.stdout
    assert "Town hall, November" in walk.stdout
    assert "QUEUED\nCANCELLED" in walk.stdout
    assert {path.suffix for path in tmp_path.glob("transcript.*")} == {
        *(".json", ".srt", ".vtt", ".txt", ".csv", ".docx")
    }
