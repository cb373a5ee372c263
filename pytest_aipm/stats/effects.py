"""Numbers with standard errors, and numbers known between a lower and an upper estimate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.special import stdtrit

from pytest_aipm.stats.effective import kish_size
from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.means import SMALL
from pytest_aipm.stats.twoway import TwoWay

__all__ = [
    "EffectPart",
    "Magnitudes",
    "Shares",
    "Units",
    "group_mean",
    "magnitudes",
    "share",
    "shares",
]


@dataclass(frozen=True, eq=False)
class Units:
    """Whom n rows stand for: their weights, and whose they are.

    Attributes
    ----------
    weight : array of shape (n,)
    unit : int array of shape (n,) or None
        Number of the person that each row is of, from 0 without gaps; None when each row is one.
    """

    weight: Array
    unit: np.ndarray | None = None

    @classmethod
    def of(cls, n: int, weight: Array | None, person: np.ndarray | None) -> Units:
        """Return the units of n rows, of which `person` tells whose they are, in any way."""
        unit = None
        if person is not None:
            # numbered by when they first occur
            _, first, own = np.unique(person, return_index=True, return_inverse=True)
            unit = np.argsort(np.argsort(first))[own.reshape(-1)]
        return cls(np.ones(n) if weight is None else weight / weight.mean(), unit)

    def inside(self, kept: np.ndarray) -> Units:
        """Return the units of some of the rows."""
        return Units.of(0, self.weight[kept], None if self.unit is None else self.unit[kept])

    @cached_property
    def size(self) -> float:
        """How many people of the same weight tell as much (Kish)."""
        return kish_size(self.weight, self.unit)

    def mean(self, values: Array) -> Array:
        """Return the weighted mean over rows, for values of shape (n, ...)."""
        mean: Array = self.weight @ values / len(self.weight)
        return mean

    def sums(self, values: Array) -> Array:
        """Return the weighted sum of each person's rows, for values of shape (n, p)."""
        own = self.weight.reshape(-1, *[1] * (values.ndim - 1)) * values
        if self.unit is None:
            return np.asarray(own)
        total = np.zeros((int(self.unit.max(initial=-1)) + 1, *values.shape[1:]))
        np.add.at(total, self.unit, own)
        return total

    def moved(self, off: Array) -> Array:
        """Return how far each person moves the mean: its variance is theirs over their number.

        Parameters
        ----------
        off : array of shape (n, ...)
            Values of rows less their weighted mean.
        """
        found = self.sums(off)
        return found * (len(found) / max(len(off), 1))


@dataclass(frozen=True)
class EffectPart:
    """A number between two estimates that bracket it, each with its standard error.

    Parameters
    ----------
    low, high : float
        Estimates whose expectations lie below and above the truth; equal where one is unbiased.
    error_low, error_high : float
        Their standard errors.
    n : float
        Rows.
    freedom : float
        Degrees of freedom of Student's t.
    limits : (float, float)
        Smallest and largest possible value.
    """

    low: float
    high: float
    error_low: float
    error_high: float
    n: float
    freedom: float
    limits: tuple[float, float] = (-np.inf, np.inf)

    label: ClassVar[str] = "t over rows and background rows"

    @property
    def value(self) -> float:
        """The middle of both estimates."""
        return (self.low + self.high) / 2

    @property
    def proves(self) -> bool:
        """Whether there are at least 30 rows."""
        return self.n >= SMALL

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return self.limits

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the lower estimate less, and the upper plus, t standard errors."""
        if not np.isfinite(self.low + self.high) or self.freedom < 1:
            return self.limits
        t = float(stdtrit(self.freedom, 1 - alpha))
        lower, upper = self.low - t * self.error_low, self.high + t * self.error_high
        return max(lower, self.limits[0]), min(upper, self.limits[1])

    def scaled(self, n: float, value: float | None = None) -> EffectPart:
        """Return the part with `n` rows, moved to `value`."""
        if n <= 0 or self.n <= 0:
            nan = float("nan")
            return EffectPart(nan, nan, nan, nan, 0.0, 0.0, self.limits)
        shift = 0.0 if value is None else value - self.value
        shrink = float(np.sqrt(self.n / n))
        return EffectPart(
            self.low + shift,
            self.high + shift,
            self.error_low * shrink,
            self.error_high * shrink,
            n,
            max(self.freedom * n / self.n, 1.0),
            self.limits,
        )


@dataclass(frozen=True, eq=False)
class Magnitudes:
    """Mean absolute attributions, and how each row and background row moves them.

    ``mean |v|`` over rows lies above the truth, because noise has a size too; the mean of one
    half's value with the sign of the other half's lies below it.

    Attributes
    ----------
    low, high : array of shape (p,)
    by_row : array of shape (n, p)
        Each row's part less the mean; of each person, where people have several rows.
    by_background : array of shape (m, p)
    size : float
        How many people of the same weight tell as much; default the rows.
    """

    low: Array
    high: Array
    by_row: Array
    by_background: Array
    size: float = 0.0

    def __post_init__(self) -> None:
        """Count the rows."""
        if not self.size:
            object.__setattr__(self, "size", float(len(self.by_row)))

    @property
    def middle(self) -> Array:
        """The middle of the lower and the upper estimate."""
        middle: Array = (self.low + self.high) / 2
        return middle


def magnitudes(
    whole: TwoWay, first: TwoWay, second: TwoWay, units: Units | None = None
) -> Magnitudes:
    """Return the mean absolute value of every player over the rows.

    Parameters
    ----------
    whole, first, second : TwoWay
        All walks, and two halves of them that share none.
    units : Units, optional
        Whom the rows stand for; default each for one person.
    """
    units = units or Units.of(len(whole.row), None, None)
    sign = np.sign(whole.row)
    high = np.abs(whole.row)
    crossed = np.sign(first.row) * second.row + np.sign(second.row) * first.row
    mean = units.mean(high)
    low = np.clip(units.mean(crossed) / 2, 0.0, mean)
    moved = whole.moved(units.weight[:, None] * sign)
    return Magnitudes(low, mean, units.moved(high - mean), moved, units.size)


def share(sizes: Magnitudes, of: list[int]) -> EffectPart:
    """Return the share of some players in the sum over all, by the delta method.

    The lower end takes the lower estimate of these and the upper one of the others, the upper end
    the reverse. A share of nothing is nan.
    """
    inside = np.zeros(len(sizes.high))
    inside[of] = 1.0
    ends, errors = [], []
    for own, other in ((sizes.low, sizes.high), (sizes.high, sizes.low)):
        top, total = float(own @ inside), float(own @ inside + other @ (1 - inside))
        found = top / total if total > 0 else float("nan")
        slope = (inside - found) / total if total > 0 else inside * np.nan
        ends.append(found)
        errors.append(_error(sizes.by_row @ slope, sizes.by_background @ slope))
    freedom = min(sizes.size, float(len(sizes.by_background))) - 1
    return EffectPart(ends[0], ends[1], errors[0], errors[1], sizes.size, freedom, (0.0, 1.0))


@dataclass(frozen=True, eq=False)
class Shares:
    """The shares of all players, and how each row and background row moves them.

    Attributes
    ----------
    value : array of shape (p,)
    by_row : array of shape (n, p)
    by_background : array of shape (m, p)
    """

    value: Array
    by_row: Array
    by_background: Array


def shares(sizes: Magnitudes) -> Shares:
    """Return the share of every player by the middle estimates; their sum must not be 0."""
    total = float(sizes.middle.sum())
    value = sizes.middle / total
    moved = [
        (each - each.sum(axis=1, keepdims=True) * value) / total
        for each in (sizes.by_row, sizes.by_background)
    ]
    return Shares(value, *moved)


def group_mean(
    fit: TwoWay, inside: np.ndarray, player: list[int], units: Units | None = None
) -> EffectPart:
    """Return the mean of a group's attributions, summed over some players.

    What the background adds to everyone alike cancels in every comparison of groups, so only what
    it adds to this group beside is counted.

    Parameters
    ----------
    fit : TwoWay
    inside : bool array of shape (n,)
        The group.
    player : list of int
    units : Units, optional
        Whom all rows stand for; default each for one person.
    """
    units = units or Units.of(len(fit.row), None, None)
    own = fit.row[inside][:, player].sum(axis=1)
    if not len(own):
        nan = float("nan")
        return EffectPart(nan, nan, nan, nan, 0.0, 0.0)
    stands = units.weight * inside
    weight = stands / stands.mean() - units.weight / units.weight.mean()
    weight = np.repeat(weight[:, None], fit.row.shape[1], axis=1)
    # a background row that lifts one group lowers the others: the errors of two groups add up
    # in full, (a + b)² <= 2 (a² + b²), while comparisons take them for independent
    beside = np.sqrt(2.0) * fit.moved(weight)[:, player].sum(axis=1)
    people = units.inside(inside)
    mean, size = float(people.mean(own)), people.size
    moved = people.moved(own - mean)
    if units.unit is not None and np.isin(units.unit[inside], units.unit[~inside]).any():
        # so it is with people who have rows in two groups
        moved = np.sqrt(2.0) * moved
    error = _error(moved, beside) if len(moved) > 1 else float("nan")
    return EffectPart(mean, mean, error, error, size, min(size, float(len(fit.background))) - 1)


def _error(by_row: Array, by_background: Array) -> float:
    variance = 0.0
    for each in (by_row, by_background):
        if len(each) > 1:
            variance += float(each.var(ddof=1)) / len(each)
    return float(np.sqrt(variance))
