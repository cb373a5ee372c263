"""Means over pairs of people, where one person stands in several pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.special import stdtrit

from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.means import SMALL

__all__ = ["DyadicPart", "dyadic_part"]


@dataclass(frozen=True)
class DyadicPart:
    """A mean over pairs, with ends that take skewness out of Student's t.

    With T = (mean - mu) / error, ``E T = k1`` and skewness k3 of T, the transformation of Hall
    (1992, JRSS B 54:221) is ``g(T) = T + a T² + a² T³ / 3 + b`` with a = -k3 / 6 and b = -k1 - a.
    For a mean over pairs k1 = -G / 2 - 2 H and k3 = -2 G - 6 H (Helmers 1991, Annals of Statistics
    19:470, the Edgeworth expansion of a studentized U-statistic).

    Parameters
    ----------
    value, error : float
    own : float
        G: sum of cubes of what each person moves the mean by, over error³.
    both : float
        H: what two people together add to that, summed over pairs of them.
    n : float
        People.
    freedom : float
        Degrees of freedom of `error`.
    limits : (float, float)
        Smallest and largest possible value.
    """

    value: float
    error: float
    own: float
    both: float
    n: float
    freedom: float
    limits: tuple[float, float] = (-np.inf, np.inf)

    label: ClassVar[str] = "Hall-transformed t over pairs"

    @property
    def proves(self) -> bool:
        """Whether there are at least 30 people."""
        return self.n >= SMALL

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return self.limits

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return both ends."""
        if not np.isfinite(self.value + self.error) or self.freedom < 1:
            return self.limits
        t = float(stdtrit(self.freedom, 1 - alpha))
        lower = min(self.value - self.error * self._inverse(t), self.value)
        upper = max(self.value - self.error * self._inverse(-t), self.value)
        return max(lower, self.limits[0]), min(upper, self.limits[1])

    def _inverse(self, y: float) -> float:
        """Return T with g(T) = y; g is ((1 + a T)³ - 1) / (3 a) + b, so the root is closed."""
        a = (self.own + 3 * self.both) / 3
        y -= self.own / 6 + self.both
        return float((np.cbrt(1 + 3 * a * y) - 1) / a) if abs(a) > 1e-8 else y

    def scaled(self, n: float, value: float | None = None) -> DyadicPart:
        """Return the part with `n` people, moved to `value`."""
        if n <= 0 or self.n <= 0:
            nan = float("nan")
            return DyadicPart(nan, nan, 0.0, 0.0, 0.0, 0.0, self.limits)
        shrink = float(np.sqrt(self.n / n))
        return replace(
            self,
            value=self.value if value is None else value,
            error=self.error * shrink,
            own=self.own * shrink,
            both=self.both * shrink,
            n=n,
            freedom=max(self.freedom * n / self.n, 1.0),
        )


def dyadic_part(
    value: float, influence: Array, first: NDArray[np.intp], second: NDArray[np.intp]
) -> DyadicPart:
    """Return a mean over pairs with an error that heeds who stands in several of them.

    The variance is the sum, over all two pairs with a person in common, of the product of their
    influences (Fafchamps and Gubert 2007, Journal of Development Economics 83:326): the square of
    the sum over the pairs of each person, less what is counted twice; never less than were no
    person in two different pairs. Its degrees of freedom are Satterthwaite's, from a jackknife
    over people.

    Parameters
    ----------
    value : float
    influence : array of shape (N,)
        How far each pair moves the mean; they add up to 0.
    first, second : int array of shape (N,)
        The two people of each pair, numbered alike from 0; never the same one.
    """
    n = int(max(first.max(), second.max())) + 1
    many = coo_array(
        (np.tile(influence, 2), (np.r_[first, second], np.r_[second, first])), shape=(n, n)
    ).tocsr()
    own: Array = np.asarray(many.sum(axis=1)).reshape(-1)
    alike: Array = np.asarray(many.multiply(many).sum(axis=1)).reshape(-1)
    twice = float(alike.sum()) / 2
    people = int(np.count_nonzero(np.bincount(np.r_[first, second], minlength=n)))
    square = max(float(own @ own) - twice, twice) * people / max(people - 1, 1)
    if square <= 0:
        return DyadicPart(value, 0.0, 0.0, 0.0, float(people), float(people - 1))
    error = float(np.sqrt(square))
    pairs = many.tocoo()
    others = (own[pairs.row] - pairs.data) * (own[pairs.col] - pairs.data)
    # what the variance would be without each person, by how much it is more
    moved = own**2 + 2 * (many @ own) - 2 * alike
    spread = float(((moved - moved.mean()) ** 2).sum())
    freedom = min(people - 1.0, 2 * square**2 / spread) if spread > 0 else people - 1.0
    return DyadicPart(
        value,
        error,
        float((own**3).sum()) / error**3,
        float(others @ pairs.data) / 2 / error**3,
        float(people),
        freedom,
    )
