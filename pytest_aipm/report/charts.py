"""Charts as pure functions from numbers to SVG text.

Every chart answers one question and holds no number that its table does not. Shape says the
verdict as colour does: circle pass, square fail, diamond inconclusive, triangle warn, half circle
waived, ring not judged, cross error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_aipm.records import Limit, Verdict
from pytest_aipm.report.svg import Axis, axis, chart, fit, mark, rect, rule, spread, text

__all__ = ["Cell", "Row", "forest", "heat_map", "ratio_bars", "ruler", "spark"]

Number = float | None
Show = Callable[[Number], str]

LABEL, RIGHT = 200, 118
"""Pixels for a row's name and for its numbers: together they fit a phone of 390 px."""


@dataclass(frozen=True)
class Row:
    """One line of a chart.

    Attributes
    ----------
    name : str
        The group, or what the bar stands for.
    value, low, high : float or None
        The estimate and the ends of its interval; None is drawn as nothing.
    right : str
        Text at the right end.
    shape : Verdict or str
        A verdict where the row decides, else ``group``; ``not_judged`` for groups left out.
    """

    name: str
    value: Number
    low: Number = None
    high: Number = None
    right: str = ""
    shape: Verdict | str = "group"


@dataclass(frozen=True)
class Cell:
    """One cell of a heat map; `value` is None where it is withheld or undefined."""

    row: str
    column: str
    value: Number
    n: int
    judged: bool = True
    withheld: bool = False


def _band(scale: Axis, limit: Limit | None, top: float, height: float) -> str:
    """Return the allowed range, shaded."""
    if limit is None or (limit.min is None and limit.max is None):
        return ""
    left = scale.left if limit.min is None else scale.position(limit.min)
    right = scale.right if limit.max is None else scale.position(limit.max)
    return rect(left, top, right, height, "ok")


def _lines(scale: Axis, limit: Limit | None, top: float, height: float) -> str:
    """Return the lines of the limit."""
    ends = [x for x in _ends(limit) if scale.low <= x <= scale.high]
    return "".join(rule(scale.at(x), top, scale.at(x), top + height, "lim") for x in ends)


def _ground(scale: Axis, limit: Limit | None, height: float, show: Show) -> list[str]:
    """Return what lies behind the marks: allowed range, axis, and the limit above both."""
    ticks = [(value, show(value)) for value in scale.ticks(4)]
    return [
        _band(scale, limit, 0, height),
        axis(scale, height, ticks),
        _lines(scale, limit, 0, height),
    ]


def _interval(scale: Axis, row: Row, y: float) -> str:
    """Return the interval of a row; an open end is drawn to the edge."""
    if row.low is None and row.high is None:
        return ""
    low = scale.low if row.low is None else row.low
    high = scale.high if row.high is None else row.high
    return rule(scale.at(low), y, scale.at(high), y, f"i {row.shape}")


def _ends(limit: Limit | None) -> list[float]:
    return [] if limit is None else [x for x in (limit.min, limit.max) if x is not None]


def ruler(row: Row, limit: Limit | None, then: Number, show: Show, *, title: str, desc: str) -> str:
    """Return one value with its interval on a line, the allowed range shaded.

    `then` is the value of the approved baseline, drawn as an upright stroke.
    """
    # From zero, where only an upper limit is set: half of a small limit must look like half.
    zero = 0.0 if limit is not None and limit.min is None else None
    scale = spread([row.value, row.low, row.high, then, zero, *_ends(limit)])
    parts = _ground(scale, limit, 40, show)
    if then is not None:
        parts.append(mark(scale.at(then), 20, "then"))
    parts.append(_interval(scale, row, 20))
    if row.value is not None:
        parts.append(mark(scale.at(row.value), 20, row.shape))
    return chart(parts, kind="ruler", height=60, title=title, desc=desc)


def forest(rows: Sequence[Row], allowed: Limit | None, show: Show, *, title: str, desc: str) -> str:
    """Return a forest plot: a point and an interval for each group, the allowed range shaded.

    Parameters
    ----------
    rows : sequence of Row
        One row a group, in the order drawn.
    allowed : Limit or None
        The range of values that the limit leaves to a group.
    show : callable
        Prints a number of the axis.
    title, desc : str
        Name and description for those who do not see it.
    """
    ends = [x for row in rows for x in (row.value, row.low, row.high)]
    scale = spread([*ends, *_ends(allowed)], share=True)
    height = 38 * len(rows)
    parts = _ground(scale, allowed, height + 4, show)
    for number, row in enumerate(rows):
        top = 38 * number
        parts.append(text("0", top + 15, fit(row.name, LABEL)))
        parts.append(text("100%", top + 15, fit(row.right, RIGHT), "e q"))
        parts.append(_interval(scale, row, top + 27))
        if row.value is not None:
            parts.append(mark(scale.at(row.value), top + 27, row.shape))
    return chart(parts, kind="forest", height=height + 24, title=title, desc=desc)


def ratio_bars(
    rows: Sequence[Row], limit: Limit | None, show: Show, *, title: str, desc: str
) -> str:
    """Return bars from zero against the line of the limit; whiskers where there are intervals."""
    ends = [x for row in rows for x in (row.value, row.low, row.high)]
    known = [x for x in ends if x is not None] + _ends(limit) + [0.0]
    low, high = min(known) * 1.04, max(known) * 1.04
    scale = Axis(low, high if high > low else low + 1.0)
    height = 34 * len(rows)
    parts = _ground(scale, limit, height + 4, show)
    for number, row in enumerate(rows):
        top = 34 * number
        parts.append(text("0", top + 14, fit(row.name, LABEL)))
        parts.append(text("100%", top + 14, fit(row.right, RIGHT), "e q"))
        if row.value is not None:
            ends_at = sorted((scale.position(0.0), scale.position(row.value)))
            parts.append(rect(ends_at[0], top + 19, ends_at[1], 10, f"b {row.shape}"))
        if row.low is not None or row.high is not None:
            parts.append(_interval(scale, row, top + 24))
        if row.value is not None and row.shape != "group":
            parts.append(mark(scale.at(row.value), top + 24, row.shape))
    return chart(parts, kind="bars", height=height + 24, title=title, desc=desc)


def heat_map(cells: Sequence[Cell], show: Show, *, title: str, desc: str) -> str:
    """Return a grid of two attributes: the rate over the count; darker is higher.

    Cells that are not judged have a dashed outline; withheld ones say so. The grid has its own
    width in pixels and is meant to stand in a region that scrolls.
    """
    rows = list(dict.fromkeys(cell.row for cell in cells))
    columns = list(dict.fromkeys(cell.column for cell in cells))
    wide, high, label, head = 92, 44, 132, 24
    known = [cell.value for cell in cells if cell.value is not None]
    low, high_value = (min(known), max(known)) if known else (0.0, 1.0)
    parts = [
        text(f"{label + wide * (i + 0.5):g}", 15, fit(name, wide - 8), "m")
        for i, name in enumerate(columns)
    ]
    parts += [
        text("0", head + high * (i + 0.5) + 4, fit(name, label - 8)) for i, name in enumerate(rows)
    ]
    for cell in cells:
        x = label + wide * columns.index(cell.column)
        y = head + high * rows.index(cell.row)
        step = 0
        if cell.value is not None and high_value > low:
            step = round(4 * (cell.value - low) / (high_value - low))
        shade = "off" if cell.value is None else f"h{step}"
        edge = "" if cell.judged else " nj"
        parts.append(
            f'<rect x="{x + 1}" y="{y + 1}" width="{wide - 2}" height="{high - 2}" rx="3" '
            f'class="{shade}{edge}"/>'
        )
        middle = f"{x + wide / 2:g}"
        value = "withheld" if cell.withheld else "none" if cell.value is None else show(cell.value)
        parts.append(text(middle, y + 19, value, "m"))
        parts.append(text(middle, y + 35, f"n {cell.n:,}", "m q"))
    size = label + wide * len(columns)
    svg = chart(parts, kind="heat", height=head + high * len(rows) + 2, title=title, desc=desc)
    return svg.replace('width="100%"', f'width="{size}"', 1)


def spark(row: Row, limit: Limit | None) -> str:
    """Return the value against its limit in a table cell: beyond to the left, inside to the right.

    Each row has its own scale; the limit always stands in the middle, so that one glance down the
    column tells what is beyond, what is inside and which intervals cross. Decoration: the numbers
    stand beside it, so it is hidden from screen readers.
    """
    ends = _ends(limit)
    if row.value is None or not ends:
        return ""
    # The nearer end of the limit is the one that is drawn.
    bound = min(ends, key=lambda x: abs((row.value or 0.0) - x))
    sign = 1 if limit is not None and bound == limit.min else -1
    away = [sign * (x - bound) for x in (row.value, row.low, row.high) if x is not None]
    reach = max(map(abs, away)) * 1.12 or 1.0
    scale = Axis(-reach, reach, 4, 96)
    at = Row("", away[0], min(away), max(away), shape=row.shape)
    line = _interval(scale, at, 9) if len(away) > 1 else ""
    return (
        '<svg class="c spark" width="104" height="18" aria-hidden="true">'
        f"{rect(50, 0, 100, 18, 'ok')}{rule('50%', 0, '50%', 18, 'lim')}{line}"
        f"{mark(scale.at(away[0]), 9, row.shape)}</svg>"
    )
