"""Machines: what an instance type has, and which one Batch would take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cost.errors import NoMachine, UnknownFigure
from cost.figure import Figures

# Of a machine's memory, what the system and the ECS agent leave to containers.
_USABLE_MEMORY = 0.92


@dataclass(frozen=True)
class JobSize:
    """What a job definition asks for. `timeout_seconds` ends a worker, whatever it is doing."""

    vcpus: float
    memory_mib: float
    gpus: int
    timeout_seconds: float


@dataclass(frozen=True)
class Machine:
    """An EC2 instance type; `accelerator` is what real-time factors are known for."""

    name: str
    accelerator: str
    vcpus: int
    memory_gib: float
    gpus: int

    def holds(self, job: JobSize) -> int:
        """How many of these jobs run on one at a time."""
        bounds = [
            self.vcpus // job.vcpus,
            self.memory_gib * 1024 * _USABLE_MEMORY // job.memory_mib,
        ]
        if job.gpus:
            bounds.append(self.gpus // job.gpus)
        return int(min(bounds))


def read_machines(prices: Mapping[str, Any]) -> dict[str, Machine]:
    """The machines of the price file by instance type."""
    return {
        name: Machine(
            name=name,
            accelerator=table["accelerator"],
            vcpus=table["vcpus"],
            memory_gib=table["memory_gib"],
            gpus=table["gpus"],
        )
        for name, table in prices["ec2"].items()
        if isinstance(table, dict)
    }


def hourly_usd(machine: Machine, spot_share: float, figures: Figures) -> float:
    """USD an hour of which the share `spot_share` (0 to 1) is bought at the spot price."""
    spot = figures.value(f"ec2/{machine.name}/spot")
    on_demand = figures.value(f"ec2/{machine.name}/on_demand")
    return spot_share * spot + (1 - spot_share) * on_demand


def price_is_assumed(machine: Machine, spot_share: float, figures: Figures) -> bool:
    """Whether one of the prices that go into `hourly_usd` is."""
    used = {"spot": spot_share > 0, "on_demand": spot_share < 1}
    return any(
        figures[f"ec2/{machine.name}/{name}"].assumed for name, is_used in used.items() if is_used
    )


def cheapest(
    names: Iterable[str],
    job: JobSize,
    spot_share: float,
    machines: Mapping[str, Machine],
    figures: Figures,
) -> Machine:
    """The one that costs least an hour and job, which is what Batch's allocation strategies prefer.

    BEST_FIT_PROGRESSIVE takes the cheapest that fits; SPOT_PRICE_CAPACITY_OPTIMIZED also looks at
    how many there are, which nobody can foresee:
    https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html
    """
    names = list(names)
    for name in names:
        if name not in machines:
            raise UnknownFigure(
                f"{name} has no price in cost/prices.toml. Add [ec2.{name!r}] or leave it out."
            )
    fitting = [machines[name] for name in names if machines[name].holds(job)]
    if not fitting:
        raise NoMachine(
            f"None of {', '.join(names)} holds a job of {job.vcpus:g} vCPUs, "
            f"{job.memory_mib:g} MiB and {job.gpus} GPUs. Choose larger instance types."
        )
    return min(fitting, key=lambda m: hourly_usd(m, spot_share, figures) / m.holds(job))
