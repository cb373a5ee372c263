"""Groups and data as the page shows them: how many, of which period, with which gaps."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_aipm.records import Audit, AuditGroup, DataInfo, Period
from pytest_aipm.report.words import TIMES, count, day, group_name, listed, percent, plural

__all__ = ["MOST_GROUPS", "GroupTable", "gaps", "group_tables", "label_rate", "period"]

MOST_GROUPS = 200
"""Rows of a group table; `audit.json` holds them all."""
UNKNOWN = "(unknown)"
"""The group of rows without a value."""
MOST_GAPS = 12
"""Features whose gaps are named; the others are counted."""


@dataclass(frozen=True)
class GroupTable:
    """The groups of one set of attributes, with their share of all rows."""

    name: str
    rows: tuple[tuple[str, int, str, str, str], ...]
    """Name, people, share of rows, positives, note."""
    positives: bool
    more: int = 0
    repeated: bool = False
    """Whether people have several rows, so that rows are counted."""


def group_tables(audit: Audit) -> list[GroupTable]:
    """Return one table for each set of attributes."""
    orders = {frozenset(finding.scope): finding.scope for finding in audit.findings}
    tables: dict[tuple[str, ...], list[AuditGroup]] = {}
    for group in audit.groups:
        order = orders.get(frozenset(group.group), tuple(sorted(group.group)))
        tables.setdefault(order, []).append(group)
    made = []
    for attributes, groups in tables.items():
        total = sum(group.n for group in groups) or 1
        rows = tuple(
            (
                group_name(group.group, attributes),
                group.n,
                percent(group.n / total),
                _positives(group),
                _note(group, audit.policy.min_cell),
            )
            for group in groups[:MOST_GROUPS]
        )
        known = any(group.positives is not None for group in groups)
        more = max(len(groups) - MOST_GROUPS, 0)
        repeated = any(group.people is not None for group in groups)
        made.append(GroupTable(TIMES.join(attributes) or "all rows", rows, known, more, repeated))
    return made


def _positives(group: AuditGroup) -> str:
    """Return how many are positive, and their share."""
    if group.positives is None:
        return "withheld" if group.n else "none"
    share = f" ({percent(group.positives / group.n)})" if group.n else ""
    return f"{count(group.positives)}{share}"


def _note(group: AuditGroup, min_cell: int) -> str:
    if not group.n:
        return "declared, but not in these rows"
    small = min(group.n, group.people or group.n) < min_cell
    return f"fewer than {min_cell} people" if small else ""


def label_rate(audit: Audit) -> str:
    """Return how many rows are positive; empty where nobody knows or a group's would show."""
    rows = None if audit.subject is None else audit.subject.data.rows
    tables: dict[frozenset[str], list[AuditGroup]] = {}
    for group in audit.groups:
        tables.setdefault(frozenset(group.group), []).append(group)
    hidden = any(group.positives is None and group.n for group in audit.groups)
    whole = [each for each in tables.values() if sum(group.n for group in each) == rows]
    if hidden or not whole or not rows or audit.subject is None or audit.subject.label is None:
        return ""
    positives = sum(group.positives or 0 for group in whole[0])
    label = f"{audit.subject.label} = {audit.subject.positive}"
    return f"{label} in {count(positives)} of {count(rows)} rows ({percent(positives / rows)})."


def period(data: DataInfo) -> str:
    """Return from when to when the rows are; empty where no column says so."""
    days = data.period
    if days is None:
        return ""
    if days.first is None or days.last is None:
        return f"period unknown: column {days.column} holds no dates such as 2026-01-31"
    if days.first == days.last:
        return f"of {day(days.first)}"
    first, year = day(days.first), f" {days.last[:4]}"
    return f"{first.removesuffix(year)} to {day(days.last)}"


def gaps(audit: Audit) -> list[str]:
    """Return sentences on what the rows lack: dates, groups and values of features."""
    days = None if audit.subject is None else audit.subject.data.period
    said = [*([] if days is None else _dateless(days)), *_groupless(audit)]
    missing = audit.missing
    if missing is None or not missing.rows:
        return said
    lacking = sorted(missing.columns.items(), key=lambda each: (-each[1], each[0]))
    if not lacking:
        return [*said, f"None of the {plural(missing.features, 'feature')} has a missing value."]
    named = [f"{column} {percent(n / missing.rows)} ({count(n)})" for column, n in lacking]
    more = len(named) - MOST_GAPS
    shown = named[:MOST_GAPS] + ([f"{more} more"] if more > 0 else [])
    which = f"{count(len(lacking))} of {plural(missing.features, 'feature')}"
    return [*said, f"Missing values in {which}: {listed(shown)}."]


def _groupless(audit: Audit) -> list[str]:
    """Return how many rows have no value of each protected attribute."""
    rows: dict[str, int] = {}
    unknown: dict[str, int] = {}
    for group in audit.groups:
        for name, value in group.group.items() if len(group.group) == 1 else ():
            rows[name] = rows.get(name, 0) + group.n
            if value == UNKNOWN and group.n:
                unknown[name] = group.n
    named = [f"{name} {percent(n / rows[name])} ({count(n)})" for name, n in unknown.items()]
    return [f"Rows without a group: {listed(named)}."] if named else []


def _dateless(days: Period) -> list[str]:
    kinds = ((days.missing, "no date"), (days.unread, "no readable date"))
    return [
        f"{plural(n, 'row has', 'rows have')} {what} in {days.column}." for n, what in kinds if n
    ]
