"""Figures: every number of the model that is not the template's, with its unit and its source.

Prices, real-time factors and footprints are read from TOML into one flat mapping of names such as
`lambda/request`, so that each can be looked up, shown and, for the sensitivity, scaled.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

from cost.errors import UnknownFigure

_INHERITED = ("unit", "source", "assumed")


@dataclass(frozen=True)
class Step:
    """`each` applies to the quantity above the step before and up to `up_to`."""

    up_to: float
    each: float


@dataclass(frozen=True)
class Figure:
    """A number, or one that changes with volume; `assumed` where no source could be checked."""

    name: str
    unit: str
    source: str
    assumed: bool
    steps: tuple[Step, ...]

    @property
    def value(self) -> float:
        """Of the first step: the list price."""
        return self.steps[0].each

    def times(self, quantity: float) -> float:
        """`quantity` at the price of each step it reaches into."""
        total, below = 0.0, 0.0
        for step in self.steps:
            total += max(0.0, min(quantity, step.up_to) - below) * step.each
            below = step.up_to
        return total

    def scaled(self, factor: float) -> Figure:
        """The same figure with every step multiplied."""
        steps = tuple(replace(step, each=step.each * factor) for step in self.steps)
        return replace(self, steps=steps)


@dataclass(frozen=True)
class Figures(Mapping[str, Figure]):
    """All of them by name. Raises UnknownFigure for a name that is not there."""

    by_name: Mapping[str, Figure]

    @classmethod
    def of(cls, *documents: Mapping[str, Any]) -> Figures:
        """From parsed TOML: every table with `value` or `steps` is a figure named by its path."""
        return cls({f.name: f for document in documents for f in _figures(document, (), {})})

    def __getitem__(self, name: str) -> Figure:
        try:
            return self.by_name[name]
        except KeyError:
            raise UnknownFigure(
                f"{name} is not in cost/*.toml. Add it there, with its source, or choose another."
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)

    def value(self, name: str) -> float:
        return self[name].value

    def times(self, name: str, quantity: float) -> float:
        return self[name].times(quantity)

    def scaled(self, name: str, factor: float) -> Figures:
        """A copy with one figure multiplied."""
        return Figures({**self.by_name, name: self[name].scaled(factor)})


def read_toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def _figures(
    table: Mapping[str, Any], path: tuple[str, ...], inherited: Mapping[str, Any]
) -> Iterator[Figure]:
    known = {**inherited, **{key: table[key] for key in _INHERITED if key in table}}
    if "value" in table or "steps" in table:
        steps = table.get("steps") or [[inf, table.get("value")]]
        yield Figure(
            name="/".join(path),
            unit=known.get("unit", ""),
            source=known.get("source", ""),
            assumed=known.get("assumed", False),
            steps=tuple(Step(float(up_to), float(each)) for up_to, each in steps),
        )
        return
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _figures(value, (*path, key), known)
