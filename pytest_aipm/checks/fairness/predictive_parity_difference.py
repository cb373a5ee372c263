"""Highest precision of any group minus the lowest.

## Question
Does a positive decision mean the same in every group?

## How it is measured
The precision of a group is the share of its positive decisions whose label is positive.
The value is the highest rate minus the lowest, in [0, 1]; 0 is equality. Every ordered pair is
tested with the Farrington-Manning score test; the lower end is corrected for all pairs by a
closed critical value, the upper end is the largest bound of a single pair. With `reference` each
group is compared with one comparator instead, and the direction is stated.

Of several classes (`task: multiclass`) it is that of the `class` the check names, else of the
favorable classes together, else of each class against the rest: then the worst decides, corrected
for how many there are.

## When it misleads
- The denominator depends on the decisions, so two models cannot be paired on it.
- Where base rates differ, equal precision and equal error rates cannot both hold.

## What to do
Check calibration in the named group: its scores mean something else there.

## If left out
A positive decision could be right less often in one group than in another.

## Sources
- Chouldechova, "Fair prediction with disparate impact", 2017.
"""

from __future__ import annotations

from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import ClassParams
from pytest_aipm.checks.disparity import rate_disparity
from pytest_aipm.evidence.evidence import Evidence

NEEDS = Needs(predictions=True, label=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass")
RANGE = (-1.0, 1.0)


class Params(ClassParams):
    """Which groups, compared with whom."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    return rate_disparity(evidence, params, "precision", "difference")
