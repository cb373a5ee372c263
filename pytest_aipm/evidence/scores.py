"""Scores of one cell, kept as distinct values with counts, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["ScoreBag"]

MAX_DISTINCT = 1_000_000
"""Beyond this many distinct values a bag keeps 16 significant bits of each score.

At 16 bits the AUC of ten million uniform scores moves by less than 1e-6, far inside its interval.
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

    def merge(self, other: ScoreBag) -> ScoreBag:
        """Return the bag of both."""
        return merge_bags([self, other])


def merge_bags(bags: list[ScoreBag]) -> ScoreBag:
    """Return one bag of all, rounded when it would hold too many distinct values."""
    if not bags:
        return ScoreBag.of(np.empty(0))
    if len(bags) == 1:
        return bags[0]
    values = np.concatenate([bag.values for bag in bags])
    counts = np.concatenate([bag.counts for bag in bags])
    exact = all(bag.exact for bag in bags)
    if not exact:
        values = _round_bits(values)
    distinct, inverse = np.unique(values, return_inverse=True)
    if len(distinct) > MAX_DISTINCT and exact:
        exact = False
        distinct, inverse = np.unique(_round_bits(values), return_inverse=True)
    summed = np.bincount(inverse, weights=counts, minlength=len(distinct))
    return ScoreBag(distinct, summed.astype(np.int64), exact)


def _round_bits(values: np.ndarray) -> np.ndarray:
    """Round to 16 significant bits; order is kept, close scores may tie."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 65536) / 65536, exponent)
