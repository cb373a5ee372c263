"""The worst of several disparities of rates: of a rate of each class, of both error rates of each.

Each may prove a breach, and all must hold. So the end that proves a breach is taken at a share of
the error, ``alpha / m`` for m disparities (Bonferroni), which is valid however they depend on each
other: the rates of two classes rest on the same rows. The other end is the widest uncorrected one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.estimate import Limit, Numbers
from pytest_aipm.stats.rate_disparity import RateDisparity, Reference, rate_difference, rate_ratio

__all__ = ["WorstOf", "worst_disparity"]

FEW = 12
"""Of so many disparities, those nearest to the limit, the gap that is caught is told."""


@dataclass(frozen=True, kw_only=True)
class WorstOf(Numbers):
    """Several rate disparities judged as one; see `worst_disparity`.

    ``parts`` and ``sizes`` hold the groups of the first disparity, then those of the second, and so
    on; so does ``pair``.
    """

    sides: tuple[RateDisparity, ...]

    @property
    def order(self) -> tuple[int, ...]:
        """Numbers of the disparities, the worst first; undefined ones last."""
        sign = -1 if self.aggregate == "max" else 1
        values = np.array([side.value for side in self.sides])
        ranked = np.argsort(np.where(np.isfinite(values), sign * values, np.inf), kind="stable")
        return tuple(ranked.tolist())

    @property
    def worst(self) -> RateDisparity:
        """The disparity that gives the value."""
        return self.sides[self.order[0]]

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> WorstOf:
        """Return the same comparison at other denominators, with the rates kept or given."""
        groups, moved = len(self.sides[0].sizes), []
        for i, side in enumerate(self.sides):
            own = slice(i * groups, (i + 1) * groups)
            moved.append(side.at(sizes[own], None if values is None else values[own]))
        return _join(moved)

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return the largest of the smallest gaps caught, over the worst disparities."""
        groups = len(self.sides[0].sizes)
        gaps = [
            (found[0], found[1] + place * groups)
            for place in self.order[:FEW]
            if (found := self.sides[place].detectable(limit, seed=seed)) is not None
        ]
        return max(gaps, key=lambda found: found[0], default=None)

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return the factor on all rows that decides the worst disparity in 80 % of samples.

        It is the one that fails first; where all hold, the others must be proven, too, so the
        largest factor of the few nearest to the limit is told.
        """
        groups = len(self.sides[0].sizes)
        worst, *others = self.order[:FEW]
        beyond = self.sides[worst].breach(limit)
        gap = self.sides[worst].value
        gap = gap if self.aggregate == "max" else 1 - gap
        fails = beyond is not None and np.isfinite(gap) and gap > beyond
        needed = []
        for place in (worst,) if fails else (worst, *others):
            found = self.sides[place].rows_needed(limit, seed=seed + place)
            if found is None:
                return None
            needed.append((found[0], tuple(group + place * groups for group in found[1])))
        return max(needed, key=lambda found: found[0])


def worst_disparity(
    counts: Sequence[tuple[ArrayLike, ArrayLike]],
    kind: Kind,
    *,
    confidence: float = 0.95,
    reference: Reference = "highest",
    min_size: float = 1,
) -> WorstOf:
    """Return the largest difference, or the smallest ratio, of any of several rates.

    Parameters
    ----------
    counts : sequence of (events, rows)
        Arrays of shape (K,), the same groups for each rate.
    kind : {"difference", "ratio"}
    confidence, min_size
        As in `rate_difference`.
    reference : Reference
        As in `rate_difference`.

    Returns
    -------
    WorstOf
        ``max`` of differences, ``min`` of ratios. A rate that is defined in fewer than two groups
        leaves the value and, unless `min_size` is above 1, blocks proof.
    """
    measure = rate_difference if kind == "difference" else rate_ratio
    breach = 1 - (1 - confidence) / len(counts)
    return _join(
        [
            measure(
                *each,
                confidence=confidence,
                reference=reference,
                min_size=min_size,
                breach_confidence=breach,
            )
            for each in counts
        ]
    )


def _join(sides: Sequence[RateDisparity]) -> WorstOf:
    largest = sides[0].aggregate == "max"
    sign, wider = (1, max) if largest else (-1, min)
    groups = len(sides[0].sizes)
    defined = [place for place, side in enumerate(sides) if np.isfinite(side.value)]
    worse = max(defined, key=lambda place: sign * sides[place].value, default=0)
    left_out = bool(defined) and sides[0].setup.min_size > 1
    judged = [sides[place] for place in defined] if left_out else sides
    return WorstOf(
        value=sides[worse].value,
        lower=wider(side.lower for side in judged),
        upper=wider(side.upper for side in judged),
        pair=tuple(group + worse * groups for group in sides[worse].pair),
        method=f"{sides[worse].method}, the worst of {len(sides)} rates",
        aggregate=sides[0].aggregate,
        sizes=tuple(size for side in sides for size in side.sizes),
        parts=tuple(part for side in sides for part in side.parts),
        sides=tuple(sides),
    )
