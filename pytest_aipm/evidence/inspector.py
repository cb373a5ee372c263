"""Whether numbers tell groups apart: a classifier learned on one half, tried on the other."""

from __future__ import annotations

import math

import numpy as np
from threadpoolctl import threadpool_limits

from pytest_aipm.evidence.sample import generator
from pytest_aipm.stats.auc import delong
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
    values: np.ndarray, group: np.ndarray, groups: int, seed: int
) -> list[AucPart | None]:
    """Return how well each group is told from all others, by rows that were not learned from.

    Parameters
    ----------
    values : array of shape (n, p)
    group : int array of shape (n,)
    groups : int
    seed : int
        Halves are drawn within each group.

    Returns
    -------
    list of AucPart or None
        The mean AUC of both halves, at least 0.5; None where a group has too few rows.
    """
    rng = generator(seed, "inspector")
    half = np.zeros(len(group), dtype=bool)
    for i in range(groups):
        own = rng.permutation(np.flatnonzero(group == i))
        half[own[: len(own) // 2]] = True
    terms = _terms(values)
    parts: list[AucPart | None] = []
    for i in range(groups):
        inside = group == i
        if groups == 2 and i == 1:
            parts.append(parts[0])  # who is not of the one is of the other
            continue
        if min(inside.sum(), (~inside).sum()) < LEAST:
            parts.append(None)
            continue
        found = [_tried(terms, inside, learn, ~learn) for learn in (half, ~half)]
        # fewer right than by guessing is chance: an inspector could always guess
        auc = max(sum(each[0] for each in found) / 2, 0.5)
        variance = sum(each[1] for each in found) / 4 * (1 + SHARED)
        parts.append(AucPart(auc, variance, float(inside.sum()), float((~inside).sum())))
    return parts


def _terms(values: np.ndarray) -> np.ndarray:
    """Return values and squares in standard deviations; what never varies tells nothing."""
    spread = values.std(axis=0)
    kept = values[:, spread > 1e-12 * max(float(np.abs(values).max(initial=0.0)), 1e-300)]
    if not kept.shape[1]:
        return np.zeros((len(values), 1))
    scaled = (kept - kept.mean(axis=0)) / kept.std(axis=0)
    squares = scaled**2
    wide = squares.std(axis=0)
    return np.column_stack([scaled, (squares - 1) / np.where(wide > 0, wide, 1.0)])


def _tried(
    terms: np.ndarray, inside: np.ndarray, learn: np.ndarray, on: np.ndarray
) -> tuple[float, float]:
    """Return the AUC on rows that were not learned from, and its variance."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - heavy, and only here

    judge = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=100)
    with threadpool_limits(limits=1):  # small matrices, and the same bits on any machine
        judge.fit(terms[learn], inside[learn])
    said = judge.decision_function(terms[on])
    return delong(said[inside[on]], said[~inside[on]])
