"""Which values are missing: counted by column and by group, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping, Unknown
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.rowgroups import groups_in, people_of
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.sources.data import DataSource

__all__ = ["Missing", "missing_in"]


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

    def merge(self, other: Missing) -> Missing:
        """Return the counts of the rows of both."""
        return replace(
            self,
            table=self.table + other.table,
            gaps=self.gaps + other.gaps,
            sizes=self.sizes + other.sizes,
            unknown=self.unknown + other.unknown,
        )


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
    with located(source.ref):
        source.require(list(columns))
        counts = groups_in(evidence, source, by, unknown) if by else None
        grouping = None if counts is None else counts.grouping
    groups = 1 if grouping is None else len(grouping.keys)
    zero = np.zeros(groups, dtype=np.int64)
    empty = Missing(
        tuple(columns), np.zeros((groups, len(columns)), dtype=np.int64), zero, zero, 0, grouping
    )
    people = people_of(evidence.subject)
    keys = [people.attribute(name).column for name in by]
    return evidence.over(source, [*columns, *keys], partial(_counted, empty, people), empty)


def _counted(empty: Missing, people: Subject, batch: pd.DataFrame) -> Missing:
    table, groups = empty.table.copy(), len(empty.sizes)
    number = np.zeros(len(batch), dtype=np.int64)
    if empty.grouping is not None:
        number = empty.grouping.members(people, batch)
    inside = number >= 0
    some = np.zeros(len(batch), dtype=bool)
    for place, name in enumerate(empty.columns):
        missing = batch[name].isna().to_numpy()
        if missing.any():
            some |= missing
            table[:, place] = np.bincount(number[inside & missing], minlength=groups)
    return replace(
        empty,
        table=table,
        gaps=np.bincount(number[inside & some], minlength=groups),
        sizes=np.bincount(number[inside], minlength=groups),
        unknown=int((~inside).sum()),
    )
