"""The answer to a question about cost, whole: what the tables show and `--json` writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cost.bill import Bill, Fleet, Model, Part
from cost.committed import FIRST, LATER
from cost.goal import GOAL_USD_PER_AUDIO_HOUR, Choice, Host, affordable, choices, hosts
from cost.hosted import Offer, offers
from cost.knowledge import Knowledge
from cost.load import Load
from cost.sensitivity import Effect, effects

# Of the table of choices: files of so many minutes, and a worker that does one, or many of them.
GOAL_MINUTES, GOAL_FILES = 10.0, (1, 200)


@dataclass(frozen=True)
class OfLoad:
    """`effects` are on month 12, when what is kept shows."""

    load: Load
    fleet: Fleet
    bills: tuple[Bill, Bill]
    offers: list[Offer]
    effects: list[Effect]


@dataclass(frozen=True)
class Answer:
    """`reaches` are the hosts with the real-time factor that they afford, by purchase."""

    region: str
    taken: str
    loads: list[OfLoad]
    choices: list[Choice]
    reaches: list[tuple[Host, dict[str, float]]]


def answer(knowledge: Knowledge, loads: list[Load], given: Mapping[str, str]) -> Answer:
    """`given` are parameters of the template. Raises a DebateError that says what to change."""
    model = knowledge.model(given=given)
    return Answer(
        region=knowledge.region,
        taken=knowledge.taken,
        loads=[_of_load(knowledge, knowledge.model(load, given), load) for load in loads],
        choices=sorted(choices(model, GOAL_MINUTES, GOAL_FILES), key=lambda choice: choice.least),
        reaches=[(host, _affordable(model, host)) for host in hosts(model)],
    )


def as_json(found: Answer) -> dict[str, Any]:
    """Everything, in names with units."""
    return {
        "region": found.region,
        "prices_of": found.taken,
        "goal_usd_per_audio_hour": GOAL_USD_PER_AUDIO_HOUR,
        "loads": {of.load.name: _load_as_json(of) for of in found.loads},
        "choices": [
            {
                **asdict(choice),
                "assumed_prices": sorted(choice.assumed_prices),
                "usd_per_audio_hour": [
                    {"purchase": purchase, "files_a_start": files, "usd": usd}
                    for (purchase, files), usd in choice.usd_per_audio_hour.items()
                ],
            }
            for choice in found.choices
        ],
        "affordable_real_time_factor": {host.name: rtf for host, rtf in found.reaches},
    }


def _load_as_json(of: OfLoad) -> dict[str, Any]:
    return {
        "load": asdict(of.load),
        "audio_hours": of.load.audio_hours,
        "fleet": asdict(of.fleet),
        "bills": {
            f"month_{bill.month}": {
                "usd": bill.usd,
                "usd_per_audio_hour": bill.per_audio_hour(),
                "parts_usd": {part: bill.part(part) for part in Part},
                "lines": [asdict(line) for line in bill.lines],
            }
            for bill in of.bills
        },
        "hosted": [asdict(offer) for offer in of.offers],
        "effects_on_month_12_usd": [asdict(effect) for effect in of.effects],
    }


def _of_load(knowledge: Knowledge, model: Model, load: Load) -> OfLoad:
    return OfLoad(
        load=load,
        fleet=model.fleet(load),
        bills=(model.bill(load, FIRST), model.bill(load, LATER)),
        offers=list(offers(load.audio_hours, knowledge.hosted, knowledge.figures)),
        effects=effects(model, load, LATER),
    )


def _affordable(model: Model, host: Host) -> dict[str, float]:
    return {
        purchase: affordable(model, host, purchase, max(GOAL_FILES), GOAL_MINUTES)
        for purchase in host.usd_an_hour
    }
