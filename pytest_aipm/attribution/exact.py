"""Shapley values by enumeration: every coalition, against every background row."""

from __future__ import annotations

from math import comb

import numpy as np
import pandas as pd

from pytest_aipm.attribution.asking import Ask, Budget
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.players import Players

__all__ = ["MOST_PLAYERS", "coalition_names", "exact", "weigh"]

MOST_PLAYERS = 10
"""1,024 coalitions; each further player doubles them."""
BLOCK = 100_000


def exact(
    ask: Ask,
    rows: pd.DataFrame,
    background: pd.DataFrame,
    players: Players,
    *,
    budget: Budget | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the Shapley values of rows against the mean of the background, without sampling.

    phi_j = sum over coalitions S without j of |S|! (p - |S| - 1)! / p! (v(S + j) - v(S)), where
    v(S) is the mean output over the background rows, each with the columns of S taken from the row
    (Shapley 1953; interventional, as in Lundberg and Lee 2017 with independent columns).

    Parameters
    ----------
    ask : callable
    rows, background : DataFrame of n and m rows
    players : Players
        At most `MOST_PLAYERS`; a row costs m 2^p mixed rows, fewer where values are equal.
    budget : Budget, optional

    Returns
    -------
    values : array of shape (n, p, k)
    output : array of shape (n, k)
    base : array of shape (m, k)
    """
    p = len(players)
    if p > MOST_PLAYERS:
        raise ValueError(f"{p} players are too many to enumerate; at most {MOST_PLAYERS}")
    pool, budget = Pool(rows, background, players), budget or Budget()
    with budget.telling("rows explained", pool.n):
        ends, codes = pool.ends(ask, budget), pool.same()
        members = coalition_names(p)
        values = np.empty((pool.n, p, ends.shape[1]))
        each = max(1, BLOCK // (2**p * pool.m))
        budget.part(0, pool.n)
        for low in range(0, pool.n, each):
            budget.check(low, pool.n)
            who = np.arange(low, min(low + each, pool.n))
            values[who] = weigh(_coalitions(ask, pool, ends, codes, who, members, budget), p)
    return values, ends[: pool.n], ends[pool.n :]


def _coalitions(
    ask: Ask,
    pool: Pool,
    ends: np.ndarray,
    codes: np.ndarray,
    who: np.ndarray,
    members: np.ndarray,
    budget: Budget,
) -> np.ndarray:
    """Return the value of every coalition for each row, shape (len(who), 2^p, k)."""
    p = members.shape[1]
    rows = np.repeat(who, pool.m)
    starts = np.tile(np.arange(pool.m) + pool.n, len(who))
    differs = codes[rows] != codes[starts]
    weights = 1 << np.arange(p)
    # equal values make coalitions alike: each is asked once, under its smallest name
    free = differs @ weights
    names = np.arange(2**p)[None, :] & free[:, None]
    own = names == np.arange(2**p)[None, :]
    own[:, 0] = False
    own &= names != free[:, None]
    pair, name = np.nonzero(own)
    states = np.empty((len(rows), 2**p, ends.shape[1]))
    states[:, 0] = ends[starts]
    states[np.arange(len(rows)), free] = np.where((free > 0)[:, None], ends[rows], ends[starts])
    if len(pair):
        said = pool.ask_between(ask, rows[pair], starts[pair], members[name], budget)
        states[pair, name] = said
    states = np.take_along_axis(states, names[:, :, None], axis=1)
    mean: np.ndarray = states.reshape(len(who), pool.m, 2**p, -1).mean(axis=1)
    return mean


def coalition_names(p: int) -> np.ndarray:
    """Return who is in each coalition of p players, shape (2^p, p); nobody first, all last."""
    members: np.ndarray = (np.arange(2**p)[:, None] >> np.arange(p)) & 1 == 1
    return members


def weigh(value: np.ndarray, p: int) -> np.ndarray:
    """Return the Shapley values of games whose coalitions' values are known, shape (n, p, k).

    Parameters
    ----------
    value : array of shape (n, 2^p, k)
        In the order of `coalition_names`.
    p : int
    """
    names = np.arange(2**p)
    sizes = ((names[:, None] >> np.arange(p)) & 1).sum(axis=1)
    found = np.empty((len(value), p, value.shape[2]))
    for player in range(p):
        without = names[(names >> player) & 1 == 0]
        weight = np.array([1 / (p * comb(p - 1, int(size))) for size in sizes[without]])
        added = value[:, without | (1 << player)] - value[:, without]
        found[:, player] = np.einsum("s,nsk->nk", weight, added)
    return found
