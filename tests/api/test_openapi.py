"""The contract is made from the code. `python -m tests.api.test_openapi` writes it anew."""

from __future__ import annotations

import json
import re

import pytest

from debate_analyzer.api.openapi import document
from debate_analyzer.api.operation import operation
from debate_analyzer.api.routes import ROUTES, Route
from tests.world import ROOT

PATH = ROOT / "layers" / "shared" / "debate_analyzer" / "api" / "openapi.json"


def written() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def test_the_contract_is_what_the_code_does() -> None:
    assert PATH.read_text() == written(), "run python -m tests.api.test_openapi"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_function_takes_what_its_route_gives(route: Route) -> None:
    hints = set(operation(route).hints)
    known = {"body", "query", "caller", "settings", "key", "return"}

    assert hints - known == set(re.findall(r"\{(\w+)\}", route.path))
    assert operation(route).function.__doc__


def test_no_two_routes_answer_the_same() -> None:
    assert len({(route.method, route.pattern.pattern) for route in ROUTES}) == len(ROUTES)


if __name__ == "__main__":
    PATH.write_text(written())
