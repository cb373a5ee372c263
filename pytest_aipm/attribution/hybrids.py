"""Rows that take some columns from one row and the others from another."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.attribution.asking import CALL, Ask, Budget, asked, chunk_rows
from pytest_aipm.attribution.players import Players

__all__ = ["Pool"]


class Pool:
    """Rows to explain and background rows, from which rows are mixed.

    A row's number is its place among the rows, a background row's is `n` plus its own.

    Parameters
    ----------
    rows, background : DataFrame
        The same columns of the same types.
    players : Players
        Every column has one.
    """

    def __init__(self, rows: pd.DataFrame, background: pd.DataFrame, players: Players) -> None:
        self.n, self.m = len(rows), len(background)
        self.players = players
        both = pd.concat([rows, background], ignore_index=True)
        self._columns = list(both.columns)
        self._arrays = [both[name].array for name in self._columns]
        owner = {name: i for i, own in enumerate(players.columns) for name in own}
        self._owner = np.array([owner[name] for name in self._columns])
        self._alone = np.array_equal(self._owner, np.arange(len(players)))
        self._both, self._most = both, chunk_rows(both.shape[1])
        # values of one plain type lie together, as most models want them: nothing is copied again
        types = set(both.dtypes)
        plain = len(types) == 1 and all(_plain(dtype) for dtype in types)
        self._block = np.ascontiguousarray(both.to_numpy()) if plain else None

    @property
    def names(self) -> list[str]:
        """The columns."""
        return self._columns

    def numbers(self, names: list[str]) -> np.ndarray | None:
        """Return the pool's rows as numbers, their columns in this order; None for other types."""
        if sorted(map(str, names)) != sorted(map(str, self._columns)):
            return None
        if not all(_plain(dtype) for dtype in self._both.dtypes):
            return None
        return self._both[names].to_numpy(float)

    def owners(self, names: list[str]) -> np.ndarray:
        """Return the number of the player that each column is of."""
        return self._owner[[self._columns.index(name) for name in names]]

    def mixed(self, source: np.ndarray) -> pd.DataFrame:
        """Return rows put together, each column of its own type.

        Parameters
        ----------
        source : int array of shape (N, p)
            From which row of the pool each player takes its columns.
        """
        if self._block is not None:
            taken = self._spread(source) * self._block.shape[1] + np.arange(self._block.shape[1])
            return self._framed(self._block.reshape(-1).take(taken))
        source = np.asfortranarray(source)
        data: dict[str, Any] = {}
        for name, values, player in zip(self._columns, self._arrays, self._owner, strict=True):
            taken = values.take(source[:, player])
            # pandas 3 would make texts of objects that look like some
            if self._both[name].dtype == object:
                taken = pd.Series(taken, dtype=object, copy=False)
            data[name] = taken
        return pd.DataFrame(data, columns=self._columns, copy=False)

    def _between(self, first: np.ndarray, second: np.ndarray, member: np.ndarray) -> pd.DataFrame:
        """Return rows `second` whose members' columns are those of rows `first`."""
        if self._block is None:
            return self.mixed(np.where(member, first[:, None], second[:, None]))
        taken = self._block.take(second, axis=0)
        np.copyto(taken, self._block.take(first, axis=0), where=self._spread(member))
        return self._framed(taken)

    def _spread(self, by_player: np.ndarray) -> np.ndarray:
        """Return for each column what is said of its player."""
        return by_player if self._alone else by_player[:, self._owner]

    def _framed(self, block: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(block, columns=self._both.columns, copy=False)

    def ends(self, ask: Ask, budget: Budget) -> np.ndarray:
        """Return what the function says about the pool's own rows, shape (n + m, k)."""
        both = self._both
        return self._chunked(len(both), lambda a, b: both[a:b].reset_index(drop=True), ask, budget)

    def ask(self, ask: Ask, source: np.ndarray, budget: Budget) -> np.ndarray:
        """Return what the function says about mixed rows, shape (N, k)."""
        return self._chunked(len(source), lambda a, b: self.mixed(source[a:b]), ask, budget)

    def ask_between(
        self,
        ask: Ask,
        first: np.ndarray,
        second: np.ndarray,
        member: np.ndarray,
        budget: Budget,
    ) -> np.ndarray:
        """Return what the function says about rows mixed of two, shape (N, k).

        Parameters
        ----------
        first, second : int array of shape (N,)
            Rows of the pool.
        member : bool array of shape (N, p)
            Which players take their columns from `first`; the others from `second`.
        """
        return self._chunked(
            len(first),
            lambda a, b: self._between(first[a:b], second[a:b], member[a:b]),
            ask,
            budget,
        )

    def _chunked(
        self, total: int, part: Callable[[int, int], pd.DataFrame], ask: Ask, budget: Budget
    ) -> np.ndarray:
        answers: list[np.ndarray] = []
        start = 0
        while start < total:
            budget.call()
            rows = part(start, min(start + self._most, total))
            began = time.monotonic()
            answers.append(asked(ask, rows))
            # only what takes very long gets fewer rows: elsewhere calls are always the same
            took = time.monotonic() - began
            while took > 1 and self._most * took / len(rows) > CALL and self._most > 1:
                self._most = max(1, self._most // 10)
            start += len(rows)
        return np.concatenate(answers)

    def same(self) -> np.ndarray:
        """Return a number for the value of each player in each row, shape (n + m, p).

        Rows with equal numbers hold equal values, so nothing changes when one takes the other's.
        """
        codes = np.empty((self.n + self.m, len(self.players)), dtype=np.int64)
        for player, own in enumerate(self.players.columns):
            joint = np.zeros(len(codes), dtype=np.int64)
            for name in own:
                code = _codes(self._both[name])
                joint = np.unique(joint * (int(code.max()) + 1) + code, return_inverse=True)[1]
            codes[:, player] = joint
        return codes


def _plain(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in "fiub"


def _codes(column: pd.Series[Any]) -> np.ndarray:
    """Return a number for each distinct value; values that cannot be compared are all distinct."""
    try:
        codes, _ = pd.factorize(column, use_na_sentinel=False)
    except TypeError:
        return np.arange(len(column))
    if column.hasnans and column.dtype == object:
        return np.arange(len(column))  # None and NaN are not told apart, but a model may
    return np.asarray(codes, dtype=np.int64)
