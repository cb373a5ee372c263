"""Decisions of every group in every stratum: rows that are alike in declared factors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.decide import numeric
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.evidence.subject import CROWD, MAX_LEVELS, UNKNOWN, Attribute, Subject

__all__ = ["Strata", "strata_of"]

Counts = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Cells of shape (S, F), rows and favorable decisions of shape (S, K)."""


@dataclass(frozen=True)
class Strata:
    """Counts by stratum and group.

    Attributes
    ----------
    factors : tuple of str
        The columns.
    levels : tuple of tuple of str
        Names of each factor's levels, missing values last; empty where the number itself is kept.
    cells : float array of shape (S, F)
        For each stratum the number of the level, or the number.
    rows, favorable : int arrays of shape (S, K)
        Rows of each group, and those decided favorably.
    """

    factors: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    cells: np.ndarray
    rows: np.ndarray
    favorable: np.ndarray

    def missing(self, factor: int) -> int:
        """Return how many rows have no value of a factor."""
        levels = self.levels[factor]
        if UNKNOWN not in levels:
            return 0
        return int(self.rows[self.cells[:, factor] == levels.index(UNKNOWN)].sum())


def strata_of(
    evidence: Evidence,
    groups: Grouping,
    factors: Sequence[str],
    bins: Mapping[str, tuple[float, ...]],
    *,
    numbers: bool = False,
    over: Callable[..., Any] | None = None,
) -> Strata:
    """Count in one pass over the rows; counts of parts of the rows add up to those of all.

    Parameters
    ----------
    evidence : Evidence
    groups : Grouping
        Rows with an unknown group are left out.
    factors : sequence of str
        Columns that hold what may rightly make a difference.
    bins : mapping of column to cut points
        For factors that are numbers.
    numbers : bool
        Whether numbers without bins are kept as they are, rather than one level each.
    over : callable, optional
        Makes a pass over the rows with what counts as favorable, as `Evidence.over_decided`, which
        is the default: the evaluation rows and the decisions.

    Raises
    ------
    CheckError
        When a factor is the attribute itself.
    DataError
        When a column is not there, cannot be cut, or has too many values.
    """
    attributes = [evidence.subject.attribute(name) for name in groups.by]
    for name in factors:
        if name in {each.column for each in attributes}:
            what = f"factor {name!r} is the attribute whose groups are compared"
            raise CheckError(Problem(what, "adjust for other columns"))
    coders = tuple(_Coder(name, bins.get(name, ()), numbers=numbers) for name in factors)
    one, found = _One(evidence.subject, groups, coders), _Part(coders)
    if over is None:
        evidence.data.require(factors)
        over = evidence.over_decided
    found = over([*factors, *(each.column for each in attributes)], one, found)
    cells, counted, chosen = found.counts or _nobody(len(factors), len(groups.keys))
    for i, coder in enumerate(found.coders):
        cells[:, i] = coder.ordered(cells[:, i])
    order = np.lexsort(cells.T[::-1])
    levels = tuple(coder.levels for coder in found.coders)
    return Strata(tuple(factors), levels, cells[order], counted[order], chosen[order])


def _nobody(factors: int, groups: int) -> Counts:
    none = np.zeros((0, groups), dtype=np.int64)
    return np.zeros((0, factors)), none, none


@dataclass(frozen=True)
class _Part:
    """The counts of some rows, in the numbers of their own coders."""

    coders: tuple[_Coder, ...]
    counts: Counts | None = None

    def merge(self, other: _Part) -> _Part:
        if self.counts is None or other.counts is None:
            return other if self.counts is None else self
        coders = tuple(a.joined(b) for a, b in zip(self.coders, other.coders, strict=True))
        cells, *sums = other.counts
        moved = [
            new.moved(own, column)
            for new, own, column in zip(coders, other.coders, cells.T, strict=True)
        ]
        theirs = np.column_stack(moved), sums[0], sums[1]
        return _Part(coders, _merged([self.counts, theirs]))


@dataclass(frozen=True)
class _One:
    """Counts one batch."""

    subject: Subject
    groups: Grouping
    coders: tuple[_Coder, ...]

    def __call__(self, batch: pd.DataFrame, favorable: np.ndarray) -> _Part:
        coders = tuple(replace(coder, seen={}) for coder in self.coders)
        group = self.groups.members(self.subject, batch)
        known = group >= 0
        cells = np.column_stack([coder.code(batch[coder.name]) for coder in coders])
        k = len(self.groups.keys)
        return _Part(coders, _counted(cells[known], group[known], favorable[known], k))


@dataclass
class _Coder:
    """Turns a factor's column into numbers, the same in every batch."""

    name: str
    bins: tuple[float, ...]
    numbers: bool
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def _attribute(self) -> Attribute:
        return Attribute(self.name, self.name, bins=self.bins)

    def code(self, column: pd.Series[Any]) -> np.ndarray:
        """Return a float for each row."""
        number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
        if self.numbers and number and not self.bins:
            return numeric(column, "factor", self.name)
        try:
            codes, names = self._attribute.encode(column)
        except DataError:
            kind = "is not numeric, but has bins" if self.bins else "holds lists or mappings"
            what = f"factor {self.name!r} {kind}"
            raise DataError(Problem(what, "name a column of numbers or of categories")) from None
        used = np.unique(codes)
        own = {i: UNKNOWN if names[i] is None else str(names[i]) for i in used.tolist()}
        self._refuse_crowd(own.values())
        place = np.zeros(len(names))
        for i, name in own.items():
            place[i] = self.seen.setdefault(name, len(self.seen))
        coded: np.ndarray = place[codes]
        return coded

    def _refuse_crowd(self, names: Collection[str]) -> None:
        if CROWD in names or len(set(names)) > MAX_LEVELS:
            what = f"factor {self.name!r} has more than {MAX_LEVELS} values, too many to compare in"
            fix = f"give cut points under `bins: {{{self.name}: [...]}}`, or name another column"
            raise DataError(Problem(what, fix))

    def joined(self, other: _Coder) -> _Coder:
        """Return a coder of the values of both; those of this one keep their numbers."""
        names = dict.fromkeys((*self.seen, *other.seen))
        self._refuse_crowd(names)
        return replace(self, seen={name: i for i, name in enumerate(names)})

    def moved(self, other: _Coder, codes: np.ndarray) -> np.ndarray:
        """Return codes of another coder as those of this one, which knows all its values."""
        if not other.seen:
            return codes
        numbers = np.array([self.seen[name] for name in other.seen], dtype=float)
        return np.asarray(numbers[codes.astype(int)])

    @property
    def levels(self) -> tuple[str, ...]:
        """Names in order: bins as they lie, numbers by size, texts by name, missing last."""
        order = {name: i for i, name in enumerate(self._attribute.names())}

        def place(name: str) -> tuple[bool, int, float, str]:
            try:
                size = float(name)
            except ValueError:
                size = np.inf
            return name == UNKNOWN, order.get(name, 0), size, name

        return tuple(sorted(self.seen, key=place))

    def ordered(self, codes: np.ndarray) -> np.ndarray:
        """Return codes as numbers of `levels`; numbers that are kept stay."""
        if not self.seen:
            return codes
        place = {name: i for i, name in enumerate(self.levels)}
        numbers = np.array([place[name] for name in self.seen], dtype=float)
        return np.asarray(numbers[codes.astype(int)])


def _counted(cells: np.ndarray, group: np.ndarray, favorable: np.ndarray, k: int) -> Counts:
    distinct, place = np.unique(cells, axis=0, return_inverse=True)
    joint = place.reshape(-1) * k + group
    shape = (len(distinct), k)
    rows = np.bincount(joint, minlength=len(distinct) * k).reshape(shape)
    chosen = np.bincount(joint[favorable], minlength=len(distinct) * k).reshape(shape)
    return distinct, rows, chosen


def _merged(parts: Sequence[Counts]) -> Counts:
    """Return the counts of all parts: addition, so any split gives the same."""
    distinct, place = np.unique(
        np.concatenate([each[0] for each in parts]), axis=0, return_inverse=True
    )
    sums = []
    for i in (1, 2):
        counts = np.concatenate([each[i] for each in parts])
        summed = np.zeros((len(distinct), counts.shape[1]), dtype=np.int64)
        np.add.at(summed, place.reshape(-1), counts)
        sums.append(summed)
    return distinct, sums[0], sums[1]
