"""The larger of the gaps in true positive rate and in false positive rate.

## Question
Does the model make more of either kind of error for one group than for another?

## How it is measured
For the true positive rate (rows with the positive label) and the false positive rate (rows
without it), the highest group's rate minus the lowest group's. The value is the larger of the two
gaps, in [0, 1]; 0 is equality. The two rates use different rows, so each is tested at
1 - sqrt(1 - alpha): the lower end is the larger of the two lower ends, the upper end the larger
of the two uncorrected upper ends. With `reference` each group is compared with one comparator.

Of several classes (`task: multiclass`) it is that of the `class` the check names, else of the
favorable classes together, else of each class against the rest: then the worst decides, corrected
for how many there are.

## When it misleads
- One number for two kinds of harm: the table says which rate makes the gap.
- fairlearn's `agg="mean"` can hide a large gap behind a small one; it is not used here.

## What to do
See which of the two rates makes the gap, then read that rate's own check for the named group.

## If left out
One group could bear more errors of either kind than another.

## Sources
- fairlearn, `equalized_odds_difference`.
- Hardt, Price, Srebro, "Equality of opportunity in supervised learning", 2016.
"""

from __future__ import annotations

from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import ClassParams
from pytest_aipm.checks.odds import equalized_odds
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
    return equalized_odds(evidence, params, "difference")
