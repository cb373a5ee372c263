"""All conjunctions of values that enough rows satisfy, and how their rows came out.

A conjunction is satisfied by at most as many rows as any part of it, so a search that extends
supported conjunctions only misses none (Agrawal, Srikant, "Fast algorithms for mining association
rules", 1994). Within one set of columns conjunctions are disjoint: at most ``1 / support`` of them
are supported, whatever the number of values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np
from numpy.typing import NDArray

__all__ = ["Conjunctions", "Items", "column_sets", "conjunctions"]

Items = tuple[tuple[int, int], ...]
"""The (column, code) pairs of a conjunction, columns ascending."""
Counts = NDArray[np.int64]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Conjunctions:
    """Supported conjunctions.

    Attributes
    ----------
    items : tuple of S Items
    counts : int array of shape (S, O)
        Rows of each by outcome.
    total : int array of shape (O,)
        All rows by outcome.
    """

    items: tuple[Items, ...]
    counts: Counts
    total: Counts

    @cached_property
    def _places(self) -> dict[Items, int]:
        return {items: place for place, items in enumerate(self.items)}

    def shorter(self, place: int) -> list[int]:
        """Return the conjunctions with one item less; none for a single item."""
        items = self.items[place]
        if len(items) == 1:
            return []
        return [self._places[items[:i] + items[i + 1 :]] for i in range(len(items))]


def column_sets(columns: int, max_depth: int) -> int:
    """Return how many sets of at most `max_depth` of the columns there are."""
    return sum(comb(columns, depth) for depth in range(1, max_depth + 1))


def conjunctions(
    codes: NDArray[np.integer],
    outcome: NDArray[np.integer],
    weight: NDArray[np.integer],
    *,
    outcomes: int,
    max_depth: int,
    min_count: int,
) -> Conjunctions:
    """Return every conjunction of at most `max_depth` items with at least `min_count` rows.

    Parameters
    ----------
    codes : int array of shape (C, J)
        Value of each cell in each column, counted from 1; 0 satisfies no item.
    outcome : int array of shape (C,)
        In 0 to ``outcomes - 1``.
    weight : int array of shape (C,)
        Rows of each cell.
    outcomes : int
    max_depth : int
    min_count : int
        At least 1.

    Returns
    -------
    Conjunctions
        In the order of their columns. Items that all rows satisfy are none: there is no rest to
        compare them with.
    """
    search = _Search(
        np.ascontiguousarray(np.transpose(codes)).astype(np.int64),
        outcome.astype(np.int64),
        weight.astype(np.float64),
        outcomes,
        max_depth,
        max(min_count, 1),
    )
    found = list(search.extensions([()], np.arange(len(weight)), np.zeros(len(weight), int), 0))
    counts = np.array([each for _, each in found], dtype=np.int64).reshape(len(found), outcomes)
    total = np.bincount(search.outcome, search.weight, minlength=outcomes).astype(np.int64)
    return Conjunctions(tuple(items for items, _ in found), counts, total)


@dataclass(frozen=True)
class _Search:
    columns: Counts
    outcome: Counts
    weight: NDArray[np.float64]
    outcomes: int
    max_depth: int
    min_count: int

    @cached_property
    def all_rows(self) -> float:
        return float(self.weight.sum())

    def extensions(
        self, known: list[Items], cells: Index, member: Index, start: int
    ) -> Iterator[tuple[Items, Counts]]:
        """Yield supported conjunctions that add columns from `start` on to those `known`.

        `known` are conjunctions over one set of columns; `cells` satisfy one of them each, that
        with the number `member`.
        """
        for column in range(start, len(self.columns)):
            own = self.columns[column][cells]
            width = int(own.max(initial=0)) + 1
            key = member * width + own
            counts = np.bincount(
                key * self.outcomes + self.outcome[cells],
                self.weight[cells],
                minlength=len(known) * width * self.outcomes,
            ).reshape(-1, self.outcomes)
            size = counts.sum(axis=1)
            size[::width] = 0  # code 0 is no item
            kept = np.flatnonzero((size >= self.min_count) & (size < self.all_rows))
            if not len(kept):
                continue
            added = [(*known[at // width], (column, int(at % width))) for at in kept.tolist()]
            yield from zip(added, counts[kept].astype(np.int64), strict=True)
            if len(added[0]) < self.max_depth:
                number = np.full(len(counts), -1)
                number[kept] = np.arange(len(kept))
                inside = number[key]
                stay = inside >= 0
                yield from self.extensions(added, cells[stay], inside[stay], column + 1)
