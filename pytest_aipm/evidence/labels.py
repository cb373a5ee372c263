"""How often each class is the answer, in all rows or in every group."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.classes import MAX_CLASSES
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping, Unknown
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.rowgroups import groups_in, people_of
from pytest_aipm.evidence.subject import Classes, Subject, class_name
from pytest_aipm.sources.data import DataSource

__all__ = ["OTHER", "LabelCounts", "label_counts", "label_of"]

OTHER = "any other class"


@dataclass(frozen=True, eq=False)
class LabelCounts:
    """Rows by group and class.

    Attributes
    ----------
    classes : tuple of str
        As policies write them, in their order; `OTHER` where only one occurs.
    table : int array of shape (K, C)
    missing, unknown : int
        Rows without a label; rows with one, but without a group.
    grouping : Grouping or None
        None where all rows are one group.
    """

    classes: tuple[str, ...]
    table: np.ndarray
    missing: int
    unknown: int
    grouping: Grouping | None


def label_of(evidence: Evidence, source: DataSource) -> str:
    """Return the label's column.

    Raises
    ------
    DataError
        When the subject names none, or the rows have no such column.
    """
    subject = evidence.subject
    if subject.label is None:
        what, fix = "no label is named", "add `label: COLUMN` to the subject"
        raise DataError(subject.problem("label", what, fix))
    source.require([subject.label], None if source is not evidence.data else subject.where("label"))
    return subject.label


def label_counts(
    evidence: Evidence, source: DataSource, by: tuple[str, ...] = (), unknown: Unknown = "report"
) -> LabelCounts:
    """Count the classes of the label.

    Raises
    ------
    DataError
        Without a label, or when it has so many values that it is no class.
    """
    label = label_of(evidence, source)
    people = people_of(evidence.subject)
    with located(source.ref):
        grouping = groups_in(evidence, source, by, unknown).grouping if by else None
    what = f"label {label!r} has more than {MAX_CLASSES} different values"
    fix = "a balance is of classes: name a label with few of them"
    counter = _Counter(label, grouping, people, evidence.subject.problem("label", what, fix))
    keys = [people.attribute(name).column for name in by]
    counted = evidence.over(source, [label, *keys], counter, _Counted())
    if counted.crowded:
        raise DataError(counter.crowd)
    names = _ordered({value for value, _ in counted.found}, evidence.subject.positive)
    groups = 1 if grouping is None else len(grouping.keys)
    table = np.zeros((groups, len(names)), dtype=np.int64)
    for (value, group), n in counted.found.items():
        table[group, names.index(class_name(value))] += n
    return LabelCounts(tuple(names), table, counted.missing, counted.outside, grouping)


@dataclass(frozen=True)
class _Counted:
    """Rows by class and number of the group; those without a label, and without a group."""

    found: Counter[tuple[Any, int]] = field(default_factory=Counter)
    missing: int = 0
    outside: int = 0

    @property
    def crowded(self) -> bool:
        return len({value for value, _ in self.found}) > MAX_CLASSES

    def merge(self, other: _Counted) -> _Counted:
        return _Counted(
            self.found + other.found, self.missing + other.missing, self.outside + other.outside
        )


@dataclass(frozen=True)
class _Counter:
    """Counts one batch; a crowd of values is refused at once, before it is kept."""

    label: str
    grouping: Grouping | None
    people: Subject
    crowd: Problem

    def __call__(self, batch: pd.DataFrame) -> _Counted:
        codes, values = pd.factorize(batch[self.label])
        number = np.zeros(len(batch), dtype=np.int64)
        if self.grouping is not None:
            number = self.grouping.members(self.people, batch)
        inside = (codes >= 0) & (number >= 0)
        joint = number[inside] * len(values) + codes[inside]
        found: Counter[tuple[Any, int]] = Counter()
        for place, n in zip(*np.unique(joint, return_counts=True), strict=True):
            found[values[place % len(values)], int(place // len(values))] += int(n)
        counted = _Counted(found, int((codes < 0).sum()), int(((codes >= 0) & (number < 0)).sum()))
        if counted.crowded:
            raise DataError(self.crowd)
        return counted


def _ordered(values: set[Any], positive: object) -> list[str]:
    """Return names of classes; those that the policy speaks of are there though they never occur.

    A class alone has no balance, so that the one that is missing is added.
    """
    spoken = positive.values if isinstance(positive, Classes) else (positive,)
    known = [*values, *(each for each in spoken if each is not None)]
    numbers = all(isinstance(each, int | float | np.number) for each in known)
    ordered = sorted(known, key=float if numbers else class_name)
    names = list(dict.fromkeys(map(class_name, ordered)))
    return names if len(names) > 1 else [*names, OTHER]
