"""What hangs on each assumption: the month's bill with it halved and doubled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cost.bill import Model
from cost.load import Load

_HALF, _DOUBLE = 0.5, 2.0


@dataclass(frozen=True)
class Effect:
    """USD that the month moves by when the assumption is halved and doubled."""

    name: str
    value: float
    unit: str
    halved_usd: float
    doubled_usd: float

    @property
    def reach(self) -> float:
        return max(abs(self.halved_usd), abs(self.doubled_usd))


def effects(model: Model, load: Load, month: int) -> list[Effect]:
    """Of every assumed figure and field of the load that has one, the largest first."""
    base = model.bill(load, month).usd
    found = [*_of_figures(model, load, month, base), *_of_load(model, load, month, base)]
    return sorted((e for e in found if e.reach > 0), key=lambda e: e.reach, reverse=True)


def _of_figures(model: Model, load: Load, month: int, base: float) -> Iterator[Effect]:
    for figure in model.figures.values():
        if not figure.assumed:
            continue
        halved, doubled = (
            replace(model, figures=model.figures.scaled(figure.name, factor)).bill(load, month).usd
            for factor in (_HALF, _DOUBLE)
        )
        yield Effect(figure.name, figure.value, figure.unit, halved - base, doubled - base)


def _of_load(model: Model, load: Load, month: int, base: float) -> Iterator[Effect]:
    for name in load.assumed:
        value = getattr(load, name)
        least = 1.0 if name.endswith("a_start") else 0.0  # a worker does one file at least
        halved, doubled = (
            model.bill(load.changed({name: max(least, value * factor)}), month).usd
            for factor in (_HALF, _DOUBLE)
        )
        yield Effect(f"load/{name}", value, "", halved - base, doubled - base)
