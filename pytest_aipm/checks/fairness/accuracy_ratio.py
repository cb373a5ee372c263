"""Lowest accuracy of any group divided by the highest.

## Question
How much less often is the model right for one group?

## How it is measured
The accuracy of a group is the share of its rows decided as labelled.
The value is the lowest rate over the comparator's, at least 0; 1 is equality. Pairs are tested
with the ratio form of the Farrington-Manning score test; the upper end is corrected for all
pairs, the lower end is the smallest bound of a single pair. `reference` names another comparator;
ratios above 1 are then possible.

## When it misleads
- Groups with a rarer outcome are easier to be right about; accuracy can differ although the
  error rates agree.
- Both kinds of error weigh the same.
- With small rates the ratio of two groups swings widely; the difference may be the calmer view.

## What to do
Look at the error rates of the named group to see which kind of error makes the gap.

## If left out
The model could be right only a fraction as often for one group as for another.

## Sources
- fairlearn, `accuracy_score_ratio`.
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


class Params(CheckParams):
    """Which groups, compared with whom."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    return rate_disparity(evidence, params, "accuracy", "ratio")
