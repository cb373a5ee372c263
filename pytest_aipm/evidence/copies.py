"""Rows that are there more than once, found by a hash of their values in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.sample import hash_rows
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.sources.data import DataSource

__all__ = ["Copies", "Hashed", "copies_in", "hashes_of"]


@dataclass(frozen=True)
class Copies:
    """Rows that are equal in some columns.

    Attributes
    ----------
    rows : int
        Rows with a value in the columns of a key; all of them where those may be missing.
    missing : int
        Rows left out because a key is missing.
    again : int
        Rows that equal an earlier one.
    most : int
        Rows of the largest class of equal ones.
    conflicting : int
        Rows that equal another one whose answer differs; 0 where no answer was asked.
    apart : int
        Classes of equal rows.
    """

    rows: int
    missing: int
    again: int
    most: int
    conflicting: int
    apart: int


def copies_in(
    evidence: Evidence,
    source: DataSource,
    columns: Sequence[str],
    *,
    answer: str | None = None,
    key: bool = False,
) -> Copies:
    """Count rows that are equal in some columns.

    Parameters
    ----------
    evidence : Evidence
    source : DataSource
    columns : sequence of str
    answer : str, optional
        A column of which equal rows should hold equal values; rows without one are left out.
    key : bool
        Whether rows that lack a column are left out, since what is missing is nobody's key.

    Raises
    ------
    DataError
        When a column is not there.
    """
    wish = hashes_of(source, columns, answer=answer, key=key)
    return evidence.once(wish.name, lambda: _copies(evidence.shared.answer(wish), answer))


def hashes_of(
    source: DataSource, columns: Sequence[str], *, answer: str | None = None, key: bool = False
) -> Wish[Hashed]:
    """Return the wish for the hashes that `copies_in` counts."""
    names = dict.fromkeys([*columns, *([answer] if answer else [])])
    hashing = _Hash(tuple(columns), answer, key=key)
    return Wish(("copies", hashing), source, tuple(names), hashing, Hashed())


def _copies(found: Hashed, answer: str | None) -> Copies:
    joined = np.concatenate(found.hashes)
    _, place, counts = np.unique(joined, return_inverse=True, return_counts=True)
    conflicting = 0
    if answer is not None and joined.size:
        # the answers of a class are one where the smallest is the largest
        said = np.concatenate(found.answers)
        order = np.argsort(place, kind="stable")
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        low = np.minimum.reduceat(said[order], starts)
        high = np.maximum.reduceat(said[order], starts)
        conflicting = int(counts[low != high].sum())
    return Copies(
        rows=int(joined.size),
        missing=found.missing,
        again=int(joined.size - counts.size),
        most=int(counts.max(initial=0)),
        conflicting=conflicting,
        apart=int(counts.size),
    )


@dataclass(frozen=True)
class Hashed:
    """Hashes of rows, and of their answers; how many rows were left out."""

    hashes: tuple[np.ndarray, ...] = ()
    answers: tuple[np.ndarray, ...] = ()
    missing: int = 0

    def merge(self, other: Hashed) -> Hashed:
        """Return those of both."""
        return Hashed(
            self.hashes + other.hashes, self.answers + other.answers, self.missing + other.missing
        )


@dataclass(frozen=True)
class _Hash:
    """Hashes one batch."""

    columns: tuple[str, ...]
    answer: str | None
    key: bool

    def __call__(self, batch: pd.DataFrame) -> Hashed:
        kept = np.ones(len(batch), dtype=bool)
        for name in self.columns if self.key else ():
            kept &= batch[name].notna().to_numpy()
        answers = []
        if self.answer is not None:
            kept &= batch[self.answer].notna().to_numpy()
            answers.append(hash_rows(batch, [self.answer])[kept])
        hashes = hash_rows(batch, list(self.columns))[kept]
        return Hashed((hashes,), tuple(answers), int((~kept).sum()))
