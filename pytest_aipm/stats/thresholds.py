"""Power of independent parts against limits: exact for rates, a normal model for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import bdtr, bdtrik, betaincinv, ndtr

from pytest_aipm.stats.estimate import Limit
from pytest_aipm.stats.parts import Part, RatePart
from pytest_aipm.stats.power import ALTERNATIVE, POWER
from pytest_aipm.stats.score import quantile

__all__ = ["WorstDecision", "count_quantile", "part_gap", "spread"]

Span = tuple[float, float]


class _Law(Protocol):
    """Where an estimate falls if the part's value is true; thresholds are on its own scale."""

    def below(self, alpha: float, limit: float) -> float:
        """Return the largest estimate whose upper bound lies under the limit."""

    def above(self, alpha: float, limit: float) -> float:
        """Return the smallest estimate whose lower bound lies over the limit."""

    def within(self, span: Span) -> float:
        """Return P(low <= estimate <= high)."""


@dataclass(frozen=True)
class _RateLaw:
    """Binomial counts of a rate."""

    part: RatePart

    @property
    def n(self) -> int:
        return max(int(np.rint(self.part.n)), 1)

    def below(self, alpha: float, limit: float) -> float:
        p = float(np.clip(limit, 0, 1))
        if self.part.method == "wilson":
            edge = self.n * p - quantile(alpha) * np.sqrt(self.n * p * (1 - p))
            return float(np.floor(edge))
        return count_quantile(alpha, self.n, p) - 1

    def above(self, alpha: float, limit: float) -> float:
        return self.n - _RateLaw(
            RatePart(self.part.n - self.part.x, self.part.n, self.part.method)
        ).below(alpha, 1 - limit)

    def within(self, span: Span) -> float:
        low, high = span
        upper = _at_most(high, self.n, self.part.value)
        return max(upper - _at_most(low - 1, self.n, self.part.value), 0.0)


# scipy.stats checks its arguments each time: a hundred groups would take half a minute.


def _at_most(k: float, n: int, p: float) -> float:
    """Return P(X <= k) of a binomial count."""
    if not k < n:
        return np.nan if np.isnan(k) else 1.0
    return 0.0 if k < 0 else float(bdtr(np.floor(k), n, p))


def count_quantile(alpha: float, n: int, p: float) -> float:
    """Return the smallest count whose P(X <= k) reaches `alpha`."""
    if not 0 < p < 1:
        return p * n
    k = max(float(np.ceil(bdtrik(alpha, n, p))), 0.0)
    return k - 1 if k > 0 and bdtr(k - 1, n, p) >= alpha else k


@dataclass(frozen=True)
class _NormalLaw:
    """A normal estimate with the widths that its bounds have here."""

    part: Part

    def below(self, alpha: float, limit: float) -> float:
        return limit - (self.part.bound(alpha)[1] - self.part.value)

    def above(self, alpha: float, limit: float) -> float:
        return limit + (self.part.value - self.part.bound(alpha)[0])

    def within(self, span: Span) -> float:
        sd = max(spread(self.part), 1e-300)
        low, high = ((end - self.part.value) / sd for end in span)
        return max(float(ndtr(high) - ndtr(low)), 0.0)


def spread(part: Part) -> float:
    """Return the sd of a part's estimate, read off its bounds at the 5 % level."""
    lower, upper = part.bound(0.05)
    sd = (upper - lower) / (2 * quantile(0.05))
    return float(sd) if np.isfinite(sd) else np.inf


def _law(part: Part) -> _Law:
    return _RateLaw(part) if isinstance(part, RatePart) else _NormalLaw(part)


class WorstDecision:
    """The verdict of the worst of independent parts; see `Decision`.

    Breach is proven by any part at the corrected level, compliance by all parts at the plain
    one. ``worst`` is ``min``, ``max`` or, for a single part, ``one``.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        limit: Limit,
        plain: float,
        corrected: float,
        worst: str,
        *,
        blocked: bool,
    ) -> None:
        self.parts, self.plain, self.corrected = parts, plain, corrected
        self.mirrored, self.blocked, self.alone = worst == "max", blocked, worst == "one"
        self.first, self.second = limit[::-1] if self.mirrored else limit

    @property
    def pair(self) -> tuple[int, ...]:
        """The part that lies least sd inside the limit, or most beyond it."""
        limit = self.second if self.first is None else self.first
        if limit is None:
            return ()
        # inside is up unless high values are bad or only the far limit is set
        sign = -1 if self.mirrored != (self.first is None) else 1
        distance = [sign * (part.value - limit) / max(spread(part), 1e-300) for part in self.parts]
        return (int(np.argmin(distance)),)

    def _bad(self, law: _Law, alpha: float, limit: float) -> Span:
        """Return where an estimate proves the part beyond `limit` on the bad side."""
        if self.mirrored:
            return law.above(alpha, limit), np.inf
        return -np.inf, law.below(alpha, limit)

    def _good(self, law: _Law, alpha: float, limit: float) -> Span:
        if self.mirrored:
            return -np.inf, law.below(alpha, limit)
        return law.above(alpha, limit), np.inf

    def approximate(self, factor: float) -> tuple[float, float]:
        """Return P(fail) and P(holds), the parts being independent."""
        parts = [part.scaled(part.n * factor) for part in self.parts]
        laws = [(_law(part), part.proves) for part in parts]
        fail, inside = 0.0, np.ones(len(laws))
        if self.first is not None:
            caught = [
                law.within(self._bad(law, self.corrected, self.first))
                for law, proves in laws
                if proves
            ]
            fail += 1 - float(np.prod([1 - p for p in caught]))
            spans = [self._good(law, self.plain, self.first) for law, _ in laws]
        else:
            spans = [(-np.inf, np.inf)] * len(laws)
        inside = np.array([law.within(span) for (law, _), span in zip(laws, spans, strict=True)])
        holds = float(np.prod(inside))
        if self.second is not None:
            fail += float(
                np.prod([law.within(self._good(law, self.plain, self.second)) for law, _ in laws])
            ) * (not self.blocked and (parts[0].proves or not self.alone))
            # every part inside, and none of them proves the far limit kept
            meets = [
                law.within(_overlap(span, self._bad(law, self.corrected, self.second)))
                if proves
                else 0.0
                for (law, proves), span in zip(laws, spans, strict=True)
            ]
            holds -= float(np.prod(inside - np.array(meets)))
        if self.blocked or (self.alone and not parts[0].proves):
            holds = 0.0
        return min(fail, 1.0), max(holds, 0.0)

    simulate = approximate


def _overlap(one: Span, other: Span) -> Span:
    return max(one[0], other[0]), min(one[1], other[1])


def part_gap(part: Part, limit: Limit, plain: float, corrected: float, worst: str) -> float | None:
    """Return the smallest distance beyond a limit that is caught with 80 % power, or None.

    A single part has both limits, and the larger distance counts.
    """
    low, high = limit
    gaps: list[float | None] = []
    if low is not None and worst != "max":
        gaps.append(_gap(part, low, corrected if worst == "min" else plain, -1))
    if high is not None and worst != "min":
        gaps.append(_gap(part, high, corrected if worst == "max" else plain, 1))
    return max((gap for gap in gaps if gap is not None), default=None)


def _gap(part: Part, limit: float, alpha: float, sign: int) -> float | None:
    if not part.proves:
        return None
    if isinstance(part, RatePart):
        law = _RateLaw(part)
        if sign > 0:
            # as many failures as too few to be within the limit
            seen, border = law.n - law.above(alpha, limit), 1 - limit
        else:
            seen, border = law.below(alpha, limit), limit
        if seen < 0:
            return None
        return border - float(betaincinv(seen + 1, max(law.n - seen, 1e-300), 1 - POWER))
    return _gap_normal(part, limit, alpha, sign)


def _gap_normal(part: Part, limit: float, alpha: float, sign: int) -> float | None:
    """Return the distance at which the estimate, 0.84 sd towards the limit, still proves it."""
    border = part.support[1] if sign > 0 else part.support[0]
    room = abs(border - limit) if np.isfinite(border) else 1e3 * spread(part)

    def proven(gap: float) -> bool:
        moved = part.scaled(part.n, limit + sign * gap)
        estimate = moved.value - sign * ALTERNATIVE * spread(moved)
        width = (
            (moved.value - moved.bound(alpha)[0])
            if sign > 0
            else (moved.bound(alpha)[1] - moved.value)
        )
        return sign * (estimate - limit) - width >= 0

    if not np.isfinite(room):
        return None
    # near the border of the support bounds may widen again: the first gap that is proven counts
    steps = room * np.geomspace(1e-3, 1, 40)
    first = next((place for place, gap in enumerate(steps) if proven(float(gap))), None)
    if first is None:
        return None
    low, high = float(steps[first - 1]) if first else 0.0, float(steps[first])
    for _ in range(25):
        middle = (low + high) / 2
        low, high = (low, middle) if proven(middle) else (middle, high)
    return high
