"""Row passes in this process: one batch at a time, so memory does not grow with the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, Self, TypeVar

import pandas as pd

from pytest_aipm.progress import Progress
from pytest_aipm.sources.data import NONE, DataSource

__all__ = ["Engine", "Local", "Mergeable", "run_pass"]


class Mergeable(Protocol):
    """A partial result; merging two parts is the result of both their rows."""

    def merge(self, other: Self) -> Self:
        """Return the result of the rows of both."""
        ...


Part = TypeVar("Part", bound=Mergeable)


class Engine(Protocol):
    """Where passes run."""

    remote: bool
    """Whether rows stay where they are: what asks for every row is refused."""

    def run(
        self,
        source: DataSource,
        columns: Sequence[str],
        partial: Callable[[pd.DataFrame], Part],
        empty: Part,
        *,
        coded: frozenset[str] = NONE,
        numbered: bool = False,
        size: int | None = None,
    ) -> Part:
        """Run one pass over these columns of a source; see `run_pass`.

        Parameters
        ----------
        source : DataSource
        columns : sequence of str
        partial, empty
        coded : frozenset of str
            As for `DataSource.batches`.
        numbered : bool
            Whether `partial` needs the numbers that rows have in the whole source.
        size : int, optional
            Rows of a batch, where it matters to `partial` and the engine can choose.
        """
        ...


class Local:
    """Runs passes in this process."""

    remote = False

    def run(
        self,
        source: DataSource,
        columns: Sequence[str],
        partial: Callable[[pd.DataFrame], Part],
        empty: Part,
        *,
        coded: frozenset[str] = NONE,
        numbered: bool = False,  # noqa: ARG002 - the rows have their numbers
        size: int | None = None,
    ) -> Part:
        """Run one pass."""
        batches = source.batches(columns, size, coded=coded)
        return run_pass(batches, partial, empty, lambda: source.rows)


def run_pass(
    batches: Iterable[pd.DataFrame],
    partial: Callable[[pd.DataFrame], Part],
    empty: Part,
    rows: int | Callable[[], int] = 0,
) -> Part:
    """Run one pass over the data.

    Parameters
    ----------
    batches : iterable of DataFrame
        The rows, in any split.
    partial : callable
        Batch to partial result; must not keep state, so that parts may be computed anywhere.
    empty : Mergeable
        The result of no rows.
    rows : int or callable
        How many there are, for who watches.

    Returns
    -------
    Mergeable
        The result of all rows; the same for every split of them.
    """
    result, stream, done = empty, iter(batches), 0
    # Files are decoded without the interpreter's lock: the next batch while this one is counted.
    with ThreadPoolExecutor(1, "aipm-read") as reader, Progress("rows read", rows) as progress:
        ahead = reader.submit(next, stream, None)
        while (batch := ahead.result()) is not None:
            ahead = reader.submit(next, stream, None)
            result = result.merge(partial(batch))
            done += len(batch)
            progress.at(done)
    return result
