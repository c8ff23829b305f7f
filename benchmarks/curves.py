"""Curves over a common axis as SVG text, one below the other, each from zero up."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Curve", "svg"]

WIDTH, LEFT, RIGHT, HEIGHT, GAP = 860, 90, 30, 110, 50
COLOUR = "#0b7285"


@dataclass(frozen=True)
class Curve:
    """What it shows, and its value at every place of the axis."""

    title: str
    values: Sequence[float]


def svg(title: str, at: Sequence[float], curves: Sequence[Curve]) -> str:
    """The whole picture."""
    parts, y = [_text(12, 24, title, size=16)], 60
    for curve in curves:
        parts += [_text(LEFT, y - 8, curve.title), *_curve(at, curve.values, y)]
        y += HEIGHT + GAP
    parts.append(_text(WIDTH - RIGHT, y - GAP + 16, f"{at[-1]:,.0f} batches", anchor="end"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" font-family="sans-serif">'
    body = "\n".join(parts)
    return f'{head}\n<rect width="{WIDTH}" height="{y}" fill="white"/>\n{body}\n</svg>\n'


def _curve(at: Sequence[float], values: Sequence[float], top: int) -> list[str]:
    high, span = max(values) * 1.1 or 1, WIDTH - LEFT - RIGHT
    points = " ".join(
        f"{LEFT + span * x / at[-1]:.1f},{top + HEIGHT * (1 - y / high):.1f}"
        for x, y in zip(at, values, strict=True)
    )
    frame = f'<rect x="{LEFT}" y="{top}" width="{span}" height="{HEIGHT}" fill="none" stroke="#ced4da"/>'
    line = f'<polyline points="{points}" fill="none" stroke="{COLOUR}" stroke-width="1.5"/>'
    return [
        frame,
        line,
        _text(LEFT - 8, top + 10, f"{high:,.0f}", anchor="end"),
        _text(LEFT - 8, top + HEIGHT, "0", anchor="end"),
    ]


def _text(x: int, y: int, text: str, *, size: int = 13, anchor: str = "start") -> str:
    style = f'font-size="{size}" text-anchor="{anchor}" fill="#212529"'
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'
