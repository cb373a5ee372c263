"""What these rows can show, before anything is measured: with the audit's own statistics.

The audit says of an inconclusive check which gap it could have caught and how many rows would
settle it. The same two questions are asked here of groups that are decided alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_aipm.starting.people import Attribute
from pytest_aipm.stats.disparity import rate_ratio

__all__ = ["FOUR_FIFTHS", "Power", "power_of", "said"]

FOUR_FIFTHS = 0.80
"""The limit of the selection ratio that policies start with."""


@dataclass(frozen=True)
class Power:
    """What the rows of one attribute can show about the selection ratio.

    Attributes
    ----------
    attribute : str
    gap : float or None
        Smallest difference of a group's selection rate that is caught in four of five samples;
        None where not even the largest one is.
    group : str
        Whose.
    rows : int
        Rows there are with a group.
    needed : int or None
        Rows, at the same mix, that would show groups which are decided alike to be within the
        limit in four of five samples; None where ten thousand times as many would not.
    """

    attribute: str
    gap: float | None
    group: str
    rows: int
    needed: int | None

    @property
    def enough(self) -> bool:
        """Whether these rows can be expected to show it."""
        return self.needed is not None and self.needed <= self.rows


def power_of(attribute: Attribute, rate: float, scale: float = 1.0) -> Power | None:
    """Return what the groups' sizes can show, or None where nothing is selected, or everything.

    Parameters
    ----------
    attribute : Attribute
    rate : float
        Share of all rows that get the favorable decision.
    scale : float
        Rows of the file for each row looked at.
    """
    sizes = np.rint(np.array(attribute.sizes, dtype=np.float64) * scale)
    if len(sizes) < 2 or not 0 < rate < 1 or (sizes < 1).any():
        return None
    estimate = rate_ratio(rate * sizes, sizes)
    limit = (FOUR_FIFTHS, None)
    caught, needed = estimate.detectable(limit), estimate.rows_needed(limit)
    rows = int(sizes.sum())
    return Power(
        attribute=attribute.name,
        gap=None if caught is None else caught[0],
        group="" if caught is None else attribute.groups[caught[1]],
        rows=rows,
        needed=None if needed is None else _rounded(needed[0] * rows, rows),
    )


def _rounded(needed: float, rows: int) -> int:
    """Return two significant digits, rounded up: more would claim more than is known."""
    if needed <= rows:
        return int(np.ceil(needed))
    unit = 10 ** max(int(np.floor(np.log10(needed))) - 1, 0)
    return int(np.ceil(needed / unit) * unit)


def said(powers: Sequence[Power]) -> list[str]:
    """Return one sentence an attribute."""
    return [_sentence(each) for each in powers]


def _sentence(power: Power) -> str:
    gap = (
        "no gap is sure to be caught"
        if power.gap is None
        else f"a gap of {100 * power.gap:.0f} points in selection rates is caught ({power.group} "
        "against the others)"
    )
    if power.enough:
        return f"{power.attribute}: {gap}; where there is none, the rows are enough to say so"
    more = (
        "no number of rows would do"
        if power.needed is None
        else f"takes about {power.needed:,} rows"
    )
    return f"{power.attribute}: {gap}; where there is none, to say so {more}"
