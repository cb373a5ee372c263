"""How one value moved over the last releases, as a small picture of the same size each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pytest_aipm.records import Limit, Verdict
from pytest_aipm.report.svg import Axis, chart, ends, fit, gutter, mark, row, spread, text, wrapped

__all__ = ["MOST_RELEASES", "Release", "releases"]

MOST_RELEASES = 12
"""Releases drawn; older ones are left to the table."""
NARROW = 230
"""Pixels of the narrowest place that the picture stands in."""
TOP, DEEP = 8, 84


class Release(NamedTuple):
    """One release's value: a plain tuple of the same five does as well.

    Attributes
    ----------
    label : str
        The release, as it is called.
    value, low, high : float or None
        The estimate and the ends of its interval; a release without a value keeps its place.
    verdict : Verdict or str
        What was decided then; it gives the mark its shape and colour.
    """

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    verdict: Verdict | str = ""


def releases(
    points: Sequence[tuple[str, float | None, float | None, float | None, Verdict | str]],
    limit: Limit | None,
    show: Callable[[float | None], str],
    *,
    title: str,
    desc: str,
) -> str:
    """Return the last releases of one value, oldest first, against today's limit.

    Parameters
    ----------
    points : sequence of Release
        Label, value, low, high and verdict of each release, oldest first. The last
        `MOST_RELEASES` are drawn.
    limit : Limit or None
        The limit; its line is drawn and the allowed side shaded.
    show : callable
        Prints a number of the axis.
    title, desc : str
        Name and description for those who do not see it.

    Returns
    -------
    str
        An ``svg`` element as wide as its place and always as high, so that several stand beside
        each other as small multiples (class ``multiples`` of the stylesheet).
    """
    drawn = [Release(*point) for point in points[-MOST_RELEASES:]]
    measured = [x for one in drawn for x in (one.value, one.low, one.high)]
    scale = spread([*measured, *ends(limit)])
    values = scale.round_values(2)
    labels = [show(value) for value in values]
    left = gutter(labels, NARROW)

    def down(value: float) -> float:
        return round(DEEP * (scale.high - min(max(value, scale.low), scale.high)) / span, 1)

    span = scale.high - scale.low
    body = _allowed(limit, left, down)
    for value, label in zip(values, labels, strict=True):
        words = text(fit(label, left * NARROW / 100), x=f"{left - 2:g}%")
        body.append(row(TOP + down(value), "k", [f"<line x1={left:g}% x2=100% />", words]))
    within = [down(x) + TOP for x in ends(limit) if scale.low <= x <= scale.high]
    body += [f"<line x1={left:g}% x2=100% y1={y:g} y2={y:g} class=lim />" for y in within]
    across = Axis(-0.5, max(len(drawn), 2) - 0.5, left + 1, 99)
    for i, one in enumerate(drawn):
        body.append(_point(one, across.at(i), down, scale))
    if drawn:
        room = (1 - left / 100) * NARROW
        names = [drawn[0].label] if len(drawn) == 1 else [drawn[0].label, drawn[-1].label]
        feet = [text(fit(names[0], room / len(names) - 6), x=f"{left:g}%", kind="s")]
        feet += [text(fit(name, room / 2 - 6), x="100%", kind="e") for name in names[1:]]
        body.append(row(TOP + DEEP + 18, "t", feet))
    return chart(body, kind="releases", height=TOP + DEEP + 24, title=title, desc=desc)


def _allowed(limit: Limit | None, left: float, down: Callable[[float], float]) -> list[str]:
    """Return the side that the limit allows."""
    if limit is None or not ends(limit):
        return []
    top = 0.0 if limit.max is None else down(limit.max)
    tall = (float(DEEP) if limit.min is None else down(limit.min)) - top
    wide = f"width={100 - left:g}%"
    return [f"<rect x={left:g}% y={TOP + top:g} {wide} height={max(tall, 0.0):g} class=ok />"]


def _point(one: Release, x: str, down: Callable[[float], float], scale: Axis) -> str:
    """Return one release: its mark at its value, over its interval."""
    if one.value is None:
        return ""
    y = TOP + down(one.value)
    parts = [wrapped("title", one.label)]
    if one.low is not None or one.high is not None:
        low = scale.low if one.low is None else one.low
        high = scale.high if one.high is None else one.high
        y1, y2 = TOP + down(high) - y, TOP + down(low) - y
        parts.append(f"<line y1={y1:.3g} y2={y2:.3g} />")
    parts.append(mark("0", one.verdict))
    kind = f" class={one.verdict}" if one.verdict else ""
    return f"<svg x={x} y={y:g}{kind}>{''.join(parts)}</svg>"
