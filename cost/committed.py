"""The committed figures: what each load costs today, so that a change of the bill is seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from cost.bill import Model, Part
from cost.knowledge import HERE, Knowledge

FILE = HERE / "committed.json"
FIRST, LATER = 1, 12
TOLERANCE = 0.10
BUDGET_USD, BUDGET_LOAD = 50_000, "hundred-thousand-a-day"

Committed = dict[str, dict[str, float]]


def figures_now(knowledge: Knowledge) -> Committed:
    """Of every load, with the template as it is: USD of months 1 and 12, and an audio hour's."""
    return {
        load.name: _of(knowledge.model(load), knowledge, load.name)
        for load in knowledge.loads.values()
    }


def read(path: Path = FILE) -> Committed:
    figures: Committed = json.loads(path.read_text())["loads"]
    return figures


def write(knowledge: Knowledge, path: Path = FILE) -> None:
    document = {
        "region": knowledge.region,
        "prices_of": knowledge.taken,
        "loads": figures_now(knowledge),
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def complaints(now: Committed, committed: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """A sentence for each figure that rose by more than the tolerance, or that nobody committed."""
    for load in sorted(set(now) ^ set(committed)):
        yield f"{load} is in only one of cost/loads.toml and cost/committed.json."
    for load in sorted(set(now) & set(committed)):
        for name, value in now[load].items():
            before = committed[load].get(name)
            if before is None:
                yield f"{load}: {name} is not committed."
            elif value > before * (1 + TOLERANCE):
                yield (
                    f"{load}: {name} rose from {before:,.4g} to {value:,.4g}. If that is meant, "
                    "run `python -m cost --commit` and commit cost/committed.json with the reason."
                )


def _of(model: Model, knowledge: Knowledge, load: str) -> dict[str, float]:
    first, later = (model.bill(knowledge.loads[load], month) for month in (FIRST, LATER))
    figures = {
        "month_1_usd": first.usd,
        "month_12_usd": later.usd,
        "compute_usd": first.part(Part.COMPUTE),
        "compute_usd_per_audio_hour": first.per_audio_hour(Part.COMPUTE),
        "fixed_usd": first.part(Part.FIXED),
    }
    return {name: round(value, 4) for name, value in figures.items()}
