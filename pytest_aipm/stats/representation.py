"""Shares of groups among sampled rows, beside the shares that a reference population has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy.stats import chi2

from pytest_aipm.stats.floors import Floor, floor
from pytest_aipm.stats.parts import RatePart

__all__ = ["Against", "SharePart", "goodness_of_fit", "represented"]

Against = Literal["ratio", "difference"]


@dataclass(frozen=True)
class SharePart:
    """A share of `rate.n` rows against an expected one.

    Parameters
    ----------
    rate : RatePart
    expected : float
        In (0, 1], known without error.
    kind : {"ratio", "difference"}
        Share divided by the expected one, or what it lacks of it.
    """

    rate: RatePart
    expected: float
    kind: Against

    proves: ClassVar[bool] = True

    @property
    def label(self) -> str:
        """The kind of interval."""
        return self.rate.label

    @property
    def n(self) -> float:
        """All rows: a share is of all of them."""
        return self.rate.n

    @property
    def value(self) -> float:
        """The ratio, or the shortfall."""
        return self._told(self.rate.value)

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return self._ends(0.0, 1.0)

    def _told(self, share: float) -> float:
        return share / self.expected if self.kind == "ratio" else self.expected - share

    def _ends(self, low: float, high: float) -> tuple[float, float]:
        ends = self._told(low), self._told(high)
        return min(ends), max(ends)

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the bounds of the share, told in the same way."""
        return self._ends(*self.rate.bound(alpha))

    def scaled(self, n: float, value: float | None = None) -> SharePart:
        """Return the part with `n` rows."""
        share = None
        if value is not None:
            share = value * self.expected if self.kind == "ratio" else self.expected - value
        return SharePart(self.rate.scaled(n, share), self.expected, self.kind)


def represented(
    x: Sequence[float],
    n: Sequence[float],
    expected: Sequence[float],
    kind: Against,
    confidence: float = 0.95,
) -> Floor:
    """Return the lowest ratio of a share to the expected one, or the largest shortfall.

    Each share is binomial by itself (Clopper and Pearson 1934). Shares of one whole hang together,
    so the end that proves a breach is corrected by Bonferroni, as in Goodman (1965), Technometrics
    7:247.

    Parameters
    ----------
    x, n : sequence of float, length K
        Rows of each group, and all rows; effective ones under weights.
    expected : sequence of float, length K
        Shares of the population.
    kind : {"ratio", "difference"}
    confidence : float
        Of each end, one-sided.
    """
    parts = [
        SharePart(RatePart(min(float(a), float(b)), float(b)), float(share), kind)
        for a, b, share in zip(x, n, expected, strict=True)
    ]
    return floor(parts, confidence, worst="min" if kind == "ratio" else "max", dependent=True)


def goodness_of_fit(x: Sequence[float], expected: Sequence[float]) -> float:
    """Return the p-value of Pearson's chi-squared test that all shares are the expected ones."""
    counts, shares = np.asarray(x, dtype=float), np.asarray(expected, dtype=float)
    wanted = shares * counts.sum()
    statistic = float(((counts - wanted) ** 2 / wanted).sum())
    return float(chi2.sf(statistic, len(counts) - 1))
