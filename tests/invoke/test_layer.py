"""The layer that `sam build` makes: small, with bytecode, and that bytecode is what is read."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.invoke.debian import PYTHON_VERSION
from tests.invoke.engine import IMAGE, Engine

_UNCHECKED = (1).to_bytes(4, "little")  # PEP 552: by hash, and the hash is not looked at


def test_the_archive_is_small(build: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "layer"), "zip", build / "SharedLayer")
    assert Path(archive).stat().st_size <= 6_000_000


def test_every_module_has_bytecode_that_needs_no_source(build: Path) -> None:
    layer = build / "SharedLayer" / "python"
    sources = list(layer.rglob("*.py"))
    assert sources
    for source in sources:
        bytecode = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        assert bytecode.read_bytes()[4:8] == _UNCHECKED, source


def test_the_runtime_reads_the_bytecode(containers: Engine, build: Path) -> None:
    layer = build / "SharedLayer" / "python"
    said = containers.run(
        *("--volume", f"{layer}:/opt/python:ro", "--env", "PYTHONPATH=/opt/python"),
        *("--entrypoint", f"python{PYTHON_VERSION}", IMAGE),
        *("-v", "-c", "import aws_lambda_powertools, debate_analyzer.bootstrap"),
    )
    read = re.findall(r"# code object from '?(/opt/python/[^'\n]+)", said)
    assert "/opt/python/debate_analyzer/__pycache__/job.cpython-313.pyc" in read
    assert [path for path in read if not path.endswith(".pyc")] == []
