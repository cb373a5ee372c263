"""Values that are there, but are widely used to say that nobody knows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["WORDS", "missing_number"]

_SIGNS = ("", "?", "-", "--", ".", "...", "-1", "-9", "-99", "-999", "-9999")
_SHORT = ("n/a", "na", "n.a.", "#n/a", "nan", "none", "null", "nil", "tbd", "unk")
_LONG = ("missing", "unknown", "undefined", "refused", "no answer", "not available", "not known")
WORDS = frozenset((*_SIGNS, *_SHORT, *_LONG, "not reported"))
"""Texts that are commonly written where nobody knows, in small letters, without blanks around."""
_CODES = frozenset(
    float(sign * value) for value in (9, 99, 999, 9999, 99999, 999999) for sign in (1, -1)
) | {-1.0}
_LEAST = 0.001
"""Share of the rows from which an extreme number that looks like a code is taken for one."""


def missing_number(
    values: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[float, int] | None:
    """Return a number that seems to be a code, and how often it occurs; None where none does.

    It is the lowest or the highest number, is written like a code (-1, 99, -999), occurs at least
    twice, and lies apart: by more than all the others span, or alone on its side of zero.

    Parameters
    ----------
    values : float array of shape (m,)
        Ascending.
    counts : int array of shape (m,)
    """
    if values.size < 4:
        return None
    for end, near, far in ((0, 1, -1), (-1, -2, 0)):
        code, times = float(values[end]), int(counts[end])
        if code not in _CODES or times < max(2, _LEAST * counts.sum()):
            continue
        gap, span = abs(code - values[near]), abs(values[near] - values[far])
        alone = code < 0 <= values[near]
        if gap > span or (alone and end == 0):
            return code, times
    return None
