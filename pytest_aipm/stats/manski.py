"""What a rate can be when the outcome of some rows is unknown, and how sure its bounds are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from pytest_aipm.stats.parts import rate_bounds

__all__ = ["Bounds", "imbens_manski"]


@dataclass(frozen=True)
class Bounds:
    """A rate between two ends that nothing but the missing outcomes holds apart.

    Parameters
    ----------
    low, high : (float, float)
        Events and rows of each end: no unknown row an event, or each of them (Manski 1989, Journal
        of Human Resources 24:343). Without rows an end is the border of what is possible.
    """

    low: tuple[float, float]
    high: tuple[float, float]

    @property
    def lower(self) -> float:
        """The smallest rate that the missing outcomes allow."""
        return self.low[0] / self.low[1] if self.low[1] > 0 else 0.0

    @property
    def upper(self) -> float:
        """The largest."""
        return self.high[0] / self.high[1] if self.high[1] > 0 else 1.0

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return an interval that holds the rate with probability 1 - 2 `alpha`.

        That of Imbens and Manski, but no narrower at either end than the one-sided exact bound of
        that end, so that few rows do not mislead.
        """
        errors = [
            float(np.sqrt(max(p * (1 - p), 0.0) / n)) if n > 0 else 0.0
            for p, n in ((self.lower, self.low[1]), (self.upper, self.high[1]))
        ]
        lower, upper = imbens_manski(self.lower, self.upper, errors[0], errors[1], 2 * alpha)
        exact = (
            float(rate_bounds(*self.low, alpha)[0]) if self.low[1] > 0 else 0.0,
            float(rate_bounds(*self.high, alpha)[1]) if self.high[1] > 0 else 1.0,
        )
        return max(min(lower, exact[0]), 0.0), min(max(upper, exact[1]), 1.0)


def imbens_manski(
    lower: float, upper: float, lower_error: float, upper_error: float, alpha: float
) -> tuple[float, float]:
    """Return the interval of a number that is only known to lie between two estimated ends.

    ``[lower - c lower_error, upper + c upper_error]`` where c solves
    ``Phi(c + (upper - lower) / max(errors)) - Phi(-c) = 1 - alpha``: Imbens and Manski (2004),
    Econometrica 72:1845, with 1.96 where both ends meet and 1.64 where they are far apart at 5 %.

    Parameters
    ----------
    lower, upper : float
    lower_error, upper_error : float
        Standard errors.
    alpha : float
        How often, at most, the number may lie outside.
    """
    most = max(lower_error, upper_error)
    if most <= 0:
        return lower, upper
    width = (upper - lower) / most

    def excess(c: float) -> float:
        return float(ndtr(c + width) - ndtr(-c)) - (1 - alpha)

    wide, narrow = -float(ndtri(alpha / 2)), -float(ndtri(alpha))
    c = narrow if excess(narrow) >= 0 else float(brentq(excess, narrow, wide + 1e-9, xtol=1e-13))
    return lower - c * lower_error, upper + c * upper_error
