"""Means and areas of groups from sums over rows that need not be at hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pytest_aipm.evidence.design import Design, PersonUnits, RowUnits
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.evidence.rowsums import (
    WV,
    WVV,
    WW,
    WWVV,
    WWWVVV,
    Bags,
    BagsOf,
    N,
    People,
    Placements,
    Sums,
    W,
    grouped_bags,
)
from pytest_aipm.evidence.scores import ScoreBag, merge_bags
from pytest_aipm.evidence.tally import Rows
from pytest_aipm.stats.effective import Linear, Side, area_of, mean_of
from pytest_aipm.stats.paired_scores import AucChange
from pytest_aipm.stats.parts import AucPart, MeanPart

__all__ = [
    "Scope",
    "champion_scores_in",
    "placements_of",
    "positives_in",
    "scores_in",
    "weighted_scores",
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


def placements_of(evidence: Evidence, grouping: Grouping, champion: bool = False) -> Placements:
    """Return how the scores of each group lie among those of its other class.

    Of the champion, too, where there are two of them: both are found in one pass.
    """
    name = "champion" if champion else "own"
    return Placements.of(grouped_bags(_bags(evidence), name, grouping))


def weighted_scores(evidence: Evidence, grouping: Grouping) -> list[ScoreBag]:
    """Return the scores of each group with rows, w and w² of each."""
    return [merge_bags(pair) for pair in grouped_bags(_bags(evidence), "own", grouping)]


def _bags(evidence: Evidence) -> Bags:
    wanted = {"own": (scores_in, _labelled)}
    if evidence.paired_scores:
        wanted["champion"] = (champion_scores_in, _labelled)
    of = BagsOf(wanted)
    return evidence.once(("weighted scores",), lambda: evidence.over_rows(of, Bags()))


def _labelled(rows: Rows) -> np.ndarray:
    """Return which rows are labelled positive; none where nobody asked for labels."""
    return np.zeros(len(rows.cells), dtype=bool) if rows.label is None else positives_in(rows)


@dataclass(frozen=True)
class Scope:
    """Sums over the rows of each of K groups, of values around a center of each group.

    Attributes
    ----------
    grouping : Grouping
    center : float array of shape (K,)
    table : float array of shape (K, 2, 11)
        By group and side; columns as in `rowsums`.
    people : People or None
        By group and side: key ``group * 2 + side``.
    unknown : int
        Rows without a group.
    """

    grouping: Grouping
    center: np.ndarray
    table: np.ndarray
    parts: People | None
    unknown: int

    @classmethod
    def of(
        cls, evidence: Evidence, grouping: Grouping, sums: Sums, center: np.ndarray | None = None
    ) -> Scope:
        """Return the sums of each group, around the mean of each unless said otherwise."""
        group = np.array([grouping.index(cell) for cell, _ in sums.keys], dtype=np.int64)
        side = np.array([each for _, each in sums.keys], dtype=np.int64)
        known, k = group >= 0, len(grouping.keys)
        if center is None:
            total, added = (
                np.bincount(group[known], weights=each[known], minlength=k)
                for each in (sums.table[:, W], sums.table[:, W] * sums.center + sums.table[:, WV])
            )
            with np.errstate(invalid="ignore", divide="ignore"):
                center = np.where(total > 0, added / total, 0.0)
        moved = sums.around(np.where(known, center[group], sums.center))
        table = np.zeros((k, 2, 11))
        np.add.at(table, (group[known], side[known]), moved.table[known])
        people = moved.people
        if people is not None:
            there = known[people.key]
            key = (group * 2 + side)[people.key[there]]
            people = People.added([People(people.person[there], key, people.sums[there])])
        return cls(grouping, center, table, people, evidence.n - int(table[:, :, N].sum()))

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each group, shape (K,)."""
        return np.asarray(self.table[:, :, N].sum(axis=1).astype(np.int64))

    @property
    def stands(self) -> np.ndarray:
        """Weight of each group, shape (K,)."""
        return np.asarray(self.table[:, :, W].sum(axis=1))

    @property
    def people(self) -> np.ndarray | None:
        """People of each group, shape (K,); None where each row is one."""
        if self._people is None:
            return None
        return np.array([len(np.unique(person)) for person, _, _ in self._people])

    @cached_property
    def _people(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]] | None:
        """Of each group person, side and sums of each part of a person's rows."""
        told = self.parts
        if told is None:
            return None
        order = np.argsort(told.key, kind="stable")
        group, side = told.key[order] // 2, told.key[order] % 2
        ends = np.cumsum(np.bincount(group, minlength=len(self.grouping.keys)))[:-1]
        parts = (np.split(each, ends) for each in (told.person[order], side, told.sums[order]))
        return list(zip(*parts, strict=True))

    def counts(self) -> tuple[np.ndarray, Design]:
        """Return rows by group and side, shape (K, 2), and the design they are drawn by."""
        table = self.table[:, :, N].astype(np.int64)
        told = self.parts
        if told is None:
            return table, RowUnits(table, self.table[:, :, W], self.table[:, :, WW])
        group, slot = told.key // 2, told.key % 2
        w, _, ww = told.sums.T
        return table, PersonUnits(group, slot, w, ww, told.person, table.shape)

    def mean(self, group: int, alpha: float, part: MeanPart) -> MeanPart:
        """Return the mean of a group, of values on one side; see `mean_part`."""
        told = self.table[group, 0]
        n, total = float(told[N]), float(told[W])
        if not n:
            return MeanPart(0.0, 0.0, 0.0, 0.0, part.transform, part.limits)
        units, own = n, told[WW]
        squares, cubes = told[WWVV] / total**2, told[WWWVVV] / total**3
        if self._people is not None:
            _, _, each = self._people[group]
            z, units, own = each[:, 1] / total, float(len(each)), each[:, 0] @ each[:, 0]
            squares, cubes = z @ z, np.sum(z**3)
        kish = float(total**2 / told[WW]), float(total**2 / own)
        spread = float(told[WVV] / total)
        center = float(self.center[group])
        found = Linear(n, units, center, spread, float(squares), float(cubes), kish)
        return mean_of(found, alpha, part)

    def area(self, group: int, area: float, alpha: float) -> AucPart:
        """Return an area, of placements less itself by side: negative, positive; see `auc_part`."""
        told, people = self.table[group], None if self._people is None else self._people[group]
        sides = []
        for i in (1, 0):  # positives first
            n, total, squares = float(told[i, N]), float(told[i, W]), float(told[i, WW])
            units, own = n, squares
            if people is not None:
                heavy = people[2][people[1] == i, 0]
                units, own = float(len(heavy)), float(heavy @ heavy)
            kish = total**2 / own if n else 0.0
            sides.append(Side(units, total, squares, float(told[i, WVV]), kish))
        if min(side.kish for side in sides) <= 0:
            return AucPart(float("nan"), 0.0, *(side.kish for side in sides))
        scales = np.array([sides[1].scale, sides[0].scale])
        rows = float(told[:, N].sum())
        influence = rows, rows, float(scales**2 @ told[:, WWVV])
        if people is not None:
            person, side, each = people
            _, place = np.unique(person, return_inverse=True)
            z = np.bincount(place.reshape(-1), weights=scales[side] * each[:, 1])
            influence = rows, float(len(z)), float(z @ z)
        return area_of(area, sides, influence, alpha)

    def area_change(self, group: int, change: float) -> AucChange:
        """Return the change of an area, of changes of placement less itself by side."""
        n, first, second = (self.table[group, :, i] for i in (N, WV, WVV))
        if not n.min():
            return AucChange(float("nan"), float("nan"), 0)
        seen = n > 1
        own = (second[seen] - first[seen] ** 2 / n[seen]) / (n[seen] - 1)
        return AucChange(change, float((own / n[seen]).sum()), int(n.min()))
