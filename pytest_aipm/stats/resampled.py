"""Any statistic, from draws of it on resampled rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr, ndtri

from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.means import SMALL

__all__ = ["BootstrapPart", "jackknife_acceleration"]


def jackknife_acceleration(function: Callable[[Array], Array], counts: Array) -> float:
    """Return the acceleration of BCa of a statistic of counts (Efron 1987, equation 6.6).

    Rows of one cell are alike, so leaving out each row is leaving out one of each cell.

    Parameters
    ----------
    function : callable
        Counts of shape (..., *cells) to values of shape (...).
    counts : array of shape cells
        Rows of each cell.

    Returns
    -------
    float
        0 where a value without one row is undefined, or all are the same.
    """
    cells = np.flatnonzero(counts)
    without = np.repeat(np.asarray(counts, dtype=np.float64)[None], cells.size, axis=0)
    without.reshape(cells.size, -1)[np.arange(cells.size), cells] -= 1
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.asarray(function(without), dtype=np.float64)
    weights = counts.reshape(-1)[cells]
    if not np.isfinite(values).all():
        return 0.0
    away = (weights * values).sum() / weights.sum() - values
    squares = float((weights * away**2).sum())
    return 0.0 if squares <= 0 else float((weights * away**3).sum() / (6 * squares**1.5))


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
        # the rank p (B + 1): the usual p (B - 1) + 1 lies inside the tail it stands for
        return float(np.quantile(draws, adjusted if stable else level, method="weibull"))

    def scaled(self, n: float, value: float | None = None) -> BootstrapPart:
        """Return the part with `n` rows: draws shrink with the root of the rows."""
        centre = self.value if value is None else value
        if n <= 0 or self.n <= 0:
            return BootstrapPart(float("nan"), self.draws, 0.0, self.acceleration, self.support)
        factor = np.sqrt(self.n / n)
        draws = centre + (np.asarray(self.draws) - self.value) * factor
        return BootstrapPart(centre, draws, n, self.acceleration, self.support)
