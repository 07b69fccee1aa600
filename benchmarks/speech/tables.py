"""Results as tables in Markdown, which reads in a terminal as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.speech.intervals import Interval
from benchmarks.speech.results import ClipResult, Difference, KindResult, Rate, Spread
from benchmarks.speech.scoring import DiarizationErrors

_WIDTH = 240


def show(
    kinds: Sequence[KindResult],
    differences: Sequence[Difference],
    clips: Sequence[ClipResult],
    *,
    reference: str,
) -> None:
    """Print what there is: rates in %, boundary errors in ms."""
    console = Console(width=_WIDTH, soft_wrap=True, highlight=False, markup=False)
    for title, table in (
        ("Words, by kind", _words(kinds)),
        ("Turns, by kind", _turns(kinds)),
        (f"How much higher {reference}'s rate is, in points", _differences(differences)),
        ("Time and memory, by kind", _costs(kinds)),
        ("Clip by clip", _clips(clips)),
    ):
        if table.row_count:
            console.print(f"\n### {title}\n")
            console.print(table)


def _words(kinds: Sequence[KindResult]) -> Table:
    table = _table("kind", "engine", "clips", "WER", "cpWER", "word bounds, median", "p90", "of")
    for k in kinds:
        if k.wer:
            bounds = _spread(k.word_boundaries)
            table.add_row(
                *(k.kind, k.engine, str(k.wer.clips), _rate(k.wer), _rate(k.cp_wer), *bounds)
            )
    return table


def _turns(kinds: Sequence[KindResult]) -> Table:
    table = _table(
        *("kind", "engine", "clips", "DER", "missed", "false alarm", "confusion"),
        *("DER, collar 0.25", "speakers right", "off by", "turn bounds, median", "p90", "of"),
    )
    for k in kinds:
        if k.der:
            table.add_row(
                *(k.kind, k.engine, str(k.der.clips), _rate(k.der)),
                *map(_percent, (k.missed, k.false_alarm, k.confusion)),
                *(_rate(k.der_with_collar), f"{k.speakers_right}/{k.der.clips}"),
                *(f"{k.speakers_off:+.2f}", *_spread(k.turn_boundaries)),
            )
    return table


def _differences(differences: Sequence[Difference]) -> Table:
    table = _table("kind", "figure", "than", "difference", "95 % interval")
    for d in differences:
        value, interval = f"{100 * d.value:+.1f}", _interval(d.interval, sign="+")
        table.add_row(d.kind, d.figure, d.engine, value, interval)
    return table


def _costs(kinds: Sequence[KindResult]) -> Table:
    table = _table("kind", "engine", "minutes", "RTF", "CPU", "ratio", "load, s", "peak, MiB")
    alone = {k.kind: k.cpu_factor for k in kinds if k.engine == "faster_whisper"}
    for k in kinds:
        ratio = f"{k.cpu_factor / alone[k.kind]:.2f}" if k.kind in alone else ""
        table.add_row(
            *(k.kind, k.engine, f"{k.duration / 60:.1f}", f"{k.real_time_factor:.3f}"),
            *(f"{k.cpu_factor:.3f}", ratio, f"{k.load_seconds:.1f}", f"{k.peak_mib:.0f}"),
        )
    return table


def _clips(clips: Iterable[ClipResult]) -> Table:
    table = _table(
        *("clip", "kind", "seconds", "engine", "WER", "cpWER", "unassigned", "DER", "missed"),
        *("false alarm", "confusion", "DER, collar 0.25", "speakers", "RTF"),
    )
    for _, of_one in groupby(sorted(clips, key=lambda c: (c.kind, c.clip)), key=lambda c: c.clip):
        for c in of_one:
            cp_wer = c.speaker_words[0] / c.speaker_words[1] if c.speaker_words else None
            table.add_row(
                *(c.clip, c.kind, f"{c.duration:.1f}", c.engine),
                *(_percent(c.words.errors / c.words.words if c.words else None), _percent(cp_wer)),
                "" if c.unassigned_words is None else str(c.unassigned_words),
                *_parts(c.turns),
                _percent(_der(c.turns_with_collar)),
                f"{c.speakers[0]}/{c.speakers[1]}" if c.speakers else "",
                f"{c.seconds / c.duration:.3f}",
            )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.MARKDOWN)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _der(turns: DiarizationErrors | None) -> float | None:
    return turns.errors / turns.speech if turns else None


def _parts(turns: DiarizationErrors | None) -> list[str]:
    if turns is None:
        return [""] * 4
    parts = (turns.errors, turns.missed, turns.false_alarm, turns.confusion)
    return [_percent(part / turns.speech) for part in parts]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return ""
    interval = _interval(rate.interval)
    return f"{_percent(rate.value)} ({interval})" if interval else _percent(rate.value)


def _interval(interval: Interval | None, sign: str = "") -> str:
    if interval is None:
        return ""
    low, high = (f"{100 * edge:{sign}.1f}" for edge in interval)
    return f"{low} to {high}"


def _spread(spread: Spread | None) -> tuple[str, str, str]:
    if spread is None:
        return "", "", ""
    return f"{1000 * spread.median:.0f}", f"{1000 * spread.p90:.0f}", str(spread.count)
