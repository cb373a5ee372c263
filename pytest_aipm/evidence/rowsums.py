"""Sums over rows, wherever they are: weights, values, and what each person adds to them.

What `Evidence.over_rows` adds up for metrics that need more of the rows than counts. All are by
joint cell of the groups and by side (the label, say), so that one pass does for every scope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pytest_aipm.evidence.design import Cell
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.evidence.scores import ScoreBag, merge_bags, rounded
from pytest_aipm.evidence.tally import Rows
from pytest_aipm.stats.auc import placed

__all__ = ["Bags", "BagsOf", "Placements", "Sums", "SumsOf", "grouped_bags"]

_PENDING = 16
"""Parts are added up sixteen at a time, as tallies are."""

Key = tuple[Cell, int]
"""A joint cell of the groups, and a side."""
OfRows = Callable[[Rows], np.ndarray]


def _keyed(rows: Rows, side: np.ndarray) -> tuple[np.ndarray, list[Key]]:
    """Return the number of each row's key, and the keys."""
    return rows.cells * 2 + side, [(name, each) for name in rows.names for each in (0, 1)]


def _weights(rows: Rows) -> np.ndarray:
    return np.ones(len(rows.cells)) if rows.weight is None else rows.weight


# -- scores ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Bags:
    """Scores by name and key; a bag counts rows, w and w² of each score: shape (m, 3)."""

    bags: Mapping[tuple[str, Key], tuple[ScoreBag, ...]] = field(default_factory=dict)

    def merge(self, other: Bags) -> Bags:
        """Return those of both."""
        found = dict(self.bags)
        for key, more in other.bags.items():
            pending = (*found.get(key, ()), *more)
            found[key] = (merge_bags(pending),) if len(pending) >= _PENDING else pending
        return Bags(found)


@dataclass(frozen=True)
class BagsOf:
    """The scores of some rows.

    Attributes
    ----------
    scores : mapping of str to (callable, callable)
        By name what gives the score of each row, and its side: true or false.
    """

    scores: Mapping[str, tuple[OfRows, OfRows]]

    def __call__(self, rows: Rows) -> Bags:
        """Return those of some rows."""
        weight, bags = _weights(rows), {}
        for name, (score_of, side_of) in self.scores.items():
            number, keys = _keyed(rows, side_of(rows))
            score = score_of(rows)
            order = np.lexsort((score, number))
            number, score, own = number[order], score[order], weight[order]
            sums = np.column_stack([np.ones(len(own)), own, own**2])
            new = (np.diff(number, prepend=-1) != 0) | (np.diff(score, prepend=np.nan) != 0)
            first = np.flatnonzero(new)
            edges = np.flatnonzero(np.diff(number[first], prepend=-1))
            sums = np.add.reduceat(sums, first, axis=0)
            parts = (np.split(each, edges[1:]) for each in (score[first], sums))
            for at, values, counts in zip(number[first][edges].tolist(), *parts, strict=True):
                bags[name, keys[at]] = (ScoreBag(values, counts),)
        return Bags(bags)


def grouped_bags(bags: Bags, name: str, grouping: Grouping) -> list[tuple[ScoreBag, ScoreBag]]:
    """Return the scores of both sides of each group, with rows, w and w² of each score."""
    split: list[tuple[list[ScoreBag], list[ScoreBag]]] = [([], []) for _ in grouping.keys]
    for (named, (cell, side)), parts in bags.bags.items():
        if named == name and (group := grouping.index(cell)) >= 0:
            split[group][side].extend(parts)
    nothing = ScoreBag(np.empty(0), np.empty((0, 3)))
    return [
        (merge_bags(one) if one else nothing, merge_bags(two) if two else nothing)
        for one, two in split
    ]


@dataclass(frozen=True)
class Placements:
    """Of each group the share of the other class that a row of some score is right about.

    Attributes
    ----------
    groups : tuple of (values, share by side, exact) or None
        The shares of negatives and positives, shape (2, m); None where a class is missing.
    areas : tuple of float
        nan where a class is missing.
    counts : tuple of array of shape (2, m, 3)
        Rows, w and w² of each value, of negatives and of positives.
    """

    groups: tuple[tuple[np.ndarray, np.ndarray, bool] | None, ...]
    areas: tuple[float, ...]
    counts: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, bags: Sequence[tuple[ScoreBag, ScoreBag]]) -> Placements:
        """Return them of the bags of negatives and positives of each group."""
        groups: list[tuple[np.ndarray, np.ndarray, bool] | None] = []
        areas, counts = [], []
        for pair in bags:
            exact = all(each.exact for each in pair)
            sides = [each.values if exact else rounded(each.values) for each in pair]
            values, where = np.unique(np.concatenate(sides), return_inverse=True)
            told = np.zeros((2, len(values), 3))
            for i, at in enumerate(np.split(where.reshape(-1), [len(sides[0])])):
                np.add.at(told[i], at, pair[i].counts)
            counts.append(told)
            if not all(len(each) for each in sides):
                groups.append(None)
                areas.append(float("nan"))
                continue
            area, of_positive, of_negative = placed(told[1, :, 1], told[0, :, 1])
            groups.append((values, np.stack([of_negative, of_positive]), exact))
            areas.append(area)
        return cls(tuple(groups), tuple(areas), tuple(counts))

    def off(self, score: np.ndarray, side: np.ndarray, group: np.ndarray) -> np.ndarray:
        """Return each row's share less the area; 0 where a class of its group is missing."""
        found, known = np.zeros(len(score)), np.flatnonzero(group >= 0)
        order = known[np.argsort(group[known], kind="stable")]
        sizes = np.bincount(group[order], minlength=len(self.groups))
        for told, area, own in zip(
            self.groups, self.areas, np.split(order, np.cumsum(sizes)[:-1]), strict=True
        ):
            if told is not None and len(own):
                values, shares, exact = told
                at = np.searchsorted(values, score[own] if exact else rounded(score[own]))
                found[own] = shares[side[own].astype(int), at] - area
        return found


# -- sums -----------------------------------------------------------------------------------------

N, W, WV, WVV, WW, WWV, WWVV, WWW, WWWV, WWWVV, WWWVVV = range(11)
"""Columns of a table of sums: rows, and weights times values, as often as they are named."""


@dataclass(frozen=True, eq=False)
class People:
    """What each person adds: rows of ``person`` and key, ascending, each pair once.

    Attributes
    ----------
    person, key : arrays of shape (m,)
    sums : float array of shape (m, 3)
        Of w, w v and w².
    """

    person: np.ndarray
    key: np.ndarray
    sums: np.ndarray

    @classmethod
    def added(cls, parts: Sequence[People]) -> People:
        """Return what they add in all."""
        person, key = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("person", "key")
        )
        sums = np.concatenate([part.sums for part in parts])
        order = np.lexsort((key, person))
        person, key, sums = person[order], key[order], sums[order]
        if not len(person):
            return cls(person, key, sums)
        new = np.append(True, (person[1:] != person[:-1]) | (key[1:] != key[:-1]))
        first = np.flatnonzero(new)
        return cls(person[first], key[first], np.add.reduceat(sums, first, axis=0))


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over rows by key, of values less a center of each key's own.

    Squares of large numbers are no way to a small variance; sums around another center follow.

    Attributes
    ----------
    keys : tuple of (Cell, int)
    center : float array of shape (keys,)
    table : float array of shape (keys, 11)
    parts : tuple of People
        Empty where each row is a person.
    """

    keys: tuple[Key, ...] = ()
    center: np.ndarray = field(default_factory=lambda: np.empty(0))
    table: np.ndarray = field(default_factory=lambda: np.empty((0, 11)))
    parts: tuple[People, ...] = ()

    def merge(self, other: Sums) -> Sums:
        """Return those of both."""
        if not other.keys:
            return self
        known = {key: i for i, key in enumerate(self.keys)}
        new = [i for i, key in enumerate(other.keys) if key not in known]
        keys = (*self.keys, *(other.keys[i] for i in new))
        center = np.concatenate([self.center, other.center[new]])
        number = {key: i for i, key in enumerate(keys)}
        place = np.array([number[key] for key in other.keys])
        table = np.concatenate([self.table, np.zeros((len(new), 11))])
        moved = other.around(center[place], place)
        np.add.at(table, place, moved.table)
        parts = (*self.parts, *moved.parts)
        if len(parts) >= _PENDING:
            parts = (People.added(parts),)
        return Sums(keys, center, table, parts)

    def around(self, center: np.ndarray, place: np.ndarray | None = None) -> Sums:
        """Return the sums around other centers; people by other numbers of the keys."""
        d, t = self.center - center, self.table
        table = t.copy()
        table[:, WV] = t[:, WV] + d * t[:, W]
        table[:, WVV] = t[:, WVV] + 2 * d * t[:, WV] + d**2 * t[:, W]
        table[:, WWV] = t[:, WWV] + d * t[:, WW]
        table[:, WWVV] = t[:, WWVV] + 2 * d * t[:, WWV] + d**2 * t[:, WW]
        table[:, WWWV] = t[:, WWWV] + d * t[:, WWW]
        table[:, WWWVV] = t[:, WWWVV] + 2 * d * t[:, WWWV] + d**2 * t[:, WWW]
        table[:, WWWVVV] = (
            t[:, WWWVVV] + 3 * d * t[:, WWWVV] + 3 * d**2 * t[:, WWWV] + d**3 * t[:, WWW]
        )
        parts = []
        for each in self.parts:
            sums = each.sums.copy()
            sums[:, 1] += d[each.key] * sums[:, 0]
            parts.append(People(each.person, each.key if place is None else place[each.key], sums))
        return Sums(self.keys, center, table, tuple(parts))

    @cached_property
    def people(self) -> People | None:
        """What each person adds to each key; None where each row is a person of its own."""
        return People.added(self.parts) if self.parts else None


@dataclass(frozen=True)
class SumsOf:
    """The sums of some rows.

    Attributes
    ----------
    value : callable
        Rows to a value of each.
    side : callable or None
        Rows to true or false for each; None for one side.
    """

    value: OfRows
    side: OfRows | None = None

    def __call__(self, rows: Rows) -> Sums:
        """Return those of some rows."""
        side = np.zeros(len(rows.cells), dtype=bool) if self.side is None else self.side(rows)
        number, keys = _keyed(rows, side)
        n = np.bincount(number, minlength=len(keys))
        there = np.flatnonzero(n)
        place = np.zeros(len(keys), dtype=np.int64)
        place[there] = np.arange(len(there))
        at, w, v = place[number], _weights(rows), self.value(rows)

        def summed(each: np.ndarray) -> np.ndarray:
            return np.bincount(at, weights=each, minlength=len(there))

        with np.errstate(invalid="ignore"):
            center = summed(v) / n[there]
            v = v - center[at]
            columns = [w**i * v**j for i in (1, 2, 3) for j in range(max(i, 2) + 1)]
        table = np.column_stack([n[there], *map(summed, columns)]).astype(float)
        parts: tuple[People, ...] = ()
        if rows.person is not None:
            each = People(rows.person, at, np.column_stack([w, w * v, w**2]))
            parts = (People.added([each]),)
        return Sums(tuple(keys[i] for i in there.tolist()), center, table, parts)
