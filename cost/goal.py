"""Which engine, instance and batching bring an hour of audio to a cent of compute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from cost.bill import Model, real_time_factor, start_overhead_seconds
from cost.load import HOURS_A_MONTH

GOAL_USD_PER_AUDIO_HOUR = 0.01

RECOGNIZERS = (
    "large-v3",
    "large-v3-turbo",
    "distil-large-v3",
    "large-v3 unbatched",
    "large-v3-turbo unbatched",
    "small",
    "base",
)
DIARIZERS = ("pyannote", "onnx", "none")

# A worker on Fargate as large as the CPU instances: 4 vCPUs, 8 GiB.
_FARGATE = {"X86_64": "4 x86 vCPUs", "ARM64": "4 Graviton vCPUs"}
_FARGATE_VCPUS, _FARGATE_GIB = 4, 8


@dataclass(frozen=True)
class Host:
    """What a worker runs on: USD an hour by purchase, disk and address included.

    `accelerator` is what real-time factors are known for; Fargate has no spot price here.
    """

    name: str
    accelerator: str
    usd_an_hour: dict[str, float]
    assumed_prices: frozenset[str]


@dataclass(frozen=True)
class Choice:
    """USD an audio hour, keyed by (purchase, files a start). `assumed` is the real-time factor.

    `deployed`: the template would choose it."""

    recognizer: str
    diarizer: str
    host: str
    real_time_factor: float
    assumed: bool
    usd_per_audio_hour: dict[tuple[str, int], float]
    assumed_prices: frozenset[str]
    deployed: bool

    @property
    def least(self) -> float:
        return min(self.usd_per_audio_hour.values())


def choices(model: Model, minutes: float, files_a_start: tuple[int, ...]) -> Iterator[Choice]:
    """Every combination that a real-time factor is known for, for files of `minutes`."""
    it = model.deployment
    for host in hosts(model):
        for recognizer, diarizer in product(RECOGNIZERS, DIARIZERS):
            used = [f"recognition/{recognizer}/{host.accelerator}"]
            if diarizer != "none":
                used.append(f"diarization/{diarizer}/{host.accelerator}")
            if not all(name in model.figures.by_name for name in used):
                continue
            factor = real_time_factor(recognizer, diarizer, host.accelerator, model.figures)
            yield Choice(
                recognizer=recognizer,
                diarizer=diarizer,
                host=host.name,
                real_time_factor=factor,
                assumed=any(model.figures[name].assumed for name in used),
                usd_per_audio_hour={
                    (purchase, files): hourly * (factor + _start(model, files, minutes))
                    for purchase, hourly in host.usd_an_hour.items()
                    for files in files_a_start
                },
                assumed_prices=host.assumed_prices,
                deployed=(recognizer, diarizer) == (it.whisper_model, it.diarizer)
                and host.name in it.gpu_instance_types,
            )


def affordable(model: Model, host: Host, purchase: str, files: int, minutes: float) -> float:
    """The real-time factor that just reaches the goal; below 0 when starting costs too much."""
    hourly = host.usd_an_hour[purchase]
    return GOAL_USD_PER_AUDIO_HOUR / hourly - _start(model, files, minutes)


def hosts(model: Model) -> Iterator[Host]:
    """The machines of the price file that some engine runs on, and Fargate."""
    figures, it = model.figures, model.deployment
    known = {name.split("/")[2] for name in figures if name.startswith("recognition/")}
    address = figures.value("network/public_address_hour") if it.public_addresses else 0.0
    disk = it.worker_disk_gib * figures.value("ebs/gib_month") / HOURS_A_MONTH
    for machine in model.machines.values():
        if machine.accelerator not in known:
            continue
        prices = {name: figures[f"ec2/{machine.name}/{name}"] for name in ("on_demand", "spot")}
        yield Host(
            name=machine.name,
            accelerator=machine.accelerator,
            usd_an_hour={name: price.value + address + disk for name, price in prices.items()},
            assumed_prices=frozenset(name for name, price in prices.items() if price.assumed),
        )
    for architecture, accelerator in _FARGATE.items():
        hourly = _FARGATE_VCPUS * figures.value(f"fargate/{architecture}/vcpu_hour")
        hourly += _FARGATE_GIB * figures.value(f"fargate/{architecture}/gib_hour")
        name = f"Fargate {architecture}"
        yield Host(name, accelerator, {"on_demand": hourly + address}, frozenset())


def _start(model: Model, files: int, minutes: float) -> float:
    """Of starting and ending a worker, seconds a second of audio."""
    seconds = start_overhead_seconds(model.deployment.linger_seconds, model.figures)
    return seconds / (files * minutes * 60)
