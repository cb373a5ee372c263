"""How well one column tells another, whichever way it points: areas and rank correlations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pytest_aipm.stats.auc import robust_interval
from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.score import quantile

__all__ = ["Correlation", "EitherArea", "rank_correlation", "ranks_of"]

MARGIN = 1e-12


@dataclass(frozen=True)
class EitherArea:
    """An area under the ROC curve, from 1/2 on: of a score, or of its opposite where `either`.

    ``m`` positives, ``k`` negatives; `auc` and `variance` are those of `delong`.
    """

    auc: float
    variance: float
    m: float
    k: float
    either: bool = True

    proves: ClassVar[bool] = True
    support: ClassVar[tuple[float, float]] = (0.5, 1.0)
    label: ClassVar[str] = "DeLong on the logit scale, variance floored"

    @property
    def value(self) -> float:
        """The area; nan without positives or without negatives."""
        if min(self.m, self.k) <= 0 or not np.isfinite(self.auc):
            return float("nan")
        return max(self.auc, 1 - self.auc if self.either else 0.5)

    @property
    def n(self) -> float:
        """Rows of both classes."""
        return self.m + self.k

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return bounds of the larger of the area and its complement.

        Either of two may be beyond a limit, so that the lower end takes each at half the level;
        both must be within it, so that the upper end needs no correction.
        """
        if not np.isfinite(self.value):
            return self.support
        half = alpha / 2 if self.either else alpha
        low, _ = robust_interval(self.auc, self.variance, self.m, self.k, half)
        _, high = robust_interval(self.auc, self.variance, self.m, self.k, alpha)
        if self.either:
            low = max(low, 1 - robust_interval(self.auc, self.variance, self.m, self.k, half)[1])
            high = max(high, 1 - robust_interval(self.auc, self.variance, self.m, self.k, alpha)[0])
        return min(max(low, 0.5), self.value), max(high, self.value)

    def scaled(self, n: float, value: float | None = None) -> EitherArea:
        """Return the part with `n` rows of the same class mix; the variance goes with A(1 - A)."""
        if n <= 0 or not np.isfinite(self.value if value is None else value + self.value):
            return EitherArea(float("nan"), 0.0, 0.0, 0.0, self.either)
        factor = n / self.n
        auc = self.auc if value is None else min(max(value, 0.5), 1.0)
        spread = self.auc * (1 - self.auc)
        shape = auc * (1 - auc) / spread if value is not None and spread > 0 else 1.0
        return EitherArea(
            auc, self.variance * shape / factor, self.m * factor, self.k * factor, self.either
        )


@dataclass(frozen=True)
class Correlation:
    """A rank correlation (Spearman) of `n` rows, without its sign where `either`."""

    rho: float
    n: float
    either: bool = True

    proves: ClassVar[bool] = True
    support: ClassVar[tuple[float, float]] = (0.0, 1.0)
    label: ClassVar[str] = "Fisher z of a rank correlation, Bonett and Wright"

    @property
    def value(self) -> float:
        """The correlation; nan with fewer than four rows, or where one side does not vary."""
        if self.n < 4 or not np.isfinite(self.rho):
            return float("nan")
        return abs(self.rho) if self.either else max(self.rho, 0.0)

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return bounds on the scale of Fisher's z; sd sqrt((1 + rho^2 / 2) / (n - 3)).

        Bonett, Wright (2000), Psychometrika 65:23. The size alone may stand for either sign, so
        that the lower end takes half the level.
        """
        if not np.isfinite(self.value):
            return self.support
        rho = min(self.value, 1 - MARGIN)
        sd = np.sqrt((1 + rho**2 / 2) / (self.n - 3))
        middle = np.arctanh(rho)
        low = np.tanh(middle - quantile(alpha / 2 if self.either else alpha) * sd)
        high = np.tanh(middle + quantile(alpha) * sd)
        return min(max(float(low), 0.0), self.value), max(float(high), self.value)

    def scaled(self, n: float, value: float | None = None) -> Correlation:
        """Return the part with `n` rows, its size kept or given."""
        return Correlation(self.value if value is None else value, n, self.either)


def ranks_of(place: np.ndarray, counts: np.ndarray) -> Array:
    """Return mean ranks from 1 on.

    Parameters
    ----------
    place : int array of shape (n,)
        Which of the distinct values, in ascending order, each row has.
    counts : array of shape (m,)
        How many rows have each.
    """
    ends = np.cumsum(counts)
    mean: Array = (ends - (counts - 1) / 2)[place]
    return mean


def rank_correlation(one: Array, other: Array) -> float:
    """Return Pearson's correlation of two columns of ranks; nan where one does not vary."""
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum() / size) if size > 0 else float("nan")
