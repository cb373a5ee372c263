"""Rows that are there more than once, found by a hash of their values in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_aipm.evidence.evidence import located
from pytest_aipm.evidence.sample import hash_rows
from pytest_aipm.sources.data import DataSource

__all__ = ["Copies", "copies_in"]


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
    source: DataSource,
    columns: Sequence[str],
    *,
    answer: str | None = None,
    key: bool = False,
) -> Copies:
    """Count rows that are equal in some columns.

    Parameters
    ----------
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
    hashes, answers, missing = [], [], 0
    with located(source.ref):
        source.require([*columns, *([answer] if answer else [])])
        for batch in source.batches([*columns, *([answer] if answer else [])]):
            kept = np.ones(len(batch), dtype=bool)
            for name in columns if key else ():
                kept &= batch[name].notna().to_numpy()
            if answer is not None:
                kept &= batch[answer].notna().to_numpy()
                answers.append(hash_rows(batch, [answer])[kept])
            missing += int((~kept).sum())
            hashes.append(hash_rows(batch, list(columns))[kept])
    joined = np.concatenate(hashes)
    _, place, counts = np.unique(joined, return_inverse=True, return_counts=True)
    conflicting = 0
    if answer is not None and joined.size:
        # the answers of a class are one where the smallest is the largest
        said = np.concatenate(answers)
        order = np.argsort(place, kind="stable")
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        low = np.minimum.reduceat(said[order], starts)
        high = np.maximum.reduceat(said[order], starts)
        conflicting = int(counts[low != high].sum())
    return Copies(
        rows=int(joined.size),
        missing=missing,
        again=int(joined.size - counts.size),
        most=int(counts.max(initial=0)),
        conflicting=conflicting,
        apart=int(counts.size),
    )
