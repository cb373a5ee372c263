"""The worst group's number against a floor or a ceiling that every group must meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from pytest_aipm.stats.estimate import Limit, Numbers, PartBounds, as_array
from pytest_aipm.stats.multiplicity import bonferroni, sidak
from pytest_aipm.stats.parts import Part, RateMethod, RatePart, bounds_of
from pytest_aipm.stats.power import smallest_factor
from pytest_aipm.stats.thresholds import WorstDecision, part_gap

__all__ = ["Floor", "floor", "rate_floor", "worst_of"]


@dataclass(frozen=True, kw_only=True)
class Floor(Numbers):
    """The lowest or highest of independent parts; see `floor`."""

    source: tuple[Part, ...]
    confidence: float
    min_size: float = 1
    dependent: bool = False

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> Floor:
        """Return the same parts with other rows, their values kept or given."""
        moved = values if values is not None else [part.value for part in self.source]
        parts = [
            part.scaled(float(n), float(value))
            for part, n, value in zip(self.source, sizes, moved, strict=True)
        ]
        return worst_of(
            parts, self.confidence, self.aggregate, self.min_size, dependent=self.dependent
        )

    def _levels(self) -> tuple[list[int], tuple[float, float]]:
        return _levels(self.source, self.confidence, self.min_size, dependent=self.dependent)

    @property
    def beyond(self) -> bool:
        """True: a floor has a limit and no gap."""
        return True

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return the largest, over parts, of the smallest distances beyond the limit caught.

        80 % power; exact for rates, a normal model else (`seed` is not needed). None when no
        part could be caught.
        """
        del seed
        judged, alphas = self._levels()
        gaps = [
            (gap, place)
            for place in judged
            if (gap := part_gap(self.source[place], limit, *alphas, self.aggregate)) is not None
        ]
        return max(gaps, key=lambda found: found[0], default=None)

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return the factor on all rows that decides in 80 % of samples, and the binding part.

        The observed values are taken as true. Exact for rates, a normal model else.
        """
        del seed
        judged, (plain, corrected) = self._levels()
        if not judged:
            return None
        blocked = _blocked(self.source, self.min_size)
        parts = [self.source[place] for place in judged]
        decision = WorstDecision(parts, limit, plain, corrected, self.aggregate, blocked=blocked)
        factor = smallest_factor(decision)
        if factor is None:
            return None
        return factor, tuple(judged[place] for place in decision.pair)


def floor(
    parts: Sequence[Part],
    confidence: float = 0.95,
    *,
    worst: Literal["min", "max"] = "min",
    min_size: float = 1,
    dependent: bool = False,
) -> Floor:
    """Return the worst of independent parts with the end that proves a breach corrected.

    Šidák over the parts for breach, no correction for compliance (intersection-union).

    Parameters
    ----------
    parts : sequence of Part
        One number for each group.
    confidence : float
        Of each end, one-sided.
    worst : {"min", "max"}
        Whether low values are bad (accuracy) or high ones (error).
    min_size : float
        Smaller parts are not judged. An undefined part leaves the value and, unless `min_size`
        is above 1, takes the worst possible value at the end that would prove compliance.
    dependent : bool
        Whether the parts hang together, as shares of one whole do: Bonferroni instead of Šidák.

    Returns
    -------
    Floor
        Parts that cannot prove a breach (fewer than 30 rows of a mean or bootstrap) are left
        out of the corrected end, which is then the border of what is possible when none is left.
    """
    return worst_of(parts, confidence, worst, min_size, dependent=dependent)


def rate_floor(
    x: ArrayLike,
    n: ArrayLike,
    *,
    confidence: float = 0.95,
    worst: Literal["min", "max"] = "min",
    method: RateMethod = "clopper-pearson",
    min_size: float = 1,
) -> Floor:
    """Return the worst rate of groups with `x` events in `n` rows; see `floor`."""
    x, n = as_array(x), as_array(n)
    parts = [RatePart(float(a), float(b), method) for a, b in zip(x, n, strict=True)]
    return worst_of(parts, confidence, worst, min_size)


def worst_of(
    parts: Sequence[Part],
    confidence: float,
    worst: str,
    min_size: float = 1,
    *,
    dependent: bool = False,
) -> Floor:
    """Return the worst of parts; `worst` is ``min``, ``max`` or ``one`` for a single part."""
    parts = tuple(parts)
    if not parts:
        raise ValueError("a floor needs at least one part")
    judged, (plain, corrected) = _levels(parts, confidence, min_size, dependent=dependent)
    value = float("nan")
    pair: tuple[int, ...] = ()
    lower, upper = parts[0].support
    if judged:
        sign = -1 if worst == "max" else 1
        best = min(judged, key=lambda place: sign * parts[place].value)
        value, pair = parts[best].value, (best,)
        lower, upper = _ends(
            [parts[place] for place in judged],
            (plain, corrected),
            worst,
            blocked=_blocked(parts, min_size),
        )
    return Floor(
        value=float(value),
        lower=float(lower),
        upper=float(upper),
        pair=pair,
        method=_method(parts, len(judged), worst, dependent=dependent),
        aggregate=worst,
        sizes=tuple(float(part.n) for part in parts),
        parts=_shown(parts, plain),
        source=parts,
        confidence=confidence,
        min_size=min_size,
        dependent=dependent,
    )


def _ends(
    parts: Sequence[Part], levels: tuple[float, float], worst: str, *, blocked: bool
) -> tuple[float, float]:
    """Return (L, U): any part proves a breach, all parts together prove compliance."""
    plain, corrected = levels
    low, high = parts[0].support
    if worst == "one":
        return parts[0].bound(plain) if parts[0].proves else (low, high)
    plains = bounds_of(parts, plain)
    proofs = bounds_of([part for part in parts if part.proves], corrected)
    if worst == "max":
        lower = max((end[0] for end in proofs), default=low)
        return lower, high if blocked else max(end[1] for end in plains)
    upper = min((end[1] for end in proofs), default=high)
    return low if blocked else min(end[0] for end in plains), upper


def _levels(
    parts: Sequence[Part], confidence: float, min_size: float, *, dependent: bool = False
) -> tuple[list[int], tuple[float, float]]:
    """Return the judged parts, and the levels of compliance and of breach."""
    judged = [
        place for place, part in enumerate(parts) if np.isfinite(part.value) and part.n >= min_size
    ]
    proving = sum(parts[place].proves for place in judged)
    corrected = (bonferroni if dependent else sidak)(1 - confidence, proving)
    return judged, (1 - confidence, corrected)


def _blocked(parts: Sequence[Part], min_size: float) -> bool:
    return min_size <= 1 and any(not np.isfinite(part.value) for part in parts)


def _shown(parts: Sequence[Part], alpha: float) -> PartBounds:
    defined = [part for part in parts if np.isfinite(part.value)]
    bounds = iter(bounds_of(defined, alpha))
    nothing = (float("nan"),) * 3
    return tuple(
        (float(part.value), *next(bounds)) if np.isfinite(part.value) else nothing for part in parts
    )


def _method(parts: Sequence[Part], judged: int, worst: str, *, dependent: bool) -> str:
    label = parts[0].label
    if worst == "one" or judged < 2:
        return label
    return f"{label}, {'Bonferroni' if dependent else 'Šidák'} over {judged} groups"
