"""Charts as pure functions from numbers to SVG text.

Every chart answers one question and holds no number that its table does not. Shape says the
verdict as colour does: circle pass, square fail, diamond inconclusive, triangle warn, half circle
waived, ring not judged, cross error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from pytest_aipm.records import Limit, Verdict
from pytest_aipm.report.svg import (
    PHONE,
    Axis,
    chart,
    ends,
    fit,
    fold,
    line,
    mark,
    rect,
    row,
    spread,
    text,
    ticks,
    upright,
    width,
)

__all__ = ["RIGHT", "Cell", "Row", "bars", "forest", "heat_map", "ruler", "spark", "waterfall"]

Number = float | None
Show = Callable[[Number], str]

RIGHT = 190
"""Most pixels for the numbers of a row: a long name has a second line, numbers have not."""
FOLD = 15
"""Pixels that a name's second line adds to its row."""


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
        A verdict where the row decides, else empty; ``not_judged`` for groups left out.
    """

    name: str
    value: Number
    low: Number = None
    high: Number = None
    right: str = ""
    shape: Verdict | str = ""


@dataclass(frozen=True)
class Cell:
    """One cell of a heat map; `value` is None where it is withheld or undefined."""

    row: str
    column: str
    value: Number
    n: int
    judged: bool = True
    withheld: bool = False


def _ground(scale: Axis, limit: Limit | None, show: Show, *, grid: bool = True) -> list[str]:
    """Return what lies behind the marks: the allowed range, the limit's line and the axis."""
    parts = []
    if limit is not None and ends(limit):
        left = 0.0 if limit.min is None else scale.position(limit.min)
        right = 100.0 if limit.max is None else scale.position(limit.max)
        parts.append(rect(left, right, None, "ok"))
        inside = (x for x in ends(limit) if scale.low <= x <= scale.high)
        parts += [upright(scale.at(x)) for x in inside]
    labels = [(value, _plain(show(value))) for value in scale.round_values(3)]
    # The stylesheet makes hairlines of them, and lowers the labels to the foot of the chart.
    lines = [f"<rect x={scale.at(value)} />" for value, _ in labels] if grid else []
    return [*parts[:1], *lines, *parts[1:], ticks(scale, None, labels)]


def _plain(text: str) -> str:
    """Return a number of an axis without needless zeros: ``0.2`` for ``0.200``."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _interval(scale: Axis, at: Row) -> str:
    """Return the interval of a row; an open end is drawn to the edge."""
    if at.low is None and at.high is None:
        return ""
    low = scale.low if at.low is None else at.low
    high = scale.high if at.high is None else at.high
    return line(scale.at(low), scale.at(high))


def _name(at: Row) -> tuple[str, str]:
    """Return a row's name on one line or, where it is long, on two."""
    return _folded(at.name, at.right)


@lru_cache(maxsize=4096)
def _folded(name: str, right: str) -> tuple[str, str]:
    return fold(name, PHONE - width(fit(right, RIGHT)) - 10, PHONE)


def _labels(at: Row) -> str:
    """Return a row's name and numbers.

    The stylesheet lifts them above its line, and the second text to the right end.
    """
    first, second = _name(at)
    cut = at.name if second.endswith("…") else ""
    numbers = fit(at.right, RIGHT)
    up = -FOLD if second else 0
    return text(first, y=up) + text(numbers, y=up) + (text(second, whole=cut) if second else "")


def _heights(rows: Sequence[Row], each: int) -> list[int]:
    """Return how far down each row starts, and where the last one ends."""
    return list(accumulate((each + FOLD * bool(_name(at)[1]) for at in rows), initial=0))


def ruler(at: Row, limit: Limit | None, then: Number, show: Show, *, title: str, desc: str) -> str:
    """Return one value with its interval on a line, the allowed range shaded.

    `then` is the value of the approved baseline, drawn as an upright stroke.
    """
    drawn = [at.value, at.low, at.high, then, *ends(limit)]
    least = min((x for x in drawn if x is not None), default=0.0)
    if limit is not None and limit.min is None and limit.max and 0 <= least < limit.max / 2:
        drawn.append(0.0)  # half of the limit must look like half
    scale = spread(drawn)
    parts = [] if then is None else [mark(scale.at(then), "then")]
    parts.append(_interval(scale, at))
    if at.value is not None:
        parts.append(mark(scale.at(at.value), at.shape))
    body = [*_ground(scale, limit, show, grid=False), row(20, at.shape, parts)]
    return chart(body, kind="ruler", height=60, title=title, desc=desc)


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
    drawn = [x for at in rows for x in (at.value, at.low, at.high)]
    scale = spread([*drawn, *ends(allowed)], share=True)
    *starts, end = _heights(rows, 38)
    body = _ground(scale, allowed, show)
    for below, at in zip([*starts[1:], end], rows, strict=True):
        parts = [_labels(at), _interval(scale, at)]
        if at.value is not None:
            parts.append(mark(scale.at(at.value), at.shape))
        body.append(row(below - 11, at.shape, parts))
    return chart(body, kind="forest", height=end + 24, title=title, desc=desc)


def bars(rows: Sequence[Row], limit: Limit | None, show: Show, *, title: str, desc: str) -> str:
    """Return bars from zero against the line of the limit; whiskers where there are intervals."""
    drawn = [x for at in rows for x in (at.value, at.low, at.high)]
    known = [x for x in drawn if x is not None] + ends(limit) + [0.0]
    low, high = min(known) * 1.04, max(known) * 1.04
    scale = Axis(low, high if high > low else low + 1.0)
    *starts, end = _heights(rows, 34)
    body = _ground(scale, limit, show)
    for below, at in zip([*starts[1:], end], rows, strict=True):
        parts = [_labels(at)]
        if at.value is not None:
            left, right = sorted((scale.position(0.0), scale.position(at.value)))
            parts.append(rect(left, right, None))
        parts.append(_interval(scale, at))
        if at.value is not None and at.shape:
            parts.append(mark(scale.at(at.value), at.shape))
        body.append(row(below - 10, at.shape, parts))
    return chart(body, kind="bars", height=end + 24, title=title, desc=desc)


def waterfall(
    steps: Sequence[tuple[float, Row]], total: Row, show: Show, *, title: str, desc: str
) -> str:
    """Return steps that lead from zero to a total, each drawn from where the last one ended.

    Parameters
    ----------
    steps : sequence of (float, Row)
        Where the step starts, and its size with its interval.
    total : Row
        The sum of all steps with its interval, drawn from zero.
    show : callable
        Prints a number of the axis.
    title, desc : str
        Name and description for those who do not see it.
    """
    rows = [*steps, (0.0, total)]
    reached = [start + x for start, at in rows for x in (0.0, at.value, at.low, at.high) if x]
    low, high = min(0.0, *reached, 0.0) * 1.04, max(0.0, *reached, 0.0) * 1.04
    scale = Axis(low, high if high > low else low + 1.0)
    *starts, end = _heights([at for _, at in rows], 34)
    body = _ground(scale, None, show)
    for below, (start, at) in zip([*starts[1:], end], rows, strict=True):
        value = at.value or 0.0
        kind = "" if at is total else "up" if value >= 0 else "down"
        left, right = sorted((scale.position(start), scale.position(start + value)))
        low_end, high_end = (None if x is None else start + x for x in (at.low, at.high))
        whisker = _interval(scale, Row(at.name, value, low_end, high_end))
        body.append(row(below - 10, kind, [_labels(at), rect(left, right, None), whisker]))
    return chart(body, kind="bars fall", height=end + 24, title=title, desc=desc)


def heat_map(cells: Sequence[Cell], show: Show, *, title: str, desc: str) -> str:
    """Return a grid of two attributes: the rate over the count; darker is higher.

    Cells that are not judged have a dashed outline; withheld ones say so. The grid has its own
    width in pixels and is meant to stand in a region that scrolls. The stylesheet has the size of a
    cell, and where its two texts stand.
    """
    rows = list(dict.fromkeys(cell.row for cell in cells))
    columns = list(dict.fromkeys(cell.column for cell in cells))
    wide, high, label, head = 92, 44, 132, 24
    known = [cell.value for cell in cells if cell.value is not None]
    low, span = (min(known), max(known) - min(known)) if known else (0.0, 0.0)
    body = [
        text(fit(name, wide - 8), x=f"{label + wide * (i + 0.5):g}", y=15, kind="m", whole=name)
        for i, name in enumerate(columns)
    ]
    body += [
        text(fit(name, label - 8), y=head + high * (i + 0.5) + 4, whole=name)
        for i, name in enumerate(rows)
    ]
    for cell in cells:
        x = label + wide * columns.index(cell.column)
        y = head + high * rows.index(cell.row)
        if cell.value is None:
            value, shade = "withheld" if cell.withheld else "none", "off"
        else:
            value, shade = show(cell.value), f"h{round(4 * (cell.value - low) / (span or 1.0))}"
        edge = "" if cell.judged else " nj"
        body.append(
            f'<svg x={x} y={y} class="{shade}{edge}"><rect />'
            f"<text>{value}</text><text>n {cell.n:,}</text></svg>"
        )
    across, down = label + wide * len(columns), head + high * len(rows)
    svg = chart(body, kind="heat", height=down, title=title, desc=desc)
    # Its own size, which paper may shrink.
    return svg.replace("role=img", f'role=img width={across} viewBox="0 0 {across} {down}"', 1)


def spark(at: Row, limit: Limit | None) -> str:
    """Return the value against its limit in a table cell: beyond to the left, inside to the right.

    Each row has its own scale; the limit always stands in the middle (drawn by the stylesheet),
    so that one glance down the column tells what is beyond, what is inside and which intervals
    cross. Decoration: the numbers stand beside it, so it is hidden from screen readers.
    """
    bounds = ends(limit)
    if at.value is None or not bounds:
        return ""
    # The nearer end of the limit is the one that is drawn.
    bound = min(bounds, key=lambda x: abs((at.value or 0.0) - x))
    sign = 1 if limit is not None and bound == limit.min else -1
    away = [sign * (x - bound) for x in (at.value, at.low, at.high) if x is not None]
    scale = Axis(-(reach := max(map(abs, away)) * 1.12 or 1.0), reach, 4, 96)
    whisker = line(scale.at(min(away)), scale.at(max(away))) if len(away) > 1 else ""
    kind = f'"c {at.shape}"' if at.shape else "c"
    return f"<svg class={kind} aria-hidden=true>{whisker}{mark(scale.at(away[0]), at.shape)}</svg>"
