"""One number by itself: a rate, or any part, against a limit on either side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_aipm.stats.estimate import Limit, Numbers
from pytest_aipm.stats.floors import Floor, worst_of
from pytest_aipm.stats.parts import Part, RateMethod, RatePart

__all__ = ["Census", "census", "from_part", "rate"]


def rate(
    x: float, n: float, confidence: float = 0.95, method: RateMethod = "clopper-pearson"
) -> Floor:
    """Return a rate with exact (Clopper-Pearson) or score (Wilson) ends, one-sided each.

    Parameters
    ----------
    x, n : float
        Events and rows; without rows the value is nan and the ends are 0 and 1.
    confidence : float
        Of each end.
    method : {"clopper-pearson", "wilson"}
        Clopper and Pearson (1934), Biometrika 26:404, or Wilson (1927), JASA 22:209.
    """
    return from_part(RatePart(float(x), float(n), method), confidence)


def from_part(part: Part, confidence: float = 0.95) -> Floor:
    """Return one part as an estimate; fewer than 30 rows of a mean or bootstrap decide nothing."""
    return worst_of((part,), confidence, "one")


@dataclass(frozen=True, kw_only=True)
class Census(Numbers):
    """A count over all rows there are: no sampling, so both ends are the value."""

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> Census:
        """Return the value at another number of rows."""
        return census(self.value if values is None else values[0], sizes[0])

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return None: every breach is seen."""
        del limit, seed
        return None

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return 1: a census is decided."""
        del limit, seed
        return 1.0, (0,)


def census(value: float, n: float) -> Census:
    """Return a number that is exact for the `n` rows it speaks of."""
    exact = (float(value), float(value), float(value))
    return Census(
        value=exact[0],
        lower=exact[0],
        upper=exact[0],
        pair=(0,),
        method="count over all rows",
        aggregate="one",
        sizes=(float(n),),
        parts=(exact,),
    )
