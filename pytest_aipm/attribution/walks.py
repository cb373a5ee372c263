"""Shapley values by sampling: columns join in a random order, and in the reversed one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pytest_aipm.attribution.asking import Ask, Budget
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.players import Players

__all__ = ["Walked", "walk", "walked"]

BLOCK = 50_000
"""Mixed rows that are laid out at once."""
LAID = 16_000_000
"""Cells of the plan of mixed rows that are laid out at once: 64 MB."""


@dataclass(frozen=True, eq=False)
class Walked:
    """Attributions by row and walk, unbiased for the Shapley value of each row.

    Attributes
    ----------
    values : float array of shape (n, walks, p, k)
        Each is the mean of one order of the players and its reverse (antithetic) against one
        background row; their sum over players is `output` less that background row's output.
    background : int array of shape (n, walks)
        Which background row each walk starts from.
    output : float array of shape (n, k)
        What the function says about the rows.
    base : float array of shape (m, k)
        What it says about the background rows.
    """

    values: np.ndarray
    background: np.ndarray
    output: np.ndarray
    base: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Attributions of the rows, shape (n, p, k)."""
        mean: np.ndarray = self.values.mean(axis=1)
        return mean


def walk(
    ask: Ask,
    rows: pd.DataFrame,
    background: pd.DataFrame,
    players: Players,
    *,
    walks: int,
    rng: np.random.Generator,
    budget: Budget | None = None,
) -> Walked:
    """Walk from background rows to rows, `walks` times each.

    The orders and background rows depend on `rng`, the number of rows and players alone, so that
    two functions, or two versions of the rows, are compared on common random numbers. Background
    rows are dealt out evenly.

    Parameters
    ----------
    ask : callable
    rows, background : DataFrame of n and m rows
    players : Players
    walks : int
        Pairs of walks a row: 2 (p - 1) mixed rows each, fewer where values are equal.
    rng : Generator
    budget : Budget, optional

    Raises
    ------
    ModelError
        When an output is not finite.
    BudgetSpent
    """
    pool, budget = Pool(rows, background, players), budget or Budget()
    orders = rng.random((pool.n, walks, len(players))).argsort(axis=2).astype(np.int32)
    # anew in each round, or the same few background rows would always meet the same rows
    rounds = -(-pool.n * walks // pool.m)
    dealt = rng.random((rounds, pool.m)).argsort(axis=1).reshape(-1)
    start = dealt[: pool.n * walks].reshape(pool.n, walks)
    with budget.telling("rows explained", pool.n):
        ends = pool.ends(ask, budget)
        budget.part(0, pool.n)
        values = walked(ask, pool, ends, np.arange(pool.n), orders, start, budget)
    return Walked(values, start, ends[: pool.n], ends[pool.n :])


def walked(
    ask: Ask,
    pool: Pool,
    ends: np.ndarray,
    who: np.ndarray,
    orders: np.ndarray,
    start: np.ndarray,
    budget: Budget,
) -> np.ndarray:
    """Return the attributions of the rows `who`, shape (len(who), walks, p, k).

    Parameters
    ----------
    ends : array of shape (n + m, k)
        What the function says about the pool's own rows.
    orders : int array of shape (len(who), walks, p)
        The players in the order in which they join.
    start : int array of shape (len(who), walks)
        Background rows.
    """
    codes = pool.same()
    n, walks, p = orders.shape
    first = np.repeat(who, walks)
    second = start.reshape(-1) + pool.n
    order = orders.reshape(-1, p)
    out = np.empty((n * walks, p, ends.shape[1]))
    steps = 2 * max(p - 1, 1)
    each = max(1, min(BLOCK // steps, LAID // (steps * p)))
    for low in range(0, n * walks, each):
        budget.check(low, n * walks)
        part = slice(low, low + each)
        out[part] = _block(ask, pool, ends, codes, first[part], second[part], order[part], budget)
    return out.reshape(n, walks, p, -1)


def _block(
    ask: Ask,
    pool: Pool,
    ends: np.ndarray,
    codes: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    order: np.ndarray,
    budget: Budget,
) -> np.ndarray:
    """Return the attributions of walks from rows `second` to rows `first`, both ways."""
    n, p = order.shape
    both = np.concatenate([order, order[:, ::-1]])
    rows, starts = np.tile(first, 2), np.tile(second, 2)
    place = np.argsort(both, axis=1)
    joins = np.take_along_axis(codes[rows] != codes[starts], both, axis=1)
    # after how many joins that change something each state stands; only those are asked about
    last = p - 1 - np.argmax(joins[:, ::-1], axis=1)
    ended = np.arange(p)[None, :] >= np.where(joins.any(axis=1), last, 0)[:, None]
    new = joins & ~ended
    at, step = np.nonzero(new)
    member = place[at] <= step[:, None]
    states = np.empty((2 * n, p + 1, ends.shape[1]))
    states[:, 0] = ends[starts]
    if len(at):
        states[:, 1:][at, step] = pool.ask_between(ask, rows[at], starts[at], member, budget)
    # a join that changes nothing leaves the state before it
    known = np.zeros((2 * n, p + 1), dtype=np.int64)
    known[:, 1:] = np.where(new, np.arange(1, p + 1), 0)
    known = np.maximum.accumulate(known, axis=1)
    states = np.take_along_axis(states, known[:, :, None], axis=1)
    states[:, 1:][ended] = ends[rows[np.nonzero(ended)[0]]]
    steps = np.diff(states, axis=1)
    gained = np.take_along_axis(steps, place[:, :, None], axis=1)
    both_ways: np.ndarray = (gained[:n] + gained[n:]) / 2
    return both_ways
