"""Scores of one cell, kept as distinct values with counts, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["ScoreBag", "merge_bags", "rounded"]

MAX_DISTINCT = 250_000
"""Beyond this many distinct values a bag keeps 16 significant bits of each score.

That is about 5 MB a bag, and moved the AUC of two million scores (normal, uniform, beta) by less
than 1e-8.
"""


@dataclass(frozen=True)
class ScoreBag:
    """A multiset of scores.

    Attributes
    ----------
    values : float array of shape (d,)
        Distinct scores, ascending.
    counts : int array of shape (d,)
        How often each occurs.
    exact : bool
        False once scores were rounded to 16 significant bits.
    """

    values: np.ndarray
    counts: np.ndarray
    exact: bool = True

    @classmethod
    def of(cls, scores: np.ndarray) -> ScoreBag:
        """Return the bag of an array of shape (n,)."""
        values, counts = np.unique(np.asarray(scores, dtype=float), return_counts=True)
        return cls(values, counts.astype(np.int64))

    @property
    def n(self) -> int:
        """How many scores the bag holds."""
        return int(self.counts.sum())

    def median(self) -> float:
        """Return the median: the mean of the two middle scores when there is an even number."""
        ends = np.cumsum(self.counts)
        middle = [(self.n - 1) // 2, self.n // 2]
        low, high = np.searchsorted(ends, middle, side="right")
        return float(self.values[low] + self.values[high]) / 2


def merge_bags(bags: Sequence[ScoreBag]) -> ScoreBag:
    """Return one bag of all, rounded when it would hold too many distinct values.

    Whether it is rounded depends on all scores together, so that every order of merging gives the
    same bag.
    """
    if not bags:
        return ScoreBag.of(np.empty(0))
    if len(bags) == 1 and len(bags[0].values) <= MAX_DISTINCT:
        return bags[0]
    values = np.concatenate([bag.values for bag in bags])
    counts = np.concatenate([bag.counts for bag in bags])
    exact = all(bag.exact for bag in bags)
    found, summed = _summed(values if exact else rounded(values), counts)
    if exact and len(found) > MAX_DISTINCT:
        exact = False
        found, summed = _summed(rounded(found), summed)
    return ScoreBag(found, summed, exact)


def _summed(values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values, ascending, and how often each occurs."""
    order = np.argsort(values, kind="stable")  # merges runs that are sorted already
    ranked = values[order]
    first = np.flatnonzero(np.diff(ranked, prepend=np.nan) != 0)
    summed = np.add.reduceat(counts[order], first) if len(first) else counts
    return ranked[first], summed


def rounded(values: np.ndarray) -> np.ndarray:
    """Round to 16 significant bits; order is kept, close scores may tie."""
    mantissa, exponent = np.frexp(values)
    rounded: np.ndarray = np.ldexp(np.round(mantissa * 65536) / 65536, exponent)
    return rounded
