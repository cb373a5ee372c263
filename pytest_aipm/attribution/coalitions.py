"""Shapley values of single rows by regression on well-chosen coalitions and their complements."""

from __future__ import annotations

import numpy as np

from pytest_aipm.attribution.asking import Ask, Budget
from pytest_aipm.attribution.design import design
from pytest_aipm.attribution.exact import coalition_names, weigh
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.leaves import Leaves

__all__ = ["MOST_REGRESSED", "Coalitions"]

MOST_REGRESSED = 64
"""Players for whom coalitions are chosen; for more that takes longer than it saves."""
ENUMERATED = 6
"""Players that differ between two rows up to which all their coalitions are asked about."""
BLOCK = 50_000
"""Mixed rows that are laid out at once."""


class Coalitions:
    """What the function says of random coalitions of games, each of a row and a background row.

    A round asks, for each game, about two coalitions of every size and about their complements,
    as `design` chose them, with the players in an order of their own. It is unbiased, and rounds
    are independent of each other. A coalition tells of all players, a step of a walk of one: at
    the same number of mixed rows the squared error is about half of that of antithetic walks on
    trees (`benchmarks/explain_cost.py`).

    Parameters
    ----------
    ask : callable
        With k outputs.
    pool : Pool
    ends : array of shape (n + m, k)
        What the function says about the pool's own rows.
    row, start : int array of shape (games,)
        Which row meets which background row.
    most : int
        Rounds there may be.
    rng : Generator
    leaves : Leaves, optional
        What answers in the function's place, bit by bit as it does.
    """

    def __init__(
        self,
        ask: Ask,
        pool: Pool,
        ends: np.ndarray,
        row: np.ndarray,
        start: np.ndarray,
        *,
        most: int,
        rng: np.random.Generator,
        leaves: Leaves | None = None,
    ) -> None:
        codes, second, p = pool.same(), start + pool.n, len(pool.players)
        differs = codes[row] != codes[second]
        self._ask, self._pool, self._row, self._second = ask, pool, row, second
        self._leaves = leaves
        self._count = differs.sum(axis=1)
        # the players that differ first: the others add nothing
        self._own = np.argsort(~differs, axis=1, kind="stable")
        self._total, self._base = ends[row] - ends[second], ends[second]
        self._keys = rng.random((len(row), most, p), dtype=np.float32)
        self._found = np.zeros((len(row), most, p, ends.shape[1]))
        self._done = np.zeros(len(row), dtype=int)

    def rounds(self, games: np.ndarray, rounds: int, budget: Budget) -> np.ndarray:
        """Return the values of games by round, shape (len(games), rounds, p, k)."""
        new = slice(int(self._done[games].max(initial=0)), rounds)
        self._done[games], done = rounds, 0
        for q in np.unique(self._count[games]).tolist():
            of_size = games[self._count[games] == q]
            rows = 2**q if q <= ENUMERATED else 4 * (q - 1) * (new.stop - new.start)
            each = max(1, BLOCK // rows)
            for low in range(0, len(of_size), each):
                budget.check(done + low, len(games))
                self._play(of_size[low : low + each], q, new, budget)
            done += len(of_size)
        return self._found[games, :rounds]

    def _play(self, games: np.ndarray, q: int, new: slice, budget: Budget) -> None:
        """Find the values of games in which `q` players differ."""
        own = self._own[games, :q]
        if q <= ENUMERATED:
            if new.start == 0:
                values = self._enumerated(games, own, budget)
                self._found[games[:, None], :, own] = values[:, :, None]
            return
        chosen = design(q)
        order = self._keys[games, new, :q].argsort(axis=2)
        members = chosen.members.T[order].transpose(0, 1, 3, 2)
        g, rounds, count, _ = members.shape
        both = np.concatenate([members, ~members], axis=2).reshape(g, -1, q)
        said = self._said(games, own, both, budget).reshape(g, rounds, 2, count, -1)
        gaps = np.moveaxis(said[:, :, 0] - said[:, :, 1], 3, 2)
        total = np.repeat(self._total[games, None], rounds, axis=1)
        values = chosen.values(gaps.reshape(-1, count), total.reshape(-1))
        values = values.reshape(g, rounds, -1, q).swapaxes(2, 3)
        values = np.take_along_axis(values, order[:, :, :, None], axis=2)
        which = np.arange(new.start, new.stop)[:, None]
        self._found[games[:, None, None], which, own[:, None]] = values

    def _enumerated(self, games: np.ndarray, own: np.ndarray, budget: Budget) -> np.ndarray:
        """Return the exact values where few players differ, shape (len(games), q, k)."""
        q = own.shape[1]
        value = np.zeros((len(games), 2**q, self._base.shape[1]))
        if q > 1:
            inner = np.broadcast_to(coalition_names(q)[1:-1], (len(games), 2**q - 2, q))
            value[:, 1:-1] = self._said(games, own, inner, budget) - self._base[games, None]
        value[:, -1] = self._total[games]
        return weigh(value, q)

    def _said(
        self, games: np.ndarray, own: np.ndarray, members: np.ndarray, budget: Budget
    ) -> np.ndarray:
        """Return what the function says about coalitions, shape (len(games), count, k)."""
        g, count, q = members.shape
        p = self._own.shape[1]
        if q < p:
            # where nothing differs it does not matter whose value it is
            member = np.zeros((g, count, p), dtype=bool)
            np.put_along_axis(member, own[:, None], members, axis=2)
        else:
            member = members
        if self._leaves is not None:
            return self._leaves.said(self._row[games], self._second[games], member, budget)
        row, second = (np.repeat(each[games], count) for each in (self._row, self._second))
        said = self._pool.ask_between(self._ask, row, second, member.reshape(-1, p), budget)
        return said.reshape(g, count, -1)
