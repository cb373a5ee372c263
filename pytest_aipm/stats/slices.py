"""The worst slice of the rows: chosen on some rows, confirmed on others, bounded over all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from pytest_aipm.stats.estimate import Limit, Numbers
from pytest_aipm.stats.guard import guarded
from pytest_aipm.stats.multiplicity import bonferroni
from pytest_aipm.stats.power import ALTERNATIVE, smallest_factor
from pytest_aipm.stats.score import difference_variance, difference_z, quantile
from pytest_aipm.stats.slice_rates import Rates

__all__ = ["WorstSlice", "worst_slice"]


@dataclass(frozen=True, kw_only=True)
class WorstSlice(Numbers):
    """The slice with the most harm shown among all that could be found; see `worst_slice`.

    Attributes
    ----------
    worst : int
        Which of the confirmed slices makes the value.
    widest : int
        Which of all slices sets the upper end; -1 when an undefined one does.
    ends : tuple of (divergence, lower, upper)
        Of each confirmed slice; the ends of all of them hold together.
    """

    worst: int
    widest: int
    ends: tuple[tuple[float, float, float], ...]
    confirmed: Rates = field(repr=False)
    everyone: Rates = field(repr=False)
    confidence: float = 0.95
    most: int = 1
    blocked: bool = False

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> WorstSlice:
        """Return the same slices with other rows; a search has no value of its own to move.

        Raises
        ------
        ValueError
            When there are no rows.
        """
        del values
        if len(sizes) != 1 or not sizes[0] > 0:
            raise ValueError("a search is scaled as a whole, to at least one row")
        factor = sizes[0] / self.sizes[0]
        return worst_slice(
            self.confirmed.scaled(factor),
            self.everyone.scaled(factor),
            confidence=self.confidence,
            most=self.most,
            blocked=self.blocked,
        )

    @property
    def _levels(self) -> tuple[float, float]:
        """Levels of the upper end and of the lower one, were as many chosen as may be."""
        alpha = 1 - self.confidence
        return alpha, bonferroni(alpha, self.most)

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return the smallest divergence caught at 80 % power in the smallest slice, or None.

        A normal model of the confirmation (`seed` is not needed): harm that this can confirm is
        found by the other half of the rows, too.
        """
        del seed
        top = limit[1]
        if top is None or not self.everyone.defined.any():
            return None
        n = float(self.everyone.n[self.everyone.defined].min())
        n *= self.confirmed.all_n / self.everyone.all_n
        rest = self.confirmed.all_n - n
        base, outside = self.everyone.all_x / self.everyone.all_n, rest / self.confirmed.all_n
        margin, critical = top / outside, quantile(self._levels[1])

        def lacking(gap: float) -> float:
            rate = base + gap
            null = difference_variance(rate * n, n, base * rest, rest, min(margin, 1.0))
            own = rate * (1 - rate) / n + base * (1 - base) / rest
            reach = critical * np.sqrt(null) + ALTERNATIVE * np.sqrt(own)
            return float(margin + reach - gap)

        if margin >= 1 - base or lacking(1 - base) > 0:
            return None
        return float(brentq(lacking, margin, 1 - base)) * outside, 0

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return the factor on all rows that decides in 80 % of samples, or None.

        The confirmed divergences are taken as true. Those of all slices are mostly noise, the
        largest most of all, so each is first drawn towards 0 by the share of noise in it. In a
        normal model, as if slices were independent.
        """
        del seed
        if limit[1] is None:
            return None
        factor = smallest_factor(_SliceDecision(self, limit[1], self._levels))
        return None if factor is None else (factor, (0,))


class _SliceDecision:
    """The verdict at a multiple of the rows; see `power.Decision`."""

    pair = (0,)

    def __init__(self, found: WorstSlice, limit: float, levels: tuple[float, float]) -> None:
        plain, corrected = map(quantile, levels)
        self.blocked, self.plain, self.corrected = found.blocked, plain, corrected
        confirmed = found.confirmed
        everyone = found.everyone.only(found.everyone.defined)
        self.beyond = (confirmed.divergence - limit) / confirmed.spread()
        sd = everyone.spread()
        true = max(float(np.mean(everyone.divergence**2 - sd**2)), 0.0)
        self.inside = (limit - everyone.divergence * true / (true + sd**2)) / sd

    def approximate(self, factor: float) -> tuple[float, float]:
        """Return P(fail) and P(holds)."""
        root = np.sqrt(factor)
        fail = 1 - float(np.prod(ndtr(self.corrected - self.beyond * root)))
        holds = 0.0 if self.blocked else float(np.prod(ndtr(self.inside * root - self.plain)))
        return fail, holds

    simulate = approximate


def worst_slice(
    confirmed: Rates,
    everyone: Rates,
    *,
    confidence: float = 0.95,
    most: int = 1,
    blocked: bool = False,
) -> WorstSlice:
    """Return the worst divergence among slices that were chosen on other rows.

    The quantity is the largest divergence of any slice in the search. The lower end is the
    largest lower bound of the confirmed slices, Bonferroni over them (union-intersection): their
    choice is independent of the rows that confirm, so nothing else is corrected. The upper end
    is the largest upper bound over every slice of the search on all rows, uncorrected
    (intersection-union): "no slice is worse than U" is claimed only where the test of each
    single slice rejects that it is, and if one is worse, its own test errs at most at level
    alpha.

    Parameters
    ----------
    confirmed : Rates
        Of the slices chosen, on the rows that did not choose; all defined.
    everyone : Rates
        Of every slice of the search, on all rows. Those that are undefined are left out.
    confidence : float
        Of each end, one-sided.
    most : int
        How many might have been chosen, for what other samples would show.
    blocked : bool
        Whether an undefined slice makes it impossible to say what no slice exceeds.

    Returns
    -------
    WorstSlice
        ``max``; the value is the divergence of the confirmed slice with the largest lower bound.
    """
    alpha = 1 - confidence
    tests = len(confirmed.x)
    if not tests or not confirmed.defined.all():
        raise ValueError("a worst slice needs at least one slice with rows inside and outside")
    corrected = bonferroni(alpha, tests)
    value, lower = confirmed.divergence, confirmed.bound(corrected, -1)
    upper = np.maximum(confirmed.bound(corrected, 1), value)
    lower = np.minimum(lower, value)
    worst = int(np.lexsort((-value, -lower))[0])
    widest, top = _widest(everyone, alpha)
    end = 1.0 if blocked else max(top, float(value[worst]))
    ends = tuple(
        (float(a), float(b), float(c)) for a, b, c in zip(value, lower, upper, strict=True)
    )
    return WorstSlice(
        value=float(value[worst]),
        lower=float(lower[worst]),
        upper=end,
        pair=(0,),
        method=(
            f"skewness-corrected scores on the other half, Bonferroni over {tests}; upper end "
            f"over all {int(everyone.defined.sum()):,} slices on all rows"
        ),
        aggregate="max",
        sizes=(float(everyone.all_n),),
        parts=((float(value[worst]), float(lower[worst]), end),),
        worst=worst,
        widest=-1 if blocked else widest,
        ends=ends,
        confirmed=confirmed,
        everyone=everyone,
        confidence=confidence,
        most=max(most, tests),
        blocked=blocked,
    )


def _widest(rates: Rates, alpha: float) -> tuple[int, float]:
    """Return the slice with the largest upper bound, and that bound.

    Only slices whose test does not reject at the largest bound so far can have a larger one.
    """
    index = np.flatnonzero(rates.defined)
    rates = rates.only(index)
    guess = rates.divergence + quantile(alpha) * rates.spread()
    first = int(np.argmax(guess))
    best, top = first, float(rates.only([first]).bound(alpha, 1)[0])
    other, size = rates.rest
    margin = np.minimum(top / rates.outside, 1.0)
    z = difference_z(rates.x, rates.n, other, size, margin)
    kept = -z <= rates.critical(margin, alpha, 1)
    open_ = np.flatnonzero(kept | guarded(rates.n, size))
    if len(open_):
        bounds = rates.only(open_).bound(alpha, 1)
        if float(bounds.max()) > top:
            best, top = int(open_[int(np.argmax(bounds))]), float(bounds.max())
    return int(index[best]), top
