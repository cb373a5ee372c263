"""Lowest precision of any group divided by the highest.

## Question
How much less does a positive decision mean in one group?

## How it is measured
The precision of a group is the share of its positive decisions whose label is positive.
The value is the lowest rate over the comparator's, at least 0; 1 is equality. Pairs are tested
with the ratio form of the Farrington-Manning score test; the upper end is corrected for all
pairs, the lower end is the smallest bound of a single pair. `reference` names another comparator;
ratios above 1 are then possible.

Of several classes (`task: multiclass`) it is that of the `class` the check names, else of the
favorable classes together, else of each class against the rest: then the worst decides, corrected
for how many there are.

## When it misleads
- The denominator depends on the decisions, so two models cannot be paired on it.
- Where base rates differ, equal precision and equal error rates cannot both hold.
- With small rates the ratio of two groups swings widely; the difference may be the calmer view.

## What to do
Check calibration in the named group: its scores mean something else there.

## If left out
A positive decision could be right only a fraction as often in one group as in another.

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


class Params(ClassParams):
    """Which groups, compared with whom."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    return rate_disparity(evidence, params, "precision", "ratio")
