"""Groups with too small a share of the rows to be compared: counted and shown, with the reason.

New York City's rule on bias audits lets an auditor leave a category of less than 2 % of the data
out of impact ratios, if its count and rate stay in the summary (6 RCNY 5-301(d)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_aipm.records import GroupValue

__all__ = ["TooFew", "too_few"]

_TINY = 1e-12
"""Shares closer than this to the bound are on it: 7 of 100 is not less than 0.07."""


@dataclass(frozen=True)
class TooFew:
    """Which groups are left out.

    Attributes
    ----------
    left_out : tuple of int
        Their numbers.
    shares : float array of shape (K,)
        What part of all rows each group has; of all weight, where rows are weighted.
    min_share : float
    """

    left_out: tuple[int, ...]
    shares: np.ndarray
    min_share: float

    def kept(self, sizes: np.ndarray) -> np.ndarray:
        """Return the sizes of shape (K,) with 0 for the groups that are left out."""
        kept = np.array(sizes)
        kept[list(self.left_out)] = 0
        return kept

    def noted(self, groups: Sequence[GroupValue]) -> Sequence[GroupValue]:
        """Return the records of the groups; those that are left out say why."""
        if not self.left_out:
            return groups
        noted = list(groups)
        for i in self.left_out:
            note = (
                f"not compared: {self.shares[i]:.2%} of the rows, less than the "
                f"{self.min_share:.4g} of `min_share`"
            )
            noted[i] = noted[i].model_copy(update={"judged": False, "note": note})
        return tuple(noted)


def too_few(min_share: float | None, sizes: np.ndarray, weight: np.ndarray | None = None) -> TooFew:
    """Return the groups with less than `min_share` of the rows that have a group.

    Parameters
    ----------
    min_share : float or None
        None leaves nobody out.
    sizes : int array of shape (K,)
        Rows of each group.
    weight : array of shape (K,), optional
        What they stand for.
    """
    stands = np.asarray(sizes if weight is None else weight, dtype=float)
    shares = stands / max(float(stands.sum()), _TINY)
    if min_share is None:
        return TooFew((), shares, 0.0)
    out = np.flatnonzero(shares < min_share - _TINY)
    return TooFew(tuple(int(i) for i in out), shares, min_share)
