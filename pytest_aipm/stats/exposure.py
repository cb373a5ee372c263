"""The strongest of several attacks, or the most exposed of several groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_aipm.stats.attacks import Attack
from pytest_aipm.stats.estimate import Limit, Numbers
from pytest_aipm.stats.score import quantile

__all__ = ["Exposure", "Undecided", "exposure", "holm"]

MISSED = 0.2
"""Share of samples that may leave it open: 80 % power."""


@dataclass(frozen=True, kw_only=True)
class Exposure(Numbers):
    """The strongest of several attacks; see `exposure`."""

    source: tuple[Attack, ...]
    confidence: float
    apart: bool = False
    min_size: float = 1

    @property
    def strongest(self) -> Attack:
        """The attack that makes the value."""
        return self.source[self.pair[0]] if self.apart else self.source[_best(self)]

    @property
    def beyond(self) -> bool:
        """True: there is a limit and no gap."""
        return True

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> Exposure:
        """Return the same attacks with other rows."""
        if not self.apart:
            factor = sizes[0] / self.sizes[0] if self.sizes[0] else 1.0
            moved = [each.scaled(each.n * factor) for each in self.source]
        else:
            moved = [
                each.scaled(n, None if values is None else values[i])
                for i, (each, n) in enumerate(zip(self.source, sizes, strict=True))
            ]
        return exposure(moved, self.confidence, apart=self.apart, min_size=self.min_size)

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return how far beyond the limit is caught at 80 % power, by the best attack."""
        del seed
        if limit[1] is None:
            return None
        known = self._known()
        if not known:
            return None
        z = quantile((1 - self.confidence) / len(known)) + quantile(MISSED)
        gaps = [(z * each.error(settling=False), i) for i, each in known]
        # of one person's attacks the best counts; of groups the one that is seen worst
        return max(gaps) if self.apart else min(gaps)

    def _known(self) -> list[tuple[int, Attack]]:
        return [
            (i, each)
            for i, each in enumerate(self.source)
            if math.isfinite(each.value) and (each.n >= self.min_size or not self.apart)
        ]

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return the factor on all rows that decides in 80 % of samples, the values being true.

        A normal model; None when a value lies on the limit.
        """
        del seed
        ceiling, known = limit[1], self._known()
        if ceiling is None or not known:
            return None
        alpha, many = 1 - self.confidence, len(known)
        # one attack beyond the limit is enough; to be within it all must be at once
        breaks, holds = (
            quantile(alpha / many) + quantile(MISSED),
            quantile(alpha) + quantile(MISSED / many),
        )
        breach: list[tuple[float, int]] = []
        hold: list[tuple[float, int]] = []
        for i, each in known:
            distance = each.value - ceiling
            if distance == 0:
                return None
            z = breaks if distance > 0 else holds
            factor = (z * each.error(settling=True) / distance) ** 2
            (breach if distance > 0 else hold).append((factor, i))
        factor, place = min(breach) if breach else max(hold)
        return max(1.0, factor), (place,) if self.apart else (0,)


def exposure(
    attacks: Sequence[Attack],
    confidence: float = 0.95,
    *,
    apart: bool = False,
    min_size: float = 1,
) -> Exposure:
    """Return the strongest of several attacks on the same people, or the worst of groups.

    The lower end is the largest lower bound, each at the level divided by the number of attacks
    (Bonferroni: they may hang together); the upper end is the largest upper bound, uncorrected,
    because all must be within a limit, but for those that are `aside`. The value is that of the
    attack with the largest lower bound, since the largest of several noisy values is too large.

    Parameters
    ----------
    attacks : sequence of Attack
        At least one.
    confidence : float
        Of each end, one-sided.
    apart : bool
        Whether each attack is on other people: then each is a part of its own. One that is
        undefined then leaves the upper end open, unless it is smaller than `min_size`.
    min_size : float
        Attacks on fewer rows are not judged.
    """
    attacks, alpha = tuple(attacks), 1 - confidence
    plain = [each.bound(alpha) for each in attacks]
    judged = [i for i, each in enumerate(attacks) if each.n >= min_size or not apart]
    known = [i for i in judged if math.isfinite(attacks[i].value)]
    value: float = math.nan
    pair: tuple[int, ...] = ()
    lower, upper = _ends(plain)
    if known:
        corrected = {i: attacks[i].bound(alpha / len(known))[0] for i in known}
        # where nothing is shown, the attack that is measured best
        best = max(known, key=lambda i: (corrected[i], -plain[i][1]))
        value, lower, pair = attacks[best].value, max(corrected.values()), (best,)
        upper = max(plain[i][1] for i in judged if not attacks[i].aside or i == best)
        upper = max(upper, value)
    shown = range(len(attacks)) if apart else pair
    return Exposure(
        value=value,
        lower=lower,
        upper=upper,
        pair=pair if apart else (0,),
        method=f"strongest of {len(known)}, Bonferroni" if len(known) > 1 else "one attack",
        aggregate="max",
        sizes=tuple(each.n for each in attacks) if apart else (max(each.n for each in attacks),),
        parts=tuple((attacks[i].value, *plain[i]) for i in shown),
        source=attacks,
        confidence=confidence,
        apart=apart,
        min_size=min_size,
    )


def _ends(bounds: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(each[0] for each in bounds), max(each[1] for each in bounds)


def _best(found: Exposure) -> int:
    return next(i for i, each in enumerate(found.source) if each.value == found.value)


@dataclass(frozen=True, kw_only=True)
class Undecided(Numbers):
    """A value of which nothing follows: the ends are those of the scale."""

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> Undecided:
        """Return the same: more rows do not help."""
        del sizes, values
        return self

    def detectable(self, limit: Limit, *, seed: int = 0) -> None:
        """Return None: nothing is caught."""
        del limit, seed

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> None:
        """Return None: no number of rows settles it."""
        del limit, seed

    @classmethod
    def of(cls, found: Exposure, low: float, high: float) -> Undecided:
        """Return what is left of attacks whose premise fails."""
        whole = tuple((value, low, high) for value, _, _ in found.parts)
        return cls(
            value=found.value,
            lower=low,
            upper=high,
            pair=found.pair,
            method="no interval: the premise fails",
            aggregate="max",
            sizes=found.sizes,
            parts=whole,
        )


def holm(attacks: Sequence[Attack], ceiling: float, confidence: float) -> list[bool]:
    """Return which attacks are beyond a ceiling, with Holm's control of all of them (1979)."""
    beyond = [False] * len(attacks)
    left = {i for i, each in enumerate(attacks) if math.isfinite(each.value)}
    while left:
        alpha = (1 - confidence) / len(left)
        proven = {i for i in left if attacks[i].bound(alpha)[0] > ceiling}
        if not proven:
            return beyond
        for i in proven:
            beyond[i] = True
        left -= proven
    return beyond
