"""Means over classes: of rates that rest on disjoint rows, and of one-vs-rest areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pytest_aipm.stats.auc import placements, robust_interval
from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.parts import rate_bounds

__all__ = ["MacroAucPart", "MacroRatePart"]


@dataclass(frozen=True)
class MacroRatePart:
    """The mean of the rates of C classes, each with rows of its own.

    Recalls rest on the rows labelled as each class, precisions on the rows predicted as each; such
    rows are disjoint, so the rates are independent. Bounds combine the Clopper-Pearson bounds of
    the rates (MOVER: Zou and Donner 2008, Statistics in Medicine 27:1693), which serves a class of
    three rows as well as one of three thousand; resampled rows would show no spread in a class
    that happens to be all right.

    Parameters
    ----------
    x, n : tuple of float
        Events and rows of each class.
    """

    x: tuple[float, ...]
    n_of: tuple[float, ...]

    proves: ClassVar[bool] = True
    support: ClassVar[tuple[float, float]] = (0.0, 1.0)
    label: ClassVar[str] = "MOVER over classes, Clopper-Pearson"

    @property
    def n(self) -> float:
        """Rows of all classes."""
        return float(sum(self.n_of))

    @property
    def value(self) -> float:
        """The mean rate; nan where a class has no rows."""
        if not self.n_of or min(self.n_of) <= 0:
            return float("nan")
        return float(np.mean(np.divide(self.x, self.n_of)))

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the MOVER bounds; 0 and 1 when undefined."""
        value = self.value
        if not np.isfinite(value):
            return self.support
        rates = np.divide(self.x, self.n_of)
        lower, upper = rate_bounds(self.x, self.n_of, alpha)
        down, up = (float(np.sqrt(((rates - end) ** 2).sum())) for end in (lower, upper))
        return max(value - down / len(rates), 0.0), min(value + up / len(rates), 1.0)

    def scaled(self, n: float, value: float | None = None) -> MacroRatePart:
        """Return the part with `n` rows of the same class mix; rates move alike towards an end."""
        now = self.value
        target = now if value is None else min(max(value, 0.0), 1.0)
        if n <= 0 or not np.isfinite(now + target):
            return MacroRatePart((), ())
        rates = np.divide(self.x, self.n_of)
        if target > now:
            rates = rates + (1 - rates) * (target - now) / (1 - now)
        elif target < now:
            rates = rates * target / now
        sizes = np.array(self.n_of) * n / self.n
        return MacroRatePart(tuple(np.clip(rates, 0, 1) * sizes), tuple(sizes))


@dataclass(frozen=True)
class MacroAucPart:
    """The mean of the areas of C classes, each against the rest, over the same rows.

    The variance is that of the summed influence of each row on all areas, so that their
    dependence is in it. Like that of one area it is at least the floor of `robust_interval`, for
    areas that might all move together.

    Parameters
    ----------
    auc, variance : float
    size : float
        Rows of the smaller side that an area with the same floor would have.
    rows : float
    """

    auc: float
    variance: float
    size: float
    rows: float

    proves: ClassVar[bool] = True
    support: ClassVar[tuple[float, float]] = (0.0, 1.0)
    label: ClassVar[str] = "influence of rows on the logit scale, variance floored"

    @classmethod
    def of(cls, scores: Array, label: np.ndarray, classes: Sequence[int]) -> MacroAucPart:
        """Return the part of n rows.

        Parameters
        ----------
        scores : ndarray, shape (n, columns)
        label : int ndarray, shape (n,)
            Column of each row's own class.
        classes : sequence of int
            Columns whose areas are averaged; each needs rows with it and rows without.
        """
        n = len(label)
        counts = np.bincount(label, minlength=scores.shape[1]) if n else np.zeros(0)
        smaller = [min(counts[c], n - counts[c]) if n else 0 for c in classes]
        if not classes or min(smaller) <= 0:
            return cls(float("nan"), 0.0, 0.0, float(n))
        influence, areas, ones = np.zeros(n), [], np.ones(n)
        for c in classes:
            own = label == c
            auc, share = placements(scores[:, c], own, ones)
            areas.append(auc)
            for side, rows in ((own, counts[c]), (~own, n - counts[c])):
                # as in DeLong's variance, each side has its own degrees of freedom
                scale = np.sqrt(rows / (rows - 1)) if rows > 1 else 0.0
                influence[side] += scale * (share[side] - auc) / rows
        return cls.summed(areas, np.array(smaller), n, float(influence @ influence))

    @classmethod
    def summed(
        cls, areas: Sequence[float], smaller: Array, rows: float, squares: float
    ) -> MacroAucPart:
        """Return the part of rows that need not be at hand.

        Parameters
        ----------
        areas : sequence of float
            Of each class.
        smaller : ndarray, shape (classes,)
            Rows of the smaller side of each.
        rows, squares : float
            Rows, and the sum of their squared influences.
        """
        if not len(smaller) or smaller.min() <= 0:
            return cls(float("nan"), 0.0, 0.0, float(rows))
        floor = float(np.mean(1 / np.sqrt(smaller)) ** -2)
        return cls(float(np.mean(areas)), float(squares) / len(smaller) ** 2, floor, float(rows))

    @property
    def n(self) -> float:
        """Rows."""
        return self.rows

    @property
    def value(self) -> float:
        """The mean area; nan where a class is missing."""
        return self.auc

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the robust logit bounds; 0 and 1 when undefined."""
        if not np.isfinite(self.auc) or self.size <= 0:
            return self.support
        return robust_interval(self.auc, self.variance, self.size, self.size, alpha)

    def scaled(self, n: float, value: float | None = None) -> MacroAucPart:
        """Return the part with `n` rows of the same class mix, as `AucPart.scaled`."""
        if n <= 0 or not np.isfinite(self.auc if value is None else value + self.auc):
            return MacroAucPart(float("nan"), 0.0, 0.0, 0.0)
        factor = n / self.rows
        auc = self.auc if value is None else min(max(value, 0.0), 1.0)
        spread = self.auc * (1 - self.auc)
        shape = auc * (1 - auc) / spread if value is not None and spread > 0 else 1.0
        return MacroAucPart(auc, self.variance * shape / factor, self.size * factor, n)
