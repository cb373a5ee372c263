"""How many people a row stands for: the column of weights, and rows written out by their counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError
from pytest_aipm.sources.data import NONE, DataSource
from pytest_aipm.sources.faults import problem
from pytest_aipm.sources.spec import Where

__all__ = ["MOST", "RepeatedData", "weights_of"]

MOST = 20_000_000
"""Most people that rows are written out to: predictions take about sixteen bytes each."""

LARGEST = 1e30
"""Sums of fourth powers of more than this lose their digits to overflow."""


def weights_of(values: pd.Series[Any], *, whole: bool, where: Where | None = None) -> np.ndarray:
    """Return a column of weights, shape (n,): finite and not negative.

    Parameters
    ----------
    values : Series of shape (n,)
        Its index holds the numbers of the rows.
    whole : bool
        Whether weights count people.
    where : Where, optional
        The policy's line, for messages.

    Raises
    ------
    DataError
        For texts, missing or infinite values, negative ones and, where they count, fractions.
    """
    which = f"weights column {values.name!r}"
    try:
        # as text, a date does not become its nanoseconds, nor a complex number its real part
        plain = values.astype(str) if values.dtype.kind in "cmM" else values
        weights = pd.to_numeric(plain).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        what = f"{which} is not numeric"
        raise DataError(problem(what, "name a column of numbers", where=where)) from None

    def refuse(bad: np.ndarray, how: str, fix: str) -> None:
        if bad.any():
            row = int(values.index[int(np.argmax(bad))]) + 1
            what = f"{which} has {int(bad.sum())} {how} value(s), the first in data row {row}"
            raise DataError(problem(what, fix, where=where))

    fill = "give every row a weight; 0 leaves a row out"
    refuse(~np.isfinite(weights), "missing or infinite", fill)
    refuse(weights < 0, "negative", fill)
    refuse(weights > LARGEST, "astronomic", "look for wrong numbers")
    if whole:
        counts = (
            "frequencies are whole numbers of people; for survey weights write `kind: sampling`"
        )
        refuse(weights != np.floor(weights), "fractional", counts)
    return weights


class RepeatedData(DataSource):
    """Data of which each row is so many people alike, written out while they stream by.

    Whatever is computed from these rows is then what the file with one row a person would give,
    down to the draws of samples and the cut of the best share.

    Parameters
    ----------
    data : DataSource
    column : str
        Whole numbers, 0 or more.
    where : Where or None
        The policy's line that names the column.
    """

    def __init__(self, data: DataSource, column: str, where: Where | None) -> None:
        self.ref, self.kind, self.sha256, self.salt = data.ref, data.kind, data.sha256, data.salt
        self.where, self.warnings, self.columns = data.where, data.warnings, data.columns
        self.missing, self.placed = data.missing, data.placed
        self.joined = tuple(getattr(data, "joined", ()))
        self.written, self._column, self._counted = data, column, where
        data.require([column], where)

    @cached_property
    def rows(self) -> int:
        """Number of people.

        Raises
        ------
        DataError
            When there is nobody, or there are too many people to write out.
        """
        total = sum(self._counts(each).sum() for each in self.written.batches([self._column]))
        which = f"weights column {self._column!r}"
        if total == 0:
            what, fix = f"{which} holds zeros only", "name the column that counts people"
            raise DataError(problem(what, fix, where=self._counted))
        if total > MOST:
            what = (
                f"{which} adds up to {total:,.0f} people; at most {MOST:,} are counted one by one"
            )
            fix = "for survey weights write `kind: sampling`, else audit a sample"
            raise DataError(problem(what, fix, where=self._counted))
        return int(total)

    @property
    def held(self) -> bool:
        """Whether the rows that are written out are in memory."""
        return self.written.held

    def learn(self, columns: Sequence[str]) -> None:
        """Find out what these columns are, and that of the weights."""
        self.written.learn([*columns, self._column])

    def _counts(self, batch: pd.DataFrame) -> np.ndarray:
        return weights_of(batch[self._column], whole=True, where=self._counted)

    def _batches(
        self, names: list[str], size: int, coded: frozenset[str] = NONE
    ) -> Iterator[pd.DataFrame]:
        assert self.rows  # noqa: S101 - the column is checked before anything is written out
        counted = self.written.batches([*names, self._column], size, coded=coded)
        return self._written_out(counted, names, size)

    def _written_out(
        self, batches: Iterator[pd.DataFrame], names: list[str], size: int
    ) -> Iterator[pd.DataFrame]:
        start = 0
        for batch in batches:
            ends = np.cumsum(self._counts(batch)).astype(np.int64)
            own = batch[names]
            for first in range(0, int(ends[-1]), size):
                people = np.arange(first, min(first + size, int(ends[-1])))
                copies = own.iloc[np.searchsorted(ends, people, side="right")]
                copies.index = pd.RangeIndex(start, start + len(people))
                start += len(people)
                yield copies
