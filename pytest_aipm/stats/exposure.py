"""How much an attack gives away: areas and ratios of rates on one scale, the implied epsilon.

Under pure epsilon-differential privacy no test separates two neighbouring worlds by more than a
ratio of rates of e^epsilon, and its area under the ROC curve is at most e^eps / (1 + e^eps). Read
the other way round, an attack implies an epsilon: ln(ratio), or logit(area). On one model whose
split nobody drew at random this is a scale to compare by, no bound of a guarantee.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from scipy.special import logit

from pytest_aipm.stats.estimate import Limit, Numbers
from pytest_aipm.stats.parts import AucPart, rate_bounds
from pytest_aipm.stats.score import quantile

__all__ = [
    "MOST",
    "Area",
    "Attack",
    "Exposure",
    "Newcombe",
    "Ratio",
    "Undecided",
    "exposure",
    "head",
    "holm",
    "tail",
]

MOST = 20.0
"""An epsilon that no number of rows shows: where a bound has no end, it ends here."""

MISSED = 0.2
"""Share of samples that may leave it open: 80 % power."""


class Attack(Protocol):
    """A number that is larger the more is given away, with bounds at any level."""

    @property
    def value(self) -> float:
        """The estimate."""

    @property
    def n(self) -> float:
        """Rows it rests on."""

    @property
    def name(self) -> str:
        """What it is, in words."""

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the lower and the upper bound, each one-sided at `alpha`."""

    def error(self, *, settling: bool) -> float:
        """Return the standard error at these rows, or what it comes to as they grow."""

    def scaled(self, n: float, value: float | None = None) -> Attack:
        """Return the same with other rows, the value kept or given."""


def _error(value: float, ends: tuple[float, float], z: float) -> float:
    """Return the standard error that bounds speak of; a lower end at 0 says nothing of it."""
    lower, upper = ends
    up = (upper - value) / z
    return up if lower <= 0 else max(up, (value - lower) / z)


@dataclass(frozen=True)
class Area:
    """An area under the ROC curve, as it is or as the epsilon that it implies."""

    part: AucPart
    name: str
    scale: Literal["auc", "epsilon"] = "epsilon"

    @property
    def value(self) -> float:
        """The area, or its logit; what is below a coin toss implies nothing, nan is undefined."""
        return self._told(self.part.value)

    @property
    def n(self) -> float:
        """Rows of both sides."""
        return self.part.n

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the bounds of the area on the scale."""
        lower, upper = self.part.bound(alpha)
        return self._told(lower), self._told(upper)

    def error(self, *, settling: bool) -> float:
        """Return the standard error."""
        del settling
        return _error(self.value, self.bound(0.05), quantile(0.05))

    def scaled(self, n: float, value: float | None = None) -> Area:
        """Return the area with `n` rows."""
        if value is not None and self.scale == "epsilon":
            value = self.part.value if value == self.value else 1 / (1 + math.exp(-value))
        return Area(self.part.scaled(n, value), self.name, self.scale)

    def _told(self, area: float) -> float:
        if self.scale == "auc" or math.isnan(area):
            return area
        return min(max(0.0, float(logit(min(max(area, 0.0), 1.0)))), MOST)


@dataclass(frozen=True)
class Ratio:
    """The logarithm of a ratio of two rates: `x` of `n_x` over `y` of `n_y`.

    Given x + y, x is binomial when the events are rare (Przyborowski and Wilenski 1940), and less
    scattered than that when they are not: bounds by Clopper and Pearson's are exact or wider.
    """

    x: float
    n_x: float
    y: float
    n_y: float
    name: str
    share: float = 1.0
    """Of the people beyond the cut, once there are many rows; the cut of a few lies higher."""

    @property
    def value(self) -> float:
        """The logarithm, half a row added to each count and one to each size; not below 0."""
        over, under = (self.x + 0.5) / (self.n_x + 1), (self.y + 0.5) / (self.n_y + 1)
        return max(0.0, math.log(over / under))

    @property
    def n(self) -> float:
        """Rows of both sides."""
        return self.n_x + self.n_y

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the bounds; the upper one is `MOST` where the lower rate may be 0."""
        if self.x + self.y <= 0:
            return 0.0, MOST
        lower, upper = (float(each) for each in rate_bounds(self.x, self.x + self.y, alpha))
        ratio = math.log(self.n_y / self.n_x)
        low = ratio + float(logit(lower)) if lower > 0 else 0.0
        high = ratio + float(logit(upper)) if upper < 1 else MOST
        return min(max(0.0, low), self.value), min(max(high, self.value), MOST)

    def error(self, *, settling: bool) -> float:
        """Return the standard error of the logarithm; as rows grow, of rates at the share."""
        under = self.share if settling else max((self.y + 0.5) / (self.n_y + 1), self.share)
        over = min(1.0, under * math.exp(self.value))
        return math.sqrt(1 / (over * self.n_x) + 1 / (under * self.n_y))

    def scaled(self, n: float, value: float | None = None) -> Ratio:
        """Return the rates with `n` rows of the same mix; another value moves the first rate."""
        factor = n / self.n
        x = self.x
        if value is not None and value != self.value:
            under = (self.y + 0.5) / (self.n_y + 1)
            x = min(self.n_x, math.exp(value) * under * self.n_x)
        sizes = (x * factor, self.n_x * factor, self.y * factor, self.n_y * factor)
        return Ratio(*sizes, self.name, self.share)


@dataclass(frozen=True)
class Newcombe:
    """The difference of two independent rates, x / n - y / m (Newcombe 1998, method 10)."""

    x: float
    n_x: float
    y: float
    n_y: float
    name: str

    @property
    def value(self) -> float:
        """The difference."""
        return self.x / self.n_x - self.y / self.n_y

    @property
    def n(self) -> float:
        """Rows of both samples."""
        return self.n_x + self.n_y

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the bounds from the Wilson scores of each rate."""
        lower, upper = rate_bounds([self.x, self.y], [self.n_x, self.n_y], alpha, "wilson")
        one, two = self.x / self.n_x, self.y / self.n_y
        down = math.hypot(one - lower[0], upper[1] - two)
        up = math.hypot(upper[0] - one, two - lower[1])
        return self.value - down, self.value + up

    def error(self, *, settling: bool) -> float:
        """Return the standard error."""
        del settling
        lower, upper = self.bound(0.05)
        return (upper - lower) / 2 / quantile(0.05)

    def scaled(self, n: float, value: float | None = None) -> Newcombe:
        """Return the rates with `n` rows of the same mix; another value moves the first rate."""
        factor, x = n / self.n, self.x
        if value is not None:
            x = min(max(value + self.y / self.n_y, 0.0), 1.0) * self.n_x
        return Newcombe(
            x * factor, self.n_x * factor, self.y * factor, self.n_y * factor, self.name
        )


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
    because all must be within a limit. The value is that of the attack with the largest lower
    bound, since the largest of several noisy values is too large.

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
        upper = max(*(plain[i][1] for i in judged), value)
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


def head(
    members: np.ndarray, others: np.ndarray, half: np.ndarray, *, share: float, name: str
) -> Ratio:
    """Return how much more often members than others are among the best fitted.

    Parameters
    ----------
    members, others : float arrays of shape (m,) and (k,)
        Scores, larger for what looks more like a member.
    half : bool array of shape (k,)
        Others by which the cut is chosen; the rest of them are counted.
    share : float
        Of the others that lie beyond the cut; of ties all do.
    """
    ranked = np.sort(others[half])[::-1]
    cut = ranked[max(1, math.ceil(share * len(ranked))) - 1]
    kept = others[~half]
    return Ratio(
        x=float((members >= cut).sum()),
        n_x=len(members),
        y=float((kept >= cut).sum()),
        n_y=len(kept),
        name=name,
        share=share,
    )


def tail(
    members: np.ndarray, others: np.ndarray, half: np.ndarray, *, share: float, name: str
) -> Ratio:
    """Return how much more often others than members are among the worst fitted members.

    As `head`, but the cut is chosen by `half` of the members, shape (m,).
    """
    ranked = np.sort(members[half])
    cut = ranked[max(1, math.ceil(share * len(ranked))) - 1]
    kept = members[~half]
    return Ratio(
        x=float((others <= cut).sum()),
        n_x=len(others),
        y=float((kept <= cut).sum()),
        n_y=len(kept),
        name=name,
        share=share,
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
