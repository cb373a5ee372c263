"""How well rows hide among rows that look alike: k-anonymity, l-diversity, t-closeness and kin.

A class holds all rows with the same values of the quasi-identifiers; inside it nobody can be told
from the others by those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_aipm.stats.estimate import Array

__all__ = ["Diversity", "Risks", "diversity", "risks"]

Codes = NDArray[np.int64]

CELLS = 2_000_000
"""Cells of a table of classes by values that are held at once."""


@dataclass(frozen=True)
class Risks:
    """How easily a row is found again by its quasi-identifiers.

    Attributes
    ----------
    k : int
        Rows of the smallest class (Sweeney 2002).
    highest, marketer : float
        Prosecutor's highest risk, 1/k, and the mean over all rows, classes / rows (El Emam 2013).
    unique : float
        Share of rows that are alone in their class.
    sizes : int array of shape (classes,)
    """

    k: int
    highest: float
    marketer: float
    unique: float
    sizes: Codes


@dataclass(frozen=True)
class Diversity:
    r"""How much a class tells about a sensitive value, in the worst class.

    Attributes
    ----------
    distinct : int
        Distinct values, the fewest of any class (Machanavajjhala et al. 2007).
    entropy : float
        exp of the entropy: the effective number of values, the lowest of any class.
    recursive : int
        Largest l such that every class is recursively (c, l)-diverse: its most frequent value
        has fewer than c times the rows of the l-th most frequent and all rarer ones.
    closeness : float
        Largest earth mover's distance of a class from all rows (Li, Li, Venkatasubramanian 2007):
        by rank for numbers, the half sum of differences for names.
    disclosure : float
        Largest \\|ln(q/p)\\| of a value that occurs in a class (Brickell, Shmatikov 2008).
    likeness : float
        Largest (q - p)/p (Cao, Karras 2012).
    """

    distinct: int
    entropy: float
    recursive: int
    closeness: float
    disclosure: float
    likeness: float


def risks(classes: Codes) -> Risks:
    """Return the risks of rows in classes.

    Parameters
    ----------
    classes : int array of shape (n,)
        The class of each row, from 0, none of them empty.
    """
    sizes = np.bincount(classes)
    k = int(sizes.min())
    return Risks(
        k=k,
        highest=1 / k,
        marketer=len(sizes) / len(classes),
        unique=float((sizes == 1).sum() / len(classes)),
        sizes=sizes,
    )


def diversity(classes: Codes, values: Codes, *, ordered: bool, c: float = 3.0) -> Diversity:
    """Return what the classes tell about a sensitive column.

    Parameters
    ----------
    classes, values : int arrays of shape (n,)
        Class and sensitive value of each row, each coded from 0 without gaps; codes ascend with
        the values where they are `ordered`.
    ordered : bool
        Whether values are numbers, between which there is a distance.
    c : float
        Of recursive diversity.
    """
    levels = int(values.max()) + 1
    pairs, counts = np.unique(classes * levels + values, return_counts=True)
    group, value = np.divmod(pairs, levels)
    sizes = np.bincount(classes)
    overall = np.bincount(values) / len(values)
    q, p = counts / sizes[group], overall[value]
    entropy = np.bincount(group, weights=-q * np.log(q))
    moved = _moved_by_rank(classes, values, sizes) if ordered else _moved(group, q, p)
    return Diversity(
        distinct=int(np.bincount(group).min()),
        entropy=float(np.exp(entropy.min())),
        recursive=_recursive(group, counts, c),
        closeness=moved,
        disclosure=float(np.abs(np.log(q / p)).max()),
        likeness=float(((q - p) / p).max()),
    )


def _moved(group: Codes, q: Array, p: Array) -> float:
    """Return half the sum of all differences: what is too much is as much as what is too little."""
    return float(np.bincount(group, weights=np.maximum(q - p, 0)).max())


def _moved_by_rank(classes: Codes, values: Codes, sizes: Codes) -> float:
    """Return the largest distance where moving by one rank costs 1 / (ranks - 1)."""
    levels = int(values.max()) + 1
    if levels == 1:
        return 0.0
    overall = np.cumsum(np.bincount(values) / len(values))
    order = np.argsort(classes, kind="stable")
    ends = np.concatenate([[0], np.cumsum(sizes)])
    step, largest = max(1, CELLS // levels), 0.0
    for first in range(0, len(sizes), step):
        last = min(first + step, len(sizes))
        rows = order[ends[first] : ends[last]]
        cells = (classes[rows] - first) * levels + values[rows]
        table = np.bincount(cells, minlength=(last - first) * levels).reshape(-1, levels)
        below = np.cumsum(table / sizes[first:last, None], axis=1)
        largest = max(largest, float(np.abs(below - overall).sum(axis=1).max()))
    return largest / (levels - 1)


def _recursive(group: Codes, counts: Codes, c: float) -> int:
    """Return the largest l that every class bears."""
    order = np.lexsort((-counts, group))
    ranked, of = counts[order], group[order]
    start = np.searchsorted(of, np.arange(of[-1] + 1))
    sums = np.cumsum(ranked)
    before = np.where(np.arange(len(of)) > 0, sums - ranked, 0)
    whole = np.bincount(of, weights=ranked)
    rest = whole[of] - (before - before[start][of])  # this value and all rarer ones
    return int(np.bincount(of, weights=ranked[start][of] < c * rest).min())
