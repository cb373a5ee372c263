"""Rows that differ, with how many there are of each: a table of any columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.sources.data import DataSource

__all__ = ["Differing", "differing", "told_apart"]


@dataclass(frozen=True, eq=False)
class Differing:
    """Rows that differ in some columns; merging is addition.

    Attributes
    ----------
    frame : DataFrame of m rows
        Numbered from 0.
    counts : int array of shape (m,)
    """

    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    counts: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @classmethod
    def of(cls, batch: pd.DataFrame) -> Differing:
        """Return those of one batch."""
        return told_apart(batch, np.ones(len(batch), dtype=np.int64))

    def merge(self, other: Differing) -> Differing:
        """Return those of both."""
        if not len(self.counts):
            return other
        if not len(other.counts):
            return self
        frame = pd.concat([self.frame, other.frame], ignore_index=True)
        return told_apart(frame, np.concatenate([self.counts, other.counts]))


def differing(source: DataSource, columns: Sequence[str]) -> Wish[Differing]:
    """Return the wish for the rows that differ in some columns."""
    names = tuple(dict.fromkeys(columns))
    return Wish(("differing", names), source, names, Differing.of, Differing())


def told_apart(frame: pd.DataFrame, counts: np.ndarray) -> Differing:
    """Return the rows of a frame that differ, with the sums of these counts of shape (n,)."""
    names = list(frame.columns)
    codes = frame.groupby(names, dropna=False, observed=True, sort=False).ngroup().to_numpy()
    _, first = np.unique(codes, return_index=True)
    summed = np.bincount(codes, weights=counts, minlength=len(first))
    return Differing(frame.iloc[first].reset_index(drop=True), summed.astype(np.int64))
