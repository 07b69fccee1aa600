"""The files of figures, read once: what `python -m cost` and its tests ask about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cost.bill import Model
from cost.deployment import Deployment
from cost.figure import Figures, read_toml
from cost.load import Load, read_loads
from cost.machine import Machine, read_machines
from cost.template import Template

HERE = Path(__file__).parent
TEMPLATE = HERE.parent / "template.yaml"


@dataclass(frozen=True)
class Knowledge:
    """`taken` is the date of the prices."""

    region: str
    taken: str
    figures: Figures
    machines: dict[str, Machine]
    hosted: dict[str, str]
    loads: dict[str, Load]

    @classmethod
    def read(cls, folder: Path = HERE) -> Knowledge:
        prices = read_toml(folder / "prices.toml")
        documents = [read_toml(folder / name) for name in ("engines.toml", "footprint.toml")]
        return cls(
            region=prices["region"],
            taken=prices["taken"],
            figures=Figures.of(prices, *documents),
            machines=read_machines(prices),
            hosted={name: table["title"] for name, table in prices["hosted"].items()},
            loads=read_loads(read_toml(folder / "loads.toml")),
        )

    def model(
        self,
        load: Load | None = None,
        given: Mapping[str, str] | None = None,
        template: Path = TEMPLATE,
    ) -> Model:
        """The template priced, with the parameters the load wants and, over them, those given."""
        parameters = {**(load.parameters if load else {}), **(given or {})}
        deployment = Deployment.of(Template.read(template, parameters))
        return Model(deployment, self.figures, self.machines)
