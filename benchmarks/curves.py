"""A plot of lines over time, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 40, 50
_COLOURS = ("#1b5e9e", "#b3541e", "#4a7a2c")
_MOST = 400  # points a line


@dataclass(frozen=True)
class Curve:
    """`points`: (x, y), by x, from 0 on."""

    name: str
    points: Sequence[tuple[float, float]]


def draw(curves: Sequence[Curve], *, x: str, y: str) -> str:
    """The document. `x` and `y` name the axes, which begin at 0."""
    columns = _ticks(max(point[0] for curve in curves for point in curve.points))
    rows = _ticks(max(point[1] for curve in curves for point in curve.points))

    def place(right: float, up: float) -> tuple[float, float]:
        return (
            _LEFT + right / columns[-1] * (WIDTH - _LEFT - _RIGHT),
            HEIGHT - _BOTTOM - up / rows[-1] * (HEIGHT - _TOP - _BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for column in columns:
        at, bottom = place(column, 0)
        parts.append(_rule(at, bottom, at, _TOP))
        parts.append(_text(at, bottom + 18, f"{column:g}", "middle"))
    for row in rows:
        left, at = place(0, row)
        parts.append(_rule(left, at, WIDTH - _RIGHT, at))
        parts.append(_text(left - 8, at + 4, f"{row:,.0f}", "end"))
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 10, x, "middle"))
    parts.append(_text(14, _TOP - 18, y, "start"))
    for number, curve in enumerate(curves):
        some = curve.points[:: math.ceil(len(curve.points) / _MOST)]
        path = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in some)
        colour = _COLOURS[number]
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(WIDTH - _RIGHT - 8, _TOP + 18 * (number + 1), curve.name, "end", colour))
    return "\n".join([*parts, "</svg>", ""])


def _ticks(most: float) -> list[float]:
    """From 0 to at or above `most`, at steps of 1, 2 or 5 by a power of ten, eight at most."""
    power = 10.0 ** math.floor(math.log10(most / 5))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if most / step <= 8)
    return [step * number for number in range(math.ceil(most / step) + 1)]


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#333") -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {where} fill="{colour}">{escape(text)}</text>'
