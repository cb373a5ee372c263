"""What these rows could have caught, and how many would decide: of the verdict, not of a pair.

A verdict at one limit compares the strongest statistic ``M = max over pairs of z`` with two
numbers: fail when M exceeds the critical value, holds when M lies below the uncorrected quantile
on the other side. A normal model of M finds the neighbourhood fast; binomial counts correct it,
and small pairs among them have the critical values of their exact tests.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pytest_aipm.stats.contrasts import Contrasts
from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.score import quantile

__all__ = ["RateDecision"]

RUNS = 800
"""Simulated samples: the share decided is then known to 1.4 points (one standard error)."""
ROUGH = 60_000
"""Draws of the normal model, over all pairs: counts correct what it finds."""
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
        c, drawn = self.contrasts.met()  # only those who stand in a pair vary
        x = self.x[drawn]
        rate = x / c.n
        runs = int(np.clip(ROUGH / self.centre.size, 200, RUNS))
        normal = _normal(self.seed, runs, self.contrasts.n.size, drawn.tobytes())
        counts = normal * np.sqrt(c.n * rate * (1 - rate))
        (high, of_high), (low, of_low) = c.sides(counts)
        weight = 1.0 if c.kind == "difference" else c.margin(self.breach)
        gap = weight * (high / of_high) - low / of_low
        return np.asarray(gap / np.maximum(c.null_sd(x, self.breach), 1e-12))

    def _verdicts(self, strongest: Array, critical: float) -> tuple[float, float]:
        holds = 0.0 if self.blocked else float(np.mean(strongest < self.holding))
        return float(np.mean(strongest > critical)), holds

    def approximate(self, factor: float) -> tuple[float, float]:
        """Return P(fail) and P(holds) of the normal model."""
        strongest = (np.sqrt(factor) * self.centre + self.noise).max(axis=1)
        critical = self.contrasts.critical(self.breach, self.alpha_fail, self.pooled, factor)
        return self._verdicts(strongest, critical)

    def simulate(self, factor: float) -> tuple[float, float]:
        """Return P(fail) and P(holds) among binomial samples."""
        sizes = np.maximum(np.rint(self.contrasts.n * factor), 1)
        keep = np.sqrt(factor) * self.centre > self.holding - 5
        keep[np.argmax(self.centre)] = True
        c, drawn = self.contrasts.only(keep).sized(sizes).met()
        runs = int(np.clip(5e4 / keep.sum(), 150, RUNS))
        rng = np.random.Generator(np.random.PCG64(self.seed))
        rate = (self.x / self.contrasts.n)[drawn]
        counts = rng.binomial(c.n.astype(np.int64), rate, size=(runs, drawn.size)).astype(float)
        critical = self.contrasts.sized(sizes).critical(self.breach, self.alpha_fail, self.pooled)
        fail, holds = c.verdicts(counts, self.breach, critical, self.alpha, self.pooled)
        return float(fail.mean()), 0.0 if self.blocked else float(holds.mean())


@lru_cache(maxsize=8)
def _normal(seed: int, runs: int, groups: int, drawn: bytes) -> Array:
    """Return normal noise of some groups, drawn for all: once for a difference and its ratio."""
    rng = np.random.Generator(np.random.PCG64(seed))
    return np.asarray(rng.standard_normal((runs, groups))[:, np.frombuffer(drawn, dtype=np.intp)])
