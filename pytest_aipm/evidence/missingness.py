"""Which values are missing: counted by column and by group, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping, Unknown
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.rowgroups import attributes_of, cells_in, groups_of
from pytest_aipm.evidence.subject import Attribute
from pytest_aipm.evidence.tally import Cell
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.sources.data import DataSource

__all__ = ["Gaps", "Missing", "gaps_of", "missing_in"]


@dataclass(frozen=True, eq=False)
class Missing:
    """Counts of missing values.

    Attributes
    ----------
    columns : tuple of str
    table : int array of shape (K, p)
        Rows of each group that lack each column.
    gaps : int array of shape (K,)
        Rows of each group that lack any of them.
    sizes : int array of shape (K,)
    unknown : int
        Rows without a group.
    grouping : Grouping or None
        None where all rows are one group.
    """

    columns: tuple[str, ...]
    table: np.ndarray
    gaps: np.ndarray
    sizes: np.ndarray
    unknown: int
    grouping: Grouping | None


def missing_in(
    evidence: Evidence,
    source: DataSource,
    columns: Sequence[str],
    by: tuple[str, ...] = (),
    unknown: Unknown = "report",
) -> Missing:
    """Count missing values of some columns, in all rows or in every group of a scope.

    Raises
    ------
    DataError
        When a column is not there, or the groups cannot be told.
    """
    cells = evidence.shared.answer(gaps_of(evidence, source, columns, by)).cells
    with located(source.ref):
        found = groups_of(evidence, by, cells, unknown)
    groups, p = 1 if found is None else len(found.keys), len(columns)
    table, outside = np.zeros((groups, p + 2), dtype=np.int64), 0
    for cell, counted in cells.items():
        group = 0 if found is None else found.index(cell)
        if group < 0:
            outside += int(counted[p + 1])
        else:
            table[group] += counted
    return Missing(tuple(columns), table[:, :p], table[:, p], table[:, p + 1], outside, found)


def gaps_of(
    evidence: Evidence, source: DataSource, columns: Sequence[str], by: tuple[str, ...] = ()
) -> Wish[Gaps]:
    """Return the wish for the counts that `missing_in` sums up."""
    attributes = attributes_of(evidence, by)
    names = dict.fromkeys([*columns, *(each.column for each in attributes)])
    counting = _Counting(tuple(columns), attributes)
    return Wish(("gaps", tuple(columns), attributes), source, tuple(names), counting, Gaps())


@dataclass(frozen=True, eq=False)
class Gaps:
    """By cell: rows that lack each column, rows that lack any, rows; shape (p + 2,)."""

    cells: dict[Cell, np.ndarray] = field(default_factory=dict)

    def merge(self, other: Gaps) -> Gaps:
        """Return the counts of the rows of both."""
        both = dict(self.cells)
        for cell, counted in other.cells.items():
            both[cell] = both[cell] + counted if cell in both else counted
        return Gaps(both)


@dataclass(frozen=True)
class _Counting:
    """Counts one batch."""

    columns: tuple[str, ...]
    attributes: tuple[Attribute, ...]

    def __call__(self, batch: pd.DataFrame) -> Gaps:
        number, cells = cells_in(self.attributes, batch)
        table = np.zeros((len(cells), len(self.columns) + 2), dtype=np.int64)
        some = np.zeros(len(batch), dtype=bool)
        for place, name in enumerate(self.columns):
            missing = batch[name].isna().to_numpy()
            if missing.any():
                some |= missing
                table[:, place] = np.bincount(number[missing], minlength=len(cells))
        table[:, -2] = np.bincount(number[some], minlength=len(cells))
        table[:, -1] = np.bincount(number, minlength=len(cells))
        return Gaps(dict(zip(cells, table, strict=True)))
