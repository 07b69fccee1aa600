"""Who may import whom."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.world import ROOT

DOMAIN = ROOT / "layers" / "shared" / "debate_analyzer"
OUTSIDE = {"aws", "bootstrap"}  # the adapter, and the composition root that names it
EMITTERS = {"metrics"}  # Powertools writes what CloudWatch reads: of functions alone


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


@pytest.mark.parametrize(
    "path",
    [p for p in DOMAIN.glob("*.py") if p.stem not in OUTSIDE | EMITTERS],
    ids=lambda p: p.stem,
)
def test_the_domain_imports_the_standard_library_pydantic_and_siblings(path: Path) -> None:
    allowed = set(sys.stdlib_module_names) | {"pydantic", "pydantic_core", "debate_analyzer"}
    imports = _imports(path)
    assert {name.split(".")[0] for name in imports} <= allowed
    assert not imports & {f"debate_analyzer.{name}" for name in OUTSIDE | EMITTERS}


def test_boto3_is_in_one_place() -> None:
    rooms = [DOMAIN, ROOT / "functions", ROOT / "batch_images"]
    users = {
        path.relative_to(ROOT).as_posix()
        for room in rooms
        for path in room.rglob("*.py")
        if any(name.split(".")[0] in ("boto3", "botocore") for name in _imports(path))
    }
    assert users == {"layers/shared/debate_analyzer/aws.py"}
