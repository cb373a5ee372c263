"""One group's number: an estimate, its size, and one-sided bounds at any level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtr, ndtri, stdtrit

from pytest_aipm.stats.auc import delong, robust_interval
from pytest_aipm.stats.estimate import Array

__all__ = [
    "SMALL",
    "AucPart",
    "BootstrapPart",
    "MeanPart",
    "Part",
    "RateMethod",
    "RatePart",
    "rate_bounds",
]

RateMethod = Literal["clopper-pearson", "wilson"]

SMALL = 30
"""Means and bootstraps of fewer rows cannot prove a breach (Bahadur and Savage 1956)."""


class Part(Protocol):
    """A number with bounds, independent of the numbers of other groups."""

    @property
    def value(self) -> float:
        """The estimate; nan when undefined."""

    @property
    def n(self) -> float:
        """Rows it rests on."""

    @property
    def proves(self) -> bool:
        """Whether its bounds may prove a breach; they always may prevent proof."""

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""

    @property
    def label(self) -> str:
        """The kind of interval in short words."""

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the lower and the upper bound, each one-sided at `alpha`."""

    def scaled(self, n: float, value: float | None = None) -> Part:
        """Return the part as it would be with `n` rows, at the same or another value."""


def rate_bounds(
    x: ArrayLike, n: ArrayLike, alpha: ArrayLike, method: RateMethod = "clopper-pearson"
) -> tuple[Array, Array]:
    """Return one-sided bounds of a rate; nan where n is 0.

    Parameters
    ----------
    x, n : array_like
        Events and rows; need not be whole numbers.
    alpha : array_like
        Level of each bound.
    method : {"clopper-pearson", "wilson"}
        Exact (Clopper and Pearson 1934) or score (Wilson 1927).
    """
    x, n, alpha = (np.asarray(value, dtype=np.float64) for value in (x, n, alpha))
    with np.errstate(divide="ignore", invalid="ignore"):
        if method == "wilson":
            z = -ndtri(alpha)
            middle = (x + z**2 / 2) / (n + z**2)
            half = z / (n + z**2) * np.sqrt(x * (n - x) / n + z**2 / 4)
            lower, upper = middle - half, middle + half
        else:
            lower = np.asarray(betaincinv(np.where(x > 0, x, 1), n - x + 1, alpha), np.float64)
            upper = np.asarray(betaincinv(x + 1, np.where(x < n, n - x, 1), 1 - alpha), np.float64)
        lower = np.where(x <= 0, 0.0, np.minimum(lower, x / n))
        upper = np.where(x >= n, 1.0, np.maximum(upper, x / n))
    undefined = n <= 0
    return np.where(undefined, np.nan, lower), np.where(undefined, np.nan, upper)


@dataclass(frozen=True)
class RatePart:
    """`x` events in `n` rows, binomial."""

    x: float
    n: float
    method: RateMethod = "clopper-pearson"

    proves: ClassVar[bool] = True
    support: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @property
    def label(self) -> str:
        """The kind of interval."""
        return "Wilson scores" if self.method == "wilson" else "Clopper-Pearson"

    def __post_init__(self) -> None:
        """Refuse counts that are none."""
        if not 0 <= self.x <= self.n:
            raise ValueError(f"a rate needs 0 <= x <= n, got {self.x} of {self.n}")

    @property
    def value(self) -> float:
        """The rate."""
        return self.x / self.n if self.n > 0 else float("nan")

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return exact or score bounds; 0 and 1 without rows."""
        if self.n <= 0:
            return self.support
        lower, upper = rate_bounds(self.x, self.n, alpha, self.method)
        return float(lower), float(upper)

    def scaled(self, n: float, value: float | None = None) -> RatePart:
        """Return the part with `n` rows; an undefined rate stays without rows."""
        value = self.value if value is None else value
        if not np.isfinite(value):
            return RatePart(0.0, 0.0, self.method)
        return RatePart(min(max(value, 0.0), 1.0) * n, n, self.method)


@dataclass(frozen=True)
class AucPart:
    """An area under the ROC curve with its DeLong variance, `m` positives, `k` negatives."""

    auc: float
    variance: float
    m: float
    k: float

    proves: ClassVar[bool] = True
    support: ClassVar[tuple[float, float]] = (0.0, 1.0)
    label: ClassVar[str] = "DeLong on the logit scale, variance floored"

    @classmethod
    def from_scores(cls, positives: ArrayLike, negatives: ArrayLike) -> AucPart:
        """Return the part of two samples of scores."""
        pos, neg = np.asarray(positives), np.asarray(negatives)
        auc, variance = delong(pos, neg)
        return cls(auc, variance, float(pos.size), float(neg.size))

    @property
    def value(self) -> float:
        """The area; nan without positives or without negatives."""
        return self.auc if min(self.m, self.k) > 0 else float("nan")

    @property
    def n(self) -> float:
        """Rows of both classes."""
        return self.m + self.k

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the robust logit bounds; 0 and 1 when undefined."""
        if not np.isfinite(self.value):
            return self.support
        return robust_interval(self.auc, self.variance, self.m, self.k, alpha)

    def scaled(self, n: float, value: float | None = None) -> AucPart:
        """Return the part with `n` rows of the same class mix.

        At another value the variance goes with A(1 - A).
        """
        if n <= 0 or not np.isfinite(self.value if value is None else value + self.value):
            return AucPart(float("nan"), 0.0, 0.0, 0.0)
        factor = n / self.n
        auc = self.auc if value is None else min(max(value, 0.0), 1.0)
        spread = self.auc * (1 - self.auc)
        shape = auc * (1 - auc) / spread if value is not None and spread > 0 else 1.0
        return AucPart(auc, self.variance * shape / factor, self.m * factor, self.k * factor)


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


def _hall_inverse(y: float, skew: float, n: float) -> float:
    """Return U with g(U) = y; g is (1 + kU/3)³ / k up to constants, so the root is closed."""
    y -= skew / (6 * n)
    if abs(skew) < 1e-8:
        return y
    return float(3 / skew * (np.cbrt(1 + skew * y) - 1))


@dataclass(frozen=True, eq=False)
class BootstrapPart:
    """Any statistic with draws of it from resampled rows.

    Bounds are BCa (Efron 1987, JASA 82:171) where that is stable, else percentiles. Levels too
    small for the number of draws are read from a normal tail.

    Parameters
    ----------
    value : float
        The statistic on the rows themselves; nan when undefined.
    draws : ndarray of float
        The statistic on resampled rows; nan draws are left out, more than 5 % of them undo it.
    n : float
        Rows.
    acceleration : float
        Of BCa, from a jackknife; 0 leaves the bias correction alone.
    support : (float, float)
        Smallest and largest possible value.
    """

    value: float
    draws: Array
    n: float
    acceleration: float = 0.0
    support: tuple[float, float] = (-np.inf, np.inf)

    label: ClassVar[str] = "bootstrap (BCa where stable)"

    @property
    def proves(self) -> bool:
        """Whether there are at least 30 rows and the draws are defined."""
        return self.n >= SMALL and self._defined().size > 0

    def _defined(self) -> Array:
        draws = np.asarray(self.draws, dtype=np.float64)
        finite = draws[np.isfinite(draws)]
        enough = finite.size >= 0.95 * draws.size and finite.size >= 2
        return np.sort(finite) if enough and np.isfinite(self.value) else finite[:0]

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return BCa or percentile bounds; the support when undefined or spread is unseen."""
        draws = self._defined()
        if draws.size == 0 or (draws[0] == draws[-1] and not self.proves):
            return self.support
        lower, upper = self._end(draws, alpha), self._end(draws, 1 - alpha)
        if alpha * draws.size < 10:
            sd, z = float(draws.std(ddof=1)), float(-ndtri(alpha))
            lower, upper = min(lower, self.value - z * sd), max(upper, self.value + z * sd)
        low, high = self.support
        return max(min(lower, self.value), low), min(max(upper, self.value), high)

    def _end(self, draws: Array, level: float) -> float:
        """Return one BCa end, or the percentile where the adjustment is extreme."""
        below = (np.sum(draws < self.value) + 0.5 * np.sum(draws == self.value)) / draws.size
        z, shift = float(ndtri(level)), float(ndtri(below))
        scale = 1 - self.acceleration * (shift + z)
        adjusted = float(ndtr(shift + (shift + z) / scale)) if scale > 0.1 else np.nan
        stable = abs(shift) < 0.5 and 1 / draws.size <= adjusted <= 1 - 1 / draws.size
        return float(np.quantile(draws, adjusted if stable else level))

    def scaled(self, n: float, value: float | None = None) -> BootstrapPart:
        """Return the part with `n` rows: draws shrink with the root of the rows."""
        centre = self.value if value is None else value
        if n <= 0 or self.n <= 0:
            return BootstrapPart(float("nan"), self.draws, 0.0, self.acceleration, self.support)
        factor = np.sqrt(self.n / n)
        draws = centre + (np.asarray(self.draws) - self.value) * factor
        return BootstrapPart(centre, draws, n, self.acceleration, self.support)
