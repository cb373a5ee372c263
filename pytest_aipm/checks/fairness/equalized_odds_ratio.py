"""The smaller of the ratios of true positive rates and of false positive rates.

## Question
Does the model make several times as many of either kind of error for one group as for another?

## How it is measured
For the true positive rate (rows with the positive label) and the false positive rate (rows
without it), the lowest group's rate divided by the highest group's. The value is the smaller of
the two ratios, in [0, 1]; 1 is equality. The two rates use different rows, so each is tested at
1 - sqrt(1 - alpha): the upper end is the smaller of the two upper ends, the lower end the smaller
of the two uncorrected lower ends. With `reference` each group is compared with one comparator,
and the value may exceed 1. A rate without a single event in any group leaves the value.

Of several classes (`task: multiclass`) it is that of the `class` the check names, else of the
favorable classes together, else of each class against the rest: then the worst decides, corrected
for how many there are.

## When it misleads
- Small rates make large ratios: false positive rates of 1 and 2 of 100 have the ratio 0.5, and
  their difference is 0.01.
- One number for two kinds of harm: the table says which rate makes the ratio.

## What to do
See which of the two rates makes the ratio, then read that rate's own check for the named group.

## If left out
One group could bear several times as many errors of either kind as another.

## Sources
- fairlearn, `equalized_odds_ratio`.
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
RANGE = (0.0, float("inf"))


class Params(ClassParams):
    """Which groups, compared with whom."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    return equalized_odds(evidence, params, "ratio")
