"""Values that come one after another and hang together: how many independent ones they count as."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

__all__ = ["hangs", "independent", "neighbours"]

LEAST = 0.1
"""A smaller correlation of neighbours changes no verdict worth the name."""


def neighbours(values: ArrayLike) -> float:
    """Return the rank correlation of each value with the one before; 0 where there is none."""
    series = np.asarray(values, dtype=np.float64)
    place = rankdata(series) if len(series) > 2 else np.zeros(3)
    one, other = place[:-1], place[1:]
    if not np.ptp(one) or not np.ptp(other):
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def hangs(values: ArrayLike) -> bool:
    """Return whether neighbours are alike by more than chance (two standard errors)."""
    return bool(neighbours(values) > max(LEAST, 2 / np.sqrt(max(np.size(values), 1))))


def independent(values: ArrayLike) -> float:
    """Return as how many independent values a series counts for its mean.

    ``n / (1 + 2 (r_1 + r_2 + ...))``, the autocorrelations summed by pairs for as long as a pair is
    positive (Geyer 1992, Statistical Science 7:473, initial positive sequence).

    Parameters
    ----------
    values : array_like of shape (n,)
        In the order in which they came.

    Returns
    -------
    float
        In [1, n]; n where the series does not vary.
    """
    series = np.asarray(values, dtype=np.float64)
    n = len(series)
    deviations = series - series.mean() if n else series
    whole = float(deviations @ deviations)
    if n < 4 or whole <= 0:
        return float(n)
    # all autocovariances at once: a sum over lags would take n * n / 2 steps
    spectrum = np.fft.rfft(deviations, 2 * n)
    correlations = np.fft.irfft(spectrum * spectrum.conj())[: n // 2] / whole
    pairs = correlations[: len(correlations) // 2 * 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0)
    kept = pairs[: ends[0]] if len(ends) else pairs
    inflation = max(2 * float(kept.sum()) - 1, 1.0)
    return max(1.0, n / inflation)
