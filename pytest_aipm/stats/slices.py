"""How much worse off a slice of the rows is than all rows together, found and then confirmed.

Events here are always harmful ones (errors, refusals), so a positive divergence is harm. A slice
is compared with the rest, which has no row in common with it: with w its share of the rows,
``r_slice - r_all = (1 - w)(r_slice - r_rest)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from pytest_aipm.stats.estimate import Array, Limit, Numbers
from pytest_aipm.stats.guard import guarded, split_bounds
from pytest_aipm.stats.multiplicity import bonferroni
from pytest_aipm.stats.power import ALTERNATIVE, smallest_factor
from pytest_aipm.stats.score import (
    difference_variance,
    difference_z,
    quantile,
    search_outward,
)

__all__ = ["Rates", "WorstSlice", "chosen", "worst_slice"]

EXPLAINED = 0.01
"""Level at which an item must add harm to what a shorter slice shows, else the shorter one tells
the story. At 0.05 one of ten true slices of 250 rows was named with a needless item, at 0.01 one
of fifty (8 columns of 3 values)."""


@dataclass(frozen=True)
class Rates:
    """Harmful events of slices and of all rows, on one set of rows.

    Attributes
    ----------
    x, n : float arrays of shape (S,)
        Events and rows of each slice; n is the rate's denominator.
    all_x, all_n : float
        Those of all rows.
    """

    x: Array
    n: Array
    all_x: float
    all_n: float

    @property
    def rest(self) -> tuple[Array, Array]:
        """Events and rows outside each slice."""
        return self.all_x - self.x, self.all_n - self.n

    @property
    def defined(self) -> NDArray[np.bool_]:
        """Where both the slice and the rest have rows."""
        return np.asarray((self.n > 0) & (self.n < self.all_n))

    @property
    def outside(self) -> Array:
        """Share of the rows outside each slice."""
        return np.asarray(1 - self.n / max(self.all_n, 1.0))

    @property
    def divergence(self) -> Array:
        """Rate of each slice minus the rate of all rows; nan where undefined."""
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = self.x / self.n - self.all_x / self.all_n
        return np.where(self.defined, gap, np.nan)

    @property
    def t(self) -> Array:
        """Distance of the posterior means in their standard deviations, both ``Beta(1, 1)`` before.

        As in DivExplorer (Pastor, de Alfaro, Baralis 2021, section 3.3), with its sign.
        """
        gap, sd = self._posterior()
        return gap / sd

    def _posterior(self) -> tuple[Array, Array]:
        mean, variance = _beta(self.x, self.n)
        all_mean, all_variance = _beta(self.all_x, self.all_n)
        return mean - all_mean, np.sqrt(variance + all_variance)

    def shown(self, alpha: float) -> Array:
        """Return how much harm is shown: the posterior gap less its sd's upper `alpha` quantile."""
        gap, sd = self._posterior()
        return gap - quantile(alpha) * sd

    def only(self, which: NDArray[np.intp] | NDArray[np.bool_] | list[int]) -> Rates:
        """Return the rates of some of the slices."""
        return Rates(self.x[which], self.n[which], self.all_x, self.all_n)

    def scaled(self, factor: float) -> Rates:
        """Return the same rates with more or fewer rows."""
        return Rates(self.x * factor, self.n * factor, self.all_x * factor, self.all_n * factor)

    def bound(self, alpha: float, side: int) -> Array:
        """Return one-sided bounds of the divergence: lower ones for `side` -1, upper ones for 1.

        Farrington-Manning scores, moved outward for their skewness; beside tiny slices exact
        bounds as well, the wider one counts.
        """
        other, size = self.rest
        gap = self.x / self.n - other / size

        def rejected(tau: Array) -> NDArray[np.bool_]:
            z = difference_z(self.x, self.n, other, size, tau)
            return np.asarray(-side * z > self._critical(tau, alpha, side))

        gap = search_outward(rejected, np.full_like(gap, side), gap)
        tiny = guarded(self.n, size)
        if tiny.any():
            mine, rest = (self.x[tiny], self.n[tiny]), (other[tiny], size[tiny])
            if side < 0:
                least, most = split_bounds(mine, rest, alpha)
                gap[tiny] = np.minimum(gap[tiny], least - most)
            else:
                least, most = split_bounds(rest, mine, alpha)
                gap[tiny] = np.maximum(gap[tiny], most - least)
        return np.asarray(self.outside * gap)

    def _critical(self, tau: Array, alpha: float, side: int) -> Array:
        """Return the quantile of a score against the difference `tau` from the rest.

        A slice is small beside its rest, and its score skewed: 125 rows against 2,375 at rate
        0.02 pass the bound at 1 % in 2.0 % of samples, and in 0.9 % when the third moment moves
        the quantile by ``skewness (z² - 1) / 6`` (Cornish and Fisher; Gart and Nam 1990,
        Biometrics 46:637). It is moved away from the estimate only.
        """
        other, size = self.rest
        base = np.clip((self.x + other - self.n * tau) / self.all_n, 0, 1)
        rate = np.clip(base + tau, 0, 1)
        own, rest = rate * (1 - rate) / self.n, base * (1 - base) / size
        third = own * (1 - 2 * rate) / self.n - rest * (1 - 2 * base) / size
        skewness = third / np.maximum(own + rest, 1e-12) ** 1.5
        z = quantile(alpha)
        return np.asarray(z + np.maximum(-side * skewness, 0) * (z**2 - 1) / 6)

    def spread(self) -> Array:
        """Return the sd of each divergence, at smoothed rates."""
        other, size = self.rest
        own, rest = (self.x + 0.5) / (self.n + 1), (other + 0.5) / (size + 1)
        variance = own * (1 - own) / self.n + rest * (1 - rest) / size
        return np.asarray(self.outside * np.sqrt(variance))


def _beta(x: ArrayLike, n: ArrayLike) -> tuple[Array, Array]:
    """Return mean and variance of ``Beta(1 + x, 1 + n - x)``."""
    a, whole = np.asarray(x, np.float64) + 1, np.asarray(n, np.float64) + 2
    return a / whole, a * (whole - a) / (whole**2 * (whole + 1))


def chosen(
    rates: Rates,
    shorter: Callable[[int], Sequence[int]],
    usable: NDArray[np.bool_],
    *,
    alpha: float,
    most: int,
) -> list[int]:
    """Return the slices with the most harm shown that no shorter slice explains.

    Parameters
    ----------
    rates : Rates
        On the rows that discovery may see.
    shorter : callable
        Slice to the slices with one item less; all rows are the shorter slice of a single item.
    usable : bool array of shape (S,)
        Slices that can be confirmed.
    alpha : float
        Harm shown is the lower end of a credible interval at this level: it weighs the size of
        the harm against what is known of it.
    most : int
        How many at most.

    Returns
    -------
    list of int
        The strongest first; at least one where any is usable.
    """
    shown = np.where(usable & rates.defined, rates.shown(alpha), -np.inf)
    order = [int(place) for place in np.argsort(-shown, kind="stable") if np.isfinite(shown[place])]
    found: list[int] = []
    for place in order:
        if len(found) == most:
            break
        if _adds(rates, place, shorter(place)):
            found.append(place)
    return found or order[:1]


def _adds(rates: Rates, place: int, shorter: Sequence[int]) -> bool:
    """Return whether a slice has more harm than each slice with one item less."""
    x, n = rates.x[place], rates.n[place]
    wider = [(rates.x[each], rates.n[each]) for each in shorter] or [(rates.all_x, rates.all_n)]
    for events, rows in wider:
        if rows <= n or difference_z(x, n, events - x, rows - n, 0) <= quantile(EXPLAINED):
            return False
    return True


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
    kept = -z <= rates._critical(margin, alpha, 1)  # noqa: SLF001 - its own
    open_ = np.flatnonzero(kept | guarded(rates.n, size))
    if len(open_):
        bounds = rates.only(open_).bound(alpha, 1)
        if float(bounds.max()) > top:
            best, top = int(open_[int(np.argmax(bounds))]), float(bounds.max())
    return int(index[best]), top
