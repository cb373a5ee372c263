"""Highest accuracy of any group minus the lowest.

## Question
Is the model right more often for one group than for another?

## How it is measured
The accuracy of a group is the share of its rows decided as labelled.
The value is the highest rate minus the lowest, in [0, 1]; 0 is equality. Every ordered pair is
tested with the Farrington-Manning score test; the lower end is corrected for all pairs by a
closed critical value, the upper end is the largest bound of a single pair. With `reference` each
group is compared with one comparator instead, and the direction is stated.

## When it misleads
- Groups with a rarer outcome are easier to be right about; accuracy can differ although the
  error rates agree.
- Both kinds of error weigh the same.

## What to do
Look at the error rates of the named group to see which kind of error makes the gap.

## If left out
The model could be wrong much more often for one group than for another behind a good overall
accuracy.

## Sources
- fairlearn, `accuracy_score_difference`.
"""

from __future__ import annotations

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.disparity import rate_disparity
from pytest_aipm.evidence.evidence import Evidence

NEEDS = Needs(predictions=True, label=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass")
RANGE = (-1.0, 1.0)


class Params(CheckParams):
    """Which groups, compared with whom."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    return rate_disparity(evidence, params, "accuracy", "difference")
