"""Sums over the tables of two binomial samples, for the exact tests.

A table is a count of the smaller group and one of the larger; for each of the former, all counts
of the larger from some number on belong to the sum. Arrays are (B, G, Y): tests, nuisance rates,
counts of the smaller group.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, gammaln, ndtr

from pytest_aipm.stats.estimate import Array

__all__ = ["first_reached", "peak", "sums"]

SADDLE = 10.0
"""Variance of the larger group's count from which its tails are saddlepoint approximations,
within 1 part in 1,000 of the exact ones for tails down to 1e-7."""


def first_reached(excess: Callable[[Array], Array], start: Array, n: Array) -> Array:
    """Return the smallest whole number in [0, n] at which `excess` is not negative, else n + 1.

    Secants from `start`, then halves; `excess` changes its sign once.
    """
    below, above = np.full(start.shape, -1.0), np.zeros(start.shape) + (n + 1)
    point = np.minimum(np.maximum(np.rint(start), 0), n)
    last, before = point, excess(point)
    for turn in range(64):
        value = before if turn == 0 else excess(point)
        low = value < 0
        below = np.where(low, np.maximum(below, point), below)
        above = np.where(low, above, np.minimum(above, point))
        if (above - below <= 1).all():
            break
        if turn < 10:
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = (value - before) / (point - last)
                slope = np.where(slope > 0, slope, 1 / n)
            target = point - value / slope
            target = np.where(low, np.ceil(target), np.floor(target))
            middle = (target <= below) | (target >= above)
            target = np.where(middle, np.floor((below + above) / 2), target)
        else:
            target = np.floor((below + above) / 2)
        last, before = point, value
        point = np.minimum(np.maximum(target, 0), n)
    return above


def sums(
    small: Array,
    last: Array,
    n_small: Array,
    partner: Array,
    reach: Array,
    n_large: Array,
    rate: Array,
) -> Array:
    """Return sum over small counts up to `last` of b(small) P(large >= reach), shape (B, G)."""
    n = n_small[:, None]
    inside = small <= last[:, None]
    small = np.minimum(small, n)
    chance = gammaln(n + 1) - gammaln(small + 1) - gammaln(n - small + 1)
    chance = np.where(inside, chance, -np.inf)[:, None, :]
    tiny = 1e-300
    chance = chance + small[:, None, :] * np.log(np.maximum(partner, tiny))[:, :, None]
    chance = chance + (n - small)[:, None, :] * np.log(np.maximum(1 - partner, tiny))[:, :, None]
    tails = np.empty(chance.shape)
    smooth = (n_large[:, None] * rate * (1 - rate)).min(axis=1) >= SADDLE
    for chosen, formula in ((smooth, _saddle), (~smooth, _binomial)):
        if chosen.any():
            tails[chosen] = formula(reach[chosen], n_large[chosen], rate[chosen])
    return np.asarray((np.exp(chance) * tails).sum(axis=2))


def _binomial(reach: Array, n: Array, rate: Array) -> Array:
    """Return P(X >= reach), shape (B, G, Y)."""
    reach, n, rate = reach[:, None, :], n[:, None, None], rate[:, :, None]
    tails = bdtrc(np.clip(reach - 1, 0, n), n.astype(np.int64), rate)
    return np.asarray(np.where(reach <= 0, 1.0, np.where(reach > n, 0.0, tails)))


def _saddle(reach: Array, n: Array, rate: Array) -> Array:
    """Return P(X >= reach) by saddlepoint with the second continuity correction (Daniels 1987)."""
    size = n[:, None]
    inside = np.clip(reach, 1, size) - 0.5
    share = inside / size
    odds = np.log(share / (1 - share))
    log_yes, log_no = np.log(rate)[:, :, None], np.log1p(-rate)[:, :, None]
    own = inside * np.log(share) + (size - inside) * np.log1p(-share)
    inside, size = inside[:, None, :], size[:, :, None]
    distance = own[:, None, :] - inside * log_yes - (size - inside) * log_no
    tilt = odds[:, None, :] - (log_yes - log_no)
    root = np.copysign(np.sqrt(2 * np.maximum(distance, 0)), tilt)
    scale = np.sqrt(n[:, None] * share * (1 - share))[:, None, :]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        correction = 1 / (2 * np.sinh(tilt / 2) * scale) - 1 / root
    # where both terms cancel the correction is a sixth of the skewness
    flat = np.abs(root) < 0.01
    skew = ((2 * share - 1) / (6 * np.sqrt(n[:, None] * share * (1 - share))))[:, None, :]
    correction = np.where(flat, skew, correction)
    tails = ndtr(-root) + np.exp(-distance) / np.sqrt(2 * np.pi) * correction
    reach = reach[:, None, :]
    return np.asarray(np.where(reach <= 0, 1.0, np.where(reach > size, 0.0, np.clip(tails, 0, 1))))


def peak(sums: Array, last: NDArray[np.intp]) -> Array:
    """Return the highest value (B,) of each row, between grid points by a parabola.

    Parameters
    ----------
    sums : ndarray, shape (B, G)
    last : ndarray of int, shape (B,)
        Each row's last grid point, at least 1; what follows repeats it.
    """
    best = np.minimum(np.argmax(sums, axis=1), last)
    rows = np.arange(best.size)
    top = sums[rows, best]
    inside = (best > 0) & (best < last)
    middle = np.where(inside, best, 1)
    left, centre = (sums[rows, middle + shift] for shift in (-1, 0))
    right = sums[rows, np.minimum(middle + 1, sums.shape[1] - 1)]
    bend = 2 * centre - left - right
    with np.errstate(divide="ignore", invalid="ignore"):
        vertex = centre + (right - left) ** 2 / (8 * bend)
    inner = inside & (bend > 0) & np.isfinite(vertex)
    return np.asarray(np.where(inner, np.maximum(vertex, top), top))
