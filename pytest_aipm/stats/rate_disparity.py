"""Differences and ratios of group rates, over all pairs of groups or against one comparator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytest_aipm.stats.contrasts import Contrasts, Index, Kind, against_one, among_all, front
from pytest_aipm.stats.ends import breach_end, hold_end
from pytest_aipm.stats.estimate import Array, Limit, Numbers, PartBounds, as_array
from pytest_aipm.stats.parts import rate_bounds
from pytest_aipm.stats.power import smallest_factor
from pytest_aipm.stats.rate_gap import rate_gap
from pytest_aipm.stats.rate_power import RateDecision

__all__ = ["RateDisparity", "Reference", "rate_difference", "rate_ratio"]

Reference = Literal["highest", "largest", "overall"] | int

MANY = 24
"""Above this many groups only pairs of groups that no other group dominates are tested."""
MANY_POWER = 100
"""The same for simulated samples, where also other groups come out extreme."""


@dataclass(frozen=True)
class _Setup:
    """What is compared with what: everything of a disparity but its counts."""

    kind: Kind
    confidence: float
    reference: Reference
    at_least: float | None
    min_size: float
    breach_confidence: float | None = None
    left_out: tuple[int, ...] = ()

    @property
    def alpha(self) -> float:
        return 1 - self.confidence

    @property
    def breach_alpha(self) -> float:
        """Level of the end that proves a breach."""
        return 1 - (self.breach_confidence or self.confidence)


@dataclass(frozen=True, kw_only=True)
class RateDisparity(Numbers):
    """A difference or ratio of group rates; see `rate_difference` and `rate_ratio`."""

    x: tuple[float, ...]
    setup: _Setup

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> RateDisparity:
        """Return the same comparison at other denominators, with the rates kept or given.

        A group without a rate stays without rows.
        """
        rates = np.array([part[0] for part in self.parts] if values is None else values)
        n = np.where(np.isfinite(rates), as_array(sizes), 0.0)
        return _measure(np.where(n > 0, np.nan_to_num(rates), 0.0) * n, n, self.setup)

    @cached_property
    def _judged(self) -> _Judged | None:
        return _judge(np.array(self.x), np.array(self.sizes), self.setup, MANY_POWER)

    def breach(self, limit: Limit) -> float | None:
        """Return the limit of the side that a disparity can break, as `Contrasts` writes it."""
        if self.setup.kind == "difference":
            return limit[1]
        return None if limit[0] is None else 1 - limit[0]

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return the largest of the smallest gaps caught at 80 % power, and its group.

        One group is moved away from the pooled rate while the others stay there and all
        denominators stay; the gap is the move of its rate. None when no group's move is caught,
        or when the limit sets no bound on a disparity (no `max` of a difference, no `min` of a
        ratio). Nothing is drawn: `seed` is not needed.
        """
        del seed
        judged, breach = self._judged, self.breach(limit)
        if judged is None or breach is None:
            return None
        found = rate_gap(judged.contrasts, judged.x, breach, self.setup.breach_alpha)
        return None if found is None else (found[0], int(judged.index[found[1]]))

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return the factor on all denominators at which the verdict is decided in 80 % of runs.

        The observed rates are taken as true. The pair is the one nearest to breaking the limit,
        hence the last to be decided. None when 10,000 times the rows do not suffice.
        """
        decision = self.decision(limit, seed)
        factor = None if decision is None else smallest_factor(decision)
        if decision is None or factor is None:
            return None
        return factor, self.original(decision.pair)

    def original(self, pair: tuple[int, ...]) -> tuple[int, ...]:
        """Return the groups of a pair of judged columns; everyone else (``rest``) is none."""
        judged = self._judged
        if judged is None:
            return ()
        return tuple(int(judged.index[side]) for side in pair if side < judged.index.size)

    def decision(self, limit: Limit, seed: int) -> RateDecision | None:
        """Return how likely each verdict is at a multiple of the rows."""
        judged, breach = self._judged, self.breach(limit)
        if judged is None or breach is None:
            return None
        return RateDecision(
            judged.contrasts,
            judged.x,
            breach,
            self.setup.alpha,
            seed,
            blocked=judged.blocked,
            alpha_fail=self.setup.breach_alpha,
        )


def rate_difference(
    x: ArrayLike,
    n: ArrayLike,
    *,
    confidence: float = 0.95,
    reference: Reference = "highest",
    min_size: float = 1,
    breach_confidence: float | None = None,
) -> RateDisparity:
    """Return the largest difference of group rates.

    Farrington-Manning score tests of all ordered pairs; the lower end uses the closed critical
    value (`closed_critical_value`), so it may be compared with any limit at once.

    Parameters
    ----------
    x, n : array_like, shape (K,)
        Events and rows of each group.
    confidence : float
        Of each end, one-sided.
    reference : {"highest", "largest", "overall"} or int
        ``highest``: highest minus lowest rate. ``largest`` (most rows) or an index: the largest
        distance from that group, in either direction. ``overall``: the largest distance from
        the rate of all groups together, in either direction.
    min_size : float
        Smaller groups are not judged: they leave value, ends and K. A group without rows leaves
        the value and, unless `min_size` is above 1, sets the upper end to 1.
    breach_confidence : float, optional
        Of the lower end, where it is one of several that may each prove a breach.

    Returns
    -------
    RateDisparity
        ``max``; value nan with fewer than two judged groups, the ends then are 0 and 1.
    """
    setup = _Setup("difference", confidence, reference, None, min_size, breach_confidence)
    return _measure(as_array(x), as_array(n), setup)


def rate_ratio(
    x: ArrayLike,
    n: ArrayLike,
    *,
    confidence: float = 0.95,
    reference: Reference = "highest",
    at_least: float | None = None,
    min_size: float = 1,
    breach_confidence: float | None = None,
    left_out: tuple[int, ...] = (),
) -> RateDisparity:
    """Return the lowest group rate divided by the comparator's.

    Score tests (Koopman; Farrington and Manning). The upper end is the corrected one.

    Parameters
    ----------
    x, n : array_like, shape (K,)
        Events and rows of each group.
    confidence : float
        Of each end, one-sided.
    reference : {"highest", "largest", "overall"} or int
        The comparator: the highest rate, the group with most rows, all groups together, or one
        group. With a named or largest group the value may exceed 1.
    at_least : float, optional
        With ``highest``: only groups with at least this share of all rows are comparators (the
        2 % rule of New York City's Local Law 144); all groups are compared.
    min_size : float
        As in `rate_difference`; a group without rows sets the lower end to 0.
    breach_confidence : float, optional
        Of the upper end, as in `rate_difference`.
    left_out : tuple of int
        Groups that are not judged, whatever their size; their rates are returned all the same.

    Returns
    -------
    RateDisparity
        ``min``; value nan with fewer than two judged groups or a comparator without events.
    """
    if at_least is not None and reference != "highest":
        raise ValueError("at_least chooses among the highest groups: it needs reference='highest'")
    setup = _Setup("ratio", confidence, reference, at_least, min_size, breach_confidence, left_out)
    return _measure(as_array(x), as_array(n), setup)


@dataclass(frozen=True)
class _Judged:
    """The judged groups: their counts, original positions, and what is compared."""

    x: Array
    index: NDArray[np.intp]
    contrasts: Contrasts
    blocked: bool


def _judge(x: Array, n: Array, setup: _Setup, many: int = MANY) -> _Judged | None:
    """Return the judged groups, or None when fewer than two remain or the comparator is gone."""
    keep = n >= max(setup.min_size, np.finfo(float).tiny)
    keep[list(setup.left_out)] = False
    named = _named(n, setup.reference)
    if named is not None:
        if n[named] <= 0:
            return None
        keep[named] = True
    index = np.flatnonzero(keep)
    if index.size < 2:
        return None
    sizes = n[index]
    if setup.reference == "overall":
        contrasts = against_one(setup.kind, sizes, None)
    elif named is not None:
        contrasts = against_one(setup.kind, sizes, int(np.searchsorted(index, named)))
    else:
        comparators = sizes >= (setup.at_least or 0.0) * sizes.sum()
        if not comparators.any():
            return None
        contrasts = _undominated(setup.kind, x[index], sizes, comparators, many)
    return _Judged(x[index], index, contrasts, setup.min_size <= 1 and bool((n <= 0).any()))


def _named(n: Array, reference: Reference) -> int | None:
    if reference == "largest":
        return int(np.argmax(n))
    if isinstance(reference, str):
        if reference not in ("highest", "overall"):
            raise ValueError(f"unknown reference {reference!r}")
        return None
    if not 0 <= reference < n.size:
        raise ValueError(f"reference {reference} is none of {n.size} groups")
    return int(reference)


def _undominated(
    kind: Kind, x: Array, n: Array, comparators: NDArray[np.bool_], many: int
) -> Contrasts:
    """Return all pairs or, with many groups, those that can set either end.

    The strongest evidence of a gap comes from groups that are extreme and large, the widest
    bounds from groups that are extreme and small.
    """
    if n.size <= many:
        return among_all(kind, n, comparators)
    high, low = _extreme(x.tobytes(), n.tobytes(), comparators.tobytes())
    return among_all(kind, n, comparators, high, low)


@lru_cache(maxsize=8)
def _extreme(counts: bytes, sizes: bytes, comparators: bytes) -> tuple[Index, Index]:
    """Return the groups that may be the higher and the lower one; see `_remembered`."""
    n, can = np.frombuffer(sizes), np.flatnonzero(np.frombuffer(comparators, dtype=bool))
    rate = np.frombuffer(counts) / n
    high = np.union1d(can[front(rate[can], n[can])], can[front(rate[can], -n[can])])
    return high, np.union1d(front(-rate, n), front(-rate, -n))


def _measure(x: Array, n: Array, setup: _Setup) -> RateDisparity:
    if x.shape != n.shape:
        raise ValueError(f"{x.size} counts but {n.size} sizes")
    if (x < -1e-9).any() or (x > n + 1e-9 * np.maximum(n, 1)).any():
        raise ValueError("rates need 0 <= x <= n in every group")
    x = np.clip(x, 0, n)
    judged = _judge(x, n, setup)
    value, pair = (float("nan"), ()) if judged is None else _value(judged, setup)
    lower, upper = (0.0, _worst(setup)[1]) if judged is None else _ends(judged, setup)
    if judged is not None and judged.blocked:
        lower, upper = (lower, 1.0) if setup.kind == "difference" else (0.0, upper)
    return RateDisparity(
        value=value,
        # rounding must not push the estimate out of its own interval
        lower=min(lower, value) if np.isfinite(value) else lower,
        upper=max(upper, value) if np.isfinite(value) else upper,
        pair=pair,
        method=_method(judged, setup),
        aggregate="max" if setup.kind == "difference" else "min",
        sizes=tuple(n.tolist()),
        parts=_parts(x, n, setup.alpha),
        x=tuple(x.tolist()),
        setup=setup,
    )


def _worst(setup: _Setup) -> tuple[float, float]:
    """Return the widest ends possible."""
    if setup.kind == "difference" or setup.reference == "highest":
        return 0.0, 1.0
    return 0.0, float("inf")


def _value(judged: _Judged, setup: _Setup) -> tuple[float, tuple[int, ...]]:
    """Return the estimate and the groups that make it, (higher, lower) or (group,)."""
    c, n = judged.contrasts, judged.contrasts.n
    rates = c.extend(judged.x) / c.extend(n)
    high, low = rates[c.high], rates[c.low]
    if setup.kind == "difference":
        values = (high - low) * (1 - c.share)
        best = int(np.argmax(values))
    else:
        whole = c.share * low + (1 - c.share) * high
        with np.errstate(divide="ignore", invalid="ignore"):
            values = low / whole
        if not np.isfinite(values).any():
            return float("nan"), ()
        best = int(np.nanargmin(values))
    sides = [int(side) for side in (c.high[best], c.low[best]) if side < n.size]
    return float(values[best]), tuple(int(judged.index[side]) for side in sides)


def _ends(judged: _Judged, setup: _Setup) -> tuple[float, float]:
    """Return (L, U): the corrected end by the family's tests, the other one uncorrected."""
    breach = breach_end(judged.contrasts, judged.x, setup.breach_alpha)
    hold = hold_end(judged.contrasts, judged.x, setup.alpha)
    return (breach, hold) if setup.kind == "difference" else (1 - hold, 1 - breach)


def _parts(x: Array, n: Array, alpha: float) -> PartBounds:
    return _remembered(as_array(x).tobytes(), as_array(n).tobytes(), alpha)


@lru_cache(maxsize=8)
def _remembered(counts: bytes, sizes: bytes, alpha: float) -> PartBounds:
    """Return the rates with their ends, once for the difference and the ratio of the same."""
    x, n = np.frombuffer(counts), np.frombuffer(sizes)
    lower, upper = rate_bounds(x, n, alpha)
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = x / n
    return tuple(zip(rates.tolist(), lower.tolist(), upper.tolist(), strict=True))


def _method(judged: _Judged | None, setup: _Setup) -> str:
    name = "Farrington-Manning" if setup.kind == "difference" else "Koopman"
    if judged is None:
        return f"{name} scores"
    c = judged.contrasts
    plural = "s" * (c.tests > 1)
    text = f"{name} scores, corrected for {c.tests} comparison{plural}"
    if c.shape == "closed":
        text = f"{name} scores, closed critical value over {c.tests} pair{plural}"
    pooled = float(judged.x.sum() / c.n.sum())
    return f"{text}; exact tests of small groups" if c.small(1.0, pooled).any() else text
