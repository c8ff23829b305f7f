"""A bar chart as SVG text: for every measurement one bar per engine, on a logarithmic scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Bars", "svg"]

WIDTH, LABEL_WIDTH, VALUE_WIDTH = 860, 250, 130
BAR_HEIGHT, GAP = 16, 22
COLOURS = ("#0b7285", "#e8590c")


@dataclass(frozen=True)
class Bars:
    """One measurement: what it is, and (engine, value, the value as text) for each engine."""

    title: str
    values: Sequence[tuple[str, float, str]]


def svg(title: str, groups: Sequence[Bars]) -> str:
    """The whole picture. A bar's length is the logarithm of its value within its own group's decades."""
    parts, y = [_text(12, 24, title, size=16, weight="bold")], 48
    for group in groups:
        parts.append(_text(12, y + 13, group.title))
        for position, (engine, value, text) in enumerate(group.values):
            length = _length(value, [v for _, v, _ in group.values])
            colour = COLOURS[position % len(COLOURS)]
            parts.append(_bar(LABEL_WIDTH, y, length, colour))
            parts.append(_text(LABEL_WIDTH + length + 8, y + 13, f"{text}  {engine}", colour=colour))
            y += BAR_HEIGHT + 3
        y += GAP
    body = "\n".join(parts)
    frame = f'<rect width="{WIDTH}" height="{y}" fill="white"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" font-family="sans-serif">'
    return f"{head}\n{frame}\n{body}\n</svg>\n"


def _length(value: float, of: Sequence[float]) -> int:
    low = math.log10(min(of)) - 0.3
    share = (math.log10(value) - low) / (math.log10(max(of)) - low)
    return max(4, round(share * (WIDTH - LABEL_WIDTH - VALUE_WIDTH - 40)))


def _bar(x: int, y: int, length: int, colour: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{length}" height="{BAR_HEIGHT}" rx="2" fill="{colour}"/>'


def _text(
    x: int, y: int, text: str, *, size: int = 13, weight: str = "normal", colour: str = "#212529"
) -> str:
    style = f'font-size="{size}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'
