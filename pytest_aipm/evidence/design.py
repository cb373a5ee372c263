"""What unequal weights and repeated people add to the counts: sums of which variances are made.

A rate of a group is linear in the weights that its units carry into the cells of its table, so
its linearised variance is a sum over units of squares of ``z = sum over cells a[cell] w[cell]``.
A unit is a row, or a person where people have several rows. Rows need two more tables, of w and
of w²; people need each person's weight in each cell, which is bounded by the distinct pairs of
person and cell that occur, not by rows.

Source: linearisation as in Särndal, Swensson and Wretman, "Model assisted survey sampling", 1992,
chapter 5; sums between clusters as in Korn and Graubard, "Analysis of health surveys", 1999.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from pytest_aipm.stats.effective import opposing

__all__ = ["Cell", "Design", "PersonSums", "PersonUnits", "RowUnits", "WeightSums", "units_of"]

Cell = tuple[str | None, ...]
"""One group name for each protected attribute; None is unknown."""

_PENDING = 16
"""Parts are summed sixteen at a time, as bags of scores are."""


class Design(Protocol):
    """Sums over the units of each of K groups, for tables of any shape S.

    ``a`` and ``b`` are of shape (K, *S): what a weight in each cell counts for.
    """

    @property
    def weight(self) -> np.ndarray:
        """Sum of weights by group and cell, shape (K, *S)."""

    @property
    def clustered(self) -> bool:
        """Whether units are people with several rows."""

    def product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the sum over units of z(a) z(b), shape (K,)."""

    def units(self, inside: np.ndarray) -> np.ndarray:
        """Return how many units have rows in the cells where `inside`, of shape S, is true."""

    def row_squares(self, inside: np.ndarray) -> np.ndarray:
        """Return the sum of w² over the rows in some cells."""

    def opposed(self, a: np.ndarray) -> np.ndarray:
        """Return minus the most negative sum of z(a) over units that two groups share, (K,)."""


# -- what the pass adds up -------------------------------------------------------------------------


@dataclass(frozen=True)
class WeightSums:
    """Sums of w and w² of rows by cell: (2, *S) for each. Merging is addition."""

    tables: dict[Cell, np.ndarray]

    @classmethod
    def of(
        cls,
        cells: np.ndarray,
        names: Sequence[Cell],
        slot: np.ndarray,
        weight: np.ndarray,
        size: int,
    ) -> WeightSums:
        """Return the sums of a batch of n rows; `slot` is each row's place in the table."""
        flat, length = cells * size + slot, len(names) * size
        sums = [np.bincount(flat, weights=each, minlength=length) for each in (weight, weight**2)]
        table = np.stack(sums).reshape(2, len(names), size)
        return cls({name: table[:, i] for i, name in enumerate(names)})

    def merge(self, other: WeightSums) -> WeightSums:
        """Return the sums of both sets of rows."""
        merged = dict(self.tables)
        for name, table in other.tables.items():
            merged[name] = merged[name] + table if name in merged else table
        return WeightSums(merged)

    def grouped(self, index: dict[Cell, int], table: np.ndarray) -> RowUnits:
        """Return the sums by group.

        Parameters
        ----------
        index : dict of Cell to int
            Number of each cell's group; -1 leaves it out.
        table : int array of shape (K, *S)
            Rows.
        """
        sums = np.zeros((2, len(table), table[0].size))
        for name, own in self.tables.items():
            if index[name] >= 0:
                sums[:, index[name]] += own
        return RowUnits(table, *sums.reshape(2, *table.shape))


@dataclass(frozen=True)
class _Entries:
    """Sums of w and w² by person, cell and slot, each combination once, ascending."""

    names: tuple[Cell, ...]
    person: np.ndarray
    cell: np.ndarray
    slot: np.ndarray
    weight: np.ndarray
    square: np.ndarray


@dataclass(frozen=True)
class PersonSums:
    """Sums of w by person and cell, as parts that wait to be added up."""

    parts: tuple[_Entries, ...]

    @classmethod
    def of(
        cls,
        cells: np.ndarray,
        names: Sequence[Cell],
        slot: np.ndarray,
        weight: np.ndarray,
        person: np.ndarray,
    ) -> PersonSums:
        """Return the sums of a batch of n rows; `person` is a hash of who each row is of."""
        return cls((_summed([_Entries(tuple(names), person, cells, slot, weight, weight**2)]),))

    def merge(self, other: PersonSums) -> PersonSums:
        """Return the sums of both sets of rows."""
        parts = (*self.parts, *other.parts)
        return PersonSums((_summed(parts),) if len(parts) >= _PENDING else parts)

    @cached_property
    def _whole(self) -> _Entries:
        return _summed(self.parts)

    @property
    def people(self) -> int:
        """How many people there are."""
        person = self._whole.person
        return int(np.count_nonzero(person[1:] != person[:-1])) + min(len(person), 1)

    def grouped(self, index: dict[Cell, int], table: np.ndarray) -> PersonUnits:
        """Return the sums by group; as `WeightSums.grouped`."""
        entries = self._whole
        group = np.array([index[name] for name in entries.names], dtype=np.int64)[entries.cell]
        keep = group >= 0
        return PersonUnits(
            group[keep],
            entries.slot[keep],
            entries.weight[keep],
            entries.square[keep],
            entries.person[keep],
            table.shape,
        )


def _summed(parts: Sequence[_Entries]) -> _Entries:
    names = tuple(dict.fromkeys(name for part in parts for name in part.names))
    number = {name: i for i, name in enumerate(names)}
    cell = np.concatenate(
        [np.array([number[n] for n in part.names], dtype=np.int64)[part.cell] for part in parts]
    )
    person, slot, weight, square = (
        np.concatenate([getattr(part, key) for part in parts])
        for key in ("person", "slot", "weight", "square")
    )
    order = np.lexsort((slot, cell, person))
    person, cell, slot = person[order], cell[order], slot[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(slot) != 0) | (np.diff(cell) != 0) | (person[1:] != person[:-1])
    first = np.flatnonzero(new)
    sums = [np.add.reduceat(each[order], first) for each in (weight, square) if len(first)]
    return _Entries(names, person[first], cell[first], slot[first], *(sums or (weight, square)))


# -- what checks ask -------------------------------------------------------------------------------


@dataclass(frozen=True)
class RowUnits:
    """Each row is a unit: tables of rows, of w and of w², all of shape (K, *S)."""

    rows: np.ndarray
    weight: np.ndarray
    squares: np.ndarray

    clustered = False

    def product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the sum over rows of z(a) z(b)."""
        return _over_cells(a * b * self.squares)

    def units(self, inside: np.ndarray) -> np.ndarray:
        """Return the rows in some cells."""
        return _over_cells(self.rows * inside)

    def row_squares(self, inside: np.ndarray) -> np.ndarray:
        """Return the sum of w² over the rows in some cells."""
        return _over_cells(self.squares * inside)

    def opposed(self, a: np.ndarray) -> np.ndarray:
        """Return zeros: a row is in one group only."""
        return np.zeros(len(a))


class PersonUnits:
    """Each person is a unit.

    Parameters
    ----------
    group, slot : int arrays of shape (m,)
        Group, and place in the table, of a part of a person's rows.
    weight, square : float arrays of shape (m,)
        Sums of w and of w² over those rows.
    person : array of shape (m,)
        Whose rows they are.
    shape : tuple of int
        (K, *S).
    """

    clustered = True

    def __init__(
        self,
        group: np.ndarray,
        slot: np.ndarray,
        weight: np.ndarray,
        square: np.ndarray,
        person: np.ndarray,
        shape: tuple[int, ...],
    ) -> None:
        self.shape, self._square = shape, square
        self._k, self._size = shape[0], int(np.prod(shape[1:]))
        self._flat, self._own = group * self._size + slot, weight
        self._owner = person, group

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the pair of person and group of each part, and each pair's person and group."""
        person, group = self._owner
        _, number = np.unique(person, return_inverse=True)
        keys, pair = np.unique(number.reshape(-1) * self._k + group, return_inverse=True)
        return pair.reshape(-1), keys // self._k, keys % self._k

    @property
    def _pair(self) -> np.ndarray:
        return self._pairs[0]

    @property
    def _person(self) -> np.ndarray:
        return self._pairs[1]

    @property
    def _group(self) -> np.ndarray:
        return self._pairs[2]

    @cached_property
    def weight(self) -> np.ndarray:
        """Sum of weights by group and cell."""
        length = self._k * self._size
        return np.bincount(self._flat, weights=self._own, minlength=length).reshape(self.shape)

    def _z(self, a: np.ndarray) -> np.ndarray:
        """Return z(a) of each person in each group that they have rows in."""
        values = np.broadcast_to(a, self.shape).reshape(-1)[self._flat] * self._own
        return np.bincount(self._pair, weights=values, minlength=len(self._group))

    def product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the sum over people of z(a) z(b)."""
        return np.bincount(self._group, weights=self._z(a) * self._z(b), minlength=self._k)

    def units(self, inside: np.ndarray) -> np.ndarray:
        """Return the people with rows in some cells."""
        there = np.broadcast_to(inside, self.shape).reshape(-1)[self._flat]
        present = np.bincount(self._pair, weights=there, minlength=len(self._group)) > 0
        return np.bincount(self._group[present], minlength=self._k)

    def row_squares(self, inside: np.ndarray) -> np.ndarray:
        """Return the sum of w² over the rows in some cells."""
        there = np.broadcast_to(inside, self.shape).reshape(-1)[self._flat]
        group = self._group[self._pair]
        return np.bincount(group, weights=there * self._square, minlength=self._k)

    def opposed(self, a: np.ndarray) -> np.ndarray:
        """Return minus the most negative sum over people who are in two groups, at least 0.

        The variance of a difference of two groups is the sum of theirs less twice their
        covariance; who decides opposite ways in two groups makes it larger than the sum.
        """
        return opposing(self._z(a), self._person, self._group, self._k)


def units_of(
    group: np.ndarray,
    slot: np.ndarray,
    shape: tuple[int, ...],
    weight: np.ndarray | None,
    person: np.ndarray | None,
) -> Design:
    """Return the design of n rows that are at hand, each in a group and a place of the table."""
    own = np.ones(len(group)) if weight is None else weight
    if person is not None:
        return PersonUnits(group, slot, own, own**2, person, shape)
    flat = group * int(np.prod(shape[1:])) + slot
    sums = [
        np.bincount(flat, weights=each, minlength=int(np.prod(shape))).reshape(shape)
        for each in (np.ones(len(group)), own, own**2)
    ]
    return RowUnits(*sums)


def _over_cells(table: np.ndarray) -> np.ndarray:
    summed: np.ndarray = table.reshape(len(table), -1).sum(axis=1)
    return summed
