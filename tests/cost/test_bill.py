from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cost.bill import Part, real_time_factor
from cost.deployment import Database
from cost.errors import UnknownFigure
from cost.load import Load
from cost.machine import JobSize
from tests.cost.conftest import ROUND, a_load, made, model

# --- On paper -------------------------------------------------------------------------------------
# 100 files a day are 3,040 a month, of 6 minutes and 1 GiB each, ten a start.
# At a real-time factor of 0.06 + 0.04 a file takes 36 s: 30.4 h at work.
# 304 starts of 100 + 150 + 50 + 40 + 20 s: 30.4 h of starting and waiting.
# Statistics: 304 starts of 10 x 1 s + 40 s + 20 s: 5.9111 h.
PAPER = {
    "small.gpu, at work": 30.4 * 0.50,
    "small.gpu, starting and waiting": 30.4 * 0.50,
    "disks of the instances": 60.8 / 729.6 * 100 * 0.08,
    "statistics on Fargate": 304 * 70 / 3600 * (0.04 + 2 * 0.005),
    "functions behind queues": 3040 * 0.2 * 0.5 * 0.00001,
    "function of the API": 15200 * 0.1 * 0.5 * 0.00001,
    "public addresses": (60.8 + 304 * 70 / 3600) * 0.005,
    "recordings, Standard": 1520 * 0.02,  # 100 GiB a day, half a month on average
    "transcripts and statistics": 100 * 0.6 / 1024 * 15.2 * 0.02,
    "table": 100 * 8 / 1024**2 * 15.2 * 0.25,
    "table, recovery": 100 * 8 / 1024**2 * 15.2 * 0.20,
    "logs kept": (3040 * 16 + 15200) / 1024**2 / 2 * 0.03,
    "S3, writing": 30_400 * 5e-6,
    "S3, reading": (30_400 + 3040) * 0.4e-6,
    "SQS": 60_800 * 0.4e-6,
    "table, writing": 304_000 * 1e-6,
    "table, reading": (91_200 + 30_400) * 0.1e-6,
    "HTTP API": 15_200 * 1e-6,
    "function calls": (6080 + 15_200) * 0.2e-6,
    "events": 0.0,
    "logs written": (3040 * 16 + 15200) / 1024**2 * 0.5,
    "pages and figures": 3040 / 1024 * 0.1,
    "requests of pages": 30_400 * 1e-6,
    "recordings watched": 3040 * 0.5 * 0.09,
    "database, db.t4g.micro": 729.6 * 0.01,
    "database, disk": 20 * 0.1,
    "secrets": 0.80,
    "keys": 0.0,
    "alarms": 0.50,
    "dashboards": 0.0,
    "metrics": 9.0,
    "metrics of the site": 0.0,
    "images": 14 * 0.1,
    "NAT gateways": 0.0,
    "interface endpoints": 0.0,
    "polling empty queues": 43_776 * 3 * 15 * 0.4e-6,
    "sweeps, calls": 43_776 * 0.2e-6,
    "sweeps, reading": 43_776 * 4 * 0.1e-6,
    "sweeps, logs": 43_776 * 2 / 1024**2 * 0.5,
    "sweeps": 43_776 * 0.2 * 0.5 * 0.00001,
}


def test_a_bill_on_paper() -> None:
    bill = model().bill(a_load(), month=1)
    assert {line.name: line.usd for line in bill.lines} == pytest.approx(PAPER)
    assert bill.usd == pytest.approx(sum(PAPER.values()))
    assert bill.per_audio_hour() == pytest.approx(sum(PAPER.values()) / 304)
    assert bill.part(Part.COMPUTE) == pytest.approx(31.7064, abs=1e-4)


# --- Arithmetic -----------------------------------------------------------------------------------

loads = st.builds(
    a_load,
    files_a_day=st.floats(0, 1e5),
    minutes=st.floats(0.1, 300),
    mib=st.floats(0, 5000),
    files_a_start=st.floats(1, 1000),
    stats_files_a_start=st.floats(1, 1000),
    chunks=st.floats(0, 100),
    views_a_file=st.floats(0, 100),
    watched_share=st.floats(0, 1),
)
months = st.integers(1, 24)


@given(loads, months)
def test_the_parts_add_up_to_the_whole(load: Load, month: int) -> None:
    bill = model().bill(load, month)
    assert sum(bill.part(part) for part in Part) == pytest.approx(bill.usd)
    assert all(line.usd >= 0 for line in bill.lines)


@given(loads, months)
def test_no_load_costs_the_fixed_part_and_nothing_else(load: Load, month: int) -> None:
    bill = model().bill(replace(load, files_a_day=0.0, users=0.0), month)
    assert bill.usd == bill.part(Part.FIXED) > 0
    assert bill.per_audio_hour() == 0


@given(loads, months, st.floats(1, 10))
def test_what_is_not_tiered_is_in_proportion_to_the_files(
    load: Load, month: int, times: float
) -> None:
    once = model().bill(load, month)
    more = model().bill(replace(load, files_a_day=load.files_a_day * times), month)
    for part in Part:
        expected = once.part(part) * (1 if part is Part.FIXED else times)
        assert more.part(part) == pytest.approx(expected)


@given(loads, months, st.sampled_from(["files_a_day", "minutes", "mib", "views_a_file"]))
def test_more_of_anything_costs_no_less(load: Load, month: int, field: str) -> None:
    more = replace(load, **{field: getattr(load, field) * 1.5})
    assert model().bill(more, month).usd >= model().bill(load, month).usd * (1 - 1e-9)


@given(loads)
def test_storage_grows_from_month_to_month_and_the_rest_does_not(load: Load) -> None:
    first, later = (model().bill(load, month) for month in (1, 12))
    assert later.part(Part.STORAGE) >= first.part(Part.STORAGE)
    for part in set(Part) - {Part.STORAGE}:
        assert later.part(part) == first.part(part)


@given(loads, st.floats(1, 20))
def test_more_files_a_start_cost_no_more(load: Load, times: float) -> None:
    batched = replace(load, files_a_start=load.files_a_start * times)
    assert model().bill(batched, 1).usd <= model().bill(load, 1).usd * (1 + 1e-9)


# --- Compute --------------------------------------------------------------------------------------


@given(st.floats(0, 1))
def test_the_spot_share_moves_the_instances_between_the_two_prices(share: float) -> None:
    def instances(load: Load) -> float:
        lines = model().bill(load, 1).lines
        return sum(line.usd for line in lines if line.name.startswith("small.gpu"))

    assert instances(a_load(spot_share=0.0)) == pytest.approx(60.8 * 0.5)
    assert instances(a_load(spot_share=1.0)) == pytest.approx(60.8 * 0.2)
    assert instances(a_load(spot_share=share)) == pytest.approx(60.8 * (0.5 - 0.3 * share))


def test_the_template_decides_on_spot_unless_the_load_says_otherwise() -> None:
    assert model(use_spot=True).fleet(a_load()).spot_share == 1
    assert model(use_spot=True).fleet(a_load(spot_share=0.25)).spot_share == 0.25
    assert model().fleet(a_load()).spot_share == 0


def test_four_jobs_on_a_machine_pay_a_quarter_of_it_each() -> None:
    lines = model(gpu_instance_types=("large.gpu",), use_spot=True).bill(a_load(), 1).lines
    usd = {line.name: line.usd for line in lines}
    assert usd["large.gpu, at work"] == pytest.approx(30.4 * 0.4 / 4)
    assert usd["disks of the instances"] == pytest.approx(PAPER["disks of the instances"] / 4)


def test_the_job_definition_ends_a_worker_before_its_files_are_done() -> None:
    short = JobSize(vcpus=4, memory_mib=14000, gpus=1, timeout_seconds=180)
    assert model(transcribe=short).fleet(a_load(files_a_start=10)).files_a_start == 180 / 36
    # A file that takes longer than that still takes a whole start.
    assert model(transcribe=short).fleet(a_load(minutes=60)).files_a_start == 1


def test_a_real_time_factor_that_is_given_takes_the_place_of_the_engines() -> None:
    fleet = model().fleet(a_load(real_time_factor=0.2))
    assert (fleet.real_time_factor, fleet.work_hours) == (0.2, pytest.approx(60.8))


def test_workers_are_needed_for_the_busiest_day_and_bounded_by_both_limits() -> None:
    load = a_load(files_a_day=2400, spike_files_a_day=7200, spike_days=1)
    fleet = model(gpu_max_vcpus=10, transcribe_max_workers=16).fleet(load)
    assert fleet.workers_needed == pytest.approx(7200 * 36 / 86400)
    assert fleet.workers_allowed == 2
    assert model(transcribe_max_workers=1).fleet(load).workers_allowed == 1


def test_without_a_diarizer_there_is_only_recognition() -> None:
    assert real_time_factor("large-v3", "none", "T4", made(ROUND)) == pytest.approx(0.06)


def test_a_model_that_nobody_has_timed_is_named() -> None:
    with pytest.raises(UnknownFigure, match="recognition/huge/T4"):
        model(whisper_model="huge").bill(a_load(), 1)


@pytest.mark.parametrize(
    ("changes", "hourly"),
    [
        ({}, 0.04 + 2 * 0.005),
        ({"stats_architecture": "ARM64"}, 0.03 + 2 * 0.004),
        ({"cpu_on_fargate": False}, 0.1),
    ],
)
def test_statistics_run_where_the_template_says(changes: dict[str, object], hourly: float) -> None:
    lines = [x for x in model(**changes).bill(a_load(), 1).lines if x.name.startswith("statistics")]
    assert [line.usd for line in lines] == [pytest.approx(304 * 70 / 3600 * hourly)]


def test_each_function_is_billed_for_its_own_memory() -> None:
    memory = {"ApiFunction": 1024.0, "SweepFunction": 128.0, "SubmitFunction": 512.0}
    usd = {x.name: x.usd for x in model(function_memory_mib=memory).bill(a_load(), 1).lines}
    assert usd["function of the API"] == pytest.approx(PAPER["function of the API"] * 2)
    assert usd["sweeps"] == pytest.approx(PAPER["sweeps"] / 4)
    assert usd["functions behind queues"] == pytest.approx(PAPER["functions behind queues"])


def test_fargate_bills_a_minute_at_least() -> None:
    figures = made({**ROUND, "stats_start/start": 1.0})
    quick = replace(model(linger_seconds=1.0), figures=figures)
    lines = quick.bill(a_load(stats_files_a_start=1), 1).lines
    hours = next(line.quantity for line in lines if line.name == "statistics on Fargate")
    assert hours == pytest.approx(3040 * 60 / 3600)


# --- Storage --------------------------------------------------------------------------------------


def stored(month: int, **changes: object) -> dict[str, float]:
    """GiB-months of recordings by name, and what else moving them brings."""
    lines = model(**changes).bill(a_load(), month).lines
    found: dict[str, float] = {}
    for line in lines:
        if line.name.startswith(("recordings, ", "recordings that", "monitoring")):
            found[line.name] = found.get(line.name, 0.0) + line.quantity
    return found


def test_recordings_that_expire_stop_growing() -> None:
    week = {"video_expiration_days": 7.6}
    for month in (2, 12):
        assert stored(month, **week) == {"recordings, Standard": pytest.approx(760)}


def test_recordings_move_and_all_of_them_are_somewhere() -> None:
    month = {"video_transition_days": 30.4}
    assert stored(2, **month) == {
        "recordings, Standard": pytest.approx(3040),
        "recordings, STANDARD_IA": pytest.approx(1520),
        "recordings that move": pytest.approx(3040),
    }
    assert stored(1, **month)["recordings, STANDARD_IA"] == 0


def test_a_class_bills_its_least_days_however_soon_recordings_expire() -> None:
    soon = {"video_transition_days": 10.0, "video_expiration_days": 20.0}
    assert stored(12, **soon)["recordings, STANDARD_IA"] == pytest.approx(3000)
    rare = {**soon, "video_storage_class": "GLACIER_IR"}
    assert stored(12, **rare)["recordings, GLACIER_IR"] == pytest.approx(9000)


def test_what_would_move_after_it_expired_never_moves() -> None:
    assert stored(12, video_transition_days=90.0, video_expiration_days=30.0) == {
        "recordings, Standard": pytest.approx(3000)
    }


def test_intelligent_tiering_watches_objects_and_gets_cheaper_with_age() -> None:
    tiering = {"video_transition_days": 1.0, "video_storage_class": "INTELLIGENT_TIERING"}
    assert stored(12, **tiering)["monitoring"] == pytest.approx(100 * (11.5 * 30.4 - 1))
    lines = model(**tiering).bill(a_load(), 12).lines
    tiers = [x.quantity for x in lines if x.name == "recordings, INTELLIGENT_TIERING"]
    assert tiers[:2] == [pytest.approx(3000), pytest.approx(6000)]


def test_chunks_are_stored_beside_the_recording_that_they_become() -> None:
    usd = {x.name: x.usd for x in model().bill(a_load(chunks=36), 1).lines}
    assert usd["chunks of recordings"] == pytest.approx(PAPER["recordings, Standard"])
    assert usd["S3, writing"] == pytest.approx(3040 * (10 + 36 * 2) * 5e-6)
    assert usd["HTTP API"] == pytest.approx(3040 * (5 + 36 * 2) * 1e-6)


# --- The template's other choices -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "more_usd"),
    [
        ({"databases": ()}, -(7.296 + 2)),
        ({"databases": (Database("db.t4g.micro", 20, zones=2),)}, 7.296 + 2),
        ({"nat_gateways": 2}, 2 * 0.045 * 729.6),
        ({"interface_endpoint_zones": 4}, 4 * 0.01 * 729.6),
        ({"keys": 1}, 1.0),
        ({"dashboards": 1}, 3.0),
        ({"alarm_metrics": 15}, 1.0),
        ({"watched_sites": 1}, 2.4),
        ({"repositories": 0}, -1.4),
        ({"polled_queues": 0}, -43_776 * 45 * 0.4e-6),
        ({"function_architecture": "x86_64"}, 43_776 * 0.2 * 0.5 * 0.00001),
    ],
    ids=str,
)
def test_what_is_there_all_month(changes: dict[str, object], more_usd: float) -> None:
    plain, other = (model(**c).bill(a_load(), 1).part(Part.FIXED) for c in ({}, changes))
    assert other - plain == pytest.approx(more_usd)


@pytest.mark.parametrize(
    ("changes", "gone", "come"),
    [
        ({"public_addresses": False}, {"public addresses"}, set()),
        ({"site": False}, {"pages and figures", "requests of pages"}, {"figures, from S3"}),
        ({"customer_key": True}, set(), {"KMS"}),
        ({"own_user_pool": True}, set(), {"sign-in"}),
    ],
    ids=str,
)
def test_a_choice_brings_its_lines(
    changes: dict[str, object], gone: set[str], come: set[str]
) -> None:
    plain, other = ({x.name for x in model(**c).bill(a_load(), 1).lines} for c in ({}, changes))
    assert (plain - other, other - plain) == (gone, come)
