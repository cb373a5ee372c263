"""Highest selection rate of any group minus the lowest.

## Question
Does one group get the favorable decision more often than another?

## How it is measured
The selection rate of a group is the share of its rows that get the favorable decision.
The value is the highest rate minus the lowest, in [0, 1]; 0 is equality. Every ordered pair is
tested with the Farrington-Manning score test; the lower end is corrected for all pairs by a
closed critical value, the upper end is the largest bound of a single pair. With `reference` each
group is compared with one comparator instead, and the direction is stated.

Of several classes (`task: multiclass`) it is that of the `class` the check names, else of the
favorable classes together, else of each class against the rest: then the worst decides, corrected
for how many there are.

## When it misleads
- Groups may differ in what the decision rightly depends on; equal rates then need unequal
  treatment. Read it together with the error rates.
- The label plays no part: a model that selects at random within each group passes.

## What to do
Look at the decision threshold in the group named, then at the features that carry the gap.

## If left out
One group could get the favorable decision much more often than another.

## Sources
- fairlearn, `demographic_parity_difference`.
- Dwork, Hardt, Pitassi, Reingold, Zemel, "Fairness through awareness", 2012.
"""

from __future__ import annotations

from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import ClassParams
from pytest_aipm.checks.disparity import rate_disparity
from pytest_aipm.evidence.evidence import Evidence

NEEDS = Needs(predictions=True)
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
    return rate_disparity(evidence, params, "selection_rate", "difference")
