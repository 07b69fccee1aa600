from __future__ import annotations

from dataclasses import replace

import pytest

from cost.figure import Figures
from cost.sensitivity import effects
from tests.cost.conftest import a_load, model


def assuming(*names: str) -> Figures:
    figures = model().figures
    return Figures({n: replace(f, assumed=n in names) for n, f in figures.items()})


def test_the_effect_of_an_assumption_on_paper() -> None:
    guess = replace(model(), figures=assuming("ec2/small.gpu/on_demand"))
    (effect,) = effects(guess, a_load(), month=1)
    assert effect.name == "ec2/small.gpu/on_demand"
    assert effect.value == 0.5
    assert effect.halved_usd == pytest.approx(-15.2)
    assert effect.doubled_usd == pytest.approx(30.4)


def test_the_largest_comes_first_and_what_has_none_is_left_out() -> None:
    guess = replace(
        model(),
        figures=assuming("sqs/request", "recognition/large-v3/T4", "network/nat_gateway_hour"),
    )
    found = effects(guess, a_load(assumed=("files_a_start",)), month=1)
    assert [e.name for e in found] == [
        "load/files_a_start",  # halved, it doubles the 30.4 h of starting, and statistics' not
        "recognition/large-v3/T4",
        "sqs/request",
    ]


def test_a_worker_does_one_file_at_least_also_when_halved() -> None:
    (effect,) = effects(model(), a_load(files_a_start=1.0, assumed=("files_a_start",)), month=1)
    assert effect.halved_usd == 0
    assert effect.doubled_usd < 0
