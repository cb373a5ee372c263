"""Highest true positive rate of any group minus the lowest.

## Question
Of the people the model should find, does it find fewer in one group?

## How it is measured
The true positive rate of a group is the share of its rows with the positive label that are
decided positive.
The value is the highest rate minus the lowest, in [0, 1]; 0 is equality. Every ordered pair is
tested with the Farrington-Manning score test; the lower end is corrected for all pairs by a
closed critical value, the upper end is the largest bound of a single pair. With `reference` each
group is compared with one comparator instead, and the direction is stated.

Of several classes (`task: multiclass`) it is that of the `class` the check names, else of the
favorable classes together, else of each class against the rest: then the worst decides, corrected
for how many there are.

## When it misleads
- It speaks of the positive class, which need not be the favorable one: for a model of default,
  "found" means refused. Read the policy's sentence about positive and favorable first.
- Labels that were themselves decided with bias hide the gap.

## What to do
Compare the score distributions of the groups among rows with the positive label; a gap at
one threshold may close at another.

## If left out
Of the people the model should find, it could find far fewer in one group.

## Sources
- fairlearn, `equal_opportunity_difference`.
- Hardt, Price, Srebro, "Equality of opportunity in supervised learning", 2016.
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
DEFAULT_LIMIT = {"max": 0.10}
BASIS = "convention of the field, not law"


class Params(ClassParams):
    """Which groups, compared with whom."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    return rate_disparity(evidence, params, "true_positive_rate", "difference")
