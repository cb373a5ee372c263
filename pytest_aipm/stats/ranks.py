"""Spearman's rank correlation, and how far each row moves it."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from pytest_aipm.stats.estimate import Array

__all__ = ["spearman"]


def spearman(x: Array, y: Array) -> tuple[float, Array]:
    """Return the rank correlation and its influence values.

    A row moves it by its own ranks, and by what it does to the ranks of all others: with u and v
    the ranks over n, the influence is u v + mean of v over rows above in x + mean of u over rows
    above in y, less its mean, over the standard deviations of u and v (Croux and Dehon 2010,
    Statistical Methods and Applications 19:497). The spread of the ranks is taken as given, which
    it is without ties.

    Parameters
    ----------
    x, y : array of shape (n,)
        Neither constant.

    Returns
    -------
    value : float
    influence : array of shape (n,)
        Mean 0; its standard deviation over the root of n is the standard error.
    """
    n = len(x)
    u, v = rankdata(x) / n, rankdata(y) / n
    scale = float(u.std() * v.std())
    value = float(np.clip(((u - u.mean()) * (v - v.mean())).mean() / scale, -1.0, 1.0))
    influence = u * v + _above(x, v) + _above(y, u)
    return value, (influence - influence.mean()) / scale


def _above(by: Array, weight: Array) -> Array:
    """Return the mean over all rows of the weight of those above each row, ties by half."""
    values, where = np.unique(by, return_inverse=True)
    total = np.bincount(where, weights=weight, minlength=values.size)
    found: Array = (total.sum() - np.cumsum(total) + total / 2)[where] / len(by)
    return found
