"""How much one attack gives away: areas, ratios of rates and their differences, with bounds.

Under pure epsilon-differential privacy no test separates two neighbouring worlds by more than a
ratio of rates of e^epsilon, and its area under the ROC curve is at most e^eps / (1 + e^eps). Read
the other way round, an attack implies an epsilon: ln(ratio), or logit(area). On one model whose
split nobody drew at random this is a scale to compare by, no bound of a guarantee.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from scipy.special import logit

from pytest_aipm.stats.parts import AucPart, rate_bounds
from pytest_aipm.stats.score import quantile

__all__ = ["MOST", "Area", "Attack", "Newcombe", "Ratio", "head", "tail"]

MOST = 20.0
"""An epsilon that no number of rows shows: where a bound has no end, it ends here."""


TIED = 2
"""So many times the share may be beyond the cut with those that are tied there."""


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

    @property
    def aside(self) -> bool:
        """Whether it can show a leak, and is too rare to show that there is none."""

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the lower and the upper bound, each one-sided at `alpha`."""

    def error(self, *, settling: bool) -> float:
        """Return the standard error at these rows, or what it comes to as they grow."""

    def scaled(self, n: float, value: float | None = None) -> Attack:
        """Return the same with other rows, the value kept or given."""


@dataclass(frozen=True)
class Area:
    """An area under the ROC curve, as it is or as the epsilon that it implies."""

    part: AucPart
    name: str
    scale: Literal["auc", "epsilon"] = "epsilon"
    aside: bool = False

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
        """Return the standard error; an epsilon that ends at 0 hides nothing of it."""
        del settling
        low, value, high = (self._logit(each) for each in self._at(0.05))
        return max(value - low, high - value) / quantile(0.05)

    def scaled(self, n: float, value: float | None = None) -> Area:
        """Return the area with `n` rows."""
        if value is not None and self.scale == "epsilon":
            value = self.part.value if value == self.value else 1 / (1 + math.exp(-value))
        return Area(self.part.scaled(n, value), self.name, self.scale)

    def _at(self, alpha: float) -> tuple[float, float, float]:
        lower, upper = self.part.bound(alpha)
        return lower, self.part.value, upper

    def _logit(self, area: float) -> float:
        if self.scale == "auc" or math.isnan(area):
            return area
        return min(max(-MOST, float(logit(min(max(area, 0.0), 1.0)))), MOST)

    def _told(self, area: float) -> float:
        told = self._logit(area)
        return told if self.scale == "auc" or math.isnan(told) else max(0.0, told)


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
    aside: bool = False

    @property
    def value(self) -> float:
        """The logarithm, half a row added to each count and one to each size; not below 0."""
        if self.x + self.y <= 0:
            return 0.0
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
        return Ratio(*sizes, self.name, self.share, self.aside)


@dataclass(frozen=True)
class Newcombe:
    """The difference of two independent rates, x / n - y / m (Newcombe 1998, method 10)."""

    x: float
    n_x: float
    y: float
    n_y: float
    name: str
    aside: bool = False

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


def head(
    members: np.ndarray, others: np.ndarray, half: np.ndarray, *, share: float, name: str
) -> list[Ratio]:
    """Return how much more often members than others are among the best fitted.

    Where many others are tied at the cut, all of them are beyond it, and whoever stands out is lost
    among them. Then there is a second attack, by those that are fitted better than the tied ones;
    they may be so few that nothing bounds their ratio, so it is `aside`.

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
    beyond: list[tuple[np.ndarray, np.ndarray, str]] = [(members >= cut, kept >= cut, name)]
    tied = (ranked >= cut).sum() > TIED * max(1.0, share * len(ranked))
    if tied and (members > cut).any():
        beyond.append((members > cut, kept > cut, f"{name} but for ties"))
    return [
        Ratio(
            x=float(inside.sum()),
            n_x=len(members),
            y=float(outside.sum()),
            n_y=len(kept),
            name=called,
            share=share,
            aside=i > 0,
        )
        for i, (inside, outside, called) in enumerate(beyond)
    ]


def tail(
    members: np.ndarray, others: np.ndarray, half: np.ndarray, *, share: float, name: str
) -> list[Ratio]:
    """Return how much more often others than members are among the worst fitted members.

    As `head` with the sides changed: the cut is chosen by `half` of the members, shape (m,).
    """
    return head(-others, -members, half, share=share, name=name)
