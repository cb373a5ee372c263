"""How a measurement stands beside an earlier one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pytest_aipm.baseline.stored import group_key
from pytest_aipm.checks.base import Measurement
from pytest_aipm.judge import Entry
from pytest_aipm.records import BaselineComparison, GroupValue
from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.paired import change, widened

__all__ = ["comparable", "compare"]


def comparable(
    entry: Entry | None, formula: str, conditions: Mapping[str, str]
) -> tuple[Entry | None, str]:
    """Return an approved finding where it answers the same question under the same conditions.

    Parameters
    ----------
    entry : Entry or None
    formula : str
        Id of what was measured now.
    conditions : mapping of str to str
        Under what.

    Returns
    -------
    entry : Entry or None
    why : str
        Which conditions keep the two apart, empty where none does.
    """
    if entry is None or entry.formula not in (None, formula):
        return None, ""
    if entry.formula is None or dict(entry.conditions) == dict(conditions):
        return entry, ""
    other = [
        f"{name} {conditions.get(name, 'not known')} instead of {then}"
        for name, then in sorted(entry.conditions.items())
        if conditions.get(name) != then
    ]
    other += [
        f"{name} {now} instead of none"
        for name, now in sorted(conditions.items())
        if name not in entry.conditions
    ]
    return None, ", ".join(other)


def compare(
    measurement: Measurement,
    entry: Entry | None,
    *,
    allowed: float | None,
    confidence: float,
    point: bool,
    against: str,
) -> BaselineComparison | None:
    """Compare a measurement with an earlier one, or with the champion it carries.

    Parameters
    ----------
    measurement : Measurement
    entry : Entry or None
        The earlier finding; not needed where the measurement carries a comparison on the same
        rows, with a champion or with the approved decisions.
    allowed : float or None
        Largest harmful change; None only reports.
    confidence : float
    point : bool
        Whether the point estimate decides.
    against : {"baseline", "anchor", "champion"}

    Returns
    -------
    BaselineComparison or None
        None when there is nothing to compare with.
    """
    found = (
        _champion_change(measurement)
        if against == "champion" or (against == "baseline" and measurement.champion is not None)
        else _change_since(measurement, entry, confidence)
    )
    if found is None:
        return None
    value, delta, lower, upper, paired, group = found
    harmful = (lower, upper, delta) if measurement.harm == "up" else (-upper, -lower, -delta)
    return BaselineComparison(
        value=value,
        delta=delta,
        interval=(lower, upper),
        verdict=_direction(*harmful, allowed=allowed, point=point),
        paired=paired,
        limit=allowed,
        against=against,
        group=group,
        note="" if paired else "two samples: the earlier rows are not paired with these",
    )


UNCHANGED = 0.02
"""Where a policy sets no tolerance, a change that lies within this is reported as "same"."""


def _direction(
    lower: float, upper: float, delta: float, *, allowed: float | None, point: bool
) -> str:
    """Return what a change in the harmful direction is, given its ends."""
    if any(math.isnan(each) for each in (lower, upper, delta)):
        return "inconclusive"
    if point:
        lower = upper = delta
    if lower > (0.0 if allowed is None else allowed):
        return "worse"
    if upper < 0:
        return "better"
    tolerance = UNCHANGED if allowed is None else allowed
    return "same" if upper <= tolerance and lower >= -tolerance else "inconclusive"


Change = tuple[float, float, float, float, bool, str]


def _champion_change(measurement: Measurement) -> Change | None:
    found = measurement.champion
    if found is None:
        return None
    return found.value, found.delta, found.lower, found.upper, found.paired, found.group


def _change_since(
    measurement: Measurement, entry: Entry | None, confidence: float
) -> Change | None:
    estimate = measurement.estimate
    if entry is None or entry.value is None or estimate is None or math.isnan(estimate.value):
        return None
    pairs = _same_pairs(measurement, entry)
    if pairs is not None:
        x_new, n_new, x_old, n_old, names = pairs
        kind: Kind = "ratio" if measurement.harm == "down" else "difference"
        found = widened(x_new, n_new, x_old, n_old, kind=kind, confidence=confidence)
        if found.pair:
            group = " and ".join(names[i] for i in found.pair)
            if kind == "ratio":
                # the ratio falls by as much as its gap grows
                return entry.value, -found.delta, -found.upper, -found.lower, False, group
            return entry.value, found.delta, found.lower, found.upper, False, group
    lower, upper = entry.interval or (None, None)
    delta, low, high = change(
        estimate,
        entry.value,
        entry.value if lower is None else lower,
        entry.value if upper is None else upper,
    )
    return entry.value, delta, low, high, False, ""


def _same_pairs(
    measurement: Measurement, entry: Entry
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[str]] | None:
    """Return the counts of the groups that both runs have, for rate disparities."""
    if not measurement.formula.id.endswith(("_difference", "_ratio")):
        return None
    new = {group_key(group): group for group in measurement.groups if group.numerator is not None}
    old = {group_key(group): group for group in entry.groups if group.numerator is not None}
    common = [key for key in new if key in old and not key[0]]
    if len(common) < 2:
        return None

    def column(groups: Mapping[Any, GroupValue], name: str) -> np.ndarray:
        return np.array([float(getattr(groups[key], name)) for key in common])

    names = [" · ".join(new[key].group.values()) for key in common]
    return (
        column(new, "numerator"),
        column(new, "denominator"),
        column(old, "numerator"),
        column(old, "denominator"),
        names,
    )
