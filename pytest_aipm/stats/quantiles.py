"""A quantile of one sample, with ends that hold whatever the distribution is.

How many of ``n`` values lie at or below the true p-quantile is a binomial count, so that two order
statistics enclose it: no shape is assumed, only that values do not hang together (Thompson 1936,
Annals of Mathematical Statistics 7:122).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr

from pytest_aipm.stats.estimate import Array, Limit, Numbers, as_array
from pytest_aipm.stats.power import MOST, POWER

__all__ = ["Quantile", "least_size", "quantile_of", "ranks"]


def ranks(n: int, p: float, confidence: float) -> tuple[int, int]:
    """Return the ranks of the order statistics that bound a quantile, each end one-sided.

    Parameters
    ----------
    n : int
        Values of the sample.
    p : float
        In (0, 1).
    confidence : float
        Of each end.

    Returns
    -------
    lower, upper : int
        Counted from 1. `lower` is 0, and `upper` n + 1, where no value of the sample serves.
    """
    at_most = bdtr(np.arange(n, dtype=np.float64), n, p)
    lower = int(np.searchsorted(at_most, 1 - confidence))
    upper = int(np.searchsorted(at_most, confidence)) + 1
    return lower, upper


def least_size(p: float, confidence: float) -> int:
    """Return how many values it takes for both ends to be one of them."""
    return int(np.ceil(np.log(1 - confidence) / np.log(max(p, 1 - p)) - 1e-9))


@dataclass(frozen=True, kw_only=True)
class Quantile(Numbers):
    """A quantile between two order statistics; see `quantile_of`."""

    ordered: Array
    p: float
    confidence: float

    @property
    def beyond(self) -> bool:
        """True: a quantile has a limit and no gap."""
        return True

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> Quantile:
        """Return the quantile as it would be with so many values, their shape kept.

        Parameters
        ----------
        sizes : sequence of one float
        values : sequence of one float, optional
            Another value; the sample is moved there.
        """
        n = max(1, round(sizes[0]))
        moved = self.ordered if values is None else self.ordered + (values[0] - self.value)
        return quantile_of(_resized(moved, n), self.p, self.confidence)

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return how far beyond the limit the quantile must lie to be caught at 80 % power.

        The shape of the sample is kept and moved: exact in the binomial count.
        """
        del seed
        n = len(self.ordered)
        lower, upper = ranks(n, self.p, self.confidence)
        gaps = []
        if limit[1] is not None and lower >= 1:
            # the lower end lies above the limit when fewer than `lower` values are at or below it
            share = _largest_share(n, lower - 1)
            gaps.append(self.value - self._value_at(share))
        if limit[0] is not None and upper <= n:
            share = 1 - _largest_share(n, n - upper)
            gaps.append(self._value_at(share) - self.value)
        return (max(gaps), 0) if gaps else None

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return the factor on the number of values that decides in 80 % of samples."""
        del seed
        n = len(self.ordered)
        below = [
            None if end is None else np.searchsorted(self.ordered, end, side=side) / n
            for end, side in zip(limit, ("left", "right"), strict=True)
        ]
        if _decides(n, self.p, self.confidence, below[0], below[1]):
            return 1.0, (0,)
        factor = 1.0
        while factor <= MOST and n * factor <= _MOST_VALUES:
            factor *= _STEP
            if _decides(int(np.ceil(n * factor)), self.p, self.confidence, below[0], below[1]):
                return factor, (0,)
        return None

    def _value_at(self, share: float) -> float:
        place = int(np.clip(np.ceil(share * len(self.ordered)) - 1, 0, len(self.ordered) - 1))
        return float(self.ordered[place])


_STEP = 1.25
"""Factors that are tried grow by so much; the answer is printed with two digits."""
_MOST_VALUES = 2e7
"""More values than this nobody collects."""


def quantile_of(values: object, p: float, confidence: float = 0.95) -> Quantile:
    """Return a quantile of a sample with distribution-free one-sided ends.

    Parameters
    ----------
    values : array_like of shape (n,)
        Not negative.
    p : float
        In (0, 1).
    confidence : float
        Of each end.

    Returns
    -------
    Quantile
        The value is the order statistic of rank ``ceil(n p)``. With few values an end can be
        missing: it is 0 or infinite then.

    Raises
    ------
    ValueError
        When there is no value, or one is not finite.
    """
    ordered = np.sort(as_array(values))
    n = len(ordered)
    if n == 0:
        raise ValueError("a quantile needs at least one value")
    lower, upper = ranks(n, p, confidence)
    value = float(ordered[max(int(np.ceil(n * p - 1e-9)), 1) - 1])
    low = float(ordered[lower - 1]) if lower >= 1 else 0.0
    high = float(ordered[upper - 1]) if upper <= n else float("inf")
    return Quantile(
        value=value,
        lower=min(low, value),
        upper=max(high, value),
        pair=(0,),
        method="order statistics",
        aggregate="one",
        sizes=(float(n),),
        parts=((value, min(low, value), max(high, value)),),
        ordered=ordered,
        p=p,
        confidence=confidence,
    )


def _resized(ordered: Array, n: int) -> Array:
    """Return `n` evenly spaced quantiles of a sample."""
    places = np.ceil((np.arange(n) + 0.5) / n * len(ordered)).astype(int) - 1
    resized: Array = ordered[np.clip(places, 0, len(ordered) - 1)]
    return resized


def _largest_share(n: int, most: int) -> float:
    """Return the largest share q for which P(Binomial(n, q) <= most) is at least the power."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if bdtr(most, n, middle) >= POWER:
            low = middle
        else:
            high = middle
    return low


def _decides(
    n: int, p: float, confidence: float, under: float | None, upto: float | None
) -> bool:
    """Return whether `n` values decide in 80 % of samples.

    Parameters
    ----------
    n : int
    p, confidence : float
    under, upto : float or None
        Share of values below the lower limit, and at or below the upper one, taken as true.
    """
    lower, upper = ranks(n, p, confidence)
    holds, fails = 1.0, 0.0
    if upto is not None:  # U <= max: at least `upper` values are at or below it
        holds = min(holds, 1 - _at_most(upper - 1, n, upto))
        fails += _at_most(lower - 1, n, upto)
    if under is not None:  # L >= min: fewer than `lower` values are below it
        holds = min(holds, _at_most(lower - 1, n, under))
        fails += 1 - _at_most(upper - 1, n, under)
    return holds + fails >= POWER


def _at_most(k: int, n: int, q: float) -> float:
    if k < 0:
        return 0.0
    return 1.0 if k >= n else float(bdtr(k, n, q))
