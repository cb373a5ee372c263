"""Shapley values of single rows, with as many walks as it takes to know which ones are largest."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from pytest_aipm.attribution.asking import Ask, Budget
from pytest_aipm.attribution.exact import MOST_PLAYERS, exact
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.players import Players
from pytest_aipm.attribution.walks import walked

__all__ = ["ROUNDS", "Local", "local"]

ROUNDS = (2, 4, 8)
"""After so many rounds, each against every background row once, it is looked whether to go on."""
KEPT = 20_000_000
"""Attributions of single walks that are kept at once: 160 MB."""
ERROR = 0.05
"""Of calling a set of largest attributions settled that is not, shared by the looks."""


@dataclass(frozen=True, eq=False)
class Local:
    """Attributions of single rows.

    Attributes
    ----------
    values : float array of shape (n, p)
    halves : float array of shape (n, 2, p)
        From two independent halves of the walks; both are `values` where there was no sampling.
    error : float array of shape (n, p)
        Standard errors of `values`, given the background.
    settled : bool array of shape (n,)
        Whether the k largest are known apart from the next.
    walks : int array of shape (n,)
        Pairs of walks taken; 0 where all coalitions were enumerated.
    output : float array of shape (n,)
    base : float
        Mean output over the background: `output` is `base` plus the sum of `values`.
    """

    values: np.ndarray
    halves: np.ndarray
    error: np.ndarray
    settled: np.ndarray
    walks: np.ndarray
    output: np.ndarray
    base: float


def local(
    ask: Ask,
    rows: pd.DataFrame,
    background: pd.DataFrame,
    players: Players,
    *,
    k: int,
    sign: int = 1,
    rng: np.random.Generator,
    budget: Budget | None = None,
) -> Local:
    """Return the attributions of each row, walked until its `k` largest are settled.

    Every row meets every background row equally often, so what varies is the order of the players
    alone. A row is settled when its k-th largest attribution clears the next one by its interval,
    at looks planned ahead that share the error (Bonferroni). Small games are enumerated instead.

    Parameters
    ----------
    ask : callable
        With one output.
    rows, background : DataFrame of n and m rows
    players : Players
    k : int
        How many largest ones must be known.
    sign : {1, -1}
        -1 looks for the most negative ones.
    rng : Generator
    budget : Budget, optional
    """
    budget, p, m = budget or Budget(), len(players), len(background)
    if p <= MOST_PLAYERS and 2**p <= 8 * (p - 1) * ROUNDS[-1]:
        known, output, start_from = exact(ask, rows, background, players, budget=budget)
        return _known(known[:, :, 0], output[:, 0], float(start_from.mean()))
    each = max(1, KEPT // (ROUNDS[-1] * m * p))
    parts = [
        _sampled(ask, part.reset_index(drop=True), background, players, k, sign, rng, budget)
        for part in (rows[start : start + each] for start in range(0, len(rows), each))
    ]
    arrays = ("values", "halves", "error", "settled", "walks", "output")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
    return Local(**joined, base=parts[0].base)


def _sampled(
    ask: Ask,
    rows: pd.DataFrame,
    background: pd.DataFrame,
    players: Players,
    k: int,
    sign: int,
    rng: np.random.Generator,
    budget: Budget,
) -> Local:
    """Return the attributions of some rows from walks."""
    pool = Pool(rows, background, players)
    ends = pool.ends(ask, budget)
    n, m, p, most = pool.n, pool.m, len(players), ROUNDS[-1]
    kept = np.zeros((n, most, m, p))
    taken, settled, error = np.zeros(n, dtype=int), np.zeros(n, dtype=bool), np.zeros((n, p))
    done = 0
    for rounds in ROUNDS:
        who = np.flatnonzero(~settled)
        if not len(who):
            break
        orders = rng.random((n, (rounds - done) * m, p), dtype=np.float32).argsort(axis=2)
        start = np.tile(np.arange(m), (len(who), rounds - done))
        found = walked(ask, pool, ends, who, orders[who].astype(np.int32), start, budget)
        kept[who, done:rounds] = found[:, :, :, 0].reshape(len(who), rounds - done, m, p)
        taken[who], done = rounds, rounds
        own = kept[who, :rounds]
        error[who] = _error(own)
        settled[who] = _settled(own, k, sign)
    halves = np.empty((n, 2, p))
    values = np.empty((n, p))
    for rounds in np.unique(taken):
        who = taken == rounds
        own = kept[who, :rounds].mean(axis=2, dtype=np.float64)
        values[who] = own.mean(axis=1)
        halves[who] = np.stack([own[:, ::2].mean(axis=1), own[:, 1::2].mean(axis=1)], axis=1)
    base = float(ends[n:, 0].mean())
    return Local(values, halves, error, settled, taken * m, ends[:n, 0], base)


def _known(values: np.ndarray, output: np.ndarray, base: float) -> Local:
    n = len(values)
    return Local(
        values,
        np.stack([values, values], axis=1),
        np.zeros_like(values),
        np.ones(n, dtype=bool),
        np.zeros(n, dtype=int),
        output,
        base,
    )


def _error(own: np.ndarray) -> np.ndarray:
    """Return standard errors over rounds that met the same background rows, shape (n, ...)."""
    rounds, m = own.shape[1:3]
    spread: np.ndarray = own.var(axis=1, ddof=1, dtype=np.float64).mean(axis=1)
    error: np.ndarray = np.sqrt(spread / (rounds * m))
    return error


def _settled(own: np.ndarray, k: int, sign: int) -> np.ndarray:
    """Return where the k-th largest is above the next one, by more than chance."""
    p = own.shape[-1]
    if k >= p:
        return np.ones(len(own), dtype=bool)
    mean = sign * own.mean(axis=(1, 2), dtype=np.float64)
    order = np.argsort(-mean, axis=1, kind="stable")
    above, below = order[:, k - 1], order[:, k]
    place = np.arange(len(own))
    margin = sign * (
        own[place, :, :, above].astype(np.float64) - own[place, :, :, below].astype(np.float64)
    )
    z = NormalDist().inv_cdf(1 - ERROR / len(ROUNDS))
    found: np.ndarray = margin.mean(axis=(1, 2)) >= z * _error(margin)
    return found
