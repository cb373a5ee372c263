"""Standard errors of means over pairs of rows, where one row stands in several pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_aipm.stats.estimate import Array

__all__ = ["dyadic_error"]


def dyadic_error(influence: Array, first: NDArray[np.intp], second: NDArray[np.intp]) -> float:
    """Return the standard error of a mean over pairs, robust to pairs that share a row.

    The sum over all two pairs with a row in common of the product of their influences (Fafchamps
    and Gubert 2007, Journal of Development Economics 83:326): the square of the sum over the
    pairs of each row, less what is counted twice; never less than were pairs independent.

    Parameters
    ----------
    influence : array of shape (N,)
        How far each pair moves the mean; mean 0.
    first, second : int array of shape (N,)
        The two rows of each pair, numbered alike from 0; a pair holds two different rows.
    """
    n = int(max(first.max(), second.max())) + 1
    sums = np.bincount(first, influence, minlength=n) + np.bincount(second, influence, minlength=n)
    squares = float((influence**2).sum())
    return float(np.sqrt(max(float((sums**2).sum()) - squares, squares)) / len(influence))
