"""Shapley values of one player by sampling: what it adds to random coalitions of the others."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pytest_aipm.attribution.asking import Ask, Budget
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.players import Players

__all__ = ["alone"]


def alone(
    ask: Ask,
    rows: pd.DataFrame,
    background: pd.DataFrame,
    players: Players,
    player: int,
    start: np.ndarray,
    *,
    rng: np.random.Generator,
    budget: Budget | None = None,
) -> np.ndarray:
    """Return what one player adds to those before it in random orders, and in their reverses.

    Each is what a walk says of the player, for four mixed rows however many players there are.

    Parameters
    ----------
    ask : callable
    rows, background : DataFrame of n and m rows
    players : Players
    player : int
        Whose values are wanted.
    start : int array of shape (n, walks)
        Which background row each value is taken against.
    rng : Generator
    budget : Budget, optional

    Returns
    -------
    array of shape (n, walks)
        Of the function's first output.

    Raises
    ------
    ModelError
        When an output is not finite.
    BudgetSpent
    """
    pool, budget = Pool(rows, background, players), budget or Budget()
    codes, (n, walks) = pool.same()[:, player], start.shape
    found = np.zeros((n, walks))
    with budget.telling("rows explained", n):
        budget.part(0, n)
        for walk in range(walks):
            budget.check(walk, walks)
            joins = rng.random((n, len(players)))
            # an equal value adds nothing
            (first,) = np.nonzero(codes[:n] != codes[pool.n + start[:, walk]])
            if not len(first):
                continue
            before = joins[first] < joins[first, player, None]
            after = ~before
            after[:, player] = False
            states = np.concatenate([before, before, after, after])
            states[: len(first), player] = states[2 * len(first) : 3 * len(first), player] = True
            both = np.tile(first, 4), np.tile(start[first, walk] + pool.n, 4)
            said = pool.ask_between(ask, *both, states, budget)[:, 0].reshape(4, -1)
            found[first, walk] = (said[0] - said[1] + said[2] - said[3]) / 2
    return found
