"""Means, and roots of means, from power sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

__all__ = ["SMALL", "MeanPart", "PerUnit"]

SMALL = 30
"""Means and bootstraps of fewer rows cannot prove a breach (Bahadur and Savage 1956)."""


@dataclass(frozen=True)
class MeanPart:
    """A mean (or the root of one) from the sums of e, e² and e³ over `n` rows.

    Bounds are Hall's transformation (Hall 1992, JRSS B 54:221), which takes the skewness out of
    Student's t: with U = (mean - mu) / s and skewness k,
    ``g(U) = U + k U² / 3 + k² U³ / 27 + k / (6 n)`` is compared with t(n - 1) / sqrt(n).

    Parameters
    ----------
    n, sum1, sum2, sum3 : float
        Rows and power sums.
    transform : {None, "sqrt"}
        ``sqrt`` turns a mean square into its root, bounds included.
    limits : (float, float)
        Smallest and largest possible mean, before `transform`.
    """

    n: float
    sum1: float
    sum2: float
    sum3: float
    transform: Literal["sqrt"] | None = None
    limits: tuple[float, float] = (-np.inf, np.inf)

    label: ClassVar[str] = "Hall-transformed t"

    @classmethod
    def from_values(
        cls,
        values: ArrayLike,
        transform: Literal["sqrt"] | None = None,
        limits: tuple[float, float] = (-np.inf, np.inf),
    ) -> MeanPart:
        """Return the part of a sample."""
        e = np.asarray(values, dtype=np.float64)
        one, two, three = (float((e**power).sum()) for power in (1, 2, 3))
        return cls(float(e.size), one, two, three, transform, limits)

    @property
    def proves(self) -> bool:
        """Whether there are at least 30 rows."""
        return self.n >= SMALL

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        low, high = self.limits
        return (self._out(max(low, 0.0)), self._out(high)) if self.transform else (low, high)

    def _out(self, mean: float) -> float:
        return float(np.sqrt(max(mean, 0.0))) if self.transform == "sqrt" else float(mean)

    @property
    def value(self) -> float:
        """The mean, or its root; nan without rows."""
        return self._out(self.sum1 / self.n) if self.n > 0 else float("nan")

    def _moments(self) -> tuple[float, float, float]:
        """Return mean, sd and skewness; rounding noise in the variance counts as none."""
        mean = self.sum1 / self.n
        square, cube = self.sum2 / self.n, self.sum3 / self.n
        variance = square - mean**2
        if variance <= 1e-12 * square:
            return mean, 0.0, 0.0
        skew = (cube - 3 * mean * square + 2 * mean**3) / variance**1.5
        return mean, float(np.sqrt(variance * self.n / (self.n - 1))), float(skew)

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return bounds from the transformed t; the support where few rows show no spread."""
        if self.n < 2:
            return self.support
        mean, sd, skew = self._moments()
        if sd == 0:
            return (self.value, self.value) if self.proves else self.support
        t = float(stdtrit(self.n - 1, 1 - alpha)) / np.sqrt(self.n)
        lower = min(mean - sd * _hall_inverse(t, skew, self.n), mean)
        upper = max(mean - sd * _hall_inverse(-t, skew, self.n), mean)
        low, high = self.limits
        return self._out(max(lower, low)), self._out(min(upper, high))

    def scaled(self, n: float, value: float | None = None) -> MeanPart:
        """Return the part with `n` rows of the same spread, moved to `value`."""
        if self.n <= 0 or n <= 0 or (value is not None and not np.isfinite(value)):
            return MeanPart(0.0, 0.0, 0.0, 0.0, self.transform, self.limits)
        mean = self.sum1 / self.n
        target = mean if value is None else value**2 if self.transform == "sqrt" else value
        shift = target - mean
        one, two, three = (total / self.n for total in (self.sum1, self.sum2, self.sum3))
        return MeanPart(
            n,
            n * (one + shift),
            n * (two + 2 * shift * one + shift**2),
            n * (three + 3 * shift * two + 3 * shift**2 * one + shift**3),
            self.transform,
            self.limits,
        )


@dataclass(frozen=True)
class PerUnit:
    """How many times a positive mean goes into something: rows a second from seconds a row."""

    mean: MeanPart
    whole: float = 1.0

    support: ClassVar[tuple[float, float]] = (0.0, np.inf)
    label: ClassVar[str] = "inverse of the mean, Hall-transformed t"

    @property
    def proves(self) -> bool:
        """Whether the mean does."""
        return self.mean.proves

    @property
    def n(self) -> float:
        """Values of the mean."""
        return self.mean.n

    @property
    def value(self) -> float:
        """``whole / mean``; nan without a mean."""
        return self._of(self.mean.value)

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the bounds of the mean, turned around."""
        lower, upper = self.mean.bound(alpha)
        return self._of(upper), self._of(lower)

    def scaled(self, n: float, value: float | None = None) -> PerUnit:
        """Return the part with `n` values, moved to another `value`."""
        moved = None if value is None else self._of(value)
        return PerUnit(self.mean.scaled(n, moved), self.whole)

    def _of(self, mean: float) -> float:
        if np.isnan(mean):
            return float("nan")
        return self.whole / mean if mean > 0 else float("inf")


def _hall_inverse(y: float, skew: float, n: float) -> float:
    """Return U with g(U) = y; g is (1 + kU/3)³ / k up to constants, so the root is closed."""
    y -= skew / (6 * n)
    if abs(skew) < 1e-8:
        return y
    return float(3 / skew * (np.cbrt(1 + skew * y) - 1))
