"""Spearman's rank correlation, and how far each row moves it."""

from __future__ import annotations

import numpy as np

from pytest_aipm.stats.estimate import Array

__all__ = ["spearman"]


def spearman(x: Array, y: Array, weight: Array | None = None) -> tuple[float, Array]:
    """Return the rank correlation and its influence values.

    A row moves it by its own ranks, and by what it does to the ranks of all others: with u and v
    the ranks over n, the influence is u v + mean of v over rows above in x + mean of u over rows
    above in y, less its mean, over the standard deviations of u and v (Croux and Dehon 2010,
    Statistical Methods and Applications 19:497). The spread of the ranks is taken as given, which
    it is without ties. With weights a row is as many rows as its weight says.

    Parameters
    ----------
    x, y : array of shape (n,)
        Neither constant.
    weight : array of shape (n,), optional
        Positive; default 1.

    Returns
    -------
    value : float
    influence : array of shape (n,)
        Mean 0; its standard deviation over the root of n is the standard error, where all rows
        weigh the same.
    """
    own = np.ones(len(x)) if weight is None else weight / weight.mean()
    u, v = 1 - _above(x, own), 1 - _above(y, own)
    u, v = u - own @ u / len(u), v - own @ v / len(v)
    scale = float(np.sqrt((own @ u**2) * (own @ v**2))) / len(u)
    value = float(np.clip(own @ (u * v) / len(u) / scale, -1.0, 1.0))
    influence = u * v + _above(x, own * v) + _above(y, own * u)
    return value, (influence - own @ influence / len(u)) / scale


def _above(by: Array, lent: Array) -> Array:
    """Return the mean over all rows of what those above each row lend, ties by half."""
    values, where = np.unique(by, return_inverse=True)
    total = np.bincount(where, weights=lent, minlength=values.size)
    found: Array = (total.sum() - np.cumsum(total) + total / 2)[where] / len(by)
    return found
