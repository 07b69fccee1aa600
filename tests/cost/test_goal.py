from __future__ import annotations

import pytest

from cost.goal import GOAL_USD_PER_AUDIO_HOUR, Host, affordable, choices, hosts
from cost.knowledge import Knowledge
from tests.cost.conftest import model


def test_a_choice_on_paper() -> None:
    # 0.06 + 0.04, and 360 s of starting for ten files of 600 s: 0.06 more. An hour of small.gpu
    # with its address and its disk of 100 GiB: 0.50 + 0.005 + 8 / 729.6.
    found = {(c.host, c.recognizer, c.diarizer): c for c in choices(model(), 10, (10,))}
    choice = found["small.gpu", "large-v3", "pyannote"]
    hourly = 0.5 + 0.005 + 8 / 729.6
    assert choice.real_time_factor == pytest.approx(0.10)
    assert choice.usd_per_audio_hour["on_demand", 10] == pytest.approx(hourly * 0.16)
    assert choice.usd_per_audio_hour["spot", 10] == pytest.approx((hourly - 0.3) * 0.16)
    assert choice.least == choice.usd_per_audio_hour["spot", 10]
    assert choice.deployed
    assert not found["small.gpu", "large-v3", "none"].deployed
    assert not found["large.gpu", "large-v3", "pyannote"].deployed


def test_only_what_somebody_has_timed_is_offered() -> None:
    found = {(c.host, c.recognizer, c.diarizer) for c in choices(model(), 10, (1,))}
    gpus = {"small.gpu", "large.gpu"}
    assert found == {(h, "large-v3", d) for h in gpus for d in ("pyannote", "none")}


@pytest.mark.parametrize("files", [1, 200])
def test_the_affordable_factor_costs_just_the_goal(files: int) -> None:
    host = Host("h", "T4", {"spot": 0.2}, frozenset())
    factor = affordable(model(), host, "spot", files, minutes=10)
    start = 360 / (files * 600)
    assert 0.2 * (factor + start) == pytest.approx(GOAL_USD_PER_AUDIO_HOUR)


def test_some_choice_reaches_the_goal_and_the_template_is_among_the_choices(
    knowledge: Knowledge,
) -> None:
    found = list(choices(knowledge.model(), 10, (1, 200)))
    assert any(choice.least <= GOAL_USD_PER_AUDIO_HOUR for choice in found)
    assert any(choice.deployed for choice in found)


def test_every_instance_type_of_the_template_is_a_host(knowledge: Knowledge) -> None:
    it = knowledge.model()
    assert set(it.deployment.gpu_instance_types) <= {host.name for host in hosts(it)}
