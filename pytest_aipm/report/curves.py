"""Curves of a finding's series as pure functions to SVG text: plain, reliability, ROC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from pytest_aipm.records import Series
from pytest_aipm.report.svg import (
    PHONE,
    Axis,
    chart,
    fit,
    gutter,
    percent_at,
    row,
    spread,
    text,
    ticks,
    width,
)
from pytest_aipm.report.words import short, signed

__all__ = ["KINDS", "curves", "number_pairs", "ticks_text"]

KINDS = 6
"""How many line patterns there are before they repeat."""
TOP, DEEP, STRIP = 28, 200, 18
BOX = 1000
"""Paths know no percentages: they are drawn in a box of this width that is stretched."""


Point = tuple[float, float, float | None, float | None]


def ticks_text(value: float | None) -> str:
    """Return a tick label: short, without needless zeros."""
    return "" if value is None else signed(short(value, 6))


def number_pairs(series: Series) -> list[Point]:
    """Return (x, y, lo, hi) of the points that have both coordinates."""
    found = []
    for i, (x, y) in enumerate(zip(series.x, series.y, strict=False)):
        if isinstance(x, int | float) and y is not None:
            low = series.lo[i] if i < len(series.lo) else None
            high = series.hi[i] if i < len(series.hi) else None
            found.append((float(x), y, low, high))
    return found


def curves(series: Sequence[Series], *, title: str, desc: str) -> str:
    """Return curves on common axes, each with its own dash pattern and its name in a legend.

    Series of kind ``reliability`` get the diagonal of perfect calibration and a strip of counts
    below; of kind ``roc`` two logarithmic axes and the diagonal of a guess. Other axes are
    logarithmic where their label says "log". The ``mark`` of a series is drawn as an upright line
    with a point on each curve that has one there.
    """
    points = [point for one in series for point in number_pairs(one)]
    if not points:
        return ""
    first = series[0]
    across, down = _axes(first, points)
    values = down.round_values(4)
    left = gutter(map(ticks_text, values), PHONE)
    across = Axis(across.low, across.high, left, 98.0, log=across.log)
    bottom = TOP + DEEP
    parts = [text(fit(first.y_label or "value", 300), y=11, whole=first.y_label)]
    marked = dict.fromkeys(at for one in series if (at := one.mark) is not None)
    parts.append(ticks(across, bottom + 17, [(v, ticks_text(v)) for v in across.round_values(4)]))
    for value in values:
        label = text(ticks_text(value), x=percent_at(left - 1.5))
        parts.append(row(_below(value, down), "k", [f"<line x1={left:g}% x2=98% />", label]))
    places = map(across.at, marked)
    parts += [f"<line x1={x} x2={x} y1={TOP - 6} y2={bottom} class=lim />" for x in places]
    parts.append(
        text(fit(first.x_label, 300), x="98%", y=bottom + 33, kind="e", whole=first.x_label)
    )
    guess = _diagonal(across, down) if first.kind in ("reliability", "roc") else ""
    inside = "".join(_curve(one, i, across, down) for i, one in enumerate(series))
    parts.append(_stretched(left, TOP, DEEP, guess + inside))
    for i, one in enumerate(series):
        y = _height_at(one)
        if y is not None and one.mark is not None:
            middle = f"cx={across.at(one.mark)} cy={_below(y, down):g}"
            parts.append(f"<circle {middle} r=4 class=b{i % KINDS} />")
    lines, end = _legend(series, bottom + 40, across, left)
    return chart([*parts, *lines], kind="curves", height=end, title=title, desc=desc)


def _axes(first: Series, points: Sequence[Point]) -> tuple[Axis, Axis]:
    """Return the axes across and down; both diagonals need the same ends on both."""
    roc = first.kind == "roc"
    log_x, log_y = (roc or "log" in words.lower() for words in (first.x_label, first.y_label))
    xs, ys = [p[0] for p in points], [v for p in points for v in p[1:] if v is not None]
    if first.kind == "reliability" or roc:
        both = _scale([*xs, *ys], log=roc)
        return both, Axis(both.low, both.high, 0.0, 100.0, log=both.log)
    down = _scale(ys, log=log_y)
    return _scale(xs, log=log_x), Axis(down.low, down.high, 0.0, 100.0, log=down.log)


def _scale(values: Sequence[float], *, log: bool) -> Axis:
    positive = [value for value in values if value > 0]
    if log and positive and min(positive) < max(positive):
        return Axis(min(positive), max(positive), log=True)
    return spread(values, share=True)


def _below(value: float, down: Axis) -> float:
    """Return how far down the chart a value lies, in pixels."""
    return round(TOP + DEEP - DEEP * down.position(value) / 100, 1)


def _height_at(one: Series) -> float | None:
    """Return the curve's value at its mark, between the points beside it."""
    points = sorted(number_pairs(one))
    if one.mark is None or not points or not points[0][0] <= one.mark <= points[-1][0]:
        return None
    after = next(i for i, point in enumerate(points) if point[0] >= one.mark)
    (x1, y1, *_), (x0, y0, *_) = points[after], points[max(after - 1, 0)]
    return y1 if x1 in (x0, one.mark) else y0 + (y1 - y0) * (one.mark - x0) / (x1 - x0)


def _stretched(left: float, y: float, height: float, inside: str) -> str:
    return (
        f"<svg x={left:g}% y={y:g} width={98 - left:g}% height={height:g} "
        f'viewBox="0 0 {BOX} {BOX}" preserveAspectRatio=none>{inside}</svg>'
    )


def _share(x: float, across: Axis) -> float:
    return BOX * (across.position(x) - across.left) / (across.right - across.left)


def _diagonal(across: Axis, down: Axis) -> str:
    """Return the line of equal values."""
    low, high = max(across.low, down.low), min(across.high, down.high)
    ends = (f"{_share(x, across):.0f} {BOX - 10 * down.position(x):.0f}" for x in (low, high))
    return f'<path d="M{"L".join(ends)}" class="l dia"/>'


def _curve(series: Series, number: int, across: Axis, down: Axis) -> str:
    def at(x: float, y: float) -> tuple[int, int]:
        return round(_share(x, across)), round(BOX - 10 * down.position(y))

    points = number_pairs(series)
    if not points:
        return ""
    line = _path([at(x, y) for x, y, _, _ in points])
    banded = [(x, low, high) for x, _, low, high in points if low is not None and high is not None]
    band = ""
    if len(banded) > 1:
        edge = [at(x, high) for x, _, high in banded] + [at(x, low) for x, low, _ in banded[::-1]]
        band = f'<path d="{_path(edge)}z" class="a a{number % KINDS}"/>'
    return (
        f'{band}<path d="{line}" class="l l{number % KINDS}">'
        f"<title>{escape(series.name)}</title></path>"
    )


def _path(points: Sequence[tuple[int, int]]) -> str:
    """Return a line as steps from each point to the next, which are short numbers."""
    first = "M{} {}".format(*points[0])
    steps = (f"{x - a} {y - b}" for (a, b), (x, y) in pairwise(points))
    return f"{first}l{' '.join(steps)}".replace(" -", "-") if len(points) > 1 else first


def _legend(
    series: Sequence[Series], top: float, across: Axis, left: float
) -> tuple[list[str], float]:
    """Return the names beside samples of their lines, and how far down they reach.

    Reliability lines have their counts here: a strip under each name, on the axis above it.
    """
    counted = series[0].kind == "reliability"
    if len(series) < 2 and not counted:
        return [], top
    most = max((n for one in series for n in one.counts), default=1)
    parts, y = [], top
    for i, one in enumerate(series):
        sample = f'<line x1=1% x2=8% y1=-4 y2=-4 class="l l{i % KINDS}"/>'
        people = f"n {sum(one.counts):,}" if counted and one.counts else ""
        room = PHONE * (1 - max(left, 10) / 100) - width(people) - 12
        words = [text(fit(one.name, room), x=percent_at(max(left, 10)), whole=one.name)]
        if people:
            words.append(text(people, x="98%", kind="e"))
        parts.append(row(y + 12, "", [sample, *words]))
        y += 18
        if counted and one.counts:
            parts.append(_stretched(left, y, STRIP, "".join(_bins(one, i, across, most))))
            y += STRIP + 6
    return parts, y


def _bins(one: Series, number: int, across: Axis, most: int) -> Iterator[str]:
    """Yield one path: an upright stroke a bin, as high as the bin has people."""
    strokes = [
        f"M{_share(float(x), across):.0f} {BOX}V{BOX - BOX * n / most:.0f}"
        for x, n in zip(one.x, one.counts, strict=False)
        if not isinstance(x, str)
    ]
    if strokes:
        yield f'<path d="{"".join(strokes)}" class="n l{number % KINDS}"/>'
