"""How many rows there are of each group with each label, and how many they are worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.classes import MAX_CLASSES
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import CountedRows, Of, counted_rows, counting_of, source_of
from pytest_aipm.evidence.groups import Unknown
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.subject import Subject, class_name, group_name
from pytest_aipm.evidence.weighing import beside, people, weights
from pytest_aipm.evidence.wishes import Wish

__all__ = ["LabelCells", "cells_of_labels", "label_cells"]


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
    return evidence.once(
        ("label cells", by, unknown, of), lambda: _label_cells(evidence, by, unknown, of)
    )


def cells_of_labels(
    evidence: Evidence, by: tuple[str, ...], of: Of = "data"
) -> Iterator[Wish[Any]]:
    """Yield the wish that `label_cells` has of all rows."""
    yield from counting_of(evidence, by, _read_by(evidence.subject), of=of)


def _label_cells(evidence: Evidence, by: tuple[str, ...], unknown: Unknown, of: Of) -> LabelCells:
    subject = evidence.subject
    rows = counted_rows(evidence, by, unknown, _read_by(subject), of=of)
    names: tuple[str, ...] = ("",)
    label = np.zeros(len(rows.counts), dtype=np.int64)
    outcome = _outcome(subject)
    if outcome is not None:
        with located(source_of(evidence, of).ref):
            label, names = _labels(rows.frame[outcome], outcome, rows.n)
    there = (label >= 0) & (rows.group >= 0)
    shape = (len(rows.grouping.names), len(names))
    slot = rows.group[there] * len(names) + label[there]
    cells = shape[0] * shape[1]
    counted = np.bincount(slot, weights=rows.counts[there], minlength=cells).astype(np.int64)
    return LabelCells(
        by=by,
        names=rows.grouping.names,
        groups=rows.grouping.groups,
        labels=names,
        rows=counted.reshape(shape),
        counts=_worth(subject, rows, slot, there, cells).reshape(shape),
        n=rows.n,
        unknown=rows.unknown,
        unlabelled=rows.many(label < 0),
        what=rows.what,
    )


def _outcome(subject: Subject) -> str | None:
    """Return the column by which rows are counted beside their group."""
    return subject.label if subject.task in ("binary", "multiclass") else None


def _read_by(subject: Subject) -> list[str]:
    outcome = _outcome(subject)
    return [*([] if outcome is None else [outcome]), *beside(subject)]


def _labels(column: pd.Series[Any], name: str, n: int) -> tuple[np.ndarray, tuple[str, ...]]:
    codes, found = pd.factorize(column, use_na_sentinel=True)
    if not len(found):
        what = f"label column {name!r} is empty: none of {n:,} rows has a label"
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


def _worth(
    subject: Subject, rows: CountedRows, slot: np.ndarray, there: np.ndarray, cells: int
) -> np.ndarray:
    """Return what the rows of each cell are worth: (sum w)² / sum w² over people (Kish 1965)."""
    own, person = weights(subject, rows.frame), people(subject, rows.frame)
    many = rows.counts[there].astype(float)
    weight = np.ones(len(slot)) if own is None else own[there]
    if person is None:
        if own is None:
            return np.bincount(slot, weights=many, minlength=cells)
        sums, squares = weight * many, weight**2 * many
    else:
        _, person = np.unique(person[there], return_inverse=True)
        joint, place = np.unique(person.reshape(-1) * cells + slot, return_inverse=True)
        sums = np.bincount(place.reshape(-1), weights=weight * many)
        slot, squares = joint % cells, sums**2
    sums, squares = (np.bincount(slot, weights=each, minlength=cells) for each in (sums, squares))
    return np.asarray(np.where(squares > 0, sums**2 / np.where(squares > 0, squares, 1.0), 0.0))
