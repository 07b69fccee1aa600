from __future__ import annotations

import json

from pydantic.alias_generators import to_snake

from debate_analyzer.statistics import EVIDENCE, Evidence, statistics_schema
from tests.world import ROOT

SCHEMA = ROOT / "docs" / "statistics.schema.json"


def test_the_schema_in_the_docs_is_the_one_that_is_published() -> None:
    """After a change: python -m tests.debate_analyzer.test_statistics"""
    assert json.loads(SCHEMA.read_text()) == statistics_schema()


def test_evidence_is_named_as_it_is_published() -> None:
    assert {to_snake(name) for name in EVIDENCE.values()} == set(Evidence.model_fields)


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(statistics_schema(), indent=1) + "\n")
