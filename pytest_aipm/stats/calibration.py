"""Whether predicted probabilities come true: bins of scores and the distance from the diagonal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.means import SMALL

__all__ = ["BINS", "CalibrationPart", "Reliability", "reliability"]

BINS = 10


@dataclass(frozen=True)
class Reliability:
    """Bins of rows with similar scores; each array of shape (bins,), empty bins left out.

    Attributes
    ----------
    rows, positives : ndarray
        Rows, and those with the positive label.
    score : ndarray
        Mean score.
    variance : ndarray
        Of the share of positives, were the scores the true probabilities.
    """

    rows: Array
    positives: Array
    score: Array
    variance: Array

    @property
    def share(self) -> Array:
        """Share of positives."""
        return np.asarray(self.positives / self.rows)

    @property
    def raw(self) -> float:
        """Expected calibration error as it is usually computed: biased upward."""
        gap = np.abs(self.share - self.score)
        return float(np.average(gap, weights=self.rows)) if self.rows.size else float("nan")

    @property
    def centred(self) -> float:
        """Expected calibration error without its bias; of mean 0 for calibrated scores.

        In each bin the sign of the gap is taken from one half of the rows and its size from the
        other, on average over all halves. With d the gap and sigma its standard deviation under
        calibration that is, for normal errors, ``|d| (2 Phi(|d| / sigma) - 1) - 2 sigma
        phi(d / sigma)``: |d| where the gap is clear, and of mean 0 where there is none.
        """
        if not self.rows.size:
            return float("nan")
        gap, sd = np.abs(self.share - self.score), np.sqrt(self.variance)
        z = np.divide(gap, sd, out=np.full_like(gap, np.inf), where=sd > 0)
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        each = gap * (2 * ndtr(z) - 1) - 2 * sd * density
        return float(np.average(each, weights=self.rows))


def reliability(
    score: ArrayLike, positives: ArrayLike, rows: ArrayLike, bins: int = BINS
) -> Reliability:
    """Sort rows into bins of about equally many by their score.

    Parameters
    ----------
    score : array_like, shape (d,)
        Distinct scores in [0, 1], ascending.
    positives, rows : array_like, shape (d,)
        Rows with the positive label, and all, at each score. Equal scores share a bin.
    bins : int
    """
    score, positives, rows = (
        np.asarray(each, dtype=np.float64) for each in (score, positives, rows)
    )
    before = np.cumsum(rows) - rows
    middle = before + (rows - 1) / 2
    place = np.minimum((bins * middle / max(rows.sum(), 1)).astype(int), bins - 1)
    sums = [
        np.bincount(place, weights=weights, minlength=bins)
        for weights in (rows, positives, rows * score, rows * score * (1 - score))
    ]
    n, hits, total, spread = (each[sums[0] > 0].astype(np.float64) for each in sums)
    return Reliability(n, hits, total / n, spread / n**2)


@dataclass(frozen=True)
class CalibrationPart:
    """A debiased expected calibration error with bounds that hold whatever the true gaps are.

    Lower: `centred` less z standard deviations, as its mean is at most the true error. Upper: the
    raw error plus as much, as its mean is at least the true one. (Bootstrap draws of the debiased
    error inherit its caution: their 95 % upper bound misses a true 0.10 at 600 rows in 24 % of
    samples, this one in 3 %.)

    Parameters
    ----------
    centred, raw : float
        Of `Reliability`; nan without rows.
    sd : float
        Of the weighted sum of gaps.
    n : float
        Rows.
    """

    centred: float
    raw: float
    sd: float
    n: float

    support: ClassVar[tuple[float, float]] = (0.0, 1.0)
    label: ClassVar[str] = "debiased error, normal bounds around it and the raw one"

    @classmethod
    def of(cls, bins: Reliability) -> CalibrationPart:
        """Return the part of one group's bins."""
        n = float(bins.rows.sum())
        # scores that are wrong claim a variance that is wrong: the larger of claimed and seen
        seen = bins.share * (1 - bins.share) / bins.rows
        weight = bins.rows / max(n, 1.0)
        sd = float(np.sqrt((weight**2 * np.maximum(bins.variance, seen)).sum()))
        return cls(bins.centred, bins.raw, sd, n)

    @property
    def value(self) -> float:
        """The debiased error."""
        return max(self.centred, 0.0) if np.isfinite(self.centred) else float("nan")

    @property
    def proves(self) -> bool:
        """Whether there are at least 30 rows."""
        return self.n >= SMALL

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the bounds; the support when undefined."""
        if not np.isfinite(self.centred):
            return self.support
        width = -float(ndtri(alpha)) * self.sd
        lower, upper = max(self.centred - width, 0.0), min(self.raw + width, 1.0)
        return min(lower, self.value), max(upper, self.value)

    def scaled(self, n: float, value: float | None = None) -> CalibrationPart:
        """Return the part with `n` rows: bias and spread shrink with the root of the rows."""
        value = self.value if value is None else value
        if n <= 0 or self.n <= 0 or not np.isfinite(value):
            return CalibrationPart(float("nan"), float("nan"), 0.0, 0.0)
        factor = float(np.sqrt(self.n / n))
        centred = value + (self.centred - self.value) * factor
        raw = value + (self.raw - self.value) * factor
        return CalibrationPart(centred, raw, self.sd * factor, n)
