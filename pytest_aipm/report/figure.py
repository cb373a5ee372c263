"""Which charts a finding gets, and how to read each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pytest_aipm.records import Finding, GroupValue, Limit, Series, Verdict
from pytest_aipm.report.charts import Cell, Row, forest, heat_map, ratio_bars, ruler
from pytest_aipm.report.curves import bars_of, curves, strip, ticks_text
from pytest_aipm.report.sentences import comparison, deciding, effect, quantity
from pytest_aipm.report.suppression import WITHHELD
from pytest_aipm.report.words import figures, group_name, limit_text, scope_name

__all__ = ["MOST_ROWS", "Figure", "figures_of", "sorted_groups"]

MOST_ROWS = 40
"""Groups drawn in one chart; the table beside it holds more."""
MOST_CELLS = 400


@dataclass(frozen=True)
class Figure:
    """One chart with its caption, which says how to read it.

    Attributes
    ----------
    svg : str
        The chart; safe markup.
    caption : str
        How to read it.
    wide : bool
        Whether it has a width of its own and needs a region that scrolls.
    """

    svg: str
    caption: str
    wide: bool = False


def sorted_groups(finding: Finding) -> list[GroupValue]:
    """Return the groups lowest rate first, rate by rate; groups without a value come last."""

    def key(group: GroupValue) -> tuple[str, bool, bool, float, str]:
        missing = group.value is None
        return group.part, missing, not group.judged, group.value or 0.0, group_name(group.group)

    return sorted(finding.groups, key=key)


def figures_of(finding: Finding) -> Iterator[Figure]:
    """Yield the charts of one finding, the one that shows the verdict first."""
    groups = sorted_groups(finding)
    drawn = sum(group.value is not None for group in groups) > 1 and bool(finding.scope)
    kind = comparison(finding)
    if finding.value is not None and finding.limit is not None and not (drawn and kind == "level"):
        if kind == "ratio" and drawn:
            yield from _bars(finding, groups)
        else:
            yield _ruler(finding)
    if drawn:
        first = {group.part for group in deciding(finding)}
        parts = {k: list(v) for k, v in groupby(groups, key=lambda group: group.part)}
        for part in sorted(parts, key=lambda part: (part not in first, part)):
            yield _forest(finding, parts[part], part)
        if len(finding.scope) == 2:
            yield from _heat(finding, groups)
    yield from _series(finding)


def _ruler(finding: Finding) -> Figure:
    shown = figures(finding)
    low, high = finding.interval or (None, None)
    then = finding.baseline.value if finding.baseline is not None else None
    svg = ruler(
        Row("", finding.value, low, high, shape=finding.verdict),
        finding.limit,
        then,
        shown,
        title=f"{finding.check_id} {scope_name(finding.scope)} against its limit",
        desc=effect(finding),
    )
    said = "The mark is the value, the bar its interval; the shaded range is what the limit allows."
    if then is not None:
        said += f" The upright stroke is the earlier value, {shown(then)}."
    return Figure(svg, said)


def _bars(finding: Finding, groups: Sequence[GroupValue]) -> Iterator[Figure]:
    """Yield each group's rate divided by the highest; the whisker is the finding's interval."""
    judged = [g for g in groups if g.judged and g.value is not None]
    pair, shown = deciding(finding), figures(finding)
    if len(pair) != 2 or not pair[1].value or len({g.part for g in judged}) > 1:
        return
    rows = []
    low, high = finding.interval or (None, None)
    for group in judged[:MOST_ROWS]:
        share = (group.value or 0.0) / pair[1].value
        name = group_name(group.group)
        if group is pair[0]:
            rows.append(Row(name, share, low, high, shown(share), finding.verdict))
        else:
            rows.append(Row(name, share, right=shown(share)))
    svg = ratio_bars(
        rows,
        finding.limit,
        shown,
        title=f"{finding.check_id} {scope_name(finding.scope)}: each group as a share of another",
        desc=effect(finding),
    )
    yield Figure(
        svg,
        f"Each bar is a group's {quantity(finding)} divided by that of "
        f"{group_name(pair[1].group)}. The whisker is the interval of the ratio that decides; the "
        "shaded range is what the limit allows.",
    )


def _allowed(finding: Finding, groups: Sequence[GroupValue]) -> Limit | None:
    """Return the range that the limit leaves to a group, given the group compared with."""
    limit, kind = finding.limit, comparison(finding)
    values = [g.value for g in groups if g.judged and g.value is not None]
    if limit is None or not values:
        return None
    if kind == "level":
        return limit
    pair = deciding(finding)
    if len(pair) < 2:
        return None
    compared = pair[1].value or 0.0 if pair[1] in groups else max(values)
    if kind == "ratio" and limit.min is not None:
        return Limit(min=limit.min * compared)
    if kind == "difference" and limit.max is not None:
        return Limit(min=compared - limit.max)
    return None


def _forest(finding: Finding, groups: list[GroupValue], part: str) -> Figure:
    shown = figures(finding)
    pair = deciding(finding)
    kept = _kept(groups, pair)
    rows = [_row(finding, group, pair) for group in kept]
    allowed = _allowed(finding, groups)
    name = (part or quantity(finding)).replace("_", " ")
    svg = forest(
        rows,
        allowed,
        shown,
        title=f"{name} {scope_name(finding.scope)}",
        desc=f"{len(groups)} groups, lowest first. {effect(finding)}",
    )
    said = [f"Each mark is a group's {name}, each bar its interval."]
    if pair:
        said.append("Marks in the colour and shape of the verdict are the groups that decide it.")
    if allowed is not None and comparison(finding) == "level":
        said.append(f"The shaded range is what the limit allows ({limit_text(finding.limit)}).")
    elif allowed is not None:
        said.append("The shaded range is what the limit leaves to the lower groups.")
    if len(kept) < len(groups):
        said.append(f"{len(groups) - len(kept)} more groups are in the table.")
    return Figure(svg, " ".join(said))


def _kept(groups: list[GroupValue], pair: Sequence[GroupValue]) -> list[GroupValue]:
    """Return the groups that are drawn: the deciding ones, then the largest, in their order."""
    if len(groups) <= MOST_ROWS:
        return groups
    largest = sorted(groups, key=lambda g: (not any(g is p for p in pair), -g.n))[:MOST_ROWS]
    return [g for g in groups if any(g is x for x in largest)]


def _row(finding: Finding, group: GroupValue, pair: Sequence[GroupValue]) -> Row:
    low, high = group.interval or (None, None)
    shape: Verdict | str = "group"
    if not group.judged:
        shape = Verdict.NOT_JUDGED
    elif any(group is p for p in pair):
        shape = finding.verdict
    if group.value is not None:
        value = figures(finding)(group.value)
    else:
        value = WITHHELD if group.note.startswith(WITHHELD) else "none"
    return Row(group_name(group.group), group.value, low, high, f"{value} · n {group.n:,}", shape)


def _heat(finding: Finding, groups: Sequence[GroupValue]) -> Iterator[Figure]:
    down, across = finding.scope
    parts = {g.part for g in groups}
    complete = all({down, across} <= set(g.group) for g in groups)
    if len(parts) > 1 or len(groups) > MOST_CELLS or not complete:
        return
    ordered = sorted(groups, key=lambda g: (g.group[down], g.group[across]))
    cells = [
        Cell(
            group_name({down: g.group[down]}),
            group_name({across: g.group[across]}),
            g.value,
            g.n,
            judged=g.judged,
            withheld=g.note.startswith(WITHHELD),
        )
        for g in ordered
    ]
    svg = heat_map(
        cells,
        figures(finding),
        title=f"{quantity(finding)} in each cell of {down} and {across}",
        desc=f"Rows are {down}, columns are {across}; each cell has its rate and its people.",
    )
    said = f"Rows are {down}, columns {across}: the {quantity(finding)} and the people of each "
    said += "cell, darker where it is higher."
    if not all(cell.judged for cell in cells):
        said += " A dashed outline marks cells that are not judged."
    yield Figure(svg, said, wide=True)


def _series(finding: Finding) -> Iterator[Figure]:
    def key(series: Series) -> tuple[str, str, str]:
        return series.kind, series.x_label, series.y_label

    for (kind, x_label, y_label), members in groupby(finding.series, key=key):
        together = list(members)
        title = f"{y_label or together[0].name} against {x_label or 'its values'}"
        desc = "; ".join(one.name for one in together)
        if kind == "bars":
            for one in together:
                svg = bars_of(one, ticks_text, title=one.name, desc=f"{title}.")
                yield Figure(svg, f"{one.name}: {y_label} for each {x_label or 'item'}.")
            continue
        svg = (strip if kind == "strip" else curves)(together, title=title, desc=desc)
        if svg:
            yield Figure(svg, f"{title}: {desc}.")
