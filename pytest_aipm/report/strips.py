"""Bars, steps and strips of a finding's series, as pure functions to SVG text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from pytest_aipm.records import Series
from pytest_aipm.report.charts import RIGHT, Row, bars, waterfall
from pytest_aipm.report.curves import KINDS, number_pairs, ticks_text
from pytest_aipm.report.svg import PHONE, Axis, chart, fit, rect, row, spread, text, ticks, width
from pytest_aipm.report.words import DASH, point_text

__all__ = ["bars_of", "one_count", "steps_of", "strip"]

DEEP = 62
Show = Callable[[float | None], str]


def one_count(series: Series) -> int | None:
    """Return how many rows every bar rests on, where all rest on the same ones."""
    return series.counts[0] if len(series.counts) > 1 and len(set(series.counts)) == 1 else None


def _rows(series: Series, show: Show) -> list[Row]:
    """Return one row for each label, with its interval where there is one."""
    rows, alike = [], one_count(series) is not None  # the caption says it
    for i, (x, y) in enumerate(zip(series.x, series.y, strict=False)):
        n = f" · n {series.counts[i]:,}" if i < len(series.counts) and not alike else ""
        low = series.lo[i] if i < len(series.lo) else None
        high = series.hi[i] if i < len(series.hi) else None
        name = x if isinstance(x, str) else ticks_text(x)
        value = show(y) if y is not None else "withheld"
        rows.append(Row(name, y, low, high, f"{value}{n}"))
    return rows


def bars_of(series: Series, show: Show, *, title: str, desc: str) -> str:
    """Return one bar for each label of a series, with whiskers where it has intervals."""
    return bars(_rows(series, show), None, show, title=title, desc=desc)


def steps_of(series: Series, show: Show, *, title: str, desc: str) -> str:
    """Return a waterfall: each label a step from where the last one ended, then the total.

    Where a step is withheld nobody knows where the next one starts: then these are plain bars.
    """
    steps = [y for y in series.y if y is not None]
    if len(steps) < len(series.y) or len(series.x) < 2:
        return bars_of(series, show, title=title, desc=desc)

    def signed(value: float | None) -> str:
        return f"+{show(value)}" if value is not None and value > 0 else show(value)

    *rows, total = _rows(series, signed)
    starts = list(accumulate(steps[:-1], initial=0.0))
    return waterfall(list(zip(starts, rows, strict=False)), total, show, title=title, desc=desc)


def strip(series: Sequence[Series], *, title: str, desc: str) -> str:
    """Return distributions above each other on one scale: higher where more values lie.

    Distributions over labels are drawn as one row a label, with a bar for each of the series.
    """
    if any(isinstance(x, str) for one in series for x in one.x):
        return _by_label(series, title=title, desc=desc)
    points = [point for one in series for point in number_pairs(one)]
    if not points:
        return ""
    across = spread([p[0] for p in points])
    tallest = max(p[1] for p in points) or 1.0
    bottom = DEEP * len(series)
    parts = [ticks(across, bottom + 14, [(v, ticks_text(v)) for v in across.round_values(4)])]
    for i, one in enumerate(series):
        own = number_pairs(one)
        wide = (across.right - across.left) / max(len(own), 8) * 0.9
        shapes = [_names(one, 16 - DEEP), "<rect width=100% height=1 class=base />"]
        for x, y, _, _ in own:
            tall, middle = round(36 * max(y, 0.0) / tallest, 1), across.position(x)
            left = max(middle - wide / 2, 0.0)
            shapes.append(rect(left, min(left + wide, 100.0), tall, f"b{i % KINDS}", y=-tall))
        parts.append(row(DEEP * (i + 1), "", shapes))
    return chart(parts, kind="strip", height=bottom + 22, title=title, desc=desc)


def _names(one: Series, y: float) -> str:
    """Return a strip's name and how many people it holds."""
    people = f"n {sum(one.counts):,}" if one.counts else ""
    if one.x and not number_pairs(one):
        people = f"withheld · {people}" if people else "withheld"
    name = fit(one.name, PHONE - width(people) - 10)
    end = text(people, x="100%", y=y, kind="e") if people else ""
    return text(name, y=y, whole=one.name) + end


def _by_label(series: Sequence[Series], *, title: str, desc: str) -> str:
    """Return a row for each label, with one bar for each series, and the names below."""
    labels = list(dict.fromkeys(str(x) for one in series for x in one.x))
    drawn = [dict(zip(map(str, one.x), one.y, strict=False)) for one in series]
    tallest = max((y for one in drawn for y in one.values() if y is not None), default=0.0)
    scale = Axis(0.0, tallest or 1.0, 0.0, 100.0)
    each = 20 + 9 * len(series)
    parts = []
    for place, label in enumerate(labels):
        values = [one.get(label) for one in drawn]
        right = fit(" / ".join(DASH if y is None else point_text(y) for y in values), RIGHT)
        name = fit(label, PHONE - width(right) - 10)
        shapes = [text(name, y=12, whole=label), text(right, x="100%", y=12, kind="e")]
        shapes += [
            rect(0.0, scale.position(max(y, 0.0)), 7, f"b{i % KINDS}", y=17 + 9 * i)
            for i, y in enumerate(values)
            if y is not None
        ]
        parts.append(row(each * place, "", shapes))
    top = each * len(labels) + 10
    for i, one in enumerate(series):
        people = f" · n {sum(one.counts):,}" if one.counts else ""
        sample = f"<rect width=12 height=7 y=5 class=b{i % KINDS} />"
        name = fit(one.name, PHONE - 20 - width(people)) + people
        parts.append(row(top + 18 * i, "", [sample, text(name, x="20", y=12, whole=one.name)]))
    height = top + 18 * len(series)
    return chart(parts, kind="strip", height=height, title=title, desc=desc)
