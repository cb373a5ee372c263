"""Means and areas of groups from sums over rows that need not be at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pytest_aipm.evidence.design import Design, PersonUnits, RowUnits
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.evidence.rowsums import Bags, BagsOf, Placements, Sums, SumsOf
from pytest_aipm.evidence.scores import ScoreBag
from pytest_aipm.evidence.tally import Rows
from pytest_aipm.stats.effective import Linear, Side, area_of, mean_of
from pytest_aipm.stats.paired_scores import AucChange
from pytest_aipm.stats.parts import AucPart, MeanPart

__all__ = [
    "Scope",
    "champion_scores_in",
    "nobody_in",
    "placements_of",
    "positives_in",
    "scores_in",
    "weighted_bags",
]


def scores_in(rows: Rows) -> np.ndarray:
    """Return the scores of some rows."""
    assert rows.score is not None  # noqa: S101 - asked for before
    return rows.score


def champion_scores_in(rows: Rows) -> np.ndarray:
    """Return the champion's scores of some rows."""
    assert rows.champion_score is not None  # noqa: S101 - asked for before
    return rows.champion_score


def positives_in(rows: Rows) -> np.ndarray:
    """Return which of some rows are labelled positive."""
    assert rows.label is not None  # noqa: S101 - an area asks for it
    return np.asarray(rows.label > 0)


def nobody_in(rows: Rows) -> np.ndarray:
    """Return that all rows are on one side."""
    return np.zeros(len(rows.cells), dtype=bool)


def weighted_bags(
    evidence: Evidence,
    grouping: Grouping,
    score: Callable[[Rows], np.ndarray],
    side: Callable[[Rows], np.ndarray],
) -> list[ScoreBag]:
    """Return the scores of each group and side, with weights as counts."""
    blank = Bags(((),) * (2 * len(grouping.keys)))
    return evidence.over_rows(BagsOf(grouping, score, side), blank).whole()


def placements_of(
    evidence: Evidence,
    grouping: Grouping,
    score: Callable[[Rows], np.ndarray] = scores_in,
    side: Callable[[Rows], np.ndarray] = positives_in,
) -> Placements:
    """Return how the scores of each group lie among those of its other class."""
    return Placements.of(weighted_bags(evidence, grouping, score, side))


@dataclass(frozen=True)
class Scope:
    """Sums over the rows of each of K groups.

    Attributes
    ----------
    grouping : Grouping
    sums : Sums
    sides : int
        Cells of each group.
    unknown : int
        Rows without a group.
    """

    grouping: Grouping
    sums: Sums
    sides: int
    unknown: int

    @classmethod
    def of(cls, evidence: Evidence, grouping: Grouping, of: SumsOf) -> Scope:
        """Return the sums of all rows."""
        sums = evidence.over_rows(of, of.empty)
        sides = len(sums.table) // max(len(grouping.keys), 1)
        return cls(grouping, sums, sides, evidence.n - int(sums.table[:, 0].sum()))

    @cached_property
    def _table(self) -> np.ndarray:
        """The sums by group and side, shape (K, sides, 7)."""
        return self.sums.table.reshape(-1, self.sides, 7)

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each group, shape (K,)."""
        return self._table[:, :, 0].sum(axis=1).astype(np.int64)

    @property
    def stands(self) -> np.ndarray:
        """Weight of each group, shape (K,)."""
        return np.asarray(self._table[:, :, 1].sum(axis=1))

    @property
    def people(self) -> np.ndarray | None:
        """People of each group, shape (K,); None where each row is one."""
        if self._people is None:
            return None
        return np.array([len(np.unique(person)) for person, _, _ in self._people])

    @cached_property
    def _people(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]] | None:
        """Of each group person, side and sums of each part of a person's rows."""
        told = self.sums.people
        if told is None:
            return None
        order = np.argsort(told.cell, kind="stable")
        group, side = told.cell[order] // self.sides, told.cell[order] % self.sides
        ends = np.cumsum(np.bincount(group, minlength=len(self.grouping.keys)))[:-1]
        parts = (np.split(each, ends) for each in (told.person[order], side, told.sums[order]))
        return list(zip(*parts, strict=True))

    def counts(self, slots: int) -> tuple[np.ndarray, Design]:
        """Return rows by group and side, shape (K, sides), and the design they are drawn by."""
        table = self._table[:, :, 0].astype(np.int64)
        told = self.sums.people
        if told is None:
            return table, RowUnits(table, self._table[:, :, 1], self._table[:, :, 4])
        group, slot = told.cell // slots, told.cell % slots
        units = PersonUnits(
            group, slot, told.sums[:, 0], told.sums[:, 2], told.person, table.shape
        )
        return table, units

    def mean(self, group: int, center: float, alpha: float, part: MeanPart) -> MeanPart:
        """Return the mean of a group, whose values were summed around it; see `mean_part`."""
        n, total, _, variance, squared, both, cubed = self._table[group, 0]
        if not n:
            return MeanPart(0.0, 0.0, 0.0, 0.0, part.transform, part.limits)
        z2, z3, units, kish = both / total**2, cubed / total**3, n, total**2 / squared
        own = kish
        if self._people is not None:
            _, _, each = self._people[group]
            z, units = each[:, 1] / total, float(len(each))
            z2, z3, own = float(z @ z), float(np.sum(z**3)), total**2 / float(each[:, 0] @ each[:, 0])
        told = Linear(n, units, center, variance / total, z2, z3, (kish, own))
        return mean_of(told, alpha, part)

    def area(self, group: int, area: float, alpha: float) -> AucPart:
        """Return the area of a group, placements of whose rows were summed around it."""
        told, people = self._table[group], None if self._people is None else self._people[group]
        sides = []
        for i in (1, 0):  # positives first
            n, total, _, spread, squares, _, _ = told[i]
            units, own = n, squares
            if people is not None:
                heavy = people[2][people[1] == i, 0]
                units, own = float(len(heavy)), float(heavy @ heavy)
            sides.append(Side(units, total, squares, spread, total**2 / own if n else 0.0))
        if min(side.kish for side in sides) <= 0:
            return AucPart(float("nan"), 0.0, *(side.kish for side in sides))
        scales = np.array([sides[1].scale, sides[0].scale])
        rows = float(told[:, 0].sum())
        influence = rows, rows, float(scales**2 @ told[:, 5])
        if people is not None:
            person, side, each = people
            _, place = np.unique(person, return_inverse=True)
            z = np.bincount(place.reshape(-1), weights=scales[side] * each[:, 1])
            influence = rows, float(len(z)), float(z @ z)
        return area_of(area, sides, influence, alpha)

    def area_change(self, group: int, change: float) -> AucChange:
        """Return the change of an area, whose rows' changes of placement were summed around it."""
        n, first, second = self._table[group][:, 0], self._table[group][:, 2], self._table[group][:, 3]
        if not n.min():
            return AucChange(float("nan"), float("nan"), 0)
        seen = n > 1
        own = (second[seen] - first[seen] ** 2 / n[seen]) / (n[seen] - 1)
        return AucChange(change, float((own / n[seen]).sum()), int(n.min()))
