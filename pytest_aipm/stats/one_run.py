"""The epsilon that guesses of one run show (Steinke, Nasr, Jagielski 2023)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit
from scipy.stats import binom

from pytest_aipm.stats.parts import rate_bounds
from pytest_aipm.stats.score import quantile

__all__ = ["HIGHEST", "Coins", "epsilon_of", "p_value"]

HIGHEST = 30.0
CLOSE = 1e-6


def p_value(rows: int, guesses: int, right: int, epsilon: float, delta: float) -> float:
    """Return how likely so many right guesses are at most, under (epsilon, delta).

    Theorem 5.2: with W ~ Bin(guesses, e^eps / (1 + e^eps)), at most
    P(W >= right) + 2 rows delta max_i P(right - i <= W < right) / i.

    Parameters
    ----------
    rows, guesses, right : int
        Rows that were in or out by a coin each; guesses made; guesses that were right.
    epsilon, delta : float
    """
    chance = float(expit(epsilon))
    most = float(binom.sf(right - 1, guesses, chance))
    if delta > 0 and right > 0:
        below = np.cumsum(binom.pmf(np.arange(right - 1, -1, -1), guesses, chance))
        most += 2 * rows * delta * float((below / np.arange(1, right + 1)).max())
    return min(1.0, most)


def epsilon_of(rows: int, guesses: int, right: int, delta: float, alpha: float) -> float:
    """Return the largest epsilon that the guesses refute, 0 when they refute none.

    Without delta it is the logit of Clopper and Pearson's lower bound of the share guessed rightly.
    """
    if p_value(rows, guesses, right, 0.0, delta) > alpha:
        return 0.0
    low, high = 0.0, HIGHEST
    while high - low > CLOSE:
        middle = (low + high) / 2
        if p_value(rows, guesses, right, middle, delta) <= alpha:
            low = middle
        else:
            high = middle
    return low


@dataclass(frozen=True)
class Coins:
    """Guesses of coins, as the epsilon that their share of right ones implies: its logit.

    The lower bound is that of `epsilon_of`. The upper one is the logit of Clopper and Pearson's
    bound of the share: how far this attack may reach, which bounds no other attack.
    """

    rows: float
    guesses: float
    right: float
    delta: float
    name: str
    aside: bool = False

    @property
    def value(self) -> float:
        """The logit, half a guess added to right and wrong ones; not below 0."""
        wrong = self.guesses - self.right
        return min(HIGHEST, max(0.0, math.log((self.right + 0.5) / (wrong + 0.5))))

    @property
    def n(self) -> float:
        """Guesses made."""
        return self.guesses

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the bounds; the upper one is `HIGHEST` where no guess is wrong."""
        counts = round(self.rows), round(self.guesses), round(self.right)
        lower = epsilon_of(*counts, self.delta, alpha)
        share = float(rate_bounds(self.right, self.guesses, alpha)[1])
        upper = float(logit(share)) if share < 1 else HIGHEST
        return min(lower, self.value), min(max(upper, self.value), HIGHEST)

    def error(self, *, settling: bool) -> float:
        """Return the standard error of the logit, no smaller than the bound tells."""
        del settling
        share = (self.right + 0.5) / (self.guesses + 1)
        plain = 1 / math.sqrt((self.guesses + 1) * share * (1 - share))
        return max(plain, (self.value - self.bound(0.05)[0]) / quantile(0.05))

    def scaled(self, n: float, value: float | None = None) -> Coins:
        """Return as many guesses of as many more rows, the share kept or given."""
        factor = n / self.guesses
        right = self.right
        if value is not None and value != self.value:
            right = float(expit(value)) * self.guesses
        return replace(self, rows=self.rows * factor, guesses=n, right=right * factor)
