"""Score tests of two independent rates, and the intervals they invert to.

Difference: Farrington and Manning (1990), Statistics in Medicine 9:1447, without the N/(N - 1)
factor of Miettinen and Nurminen (1985). Ratio: Koopman (1984), Biometrics 40:513, in the form of
Farrington and Manning. All functions broadcast; counts need not be whole numbers, because
"the same rates at other sizes" has fractional counts. Every n must be positive.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from pytest_aipm.stats.estimate import Array

__all__ = [
    "difference_bound",
    "difference_bounds",
    "difference_variance",
    "difference_z",
    "quantile",
    "ratio_bound",
    "ratio_bounds",
    "ratio_variance",
    "ratio_z",
    "search_outward",
]

CUTS = (64, 6), (16, 9)
"""Sections of an interval a round, and rounds, of few pairs and of many: ends are exact to
2 / 64**6 = 2 / 16**9 = 3e-11, rounded outward."""
FEW = 8


def quantile(alpha: float) -> float:
    """Return the upper `alpha` quantile of the standard normal distribution."""
    return float(-ndtri(alpha))


def _floats(*values: ArrayLike) -> list[Array]:
    return [np.asarray(value, dtype=np.float64) for value in values]


def difference_variance(
    x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike, tau: ArrayLike
) -> Array:
    """Return the variance of p1 - p2 at the maximum likelihood rates with p1 - p2 = tau.

    The nuisance rate p2 is the middle root of a cubic, in closed form (Farrington and Manning
    1990, appendix).
    """
    x1, n1, x2, n2, tau = _floats(x1, n1, x2, n2, tau)
    total, events = n1 + n2, x1 + x2
    square = ((n1 + 2 * n2) * tau - total - events) / (3 * total)
    linear = ((n2 * tau - total - 2 * x2) * tau + events) / total
    constant = x2 * tau * (1 - tau) / total
    # products, because numpy's powers of negative numbers are ten times as slow
    half = square * (square * square - linear / 2) + constant / 2
    radius = np.sqrt(np.maximum(square * square - linear / 3, 1e-30))
    radius = np.where(half < 0, -radius, radius)
    cosine = np.minimum(np.maximum(half / (radius * radius * radius), -1), 1)
    p2 = 2 * radius * np.cos((np.pi + np.arccos(cosine)) / 3) - square
    # at tau = 0 the pooled rate is the root; the trigonometric form would round it
    p2 = np.where(tau == 0, events / total, p2)
    p2 = np.minimum(np.maximum(p2, np.maximum(0, -tau)), np.minimum(1, 1 - tau))
    p1 = np.minimum(np.maximum(p2 + tau, 0), 1)
    return np.asarray(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)


def _standardised(gap: Array, variance: Array) -> Array:
    """Return gap / sd; without variance 0 for no gap (nothing speaks against), else +-inf."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = gap / np.sqrt(variance)
    return np.where(np.abs(gap) <= 1e-14, 0.0, z)


def difference_z(
    x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike, tau: ArrayLike
) -> Array:
    """Return the score statistic of p1 - p2 = tau; large when p1 - p2 is larger than tau.

    Parameters
    ----------
    x1, n1, x2, n2 : array_like
        Counts of events and rows, 0 <= x <= n, n > 0.
    tau : array_like
        Difference under test, in [-1, 1].

    Returns
    -------
    ndarray
        Approximately standard normal when p1 - p2 = tau; decreasing in tau.
    """
    x1, n1, x2, n2, tau = _floats(x1, n1, x2, n2, tau)
    return _standardised(x1 / n1 - x2 / n2 - tau, difference_variance(x1, n1, x2, n2, tau))


def ratio_variance(
    x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike, rho: ArrayLike
) -> Array:
    """Return the variance of p1 - rho p2 at the maximum likelihood rates with p1 = rho p2."""
    x1, n1, x2, n2, rho = _floats(x1, n1, x2, n2, rho)
    events = x1 + x2
    middle = n1 * rho + x1 + n2 + x2 * rho
    root = np.sqrt(np.maximum(middle * middle - 4 * (n1 + n2) * rho * events, 0))
    p2 = np.minimum(2 * events / (middle + root), 1)  # nothing here is negative
    p1 = np.minimum(rho * p2, 1)
    return np.asarray(p1 * (1 - p1) / n1 + rho * rho * p2 * (1 - p2) / n2)


def ratio_z(x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike, rho: ArrayLike) -> Array:
    """Return the score statistic of p1 / p2 = rho; large when the ratio is larger than rho.

    Parameters
    ----------
    x1, n1, x2, n2 : array_like
        Counts of events and rows, 0 <= x <= n, n > 0.
    rho : array_like
        Ratio under test, finite and not negative.

    Returns
    -------
    ndarray
        Approximately standard normal when p1 = rho p2; decreasing in rho. 0 without events.
    """
    x1, n1, x2, n2, rho = _floats(x1, n1, x2, n2, rho)
    return _standardised(x1 / n1 - rho * (x2 / n2), ratio_variance(x1, n1, x2, n2, rho))


def search_outward(
    rejected: Callable[[Array], NDArray[np.bool_]], out: Array, inside: Array
) -> Array:
    """Return the last point on the way in from `out` up to which a test always rejects.

    Parameters
    ----------
    rejected : callable
        The test at points of shape (S, P).
    out, inside : ndarray, shape (P,)
        Where it rejects (or the border of what is possible), and where it does not.
    """
    sections, rounds = CUTS[out.size > FEW]
    steps = np.arange(sections + 1).reshape(-1, *[1] * out.ndim) / sections
    every = tuple(np.indices(out.shape))
    for _ in range(rounds):
        points = out + (inside - out) * steps
        first = np.logical_and.accumulate(rejected(points[1:-1]), axis=0).sum(axis=0)
        out, inside = points[(first, *every)], points[(first + 1, *every)]
    return np.asarray(out)


def difference_bound(
    x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike, alpha: ArrayLike, side: int
) -> Array:
    """Return one score bound of p1 - p2: the lower one for `side` -1, the upper one for 1."""
    x1, n1, x2, n2, alpha = np.broadcast_arrays(*_floats(x1, n1, x2, n2, alpha))
    gap, z = x1 / n1 - x2 / n2, -ndtri(alpha)

    def rejected(tau: Array) -> NDArray[np.bool_]:
        return np.asarray(-side * difference_z(x1, n1, x2, n2, tau) > z)

    return search_outward(rejected, np.full_like(gap, side), gap)


def difference_bounds(
    x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike, alpha: ArrayLike
) -> tuple[Array, Array]:
    """Return the lower and upper score bound of p1 - p2, each one-sided at `alpha`.

    The bounds are the differences at which the score test stops rejecting, rounded outward;
    where both rates sit at a border a bound can be -1 or 1 itself.
    """
    lower, upper = (difference_bound(x1, n1, x2, n2, alpha, side) for side in (-1, 1))
    return lower, upper


def ratio_bound(
    x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike, alpha: ArrayLike, side: int
) -> Array:
    """Return one score bound of p1 / p2: the lower one for `side` -1, the upper one for 1.

    The search runs over rho / (1 + rho), so that an unbounded end comes out as inf.
    """
    x1, n1, x2, n2, alpha = np.broadcast_arrays(*_floats(x1, n1, x2, n2, alpha))
    p1, p2, z = x1 / n1, x2 / n2, -ndtri(alpha)
    with np.errstate(invalid="ignore"):
        share = np.where(p1 + p2 > 0, p1 / (p1 + p2), 0.5)

    def rejected(share: Array) -> NDArray[np.bool_]:
        rho = share / np.maximum(1 - share, 1e-15)
        return np.asarray(-side * ratio_z(x1, n1, x2, n2, rho) > z)

    end = search_outward(rejected, np.full_like(share, (1 + side) / 2), share)
    # within the resolution of the search no finite ratio was rejected
    with np.errstate(divide="ignore"):
        return np.where(end >= 1 - 1e-10, np.inf, end / (1 - end))


def ratio_bounds(
    x1: ArrayLike, n1: ArrayLike, x2: ArrayLike, n2: ArrayLike, alpha: ArrayLike
) -> tuple[Array, Array]:
    """Return the lower and upper score bound of p1 / p2, each one-sided at `alpha`.

    Without any event the bounds are 0 and inf.
    """
    lower, upper = (ratio_bound(x1, n1, x2, n2, alpha, side) for side in (-1, 1))
    return lower, upper
