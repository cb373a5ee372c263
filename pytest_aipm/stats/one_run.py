"""The epsilon that guesses of one run show (Steinke, Nasr, Jagielski 2023)."""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from scipy.stats import binom

__all__ = ["epsilon_of", "p_value"]

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
