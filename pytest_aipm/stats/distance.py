"""How far the distributions of groups lie apart: the Kolmogorov-Smirnov distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from pytest_aipm.stats.estimate import Array, Limit, Numbers, as_array

__all__ = ["Distance", "ks_distance"]

Sample = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Distinct values, ascending, and how often each occurs."""

POWER = float(ndtri(0.80))
SUPREMUM = 1.07
"""80 % quantile of Kolmogorov's distribution: how far a distance of 0 seems, in units of s."""
CELLS = 4_000_000
"""Values of distribution functions held at once."""
MOST = 1e4


@dataclass(frozen=True, kw_only=True)
class Distance(Numbers):
    """The largest distance between distributions; see `ks_distance`."""

    between: tuple[tuple[float, ...], ...]
    confidence: float
    reference: Literal["highest", "largest"] | int
    min_size: float

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> Distance:
        """Return the same distances with other rows; a group has no value of its own to move.

        Raises
        ------
        ValueError
            When the groups are not the same.
        """
        del values
        if len(sizes) != len(self.sizes):
            raise ValueError("distances to a group that was never seen are unknown")
        return _measure(
            np.array(self.between), as_array(sizes), self.confidence, self.reference, self.min_size
        )

    def _pairs(self) -> _Pairs | None:
        return _pairs(np.array(self.sizes), self.confidence, self.reference, self.min_size)

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return the largest, over groups, of the smallest distances caught at 80 % power.

        The other groups agree; only the nearest in size is needed to catch one. Normal at the
        point where two distributions lie farthest apart, with the largest variance there can be.
        """
        del seed
        pairs, breach = self._pairs(), limit[1]
        if pairs is None or breach is None:
            return None
        gaps = breach + pairs.proof + POWER * pairs.spread / 2
        nearest: dict[int, float] = {}
        for one, other, gap in zip(pairs.one, pairs.other, gaps, strict=True):
            for group in (int(one), int(other)):
                nearest[group] = min(nearest.get(group, np.inf), float(gap))
        caught = [(gap, group) for group, gap in nearest.items() if gap <= 1]
        return max(caught, default=None)

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return the factor on all rows that decides in 80 % of samples, and the pair.

        The observed distances are taken as true.
        """
        del seed
        pairs, breach = self._pairs(), limit[1]
        if pairs is None or breach is None:
            return None
        room = pairs.of(np.array(self.between)) - breach
        if room.max() > 0:
            beyond = np.where(room > 0, room, np.nan)
            root = (pairs.proof + POWER * pairs.spread / 2) / beyond
            binding = int(np.nanargmin(root))
        else:
            with np.errstate(divide="ignore"):
                root = (pairs.radius + SUPREMUM * pairs.spread) / -room
            binding = int(np.argmax(root))
        factor = max(1.0, float(root[binding]) ** 2)
        if factor > MOST:
            return None
        return factor, (int(pairs.one[binding]), int(pairs.other[binding]))


def ks_distance(
    samples: Sequence[Sample],
    confidence: float = 0.95,
    *,
    reference: Literal["highest", "largest"] | int = "highest",
    min_size: float = 1,
) -> Distance:
    """Return the largest vertical distance between the distribution functions of groups.

    The lower end holds bands around all K functions at once, each
    ``sqrt(log(2 K / alpha) / (2 n))`` wide (Dvoretzky, Kiefer and Wolfowitz with the constant of
    Massart 1990, Annals of Probability 18:1269): a pair is at least its distance less both bands
    apart. The upper end needs the distance at one point only, where Hoeffding's bound (1963, JASA
    58:13) gives ``sqrt(log(1 / alpha) (1 / n_i + 1 / n_j) / 2)``. Both hold for every size and
    every distribution.

    Parameters
    ----------
    samples : sequence of K (values, counts)
        Distinct values, ascending, and how often each occurs.
    confidence : float
        Of each end, one-sided.
    reference : {"highest", "largest"} or int
        All pairs, or all groups against the largest or one of them.
    min_size : float
        Smaller groups are not judged.

    Returns
    -------
    Distance
        ``max``, in [0, 1]; value nan with fewer than two judged groups. ``parts`` hold the
        distance of each group from the group farthest from it.
    """
    sizes = np.array([counts.sum() for _, counts in samples], dtype=np.float64)
    return _measure(_matrix(samples, sizes), sizes, confidence, reference, min_size)


def _matrix(samples: Sequence[Sample], sizes: Array) -> Array:
    """Return the distances of all pairs, shape (K, K)."""
    k = len(samples)
    grid = np.unique(np.concatenate([values for values, _ in samples]))
    sums = [np.concatenate([[0], np.cumsum(counts)]) for _, counts in samples]
    found = np.zeros((k, k))
    for points in np.array_split(grid, max(1, k * len(grid) // CELLS)):
        below = np.array(
            [
                total[np.searchsorted(values, points, side="right")] / max(size, 1)
                for (values, _), total, size in zip(samples, sums, sizes, strict=True)
            ]
        )
        for i in range(k):
            np.maximum(found[i], np.abs(below - below[i]).max(axis=1), out=found[i])
    return found


@dataclass(frozen=True)
class _Pairs:
    """The pairs compared, and for each what its ends are away from its distance.

    ``spread`` is s = sqrt(1/n_i + 1/n_j); ``proof`` is corrected for all groups, ``radius`` not.
    """

    one: NDArray[np.intp]
    other: NDArray[np.intp]
    spread: Array
    proof: Array
    radius: Array
    groups: int

    def of(self, between: Array) -> Array:
        """Return the distances of the pairs."""
        return np.asarray(between[self.one, self.other])


def _pairs(
    sizes: Array, confidence: float, reference: Literal["highest", "largest"] | int, min_size: float
) -> _Pairs | None:
    keep = sizes >= max(min_size, 1)
    named = int(np.argmax(sizes)) if reference == "largest" else reference
    if isinstance(named, int):
        if sizes[named] < 1:
            return None
        keep[named] = True
    index = np.flatnonzero(keep)
    if index.size < 2:
        return None
    one, other = (index[side] for side in np.triu_indices(index.size, 1))
    if isinstance(named, int):
        with_named = (one == named) | (other == named)
        one, other = one[with_named], other[with_named]
    alpha = 1 - confidence
    spread = np.sqrt(1 / sizes[one] + 1 / sizes[other])
    return _Pairs(
        one,
        other,
        spread,
        _bands(sizes, one, other, alpha / index.size),
        np.sqrt(np.log(1 / alpha) / 2) * spread,
        int(index.size),
    )


def _bands(sizes: Array, one: NDArray[np.intp], other: NDArray[np.intp], alpha: float) -> Array:
    """Return the widths of both groups' bands together, each at level `alpha`."""
    return np.asarray(
        np.sqrt(np.log(2 / alpha) / 2) * (1 / np.sqrt(sizes[one]) + 1 / np.sqrt(sizes[other]))
    )


def _measure(
    between: Array,
    sizes: Array,
    confidence: float,
    reference: Literal["highest", "largest"] | int,
    min_size: float,
) -> Distance:
    pairs = _pairs(sizes, confidence, reference, min_size)
    value, lower, upper = float("nan"), 0.0, 1.0
    pair: tuple[int, ...] = ()
    parts = np.full((3, len(sizes)), np.nan)
    if pairs is not None:
        seen = pairs.of(between)
        widest = int(np.argmax(seen))
        pair = (int(pairs.one[widest]), int(pairs.other[widest]))
        value = float(seen[widest])
        lower = max(0.0, float((seen - pairs.proof).max()))
        upper = min(1.0, float((seen + pairs.radius).max()))
        band = _bands(sizes, pairs.one, pairs.other, (1 - confidence) / 2)
        ends = np.clip([seen, seen - band, seen + pairs.radius], 0, 1)
        for side in (pairs.one, pairs.other):
            for place, group in enumerate(side):
                parts[:, group] = np.fmax(parts[:, group], ends[:, place])
    groups = "" if pairs is None else f" of {pairs.groups} groups"
    return Distance(
        value=value,
        lower=lower,
        upper=upper,
        pair=pair,
        method=f"Kolmogorov-Smirnov distance, Dvoretzky-Kiefer-Wolfowitz bands{groups}",
        aggregate="max",
        sizes=tuple(map(float, sizes)),
        parts=tuple((float(v), float(low), float(high)) for v, low, high in parts.T),
        between=tuple(tuple(map(float, row)) for row in between),
        confidence=confidence,
        reference=reference,
        min_size=min_size,
    )
