"""Whether neighbours are decided alike: consistency, and its error by the jackknife."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.parts import rate_bounds

__all__ = ["Consistency", "ConsistencyPart", "consistency"]

CELLS = 2_000_000
"""Distances held at once: 16 MB an array."""
DIGITS = 9
"""Distances are compared to so many decimals."""


@dataclass(frozen=True)
class Consistency:
    """Consistency of each group, shape (K,) each.

    Attributes
    ----------
    value : ndarray
        Mean over the group's rows of the share of nearest neighbours decided alike; nan without
        rows.
    variance : ndarray
        Of the value, by the delete-one jackknife.
    rows : ndarray
    """

    value: Array
    variance: Array
    rows: Array


def consistency(
    points: ArrayLike, decided: ArrayLike, groups: ArrayLike, count: int, k: int
) -> Consistency:
    """Return the share of each row's k nearest neighbours that are decided alike, by group.

    That is 1 - mean |y_i - mean of y over the k nearest| for decisions y of 0 and 1 (Zemel and
    others 2013), the row itself left out. Rows at the same distance as the k-th share the places
    that are left, so that nothing depends on the order of rows. The variance takes out each row
    in turn, from its own place and from all neighbourhoods it is part of, where the next row moves
    up; by Efron and Stein (1981), Annals of Statistics 9:586, its expectation is not too small.

    Parameters
    ----------
    points : array_like, shape (n, d)
    decided : array_like of bool, shape (n,)
    groups : array_like of int, shape (n,)
        Number of the row's group, -1 for none; neighbours come from all rows.
    count : int
        How many groups there are.
    k : int
        Less than n - 1.

    Notes
    -----
    All distances are computed, n² d multiplications, in pieces of 16 MB.
    """
    x = np.ascontiguousarray(points, dtype=np.float64)
    y, group = np.asarray(decided, dtype=bool), np.asarray(groups)
    n = len(x)
    if k >= n - 1:
        raise ValueError(f"{k} neighbours, and one to move up, need at least {k + 2} rows, not {n}")
    own = np.empty(n)
    # what each group's sum gains when a row leaves the neighbourhoods of others
    moved = np.zeros((count, n))
    step = max(1, CELLS // n)
    for start in range(0, n, step):
        rows = np.arange(start, min(start + step, n))
        own[rows], (row, other, change) = _neighbours(x, y, rows, k)
        known = group[row] >= 0
        place = group[row][known] * n + other[known]
        moved += np.bincount(place, weights=change[known], minlength=count * n).reshape(count, n)
    return _jackknifed(own, moved, group, count)


def _neighbours(
    x: Array, y: NDArray[np.bool_], rows: NDArray[np.intp], k: int
) -> tuple[Array, tuple[NDArray[np.intp], NDArray[np.intp], Array]]:
    """Return each row's share of neighbours decided otherwise, and its change without each of them.

    The change is given as (row, neighbour, change of the row's share).
    """
    m = len(rows)
    # so that what ties on paper ties here
    distance = np.round(cdist(x[rows], x), DIGITS)
    distance[np.arange(m), rows] = np.inf
    edge = np.partition(distance, k - 1, axis=1)[:, k - 1]
    place, other = np.nonzero(distance <= edge[:, None])
    tie = distance[place, other] == edge[place]
    distance[place, other] = np.inf
    # beyond the edge: who moves up when no tie is left over
    next_place, next_other = np.nonzero(distance == distance.min(axis=1)[:, None])

    def summed(where: NDArray[np.intp], what: ArrayLike) -> Array:
        weights = np.asarray(what, dtype=np.float64)
        return np.asarray(np.bincount(where, weights=weights, minlength=m), dtype=np.float64)

    differs = (y[rows[place]] != y[other]).astype(np.float64)
    ties, left = summed(place, tie), k - summed(place, ~tie)
    inner, at_edge = summed(place, differs * ~tie), summed(place, differs * tie)
    beyond = summed(next_place, y[rows[next_place]] != y[next_other]) / summed(
        next_place, np.ones(len(next_place))
    )
    total = inner + left * at_edge / ties
    # with ties to spare one of them fills the gap, else the next row
    spare = ties > left
    without_near = inner + np.where(spare, (left + 1) * at_edge / ties, at_edge + beyond)
    scale = np.where(spare, left / np.maximum(ties - 1, 1), 1.0)
    without_tie = inner + scale * at_edge + np.where(spare, 0.0, beyond)
    without = np.where(
        tie, without_tie[place] - scale[place] * differs, without_near[place] - differs
    )
    return total / k, (rows[place], other, (without - total[place]) / k)


def _jackknifed(own: Array, moved: Array, group: NDArray[np.intp], count: int) -> Consistency:
    n = len(own)
    value, variance, sizes = np.full(count, np.nan), np.full(count, np.nan), np.zeros(count)
    for i in range(count):
        inside = group == i
        size = int(inside.sum())
        sizes[i] = size
        if not size:
            continue
        total = own[inside].sum()
        value[i] = 1 - total / size
        rest = np.where(inside, total - own, total) + moved[i]
        left = rest / np.maximum(np.where(inside, size - 1, size), 1)
        variance[i] = (n - 1) / n * ((left - left.mean()) ** 2).sum() if size > 1 else np.nan
    return Consistency(value, variance, sizes)


@dataclass(frozen=True)
class ConsistencyPart:
    """A consistency as a rate of as many independent rows as its variance is worth.

    Clopper-Pearson bounds at an effective size (Korn and Graubard 1998).

    Parameters
    ----------
    value : float
        nan when undefined.
    effective : float
        Independent rows that would tell as much.
    n : float
        Rows.
    """

    value: float
    effective: float
    n: float

    proves: ClassVar[bool] = True
    support: ClassVar[tuple[float, float]] = (0.0, 1.0)
    label: ClassVar[str] = "Clopper-Pearson at the jackknife's effective size"

    @classmethod
    def of(cls, value: float, variance: float, rows: float, k: int) -> ConsistencyPart:
        """Return the part of a value with its variance.

        The effective size is ``value (1 - value) / variance``, at most the rows there are. Where
        no neighbour differs, or all do, there is no variance to see: each neighbourhood of k + 1
        rows then counts once.
        """
        if not np.isfinite(value) or rows <= 0:
            return cls(float("nan"), 0.0, 0.0)
        if 0 < value < 1 and variance > 0:
            return cls(float(value), float(min(value * (1 - value) / variance, rows)), float(rows))
        return cls(float(value), float(rows) / (k + 1), float(rows))

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the bounds; 0 and 1 when undefined."""
        if not np.isfinite(self.value):
            return self.support
        lower, upper = rate_bounds(self.value * self.effective, self.effective, alpha)
        return min(float(lower), self.value), max(float(upper), self.value)

    def scaled(self, n: float, value: float | None = None) -> ConsistencyPart:
        """Return the part with `n` rows that depend on each other as these do."""
        value = self.value if value is None else value
        if n <= 0 or self.n <= 0 or not np.isfinite(value):
            return ConsistencyPart(float("nan"), 0.0, 0.0)
        return ConsistencyPart(min(max(value, 0.0), 1.0), self.effective * n / self.n, n)
