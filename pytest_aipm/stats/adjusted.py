"""Groups compared with one group, other things being equal: each contrast has bounds of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.estimate import Array, Limit, Numbers
from pytest_aipm.stats.multiplicity import bonferroni, star_critical_value
from pytest_aipm.stats.parts import Part, rate_bounds
from pytest_aipm.stats.power import smallest_factor
from pytest_aipm.stats.thresholds import WorstDecision, part_gap, spread

__all__ = [
    "NOTHING",
    "SUPPORT",
    "AgainstOne",
    "AlikePart",
    "ScorePart",
    "against_one_group",
    "mantel_haenszel",
]

_UNDEFINED = float("nan")
SUPPORT: dict[Kind, tuple[float, float]] = {"difference": (-1.0, 1.0), "ratio": (0.0, np.inf)}
NOTHING: dict[Kind, float] = {"difference": 0.0, "ratio": 1.0}
"""The value of no disparity."""
STEPS = 6


@dataclass(frozen=True)
class ScorePart:
    """A contrast whose variance at a true value theta is ``slope * theta + level``.

    Bounds solve ``(theta - value)² = z² (slope theta + level)`` after the value was moved outward
    by half of what one more row would move it, and are no narrower than a plain normal interval
    with variance `floor`.

    Parameters
    ----------
    value : float
        The contrast; nan when undefined.
    slope, level, floor : float
        Of its variance.
    half : float
        Continuity correction, >= 0.
    n : float
        Rows of the group that tell anything.
    support : (float, float)
    label : str
        The kind of interval in short words.
    """

    value: float
    slope: float
    level: float
    floor: float
    half: float
    n: float
    support: tuple[float, float]
    label: str

    proves: ClassVar[bool] = True

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return score bounds; the support when undefined."""
        if not np.isfinite(self.value):
            return self.support
        z = -float(ndtri(alpha))
        ends = []
        for sign in (-1, 1):
            value = self.value + sign * self.half
            middle = value + z**2 * self.slope / 2
            root = np.sqrt(max(middle**2 - value**2 + z**2 * self.level, 0.0))
            plain = value + sign * z * np.sqrt(self.floor)
            ends.append(sign * max(sign * middle + root, sign * plain))
        low, high = self.support
        return max(float(ends[0]), low), min(float(ends[1]), high)

    def scaled(self, n: float, value: float | None = None) -> ScorePart:
        """Return the part with `n` rows in the same strata, at the same or another value."""
        value = self.value if value is None else value
        if n <= 0 or self.n <= 0 or not np.isfinite(value):
            return replace(self, value=_UNDEFINED, n=0.0)
        factor = self.n / n
        spread = (self.slope, self.level, self.floor, self.half)
        slope, level, floor, half = (each * factor for each in spread)
        return replace(self, value=value, slope=slope, level=level, floor=floor, half=half, n=n)


@dataclass(frozen=True)
class AlikePart:
    """A contrast of two groups in which all decisions are the same: exact bounds of both rates."""

    kind: Kind
    favorable: bool
    n: float
    other: float

    proves: ClassVar[bool] = True
    label: ClassVar[str] = "Clopper-Pearson"

    @property
    def value(self) -> float:
        """No difference, or a ratio of 1; a ratio of nothing to nothing is undefined."""
        if self.n <= 0 or self.other <= 0 or (self.kind == "ratio" and not self.favorable):
            return _UNDEFINED
        return NOTHING[self.kind]

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return SUPPORT[self.kind]

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return how far one of the two rates may lie from the other."""
        if not np.isfinite(self.value):
            return self.support
        own, other = (float(rate_bounds(0, n, alpha)[1]) for n in (self.n, self.other))
        if self.kind == "ratio":
            return 1 - own, 1 / (1 - other) if other < 1 else np.inf
        return (-own, other) if self.favorable else (-other, own)

    def scaled(self, n: float, value: float | None = None) -> Part:
        """Return the part with `n` rows; away from "no disparity" the rates are no longer alike."""
        if n <= 0 or self.n <= 0:
            return replace(self, n=0.0)
        if value is not None and value != self.value:
            spread = abs(value) * (1 - min(abs(value), 1.0)) / n
            return ScorePart(value, 0.0, spread, 0.0, 0.5 / n, n, self.support, self.label)
        return replace(self, n=n, other=self.other * n / self.n)


def mantel_haenszel(
    favorable: ArrayLike, rows: ArrayLike, group: int, reference: int, kind: Kind
) -> Part:
    """Return a group's rate against the reference's within strata, pooled by Mantel-Haenszel.

    With ``a`` of ``n1`` rows of the group and ``c`` of ``n0`` of the reference in a stratum of
    ``N`` rows, the ratio is ``sum(a n0 / N) / sum(c n1 / N)`` with the variance of Greenland and
    Robins (1985), Biometrics 41:55; the difference is ``sum((a n0 - c n1) / N) / sum(n1 n0 / N)``
    with that of Sato (1989), Biometrics 45:1323, inverted as in Klingenberg (2014), Statistics in
    Medicine 33:2968. Both hold for few large and for many sparse strata. Differences are no
    narrower than Greenland and Robins' own interval: Sato's variance is a difference of large
    numbers where one group is far larger (21 rows against 179 at rates 0.00 and 0.10: the limit
    0.10 is wrongly held in 25 % of samples, 2 % so).

    Parameters
    ----------
    favorable, rows : array_like, shape (strata, K)
        Favorable decisions, and all.
    group, reference : int
        Columns.
    kind : {"difference", "ratio"}
        The group's rate less the reference's, or divided by it.

    Returns
    -------
    Part
        Undefined when no stratum holds both, or when the comparator of a ratio has none.
    """
    x, n = np.asarray(favorable, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    both = (n[:, group] > 0) & (n[:, reference] > 0)
    a, c = x[both, group], x[both, reference]
    n1, n0 = n[both, group], n[both, reference]
    total = n1 + n0
    if (selected := a.sum() + c.sum()) in (0, total.sum()):
        return AlikePart(kind, bool(selected > 0), float(n1.sum()), float(n0.sum()))
    make = _ratio if kind == "ratio" else _difference
    return make(a, c, n1, n0, total)


def _ratio(a: Array, c: Array, n1: Array, n0: Array, total: Array) -> ScorePart:
    above, below = float((a * n0 / total).sum()), float((c * n1 / total).sum())
    spread = float(((a + c) * n1 * n0 / total**2 - a * c / total).sum())
    weight = above / a.sum() if above > 0 else float((n1 * n0 / total).sum() / n1.sum())
    slope = spread / below**2 if below > 0 else 0.0
    value, half = (above / below, weight / below / 2) if below > 0 else (_UNDEFINED, 0.0)
    label = "Mantel-Haenszel, Greenland-Robins scores"
    return ScorePart(value, slope, 0.0, 0.0, half, float(n1.sum()), SUPPORT["ratio"], label)


def _difference(a: Array, c: Array, n1: Array, n0: Array, total: Array) -> ScorePart:
    weight = float((n1 * n0 / total).sum())
    value = float(((a * n0 - c * n1) / total).sum()) / weight
    slope, level, floor = (
        float(each.sum()) / weight**2
        for each in (
            (n1**2 * c - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / total**2,
            (a * (n0 - c) + c * (n1 - a)) / (2 * total),
            (a * (n1 - a) * n0**3 + c * (n0 - c) * n1**3) / (n1 * n0 * total**2),
        )
    )
    half, label = 0.5 / float(min(n1.sum(), n0.sum())), "Mantel-Haenszel, Sato-Klingenberg scores"
    n = float(n1.sum())
    return ScorePart(value, slope, level, floor, half, n, SUPPORT["difference"], label)


@dataclass(frozen=True, kw_only=True)
class AgainstOne(Numbers):
    """The worst contrast with one group; see `against_one_group`."""

    source: tuple[Part, ...]
    kind: Kind
    confidence: float
    reference: int
    min_size: float

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> AgainstOne:
        """Return the same contrasts with other rows of each group, the values kept or given."""
        moved = values if values is not None else [part.value for part in self.source]
        parts = [
            part.scaled(float(n), float(value))
            for part, n, value in zip(self.source, sizes, moved, strict=True)
        ]
        return against_one_group(
            parts, self.reference, self.kind, self.confidence, min_size=self.min_size
        )

    def _judged(self) -> list[int]:
        return _judged(self.source, self.reference, self.min_size)

    def _levels(self, limit: Limit) -> tuple[float, float]:
        """Return the levels of compliance and of breach at a limit."""
        alpha = 1 - self.confidence
        kept = [_outward(self.source[place], self.kind) for place in self._judged()]
        return alpha, _corrected(kept, self.kind, alpha, limit[1] or 0.0)

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return the largest, over groups, of the smallest distances beyond the limit caught."""
        del seed
        gaps = [
            (gap, place) for place in self._judged() if (gap := self._gap(place, limit)) is not None
        ]
        return max(gaps, key=lambda found: found[0], default=None)

    def _gap(self, place: int, limit: Limit) -> float | None:
        part = _outward(self.source[place], self.kind)
        return part_gap(part, limit, *self._levels(limit), self.aggregate)

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return the factor on all rows that decides in 80 % of samples, and the binding group.

        The observed contrasts are taken as true and as independent; a normal model.
        """
        del seed
        judged = self._judged()
        if not judged:
            return None
        parts = [_outward(self.source[place], self.kind) for place in judged]
        blocked = _blocked(self.source, self.reference, self.min_size)
        levels = self._levels(limit)
        decision = WorstDecision(parts, limit, *levels, self.aggregate, blocked=blocked)
        factor = smallest_factor(decision)
        return None if factor is None else (factor, tuple(judged[i] for i in decision.pair))


def against_one_group(
    parts: Sequence[Part],
    reference: int,
    kind: Kind,
    confidence: float = 0.95,
    *,
    min_size: float = 1,
) -> AgainstOne:
    """Return the lowest ratio, or the largest difference in either direction, against one group.

    The end that proves a breach holds at ``alpha / (K - 1)`` for ratios (Bonferroni: contrasts
    share the reference). For differences, where both directions count, it is the largest margin
    rejected at `star_critical_value`: between ``alpha / (2 (K - 1))`` at a margin of 0 and
    ``alpha / (K - 1)`` at a wide one. The other end holds at ``alpha``.

    Parameters
    ----------
    parts : sequence of Part, K of them
        One contrast a group; that of the reference is not read but for its rows.
    reference : int
        Its position.
    kind : {"difference", "ratio"}
    confidence : float
        Of each end, one-sided.
    min_size : float
        Contrasts of groups with fewer rows are not judged. An undefined one leaves the value and,
        unless `min_size` is above 1, sets the other end to the worst possible one.
    """
    parts = tuple(parts)
    judged = _judged(parts, reference, min_size)
    plain = 1 - confidence
    low, high = (0.0, SUPPORT[kind][1])
    value = _UNDEFINED
    pair: tuple[int, ...] = ()
    lower, upper = low, high
    if judged:
        kept = [_outward(parts[place], kind) for place in judged]
        best = int((np.argmin if kind == "ratio" else np.argmax)([part.value for part in kept]))
        value, pair = kept[best].value, (judged[best],)
        sure = [part for part in kept if part.proves]
        open_ = _blocked(parts, reference, min_size)
        ends = [part.bound(plain) for part in kept]
        if kind == "ratio":
            lower = low if open_ else min(end[0] for end in ends)
            level = _corrected(kept, kind, plain, 0.0)
            upper = min((part.bound(level)[1] for part in sure), default=high)
        else:
            lower = _proven(sure, kept, plain)
            upper = high if open_ else max(max(end[1], -end[0]) for end in ends)
        lower, upper = max(min(lower, value), low), max(upper, value)
    return AgainstOne(
        value=value,
        lower=lower,
        upper=upper,
        pair=pair,
        method=_method(parts, judged, kind),
        aggregate="min" if kind == "ratio" else "max",
        sizes=tuple(float(part.n) for part in parts),
        parts=tuple(
            _shown(part, plain) if place != reference else (NOTHING[kind],) * 3
            for place, part in enumerate(parts)
        ),
        source=parts,
        kind=kind,
        confidence=confidence,
        reference=reference,
        min_size=min_size,
    )


def _judged(parts: Sequence[Part], reference: int, min_size: float) -> list[int]:
    return [
        place
        for place, part in enumerate(parts)
        if place != reference and np.isfinite(part.value) and part.n >= min_size
    ]


def _blocked(parts: Sequence[Part], reference: int, min_size: float) -> bool:
    others = (part for place, part in enumerate(parts) if place != reference)
    return min_size <= 1 and any(not np.isfinite(part.value) for part in others)


def _corrected(parts: Sequence[Part], kind: Kind, alpha: float, margin: float) -> float:
    """Return the level at which each contrast proves a breach beyond a margin."""
    if kind == "ratio" or not parts:
        return bonferroni(alpha, len(parts))
    critical = star_critical_value([margin / max(spread(part), 1e-12) for part in parts], alpha)
    return float(ndtr(-critical))


def _proven(sure: Sequence[Part], parts: Sequence[Part], alpha: float) -> float:
    """Return the largest margin that some difference exceeds for sure.

    The critical value falls as the margin grows, so each step upward is itself valid.
    """
    proven = 0.0
    for _ in range(STEPS if sure else 0):
        level = _corrected(parts, "difference", alpha, proven)
        found = max(part.bound(level)[0] for part in sure)
        if found <= proven + 1e-6:
            break
        proven = found
    return proven


def _outward(part: Part, kind: Kind) -> Part:
    """Return a difference turned so that it is not negative; ratios are left alone."""
    return _Turned(part) if kind == "difference" and part.value < 0 else part


@dataclass(frozen=True)
class _Turned:
    """A part with its sign turned."""

    part: Part

    @property
    def value(self) -> float:
        return -self.part.value

    @property
    def n(self) -> float:
        return self.part.n

    @property
    def proves(self) -> bool:
        return self.part.proves

    @property
    def label(self) -> str:
        return self.part.label

    @property
    def support(self) -> tuple[float, float]:
        low, high = self.part.support
        return -high, -low

    def bound(self, alpha: float) -> tuple[float, float]:
        lower, upper = self.part.bound(alpha)
        return -upper, -lower

    def scaled(self, n: float, value: float | None = None) -> Part:
        return _Turned(self.part.scaled(n, None if value is None else -value))


def _shown(part: Part, alpha: float) -> tuple[float, float, float]:
    if not np.isfinite(part.value):
        return (_UNDEFINED,) * 3
    lower, upper = part.bound(alpha)
    return float(part.value), float(lower), float(upper)


def _method(parts: Sequence[Part], judged: Sequence[int], kind: Kind) -> str:
    if not judged:
        return ""
    label, tests = parts[judged[0]].label, len(judged)
    if kind == "difference":
        return f"{label}, both directions of {tests} comparison{'s' * (tests > 1)}"
    return label + (f", Bonferroni over {tests}" if tests > 1 else "")
