"""What these rows could have caught, and how many would decide: of the verdict, not of a pair.

A verdict at one limit compares the strongest statistic ``M = max over pairs of z`` with two
numbers: fail when M exceeds the critical value, holds when M lies below the uncorrected quantile
on the other side. A normal model of M finds the neighbourhood fast; binomial counts correct it,
and small pairs among them have the critical values of their exact tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from pytest_aipm.stats.contrasts import Contrasts
from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.power import ALTERNATIVE, solve_gap
from pytest_aipm.stats.score import quantile

__all__ = ["RateDecision", "rate_gap"]

RUNS = 800
"""Simulated samples: the share decided is then known to 1.4 points (one standard error)."""
MOVES = 500
"""The same for gaps, which are found in several steps."""
ROUGH = 60_000
"""Draws of the normal model, over all pairs: counts correct what it finds."""
ENOUGH = 4
"""How many groups whose move can be caught are compared before the hardest is named."""
CLEAR = 0.9
"""A group whose guess is below this part of a simulated gap is easier to catch."""
WATCHED = 400
"""How many pairs, the nearest to the limit, decide a verdict of many groups."""


class RateDecision:
    """The verdict of a comparison of rates at one limit.

    Parameters
    ----------
    contrasts : Contrasts
        Pairs of the judged groups.
    x : ndarray, shape (K,)
        Observed counts.
    breach : float
        The limit, as `Contrasts` writes it.
    alpha : float
        Level of each end; `alpha_fail` of the corrected one when it differs.
    seed : int
        Of the draws.
    blocked : bool
        Whether an undefined group makes "holds" impossible.
    """

    def __init__(
        self,
        contrasts: Contrasts,
        x: Array,
        breach: float,
        alpha: float,
        seed: int,
        *,
        blocked: bool = False,
        alpha_fail: float | None = None,
    ) -> None:
        centre = np.clip(contrasts.z(x, breach), -1e6, 1e6)
        self.alpha_fail = alpha if alpha_fail is None else alpha_fail
        self.alpha, self.blocked, self.seed = alpha, blocked, seed
        self.holding = -quantile(alpha)
        # a pair five sd inside never matters, and less so with more rows
        keep = centre > min(self.holding - 5, float(centre.max()) - 1e-9)
        keep[np.argmax(centre)] = True
        if keep.sum() > WATCHED:
            keep &= centre >= np.partition(centre, -WATCHED)[-WATCHED]
        self.contrasts, self.centre = contrasts.only(keep), centre[keep]
        self.x, self.breach = x, breach
        self.pooled = float(x.sum() / contrasts.n.sum())
        self.noise = self._noise()

    @property
    def pair(self) -> tuple[int, ...]:
        """Columns of the pair nearest to breaking the limit, (high, low)."""
        place = int(np.argmax(self.centre))
        return int(self.contrasts.high[place]), int(self.contrasts.low[place])

    def _noise(self) -> Array:
        """Return the noise (R, P) of the statistics; it does not change with the rows."""
        c, rate = self.contrasts, self.x / self.contrasts.n
        runs = int(np.clip(ROUGH / self.centre.size, 200, RUNS))
        rng = np.random.Generator(np.random.PCG64(self.seed))
        counts = rng.standard_normal((runs, rate.size)) * np.sqrt(c.n * rate * (1 - rate))
        rates = c.extend(counts) / c.extend(c.n)
        weight = 1.0 if c.kind == "difference" else c.margin(self.breach)
        gap = weight * rates[:, c.high] - rates[:, c.low]
        return np.asarray(gap / np.maximum(c.null_sd(self.x, self.breach), 1e-12))

    def _verdicts(self, strongest: Array, critical: float) -> tuple[float, float]:
        holds = 0.0 if self.blocked else float(np.mean(strongest < self.holding))
        return float(np.mean(strongest > critical)), holds

    def approximate(self, factor: float) -> tuple[float, float]:
        """Return P(fail) and P(holds) of the normal model."""
        strongest = (np.sqrt(factor) * self.centre + self.noise).max(axis=1)
        grown = self.contrasts.sized(self.contrasts.n * factor)
        return self._verdicts(strongest, grown.critical(self.breach, self.alpha_fail, self.pooled))

    def simulate(self, factor: float) -> tuple[float, float]:
        """Return P(fail) and P(holds) among binomial samples."""
        sizes = np.maximum(np.rint(self.contrasts.n * factor), 1)
        keep = np.sqrt(factor) * self.centre > self.holding - 5
        keep[np.argmax(self.centre)] = True
        c = self.contrasts.only(keep).sized(sizes)
        runs = int(np.clip(5e4 / keep.sum(), 150, RUNS))
        rng = np.random.Generator(np.random.PCG64(self.seed))
        rate = self.x / self.contrasts.n
        drawn = rng.binomial(sizes.astype(np.int64), rate, size=(runs, rate.size))
        counts, critical = (
            drawn.astype(np.float64),
            c.critical(self.breach, self.alpha_fail, self.pooled),
        )
        fail = float(c.beyond(counts, self.breach, critical, self.pooled).mean())
        if self.blocked:
            return fail, 0.0
        return fail, float(c.holds(counts, self.breach, self.alpha, self.pooled).mean())


@dataclass(frozen=True)
class _Move:
    """One group moved away from the pooled rate in one direction."""

    contrasts: Contrasts
    group: int
    sign: int
    pooled: float
    breach: float
    alpha: float

    @property
    def room(self) -> float:
        """The farthest it can go."""
        return 1 - self.pooled if self.sign > 0 else self.pooled

    def rates(self, gap: float) -> Array:
        rates = np.full(self.contrasts.n.size, self.pooled)
        rates[self.group] = np.clip(self.pooled + self.sign * gap, 0, 1)
        return rates

    def overall(self, gap: float) -> float:
        """Return the rate over all groups."""
        n = self.contrasts.n
        return float(self.rates(gap) @ n / n.sum())

    def critical(self, gap: float) -> float:
        return self.contrasts.critical(self.breach, self.alpha, self.overall(gap))

    def guess(self) -> tuple[float, float] | None:
        """Return the gap that the expected counts suggest, and how fast they clear the limit there.

        None when far out of reach; the second is nan where it is not needed.
        """
        critical = self.critical(0.0)

        def excess(gap: float) -> float:
            """Return how far the strongest statistic of the expected counts clears its limit."""
            expected = self.rates(gap) * self.contrasts.n
            strongest = float(self.contrasts.z(expected, self.breach).max())
            return float(np.clip(strongest - critical, -1e3, 1e3))

        far = excess(self.room)
        if self.room <= 0 or far < -0.5:
            return None
        if far < ALTERNATIVE or excess(0.0) > ALTERNATIVE:
            return self.room, np.nan
        gap = float(brentq(lambda gap: excess(gap) - ALTERNATIVE, 0, self.room, xtol=1e-3))
        near = 0.9 * gap
        return gap, (excess(gap) - excess(near)) / (gap - near)

    def power(self, gap: float, seed: int) -> float:
        """Return P(fail) among binomial samples."""
        c = self.contrasts.sized(np.maximum(np.rint(self.contrasts.n), 1))
        sizes = c.n.astype(np.int64)
        rng = np.random.Generator(np.random.PCG64(seed))
        used = np.arange(sizes.size) if c.rest else np.union1d(c.high, c.low)
        drawn = np.zeros((MOVES, sizes.size))
        drawn[:, used] = rng.binomial(sizes[used], self.rates(gap)[used], size=(MOVES, used.size))
        found = c.beyond(drawn, self.breach, self.critical(gap), self.overall(gap))
        return float(found.mean())

    def solve(self, seed: int, start: float, slope: float) -> float | None:
        """Return the gap with 80 % power."""
        return solve_gap(lambda gap: self.power(gap, seed), start, self.room, slope)


def rate_gap(
    contrasts: Contrasts, x: Array, breach: float, alpha: float, seed: int
) -> tuple[float, int] | None:
    """Return the largest, over groups, of the smallest moves caught with 80 % power.

    Groups are tried from the one that looks hardest to catch; the hardest that can be caught at
    all is simulated, and the next one where the guess cannot tell them apart.
    """
    n = contrasts.n
    pooled = float(x.sum() / n.sum())
    guesses: list[tuple[float, float, _Move]] = []
    seen: set[float] = set()
    for group in map(int, _hardest_first(contrasts, pooled, breach)):
        if contrasts.shape == "closed" and float(n[group]) in seen:
            continue  # groups of one size are alike
        seen.add(float(n[group]))
        pairs = contrasts.touching(group)
        moves = [_Move(pairs, group, sign, pooled, breach, alpha) for sign in (-1, 1)]
        found = [(*guess, move) for move in moves if (guess := move.guess()) is not None]
        if found:
            guesses.append(min(found, key=lambda pair: pair[0]))
        if len(guesses) >= ENOUGH:
            break
    guesses.sort(key=lambda pair: -pair[0])
    solved: list[tuple[float, int]] = []
    for start, slope, move in guesses:
        if solved and start < CLEAR * solved[0][0]:
            break
        gap = move.solve(seed, start, slope)
        if gap is not None:
            solved.append((float(gap), int(move.group)))
        if len(solved) == 2:
            break
    return max(solved, default=None)


def _hardest_first(contrasts: Contrasts, pooled: float, breach: float) -> NDArray[np.intp]:
    """Return the groups by a rough guess of the move that is caught, largest first."""
    n = contrasts.n
    if contrasts.rest:
        share, partner = n / n.sum(), n.sum() - n
    else:
        share, (second, first) = np.zeros(n.size), np.sort(n)[-2:]
        if contrasts.reference >= 0:
            first = n[contrasts.reference]
        partner = np.where(np.arange(n.size) == np.argmax(n), second, first)
    margin = breach * (1.0 if contrasts.kind == "difference" else pooled)
    sd = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / partner))
    rough = margin / np.maximum(share, 1 - share) + 3.2 * sd
    return np.argsort(-rough, kind="stable")
