"""Lowest false positive rate of any group divided by the highest.

## Question
How do wrongly accused shares compare between the groups?

## How it is measured
The false positive rate of a group is the share of its rows without the positive label that
are decided positive.
The value is the lowest rate over the comparator's, at least 0; 1 is equality. Pairs are tested
with the ratio form of the Farrington-Manning score test; the upper end is corrected for all
pairs, the lower end is the smallest bound of a single pair. `reference` names another comparator;
ratios above 1 are then possible.

Of several classes (`task: multiclass`) it is that of the `class` the check names, else of the
favorable classes together, else of each class against the rest: then the worst decides, corrected
for how many there are.

## When it misleads
- Where base rates differ, equal false positive rates and equal precision cannot both hold.
- A ratio of small rates moves much with few rows; look at the counts.
- With small rates the ratio of two groups swings widely; the difference may be the calmer view.

## What to do
Raise the threshold, or find the features that push negatives of the named group over it.

## If left out
People of one group could be accused wrongly several times as often as those of another.

## Sources
- fairlearn, `false_positive_rate_ratio`.
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


class Params(ClassParams):
    """Which groups, compared with whom."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    return rate_disparity(evidence, params, "false_positive_rate", "ratio")
