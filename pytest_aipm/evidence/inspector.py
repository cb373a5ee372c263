"""Whether numbers tell groups apart: a classifier learned on one half, tried on the other."""

from __future__ import annotations

import math

import numpy as np
from threadpoolctl import threadpool_limits

from pytest_aipm.evidence.sample import generator
from pytest_aipm.stats.auc import delong
from pytest_aipm.stats.effective import auc_part
from pytest_aipm.stats.effects import Units
from pytest_aipm.stats.parts import AucPart

__all__ = ["LEAST", "inspected"]

SHARED = 2 / math.pi
"""Largest covariance of the AUCs of both halves where groups are alike, in their variances.

What each half seems to show by chance, the other half tries: with x and y the differences between
the groups in the halves, the AUCs move with sign(x) y and sign(y) x, whose covariance is
``E|x| E|y|``. So both are above a half together, or below it together.
"""
LEAST = 4
"""Rows of a group, and others, without which nothing can be learned and tried."""


def inspected(
    values: np.ndarray,
    group: np.ndarray,
    groups: int,
    seed: int,
    *,
    units: Units | None = None,
    alpha: float = 0.05,
) -> list[AucPart | None]:
    """Return how well each group is told from all others, by rows that were not learned from.

    Parameters
    ----------
    values : array of shape (n, p)
    group : int array of shape (n,)
    groups : int
    seed : int
        Halves are drawn within each group; all rows of a person are in the same one.
    units : Units, optional
        Whom the rows stand for; default each for one person.
    alpha : float
        Level of the bounds, for the degrees of freedom that people leave.

    Returns
    -------
    list of AucPart or None
        The mean AUC of both halves, at least 0.5; None where a group has too few rows.
    """
    rng = generator(seed, "inspector")
    # a person is of the group of their first row
    _, person, whose = np.unique(_people(units, len(group)), return_index=True, return_inverse=True)
    half = np.zeros(len(person), dtype=bool)
    for i in range(groups):
        own = rng.permutation(np.flatnonzero(group[person] == i))
        half[own[: len(own) // 2]] = True
    half = half[whose]
    terms = _terms(values, np.ones(len(group)) if units is None else units.weight)
    parts: list[AucPart | None] = []
    for i in range(groups):
        inside = group == i
        if groups == 2 and i == 1:
            parts.append(parts[0])  # who is not of the one is of the other
            continue
        sides = [np.unique(whose[side]).size for side in (inside, ~inside)]
        if min(sides) < LEAST or any(_one_kind(inside, part) for part in (half, ~half)):
            parts.append(None)
            continue
        tried = [_tried(terms, inside, learn, ~learn, units, alpha) for learn in (half, ~half)]
        found = [(each.auc, each.variance) for each in tried]
        # fewer right than by guessing is chance: an inspector could always guess
        auc = max(sum(each[0] for each in found) / 2, 0.5)
        variance = sum(each[1] for each in found) / 4 * (1 + SHARED)
        parts.append(AucPart(auc, variance, *_sizes(inside, units)))
    return parts


def _people(units: Units | None, n: int) -> np.ndarray:
    return np.arange(n) if units is None or units.unit is None else units.unit


def _one_kind(inside: np.ndarray, part: np.ndarray) -> bool:
    """Whether a half has rows of the group only, or of the others: of a few people it may."""
    return bool(inside[part].all() or not inside[part].any())


def _sizes(inside: np.ndarray, units: Units | None) -> tuple[float, float]:
    if units is None:
        return float(inside.sum()), float((~inside).sum())
    return units.inside(inside).size, units.inside(~inside).size


def _terms(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return values and squares in standard deviations; what never varies tells nothing."""
    spread = values.std(axis=0)
    kept = values[:, spread > 1e-12 * max(float(np.abs(values).max(initial=0.0)), 1e-300)]
    if not kept.shape[1]:
        return np.zeros((len(values), 1))
    scaled = kept - np.average(kept, axis=0, weights=weight)
    scaled /= np.sqrt(np.average(scaled**2, axis=0, weights=weight))
    squares = scaled**2
    wide = np.sqrt(np.average((squares - 1) ** 2, axis=0, weights=weight))
    return np.column_stack([scaled, (squares - 1) / np.where(wide > 0, wide, 1.0)])


def _tried(
    terms: np.ndarray,
    inside: np.ndarray,
    learn: np.ndarray,
    on: np.ndarray,
    units: Units | None,
    alpha: float,
) -> AucPart:
    """Return the AUC on rows that were not learned from, and its variance."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - heavy, and only here

    judge = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=100)
    with threadpool_limits(limits=1):  # small matrices, and the same bits on any machine
        judge.fit(terms[learn], inside[learn], None if units is None else units.weight[learn])
    said, own = judge.decision_function(terms[on]), inside[on]
    if units is None:
        return AucPart(*delong(said[own], said[~own]), float(own.sum()), float((~own).sum()))
    whose = None if units.unit is None else np.unique(units.unit[on], return_inverse=True)[1]
    return auc_part(said, own, units.weight[on], whose, alpha)
