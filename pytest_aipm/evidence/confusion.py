"""Rows of a multiclass task by group cell, label and predicted class: only pairs that occur.

A table of 200 classes has 40,000 places for each cell of groups, nearly all of them empty. So the
counts are kept by the pairs that occur, which are no more than rows, and what is asked of a class
is made of three numbers: rows labelled, rows predicted, and rows that are both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from pytest_aipm.evidence.classes import in_order
from pytest_aipm.evidence.design import Cell

if TYPE_CHECKING:
    from pytest_aipm.evidence.groups import Grouping

__all__ = ["ClassCounts", "Confusion", "PerClass"]

_PENDING = 16
"""Parts are summed sixteen at a time, as bags of scores are."""


@dataclass(frozen=True)
class _Pairs:
    """Counts of the pairs that occur; each combination once."""

    names: tuple[Cell, ...]
    classes: tuple[Any, ...]
    cell: np.ndarray
    label: np.ndarray
    predicted: np.ndarray
    count: np.ndarray


@dataclass(frozen=True)
class Confusion:
    """Counts by cell, label and predicted class. Merging is addition."""

    parts: tuple[_Pairs, ...]

    @classmethod
    def of(
        cls, cells: np.ndarray, names: Sequence[Cell], label: np.ndarray, predicted: np.ndarray
    ) -> Confusion:
        """Return the counts of a batch of n rows, given each row's cell, label and prediction."""
        both = pd.Series([*label.tolist(), *predicted.tolist()], dtype=object)
        codes, found = pd.factorize(both)
        n = len(label)
        ones = np.ones(n, dtype=np.int64)
        pairs = _Pairs(tuple(names), tuple(found.tolist()), cells, codes[:n], codes[n:], ones)
        return cls((_summed((pairs,)),))

    def merge(self, other: Confusion) -> Confusion:
        """Return the counts of both sets of rows."""
        parts = (*self.parts, *other.parts)
        return Confusion((_summed(parts),) if len(parts) >= _PENDING else parts)

    def grouped(self, groups: Grouping) -> ClassCounts:
        """Return the counts by group."""
        whole = _summed(self.parts)
        number = np.array([groups.index(name) for name in whole.names], dtype=np.int64)
        group = number[whole.cell]
        keep = group >= 0
        order = in_order(whole.classes)
        place = {value: i for i, value in enumerate(order)}
        code = np.array([place[value] for value in whole.classes], dtype=np.int64)
        return ClassCounts(
            groups,
            order,
            group[keep],
            code[whole.label[keep]],
            code[whole.predicted[keep]],
            whole.count[keep],
            int(whole.count[~keep].sum()),
        )


def _summed(parts: Sequence[_Pairs]) -> _Pairs:
    names = tuple(dict.fromkeys(name for part in parts for name in part.names))
    classes = tuple(dict.fromkeys(value for part in parts for value in part.classes))
    cell_of = {name: i for i, name in enumerate(names)}
    class_of = {value: i for i, value in enumerate(classes)}
    keys, counts = [], []
    for part in parts:
        cell = np.array([cell_of[name] for name in part.names], dtype=np.int64)[part.cell]
        code = np.array([class_of[value] for value in part.classes], dtype=np.int64)
        keys.append((cell * len(classes) + code[part.label]) * len(classes) + code[part.predicted])
        counts.append(part.count)
    found, place = np.unique(np.concatenate(keys), return_inverse=True)
    summed = np.bincount(place.reshape(-1), weights=np.concatenate(counts), minlength=len(found))
    rest, predicted = np.divmod(found, len(classes))
    cells, label = np.divmod(rest, len(classes))
    return _Pairs(names, classes, cells, label, predicted, summed.astype(np.int64))


class PerClass(Protocol):
    """Tables of each class of a scope against the rest."""

    @property
    def grouping(self) -> Grouping:
        """The groups."""

    @property
    def classes(self) -> tuple[Any, ...]:
        """The classes, in order."""

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each group, shape (K,)."""

    @property
    def unknown(self) -> int:
        """Rows left out because an attribute is missing."""

    def against_rest(self, code: int) -> np.ndarray:
        """Return the table (K, 2, 2) of one class by label and decision: other, class."""


@dataclass(frozen=True)
class ClassCounts:
    """Counts of one scope: of each pair of label and predicted class that occurs in a group.

    Attributes
    ----------
    grouping : Grouping
    classes : tuple
        All classes that occur as label or prediction, anywhere in the data, in order.
    group, label, predicted, count : int arrays of shape (m,)
    unknown : int
        Rows left out because an attribute is missing.
    """

    grouping: Grouping
    classes: tuple[Any, ...]
    group: np.ndarray
    label: np.ndarray
    predicted: np.ndarray
    count: np.ndarray
    unknown: int

    def _sum(self, where: np.ndarray, codes: np.ndarray) -> np.ndarray:
        shape = len(self.grouping.keys), len(self.classes)
        flat = self.group[where] * shape[1] + codes[where]
        summed = np.bincount(flat, weights=self.count[where], minlength=shape[0] * shape[1])
        table: np.ndarray = summed.reshape(shape).astype(np.int64)
        return table

    @cached_property
    def both(self) -> np.ndarray:
        """Rows labelled and predicted as a class, shape (K, C)."""
        return self._sum(self.label == self.predicted, self.label)

    @cached_property
    def labelled(self) -> np.ndarray:
        """Rows labelled as a class, shape (K, C)."""
        return self._sum(np.ones(len(self.count), dtype=bool), self.label)

    @cached_property
    def decided(self) -> np.ndarray:
        """Rows predicted as a class, shape (K, C)."""
        return self._sum(np.ones(len(self.count), dtype=bool), self.predicted)

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each group, shape (K,)."""
        sizes: np.ndarray = self.labelled.sum(axis=1)
        return sizes

    def against_rest(self, code: int) -> np.ndarray:
        """Return the table (K, 2, 2) of one class by label and decision: other, class."""
        both, labelled, decided = (
            each[:, code] for each in (self.both, self.labelled, self.decided)
        )
        rest = self.sizes - labelled - decided + both
        return np.stack(
            [np.stack([rest, decided - both], axis=1), np.stack([labelled - both, both], axis=1)],
            axis=1,
        )

    def pairs(self, group: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return label, predicted class and count of the pairs of one group."""
        own = self.group == group
        return self.label[own], self.predicted[own], self.count[own]
