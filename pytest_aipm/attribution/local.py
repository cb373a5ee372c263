"""Shapley values of single rows, asked for until it is known which ones are largest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import t as student

from pytest_aipm.attribution.asking import Ask, Budget
from pytest_aipm.attribution.coalitions import MOST_REGRESSED, Coalitions
from pytest_aipm.attribution.exact import MOST_PLAYERS, exact
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.leaves import leaves_of
from pytest_aipm.attribution.players import Players
from pytest_aipm.attribution.shortcuts import Way, shortcut, way_of
from pytest_aipm.attribution.walks import walked

__all__ = ["KEPT", "PAIRS", "ROUNDS", "Chosen", "Local", "local"]

ROUNDS = (2, 4)
"""After so many rounds, each against every background row, it is looked whether to go on."""
KEPT = 10_000_000
"""Attributions of single rounds that are kept at once: 80 MB."""
PAIRS = 2
"""Pairs of walks in a round, which cost as much as a round of coalitions."""
ERROR = 0.05
"""Of calling a set of largest attributions settled that is not, shared by the looks."""


@dataclass(frozen=True, eq=False)
class Local:
    """Attributions of single rows.

    Attributes
    ----------
    values : float array of shape (n, p)
    halves : float array of shape (n, 2, p)
        From two independent halves of the rounds; both are `values` where there was no sampling.
    error : float array of shape (n, p)
        Standard errors of `values`, given the background.
    settled : bool array of shape (n,)
        Whether the k largest are known apart from the next.
    walks : int array of shape (n,)
        Pairs of walks taken, or coalitions that cost as much (2 (p - 1) mixed rows); 0 where the
        values are exact.
    way : {"columns", "trees", "enumeration", "coalitions", "walks"}
        How they were found: by one of the short cuts, by enumeration, or sampled.
    rounds : int array of shape (n,)
        Of coalitions, or of `PAIRS` pairs of walks, against every background row.
    output : float array of shape (n,)
    base : float
        Mean output over the background: `output` is `base` plus the sum of `values`.
    """

    values: np.ndarray
    halves: np.ndarray
    error: np.ndarray
    settled: np.ndarray
    walks: np.ndarray
    way: Way | Literal["enumeration", "coalitions", "walks"]
    rounds: np.ndarray
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
    model: Any = None,
) -> Local:
    """Return the attributions of each row, sampled until its `k` largest are settled.

    Every row meets every background row equally often, so what varies is the choice of coalitions
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
    model : object, optional
        The fitted model that is asked: of some kinds the exact values are known (`shortcut`).
    """
    budget = budget or Budget()
    p, m = len(players), len(background)
    with budget.telling("rows explained", len(rows)):
        closed = shortcut(ask, model, rows, background, players, budget=budget)
        if closed is not None:
            ends = Pool(rows, background, players).ends(ask, budget)[:, 0]
            base = float(ends[len(rows) :].mean())
            return _known(closed[:, :, 0], way_of(model), ends[: len(rows)], base)
        if p <= MOST_PLAYERS and 2**p <= 8 * (p - 1) * ROUNDS[-1]:
            known, output, start_from = exact(ask, rows, background, players, budget=budget)
            return _known(known[:, :, 0], "enumeration", output[:, 0], float(start_from.mean()))
        each = max(1, KEPT // (ROUNDS[-1] * m * p))
        parts = [
            _sampled(
                ask,
                Pool(rows[low : low + each], background, players),
                k,
                sign,
                rng,
                budget,
                low,
                model,
            )
            for low in range(0, len(rows), each)
        ]
    arrays = ("values", "halves", "error", "settled", "walks", "rounds", "output")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
    return Local(**joined, way=parts[0].way, base=parts[0].base)


def _sampled(
    ask: Ask,
    pool: Pool,
    k: int,
    sign: int,
    rng: np.random.Generator,
    budget: Budget,
    before: int,
    model: Any,
) -> Local:
    """Return the attributions of the rows of a pool; so many were done `before`."""
    budget.part(before, before)
    ends = pool.ends(ask, budget)[:, 0]
    n, m, p = pool.n, pool.m, len(pool.players)
    few = p <= MOST_REGRESSED
    sampler: Chosen | Walks = (
        Chosen(ask, pool, ends, most=ROUNDS[-1], rng=rng, model=model)
        if few
        else Walks(ask, pool, ends, most=ROUNDS[-1], rng=rng)
    )
    values, halves, error = np.zeros((n, p)), np.zeros((n, 2, p)), np.zeros((n, p))
    taken, settled = np.zeros(n, dtype=int), np.zeros(n, dtype=bool)
    for done, rounds in zip((0, *ROUNDS), ROUNDS, strict=False):
        who = np.flatnonzero(~settled)
        if not len(who):
            break
        left = (len(who) * (1 - each / ROUNDS[-1]) for each in (done, rounds))
        budget.part(*(before + n - each for each in left))
        own = sampler.rounds(who, rounds, budget)
        each = own.mean(axis=2)
        values[who] = each.mean(axis=1)
        halves[who] = np.stack([each[:, ::2].mean(axis=1), each[:, 1::2].mean(axis=1)], axis=1)
        error[who], taken[who] = _error(own), rounds
        settled[who] = _settled(own, k, sign)
    return Local(
        values=values,
        halves=halves,
        error=error,
        settled=settled,
        walks=PAIRS * taken * m,
        way="coalitions" if few else "walks",
        rounds=taken,
        output=ends[:n],
        base=float(ends[n:].mean()),
    )


class Chosen:
    """Rounds of chosen coalitions, of every row against every background row."""

    def __init__(
        self,
        ask: Ask,
        pool: Pool,
        ends: np.ndarray,
        *,
        most: int,
        rng: np.random.Generator,
        model: Any = None,
    ) -> None:
        row, start = (each.reshape(-1) for each in np.indices((pool.n, pool.m)))
        leaves = leaves_of(ask, model, pool, ends[:, None], Budget())
        self._games = Coalitions(
            ask, pool, ends[:, None], row, start, most=most, rng=rng, leaves=leaves
        )
        self._m = pool.m

    def rounds(self, who: np.ndarray, rounds: int, budget: Budget) -> np.ndarray:
        """Return the values of rows by round and background row, shape (len(who), rounds, m, p)."""
        games = (who[:, None] * self._m + np.arange(self._m)).reshape(-1)
        found = self._games.rounds(games, rounds, budget)[..., 0]
        return found.reshape(len(who), self._m, rounds, -1).transpose(0, 2, 1, 3)


class Walks:
    """Rounds of walks, for many players: `PAIRS` of them against every background row."""

    def __init__(
        self, ask: Ask, pool: Pool, ends: np.ndarray, *, most: int, rng: np.random.Generator
    ) -> None:
        self._ask, self._pool, self._ends, self._rng = ask, pool, ends[:, None], rng
        self._found = np.zeros((pool.n, most, pool.m, len(pool.players)))
        self._done = 0

    def rounds(self, who: np.ndarray, rounds: int, budget: Budget) -> np.ndarray:
        """Return the values of rows by round and background row, shape (len(who), rounds, m, p)."""
        pool, new = self._pool, rounds - self._done
        shape = (new, PAIRS, pool.m)
        keys = self._rng.random((pool.n, new * PAIRS * pool.m, len(pool.players)), dtype=np.float32)
        orders = keys[who].argsort(axis=2).astype(np.int32)
        start = np.broadcast_to(np.arange(pool.m), (len(who), *shape)).reshape(len(who), -1)
        found = walked(self._ask, pool, self._ends, who, orders, start, budget)
        self._found[who, self._done : rounds] = found.reshape(len(who), *shape, -1).mean(axis=2)
        self._done = rounds
        kept: np.ndarray = self._found[who, :rounds]
        return kept


def _known(
    values: np.ndarray, way: Way | Literal["enumeration"], output: np.ndarray, base: float
) -> Local:
    n = len(values)
    return Local(
        values=values,
        halves=np.stack([values, values], axis=1),
        error=np.zeros_like(values),
        settled=np.ones(n, dtype=bool),
        walks=np.zeros(n, dtype=int),
        way=way,
        rounds=np.zeros(n, dtype=int),
        output=output,
        base=base,
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
    rounds, m = own.shape[1:3]
    wide = float(student.ppf(1 - ERROR / len(ROUNDS), m * (rounds - 1)))
    found: np.ndarray = margin.mean(axis=(1, 2)) >= wide * _error(margin)
    return found
