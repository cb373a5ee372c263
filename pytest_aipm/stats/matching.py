"""The mean difference between a group and the most alike members of another one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from pytest_aipm.stats.effects import EffectPart
from pytest_aipm.stats.estimate import Array

__all__ = ["Matched", "matched_difference"]

EXACT = 1e-9
"""A match that is no farther away is alike in everything."""


@dataclass(frozen=True, kw_only=True)
class Matched(EffectPart):
    """A matched difference and how alike the matches are.

    Attributes
    ----------
    exact : float
        Share of the group whose nearest match is alike in everything.
    distance : float
        Median distance to the matches.
    """

    exact: float = 0.0
    distance: float = 0.0

    label = "matched pairs, Abadie-Imbens variance"


def matched_difference(
    own: Array, outcome: Array, others: Array, compared: Array, *, neighbours: int = 3
) -> Matched:
    """Return the group's mean outcome less that of its nearest neighbours in the other group.

    Each member of the group is compared with the `neighbours` nearest of the others, with
    replacement. What is left of the distance is corrected by a linear regression of the others'
    outcome on where they are, weighted by how often each is a match (Abadie and Imbens 2011, JBES
    29:1). The variance is that of Abadie and Imbens (2006), Econometrica 74:235, theorem 7, for
    the effect on the group.

    Parameters
    ----------
    own, others : arrays of shape (n, d) and (m, d)
        Points; ties are broken by the order of `others`, which should be random.
    outcome, compared : arrays of shape (n,) and (m,)
    neighbours : int

    Returns
    -------
    Matched
        Undefined without rows on one side.
    """
    n, m = len(own), len(others)
    if n == 0 or m == 0:
        nan = float("nan")
        return Matched(nan, nan, nan, nan, float(n), 0.0, (-np.inf, np.inf))
    k = min(neighbours, m)
    distance, place = (np.reshape(each, (n, k)) for each in cKDTree(others).query(own, k=k))
    used = np.bincount(place.reshape(-1), minlength=m).astype(float)
    fitted = _fitted(others, compared, used)
    shift = fitted(own)[:, None] - fitted(others)[place]
    gaps = outcome - (compared[place] + shift).mean(axis=1)
    mean = float(gaps.mean())
    noise = _noise(others, compared, neighbours)
    variance = float(((gaps - mean) ** 2).sum() + (used * (used - 1) / k**2) @ noise) / n**2
    error = float(np.sqrt(max(variance, 0.0)))
    return Matched(
        mean,
        mean,
        error,
        error,
        float(n),
        float(n - 1),
        (-np.inf, np.inf),
        exact=float((distance[:, 0] <= EXACT).mean()),
        distance=float(np.median(distance)),
    )


class _Line:
    """A linear regression; flat where there are too few rows for the columns."""

    def __init__(self, slope: Array, middle: Array) -> None:
        self.slope, self.middle = slope, middle

    def __call__(self, points: Array) -> Array:
        return np.asarray((points - self.middle) @ self.slope)


def _fitted(points: Array, outcome: Array, weight: Array) -> _Line:
    there = weight > 0
    x, y, w = points[there], outcome[there], weight[there]
    middle = np.asarray(np.average(x, axis=0, weights=w), dtype=np.float64)
    if len(x) < 2 * (x.shape[1] + 1):
        return _Line(np.zeros(x.shape[1], dtype=np.float64), middle)
    root = np.sqrt(w)[:, None]
    centred = (y - np.average(y, weights=w))[:, None] * root
    slope, *_ = np.linalg.lstsq((x - middle) * root, centred, rcond=1e-8)
    return _Line(np.asarray(slope[:, 0], dtype=np.float64), middle)


def _noise(points: Array, outcome: Array, neighbours: int) -> Array:
    """Return the variance of each outcome about what its own neighbours say."""
    m = len(points)
    k = min(neighbours, m - 1)
    if k < 1:
        return np.zeros(m)
    place = np.asarray(cKDTree(points).query(points, k=k + 1)[1])
    own = np.arange(m)[:, None]
    # where points coincide a row need not be its own nearest: leave out itself, or else the last
    itself = place == own
    itself[~itself.any(axis=1), -1] = True
    near = outcome[place[~itself].reshape(m, k)].mean(axis=1)
    return np.asarray(k / (k + 1) * (outcome - near) ** 2)
