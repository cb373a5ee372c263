"""What every estimator returns: a value, two ends, and how to ask for more rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Estimate", "Limit", "Numbers", "PartBounds", "as_array"]

Array = NDArray[np.float64]
Limit = tuple[float | None, float | None]
"""Smallest and largest value allowed; None where there is no limit."""
PartBounds = tuple[tuple[float, float, float], ...]


class Estimate(Protocol):
    """A value with two one-sided ends, independent of any limit.

    ``aggregate`` says which end is corrected for multiplicity: the lower one of a ``max``, the
    upper one of a ``min``, neither of ``one``. ``pair`` holds the indices of the parts that make
    the value: (highest, lowest), (worst,) or (). ``sizes`` are the denominators of the parts and
    ``parts`` their (value, lower, upper), uncorrected, for display; nan where undefined.
    """

    @property
    def value(self) -> float:
        """The point estimate; nan when undefined."""

    @property
    def lower(self) -> float:
        """The one-sided lower end."""

    @property
    def upper(self) -> float:
        """The one-sided upper end."""

    @property
    def pair(self) -> tuple[int, ...]:
        """Indices of the parts that make the value."""

    @property
    def method(self) -> str:
        """The interval in short words."""

    @property
    def aggregate(self) -> str:
        """``max``, ``min`` or ``one``."""

    @property
    def sizes(self) -> tuple[float, ...]:
        """Denominators of the parts."""

    @property
    def parts(self) -> PartBounds:
        """Value, lower and upper end of each part."""

    @property
    def beyond(self) -> bool:
        """Whether what is caught is told by how far it lies beyond the limit."""

    def at(self, sizes: Sequence[float], values: Sequence[float] | None = None) -> Estimate:
        """Return the same estimator at other denominators, with the rates kept or given."""

    def detectable(self, limit: Limit, *, seed: int = 0) -> tuple[float, int] | None:
        """Return the smallest gap caught at 80 % power and the part that needs it."""

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> tuple[float, tuple[int, ...]] | None:
        """Return the factor on all denominators that settles it, and the pair that binds."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The plain numbers of an `Estimate`; each estimator adds its own inputs."""

    value: float
    lower: float
    upper: float
    pair: tuple[int, ...]
    method: str
    aggregate: str
    sizes: tuple[float, ...]
    parts: PartBounds

    @property
    def beyond(self) -> bool:
        """Whether what is caught is told by how far it lies beyond the limit, not as a gap."""
        return False


def as_array(values: object) -> Array:
    """Return a one-dimensional float array; ValueError when it is not finite."""
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.ndim != 1:
        raise ValueError(f"expected one dimension, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("counts and sizes must be finite numbers")
    return array
