"""The answer as tables."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table

from cost.answer import GOAL_FILES, GOAL_MINUTES, Answer, OfLoad
from cost.bill import Bill, Part
from cost.goal import GOAL_USD_PER_AUDIO_HOUR, Choice

_EFFECTS_SHOWN = 12
_SHOWN_UP_TO = 2.5 * GOAL_USD_PER_AUDIO_HOUR


def render(found: Answer) -> Iterator[RenderableType]:
    yield (
        f"Prices of {found.region}, {found.taken}: no free tier, no commitment, no tax. "
        "A month has 30.4 days. ~ stands before what rests on an assumed price or real-time factor."
    )
    for of in found.loads:
        yield Group("", _bill_table(of), _fleet_sentence(of))
    yield Group("", _choices_table(found))
    yield Group("", _affordable_table(found))
    for of in found.loads:
        yield Group("", _effects_table(of))


def _bill_table(of: OfLoad) -> Table:
    first, later = of.bills
    table = Table(title=f"{of.load.title}: {of.load.audio_hours:,.0f} h of audio a month")
    for column in ("USD", "month 1", "month 12", "an audio hour, month 1"):
        table.add_column(column, justify="left" if column == "USD" else "right")
    for part in Part:
        table.add_row(
            part,
            _marked(first, part, f"{first.part(part):,.2f}"),
            _marked(later, part, f"{later.part(part):,.2f}"),
            _marked(first, part, f"{first.per_audio_hour(part):.4f}"),
        )
    table.add_section()
    table.add_row("all", f"{first.usd:,.2f}", f"{later.usd:,.2f}", f"{first.per_audio_hour():.4f}")
    table.add_section()
    for offer in of.offers:
        usd = f"{offer.usd:,.2f}"
        table.add_row(
            f"{offer.title}, transcription alone", usd, usd, f"{offer.usd_per_audio_hour:.4f}"
        )
    return table


def _fleet_sentence(of: OfLoad) -> str:
    fleet = of.fleet
    sentence = (
        f"{fleet.machine.name}, {fleet.spot_share:.0%} spot, real-time factor "
        f"{fleet.real_time_factor:.3f}, {fleet.files_a_start:.0f} files a start: "
        f"{fleet.workers_needed:,.1f} workers on the busiest day."
    )
    if fleet.workers_needed > fleet.workers_allowed:
        sentence += (
            f" The template allows {fleet.workers_allowed}, so files would wait: raise "
            "TranscribeMaxWorkers and GpuMaxVcpus."
        )
    return sentence


def _choices_table(found: Answer) -> Table:
    shown = [choice for choice in found.choices if choice.least <= _SHOWN_UP_TO or choice.deployed]
    table = Table(
        title=f"USD of compute an audio hour, files of {GOAL_MINUTES:.0f} min; "
        f"the goal is {GOAL_USD_PER_AUDIO_HOUR}",
        caption=f"1 or 200 files a worker's start. * is the template's choice. "
        f"{len(found.choices) - len(shown)} dearer choices are in --json.",
    )
    for column in ("recognition", "diarization", "on"):
        table.add_column(column, no_wrap=True)
    table.add_column("RTF", justify="right")
    cells = [(purchase, files) for purchase in ("on_demand", "spot") for files in GOAL_FILES]
    for purchase, files in cells:
        table.add_column(f"{purchase.replace('_', ' ')}, {files}", justify="right", no_wrap=True)
    table.add_column("goal")
    for choice in shown:
        table.add_row(
            choice.recognizer,
            choice.diarizer,
            f"{choice.host} *" if choice.deployed else choice.host,
            f"{'~' if choice.assumed else ''}{choice.real_time_factor:.3f}",
            *(_price(choice, cell) for cell in cells),
            "yes" if choice.least <= GOAL_USD_PER_AUDIO_HOUR else "",
        )
    return table


def _price(choice: Choice, cell: tuple[str, int]) -> str:
    usd = choice.usd_per_audio_hour.get(cell)
    if usd is None:
        return ""
    return f"{'~' if choice.assumed or cell[0] in choice.assumed_prices else ''}{usd:.4f}"


def _affordable_table(found: Answer) -> Table:
    table = Table(
        title=f"The real-time factor (RTF) that reaches the goal, {max(GOAL_FILES)} files a start"
    )
    for column in ("on", "on demand", "spot"):
        table.add_column(column, justify="left" if column == "on" else "right")
    for host, factors in found.reaches:
        cells = [
            f"{'~' if purchase in host.assumed_prices else ''}{factors[purchase]:.3f}"
            if purchase in factors
            else ""
            for purchase in ("on_demand", "spot")
        ]
        table.add_row(f"{host.name} ({host.accelerator})", *cells)
    return table


def _effects_table(of: OfLoad) -> Table:
    table = Table(title=f"What hangs on each assumption, USD of month 12: {of.load.title}")
    for column in ("assumption", "value", "halved", "doubled"):
        table.add_column(column, justify="left" if column == "assumption" else "right")
    for effect in of.effects[:_EFFECTS_SHOWN]:
        table.add_row(
            effect.name,
            f"{effect.value:.4g} {effect.unit}",
            f"{effect.halved_usd:+,.2f}",
            f"{effect.doubled_usd:+,.2f}",
        )
    return table


def _marked(bill: Bill, part: Part, text: str) -> str:
    assumed = any(line.assumed and line.usd for line in bill.lines if line.part is part)
    return f"~{text}" if assumed else text
