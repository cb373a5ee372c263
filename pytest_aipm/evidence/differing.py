"""Rows that differ, with how many there are of each: a table of any columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

__all__ = ["Differing"]


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
        return cls(batch, np.ones(len(batch), dtype=np.int64))._told_apart()

    def merge(self, other: Differing) -> Differing:
        """Return those of both."""
        if not len(self.counts):
            return other
        if not len(other.counts):
            return self
        frame = pd.concat([self.frame, other.frame], ignore_index=True)
        return Differing(frame, np.concatenate([self.counts, other.counts]))._told_apart()

    def _told_apart(self) -> Differing:
        names = list(self.frame.columns)
        place = self.frame.groupby(names, dropna=False, observed=True, sort=False).ngroup()
        codes = place.to_numpy()
        _, first = np.unique(codes, return_index=True)
        counts = np.bincount(codes, weights=self.counts, minlength=len(first))
        return Differing(self.frame.iloc[first].reset_index(drop=True), counts.astype(np.int64))
