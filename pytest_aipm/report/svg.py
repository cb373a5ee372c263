"""The few SVG primitives that the charts are made of.

Positions across are percentages and positions down are pixels: a chart then fills a phone and a
wide screen alike and its letters keep their size. Colours come from CSS classes alone, so that
light, dark, print and forced colours need no second drawing, and no ``style=`` is needed, which
strict content policies forbid.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from pytest_aipm.records import Verdict

__all__ = [
    "Axis",
    "axis",
    "chart",
    "fit",
    "mark",
    "percent_at",
    "rect",
    "rule",
    "spread",
    "text",
]

_SHAPES = {
    "pass": '<circle r="5"/>',
    "fail": '<path d="M-5-5H5V5H-5z"/>',
    "inconclusive": '<path d="M0-7 7 0 0 7-7 0z"/>',
    "warn": '<path d="M0-6 6.5 5.5H-6.5z"/>',
    "waived": '<circle r="5" class="o"/><path d="M0-5a5 5 0 0 0 0 10z"/>',
    "not_judged": '<circle r="4.5" class="o"/>',
    "error": '<path d="M-5-5 5 5M5-5-5 5" class="o"/>',
    "group": '<circle r="4"/>',
    "then": '<path d="M0-8V8" class="o"/>',
}


def percent_at(position: float) -> str:
    """Return a position across as a short percentage."""
    return f"{position:.2f}".rstrip("0").rstrip(".") + "%"


@dataclass(frozen=True)
class Axis:
    """A scale from values to percentages of the chart's width.

    Attributes
    ----------
    low, high : float
        Values at the ends.
    left, right : float
        Percentages at the ends.
    log : bool
        Whether the scale is logarithmic; both ends are positive then.
    """

    low: float
    high: float
    left: float = 1.5
    right: float = 98.5
    log: bool = False

    def position(self, value: float) -> float:
        """Return where `value` lies, in percent; values outside are held at the ends."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        share = (at - low) / (high - low)
        return self.left + share * (self.right - self.left)

    def at(self, value: float) -> str:
        """Return where `value` lies, as an SVG percentage."""
        return percent_at(self.position(value))

    def ticks(self, wanted: int = 5) -> list[float]:
        """Return round values inside the axis, about `wanted` of them."""
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        step = _round_step((self.high - self.low) / wanted)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(i * step, 12) for i in range(first, last + 1)]


def _round_step(rough: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(k * power for k in (1, 2, 2.5, 5, 10) if rough <= k * power * 1.0001)


def spread(values: Iterable[float | None], *, share: bool = False) -> Axis:
    """Return an axis that holds all values with some air; shares stay inside 0 and 1."""
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    air = (high - low) * 0.08 or abs(high) * 0.1 or 0.5
    start, end = low - air, high + air
    if share and low >= 0 and high <= 1:
        start, end = max(start, 0.0), min(end, 1.0)
    elif low >= 0 > start:
        start = 0.0
    return Axis(start, end)


def chart(body: Iterable[str], *, kind: str, height: float, title: str, desc: str) -> str:
    """Return one chart as an ``svg`` element with its name and its description."""
    return (
        f'<svg class="c {kind}" role="img" width="100%" height="{height:g}">'
        f"<title>{escape(title)}</title><desc>{escape(desc)}</desc>{''.join(body)}</svg>"
    )


def text(x: str, y: float, words: str, kind: str = "") -> str:
    """Return a text; `kind` is ``e`` (ends at x), ``m`` (middle) or another class."""
    name = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y:g}"{name}>{escape(words)}</text>'


def rule(x1: str, y1: float, x2: str, y2: float, kind: str) -> str:
    """Return a line."""
    return f'<line x1="{x1}" y1="{y1:g}" x2="{x2}" y2="{y2:g}" class="{kind}"/>'


def rect(left: float, top: float, right: float, height: float, kind: str) -> str:
    """Return a rectangle between two percentages."""
    wide = percent_at(max(right - left, 0.0))
    return (
        f'<rect x="{percent_at(left)}" y="{top:g}" width="{wide}" height="{height:g}" '
        f'class="{kind}"/>'
    )


def mark(x: str, y: float, shape: Verdict | str, kind: str = "") -> str:
    """Return a mark centred at (x, y): a shape for each verdict, so that colour is not alone."""
    name = str(shape)
    classes = f"m {kind or name}"
    return f'<svg x="{x}" y="{y:g}" class="{classes}" overflow="visible">{_SHAPES[name]}</svg>'


def axis(scale: Axis, y: float, labels: Iterable[tuple[float, str]], *, top: float = 0) -> str:
    """Return the tick lines of an axis from `top` to `y`, and their labels below."""
    parts = []
    for value, label in labels:
        x, position = scale.at(value), scale.position(value)
        # Labels at the ends are turned inwards: they must not leave the chart.
        kind = "t s" if position < 6 else "t e" if position > 94 else "t m"
        parts.append(rule(x, top, x, y, "k") + text(x, y + 14, label, kind))
    return "".join(parts)


_NARROW = frozenset("ijltfrI1.,:;|'!()[]- ·")
_BROAD = frozenset("mwMW@%—…")


def _pixels(character: str) -> float:
    """Return a generous width of a character at 12 px in the widest common interface font."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF" or ord(character) > 0xFFFF:
        return 16.0
    if character in _NARROW:
        return 5.2
    if character in _BROAD:
        return 12.2
    return 9.0 if character.isupper() or ord(character) > 0x2FF else 7.8


def fit(words: str, pixels: float) -> str:
    """Return `words` cut with an ellipsis so that they fit into `pixels` at 12 px."""
    if sum(map(_pixels, words)) <= pixels:
        return words
    left, kept = pixels - _pixels("…"), []
    for character in words:
        left -= _pixels(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"
