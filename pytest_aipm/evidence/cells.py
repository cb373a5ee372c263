"""How many rows there are of each group with each label, and how many they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.classes import MAX_CLASSES
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import GroupedRows, Of, grouped
from pytest_aipm.evidence.groups import Unknown
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.subject import Subject, class_name, group_name

__all__ = ["LabelCells", "label_cells", "outcome_of"]


@dataclass(frozen=True)
class LabelCells:
    """Rows by group and label.

    Attributes
    ----------
    by, names : tuple of str
        Attributes and groups.
    groups : tuple of dict
        The groups as records name them.
    labels : tuple of str
        Names of the outcomes; one empty name where there are none.
    rows : int array of shape (K, L)
    counts : float array of shape (K, L)
        The same, or under weights and repeated people what they are worth.
    n, unknown, unlabelled : int
        All rows; those without a group; those without a label.
    what : str
        Which rows they are.
    """

    by: tuple[str, ...]
    names: tuple[str, ...]
    groups: tuple[dict[str, str], ...]
    labels: tuple[str, ...]
    rows: np.ndarray
    counts: np.ndarray
    n: int
    unknown: int
    unlabelled: int
    what: str


def label_cells(
    evidence: Evidence, by: tuple[str, ...], unknown: Unknown, of: Of = "data"
) -> LabelCells:
    """Count rows by group and label, without asking a model.

    Raises
    ------
    DataError
        When a column is not there, no row has a label, or the label has too many values.
    """
    columns = outcome_of(evidence.subject)
    rows = grouped(evidence, by, unknown, columns, of=of, ordered=False)
    names: tuple[str, ...] = ("",)
    label = np.zeros(len(rows.group), dtype=np.int64)
    if columns:
        with located(rows.source.ref):
            label, names = _labels(rows.frame[columns[0]], columns[0], rows.n)
    there = (label >= 0) & (rows.group >= 0)
    shape = (len(rows.grouping.names), len(names))
    slot = rows.group[there] * len(names) + label[there]
    counted = _times(slot, rows.times[there], shape[0] * shape[1])
    return LabelCells(
        by=by,
        names=rows.grouping.names,
        groups=rows.grouping.groups,
        labels=names,
        rows=counted.reshape(shape),
        counts=_worth(rows, slot, there, len(counted)).reshape(shape),
        n=rows.n,
        unknown=rows.unknown,
        unlabelled=int(rows.times[label < 0].sum()),
        what=rows.what,
    )


def outcome_of(subject: Subject) -> list[str]:
    """Return the column by which rows are counted beside their group, or none."""
    several = subject.task in ("binary", "multiclass") and subject.label is not None
    return [subject.label] if several and subject.label is not None else []


def _times(slot: np.ndarray, times: np.ndarray, cells: int) -> np.ndarray:
    counted: np.ndarray = np.bincount(slot, weights=times, minlength=cells).astype(np.int64)
    return counted


def _labels(column: pd.Series[Any], name: str, rows: int) -> tuple[np.ndarray, tuple[str, ...]]:
    codes, found = pd.factorize(column, use_na_sentinel=True)
    if not len(found):
        what = f"label column {name!r} is empty: none of {rows:,} rows has a label"
        raise DataError(Problem(what, "name a column with outcomes, or rows that have them"))
    if len(found) > MAX_CLASSES:
        what = f"label column {name!r} has more than {MAX_CLASSES} values, too many for classes"
        raise DataError(Problem(what, "name the column of classes, or write `task: regression`"))
    written = [group_name(value) for value in found]
    names = sorted(set(written), key=_order)
    place = np.array([*(names.index(each) for each in written), -1])
    return place[codes], tuple(class_name(each) for each in names)


def _order(name: str) -> tuple[bool, float, str]:
    try:
        return False, float(name), name
    except ValueError:
        return True, 0.0, name


def _worth(rows: GroupedRows, slot: np.ndarray, there: np.ndarray, cells: int) -> np.ndarray:
    """Return what the rows of each cell are worth: (sum w)² / sum w² over people (Kish 1965)."""
    if rows.weight is None and rows.person is None:
        return _times(slot, rows.times[there], cells).astype(float)
    weight = np.ones(len(slot)) if rows.weight is None else rows.weight[there]
    if rows.person is not None:
        _, person = np.unique(rows.person[there], return_inverse=True)
        joint, place = np.unique(person.reshape(-1) * cells + slot, return_inverse=True)
        weight = np.bincount(place.reshape(-1), weights=weight)
        slot = joint % cells
    sums = np.bincount(slot, weights=weight, minlength=cells)
    squares = np.bincount(slot, weights=weight**2, minlength=cells)
    return np.asarray(np.where(squares > 0, sums**2 / np.where(squares > 0, squares, 1.0), 0.0))
