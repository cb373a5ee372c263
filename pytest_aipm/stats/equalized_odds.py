"""The worse of the true positive and the false positive rate disparity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pytest_aipm.stats.estimate import Limit, Numbers
from pytest_aipm.stats.multiplicity import sidak
from pytest_aipm.stats.power import smallest_factor
from pytest_aipm.stats.rate_disparity import (
    RateDisparity,
    Reference,
    rate_difference,
    rate_ratio,
)
from pytest_aipm.stats.rate_power import RateDecision

__all__ = ["EqualizedOdds", "equalized_odds_difference", "equalized_odds_ratio"]


@dataclass(frozen=True, kw_only=True)
class EqualizedOdds(Numbers):
    """Two rate disparities of disjoint rows, judged as one.

    ``parts`` and ``sizes`` hold the true positive rates of all groups, then the false positive
    rates; so does ``pair``. The end of either disparity that proves a breach is taken at the root
    of the confidence, because either may.
    """

    rates: tuple[RateDisparity, RateDisparity]

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> EqualizedOdds:
        """Return the same comparison at other denominators, with the rates kept or given."""
        groups = len(self.rates[0].sizes)
        halves = (slice(None, groups), slice(groups, None))
        return _join(
            *(
                side.at(sizes[half], None if values is None else values[half])
                for side, half in zip(self.rates, halves, strict=True)
            )
        )

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return the largest, over both rates and all groups, of the smallest gaps caught."""
        groups = len(self.rates[0].sizes)
        gaps = [
            (found[0], found[1] + side * groups)
            for side, disparity in enumerate(self.rates)
            if (found := disparity.detectable(limit, seed=seed)) is not None
        ]
        return max(gaps, key=lambda found: found[0], default=None)

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return the factor on all denominators that decides in 80 % of samples, and the pair.

        The pair is that of the rate nearer to breaking the limit.
        """
        first, second = (
            side.decision(limit, seed + place) for place, side in enumerate(self.rates)
        )
        if first is None or second is None:
            return None
        both = _Both(first, second)
        factor = smallest_factor(both)
        return None if factor is None else (factor, both.groups(self.rates))


class _Both:
    """Both rates together: a breach of either fails, both must hold; their rows are disjoint."""

    def __init__(self, first: RateDecision, second: RateDecision) -> None:
        self.sides = (first, second)

    @property
    def pair(self) -> tuple[int, ...]:
        return self._nearer().pair

    def _nearer(self) -> RateDecision:
        return max(self.sides, key=lambda side: float(side.centre.max()))

    def groups(self, rates: tuple[RateDisparity, RateDisparity]) -> tuple[int, ...]:
        place = self.sides.index(self._nearer())
        groups = len(rates[0].sizes)
        return tuple(group + place * groups for group in rates[place].original(self.pair))

    def _join(self, ask: Callable[[RateDecision], tuple[float, float]]) -> tuple[float, float]:
        (fail, holds), (other_fail, other_holds) = map(ask, self.sides)
        return 1 - (1 - fail) * (1 - other_fail), holds * other_holds

    def approximate(self, factor: float) -> tuple[float, float]:
        return self._join(lambda side: side.approximate(factor))

    def simulate(self, factor: float) -> tuple[float, float]:
        return self._join(lambda side: side.simulate(factor))


def equalized_odds_difference(
    tp: ArrayLike,
    pos: ArrayLike,
    fp: ArrayLike,
    neg: ArrayLike,
    *,
    confidence: float = 0.95,
    reference: Reference = "highest",
    min_size: float = 1,
) -> EqualizedOdds:
    """Return the larger of the differences of true positive and of false positive rates.

    The two rates rest on disjoint rows, so each lower end is taken at
    1 - sqrt(1 - alpha) and L is the larger one; U is the larger uncorrected upper end.

    Parameters
    ----------
    tp, pos : array_like, shape (K,)
        True positives among the positives of each group.
    fp, neg : array_like, shape (K,)
        False positives among the negatives.
    confidence, reference, min_size
        As in `rate_difference`.

    Returns
    -------
    EqualizedOdds
        ``max``; a rate defined in fewer than two groups leaves the value and blocks proof.
    """
    return _measure(rate_difference, (tp, pos), (fp, neg), confidence, reference, min_size)


def equalized_odds_ratio(
    tp: ArrayLike,
    pos: ArrayLike,
    fp: ArrayLike,
    neg: ArrayLike,
    *,
    confidence: float = 0.95,
    reference: Reference = "highest",
    min_size: float = 1,
) -> EqualizedOdds:
    """Return the smaller of the two ratios; `equalized_odds_difference` with ends exchanged."""
    return _measure(rate_ratio, (tp, pos), (fp, neg), confidence, reference, min_size)


def _measure(
    measure: Callable[..., RateDisparity],
    true: tuple[ArrayLike, ArrayLike],
    false: tuple[ArrayLike, ArrayLike],
    confidence: float,
    reference: Reference,
    min_size: float,
) -> EqualizedOdds:
    root = 1 - sidak(1 - confidence, 2)
    return _join(
        *(
            measure(
                *counts,
                confidence=confidence,
                reference=reference,
                min_size=min_size,
                breach_confidence=root,
            )
            for counts in (true, false)
        )
    )


def _join(true: RateDisparity, false: RateDisparity) -> EqualizedOdds:
    """Put the two rates together."""
    if len(true.sizes) != len(false.sizes):
        raise ValueError(f"{len(true.sizes)} groups of positives, {len(false.sizes)} of negatives")
    rates, largest = (true, false), true.aggregate == "max"
    sign = 1 if largest else -1
    defined = [place for place in (0, 1) if np.isfinite(rates[place].value)]
    worse = max(defined, key=lambda place: sign * rates[place].value, default=0)
    wider = max if largest else min
    return EqualizedOdds(
        value=rates[worse].value,
        lower=wider(side.lower for side in rates),
        upper=wider(side.upper for side in rates),
        pair=tuple(group + worse * len(true.sizes) for group in rates[worse].pair),
        method=f"{true.method}, two rates",
        aggregate=true.aggregate,
        sizes=true.sizes + false.sizes,
        parts=true.parts + false.parts,
        rates=rates,
    )
