"""Highest false positive rate of any group minus the lowest.

## Question
Does the model accuse people of one group wrongly more often than those of another?

## How it is measured
The false positive rate of a group is the share of its rows without the positive label that
are decided positive.
The value is the highest rate minus the lowest, in [0, 1]; 0 is equality. Every ordered pair is
tested with the Farrington-Manning score test; the lower end is corrected for all pairs by a
closed critical value, the upper end is the largest bound of a single pair. With `reference` each
group is compared with one comparator instead, and the direction is stated.

Of several classes (`task: multiclass`) it is that of the `class` the check names, else of the
favorable classes together, else of each class against the rest: then the worst decides, corrected
for how many there are.

## When it misleads
- Where base rates differ, equal false positive rates and equal precision cannot both hold.
- A ratio of small rates moves much with few rows; look at the counts.

## What to do
Raise the threshold, or find the features that push negatives of the named group over it.

## If left out
People of one group could be accused wrongly much more often than those of another.

## Sources
- fairlearn, `false_positive_rate_difference`.
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
    return rate_disparity(evidence, params, "false_positive_rate", "difference")
