"""The few SVG primitives that the charts are made of.

Positions across are percentages and positions down are pixels: a chart then fills a phone and a
wide screen alike and its letters keep their size. Colours come from CSS classes alone, so that
light, dark, print and forced colours need no second drawing, and no ``style=`` is needed, which
strict content policies forbid. Attributes without spaces go without quotes, as HTML allows: a page
with hundreds of charts is a tenth smaller for it.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from pytest_aipm.records import Limit, Verdict

__all__ = [
    "PHONE",
    "Axis",
    "chart",
    "ends",
    "fit",
    "fold",
    "gutter",
    "line",
    "mark",
    "percent_at",
    "rect",
    "row",
    "spread",
    "text",
    "ticks",
    "upright",
    "width",
    "wrapped",
]

_ROUND = ("pass", "")
"""The stylesheet knows how large these and the square are."""
_SHAPES = {
    "inconclusive": '<path d="M0-7 7 0 0 7-7 0z"/>',
    "warn": '<path d="M0-6 6.5 5.5H-6.5z"/>',
    "waived": '<circle r="5" class="o"/><path d="M0-5a5 5 0 0 0 0 10z"/>',
    "not_judged": '<circle r="4.5" class="o"/>',
    "error": '<path d="M-5-5 5 5M5-5-5 5" class="o"/>',
}


PHONE = 306
"""Pixels across a chart on a phone of 390 px."""
WHOLE = 300
"""Characters of a name that was cut which are still there to point at."""


def percent_at(position: float) -> str:
    """Return a position across as a short percentage."""
    return f"{position:.1f}".removesuffix(".0") + "%"


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

    def round_values(self, wanted: int = 5) -> list[float]:
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
    """Return one chart as an ``svg`` element with its name and, if any, its description."""
    more = f"<desc>{escape(desc)}</desc>" if desc else ""
    return (
        f'<svg class="c {kind}" role=img height={height:g}>'
        f"<title>{escape(title)}</title>{more}{''.join(body)}</svg>"
    )


def row(y: float, kind: Verdict | str, body: Iterable[str]) -> str:
    """Return parts moved down to `y`; their own zero is there. `kind` is their CSS class."""
    return f"<svg y={y:g}{_class(kind)}>{''.join(body)}</svg>"


def ends(limit: Limit | None) -> list[float]:
    """Return the ends that a limit has, the lower first."""
    return [] if limit is None else [x for x in (limit.min, limit.max) if x is not None]


def wrapped(element: str, words: str) -> str:
    """Return words, but no novel, in an element that a pointer or a screen reader gives away."""
    words = words if len(words) <= WHOLE else words[: WHOLE - 1] + "…"
    return f"<{element}>{escape(words)}</{element}>"


def _class(kind: str) -> str:
    return f" class={kind}" if kind else ""


def text(words: str, *, x: str = "", y: float = 0, kind: str = "", whole: str = "") -> str:
    """Return a text; `kind` is ``e`` (ends at x), ``m`` (middle) or another class.

    `whole` is what `words` were cut from: who points at the text reads it all.
    """
    across = f" x={x}" if x else ""
    down = f" y={y:g}" if y else ""
    # The stylesheet knows that what stands at the right end also ends there.
    kind = "" if kind == "e" and x == "100%" else kind
    more = wrapped("title", whole) if whole and whole != words else ""
    return f"<text{across}{down}{_class(kind)}>{more}{escape(words)}</text>"


def line(start: str, end: str) -> str:
    """Return a level line at the zero of its row."""
    return f"<line x1={start} x2={end} />"


def upright(x: str) -> str:
    """Return the line of a limit, from the top of the chart to above its axis."""
    return f"<rect x={x} class=lim />"


def rect(left: float, right: float, height: float | None, kind: str = "", *, y: float = 0) -> str:
    """Return a rectangle between two percentages, from `y` down; None: its class has the height."""
    wide = percent_at(max(right - left, 0.0))
    x = f" x={percent_at(left)}" if left else ""
    down = f" y={y:g}" if y else ""
    high = "" if height is None else f" height={height:g}"
    return f"<rect{x}{down} width={wide}{high}{_class(kind)} />"


def mark(x: str, shape: Verdict | str) -> str:
    """Return a mark at `x` of its row: a shape for each verdict, so that colour is not alone."""
    if shape in _ROUND:
        return f"<circle cx={x} />"
    if shape == "then":
        return f"<rect x={x} class=o />"
    if shape == "fail":
        return f"<rect x={x} class=q />"
    return f"<svg x={x}>{_SHAPES[str(shape)]}</svg>"


def ticks(scale: Axis, y: float | None, labels: Iterable[tuple[float, str]]) -> str:
    """Return the labels of an axis at height `y`: as many as a phone has room for.

    Without a height they stand in no row of their own: the stylesheet knows their chart.
    """
    kept, parts = list(labels), []
    while len(kept) > 1 and sum(width(label) + 12 for _, label in kept) > PHONE:
        kept = kept[::2]
    for value, label in kept:
        position, half = scale.position(value), 50 * width(label) / PHONE
        # Labels at the ends are turned inwards: they must not leave the chart.
        kind = "s" if position < half else "e" if position > 100 - half else ""
        parts.append(text(label, x=scale.at(value), kind=kind))
    return "".join(parts) if y is None else row(y, "t", parts)


_NARROW = frozenset("ijltfrI1.,:;|'!()[]- ·")
_BROAD = frozenset("mwMW@%—…")


@lru_cache(maxsize=4096)
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


@lru_cache(maxsize=4096)
def width(words: str) -> float:
    """Return the pixels that `words` need at most at 12 px."""
    return sum(map(_pixels, words))


def gutter(labels: Iterable[str], pixels: float) -> float:
    """Return the percentage that labels of an upright axis need in a chart `pixels` wide."""
    widest = max(map(width, labels), default=0.0)
    return round(min(100 * (widest + 10) / pixels, 36.0), 1)


def fit(words: str, pixels: float) -> str:
    """Return `words` cut with an ellipsis so that they fit into `pixels` at 12 px."""
    if len(words) * 12.2 <= pixels and words.isascii():
        return words
    if width(words) <= pixels:
        return words
    return words[: _reach(words, pixels - _pixels("…"))].rstrip() + "…"


def fold(words: str, first: float, second: float) -> tuple[str, str]:
    """Return `words` on one line of `first` pixels or, where that is too short, on two."""
    if width(words) <= first:
        return words, ""
    end = _reach(words, first)
    space = words.rfind(" ", 0, end + 1)
    end = space if space > 0 else end
    return words[:end].rstrip(), fit(words[end:].lstrip(), second)


def _reach(words: str, pixels: float) -> int:
    """Return how many characters fit into `pixels`."""
    for i, character in enumerate(words):
        pixels -= _pixels(character)
        if pixels < 0:
            return i
    return len(words)
