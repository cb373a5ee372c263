"""How often each class is the answer, in all rows or in every group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError
from pytest_aipm.evidence.classes import MAX_CLASSES
from pytest_aipm.evidence.evidence import Evidence, located
from pytest_aipm.evidence.groups import Grouping, Unknown
from pytest_aipm.evidence.rowgroups import groups_in, people_of
from pytest_aipm.evidence.subject import Classes, class_name
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
        keys = [people.attribute(name).column for name in by]
        found: dict[tuple[Any, int], int] = {}
        missing = outside = 0
        for batch in source.batches([label, *keys]):
            codes, values = pd.factorize(batch[label])
            number = np.zeros(len(batch), dtype=np.int64)
            if grouping is not None:
                number = grouping.members(people, batch)
            missing += int((codes < 0).sum())
            outside += int(((codes >= 0) & (number < 0)).sum())
            inside = (codes >= 0) & (number >= 0)
            joint = number[inside] * len(values) + codes[inside]
            for place, n in zip(*np.unique(joint, return_counts=True), strict=True):
                key = (values[place % len(values)], int(place // len(values)))
                found[key] = found.get(key, 0) + int(n)
            if len({value for value, _ in found}) > MAX_CLASSES:
                what = f"label {label!r} has more than {MAX_CLASSES} different values"
                fix = "a balance is of classes: name a label with few of them"
                raise DataError(evidence.subject.problem("label", what, fix))
    names = _ordered({value for value, _ in found}, evidence.subject.positive)
    groups = 1 if grouping is None else len(grouping.keys)
    table = np.zeros((groups, len(names)), dtype=np.int64)
    for (value, group), n in found.items():
        table[group, names.index(class_name(value))] += n
    return LabelCounts(tuple(names), table, missing, outside, grouping)


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
