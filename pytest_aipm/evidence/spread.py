"""Numbers with counts in bounded memory: exact while few differ, else on a grid as fine as fits.

The grid's step is a power of two, the smallest by which no more than `MOST` cells are filled. Cells
of a coarser grid are whole cells of a finer one, so that adding parts gives the same cells in
whatever order and however the rows were cut into batches. A number is off by less than one step.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST", "Spread", "spread_of"]

MOST = 1 << 17
"""Distinct numbers, or cells, that are held."""
_LOWEST, _HIGHEST = -1074, 1023
"""Exponents of two that a step can have."""

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Spread:
    """Numbers and how often each occurs.

    Attributes
    ----------
    values : float array of shape (m,)
        Ascending and finite; on a grid, the lower border of each cell.
    counts : int array of shape (m,)
    exponent : int or None
        Of the grid's step, a power of two; None where every number is exact.
    """

    values: Numbers = field(default_factory=lambda: np.empty(0))
    counts: Counts = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    exponent: int | None = None

    @property
    def step(self) -> float:
        """How far off a number may be; 0 where every one is exact."""
        return 0.0 if self.exponent is None else float(np.ldexp(1.0, self.exponent))

    @property
    def n(self) -> int:
        """How many numbers there are."""
        return int(self.counts.sum())

    def __add__(self, other: Spread) -> Spread:
        """Return the numbers of both."""
        if not self.values.size or not other.values.size:
            return self if self.values.size else other
        steps = [each.exponent for each in (self, other) if each.exponent is not None]
        values = np.concatenate([self.values, other.values])
        counts = np.concatenate([self.counts, other.counts])
        return _fitted(values, counts, max(steps, default=None))

    def quantile(self, share: float) -> float:
        """Return the quantile by which numpy's default interpolates; nan of nothing.

        Hyndman and Fan (1996), The American Statistician 50:361, number 7.
        """
        if not self.values.size:
            return float("nan")
        ends = np.cumsum(self.counts)
        place = share * (int(ends[-1]) - 1)
        low = int(np.floor(place))
        below, above = (
            float(self.values[np.searchsorted(ends, each, side="right")])
            for each in (low, min(low + 1, int(ends[-1]) - 1))
        )
        return below + (place - low) * (above - below)

    def deviations(self, centre: float) -> Spread:
        """Return the distances from a number."""
        return _fitted(np.abs(self.values - centre), self.counts, self.exponent, on_grid=True)

    def between(self, low: float, high: float) -> int:
        """Return how many numbers are at least `low` and at most `high`."""
        first = np.searchsorted(self.values, low, side="left")
        last = np.searchsorted(self.values, high, side="right")
        return int(self.counts[first:last].sum())


def spread_of(numbers: Numbers) -> Spread:
    """Return finite numbers with their counts."""
    values, counts = np.unique(numbers, return_counts=True)
    return _shrunk(values + 0.0, counts.astype(np.int64), None)


def _fitted(
    values: Numbers, counts: Counts, exponent: int | None, *, on_grid: bool = False
) -> Spread:
    if exponent is not None and not on_grid:
        values = _cells(values, exponent)
    order = np.argsort(values, kind="stable")  # of two ascending runs in linear time
    return _shrunk(*_runs(values[order], counts[order]), exponent)


def _runs(values: Numbers, counts: Counts) -> tuple[Numbers, Counts]:
    """Return ascending numbers once each, with the sums of their counts."""
    if not values.size:
        return values, counts
    first = np.flatnonzero(np.diff(values, prepend=np.nan) != 0)
    return values[first], np.add.reduceat(counts, first)


def _shrunk(values: Numbers, counts: Counts, exponent: int | None) -> Spread:
    """Return the same on the finest grid that fits; the number of cells falls with the step."""
    if values.size <= MOST:
        return Spread(values, counts, exponent)
    low, high = (_LOWEST if exponent is None else exponent), _HIGHEST
    if exponent is not None:  # a part that is on a grid already mostly needs the next one, or none
        reach = 0
        while low + reach < high and not _fits(values, low + reach):
            low, reach = low + reach + 1, 2 * reach + 1
        high = min(low + reach, high)
    while low < high:
        middle = (low + high) // 2
        if _fits(values, middle):
            high = middle
        else:
            low = middle + 1
    return Spread(*_runs(_cells(values, low), counts), low)


def _fits(values: Numbers, exponent: int) -> bool:
    """Return whether ascending numbers fill few enough cells of a grid."""
    return bool(1 + np.count_nonzero(np.diff(_cells(values, exponent))) <= MOST)


def _cells(values: Numbers, exponent: int) -> Numbers:
    """Return the lower border of the cell of each number, which floats hold exactly."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        scaled = np.ldexp(values, -exponent)
        # beyond 2**53 every float is on the grid already; there the scaling may overflow
        cells = np.ldexp(np.floor(scaled), exponent)
        coarse = (np.abs(scaled) < 2.0**53) & np.isfinite(cells)
        return np.where(coarse, cells, values) + 0.0
