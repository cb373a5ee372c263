"""Sums over rows, wherever they are: weights, values, and what each person adds to them.

What `Evidence.over_rows` adds up for metrics that need more of the rows than counts: the weighted
scores of each class, and then how far the rows of each group lie from a number that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.evidence.scores import ScoreBag, merge_bags, rounded
from pytest_aipm.evidence.tally import Rows
from pytest_aipm.stats.auc import placed

__all__ = ["Bags", "BagsOf", "Placements", "Sums", "SumsOf", "grouped_rows"]

_PENDING = 16
"""Parts are added up sixteen at a time, as tallies are."""


def grouped_rows(grouping: Grouping, rows: Rows) -> tuple[Rows, np.ndarray]:
    """Return the rows whose group is known, and the number of each one's."""
    numbers = np.array([grouping.index(name) for name in rows.names], dtype=np.int64)
    group = numbers[rows.cells]
    known = group >= 0
    return (rows, group) if known.all() else (rows.only(known), group[known])


# -- scores -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Bags:
    """Weighted scores of each of several cells; the counts of a bag are weights here."""

    bags: tuple[tuple[ScoreBag, ...], ...] = ()

    def merge(self, other: Bags) -> Bags:
        """Return those of both."""
        if not (self.bags and other.bags):
            return self if self.bags else other
        pending = [(*a, *b) for a, b in zip(self.bags, other.bags, strict=True)]
        return Bags(tuple((merge_bags(p),) if len(p) >= _PENDING else p for p in pending))

    def whole(self) -> list[ScoreBag]:
        """Return one bag for each cell."""
        return [merge_bags(each) for each in self.bags]


@dataclass(frozen=True)
class BagsOf:
    """The scores of some rows by group and side: cell ``group * 2 + side``.

    Attributes
    ----------
    grouping : Grouping
    score : callable
        Rows to the score of each.
    side : callable
        Rows to true or false for each.
    """

    grouping: Grouping
    score: Callable[[Rows], np.ndarray]
    side: Callable[[Rows], np.ndarray]

    def __call__(self, rows: Rows) -> Bags:
        rows, group = grouped_rows(self.grouping, rows)
        cell, score = group * 2 + self.side(rows), self.score(rows)
        weight = np.ones(len(score)) if rows.weight is None else rows.weight
        order = np.argsort(cell, kind="stable")
        sizes = np.bincount(cell, minlength=2 * len(self.grouping.keys))
        bags = []
        for own in np.split(order, np.cumsum(sizes)[:-1]):
            values, place = np.unique(score[own], return_inverse=True)
            sums = np.bincount(place.reshape(-1), weights=weight[own], minlength=len(values))
            bags.append((ScoreBag(values, sums),))
        return Bags(tuple(bags))


@dataclass(frozen=True)
class Placements:
    """Of each group the share of the other class that a row of some score is right about.

    Attributes
    ----------
    groups : tuple of (values, of_positive, of_negative, exact) or None
        None where a class is missing.
    areas : tuple of float
        nan where a class is missing.
    """

    groups: tuple[tuple[np.ndarray, np.ndarray, np.ndarray, bool] | None, ...]
    areas: tuple[float, ...]

    @classmethod
    def of(cls, bags: Sequence[ScoreBag]) -> Placements:
        """Return them of bags of negatives and positives, group after group."""
        groups: list[tuple[np.ndarray, np.ndarray, np.ndarray, bool] | None] = []
        areas = []
        for negative, positive in zip(bags[::2], bags[1::2], strict=True):
            if not (len(negative.values) and len(positive.values)):
                groups.append(None)
                areas.append(float("nan"))
                continue
            exact = negative.exact and positive.exact
            sides = [
                each.values if exact else rounded(each.values) for each in (negative, positive)
            ]
            values, where = np.unique(np.concatenate(sides), return_inverse=True)
            below, above = (
                np.bincount(at, weights=each.counts, minlength=len(values))
                for at, each in zip(
                    np.split(where.reshape(-1), [len(sides[0])]), (negative, positive), strict=True
                )
            )
            area, of_positive, of_negative = placed(above, below)
            groups.append((values, of_positive, of_negative, exact))
            areas.append(area)
        return cls(tuple(groups), tuple(areas))

    def off(self, score: np.ndarray, positive: np.ndarray, group: np.ndarray) -> np.ndarray:
        """Return each row's share less the area; 0 where a class of its group is missing."""
        found = np.zeros(len(score))
        for i, told in enumerate(self.groups):
            own = np.flatnonzero(group == i)
            if told is None or not len(own):
                continue
            values, of_positive, of_negative, exact = told
            at = np.searchsorted(values, score[own] if exact else rounded(score[own]))
            found[own] = np.where(positive[own], of_positive[at], of_negative[at]) - self.areas[i]
        return found


# -- sums -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _People:
    """What each person adds to each cell: ascending, each pair once."""

    person: np.ndarray
    cell: np.ndarray
    sums: np.ndarray
    """Of w, w v and w², shape (m, 3)."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over rows by cell; merging is addition.

    Attributes
    ----------
    table : float array of shape (cells, 7)
        n, and the sums of w, w v, w v², w², (w v)² and (w v)³.
    parts : tuple
        What each person adds, where rows are of people.
    """

    table: np.ndarray
    parts: tuple[_People, ...] = field(default=())

    def merge(self, other: Sums) -> Sums:
        """Return those of both."""
        parts = (*self.parts, *other.parts)
        return Sums(
            self.table + other.table, (_added(parts),) if len(parts) >= _PENDING else parts
        )

    @cached_property
    def people(self) -> _People | None:
        """What each person adds to each cell; None where each row is a person of its own."""
        return _added(self.parts) if self.parts else None


def _added(parts: Sequence[_People]) -> _People:
    person, cell = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("person", "cell")
    )
    sums = np.concatenate([part.sums for part in parts])
    order = np.lexsort((cell, person))
    person, cell, sums = person[order], cell[order], sums[order]
    if not len(person):
        return _People(person, cell, sums)
    new = np.append(True, (person[1:] != person[:-1]) | (cell[1:] != cell[:-1]))
    first = np.flatnonzero(new)
    return _People(person[first], cell[first], np.add.reduceat(sums, first, axis=0))


@dataclass(frozen=True)
class SumsOf:
    """The sums of some rows by group and side: cell ``group * sides + side``.

    Attributes
    ----------
    grouping : Grouping
    value : callable
        Rows and the group of each to a value of each.
    center : float array of shape (groups,)
        What is taken from the values.
    side : callable or None
        Rows to true or false for each; None for one side.
    """

    grouping: Grouping
    value: Callable[[Rows, np.ndarray], np.ndarray]
    center: np.ndarray
    side: Callable[[Rows], np.ndarray] | None = None

    @property
    def cells(self) -> int:
        """How many there are."""
        return len(self.grouping.keys) * (1 if self.side is None else 2)

    @property
    def empty(self) -> Sums:
        """The sums of no rows."""
        return Sums(np.zeros((self.cells, 7)))

    def __call__(self, rows: Rows) -> Sums:
        rows, group = grouped_rows(self.grouping, rows)
        cell = group if self.side is None else group * 2 + self.side(rows)
        weight = np.ones(len(group)) if rows.weight is None else rows.weight
        value = self.value(rows, group) - self.center[group]
        both = weight * value
        columns = (weight, both, both * value, weight**2, both**2, both**3)
        sums = [np.bincount(cell, minlength=self.cells)]
        sums += [np.bincount(cell, weights=each, minlength=self.cells) for each in columns]
        found = Sums(np.column_stack(sums).astype(float))
        if rows.person is None:
            return found
        each = np.column_stack([weight, both, weight**2])
        return replace(found, parts=(_added([_People(rows.person, cell, each)]),))
