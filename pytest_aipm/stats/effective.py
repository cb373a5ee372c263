"""How many independent rows of equal weight tell as much as these: effective sizes.

With sampling weights, or with several rows of one person, a rate's variance is not p(1 - p)/n.
The size at which p(1 - p)/n is its linearised variance takes the place of n, and every test of
counts serves as it is (Korn and Graubard 1998, Survey Methodology 24:193; Dean and Pagano 2015,
Journal of Survey Statistics and Methodology 3:484, compare such intervals with others).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import stdtrit

from pytest_aipm.stats.auc import placements
from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.means import MeanPart
from pytest_aipm.stats.parts import AucPart

__all__ = [
    "Linear",
    "Side",
    "area_of",
    "auc_part",
    "effective_sizes",
    "few_units",
    "jackknifed_size",
    "kish_size",
    "mean_of",
    "mean_part",
    "opposing",
    "weighted_median",
]


def few_units(rows: Array, units: Array, alpha: float) -> Array:
    """Return (t_{n-1} / t_{C-1})² of n rows in C units: 1 when each row is a unit.

    A variance from few people is itself uncertain; this is the correction of Korn and Graubard
    (1998) for its degrees of freedom, here one-sided.
    """
    with np.errstate(invalid="ignore"):
        t = [stdtrit(np.maximum(each - 1, 1), 1 - alpha) for each in (rows, units)]
    return np.asarray((t[0] / t[1]) ** 2)


def effective_sizes(
    variance: Array,
    squares: Array,
    rows: Array,
    units: Array,
    kish: tuple[Array, Array],
    alpha: float,
) -> Array:
    """Return the effective number of rows of each of K weighted means.

    n / deff, where deff compares the linearised variance ``C/(C - 1) sum z²`` with that of n
    independent rows, ``variance / (n - 1)``; so equal weights of single rows give n itself.

    Parameters
    ----------
    variance : ndarray, shape (K,)
        Of one row: p(1 - p) for a rate p.
    squares : ndarray, shape (K,)
        Sum over units of z², z the unit's sum of w (y - mean), divided by the square of all w.
    rows, units : ndarray, shape (K,)
        n and C: rows, and rows or people.
    kish : two ndarrays, shape (K,)
        (sum of w)² / sum of w² over rows, and over units.
    alpha : float
        Level at which few units are corrected for.

    Returns
    -------
    ndarray, shape (K,)
        At least 1 and at most Kish's size of the rows; 0 without rows.

    Notes
    -----
    Kish's size of the units serves where there is no variance to see: no event, or nothing else.

    Kish's size of the rows does not look at outcomes, and caps the other one, which is too large
    when the heavy rows among few happen to be alike: of 100 rows with log-normal weights (sigma
    1.5) and a rate of 0.05 the upper end of a plain linearised size covers 82 % instead of 95 %.
    Where weights rise or fall with the outcome Kish's size alone would cover as little as 87 %.
    """
    of_rows, of_units = kish
    factor = few_units(rows, units, alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        linear = squares * units / (units - 1)
        size = rows / (linear / (variance / (rows - 1))) * factor
    seen = (units > 1) & (variance > 1e-12) & (squares > 1e-12 * variance / np.maximum(rows, 1))
    size = np.where(seen, np.minimum(size, of_rows), np.minimum(of_units, of_rows))
    # rounding must not take a part of a row away where all weights are equal
    size = np.where(np.abs(size - rows) <= 1e-9 * rows, rows, size)
    return np.asarray(np.where(rows > 0, np.clip(size, 1.0, np.maximum(rows, 1)), 0.0))


def _unit_sums(values: Array, unit: np.ndarray | None) -> Array:
    return values if unit is None else np.asarray(np.bincount(unit, weights=values))


def jackknifed_size(value: float, size: float, without: Array, alpha: float) -> float:
    """Return how many rows of a plain rate would vary as one does that is left out in parts.

    Parameters
    ----------
    value, size : float
        The rate, and the rows it stands on at most.
    without : ndarray, shape (K,)
        The rate without each of K parts of the rows.
    alpha : float
        Level at which few parts are corrected for.
    """
    parts = len(without)
    variance = (parts - 1) / parts * float(((without - without.mean()) ** 2).sum())
    if variance <= 0 or not 0 < value < 1:
        return size
    few = few_units(np.array([np.inf]), np.array([float(parts)]), alpha)[0]
    return max(1.0, min(size, value * (1 - value) / variance * float(few)))


def kish_size(weight: Array, unit: np.ndarray | None) -> float:
    """Return (sum of w)² / sum over units of w²; 0 without rows."""
    own = _unit_sums(weight, unit)
    return float(own.sum() ** 2 / (own @ own)) if len(weight) else 0.0


def weighted_median(values: Array, weight: Array) -> float:
    """Return the value below which lies half the weight; the middle of two where both fit.

    With equal weights this is the median.
    """
    distinct, where = np.unique(values, return_inverse=True)
    ends = np.cumsum(np.bincount(where, weights=weight, minlength=distinct.size))
    half = ends[-1] / 2
    low, high = (int(np.searchsorted(ends, half, side=side)) for side in ("left", "right"))
    return float(distinct[low] + distinct[min(high, distinct.size - 1)]) / 2


def opposing(z: Array, unit: np.ndarray, group: np.ndarray, groups: int) -> Array:
    """Return minus the most negative sum over units of z in two groups, at least 0, shape (K,).

    The variance of a difference of two groups is the sum of theirs less twice their covariance.
    What units do opposite ways in two groups makes it larger than that sum: of one query's places,
    those that one group takes are gone for the other.

    Parameters
    ----------
    z : ndarray, shape (m,)
        What each pair of unit and group moves the group's mean by.
    unit, group : int ndarrays, shape (m,)
        Each pair once.
    groups : int
        K.
    """
    table = csr_matrix((z, (unit, group)), shape=(int(unit.max(initial=-1)) + 1, groups))
    shared = (table.T @ table).tocoo()
    other = shared.row != shared.col
    worst = np.zeros(groups)
    np.minimum.at(worst, shared.row[other], shared.data[other])
    return -worst


def mean_part(
    values: Array,
    weight: Array,
    unit: np.ndarray | None,
    alpha: float,
    part: MeanPart,
    opposed: float = 0.0,
) -> MeanPart:
    """Return a weighted mean as the mean of its effective number of rows.

    Mean, variance and skewness of the estimate are those of the weighted mean; Hall's
    transformation then takes the skewness out as it does with single rows.

    Parameters
    ----------
    values, weight : ndarray, shape (n,)
    unit : ndarray of int, shape (n,), or None
        Number of the person that each row is of, from 0 without gaps; None when each row is one.
    alpha : float
        As in `effective_sizes`.
    part : MeanPart
        Whose transform and limits are kept.
    opposed : float
        From `opposing`, where groups share units; added to the variance.
    """
    if not len(values):
        return MeanPart(0.0, 0.0, 0.0, 0.0, part.transform, part.limits)
    return mean_of(Linear.of(values, weight, unit), alpha, part, opposed)


@dataclass(frozen=True)
class Linear:
    """What a weighted mean of at least one row, and its variance, are functions of.

    Attributes
    ----------
    rows, units : float
        Rows, and rows or people.
    mean, variance : float
        Of one row.
    squares, cubes : float
        Sums over units of z² and z³, z the unit's sum of w (y - mean) over all weight.
    kish : (float, float)
        Kish's sizes of the rows and of the units.
    """

    rows: float
    units: float
    mean: float
    variance: float
    squares: float
    cubes: float
    kish: tuple[float, float]

    @classmethod
    def of(cls, values: Array, weight: Array, unit: np.ndarray | None) -> Linear:
        """Return it of rows that are at hand; see `mean_part`."""
        total = float(weight.sum())
        mean = float(weight @ values / total)
        off = values - mean
        z = _unit_sums(weight * off, unit) / total
        return cls(
            float(len(values)),
            float(len(z)),
            mean,
            float(weight @ off**2 / total),
            float(z @ z),
            float(np.sum(z**3)),
            (kish_size(weight, None), kish_size(weight, unit)),
        )


def mean_of(found: Linear, alpha: float, part: MeanPart, opposed: float = 0.0) -> MeanPart:
    """Return what `mean_part` does, of sums over rows that need not be at hand."""
    mean, variance, squares = found.mean, found.variance, found.squares + opposed
    counts = (
        np.array([found.rows]),
        np.array([found.units]),
        (np.array([found.kish[0]]), np.array([found.kish[1]])),
    )
    size = float(effective_sizes(np.array([variance]), np.array([squares]), *counts, alpha)[0])
    # the mean's own skewness is that of one row over the root of the size
    cube = 0.0
    if squares > 0:
        cube = found.cubes / squares**1.5 * np.sqrt(size) * variance**1.5
    second = variance + mean**2
    third = cube + 3 * mean * second - 2 * mean**3
    return MeanPart(size, size * mean, size * second, size * third, part.transform, part.limits)


def auc_part(
    scores: Array, positive: np.ndarray, weight: Array, unit: np.ndarray | None, alpha: float
) -> AucPart:
    """Return the area under the weighted ROC curve with its linearised variance.

    The influence of a row is ``w (placement - A)`` over its class's weight; rows of one person,
    of either class, are added up before they are squared (Obuchowski 1997, Biometrics 53:567).

    Parameters
    ----------
    scores, weight : ndarray, shape (n,)
    positive : ndarray of bool, shape (n,)
    unit : ndarray of int, shape (n,), or None
        As in `mean_part`.
    alpha : float
        As in `effective_sizes`.

    Returns
    -------
    AucPart
        With Kish's sizes of both classes; undefined without one of them.
    """
    sides = positive, ~positive
    within = [
        None if unit is None else np.unique(unit[side], return_inverse=True)[1] for side in sides
    ]
    sizes = [kish_size(weight[side], own) for side, own in zip(sides, within, strict=True)]
    if min(sizes) <= 0:
        return AucPart(float("nan"), 0.0, *sizes)
    auc, share = placements(scores, positive, weight)
    influence, told = np.zeros(len(scores)), []
    for side, own, size in zip(sides, within, sizes, strict=True):
        heavy, off = weight[side], share[side] - auc
        units = int(side.sum()) if own is None else int(own.max()) + 1
        told.append(
            Side(
                float(units), float(heavy.sum()), float(heavy @ heavy), float(heavy @ off**2), size
            )
        )
        influence[side] = told[-1].scale * heavy * off
    z = _unit_sums(influence, unit)
    return area_of(auc, told, (float(len(scores)), float(len(z)), float(z @ z)), alpha)


@dataclass(frozen=True)
class Side:
    """The rows of one class.

    Attributes
    ----------
    units : float
        Rows or people.
    weight, squares : float
        Sums of w and of w².
    spread : float
        Sum of w (placement - A)².
    kish : float
        Kish's size of the units.
    """

    units: float
    weight: float
    squares: float
    spread: float
    kish: float

    @property
    def scale(self) -> float:
        """What w (placement - A) is multiplied with to be the influence of a row."""
        # as in DeLong's variance, each class has its own degrees of freedom
        free = np.sqrt(self.units / (self.units - 1)) if self.units > 1 else 0.0
        return float(free / self.weight)


def area_of(
    auc: float, sides: Sequence[Side], influence: tuple[float, float, float], alpha: float
) -> AucPart:
    """Return what `auc_part` does, of sums over rows that need not be at hand.

    Parameters
    ----------
    auc : float
    sides : two Side
        Of the positives and of the negatives; both have rows.
    influence : (rows, units, squares)
        The last: sum over units of the squared sum of their rows' influence.
    alpha : float
    """
    rows, units, squares = influence
    equal = 0.0
    for side in sides:
        size = side.weight**2 / side.squares
        if size > 1:
            equal += side.spread / side.weight / (size - 1)
    few = few_units(np.array([rows]), np.array([units]), alpha)
    # as with rates, Kish's size of the rows caps what the weights of a few seem to show
    variance = max(squares / float(few[0]), equal)
    return AucPart(auc, variance, sides[0].kish, sides[1].kish)
