"""An exact second opinion where a tiny slice is compared with a much larger rest.

The score test of 5 rows against 995 rejects a true hypothesis in up to 12.7 % of samples at the
5 % level. There a breach must also be shown by exact bounds of the two rates whose levels add up
to that of the test, which is valid for any number of rows: at most 1.3 %. The choice rests on
denominators only, never on counts, so it costs no level.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.parts import rate_bounds

__all__ = ["guarded", "split_bounds"]

TINY = 20
"""Fewer rows than this in the smaller group ..."""
LOPSIDED = 4
"""... and at least this many times as many in the larger one. Beside a group of its own size a
tiny group keeps its level (25 against 25 rows: 5.7 %), and exact bounds would cost all power."""


def guarded(n1: Array, n2: Array) -> NDArray[np.bool_]:
    """Return which pairs need the second opinion."""
    small, large = np.minimum(n1, n2), np.maximum(n1, n2)
    return np.asarray((small < TINY) & (large >= LOPSIDED * small))


def split_bounds(
    high: tuple[Array, Array], low: tuple[Array, Array], level: float
) -> tuple[Array, Array]:
    """Return the lower bound of the higher rate and the upper bound of the lower one.

    Parameters
    ----------
    high, low : (counts, sizes)
        The two sides of each pair; arrays that broadcast.
    level : float
        Both bounds hold at once with probability ``1 - level`` (Clopper-Pearson, union bound).
        The larger group takes the smaller share of it, half the root of the ratio of sizes.
    """
    (x1, n1), (x2, n2) = high, low
    minor = 0.5 * level * np.sqrt(np.minimum(n1, n2) / np.maximum(n1, n2))
    first = np.where(n1 >= n2, minor, level - minor)
    return rate_bounds(x1, n1, first)[0], rate_bounds(x2, n2, level - first)[1]
