"""One group's number: an estimate, its size, and one-sided bounds at any level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtri

from pytest_aipm.stats.auc import delong, robust_interval
from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.means import SMALL, MeanPart
from pytest_aipm.stats.resampled import BootstrapPart

__all__ = [
    "SMALL",
    "AucPart",
    "BootstrapPart",
    "MeanPart",
    "Part",
    "RateMethod",
    "RatePart",
    "bounds_of",
    "rate_bounds",
]

RateMethod = Literal["clopper-pearson", "wilson"]


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


def bounds_of(parts: Sequence[Part], alpha: float) -> list[tuple[float, float]]:
    """Return what `bound` says of each part; rates of one method are asked at once."""
    rates = [part for part in parts if isinstance(part, RatePart) and part.n > 0]
    if len(rates) < len(parts) or len({part.method for part in rates}) != 1:
        return [part.bound(alpha) for part in parts]
    x, n = (np.array([getattr(part, name) for part in rates]) for name in ("x", "n"))
    lower, upper = rate_bounds(x, n, alpha, rates[0].method)
    return list(zip(lower.tolist(), upper.tolist(), strict=True))


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
