"""Shapley values of single rows by regression on well-chosen coalitions and their complements."""

from __future__ import annotations

import numpy as np

from pytest_aipm.attribution.asking import Ask, Budget
from pytest_aipm.attribution.design import design
from pytest_aipm.attribution.exact import coalition_names, weigh
from pytest_aipm.attribution.hybrids import Pool

__all__ = ["MOST_REGRESSED", "Coalitions"]

MOST_REGRESSED = 64
"""Players for whom coalitions are chosen; for more that takes longer than it saves."""
ENUMERATED = 6
"""Players that differ between two rows up to which all their coalitions are asked about."""
BLOCK = 200_000
"""Mixed rows that are laid out at once."""


class Coalitions:
    """What the function says of random coalitions of rows, each against every background row.

    A round asks, for each row and background row, about two coalitions of every size and about
    their complements, as `design` chose them, with the players in an order of their own. It is
    unbiased, and rounds are independent of each other. A coalition tells of all players, a step
    of a walk of one: at the same number of mixed rows the squared error is about half of that of
    antithetic walks on trees (`benchmarks/explain_cost.py`).

    Parameters
    ----------
    ask : callable
        With one output.
    pool : Pool
    ends : array of shape (n + m,)
        What the function says about the pool's own rows.
    most : int
        Rounds there may be.
    rng : Generator
    """

    def __init__(
        self, ask: Ask, pool: Pool, ends: np.ndarray, *, most: int, rng: np.random.Generator
    ) -> None:
        n, m, p = pool.n, pool.m, len(pool.players)
        codes = pool.same()
        differs = codes[:n, None] != codes[None, n:]
        self._ask, self._pool, self._m = ask, pool, m
        self._count = differs.sum(axis=2).reshape(-1)
        # the players that differ first: the others add nothing
        self._own = np.argsort(~differs, axis=2, kind="stable").reshape(n * m, p)
        self._total = (ends[:n, None] - ends[None, n:]).reshape(-1)
        self._base = np.tile(ends[n:], n)
        self._keys = rng.random((n * m, most, p), dtype=np.float32)
        self._found = np.zeros((n * m, most, p))
        self._done = np.zeros(n, dtype=int)

    def rounds(self, who: np.ndarray, rounds: int, budget: Budget) -> np.ndarray:
        """Return the values of rows by round and background row, shape (len(who), rounds, m, p)."""
        m, p = self._m, self._own.shape[1]
        pairs = (who[:, None] * m + np.arange(m)).reshape(-1)
        new = slice(int(self._done[who].max(initial=0)), rounds)
        self._done[who], done = rounds, 0
        for q in np.unique(self._count[pairs]).tolist():
            of_size = pairs[self._count[pairs] == q]
            rows = 2**q if q <= ENUMERATED else 4 * (q - 1) * (new.stop - new.start)
            each = max(1, BLOCK // rows)
            for start in range(0, len(of_size), each):
                budget.check(done, len(pairs))
                self._play(of_size[start : start + each], q, new)
                done += each
        return self._found[pairs, :rounds].reshape(len(who), m, rounds, p).transpose(0, 2, 1, 3)

    def _play(self, pairs: np.ndarray, q: int, new: slice) -> None:
        """Find the values of pairs of rows in which `q` players differ."""
        own = self._own[pairs, :q]
        if q <= ENUMERATED:
            if new.start == 0:
                values = self._enumerated(pairs, own)
                self._found[pairs[:, None], :, own] = values[:, :, None]
            return
        chosen = design(q)
        order = self._keys[pairs, new, :q].argsort(axis=2)
        members = chosen.members.T[order].transpose(0, 1, 3, 2)
        g, rounds, count, _ = members.shape
        both = np.concatenate([members, ~members], axis=2).reshape(g, -1, q)
        said = self._said(pairs, own, both).reshape(g, rounds, 2, count)
        gaps = (said[:, :, 0] - said[:, :, 1]).reshape(-1, count)
        values = chosen.values(gaps, np.repeat(self._total[pairs], rounds))
        values = np.take_along_axis(values.reshape(g, rounds, q), order, axis=2)
        which = np.arange(new.start, new.stop)[:, None]
        self._found[pairs[:, None, None], which, own[:, None]] = values

    def _enumerated(self, pairs: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Return the exact values where few players differ, shape (len(pairs), q)."""
        q = own.shape[1]
        value = np.zeros((len(pairs), 2**q))
        if q > 1:
            inner = np.broadcast_to(coalition_names(q)[1:-1], (len(pairs), 2**q - 2, q))
            value[:, 1:-1] = self._said(pairs, own, inner) - self._base[pairs, None]
        value[:, -1] = self._total[pairs]
        return weigh(value[:, :, None], q)[:, :, 0]

    def _said(self, pairs: np.ndarray, own: np.ndarray, members: np.ndarray) -> np.ndarray:
        """Return what the function says about coalitions, shape of `members` without the last."""
        g, count, _ = members.shape
        row, start = pairs // self._m, self._pool.n + pairs % self._m
        source = np.repeat(start, count * self._own.shape[1]).reshape(g, count, -1)
        taken = np.where(members, row[:, None, None], start[:, None, None])
        np.put_along_axis(source, own[:, None], taken, axis=2)
        said = self._pool.ask(self._ask, source.reshape(g * count, -1), Budget())
        return said[:, 0].reshape(g, count)
