"""Critical values that keep a family of tests at its level."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from pytest_aipm.stats.estimate import Array, as_array

__all__ = [
    "bonferroni",
    "closed_critical_value",
    "sidak",
    "star_critical_value",
    "widening_critical_value",
]

NEWTON = 50
ROOT_TAU = float(np.sqrt(2 * np.pi))
CLASSES = 64
"""Above this many distinct sizes they are rounded down to as many classes: never too liberal."""


def sidak(alpha: float, k: int) -> float:
    """Return the level of each of `k` independent tests (Šidák 1967)."""
    return float(-np.expm1(np.log1p(-alpha) / max(k, 1)))


def bonferroni(alpha: float, k: int) -> float:
    """Return the level of each of `k` tests whatever their dependence."""
    return alpha / max(k, 1)


def closed_critical_value(
    n: ArrayLike, tau: float, alpha: float, *, scale: float = 0.5, extra: int = 0
) -> float:
    """Return the critical value for all ordered pairs of groups at margin `tau`.

    The hypothesis is max - min <= tau. The region of acceptance is convex and symmetric, so the
    least favourable rates form two clusters `tau` apart (Prékopa 1973: log-concavity); at most
    ``m = K² // 4`` pairs then sit on the margin. With ``a = P(Z > c) + P(Z > c + 2 tau / se)``
    and ``b = 2 P(Z > c + tau / se)`` the value solves
    ``alpha = sum of b + sum of the m largest (a - b)`` over the unordered pairs.

    Parameters
    ----------
    n : array_like, shape (K,)
        Denominators of the judged groups, all positive.
    tau : float
        Margin, >= 0; for ratios ``-ln(rho)``.
    alpha : float
        Level of the family, one-sided.
    scale : float
        ``se = scale * sqrt(1 / n_i + 1 / n_j)``: 0.5 for differences (the largest a rate's sd can
        be), ``sqrt((1 - p) / p)`` with the pooled rate p for logarithms of ratios.
    extra : int
        Further one-directional tests beside the pairs, each counted at full level.

    Returns
    -------
    float
        Between Bonferroni over ``m + extra`` and over ``K(K - 1) + extra`` tests.
    """
    sizes = as_array(n).tobytes()  # what is kept for later is found by its bytes at once
    return _closed(sizes, float(tau), float(alpha), float(scale), extra)


@lru_cache(maxsize=4096)
def _closed(n: bytes, tau: float, alpha: float, scale: float, extra: int) -> float:
    """Return it for sizes that many findings share."""
    groups = np.frombuffer(n).size
    most = groups * (groups - 1) + extra
    if most == 0:
        raise ValueError("a critical value needs at least two groups")
    reach, pairs, on_margin = _pairs(n)
    with np.errstate(divide="ignore"):
        margins = reach * (tau / np.float64(scale) if tau else 0.0)
    return _solved(
        extra + float(on_margin.sum()),
        np.concatenate([2 * (pairs - on_margin), on_margin]),
        np.concatenate([margins, 2 * margins]),
        alpha,
        low=float(-ndtri(min(alpha / (groups**2 // 4 + extra), 0.5))),
        high=float(-ndtri(alpha / most)),
    )


@lru_cache(maxsize=256)
def _pairs(n: bytes) -> tuple[Array, Array, Array]:
    """Return of each pair of size classes, widest margin first, what does not change with tau.

    Returns
    -------
    reach : ndarray
        1 / sqrt(1 / n_i + 1 / n_j).
    pairs : ndarray
        How many pairs of groups the classes stand for.
    on_margin : ndarray
        How many of them are among the ``K² // 4`` with the widest margins: those gain most,
        because a - b grows with the margin.
    """
    sizes, counts = np.unique(np.frombuffer(n), return_counts=True)
    groups = int(counts.sum())
    if sizes.size > CLASSES:
        # smaller sizes mean smaller margins, and both a and b fall with the margin
        edges = np.geomspace(sizes[0], sizes[-1], CLASSES)
        edges[0] = sizes[0]
        where = np.searchsorted(edges, sizes, side="right") - 1
        counts = np.bincount(where, weights=counts, minlength=CLASSES)
        sizes, counts = edges[counts > 0], counts[counts > 0]
    i, j = np.triu_indices(sizes.size)
    pairs = np.where(i == j, counts[i] * (counts[i] - 1) / 2, counts[i] * counts[j])
    reach = 1 / np.sqrt(1 / sizes[i] + 1 / sizes[j])
    order = np.argsort(-reach, kind="stable")
    order = order[pairs[order] > 0]
    reach, pairs = reach[order], pairs[order].astype(np.float64)
    on_margin = np.diff(np.minimum(np.cumsum(pairs), groups**2 // 4), prepend=0.0)
    return reach, pairs, on_margin


def star_critical_value(margins: ArrayLike, alpha: float) -> float:
    """Return the critical value for two-directional tests against one comparator.

    Each group may lie above or below by its margin, in units of its standard error; both
    directions together reject with ``P(Z > c) + P(Z > c + 2 margin)`` at most (union bound).
    """
    margins = np.asarray(margins, dtype=np.float64)

    return _solved(
        float(margins.size),
        np.ones(margins.size),
        2 * margins,
        alpha,
        low=float(-ndtri(min(alpha / margins.size, 0.5))),
        high=float(-ndtri(alpha / (2 * margins.size))),
    )


def widening_critical_value(near: ArrayLike, far: ArrayLike, groups: int, alpha: float) -> float:
    """Return the critical value for all pairs of groups whose gap may have widened by a margin.

    With old rates r and changes D of K groups the hypothesis is ``|d_new| <= |d_old| + tau`` for
    every pair, that is ``D_i - D_j <= tau + 2 max(0, r_j - r_i)`` for every ordered pair. The
    chance of a false proof is at most a sum of normal tails at non-negative margins, which is
    convex in D, so it is largest at a vertex of that polytope. There no group is on the margin
    with one group above and another below it (the bounds would add up to more than the third
    allows), so the groups fall into two clusters: at most ``m = K² // 4`` pairs sit on the margin,
    the others at least `tau` inside it. With ``a = P(Z > c) + P(Z > c + 2 tau / se)`` for the
    larger of a pair's two errors and ``b = P(Z > c + near) + P(Z > c + far)`` the value solves
    ``alpha = sum of b + sum of the m largest (a - b)``.

    Parameters
    ----------
    near, far : array_like, shape (P,)
        ``tau`` over the standard errors of d_new - d_old and of d_new + d_old, for each of the
        unordered pairs.
    groups : int
        K, with ``P = K(K - 1) / 2``.
    alpha : float
        Level of the family, one-sided.

    Returns
    -------
    float
        Between Bonferroni over ``m`` and over ``K(K - 1)`` tests.
    """
    near, far = as_array(near), as_array(far)
    least, on_margin = np.minimum(near, far), groups**2 // 4

    def excess(c: float) -> float:
        b = ndtr(-c - near) + ndtr(-c - far)
        more = np.sort(ndtr(-c) + ndtr(-c - 2 * least) - b)[::-1][:on_margin]
        return float(b.sum() + np.maximum(more, 0).sum() - alpha)

    low = float(-ndtri(min(alpha / on_margin, 0.5)))
    return _root(excess, low, float(-ndtri(alpha / (2 * near.size))))


def _solved(
    plain: float, weights: Array, margins: Array, alpha: float, *, low: float, high: float
) -> float:
    """Return c with ``plain P(Z > c) + sum of weights P(Z > c + margin) = alpha``, rounded up.

    The sum is convex in c >= 0, so Newton's steps from below never pass the root.
    """
    if high <= low:
        return high
    c = low
    for _ in range(NEWTON):
        # P(Z > z) as ndtr(-z): exact far out
        tail = plain * float(ndtr(-c)) + float(weights @ ndtr(-c - margins))
        if tail <= alpha:
            break
        with np.errstate(under="ignore"):
            density = plain * np.exp(-c * c / 2) + weights @ np.exp(-((c + margins) ** 2) / 2)
        step = (tail - alpha) * ROOT_TAU / float(density)
        c += step
        if step < 1e-13:
            break
    return low if c == low else min(c + 1e-11, high)


def _root(excess: Callable[[float], float], low: float, high: float) -> float:
    """Return the critical value, rounded up."""
    if high <= low:
        return high
    if excess(low) <= 0:
        return low
    if excess(high) >= 0:
        return high
    return float(brentq(excess, low, high, xtol=1e-12)) + 1e-11
