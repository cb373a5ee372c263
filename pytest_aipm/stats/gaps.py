"""Bounds of how much the gap between two groups has widened, for many ordered pairs at once."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.parts import rate_bounds
from pytest_aipm.stats.score import ratio_bound

__all__ = ["DifferencePairs", "Pairs", "RatioPairs"]

Counts = tuple[Array, Array]
Index = NDArray[np.intp]


class Pairs(Protocol):
    """Ordered pairs (high, low) of groups under two models."""

    def delta(self) -> Array:
        """Return the widening (P,) if the pair stands as ordered now."""

    def lower(self, alpha: float) -> Array:
        """Return its lower bounds."""

    def upper(self, alpha: float) -> Array:
        """Return its upper bounds; `alpha` for each of two candidates."""


def _radius(one: Array, other: Array, correlation: Array) -> Array:
    """Return the MOVER radius of a sum whose terms have these widths and correlation."""
    return np.sqrt(np.maximum(one**2 + other**2 + 2 * correlation * one * other, 0))


def _over(covariance: Array, first: Array, second: Array) -> Array:
    """Return a correlation; 0 where a variance is 0."""
    scale = np.sqrt(first * second)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(scale > 0, np.clip(covariance / scale, -1, 1), 0.0)


class DifferencePairs:
    """The gap is d = r_high - r_low; widening is d_new - |d_old|."""

    def __init__(
        self, new: Counts, old: Counts, covariance: Array, high: Index, low: Index
    ) -> None:
        self.new, self.old, self.high, self.low = new, old, high, low
        self.p_new, self.p_old = new[0] / new[1], old[0] / old[1]
        self.correlation = _over(
            covariance,
            self.p_new * (1 - self.p_new) / new[1],
            self.p_old * (1 - self.p_old) / old[1],
        )

    def delta(self) -> Array:
        """Return d_new - |d_old|."""
        new = self.p_new[self.high] - self.p_new[self.low]
        return np.asarray(new - np.abs(self.p_old[self.high] - self.p_old[self.low]))

    def errors(self) -> tuple[Array, Array]:
        """Return the standard errors (P,) of d_new - d_old and of d_new + d_old.

        Each group counts one row more that changed, so that no change seen is not no error.
        """
        spread = [
            p * (1 - p) / n for p, n in ((self.p_new, self.new[1]), (self.p_old, self.old[1]))
        ]
        shared = 2 * self.correlation * np.sqrt(spread[0] * spread[1])
        unseen = 1 / self.new[1] ** 2
        apart, together = (
            np.maximum(spread[0] + spread[1] + sign * shared, 0) + unseen for sign in (-1, 1)
        )
        return (
            np.sqrt(apart[self.high] + apart[self.low]),
            np.sqrt(together[self.high] + together[self.low]),
        )

    def _bounds(self, alpha: float, sign: int) -> list[Array]:
        """Return the bounds on side `sign` of d_new - d_old and of d_new + d_old."""
        (new_low, new_high), (old_low, old_high) = (
            self._widths(counts, alpha) for counts in (self.new, self.old)
        )
        bounds = []
        for old_sign in (-1, 1):
            # the old rate enters with its sign, so a minus exchanges its two widths
            down, up = (old_low, old_high) if old_sign > 0 else (old_high, old_low)
            correlation = old_sign * self.correlation
            below = _radius(new_low, down, correlation)
            above = _radius(new_high, up, correlation)
            each = self.p_new + old_sign * self.p_old
            near, far = (below, above) if sign < 0 else (above, below)
            radius = np.hypot(near[self.high], far[self.low])
            bounds.append(each[self.high] - each[self.low] + sign * radius)
        return bounds

    @staticmethod
    def _widths(counts: Counts, alpha: float) -> tuple[Array, Array]:
        rate = counts[0] / counts[1]
        lower, upper = rate_bounds(*counts, alpha, "wilson")
        return rate - lower, upper - rate

    def lower(self, alpha: float) -> Array:
        """Return the smaller of the two lower bounds."""
        return np.minimum(*self._bounds(alpha, -1))

    def upper(self, alpha: float) -> Array:
        """Return the smaller of the two upper bounds."""
        return np.minimum(*self._bounds(alpha, 1))


class RatioPairs:
    """The gap is one minus rho = r_low / r_high; widening is min(rho, 1 / rho) old - rho new."""

    def __init__(
        self, new: Counts, old: Counts, covariance: Array, high: Index, low: Index
    ) -> None:
        self.new, self.old, self.high, self.low = new, old, high, low
        p_new, p_old = new[0] / new[1], old[0] / old[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            self.rho_new, self.rho_old = p_new[low] / p_new[high], p_old[low] / p_old[high]
            self.turned = p_old[high] / p_old[low]
            shared = np.nan_to_num(covariance / (p_new * p_old), posinf=0.0)
            spread = [
                np.nan_to_num((1 - p) / (n * p), posinf=0.0)
                for p, n in ((p_new, new[1]), (p_old, old[1]))
            ]
        self.correlation = _over(
            shared[high] + shared[low], *(each[high] + each[low] for each in spread)
        )
        self.defined = np.isfinite(self.rho_new) & ~np.isnan(self.rho_old)

    def delta(self) -> Array:
        """Return how much the ratio fell; -1 where it is undefined."""
        with np.errstate(invalid="ignore"):
            fall = np.fmin(self.rho_old, self.turned) - self.rho_new
        return np.where(self.defined, fall, -1.0)

    def _end(self, counts: Counts, alpha: float, side: int, *, turned: bool = False) -> Array:
        """Return one bound of rho, or of one over it."""
        top, bottom = (self.high, self.low) if turned else (self.low, self.high)
        x, n = counts
        return ratio_bound(x[top], n[top], x[bottom], n[bottom], alpha, side)

    def _bounds(self, alpha: float, sign: int) -> list[Array]:
        """Return the bounds on side `sign` of rho_old - rho_new and of 1 / rho_old - rho_new."""
        new_end = self._end(self.new, alpha, -sign)
        bounds = []
        for turned, old in ((False, self.rho_old), (True, self.turned)):
            old_end = self._end(self.old, alpha, sign, turned=turned)
            # rho_new enters with a minus; turning the old ratio turns its correlation
            correlation = self.correlation if turned else -self.correlation
            with np.errstate(invalid="ignore"):
                radius = _radius(np.abs(old - old_end), np.abs(new_end - self.rho_new), correlation)
                exact = old - self.rho_new + sign * radius
                # without a finite estimate the plain ends of both are the widest bound
                bound = np.where(np.isfinite(exact), exact, old_end - new_end)
            bounds.append(bound)
        return bounds

    def lower(self, alpha: float) -> Array:
        """Return the smaller of the two lower bounds; -1 where undefined."""
        bound = np.minimum(*self._bounds(alpha, -1))
        return np.where(self.defined & np.isfinite(bound), np.maximum(bound, -1.0), -1.0)

    def upper(self, alpha: float) -> Array:
        """Return the smaller of the two upper bounds; 1 where undefined."""
        bound = np.fmin(*self._bounds(alpha, 1))
        return np.where(self.defined & np.isfinite(bound), np.minimum(bound, 1.0), 1.0)
