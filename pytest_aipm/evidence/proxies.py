"""How well single columns tell a group from all others, by rows that were not learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.evidence.sample import generator, sample_rows
from pytest_aipm.stats.auc import placements

__all__ = ["People", "Proxy", "people_of", "proxies"]

ROWS = 10_000
"""Most rows that are learned from: columns alone cost little, the model is not asked."""

BINS = 10
LEVELS = 50
"""Rarer values than this many share one code: each has too few rows to learn from."""
PRIOR = 5.0
"""Rows of the general rate that are added to each code's rate."""


@dataclass(frozen=True, eq=False)
class Proxy:
    """How well one column tells a group from all others.

    Attributes
    ----------
    auc : float
    influence : float array of shape (n,)
        How far each row moves it, mean 0.
    """

    auc: float
    influence: np.ndarray


@dataclass(frozen=True, eq=False)
class People:
    """A sample of rows with their groups.

    Attributes
    ----------
    features : DataFrame of n rows
        Its index holds global row numbers.
    group : int array of shape (n,)
        -1 when unknown.
    """

    features: pd.DataFrame
    group: np.ndarray

    def places(self, rows: np.ndarray) -> np.ndarray:
        """Return where rows of these numbers stand, for those that are there."""
        places = pd.Index(self.features.index).get_indexer(rows)
        return np.asarray(places)


def people_of(evidence: Evidence, groups: Grouping) -> People:
    """Return features and groups of at most 10,000 rows, chosen by the seed.

    A sample of fewer rows with the same seed is a part of it.
    """
    features = evidence.feature_columns()
    columns = [*features, *(evidence.subject.attribute(name).column for name in groups.by)]
    batches = evidence.data.batches(list(dict.fromkeys(columns)))
    frame = sample_rows(batches, ROWS, evidence.seed)
    return People(frame[features], groups.members(evidence.subject, frame))


def proxies(frame: pd.DataFrame, inside: np.ndarray, seed: int) -> dict[str, Proxy]:
    """Return it for every column, whatever its type and however it goes along with the group.

    A column's values are put into classes (tenths of a number, values else); the share of the
    group in each class is learned on one half of the rows and ranks the other half, and the
    reverse. So a column without information has an AUC of 0.5 on average, whatever its shape.

    Parameters
    ----------
    frame : DataFrame of n rows
    inside : bool array of shape (n,)
        The group; both it and its complement have at least four rows.
    seed : int
    """
    rng, half = generator(seed, "proxies"), np.zeros(len(inside), dtype=bool)
    for side in (inside, ~inside):
        own = rng.permutation(np.flatnonzero(side))
        half[own[: len(own) // 2]] = True
    return {name: _proxy(_codes(frame[name]), inside, half) for name in frame.columns}


def _proxy(codes: np.ndarray, inside: np.ndarray, half: np.ndarray) -> Proxy:
    n, influence, aucs = len(inside), np.zeros(len(inside)), []
    for learn in (half, ~half):
        on = ~learn
        rows = np.bincount(codes[learn], minlength=codes.max() + 1)
        hits = np.bincount(codes[learn], weights=inside[learn], minlength=codes.max() + 1)
        rate = (hits + PRIOR * inside[learn].mean()) / (rows + PRIOR)
        auc, right = placements(rate[codes[on]], inside[on], np.ones(int(on.sum())))
        share = np.where(inside[on], inside[on].mean(), 1 - inside[on].mean())
        influence[on] = (right - auc) / share * n / (2 * on.sum())
        aucs.append(auc)
    return Proxy(float(np.mean(aucs)), influence)


def _codes(column: pd.Series[Any]) -> np.ndarray:
    """Return a class for each row; missing values are one of their own."""
    if pd.api.types.is_datetime64_any_dtype(column):
        column = column.astype("int64").where(column.notna())
    plain = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if plain:
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        known = numbers[~np.isnan(numbers)]
        if len(np.unique(known)) > BINS:
            edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
            codes = np.searchsorted(edges, numbers, side="right")
            return np.where(np.isnan(numbers), len(edges) + 1, codes)
    try:
        codes, _ = pd.factorize(column, use_na_sentinel=False)
    except TypeError:
        codes, _ = pd.factorize(column.map(str), use_na_sentinel=False)
    _, codes, times = np.unique(codes, return_inverse=True, return_counts=True)
    rank = np.empty(len(times), dtype=int)
    rank[np.argsort(-times, kind="stable")] = np.arange(len(times))
    found: np.ndarray = np.minimum(rank[codes], LEVELS)
    return found
