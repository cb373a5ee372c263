"""How much honest retrains of one recipe differ: the change that is nobody's fault."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

__all__ = ["retrain_bound", "widenings"]

Array = NDArray[np.float64]


def widenings(x: ArrayLike, n: ArrayLike, *, ratio: bool = False, smallest: int = 30) -> Array:
    """Return how much the gap of a pair of groups widens from one model to another, at most.

    Parameters
    ----------
    x, n : array_like, shape (M, K)
        Events and rows of each group under each of M models.
    ratio : bool
        Whether the gap is one minus the smaller over the larger rate, else their difference.
    smallest : int
        Groups of fewer rows are left out, as long as two others remain: they cannot prove a
        change either.

    Returns
    -------
    float array of shape (M, M)
        Largest growth over pairs of groups from the model of the column to that of the row; nan
        with fewer than two groups that have rows under every model.
    """
    x, n = np.asarray(x, dtype=float), np.asarray(n, dtype=float)
    least = n.min(axis=0)
    keep = least >= smallest if np.count_nonzero(least >= smallest) >= 2 else least > 0
    rates = x[:, keep] / n[:, keep]
    if rates.shape[1] < 2:
        return np.full((len(x), len(x)), np.nan)
    one, other = np.triu_indices(rates.shape[1], k=1)
    if ratio:
        low, high = np.sort(np.stack([rates[:, one], rates[:, other]]), axis=0)
        gaps = 1 - np.divide(low, high, out=np.ones_like(low), where=high > 0)
    else:
        gaps = np.abs(rates[:, one] - rates[:, other])
    return np.asarray((gaps[:, None, :] - gaps[None, :, :]).max(axis=2))


def retrain_bound(changes: ArrayLike, confidence: float = 0.95) -> float:
    """Return a bound on the change for the worse from one honest retrain to another.

    With the changes between all ordered pairs of M retrains it is their mean plus Student's
    quantile with M - 1 degrees of freedom times their standard deviation. For a plain value the
    mean is 0 and the deviation sqrt(2) s, so the bound is the one-sided prediction bound of the
    difference of two future retrains, exact for normal values whatever M is (Hahn and Meeker,
    "Statistical Intervals", 1991, chapter 4). A largest change over groups has a positive mean,
    which is why that enters. Few retrains widen the bound, as they should.

    Parameters
    ----------
    changes : array_like, shape (M, M)
        Change for the worse from the retrain of the column to that of the row; the diagonal is
        ignored. M is at least 2.
    confidence : float
        Share of honest retrains within the bound.

    Returns
    -------
    float
        At least 0; nan where a change is undefined.
    """
    matrix = np.asarray(changes, dtype=float)
    apart = matrix[~np.eye(len(matrix), dtype=bool)]
    if not np.isfinite(apart).all():
        return math.nan
    quantile = float(t.ppf(confidence, len(matrix) - 1))
    return max(0.0, float(apart.mean() + quantile * apart.std()))
