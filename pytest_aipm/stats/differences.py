"""How much better one model's metric is than another's on the same rows; positive is better.

====================  =========================================================================
shape                 bounds
====================  =========================================================================
rate of fixed rows    score interval of a paired difference (Tango 1998)
function of counts    bootstrap of the paired counts, BCa where stable
area under the curve  DeLong's variance of the difference
mean of a row loss    Hall-transformed t of the rows' differences
root of a mean, R²    the same of its linearisation: what each row moves it by
====================  =========================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.means import SMALL, MeanPart
from pytest_aipm.stats.paired import tango_bounds
from pytest_aipm.stats.paired_scores import auc_change
from pytest_aipm.stats.resampled import BootstrapPart, jackknife_acceleration
from pytest_aipm.stats.score import quantile

__all__ = [
    "AreaGap",
    "RateGap",
    "area_gap",
    "counts_gap",
    "explained_gap",
    "loss_gap",
    "root_gap",
]

DRAWS = 1000
"""Bootstrap replicates of counts: the rank of a 5 % quantile is then right to 0.7 points."""


@dataclass(frozen=True)
class RateGap:
    """A paired difference of rates: `b` rows that only the first gets right, `c` only the other."""

    b: float
    c: float
    n: float

    support: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    label: ClassVar[str] = "score interval of a paired difference (Tango)"

    @property
    def value(self) -> float:
        """The difference; nan without rows."""
        return (self.b - self.c) / self.n if self.n > 0 else math.nan

    @property
    def proves(self) -> bool:
        """Whether there are at least 30 rows."""
        return self.n >= SMALL

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the score bounds."""
        if self.n <= 0:
            return self.support
        lower, upper = tango_bounds(self.b, self.c, self.n, alpha)
        return min(float(lower), self.value), max(float(upper), self.value)

    def scaled(self, n: float, value: float | None = None) -> RateGap:
        """Return the part with `n` rows; another value moves rows from one side to the other."""
        if self.n <= 0 or n <= 0 or (value is not None and not math.isfinite(value)):
            return RateGap(0.0, 0.0, 0.0)
        apart = (self.b + self.c) / self.n
        gap = self.value if value is None else min(max(value, -1.0), 1.0)
        apart = min(max(apart, abs(gap)), 1.0)
        return RateGap(n * (apart + gap) / 2, n * (apart - gap) / 2, n)


@dataclass(frozen=True)
class AreaGap:
    """A difference of two areas under the curve on the same rows, with its standard error."""

    value: float
    error: float
    m: float
    k: float

    support: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    label: ClassVar[str] = "DeLong's variance of a paired difference"

    @property
    def n(self) -> float:
        """Rows of both classes."""
        return self.m + self.k

    @property
    def proves(self) -> bool:
        """Whether each class has at least 30 rows."""
        return min(self.m, self.k) >= SMALL

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return normal bounds; the support when undefined."""
        if not math.isfinite(self.value):
            return self.support
        half = quantile(alpha) * self.error
        return max(self.value - half, -1.0), min(self.value + half, 1.0)

    def scaled(self, n: float, value: float | None = None) -> AreaGap:
        """Return the part with `n` rows of the same class mix, moved to `value`."""
        if self.n <= 0 or n <= 0 or (value is not None and not math.isfinite(value)):
            return AreaGap(math.nan, math.nan, 0.0, 0.0)
        factor = n / self.n
        moved = self.value if value is None else value
        return AreaGap(moved, self.error / math.sqrt(factor), self.m * factor, self.k * factor)


def area_gap(first: ArrayLike, other: ArrayLike, positive: ArrayLike) -> AreaGap:
    """Return the difference of the areas under the ROC curve of two scores of the same rows.

    The variance is that of `auc_change`, and what half a row more could change is never left out.

    Parameters
    ----------
    first, other : array_like of float, shape (n,)
    positive : array_like of bool, shape (n,)
    """
    positive = np.asarray(positive, dtype=bool)
    change = auc_change(first, other, positive)
    m, k = float(positive.sum()), float((~positive).sum())
    if not math.isfinite(change.value):
        return AreaGap(math.nan, math.nan, m, k)
    error = math.sqrt(change.variance + 0.25 / change.smaller**2)
    return AreaGap(change.value, error, m, k)


def counts_gap(
    function: Callable[[Array], Array],
    table: ArrayLike,
    generator: np.random.Generator,
    support: tuple[float, float] = (-1.0, 1.0),
) -> BootstrapPart:
    """Return the difference of a function of confusion counts between two models.

    A multinomial draw of the paired table is the bootstrap of the rows.

    Parameters
    ----------
    function : callable
        Tables of shape (..., label, decision) to values of shape (...).
    table : array_like of int, shape (2, 2, 2)
        Rows by label, first model's decision and other model's decision.
    generator : numpy.random.Generator
    support : (float, float)
        Smallest and largest possible difference.
    """

    def gap(tables: Array) -> Array:
        found: Array = function(tables.sum(axis=-1)) - function(tables.sum(axis=-2))
        return found

    counts = np.asarray(table, dtype=np.float64)
    n = int(counts.sum())
    draws = generator.multinomial(n, counts.reshape(-1) / n, size=DRAWS)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(gap(counts))
        drawn = gap(draws.reshape(-1, 2, 2, 2).astype(np.float64))
    return BootstrapPart(value, drawn, n, jackknife_acceleration(gap, counts), support)


def loss_gap(first: ArrayLike, other: ArrayLike) -> MeanPart:
    """Return how much smaller the mean of the first losses is than that of the others, paired."""
    return MeanPart.from_values(np.asarray(other, dtype=float) - np.asarray(first, dtype=float))


def root_gap(first: ArrayLike, other: ArrayLike) -> MeanPart:
    """Return how much smaller the root of the mean of the first squares is; linearised.

    Parameters
    ----------
    first, other : array_like of float, shape (n,)
        Squared errors of the same rows.
    """
    new, old = (np.asarray(each, dtype=float) for each in (first, other))
    roots = [math.sqrt(float(each.mean())) if each.size else math.nan for each in (new, old)]
    moves = [
        (each - root**2) / (2 * root) if root > 0 else np.zeros_like(each)
        for each, root in zip((new, old), roots, strict=True)
    ]
    return MeanPart.from_values(roots[1] - roots[0] + moves[1] - moves[0])


def explained_gap(label: ArrayLike, first: ArrayLike, other: ArrayLike) -> MeanPart:
    """Return how much larger the first share of explained variance (R²) is; linearised.

    Parameters
    ----------
    label : array_like of float, shape (n,)
    first, other : array_like of float, shape (n,)
        Squared errors of the same rows.
    """
    label, new, old = (np.asarray(each, dtype=float) for each in (label, first, other))
    spread = (label - label.mean()) ** 2
    variance = float(spread.mean())
    if variance <= 0:
        return MeanPart.from_values([])
    gap = (old - new) / variance
    return MeanPart.from_values(gap - gap.mean() * (spread / variance - 1))
