"""Groups compared with one group, other things being equal: the worst of several contrasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.estimate import Limit, Numbers
from pytest_aipm.stats.mantel_haenszel import NOTHING, SUPPORT
from pytest_aipm.stats.multiplicity import bonferroni, star_critical_value
from pytest_aipm.stats.parts import Part
from pytest_aipm.stats.power import smallest_factor
from pytest_aipm.stats.thresholds import WorstDecision, part_gap, spread

__all__ = ["AgainstOne", "against_one_group"]

_UNDEFINED = float("nan")
STEPS = 6
"""How often the proven margin is raised at most; each step is valid by itself."""


@dataclass(frozen=True, kw_only=True)
class AgainstOne(Numbers):
    """The worst contrast with one group; see `against_one_group`."""

    source: tuple[Part, ...]
    kind: Kind
    confidence: float
    reference: int
    min_size: float
    both: bool = False

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> AgainstOne:
        """Return the same contrasts with other rows of each group, the values kept or given."""
        moved = values if values is not None else [part.value for part in self.source]
        parts = [
            part.scaled(float(n), float(value))
            for part, n, value in zip(self.source, sizes, moved, strict=True)
        ]
        return against_one_group(
            parts,
            self.reference,
            self.kind,
            self.confidence,
            min_size=self.min_size,
            both=self.both,
        )

    def turned(self, place: int) -> bool:
        """Return whether the reference, and not this group, is the one that fares worse."""
        return self._outward(place) is not self.source[place]

    def _outward(self, place: int) -> Part:
        return _outward(self.source[place], self.kind, both=self.both)

    def _judged(self) -> list[int]:
        return _judged(self.source, self.reference, self.min_size)

    def _levels(self, limit: Limit) -> tuple[float, float]:
        """Return the levels of compliance and of breach at a limit."""
        alpha = 1 - self.confidence
        kept = [self._outward(place) for place in self._judged()]
        return alpha, _corrected(kept, self.kind, alpha, limit[1] or 0.0, both=self.both)

    @property
    def beyond(self) -> bool:
        """True: distances are told from the limit on."""
        return True

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return the largest, over groups, of the smallest distances beyond the limit caught."""
        del seed
        gaps = [
            (gap, place) for place in self._judged() if (gap := self._gap(place, limit)) is not None
        ]
        return max(gaps, key=lambda found: found[0], default=None)

    def _gap(self, place: int, limit: Limit) -> float | None:
        part = self._outward(place)
        return part_gap(part, limit, *self._levels(limit), self.aggregate)

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return the factor on all rows that decides in 80 % of samples, and the binding group.

        The observed contrasts are taken as true and as independent; a normal model.
        """
        del seed
        judged = self._judged()
        if not judged:
            return None
        parts = [self._outward(place) for place in judged]
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
    both: bool = False,
) -> AgainstOne:
    """Return the lowest ratio, or the largest difference in either direction, against one group.

    The end that proves a breach holds at ``alpha / (K - 1)`` for ratios (Bonferroni: contrasts
    share the reference), at half of that when they look `both` ways. For differences, where both
    directions count, it is the largest margin rejected at `star_critical_value`: between
    ``alpha / (2 (K - 1))`` at a margin of 0 and ``alpha / (K - 1)`` at a wide one. The other end
    holds at ``alpha``.

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
    both : bool
        Whether a ratio above 1 counts as its reciprocal: then the reference itself may be the one
        that fares worst. Differences always look both ways.
    """
    parts = tuple(parts)
    judged = _judged(parts, reference, min_size)
    plain = 1 - confidence
    low, high = (0.0, SUPPORT[kind][1])
    value = _UNDEFINED
    pair: tuple[int, ...] = ()
    lower, upper = low, high
    if judged:
        kept = [_outward(parts[place], kind, both=both) for place in judged]
        best = int((np.argmin if kind == "ratio" else np.argmax)([part.value for part in kept]))
        value, pair = kept[best].value, (judged[best],)
        sure = [part for part in kept if part.proves]
        open_ = _blocked(parts, reference, min_size)
        ends = [part.bound(plain) for part in kept]
        if kind == "ratio":
            lower = low if open_ else min(end[0] for end in ends)
            level = _corrected(kept, kind, plain, 0.0, both=both)
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
        method=_method(parts, judged, kind, both=both),
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
        both=both,
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


def _corrected(
    parts: Sequence[Part], kind: Kind, alpha: float, margin: float, *, both: bool = True
) -> float:
    """Return the level at which each contrast proves a breach beyond a margin."""
    if kind == "ratio" or not parts:
        return bonferroni(alpha, len(parts) * (1 + both))
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


def _outward(part: Part, kind: Kind, *, both: bool) -> Part:
    """Return a difference that is not negative, or a ratio that, both ways, is not above 1."""
    behind = both and part.value > 1 if kind == "ratio" else part.value < 0
    return _Reversed(part, kind) if behind else part


@dataclass(frozen=True)
class _Reversed:
    """A contrast seen from the other side: a difference with its sign turned, a ratio inverted."""

    part: Part
    kind: Kind

    def _turn(self, value: float) -> float:
        if self.kind == "difference":
            return -value
        return 1 / value if value > 0 else np.inf

    @property
    def value(self) -> float:
        return self._turn(self.part.value)

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
        return self._turn(high), self._turn(low)

    def bound(self, alpha: float) -> tuple[float, float]:
        lower, upper = self.part.bound(alpha)
        return self._turn(upper), self._turn(lower)

    def scaled(self, n: float, value: float | None = None) -> Part:
        moved = None if value is None else self._turn(value)
        return _Reversed(self.part.scaled(n, moved), self.kind)


def _shown(part: Part, alpha: float) -> tuple[float, float, float]:
    if not np.isfinite(part.value):
        return (_UNDEFINED,) * 3
    lower, upper = part.bound(alpha)
    return float(part.value), float(lower), float(upper)


def _method(parts: Sequence[Part], judged: Sequence[int], kind: Kind, *, both: bool) -> str:
    if not judged:
        return ""
    label, tests = parts[judged[0]].label, len(judged)
    if kind == "difference" or both:
        return f"{label}, both directions of {tests} comparison{'s' * (tests > 1)}"
    return label + (f", Bonferroni over {tests}" if tests > 1 else "")
