"""Evidence made of the counts that a record holds: the checks themselves measure it once more.

A record keeps events and rows of a rate for each group, not the whole table of labels and
decisions. That is all that a check of one rate reads, so the cells are filled in such a way that
the rate has these counts; which cell the other rows fall into changes nothing it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from pytest_aipm.checks.rates import Rate
from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import GroupCounts, Grouping, Unknown, display_order
from pytest_aipm.evidence.subject import UNKNOWN, Attribute, Classes, Subject
from pytest_aipm.evidence.views import View
from pytest_aipm.records import Audit, Finding, GroupValue
from pytest_aipm.records import Subject as Told

__all__ = [
    "Recounted",
    "classes_of",
    "is_designed",
    "is_of_each_class",
    "subject_of",
    "table_of",
]

SHAPE = (2, 2, 1)
"""Labels, decisions, champions."""


class Recounted(Evidence):
    """The counts of one finding, where a check expects those of the rows."""

    def __init__(self, subject: Subject, counts: GroupCounts) -> None:
        self.subject = subject
        self._counted = counts

    def counts(self, by: tuple[str, ...], unknown: Unknown = "report") -> GroupCounts:
        """Return the counts of the finding's own scope."""
        del unknown
        assert by == self._counted.grouping.by  # noqa: S101 - it is asked for its own scope alone
        return self._counted

    def require_both_classes(self) -> None:
        """Take both classes for granted: a run that lacked one has no value to check."""

    def speaking_of(self, classes: Classes) -> Evidence:
        """Return itself: the counts are of these classes already."""
        del classes
        return self

    def viewed(self, view: View) -> Evidence:
        """Return itself: the counts are of this view already."""
        del view
        return self

    @property
    def classes(self) -> None:
        """Nothing: a record holds no scores."""


class RecountedClasses(Recounted):
    """The counts of a finding that looks at each class of a multiclass task against the rest."""

    def __init__(self, subject: Subject, counts: GroupCounts, classes: ClassTables) -> None:
        super().__init__(subject, counts)
        self._classes = classes

    def class_tables(self, by: tuple[str, ...], unknown: Unknown = "report") -> ClassTables:
        """Return the tables of each class."""
        del by, unknown
        return self._classes


@dataclass(frozen=True)
class ClassTables:
    """Tables of each class, where a check expects those of the rows."""

    grouping: Grouping
    classes: tuple[str, ...]
    sizes: np.ndarray
    unknown: int
    tables: tuple[np.ndarray, ...]

    def against_rest(self, code: int) -> np.ndarray:
        """Return the table (K, 2, 2) of one class."""
        return self.tables[code]


def is_designed(told: Told) -> bool:
    """Return whether counts are effective ones: rows are weighted, or people have several."""
    weighted = told.weights is not None and told.weights.startswith("sampling")
    return weighted or told.cluster is not None


def subject_of(told: Told, *, finding: Finding | None = None) -> Subject:
    """Return what the record says of its subject, in the terms of evidence.

    The rows of a multiclass task are read as the class that a finding speaks of, and the rest.
    """
    positive: object = told.positive
    favorable: object = told.favorable
    task: Literal["binary", "multiclass"] = "binary"
    if told.task == "multiclass" and finding is not None:
        task = "multiclass"
        spoken = "" if finding.formula is None else finding.formula.positive
        each = is_of_each_class(finding)
        positive = favorable = None if each or not spoken else Classes((spoken,))
    return Subject(
        task=task,
        label=told.label,
        positive=positive,
        favorable=favorable,
        attributes=tuple(
            Attribute(
                name=each.name,
                column=each.column,
                bins=each.bins,
                labels=each.labels,
                groups=each.groups,
            )
            for each in told.attributes
        ),
    )


def is_of_each_class(finding: Finding) -> bool:
    """Return whether a finding looks at each class against the rest."""
    return finding.formula is not None and finding.formula.id.endswith("_of_each_class")


def classes_of(
    finding: Finding, audit: Audit, rates: Sequence[Rate], subject: Subject, rows: int | None
) -> RecountedClasses:
    """Return the counts of a finding that looks at each class; as `table_of`."""
    names = _class_names(finding, rates[0])
    found = []
    for name in names:
        own = {f"{rate.name} of {name}": rate.name for rate in rates}
        groups = tuple(
            group.model_copy(update={"part": own[group.part] if len(rates) > 1 else ""})
            for group in finding.groups
            if group.part in own
        )
        one = finding.model_copy(update={"groups": groups})
        spoken = replace(subject, positive=Classes((name,)), favorable=Classes((name,)))
        found.append(table_of(one, audit, rates, spoken, rows))
    if len(finding.groups) != sum(len(each.grouping.keys) for each in found) * len(rates):
        raise _contradiction("a group belongs to no class, or to two")
    first = found[0]
    sizes = np.array([_size_of(finding, key) for key in first.grouping.keys], dtype=np.int64)
    tables = tuple(each.table.sum(axis=3) for each in found)
    told = ClassTables(first.grouping, names, sizes, first.unknown, tables)
    return RecountedClasses(subject, first, told)


def _size_of(finding: Finding, key: tuple[str, ...]) -> int:
    return next(group.n for group in finding.groups if _key(group, finding.scope) == key)


def _class_names(finding: Finding, rate: Rate) -> tuple[str, ...]:
    """Return the classes in the order of the estimate's parts: those of the first group."""
    start = f"{rate.name} of "
    names = {
        group.part.removeprefix(start) for group in finding.groups if group.part.startswith(start)
    }
    order = {
        name: finding.part_names.index(one)
        for name in names
        if (one := _first_part(finding, f"{start}{name}"))
    }
    if not names or len(order) != len(names):
        raise _contradiction("its parts are not its classes")
    return tuple(sorted(names, key=order.__getitem__))


def _first_part(finding: Finding, part: str) -> str | None:
    return next((name for name in finding.part_names if name.endswith(f" ({part})")), None)


def table_of(
    finding: Finding, audit: Audit, rates: Sequence[Rate], subject: Subject, rows: int | None
) -> GroupCounts:
    """Return the counts of a finding as a check takes them.

    Parameters
    ----------
    finding : Finding
    audit : Audit
    rates : sequence of Rate
        One rate, or both of equalized odds.
    subject : Subject
    rows : int or None
        Rows of the evaluation data; what is more than the groups hold has no group.

    Raises
    ------
    DataError
        When the counts contradict each other.
    """
    designed = audit.subject is not None and is_designed(audit.subject)
    by, keep = finding.scope, finding.asked is not None and finding.asked.unknown == "group"
    held = finding.groups if by else (_overall(finding),)
    if not by:
        grouping = Grouping((), ((),), (), keep_unknown=keep)
    else:
        keys = [tuple(group.group.get(name, UNKNOWN) for name in by) for group in held]
        order = display_order([subject.attribute(name) for name in by])
        unique = tuple(sorted(set(keys), key=order))
        if len(keys) != len(unique) * len(rates):
            raise _contradiction("a group is there twice, or lacks one of its rates")
        grouping = Grouping(by, unique, tuple(range(len(by))), keep_unknown=keep)
    table = np.zeros((len(grouping.keys), *SHAPE), dtype=float if designed else np.int64)
    for rate in rates:
        part = rate.name if len(rates) > 1 else ""
        mine = {_key(group, by): group for group in held if group.part == part}
        for i, key in enumerate(grouping.keys):
            if key not in mine:
                raise _contradiction(f"{_named(key)} has no {rate.name}")
            _fill(table[i], mine[key], rate, subject, _named(key))
    if not designed:
        _sizes(table, grouping, held, by, alone=len(rates) == 1, rates=rates, subject=subject)
    known = int(sum(group.n for group in held) / len(rates))
    outside = 0 if rows is None or not by or keep else rows - known
    if outside < 0:
        raise _contradiction(f"the groups hold {known:,} rows, the data {rows:,}")
    return GroupCounts(grouping, table, outside)


def _fill(cells: np.ndarray, group: GroupValue, rate: Rate, subject: Subject, name: str) -> None:
    """Put a rate's events and other rows into one cell each."""
    if group.numerator is None or group.denominator is None:
        raise _contradiction(f"{name} has no counts")
    if not 0 <= group.numerator <= group.denominator:
        raise _contradiction(f"{name} has more events than rows, or fewer than none")
    inside, hit = rate.cells(SHAPE, subject)
    cells[_first(hit)] += group.numerator
    cells[_first(inside & ~hit)] += group.denominator - group.numerator


def _sizes(
    table: np.ndarray,
    grouping: Grouping,
    held: Sequence[GroupValue],
    by: tuple[str, ...],
    *,
    alone: bool,
    rates: Sequence[Rate],
    subject: Subject,
) -> None:
    """Put the rows outside a denominator where the rate does not see them."""
    sizes: dict[tuple[str, ...], int] = {}
    for group in held:
        if sizes.setdefault(_key(group, by), group.n) != group.n:
            raise _contradiction(f"{_named(_key(group, by))} has two sizes")
    inside, _ = rates[0].cells(SHAPE, subject)
    for i, key in enumerate(grouping.keys):
        left = sizes[key] - int(table[i].sum())
        if left and alone and not inside.all():
            table[i][_first(~inside)] += left
        elif left:
            raise _contradiction(f"{_named(key)} has {sizes[key]:,} rows, its counts do not")
        if left < 0:
            raise _contradiction(f"{_named(key)} has more rows in a denominator than in all")


def _overall(finding: Finding) -> GroupValue:
    """Return the counts of a finding over all rows: its events are value times denominator."""
    if finding.value is None or len(finding.sizes) != 1:
        raise _contradiction("a rate has one value and one denominator")
    (size,) = finding.sizes
    events = finding.value * size
    whole = round(events)
    if abs(events - whole) <= 1e-6 * max(1.0, size):
        events = whole
    return GroupValue(group={}, n=finding.n, numerator=events, denominator=size)


def _key(group: GroupValue, by: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(group.group.get(name, UNKNOWN) for name in by)


def _named(key: tuple[str, ...]) -> str:
    return " · ".join(key) or "all rows"


def _first(cells: np.ndarray) -> tuple[int, ...]:
    return tuple(int(axis[0]) for axis in np.nonzero(cells))


def _contradiction(what: str) -> DataError:
    return DataError(Problem(f"the counts contradict each other: {what}"))
