"""Highest false negative rate of any group minus the lowest.

## Question
Does the model miss people of one group more often than those of another?

## How it is measured
The false negative rate of a group is the share of its rows with the positive label that are
not decided positive.
The value is the highest rate minus the lowest, in [0, 1]; 0 is equality. Every ordered pair is
tested with the Farrington-Manning score test; the lower end is corrected for all pairs by a
closed critical value, the upper end is the largest bound of a single pair. With `reference` each
group is compared with one comparator instead, and the direction is stated.

Of several classes (`task: multiclass`) it is that of the `class` the check names, else of the
favorable classes together, else of each class against the rest: then the worst decides, corrected
for how many there are.

## When it misleads
- It is one minus the true positive rate: its differences are the same, its ratios are not.
- Labels that were themselves decided with bias hide the gap.

## What to do
Compare the scores of positives in the groups; check whether features are missing or weak in
the named group.

## If left out
People of one group could be missed much more often than those of another.

## Sources
- fairlearn, `false_negative_rate_difference`.
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
    return rate_disparity(evidence, params, "false_negative_rate", "difference")
