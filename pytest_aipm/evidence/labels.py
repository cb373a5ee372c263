"""How often each class is the answer, in all rows or in every group."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError
from pytest_aipm.evidence.classes import MAX_CLASSES
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping, Unknown
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.rowgroups import attributes_of, cells_in, groups_of
from pytest_aipm.evidence.subject import Attribute, Classes, class_name
from pytest_aipm.evidence.tally import Cell
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.sources.data import DataSource

__all__ = ["OTHER", "CountedLabels", "LabelCounts", "label_counts", "label_of", "labels_of"]

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
    counted = evidence.shared.answer(labels_of(evidence, source, by))
    with located(source.ref):
        grouping = groups_of(evidence, by, counted.cells, unknown)
        if counted.crowded:
            what = f"label {label!r} has more than {MAX_CLASSES} different values"
            fix = "a balance is of classes: name a label with few of them"
            raise DataError(evidence.subject.problem("label", what, fix))
    names = _ordered({value for value, _ in counted.found}, evidence.subject.positive)
    groups, outside = 1 if grouping is None else len(grouping.keys), 0
    table = np.zeros((groups, len(names)), dtype=np.int64)
    for (value, cell), n in counted.found.items():
        group = 0 if grouping is None else grouping.index(cell)
        if group < 0:
            outside += n
        else:
            table[group, names.index(class_name(value))] += n
    return LabelCounts(tuple(names), table, counted.missing, outside, grouping)


def labels_of(
    evidence: Evidence, source: DataSource, by: tuple[str, ...] = ()
) -> Wish[CountedLabels]:
    """Return the wish for the counts that `label_counts` sums up."""
    label, attributes = label_of(evidence, source), attributes_of(evidence, by)
    names = dict.fromkeys([label, *(each.column for each in attributes)])
    counting = _Counting(label, attributes)
    return Wish(("labels", label, attributes), source, tuple(names), counting, CountedLabels())


@dataclass(frozen=True)
class CountedLabels:
    """Rows by class and cell, those without a label, and the cells of all; a crowd is let go."""

    found: Counter[tuple[Any, Cell]] = field(default_factory=Counter)
    missing: int = 0
    cells: frozenset[Cell] = frozenset()
    crowded: bool = False

    def merge(self, other: CountedLabels) -> CountedLabels:
        """Return the counts of the rows of both."""
        found = self.found + other.found
        crowd = len({value for value, _ in found}) > MAX_CLASSES
        crowded = self.crowded or other.crowded or crowd
        missing, cells = self.missing + other.missing, self.cells | other.cells
        return CountedLabels(Counter() if crowded else found, missing, cells, crowded)


@dataclass(frozen=True)
class _Counting:
    """Counts one batch."""

    label: str
    attributes: tuple[Attribute, ...]

    def __call__(self, batch: pd.DataFrame) -> CountedLabels:
        codes, values = pd.factorize(batch[self.label])
        number, cells = cells_in(self.attributes, batch)
        missing, crowded = int((codes < 0).sum()), len(values) > MAX_CLASSES
        found: Counter[tuple[Any, Cell]] = Counter()
        if not crowded:
            joint = (number * len(values) + codes)[codes >= 0]
            for place, n in zip(*np.unique(joint, return_counts=True), strict=True):
                cell, value = divmod(int(place), len(values))
                found[values[value], cells[cell]] += int(n)
        return CountedLabels(found, missing, frozenset(cells), crowded)


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
