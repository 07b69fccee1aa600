from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cost.errors import NoMachine, UnknownFigure
from cost.machine import JobSize, Machine, cheapest, hourly_usd
from tests.cost.conftest import MACHINES, ROUND, made

JOB = JobSize(vcpus=4, memory_mib=14000, gpus=1, timeout_seconds=3600)


@pytest.mark.parametrize(
    ("machine", "jobs"),
    [
        (MACHINES["small.gpu"], 1),
        (MACHINES["large.gpu"], 4),
        (MACHINES["two.cpu"], 0),
        (Machine("little memory", "T4", vcpus=8, memory_gib=8, gpus=1), 0),
        (Machine("few cores", "T4", vcpus=4, memory_gib=64, gpus=4), 1),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_the_scarcest_thing_bounds_the_jobs_on_a_machine(machine: Machine, jobs: int) -> None:
    assert machine.holds(JOB) == jobs


@given(st.floats(0, 1))
def test_the_spot_share_moves_the_price_between_the_two(share: float) -> None:
    usd = hourly_usd(MACHINES["small.gpu"], share, made(ROUND))
    assert usd == pytest.approx(0.5 - 0.3 * share)


@pytest.mark.parametrize(("spot_share", "name"), [(0.0, "small.gpu"), (1.0, "large.gpu")])
def test_batch_takes_what_is_cheapest_a_job(spot_share: float, name: str) -> None:
    # On demand 0.50 against 3.00 / 4; at spot prices 0.20 against 0.40 / 4.
    chosen = cheapest(["small.gpu", "large.gpu"], JOB, spot_share, MACHINES, made(ROUND))
    assert chosen.name == name


def test_a_machine_that_is_too_small_is_not_taken_however_cheap() -> None:
    assert cheapest(["two.cpu", "small.gpu"], JOB, 0, MACHINES, made(ROUND)).name == "small.gpu"


def test_no_machine_for_the_job_is_said() -> None:
    with pytest.raises(NoMachine, match=r"None of two.cpu holds a job of 4 vCPUs, 14000 MiB and 1"):
        cheapest(["two.cpu"], JOB, 0, MACHINES, made(ROUND))


def test_an_instance_type_without_a_price_is_named() -> None:
    with pytest.raises(UnknownFigure, match=r"p5\.48xlarge has no price in cost/prices\.toml"):
        cheapest(["p5.48xlarge"], JOB, 0, MACHINES, made(ROUND))
