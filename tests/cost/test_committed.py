"""The guard: the bill does not rise unseen, and stays within the budget."""

from __future__ import annotations

from pathlib import Path

import pytest

from cost import committed
from cost.committed import BUDGET_LOAD, BUDGET_USD, complaints
from cost.knowledge import HERE, Knowledge


def test_no_committed_figure_has_risen_by_more_than_a_tenth(knowledge: Knowledge) -> None:
    assert list(complaints(committed.figures_now(knowledge), committed.read())) == []


@pytest.mark.parametrize("month", [1, 12])
def test_a_hundred_thousand_files_a_day_stay_within_the_budget(
    knowledge: Knowledge, month: int
) -> None:
    load = knowledge.loads[BUDGET_LOAD]
    assert load.files_a_day == 100_000
    assert load.spike_files_a_day == 300_000
    assert knowledge.model(load).bill(load, month).usd <= BUDGET_USD


def test_so_many_files_find_enough_workers_on_the_busiest_day(knowledge: Knowledge) -> None:
    load = knowledge.loads[BUDGET_LOAD]
    fleet = knowledge.model(load).fleet(load)
    assert fleet.workers_needed <= fleet.workers_allowed


@pytest.mark.parametrize(
    ("now", "sentences"),
    [
        ({"a": {"usd": 110.0}}, []),
        ({"a": {"usd": 50.0}}, []),
        ({"a": {"usd": 111.0}}, ["a: usd rose from 100 to 111. If that is meant, run"]),
        ({"a": {"usd": 100.0, "new": 1.0}}, ["a: new is not committed."]),
        ({"a": {"usd": 100.0}, "b": {"usd": 1.0}}, ["b is in only one of cost/loads.toml"]),
        ({}, ["a is in only one of cost/loads.toml"]),
    ],
)
def test_what_is_complained_of(now: dict[str, dict[str, float]], sentences: list[str]) -> None:
    found = list(complaints(now, {"a": {"usd": 100.0}}))
    assert len(found) == len(sentences)
    assert all(text.startswith(start) for text, start in zip(found, sentences, strict=True))


def test_a_change_of_the_template_is_noticed(knowledge: Knowledge) -> None:
    load = knowledge.loads["hundred-users"]
    before = {load.name: {"usd": knowledge.model(load).bill(load, 1).usd}}
    bigger = knowledge.model(load, {"DatabaseInstanceClass": "db.t4g.medium"})
    after = {load.name: {"usd": bigger.bill(load, 1).usd}}
    assert [text.split(":")[0] for text in complaints(after, before)] == [load.name]


def test_what_is_written_can_be_read(knowledge: Knowledge, tmp_path: Path) -> None:
    committed.write(knowledge, tmp_path / "committed.json")
    assert committed.read(tmp_path / "committed.json") == committed.figures_now(knowledge)


def test_the_document_shows_the_committed_figures() -> None:
    document = (HERE.parent / "docs" / "cost.md").read_text()
    for load, figures in committed.read().items():
        row = f"| {figures['month_1_usd']:,.0f} | {figures['month_12_usd']:,.0f} |"
        assert row in document, load


def test_the_document_says_what_watching_costs(knowledge: Knowledge) -> None:
    document = (HERE.parent / "docs" / "cost.md").read_text()
    watching = knowledge.model(knowledge.loads[BUDGET_LOAD]).deployment
    paid = watching.alarm_metrics * knowledge.figures.value("cloudwatch/alarm_month")
    assert f"alarms: {watching.alarm_metrics} metrics that they read | {paid:.2f} |" in document
