"""A plot of lines over two logarithmic axes, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 40, 40, 50
_COLOURS = ("#1b5e9e", "#b3541e", "#4a7a2c")


@dataclass(frozen=True)
class Line:
    """`points`: (x, y), both above zero."""

    name: str
    points: Sequence[tuple[float, float]]


def draw(lines: Sequence[Line], *, x: str, y: str) -> str:
    """The document. `x` and `y` name the axes; each axis goes from one power of ten to another."""
    columns = _decades([point[0] for line in lines for point in line.points])
    rows = _decades([point[1] for line in lines for point in line.points])

    def place(point: tuple[float, float]) -> tuple[float, float]:
        right = (math.log10(point[0]) - columns[0]) / (columns[-1] - columns[0])
        up = (math.log10(point[1]) - rows[0]) / (rows[-1] - rows[0])
        return (
            _LEFT + right * (WIDTH - _LEFT - _RIGHT),
            HEIGHT - _BOTTOM - up * (HEIGHT - _TOP - _BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for column in columns:
        at, bottom = place((10.0**column, 10.0 ** rows[0]))
        parts.append(_rule(at, bottom, at, _TOP))
        parts.append(_text(at, bottom + 18, f"{10**column:,}", "middle"))
    for row in rows:
        left, at = place((10.0 ** columns[0], 10.0**row))
        parts.append(_rule(left, at, WIDTH - _RIGHT, at))
        parts.append(_text(left - 8, at + 4, f"{10.0**row:g}", "end"))
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 10, x, "middle"))
    parts.append(_text(14, _TOP - 18, y, "start"))
    for number, line in enumerate(lines):
        colour = _COLOURS[number]
        places = [place(point) for point in line.points]
        path = " ".join(f"{right:.1f},{down:.1f}" for right, down in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in places]
        parts.append(_text(_LEFT + 12, _TOP + 18 * (number + 1), line.name, "start", colour))
    return "\n".join([*parts, "</svg>", ""])


def _decades(values: Sequence[float]) -> range:
    """Exponents from at or below the least to at or above the greatest; two at least."""
    least, greatest = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return range(least, max(greatest, least + 1) + 1)


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#333") -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {where} fill="{colour}">{escape(text)}</text>'
