"""How well single columns tell a group from all others, by rows that were not learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.weighing import beside, standing
from pytest_aipm.stats.effects import Units

__all__ = ["FOLDS", "People", "Proxy", "people_of", "proxies"]

ROWS = 10_000
"""Most rows that are learned from: columns alone cost little, the model is not asked."""

BINS = 10
LEVELS = 50
"""Rarer values than this many share one code: each has too few rows to learn from."""
FOLDS = 20
PRIOR = 5.0
"""Rows of the general rate that are added to each code's rate."""


@dataclass(frozen=True, eq=False)
class Proxy:
    """How well one column tells a group from all others.

    Attributes
    ----------
    auc : float
    without : float array of shape (FOLDS,)
        The same without each twentieth of the rows, learning and trying anew: what a jackknife
        needs, which knows of the noise in what was learned, too.
    """

    auc: float
    without: np.ndarray


@dataclass(frozen=True, eq=False)
class People:
    """A sample of rows with their groups.

    Attributes
    ----------
    features : DataFrame of n rows
        Its index holds global row numbers.
    group : int array of shape (n,)
        -1 when unknown.
    units : Units
        Whom the rows stand for.
    """

    features: pd.DataFrame
    group: np.ndarray
    units: Units


def people_of(evidence: Evidence, groups: Grouping) -> People:
    """Return features and groups of at most 10,000 rows, chosen by the seed.

    A sample of fewer rows with the same seed is a part of it.
    """
    features = evidence.feature_columns()
    subject = evidence.subject
    columns = [*features, *(subject.attribute(name).column for name in groups.by)]
    drawn = evidence.drawn(evidence.data, list(dict.fromkeys([*columns, *beside(subject)])), ROWS)
    frame, weight, person = standing(subject, drawn)
    units = Units.of(len(frame), weight, person)
    return People(frame[features], groups.members(subject, frame), units)


def proxies(
    frame: pd.DataFrame, inside: np.ndarray, seed: int, units: Units | None = None
) -> dict[str, Proxy]:
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
    units : Units, optional
        Whom the rows stand for; default each for one person, whose rows are in the same half.
    """
    units = units or Units.of(len(inside), None, None)
    rng = generator(seed, "proxies")
    whose = np.arange(len(inside)) if units.unit is None else units.unit
    _, person, whose = np.unique(whose, return_index=True, return_inverse=True)
    place = np.zeros(len(person), dtype=np.int64)
    for side in (inside, ~inside):  # a person is of the group of their first row
        own = rng.permutation(np.flatnonzero(side[person]))
        place[own] = np.arange(len(own)) % (2 * FOLDS)
    place = place[whose]
    return {
        name: _proxy(_codes(frame[name]), inside, place, units.weight) for name in frame.columns
    }


def _proxy(codes: np.ndarray, inside: np.ndarray, place: np.ndarray, weight: np.ndarray) -> Proxy:
    """Return it from counts of the group and the others in each class, half and fold."""
    classes = int(codes.max()) + 1
    cell = (place * classes + codes) * 2 + inside
    counts = np.bincount(cell, weights=weight, minlength=4 * FOLDS * classes)
    counts = counts.reshape(FOLDS, 2, classes, 2)
    whole = counts.sum(axis=0)
    return Proxy(_auc(whole), np.array([_auc(whole - fold) for fold in counts]))


def _auc(halves: np.ndarray) -> float:
    """Return the mean AUC of both halves, each ranked by the rates of the other.

    Parameters
    ----------
    halves : array of shape (2, classes, 2)
        Others and group in each class of each half.
    """
    found = []
    for learn, on in (halves, halves[::-1]):
        rate = (learn[:, 1] + PRIOR * learn[:, 1].sum() / max(learn.sum(), 1e-9)) / (
            learn.sum(axis=1) + PRIOR
        )
        _, rank = np.unique(rate, return_inverse=True)
        others, group = (np.bincount(rank, weights=on[:, side]) for side in (0, 1))
        below = np.cumsum(others) - others / 2
        pairs = others.sum() * group.sum()
        found.append(float(group @ below / pairs) if pairs else 0.5)
    return float(np.mean(found))


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
