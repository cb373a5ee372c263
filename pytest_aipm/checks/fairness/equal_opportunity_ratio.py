"""Lowest true positive rate of any group divided by the highest.

## Question
Of the people the model should find, how much smaller a share does it find in one group?

## How it is measured
The true positive rate of a group is the share of its rows with the positive label that are
decided positive.
The value is the lowest rate over the comparator's, at least 0; 1 is equality. Pairs are tested
with the ratio form of the Farrington-Manning score test; the upper end is corrected for all
pairs, the lower end is the smallest bound of a single pair. `reference` names another comparator;
ratios above 1 are then possible.

Of several classes (`task: multiclass`) it is that of the `class` the check names, else of the
favorable classes together, else of each class against the rest: then the worst decides, corrected
for how many there are.

## When it misleads
- It speaks of the positive class, which need not be the favorable one: for a model of default,
  "found" means refused. Read the policy's sentence about positive and favorable first.
- Labels that were themselves decided with bias hide the gap.
- With small rates the ratio of two groups swings widely; the difference may be the calmer view.

## What to do
Compare the score distributions of the groups among rows with the positive label; a gap at
one threshold may close at another.

## If left out
Of the people the model should find, it could find only a fraction as many in one group as in
another.

## Sources
- fairlearn, `equal_opportunity_ratio`.
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


class Params(ClassParams):
    """Which groups, compared with whom."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    return rate_disparity(evidence, params, "true_positive_rate", "ratio")
