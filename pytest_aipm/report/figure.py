"""Which charts a finding gets, and how to read each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from pytest_aipm.records import GroupValue, Limit, Series, Verdict
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.charts import Cell, Row, bars, forest, heat_map, ruler
from pytest_aipm.report.classes import rate_of
from pytest_aipm.report.curves import curves, ticks_text
from pytest_aipm.report.strips import bars_of, one_count, steps_of, strip
from pytest_aipm.report.words import WITHHELD, count, group_name, limit_text, point_text

__all__ = ["MOST_GROUPS", "MOST_ROWS", "Figure", "figures_of", "foremost", "sorted_groups"]

MOST_ROWS = 40
"""Groups drawn in one chart; the table beside it holds more."""
MOST_GROUPS = 200
"""Rows of a group table; `audit.json` holds them all."""
MOST_CELLS = 400


@dataclass(frozen=True)
class Figure:
    """One chart with its caption, which says how to read it.

    Attributes
    ----------
    svg : Markup
        The chart.
    caption : str
        How to read it.
    wide : bool
        Whether it has a width of its own and needs a region that scrolls.
    """

    svg: Markup
    caption: str
    wide: bool = False


def _figure(svg: str, caption: str, *, wide: bool = False) -> Figure:
    # Charts escape the texts they are given, see `svg.text` and `svg.chart`.
    return Figure(Markup(svg), caption[:1].upper() + caption[1:], wide)  # noqa: S704


def sorted_groups(answer: Answer) -> list[GroupValue]:
    """Return the groups by rate, lowest first; the rate that decides leads, empty values end."""
    first = {group.part for group in answer.pair}
    parts = list(dict.fromkeys(group.part for group in answer.finding.groups))
    if not any(rate_of(answer.finding, part) != part for part in parts):
        parts.sort()  # else they are the rates of classes, the worst first
    place = {part: i for i, part in enumerate(parts)}

    def key(group: GroupValue) -> tuple[bool, int, bool, bool, float, str]:
        name = answer.name(group)
        missing = group.value is None
        value = group.value or 0.0
        return group.part not in first, place[group.part], missing, not group.judged, value, name

    return sorted(answer.finding.groups, key=key)


def figures_of(answer: Answer, groups: list[GroupValue]) -> Iterator[Figure]:
    """Yield the charts of one finding, the one that shows the verdict first.

    `groups` are those of `sorted_groups`.
    """
    finding = answer.finding
    drawn = sum(group.value is not None for group in groups) > 1 and bool(finding.scope)
    # Where groups are drawn, a floor and a plain pass need no second picture of the same limit.
    told = drawn and (answer.kind == "level" or finding.verdict is Verdict.PASS)
    # Nor does a gap that fails: its two groups are coloured, one of them beyond what is shaded.
    told = told or (
        drawn
        and answer.kind == "difference"
        and finding.verdict is Verdict.FAIL
        and len(answer.pair) == 2
        and len({group.part for group in groups}) == 1
        and _allowed(answer, groups) is not None
    )
    if finding.value is not None and finding.limit is not None and not told:
        # An intersection has its heat map: bars of as many groups would say the same once more.
        barred = answer.kind == "ratio" and drawn and len(finding.scope) < 2
        yield (_bars(answer) if barred else None) or _ruler(answer)
    if drawn:
        for part, members in groupby(groups, key=lambda group: group.part):
            yield _forest(answer, list(members), part)
        if len(finding.scope) == 2:
            yield from _heat(answer, groups)
    yield from _series(finding.series)


def _ruler(answer: Answer) -> Figure:
    finding = answer.finding
    low, high = finding.interval or (None, None)
    then = finding.baseline.value if finding.baseline is not None else None
    svg = ruler(
        Row("", finding.value, low, high, shape=finding.verdict),
        finding.limit,
        then,
        answer.shown,
        title=f"{answer.value} ({answer.interval}), limit {limit_text(finding.limit)}",
        desc="",
    )
    said = "The value with its interval."
    if then is not None:
        said += f" Stroke: {answer.shown(then)} before."
    return _figure(svg, said)


def _bars(answer: Answer) -> Figure | None:
    """Return each group's rate divided by the comparator's; None where there is no such pair.

    The record holds an interval for the ratio that decides only, so only that has a whisker.
    """
    if len(answer.pair) != 2 or not answer.pair[1].value:
        return None
    lowest, other = answer.pair
    judged = [group for group in answer.judged if group.part == lowest.part]
    rows = []
    for group in sorted(foremost(judged, answer, MOST_ROWS), key=lambda group: group.value or 0.0):
        share = (group.value or 0.0) / (other.value or 1.0)
        name, right = answer.name(group), answer.shown(share)
        if group is lowest:
            ends = answer.finding.interval or (None, None)
            rows.append(Row(name, share, *ends, right, answer.finding.verdict))
        else:
            rows.append(Row(name, share, right=right))
    svg = bars(
        rows,
        answer.finding.limit,
        answer.shown,
        title=f"{answer.quantity} {answer.where} as a share of {answer.name(other)}",
        desc=f"Lowest {answer.value} ({answer.interval}), limit {limit_text(answer.finding.limit)}",
    )
    said = f"Each group's {answer.quantity} divided by that of {answer.name(other)}. "
    return _figure(svg, said + "What decides has its interval.")


def _allowed(answer: Answer, groups: Sequence[GroupValue]) -> Limit | None:
    """Return the range that the limit leaves to a group, given the group compared with."""
    limit, pair = answer.finding.limit, answer.pair
    values = [group.value for group in groups if group.judged and group.value is not None]
    if limit is None or answer.kind == "level":
        return limit
    if not values or len(pair) < 2:
        return None
    compared = (pair[1].value or 0.0) if any(pair[1] is group for group in groups) else max(values)
    if answer.kind == "ratio" and limit.min is not None:
        return Limit(min=limit.min * compared)
    if answer.kind == "difference" and limit.max is not None:
        counted = all(group.numerator is not None for group in groups if group.judged)
        least = compared - limit.max
        return Limit(min=max(least, 0.0) if counted else least)  # no rate is less than none
    return None


def _forest(answer: Answer, groups: list[GroupValue], part: str) -> Figure:
    kept = foremost(groups, answer, MOST_ROWS)
    allowed = _allowed(answer, groups)
    name = part or answer.quantity
    if rate_of(answer.finding, name) == name:  # no name of a class in it
        name = name.replace("_", " ")
    svg = forest(
        [_row(answer, group) for group in kept],
        allowed,
        answer.shown,
        title=name,
        desc="",  # the table beside it says all of it
    )
    said = [f"{name[:1].upper()}{name[1:]} and {_counted(groups)} (n)."]
    if len(kept) < len(groups):
        where = "in the table" if len(answer.finding.groups) <= MOST_GROUPS else "not drawn"
        said.append(f"{count(len(groups) - len(kept))} more groups are {where}.")
    return _figure(svg, " ".join(said))


def foremost(groups: list[GroupValue], answer: Answer, most: int) -> list[GroupValue]:
    """Return at most so many groups: the deciding ones, then the largest, in their order."""
    if len(groups) <= most:
        return groups
    largest = sorted(groups, key=lambda group: (not answer.decides(group), -group.n))[:most]
    kept = {id(group) for group in largest}
    return [group for group in groups if id(group) in kept]


def _row(answer: Answer, group: GroupValue) -> Row:
    low, high = group.interval or (None, None)
    shape: Verdict | str = "" if group.judged else Verdict.NOT_JUDGED
    if answer.decides(group):
        shape = answer.finding.verdict
    value = answer.shown(group.value)
    if group.value is None:
        value = WITHHELD if group.note.startswith(WITHHELD) else "none"
    return Row(answer.name(group), group.value, low, high, f"{value} · n {group.n:,}", shape)


def _heat(answer: Answer, groups: Sequence[GroupValue]) -> Iterator[Figure]:
    down, across = answer.finding.scope
    complete = all({down, across} <= set(group.group) for group in groups)
    if len({group.part for group in groups}) > 1 or len(groups) > MOST_CELLS or not complete:
        return
    cells = [
        Cell(
            group_name({down: group.group[down]}),
            group_name({across: group.group[across]}),
            group.value,
            group.n,
            judged=group.judged,
            withheld=group.note.startswith(WITHHELD),
        )
        for group in sorted(groups, key=lambda group: (group.group[down], group.group[across]))
    ]
    svg = heat_map(
        cells,
        answer.shown,
        title=f"{answer.quantity} in each cell of {down} and {across}",
        desc=f"Rows are {down}, columns are {across}.",
    )
    counted = _counted(answer.finding.groups)
    said = f"The {answer.quantity} and the {counted} (n) of each cell; darker is higher."
    if not all(cell.judged for cell in cells):
        said += " Dashed: not judged."
    yield _figure(svg, said, wide=True)


READ = {
    "reliability": "Dotted: scores that come true. Strips: people in each bin.",
    "roc": "Dotted: a guess.",
    "waterfall": "Each step starts where the last one ended; the last bar is the total.",
}
"""How to read a kind of chart beyond its axes."""


def _series(series: Sequence[Series]) -> Iterator[Figure]:
    def key(one: Series) -> tuple[str, str, str]:
        return one.kind, one.x_label, one.y_label

    for (kind, x_label, y_label), members in groupby(series, key=key):
        together = list(members)
        measured = y_label or ("share" if kind == "strip" else together[0].name)
        title = f"{measured} against {x_label or 'its values'}"
        desc = "; ".join(one.name for one in together)
        if kind in ("bars", "waterfall"):
            draw = bars_of if kind == "bars" else steps_of
            for one in together:
                svg = draw(one, _rounded, title=one.name, desc=f"{title}.")
                said = f"{one.name}: {y_label or 'value'} by {x_label or 'item'}."
                n = one_count(one)
                rests = f"Each rests on {n:,} rows." if n else ""
                yield _figure(svg, " ".join(filter(None, (said, READ.get(kind), rests))))
            continue
        svg = (strip if kind == "strip" else curves)(together, title=title, desc=desc)
        if svg:
            # The names stand in the chart, cut where they are long, and whole over the tables.
            parts = (f"{title}.", READ.get(kind), *_marked(together))
            yield _figure(svg, " ".join(filter(None, parts)))


def _marked(series: Sequence[Series]) -> list[str]:
    """Return what the upright line of a curve is."""
    marks = dict.fromkeys(one.mark for one in series if one.mark is not None)
    what = "the operating point" if series[0].kind == "roc" else "the one chosen"
    return [f"Upright line: {ticks_text(at)}, {what}." for at in marks]


def _rounded(value: float | None) -> str:
    """Return a number of a bar, as the table below it has it."""
    return "" if value is None else point_text(value)


def _counted(groups: Sequence[GroupValue]) -> str:
    """Return what n counts: rows, where people have several."""
    return "rows" if any(group.people is not None for group in groups) else "people"
