"""Differences and ratios between numbers that only have bounds: AUC, means, any callable.

MOVER, the method of variance estimates recovery: Zou and Donner (2008), Statistics in Medicine
27:1693, for differences; Donner and Zou (2012), Statistical Methods in Medical Research 21:347,
for ratios.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_aipm.stats.contrasts import Kind, all_pairs
from pytest_aipm.stats.estimate import Array, Limit, Numbers
from pytest_aipm.stats.part_power import Judged, PartDecision, part_bounds
from pytest_aipm.stats.parts import Part
from pytest_aipm.stats.power import smallest_factor
from pytest_aipm.stats.rate_disparity import Reference

__all__ = ["PartDisparity", "mover_ratio", "part_difference", "part_ratio"]


def mover_ratio(
    one: tuple[float, float, float], other: tuple[float, float, float]
) -> tuple[float, float]:
    """Return the lower and upper bound of a ratio of two numbers that are not negative.

    Parameters
    ----------
    one, other : (value, lower, upper)
        Numerator and denominator with their bounds.

    Returns
    -------
    lower, upper : float
        The upper one is inf when the denominator may be 0.
    """
    v1, l1, u1 = one
    v2, l2, u2 = other
    l1, l2 = max(l1, 0.0), max(l2, 0.0)
    cross = v1 * v2
    # the ratio rho at which the bound of v1 - rho v2 is 0: a quadratic in rho
    free = l1 * (2 * v1 - l1)
    root = np.sqrt(max(cross**2 - u2 * (2 * v2 - u2) * free, 0.0))
    lower = free / (cross + root) if cross + root > 0 else 0.0
    lead = l2 * (2 * v2 - l2)
    root = np.sqrt(max(cross**2 - lead * u1 * (2 * v1 - u1), 0.0))
    upper = (cross + root) / lead if lead > 0 else np.inf
    return float(lower), float(upper)


@dataclass(frozen=True, kw_only=True)
class PartDisparity(Numbers):
    """A difference or ratio between parts; see `part_difference` and `part_ratio`."""

    source: tuple[Part, ...]
    kind: Kind
    confidence: float
    reference: Reference
    min_size: float

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> PartDisparity:
        """Return the same comparison with other rows, the values kept or given."""
        moved = values if values is not None else [part.value for part in self.source]
        parts = [
            part.scaled(float(n), float(value))
            for part, n, value in zip(self.source, sizes, moved, strict=True)
        ]
        return _measure(parts, self.kind, self.confidence, self.reference, self.min_size)

    def _model(self, limit: Limit, seed: int) -> PartDecision | None:
        breach = limit[1] if self.kind == "difference" else limit[0]
        judged = _judge(self.source, self.kind, self.reference, self.min_size)
        if breach is None or judged is None:
            return None
        return PartDecision(self.source, self.kind, 1 - self.confidence, judged, breach, seed)

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return the largest of the smallest gaps caught at 80 % power, and its part.

        One part is moved away from the mean of all, weighted by rows; a normal model.
        """
        model = self._model(limit, seed)
        return None if model is None else model.gap()

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return the factor on all rows that decides in 80 % of samples, and the pair.

        The observed values are taken as true; a normal model.
        """
        model = self._model(limit, seed)
        factor = None if model is None else smallest_factor(model)
        return None if model is None or factor is None else (factor, model.pair)


def part_difference(
    parts: Sequence[Part],
    confidence: float = 0.95,
    *,
    reference: Reference = "highest",
    min_size: float = 1,
) -> PartDisparity:
    """Return the largest difference between parts, by MOVER over ordered pairs.

    L_ij = v_i - v_j - sqrt((v_i - l_i)² + (u_j - v_j)²) with the parts' bounds at
    alpha / (K(K - 1)), over pairs of which both can prove a breach; U likewise at alpha over all
    pairs.

    Parameters
    ----------
    parts : sequence of Part
        One number for each group.
    confidence : float
        Of each end, one-sided.
    reference : {"highest", "largest"} or int
        Highest minus lowest, or the largest distance from one part, in either direction.
    min_size : float
        Smaller parts are not judged. An undefined part leaves value and K and, unless `min_size`
        is above 1, sets the upper end to the largest possible one.

    Returns
    -------
    PartDisparity
        ``max``; value nan with fewer than two judged parts.
    """
    return _measure(parts, "difference", confidence, reference, min_size)


def part_ratio(
    parts: Sequence[Part],
    confidence: float = 0.95,
    *,
    reference: Reference = "highest",
    min_size: float = 1,
) -> PartDisparity:
    """Return the lowest part divided by the highest, or by one part, by MOVER.

    The upper end is the corrected one. Defined for parts that are not negative; the value is nan
    when one is, or when the comparator is 0. Parameters as in `part_difference`.
    """
    return _measure(parts, "ratio", confidence, reference, min_size)


def _judge(
    parts: Sequence[Part], kind: Kind, reference: Reference, min_size: float
) -> Judged | None:
    """Return the pairs, or None when fewer than two parts remain or the comparator is gone."""
    if reference == "overall":
        raise ValueError("parts have no overall value: use reference 'highest', 'largest' or one")
    defined = np.array([bool(np.isfinite(part.value)) for part in parts])
    sizes = np.array([part.n for part in parts])
    keep = defined & (sizes >= min_size)
    named = int(np.argmax(sizes)) if reference == "largest" else reference
    if not isinstance(named, str):
        named = int(named)
    if isinstance(named, int):
        if not defined[named]:
            return None
        keep[named] = True
    index = np.flatnonzero(keep)
    if index.size < 2:
        return None
    if isinstance(named, int):
        low = np.flatnonzero(index != named)
        high = np.full(low.size, np.searchsorted(index, named))
        if kind == "difference":
            high, low = np.concatenate([high, low]), np.concatenate([low, high])
    else:
        high, low = all_pairs(np.arange(index.size), np.arange(index.size))
    return Judged(index, high, low, min_size <= 1 and not bool(defined.all()))


def _measure(
    parts: Sequence[Part], kind: Kind, confidence: float, reference: Reference, min_size: float
) -> PartDisparity:
    parts = tuple(parts)
    judged = _judge(parts, kind, reference, min_size)
    value = float("nan")
    pair: tuple[int, ...] = ()
    ends = _worst(parts, kind, judged)
    shown = part_bounds(parts, 1 - confidence)
    shown[:, ~np.isfinite(shown[0])] = np.nan
    if judged is not None:
        value, pair = _value(shown[0], judged, kind)
        if np.isfinite(value):
            ends = _ends(parts, judged, kind, 1 - confidence)
    corrected = f", Bonferroni over {judged.high.size}" if judged is not None else ""
    return PartDisparity(
        value=value,
        lower=min(ends[0], value) if np.isfinite(value) else ends[0],
        upper=max(ends[1], value) if np.isfinite(value) else ends[1],
        pair=pair,
        method=f"MOVER of {parts[0].label}{corrected}",
        aggregate="max" if kind == "difference" else "min",
        sizes=tuple(float(part.n) for part in parts),
        parts=tuple((float(v), float(low), float(high)) for v, low, high in shown.T),
        source=parts,
        kind=kind,
        confidence=confidence,
        reference=reference,
        min_size=min_size,
    )


def _worst(parts: Sequence[Part], kind: Kind, judged: Judged | None) -> tuple[float, float]:
    """Return the widest ends possible."""
    if kind == "ratio":
        named = judged is not None and judged.high.size < judged.index.size
        return 0.0, np.inf if named else 1.0
    low, high = parts[0].support
    return 0.0, float(high - low)


def _value(values: Array, judged: Judged, kind: Kind) -> tuple[float, tuple[int, ...]]:
    high, low = (values[judged.index[side]] for side in (judged.high, judged.low))
    if kind == "difference":
        each = high - low
        best = int(np.argmax(each))
    else:
        if (values[judged.index] < 0).any() or high.max() <= 0:
            return float("nan"), ()
        with np.errstate(divide="ignore", invalid="ignore"):
            each = np.where(high > 0, low / high, np.inf)
        best = int(np.argmin(each))
    pair = (int(judged.index[judged.high[best]]), int(judged.index[judged.low[best]]))
    return float(each[best]), pair


def _ends(parts: Sequence[Part], judged: Judged, kind: Kind, alpha: float) -> tuple[float, float]:
    """Return (L, U): corrected over pairs that can prove, uncorrected over all."""
    kept = [parts[place] for place in judged.index]
    proves = np.array([part.proves for part in kept])
    can = proves[judged.high] & proves[judged.low]
    corrected, plain = part_bounds(kept, alpha / judged.high.size), part_bounds(kept, alpha)
    worst = _worst(parts, kind, judged)
    if kind == "difference":
        (v, down, _), (w, _, up) = corrected[:, judged.high[can]], corrected[:, judged.low[can]]
        lower = float((v - w - np.hypot(v - down, up - w)).max(initial=0.0))
        (v, _, up), (w, down, _) = plain[:, judged.high], plain[:, judged.low]
        upper = float((v - w + np.hypot(up - v, w - down)).max())
        return lower, worst[1] if judged.blocked else min(upper, worst[1])
    ends = [
        mover_ratio(tuple(corrected[:, low]), tuple(corrected[:, high]))[1]
        for high, low in zip(judged.high[can], judged.low[can], strict=True)
    ]
    starts = [
        mover_ratio(tuple(plain[:, low]), tuple(plain[:, high]))[0]
        for high, low in zip(judged.high, judged.low, strict=True)
    ]
    lower = 0.0 if judged.blocked else min(starts)
    return lower, min([*ends, worst[1]])
