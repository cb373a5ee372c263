"""How far a column's numbers reach beyond robust fences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pytest_aipm.evidence.columns import Cells
from pytest_aipm.evidence.spread import Spread

__all__ = ["METHODS", "Beyond", "Method", "beyond", "quartile_skewness"]

Method = Literal["tukey", "mad", "double_mad"]
METHODS: dict[Method, float] = {"tukey": 3.0, "mad": 3.5, "double_mad": 3.5}
"""Each with its usual distance: Tukey (1977), "far out"; Iglewicz and Hoaglin (1993)."""
NORMAL = 1.482602218505602
"""One over the third quartile of the standard normal distribution: MAD becomes a deviation."""


@dataclass(frozen=True)
class Beyond:
    """Numbers of one column beyond its fences.

    Attributes
    ----------
    low, high : float
        The fences; numbers on them are inside.
    below, above : int
        Numbers beyond them, infinite ones among them.
    n : int
        Numbers there are.
    skewness : float
        Of the quartiles, between -1 and 1; 0 where they are symmetric.
    step : float
        How far off a number may be.
    """

    low: float
    high: float
    below: int
    above: int
    n: int
    skewness: float
    step: float

    @property
    def share(self) -> float:
        """Share of the numbers that lie beyond."""
        return (self.below + self.above) / self.n


def beyond(cells: Cells, method: Method, k: float) -> Beyond | None:
    """Return what lies beyond the fences; None for a column of no numbers, or without spread.

    Parameters
    ----------
    cells : Cells
    method : {"tukey", "mad", "double_mad"}
        Quartiles and `k` times their distance; the median and `k` times the median absolute
        deviation, scaled to be the standard deviation of a normal distribution; the same with a
        deviation of its own on either side of the median.
    k : float
    """
    numbers = cells.numbers
    if not cells.numeric or numbers.values.size < 3:
        return None
    ends = _fences(numbers, method, k)
    if ends is None:
        return None
    low, high = ends
    below = numbers.between(-math.inf, math.nextafter(low, -math.inf))
    above = numbers.between(math.nextafter(high, math.inf), math.inf)
    return Beyond(
        low=low,
        high=high,
        below=below,
        above=above + cells.infinite,  # of which sign, nobody asked
        n=numbers.n + cells.infinite,
        skewness=quartile_skewness(numbers),
        step=numbers.step,
    )


def _fences(numbers: Spread, method: Method, k: float) -> tuple[float, float] | None:
    middle = numbers.quantile(0.5)
    if method == "tukey":
        first, third = numbers.quantile(0.25), numbers.quantile(0.75)
        reach = k * (third - first)
        return (first - reach, third + reach) if reach > 0 else None
    if method == "mad":
        reach = k * NORMAL * numbers.deviations(middle).quantile(0.5)
        return (middle - reach, middle + reach) if reach > 0 else None
    lower = numbers.values <= middle
    upper = numbers.values >= middle
    reaches = [
        k
        * NORMAL
        * Spread(numbers.values[side], numbers.counts[side], numbers.exponent)
        .deviations(middle)
        .quantile(0.5)
        for side in (lower, upper)
    ]
    return (middle - reaches[0], middle + reaches[1]) if min(reaches) > 0 else None


def quartile_skewness(numbers: Spread) -> float:
    """Return (Q3 + Q1 - 2 Q2) / (Q3 - Q1), Bowley (1920); nan without a spread."""
    first, middle, third = (numbers.quantile(share) for share in (0.25, 0.5, 0.75))
    return (third + first - 2 * middle) / (third - first) if third > first else math.nan
