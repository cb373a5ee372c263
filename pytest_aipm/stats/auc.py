"""The area under the ROC curve: exact value, DeLong variance, bounds that hold when small."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, expit, logit

from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.score import quantile

__all__ = ["counted_area", "delong", "distinct", "placed", "placements", "robust_interval"]


def distinct(values: Array) -> tuple[Array, NDArray[np.intp]]:
    """Return the distinct values, ascending, and the place of each value among them.

    A stable sort merges runs that are sorted already, as the scores of groups are.
    """
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    new = np.ones(ranked.size, dtype=bool)
    new[1:] = ranked[1:] != ranked[:-1]
    place = np.empty(ranked.size, dtype=np.intp)
    place[order] = np.cumsum(new) - 1
    return ranked[new], place


def delong(
    pos: ArrayLike,
    neg: ArrayLike,
    counts_pos: ArrayLike | None = None,
    counts_neg: ArrayLike | None = None,
) -> tuple[float, float]:
    """Return the area under the ROC curve and its variance, ties counted as one half.

    Parameters
    ----------
    pos, neg : array_like
        Scores of the positives and of the negatives.
    counts_pos, counts_neg : array_like of int, optional
        How many rows have each score, so that histograms serve as well as rows.

    Returns
    -------
    auc : float
        P(positive above negative) + P(equal) / 2; nan when either sample is empty.
    variance : float
        DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44:837, by placements, in
        O(n log n) (Sun and Xu 2014); a class of one row adds nothing to it.
    """
    pos, neg = np.asarray(pos), np.asarray(neg)
    if np.isnan(pos).any() or np.isnan(neg).any():
        raise ValueError("scores must not be nan")
    values, where = distinct(np.concatenate([pos, neg]))
    above = np.bincount(where[: pos.size], weights=counts_pos, minlength=values.size)
    below = np.bincount(where[pos.size :], weights=counts_neg, minlength=values.size)
    return counted_area(above.astype(np.float64), below.astype(np.float64))


def counted_area(above: Array, below: Array) -> tuple[float, float]:
    """Return the area and its variance from rows by score, as `delong` does.

    Parameters
    ----------
    above, below : ndarray, shape (m,)
        Positives and negatives of each score, the scores ascending.
    """
    m, k = float(above.sum()), float(below.sum())
    if min(m, k) <= 0:
        return float("nan"), float("nan")
    # the share of the other class that a row of each score stands above (or below)
    place_pos = (np.cumsum(below) - below / 2) / k
    place_neg = 1 - (np.cumsum(above) - above / 2) / m
    # sums, not dot products: those wake the threads of the linear algebra for little work
    auc = float((above * place_pos).sum() / m)
    variance = 0.0
    for weight, place, rows in ((above, place_pos, m), (below, place_neg, k)):
        if rows > 1:
            variance += float((weight * (place - auc) ** 2).sum()) / (rows - 1) / rows
    return auc, variance


def placements(scores: Array, positive: NDArray[np.bool_], weight: Array) -> tuple[float, Array]:
    """Return the weighted area, and the share of the other class that each row is right about.

    Parameters
    ----------
    scores, weight : ndarray, shape (n,)
    positive : ndarray of bool, shape (n,)
        Both classes must occur.

    Returns
    -------
    auc : float
    share : ndarray, shape (n,)
        Weight of the other class that a positive row stands above (a negative one below), ties
        counted as one half, over all weight of that class.
    """
    values, where = np.unique(scores, return_inverse=True)
    above, below = (
        np.bincount(where, weights=weight * side, minlength=values.size).astype(np.float64)
        for side in (positive, ~positive)
    )
    auc, of_positive, of_negative = placed(above, below)
    return auc, np.where(positive, of_positive[where], of_negative[where])


def placed(above: Array, below: Array) -> tuple[float, Array, Array]:
    """Return the area, and the share of the other class that a row of each score is right about.

    Parameters
    ----------
    above, below : ndarray, shape (m,)
        Weight of positives and of negatives of each score, the scores ascending; both occur.

    Returns
    -------
    auc : float
    of_positive, of_negative : ndarray, shape (m,)
    """
    of_positive = (np.cumsum(below) - below / 2) / below.sum()
    of_negative = 1 - (np.cumsum(above) - above / 2) / above.sum()
    return float(above @ of_positive / above.sum()), of_positive, of_negative


@lru_cache(maxsize=4096)
def robust_interval(
    auc: float, variance: float, m: float, n: float, alpha: float
) -> tuple[float, float]:
    """Return one-sided bounds of an area, usable down to a handful of rows.

    A = (auc m n + 1/2) / (m n + 1), the variance is at least A(1 - A) / (3 min(m, n)), and the
    interval is symmetric on the logit scale. Plain DeLong bounds fail up to 51 % of small
    samples of a fair model; these at most 5.2 % in every case tried. The raw area always lies
    inside.

    Near 0 and 1 the logit interval grows without end: 400 against 400 rows in perfect order
    would show nothing. There the exact bound of auc * k events in k = min(m, n) rows serves: an
    area's variance is at most A(1 - A) / k (Birnbaum and Klose 1957), that of k disjoint pairs.
    Taking the better of both added no false failure in 42 cases of 2,000 binormal samples.

    Parameters
    ----------
    auc, variance : float
        From `delong`.
    m, n : float
        Rows of each class.
    alpha : float
        Level of each bound.
    """
    pairs = m * n
    centre = (auc * pairs + 0.5) / (pairs + 1)
    spread = centre * (1 - centre)
    variance = max(variance, spread / (3 * min(m, n)))
    half = quantile(alpha) * np.sqrt(variance) / spread
    middle = logit(centre)
    k = min(m, n)
    low = float(betaincinv(auc * k, k - auc * k + 1, alpha)) if auc > 0 else 0.0
    high = float(betaincinv(auc * k + 1, k - auc * k, 1 - alpha)) if auc < 1 else 1.0
    lower = max(float(expit(middle - half)), low)
    upper = min(float(expit(middle + half)), high)
    return min(lower, auc), max(upper, auc)
