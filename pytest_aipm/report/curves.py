"""Charts of a finding's series: curves, bars and strips, as pure functions to SVG text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from pytest_aipm.records import Series
from pytest_aipm.report.charts import Row, bars
from pytest_aipm.report.svg import Axis, chart, fit, percent_at, rect, row, spread, text, ticks

__all__ = ["bars_of", "curves", "strip", "ticks_text"]

KINDS = 6
"""How many line patterns there are before they repeat."""
LEFT, TOP, DEEP = 12.0, 22, 200
Show = Callable[[float | None], str]


def ticks_text(value: float | None) -> str:
    """Return a tick label: short, without needless zeros."""
    return "" if value is None else f"{value:,.6g}"


def _points(series: Series) -> list[tuple[float, float, float | None, float | None]]:
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

    Axes are logarithmic where an axis label says "log".
    """
    points = [point for one in series for point in _points(one)]
    if not points:
        return ""
    label_x, label_y = series[0].x_label, series[0].y_label
    log_x, log_y = "log" in label_x.lower(), "log" in label_y.lower()
    across = _scale([p[0] for p in points], log=log_x, left=LEFT, right=98.0)
    down = _scale(
        [v for p in points for v in p[1:] if v is not None], log=log_y, left=0.0, right=100.0
    )
    bottom = TOP + DEEP
    parts = [text(fit(label_y or "value", 300), y=12)]
    parts.append(ticks(across, bottom + 14, [(v, ticks_text(v)) for v in across.round_values(4)]))
    for value in down.round_values(4):
        label = text(ticks_text(value), x=percent_at(LEFT - 1.5), y=4, kind="e")
        height = bottom - DEEP * down.position(value) / 100
        parts.append(row(height, "k", [f"<line x1={LEFT:g}% x2=98% />", label]))
    parts.append(text(fit(label_x, 300), x="98%", y=bottom + 30, kind="e"))
    # Paths know no percentages: they are drawn in a box of their own that is stretched.
    inside = "".join(_curve(one, i, across, down) for i, one in enumerate(series))
    parts.append(
        f'<svg x="{LEFT:g}%" y="{TOP}" width="{98 - LEFT:g}%" height="{DEEP}" '
        f'viewBox="0 0 1000 1000" preserveAspectRatio="none">{inside}</svg>'
    )
    for i, one in enumerate(series if len(series) > 1 else ()):
        sample = f'<line x1="1%" x2="9%" y1="-4" y2="-4" class="l l{i % KINDS}"/>'
        name = text(fit(one.name, 240), x=percent_at(LEFT))
        parts.append(row(bottom + 48 + 18 * i, "", [sample, name]))
    height = bottom + 36 + (18 * len(series) if len(series) > 1 else 0)
    return chart(parts, kind="curves", height=height, title=title, desc=desc)


def _scale(values: Sequence[float], *, log: bool, left: float, right: float) -> Axis:
    positive = [value for value in values if value > 0]
    if log and positive and min(positive) < max(positive):
        return Axis(min(positive), max(positive), left, right, log=True)
    plain = spread(values, share=True)
    return Axis(plain.low, plain.high, left, right)


def _curve(series: Series, number: int, across: Axis, down: Axis) -> str:
    def at(x: float, y: float) -> str:
        share = (across.position(x) - across.left) / (across.right - across.left)
        return f"{1000 * share:.0f} {1000 - 10 * down.position(y):.0f}"

    points = _points(series)
    if not points:
        return ""
    line = "L".join(at(x, y) for x, y, _, _ in points)
    banded = [(x, low, high) for x, _, low, high in points if low is not None and high is not None]
    band = ""
    if len(banded) > 1:
        edge = [at(x, high) for x, _, high in banded] + [at(x, low) for x, low, _ in banded[::-1]]
        band = f'<path d="M{"L".join(edge)}z" class="a l{number % KINDS}"/>'
    return (
        f'{band}<path d="M{line}" class="l l{number % KINDS}">'
        f"<title>{escape(series.name)}</title></path>"
    )


def bars_of(series: Series, show: Show, *, title: str, desc: str) -> str:
    """Return one bar for each label of a series, with whiskers where it has intervals."""
    rows = []
    for i, (x, y) in enumerate(zip(series.x, series.y, strict=False)):
        n = f" · n {series.counts[i]:,}" if i < len(series.counts) else ""
        low = series.lo[i] if i < len(series.lo) else None
        high = series.hi[i] if i < len(series.hi) else None
        name = x if isinstance(x, str) else ticks_text(x)
        value = show(y) if y is not None else "withheld"
        rows.append(Row(name, y, low, high, f"{value}{n}"))
    return bars(rows, None, show, title=title, desc=desc)


def strip(series: Sequence[Series], *, title: str, desc: str) -> str:
    """Return distributions above each other on one scale: higher where more values lie."""
    points = [point for one in series for point in _points(one)]
    if not points:
        return ""
    across = spread([p[0] for p in points])
    tallest = max(p[1] for p in points) or 1.0
    parts, deep = [], 58
    bottom = deep * len(series)
    parts.append(ticks(across, bottom + 14, [(v, ticks_text(v)) for v in across.round_values(4)]))
    for i, one in enumerate(series):
        own = _points(one)
        wide = (across.right - across.left) / max(len(own), 8) * 0.9
        shapes = [text(fit(one.name, 280), y=14 - deep)]
        for x, y, _, _ in own:
            tall, middle = 34 * max(y, 0.0) / tallest, across.position(x)
            left = max(middle - wide / 2, 0.0)
            shapes.append(rect(left, min(left + wide, 100.0), tall, f"b{i % KINDS}", y=-tall))
        parts.append(row(deep * (i + 1), "", shapes))
    return chart(parts, kind="strip", height=bottom + 22, title=title, desc=desc)
