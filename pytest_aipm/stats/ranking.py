"""Places in a ranking: the attention that each gets, and how near an order is to the ideal one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pytest_aipm.stats.estimate import Array

__all__ = ["Ranking", "ndcg"]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows ranked within their query, the highest score first.

    Parameters
    ----------
    query : int ndarray, shape (n,)
        Number of each row's query, from 0.
    score : ndarray, shape (n,)
    positions : int or None
        How many places of a query are seen at all; None for every one.
    """

    query: NDArray[np.int64]
    score: Array
    positions: int | None = None

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Rows by query, then by descending score."""
        return np.lexsort((-self.score, self.query))

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Rows of each query."""
        return np.bincount(self.query)

    @cached_property
    def discount(self) -> Array:
        """Discount of each place in `order`: 1 / log2(1 + rank), 0 for places that nobody sees."""
        starts = np.cumsum(self.sizes) - self.sizes
        rank = np.arange(len(self.query)) - np.repeat(starts, self.sizes) + 1
        seen = True if self.positions is None else rank <= self.positions
        return np.where(seen, 1 / np.log2(1 + rank), 0.0)

    def exposure(self) -> Array:
        """Return the exposure of each row, shape (n,); rows that tie share that of their places.

        Singh and Joachims 2018, "Fairness of exposure in rankings", with the usual logarithmic
        discount; ties are in a random order, of which this is the expectation.
        """
        query, score = self.query[self.order], self.score[self.order]
        new = np.ones(len(query), dtype=bool)
        new[1:] = (query[1:] != query[:-1]) | (score[1:] != score[:-1])
        block = np.cumsum(new) - 1
        shared = np.bincount(block, weights=self.discount) / np.bincount(block)
        exposure = np.empty(len(query))
        exposure[self.order] = shared[block]
        return exposure

    def total(self, values: Array) -> Array:
        """Return the sum of `values` over the rows of each query."""
        return np.asarray(np.bincount(self.query, values, len(self.sizes)), dtype=np.float64)


def ndcg(
    query: NDArray[np.int64], score: Array, relevance: Array, positions: int | None = None
) -> Array:
    """Return the normalised discounted cumulative gain of each query.

    Gains are the relevances themselves, discounts logarithmic, ties averaged, as in
    ``sklearn.metrics.ndcg_score`` (Järvelin and Kekäläinen 2002; McSherry and Najork 2008).

    Parameters
    ----------
    query, score, relevance : ndarrays, shape (n,)
        Relevances are at least 0.
    positions : int or None
        The first places that count.

    Returns
    -------
    ndarray, one value a query
        nan where nothing is relevant or there is one row: every order is as good.
    """
    given, ideal = (Ranking(query, by, positions) for by in (score, relevance))
    gain, best = (each.total(relevance * each.exposure()) for each in (given, ideal))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((best > 0) & (given.sizes > 1), gain / best, np.nan)
