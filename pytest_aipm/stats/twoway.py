"""Values of rows met against background rows: what is the row's, the background's, and left over.

A walk from background row b to row i gives v_ib = a_i - c_b + e_ib. Each row meets a few of the
background rows only; the least-squares fit of a and c takes out which ones it happened to meet,
so that for functions without interactions a_i is exact after two walks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pytest_aipm.stats.estimate import Array

__all__ = ["TwoWay", "two_way"]

SWEEPS = 60
PRECISION = 1e-10


@dataclass(frozen=True, eq=False)
class TwoWay:
    """The fit.

    Attributes
    ----------
    row : array of shape (n, p)
        Each row's value against the mean of the background.
    background : array of shape (m, p)
        How far each background row moves the value of a row that meets it; mean 0.
    rest : array of shape (n, r, p)
    met : int array of shape (n, r)
        Which background rows each row met.
    """

    row: Array
    background: Array
    rest: Array
    met: NDArray[np.intp]

    @cached_property
    def _dealt(self) -> csr_array:
        return _dealt(self.met, len(self.background))

    def moved(self, weight: Array) -> Array:
        """Return how far each background row moves weighted means of the rows' values.

        The variance of these over background rows, divided by their number, is the part of a
        mean's variance that comes from the background; what is left over of single cells inflates
        it a little, never the other way.

        Parameters
        ----------
        weight : array of shape (n, p)
            The means are ``mean of weight * row`` over rows.

        Returns
        -------
        array of shape (m, p)
        """
        r = self.rest.shape[1]
        # the fit of r values a row takes 1 / r of what is left over with it
        grown = self.rest * (r / (r - 1) if r > 1 else 1.0)
        left = (weight[:, None, :] * grown).reshape(-1, weight.shape[1])
        times = np.maximum(self._dealt.sum(axis=1), 1.0)[:, None]
        found: Array = self.background * weight.mean(axis=0) + (self._dealt @ left) / times
        return found


def two_way(values: Array, met: NDArray[np.intp], m: int) -> TwoWay:
    """Fit rows and background rows by least squares, by alternating projections.

    Parameters
    ----------
    values : array of shape (n, r, p)
    met : int array of shape (n, r)
        Which of `m` background rows each value was taken against.
    m : int
    """
    n, r, p = values.shape
    dealt = _dealt(met, m)
    times = np.maximum(dealt.sum(axis=1), 1.0)[:, None]
    flat = values.reshape(n * r, p)
    background = np.zeros((m, p))
    row = values.mean(axis=1)
    scale = float(np.abs(values).max(initial=0.0))
    for _ in range(SWEEPS if r > 1 else 0):
        new = (dealt @ (flat - np.repeat(row, r, axis=0))) / times
        new -= new.mean(axis=0)
        moved = float(np.abs(new - background).max(initial=0.0))
        background = new
        row = (values - background[met]).mean(axis=1)
        if moved <= PRECISION * scale:
            break
    return TwoWay(row, background, values - row[:, None] - background[met], met)


def _dealt(met: NDArray[np.intp], m: int) -> csr_array:
    cells = met.size
    return csr_array((np.ones(cells), (met.reshape(-1), np.arange(cells))), shape=(m, cells))
