"""Which groups are compared with which, and the test of all those pairs at one limit.

A limit is written as a *breach* ``t`` that grows with the disparity: the difference itself, or
one minus the ratio. "No disparity" is then t = 0 for both, and one upward scan serves both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.exact import Kind, critical_z, exact_p
from pytest_aipm.stats.multiplicity import closed_critical_value, star_critical_value
from pytest_aipm.stats.score import (
    difference_variance,
    difference_z,
    quantile,
    ratio_variance,
    ratio_z,
)

__all__ = ["Contrasts", "Index", "Kind", "against_one", "all_pairs", "among_all", "front"]

Counts = tuple[Array, Array]
Index = NDArray[np.intp]

MANY_OTHERS = 12
FAR = 2.5
"""How far beyond the normal one an exact critical value is looked for in simulated samples."""
SELDOM = 0.01
"""The share of simulated samples below which a pair's exact test is left out."""
FEW_ROWS = 150
"""Pairs of rates whose smaller group has fewer rows are tested exactly ..."""
FEW_AT_MARGIN = 15
"""... and those with fewer rows than expect so many events at a rate equal to the margin, ..."""
FEW_ROWS_AT_ZERO = 750
"""... though never above this."""
SKEWED = 0.1
"""... or whose statistic may be so skewed: a score test then misses its 5 % by 0.3 points."""
FEW_EXPECTED = 50
"""Ratios: the expected events, or failures, of the smaller group below which it is exact."""


def front(rate: Array, size: Array) -> Index:
    """Return the groups that no other group beats in both `rate` and `size` (Pareto front)."""
    order = np.lexsort((-size, -rate))
    best = np.maximum.accumulate(size[order])
    keep = np.ones(order.size, dtype=bool)
    keep[1:] = size[order][1:] > best[:-1]
    return order[keep]


def all_pairs(high: Index, low: Index) -> tuple[Index, Index]:
    """Return every (high, low) of two different groups."""
    i, j = (grid.ravel() for grid in np.meshgrid(high, low, indexing="ij"))
    return i[i != j], j[i != j]


@dataclass(frozen=True)
class Contrasts:
    """The ordered pairs (high, low) that are tested among the judged groups.

    Attributes
    ----------
    kind : {"difference", "ratio"}
        What is compared.
    shape : {"closed", "star", "fixed"}
        Which critical value: all pairs; two directions against one; one direction against one.
    n : ndarray, shape (K,)
        Denominators of the judged groups, all positive.
    high, low : ndarray of int, shape (P,)
        Columns of the extended counts: K groups, then, under `rest`, everyone but group k.
    share : ndarray, shape (P,)
        The group's share of all rows when it is compared with the rest, else 0.
    comparators : ndarray of bool, shape (K,)
        The groups that may be the higher one.
    tests : int
        Comparisons of the whole family, also when only some pairs are kept.
    reference : int
        The one comparator of a star that is not `rest`.
    """

    kind: Kind
    shape: Literal["closed", "star", "fixed"]
    n: Array
    high: Index
    low: Index
    share: Array
    comparators: NDArray[np.bool_]
    tests: int
    reference: int = -1
    rest: bool = False

    def extend(self, x: Array) -> Array:
        """Return counts (..., K), with those of each group's rest appended when needed."""
        if not self.rest:
            return x
        return np.concatenate([x, x.sum(axis=-1, keepdims=True) - x], axis=-1)

    def only(self, keep: Index | NDArray[np.bool_]) -> Contrasts:
        """Return the same comparison with some of its pairs; its critical value is untouched."""
        return replace(self, high=self.high[keep], low=self.low[keep], share=self.share[keep])

    def sized(self, n: Array) -> Contrasts:
        """Return the same comparison with other denominators."""
        return replace(self, n=n)

    def met(self) -> tuple[Contrasts, Index]:
        """Return the same pairs among the groups that stand in one, and which groups those are.

        Of very many groups these are few. The critical value is that of all of them.
        """
        if self.rest:
            return self, np.arange(self.n.size)
        met, places = np.unique([self.high, self.low], return_inverse=True)
        high, low = places.reshape(2, -1)
        n, comparators = self.n[met], self.comparators[met]
        return replace(self, n=n, high=high, low=low, comparators=comparators), met

    def touching(self, group: int) -> Contrasts:
        """Return the pairs that move when one group's rate moves."""
        if self.shape != "closed":
            return self
        others = np.delete(np.arange(self.n.size), group)
        if others.size > MANY_OTHERS:  # the largest groups carry the power
            others = self._largest[self._largest != group][:MANY_OTHERS]
        above = others[self.comparators[others]]
        below = others if self.comparators[group] else others[:0]
        high = np.concatenate([above, np.full(below.size, group)])
        low = np.concatenate([np.full(above.size, group), below])
        return replace(self, high=high, low=low, share=np.zeros(high.size))

    @cached_property
    def _largest(self) -> Index:
        return np.argsort(-self.n, kind="stable")[: MANY_OTHERS + 1]

    def verdicts(
        self, x: Array, breach: float, critical: float, alpha: float, pooled: float
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return, for simulated counts (R, K), whether a pair rejects and whether all pairs hold.

        Parameters
        ----------
        x : ndarray, shape (R, K)
        breach : float
        critical : float
            Of "within the limit", positive.
        alpha : float
            Level at which each pair must be shown to be within.
        pooled : float
            The rate over all groups.
        """
        z, plain = self.z(x, breach), quantile(alpha)
        small = self.small(breach, pooled)
        over, within = z > critical, z < -plain
        found = np.asarray(over[:, ~small].any(axis=1))
        held = np.asarray(within.all(axis=1))
        # few samples hang on a pair that is seldom near: its exact test is left out
        seldom = SELDOM * x.shape[0]
        asked = np.flatnonzero(small & ((over & ~found[:, None]).sum(axis=0) > seldom))
        near = held[:, None] & (z > -plain - FAR)
        doubted = np.flatnonzero(small & (near.sum(axis=0) > seldom))
        mean = x.mean(axis=0)
        exactly = self.exact_critical(mean, breach, float(ndtr(-critical)), asked)
        found |= (z[:, asked] >= np.maximum(exactly, critical)).any(axis=1)
        exactly = self.exact_critical(mean, breach, alpha, doubted, held=True)
        held &= (z[:, doubted] <= -exactly).all(axis=1)
        return found, held

    def beyond(self, x: Array, breach: float, critical: float) -> NDArray[np.bool_]:
        """Return, for simulated counts (R, K), whether any pair rejects at `critical` > 0."""
        pooled = float(x.sum() / (x.shape[0] * self.n.sum()))
        return self.verdicts(x, breach, critical, 0.5, pooled)[0]

    def exact_critical(
        self, x: Array, breach: float, level: float | Array, pairs: Index, *, held: bool = False
    ) -> Array:
        """Return about the critical values of exact tests of chosen pairs at counts (K,)."""
        if pairs.size == 0:
            return np.zeros(0)
        one = self.only(pairs)
        (x1, n1), (x2, n2) = one.sides(x)
        rate = np.where(n1 >= n2, x1 / n1, x2 / n2)
        margin = np.broadcast_to(one.margin(breach), rate.shape)
        if self.kind == "ratio":
            margin = np.maximum(margin, 1e-9)
        if not held:
            return critical_z(self.kind, n1, n2, margin, level, rate)
        if self.kind == "difference":
            return critical_z("difference", n2, n1, -margin, level, rate)
        return critical_z("ratio", n2, n1, 1 / margin, level, rate)

    def small(self, breach: float | Array, pooled: float) -> NDArray[np.bool_]:
        """Return which pairs (..., P) are tested exactly at a limit; see `exact`.

        By denominators and skewness for differences, whose rates are at least the margin apart;
        by expected counts for ratios. Never by the counts of the groups themselves: a test that
        the data choose has no level.
        """
        sizes = self.extend(self.n)
        smaller = np.minimum(sizes[self.high], sizes[self.low])
        if self.kind == "ratio":
            few = smaller * min(pooled, 1 - pooled) < FEW_EXPECTED
            return np.broadcast_to(few, np.broadcast_shapes(np.shape(breach), few.shape))
        with np.errstate(divide="ignore"):
            cut = np.clip(FEW_AT_MARGIN / np.asarray(breach), FEW_ROWS, FEW_ROWS_AT_ZERO)
        return np.asarray((smaller < cut) | (self._skewness(breach, pooled) > SKEWED))

    def _skewness(self, breach: float | Array, pooled: float) -> Array:
        """Return the largest skewness (..., P) of differences at the limit around a pooled rate.

        Both rates of a pair are the margin apart and the pooled one lies between them. Events are
        counted so that the smaller group has the lower rate p; the skewness is largest at an end
        of what p can be, or near the p at which that group has two thirds of the variance.
        """
        sizes, margin = self.extend(self.n), self.margin(breach)
        high, low = sizes[self.high], sizes[self.low]
        small, large = np.minimum(high, low), np.maximum(high, low)
        between = np.where(low <= high, pooled, 1 - pooled)
        least, most = np.maximum(between - margin, 0), np.minimum(between, 1 - margin)
        inner = np.clip(2 * margin * (1 - margin) * small / large, least, most)
        rate = np.stack([least, inner, most])
        other = np.minimum(rate + margin, 1)
        own, others = rate * (1 - rate) / small, other * (1 - other) / large
        third = own * (1 - 2 * rate) / small - others * (1 - 2 * other) / large
        return np.asarray((np.abs(third) / np.maximum(own + others, 1e-30) ** 1.5).max(axis=0))

    def exact(self, x: Array, breach: Array, pairs: Index, level: float, *, held: bool) -> Array:
        """Return exact p values of chosen pairs, each at a limit of its own.

        Parameters
        ----------
        x : ndarray, shape (K,)
        breach : ndarray, shape (B,)
        pairs : ndarray of int, shape (B,)
        level : float
        held : bool
            Test "beyond the limit" (to show that the limit holds) instead of "within it".
        """
        (x1, n1), (x2, n2) = self.sides(x)
        high, low = (x1[pairs], n1[pairs]), (x2[pairs], n2[pairs])
        margin = self.only(pairs).margin(breach)
        if not held:
            return exact_p(self.kind, high, low, margin, level)
        if self.kind == "difference":
            return exact_p(self.kind, low, high, -margin, level)
        return exact_p(self.kind, low, high, 1 / np.maximum(margin, 1e-9), level)

    def statistic(self, high: Counts, low: Counts, margin: Array) -> Array:
        """Return the score statistics of given counts against a margin."""
        if self.kind == "difference":
            return difference_z(*high, *low, margin)
        return -ratio_z(*low, *high, margin)

    def margin(self, breach: float | Array) -> Array:
        """Return the margin between the two sides of each pair at a limit.

        Against ``overall``, which contains the group itself, with w the group's share:
        r_g - r_all = (1 - w)(r_g - r_rest), and r_g >= rho r_all is r_g >= rho' r_rest with
        rho' = rho (1 - w) / (1 - rho w).
        """
        breach = np.asarray(breach, dtype=np.float64)
        if self.kind == "difference":
            return np.minimum(breach / (1 - self.share), 1.0)
        rho = 1 - breach
        # no group exceeds 1 / w times the rate of everyone
        return np.asarray(rho * (1 - self.share) / np.maximum(1 - rho * self.share, 1e-9))

    def sides(self, x: Array) -> tuple[Counts, Counts]:
        """Return counts and sizes (..., P) of the higher and of the lower side."""
        counts, sizes = self.extend(x), self.extend(self.n)
        return (
            (counts[..., self.high], sizes[self.high]),
            (counts[..., self.low], sizes[self.low]),
        )

    def z(self, x: Array, breach: float | Array) -> Array:
        """Return the score statistics (..., P) of "this pair goes beyond the limit"."""
        return self.statistic(*self.sides(x), self.margin(breach))

    def parts_of(self, high: Counts, low: Counts, margin: Array) -> tuple[Array, Array]:
        """Return what `statistic` divides: the gap beyond the margin, and its null sd."""
        (x1, n1), (x2, n2) = high, low
        if self.kind == "difference":
            variance = difference_variance(x1, n1, x2, n2, margin)
            return np.asarray(x1 / n1 - x2 / n2 - margin), np.sqrt(variance)
        variance = ratio_variance(x2, n2, x1, n1, margin)
        return np.asarray(margin * (x1 / n1) - x2 / n2), np.sqrt(variance)

    def gap(self, x: Array, breach: float) -> Array:
        """Return the numerators (..., P) of `z`: positive where the estimate breaks the limit."""
        (x1, n1), (x2, n2) = self.sides(x)
        margin = self.margin(breach)
        if self.kind == "difference":
            return np.asarray(x1 / n1 - x2 / n2 - margin)
        return np.asarray(margin * (x1 / n1) - x2 / n2)

    def null_sd(self, x: Array, breach: float) -> Array:
        """Return the sd (P,) that `z` divides by."""
        return self.parts_of(*self.sides(x), self.margin(breach))[1]

    def critical(self, breach: float, alpha: float, pooled: float, factor: float = 1.0) -> float:
        """Return the critical value of "no pair goes beyond the limit" at level `alpha`.

        `pooled` is the rate over all groups, which ratios need; with `factor` times the rows
        every margin has the root of it more standard errors.
        """
        grown = float(np.sqrt(factor))
        if self.shape == "fixed":
            return quantile(alpha / self.tests)
        if self.shape == "star":
            return star_critical_value(grown * self._star_margins(breach), alpha)
        if self.kind == "difference":
            tau, scale = breach, 0.5
        else:
            tau = -float(np.log(max(1 - breach, 1e-300)))
            scale = float(np.sqrt((1 - pooled) / pooled)) if pooled > 0 else np.inf
        inside = self.n[self.comparators]
        outside = self.n.size - inside.size
        tau *= grown
        return closed_critical_value(inside, tau, alpha, scale=scale, extra=outside * inside.size)

    def _star_margins(self, breach: float) -> Array:
        """Return the margins in standard errors, largest that a rate can have, of each spoke."""
        n = self.n
        if self.rest:
            others, share = n.sum() - n, n / n.sum()
        else:
            others = np.full(n.size - 1, n[self.reference])
            n = np.delete(n, self.reference)
            share = np.zeros(n.size)
        return np.asarray(2 * breach / (1 - share) / np.sqrt(1 / n + 1 / others))


def among_all(
    kind: Kind,
    n: Array,
    comparators: NDArray[np.bool_],
    high: Index | None = None,
    low: Index | None = None,
) -> Contrasts:
    """Compare every group with every comparator, or only the candidates given."""
    everyone = np.arange(n.size)
    high = everyone[comparators] if high is None else high
    high, low = all_pairs(high, everyone if low is None else low)
    # one comparator is named by its size, not by its rate: K - 1 tests in one direction
    shape: Literal["closed", "fixed"] = "fixed" if comparators.sum() == 1 else "closed"
    tests = n.size - 1 if shape == "fixed" else n.size * (n.size - 1) // 2
    return Contrasts(kind, shape, n, high, low, np.zeros(high.size), comparators, tests)


def against_one(kind: Kind, n: Array, reference: int | None) -> Contrasts:
    """Compare every group with one group, or (None) with everyone, the group included."""
    groups = np.arange(n.size)
    share = np.zeros(n.size)
    if reference is None:
        other, share = groups + n.size, n / n.sum()
    else:
        groups = groups[groups != reference]
        other, share = np.full(groups.size, reference), share[groups]
    shape: Literal["fixed", "star"] = "fixed" if kind == "ratio" else "star"
    high, low = other, groups
    if shape == "star":
        high, low = np.concatenate([groups, other]), np.concatenate([other, groups])
        share = np.tile(share, 2)
    return Contrasts(
        kind,
        shape,
        n,
        high,
        low,
        share,
        comparators=np.ones(n.size, dtype=bool),
        tests=groups.size,
        reference=-1 if reference is None else reference,
        rest=reference is None,
    )
