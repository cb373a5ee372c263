"""Change against an earlier model: paired rates, disparities that widened, anything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from pytest_aipm.stats.contrasts import Kind, all_pairs
from pytest_aipm.stats.estimate import Array, Estimate, as_array
from pytest_aipm.stats.gaps import DifferencePairs, RatioPairs
from pytest_aipm.stats.multiplicity import sidak, widening_critical_value
from pytest_aipm.stats.parts import SMALL
from pytest_aipm.stats.score import quantile, search_outward

__all__ = ["Change", "change", "group_changes", "tango", "tango_bounds", "widened"]

CLIMB = 50
"""Steps towards the proven widening; each is valid, and a handful reach it."""


@dataclass(frozen=True)
class Change:
    """A change with its one-sided ends and the groups that make it.

    ``delta`` is the most harmful change; positive is worse.
    """

    delta: float
    lower: float
    upper: float
    pair: tuple[int, ...]


def _tango_z(b: Array, c: Array, n: Array, delta: Array) -> Array:
    """Return the score statistic of p_new - p_old = delta (Tango 1998, equations 8 to 11)."""
    linear = -b - c + (2 * n - b + c) * delta
    root = np.sqrt(np.maximum(linear**2 + 8 * n * c * delta * (1 - delta), 0))
    q21 = np.maximum((root - linear) / (4 * n), 0)
    variance = n * np.maximum(2 * q21 + delta * (1 - delta), 0)
    gap = b - c - n * delta
    with np.errstate(divide="ignore", invalid="ignore"):
        z = gap / np.sqrt(variance)
    return np.where(np.abs(gap) <= 1e-12 * n, 0.0, z)


def tango_bounds(b: ArrayLike, c: ArrayLike, n: ArrayLike, alpha: float) -> tuple[Array, Array]:
    """Return one-sided score bounds of paired changes; arrays of `tango`."""
    b, c, n = (np.asarray(value, dtype=np.float64) for value in (b, c, n))
    z, start = quantile(alpha), (b - c) / n

    def bound(side: int) -> Array:
        def rejected(delta: Array) -> NDArray[np.bool_]:
            return np.asarray(-side * _tango_z(b, c, n, delta) > z)

        return search_outward(rejected, np.full_like(start, side), start)

    return bound(-1), bound(1)


def tango(b: float, c: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return one-sided bounds of the change p_new - p_old on the same rows.

    Tango (1998), Statistics in Medicine 17:891: the score test of a paired difference, inverted.

    Parameters
    ----------
    b : float
        Rows that are events now and were none.
    c : float
        Rows that were events and are none now.
    n : float
        All rows, positive.
    confidence : float
        Of each bound.
    """
    if n <= 0 or b < 0 or c < 0 or b + c > n * (1 + 1e-12):
        raise ValueError(f"discordant rows {b} and {c} do not fit {n} rows")
    lower, upper = tango_bounds(b, c, n, 1 - confidence)
    return float(lower), float(upper)


def group_changes(
    b: ArrayLike,
    c: ArrayLike,
    n: ArrayLike,
    *,
    confidence: float = 0.95,
    harm: Literal["lower", "higher"] = "lower",
) -> Change:
    """Return the most harmful change of a group's rate on the same rows.

    Parameters
    ----------
    b, c, n : array_like, shape (K,)
        As in `tango`, for each group; groups without rows are left out.
    confidence : float
        Of each end: Šidák over groups for the lower one, none for the upper one.
    harm : {"lower", "higher"}
        Whether a lower or a higher rate is worse.

    Returns
    -------
    Change
        Positive is worse: "worse by more than d" is proven when ``lower > d``. Groups under 30
        rows cannot prove it. nan without rows.
    """
    b, c, n = as_array(b), as_array(c), as_array(n)
    if harm == "lower":
        b, c = c, b
    keep = np.flatnonzero(n > 0)
    if keep.size == 0:
        return Change(float("nan"), -1.0, 1.0, ())
    b, c, n = b[keep], c[keep], n[keep]
    delta, proves = (b - c) / n, n >= SMALL
    corrected, _ = tango_bounds(b, c, n, sidak(1 - confidence, int(proves.sum())))
    _, upper = tango_bounds(b, c, n, 1 - confidence)
    worst = int(np.argmax(delta))
    lower = float(corrected[proves].max(initial=-1.0))
    return Change(float(delta[worst]), lower, float(upper.max()), (int(keep[worst]),))


def widened(
    x_new: ArrayLike,
    n_new: ArrayLike,
    x_old: ArrayLike,
    n_old: ArrayLike,
    *,
    kind: Kind = "difference",
    confidence: float = 0.95,
    covariance: ArrayLike | None = None,
) -> Change:
    """Return how much the gap of a pair of groups has widened, for the pair that widened most.

    The gap of a pair is |r_i - r_j|, or for ratios one minus the smaller over the larger rate.
    With d = r_i - r_j, |d_new| - |d_old| is at least the smaller of d_new - d_old and
    d_new + d_old, so for each ordered pair the smaller of their lower bounds is valid. The lower
    end of differences is the largest tau below which every "no gap has widened by more than tau"
    is rejected at `widening_critical_value`; ratios have Bonferroni over the K(K - 1) ordered
    pairs. Bounds are MOVER from Wilson limits of the single rates (ratios: from score limits of
    the two ratios), with the correlation of the two models.

    Parameters
    ----------
    x_new, n_new, x_old, n_old : array_like, shape (K,)
        Events and rows of each group, now and before.
    kind : {"difference", "ratio"}
        Which gap.
    confidence : float
        Of each end, one-sided.
    covariance : array_like, shape (K,), optional
        Covariance of each group's two estimated rates, when both models saw the same rows;
        without it the two are separate samples.

    Returns
    -------
    Change
        ``delta`` is the largest widening, ``pair`` (higher, lower) as they stand now. Groups
        under 30 rows cannot prove it, but count for ``upper``. nan with fewer than two groups
        that have rows in both.
    """
    x_new, n_new, x_old, n_old = map(as_array, (x_new, n_new, x_old, n_old))
    keep = np.flatnonzero((n_new > 0) & (n_old > 0))
    if keep.size < 2:
        return Change(float("nan"), -1.0, 1.0, ())
    new, old = (x_new[keep], n_new[keep]), (x_old[keep], n_old[keep])
    linked = np.zeros(keep.size) if covariance is None else as_array(covariance)[keep]
    high, low = all_pairs(np.arange(keep.size), np.arange(keep.size))
    family = DifferencePairs if kind == "difference" else RatioPairs
    pairs = family(new, old, linked, high, low)
    delta = pairs.delta()
    alpha = 1 - confidence
    proves = np.minimum(new[1], old[1]) >= SMALL
    can = proves[high] & proves[low]
    lower = _proven(pairs, can, int(proves.sum()), alpha)
    upper = float(pairs.upper(alpha / 2).max())
    best = int(np.argmax(delta))
    pair = (int(keep[high[best]]), int(keep[low[best]]))
    widest = float(delta[best])
    return Change(widest, min(lower, widest), max(upper, widest), pair)


def _proven(
    pairs: DifferencePairs | RatioPairs, can: NDArray[np.bool_], k: int, alpha: float
) -> float:
    """Return the widening that is proven for some pair of the `k` groups that can prove one."""
    if k < 2:
        return -1.0

    def lowest(level: float) -> float:
        return float(pairs.lower(level)[can].max(initial=-1.0))

    proven = lowest(alpha / (k * (k - 1)))
    if proven <= 0 or not isinstance(pairs, DifferencePairs):
        return proven
    apart, together = (each[can & (pairs.high < pairs.low)] for each in pairs.errors())
    # the critical value falls with the margin: climb until the margin is no longer rejected
    for _ in range(CLIMB):
        c = widening_critical_value(proven / apart, proven / together, k, alpha)
        further = lowest(float(ndtr(-c)))
        if further <= proven + 1e-6:
            break
        proven = further
    return proven


def change(
    new: Estimate, old_value: float, old_lower: float, old_upper: float
) -> tuple[float, float, float]:
    """Return new minus old with ends from both intervals, as two separate samples (MOVER).

    Parameters
    ----------
    new : Estimate
        The value now.
    old_value, old_lower, old_upper : float
        The value before and its one-sided ends.

    Returns
    -------
    delta, lower, upper : float
        nan when a value is undefined; ends are infinite where one of theirs is.
    """
    delta = new.value - old_value
    if not np.isfinite(delta):
        return float("nan"), -np.inf, np.inf
    below = float(np.hypot(new.value - new.lower, old_upper - old_value))
    above = float(np.hypot(new.upper - new.value, old_value - old_lower))
    return delta, delta - below, delta + above
