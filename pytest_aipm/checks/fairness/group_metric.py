"""Any performance metric compared between groups: difference, ratio or the worst group.

## Question
Does the model work equally well for every group, by the metric that matters here?

## How it is measured
`metric` is any metric of `performance.metric`. `compare: difference` is the highest group's value
minus the lowest's, `ratio` the lowest value over the highest, `worst_group` the worst value
itself. Rates are compared by score tests; AUC, means and bootstrapped metrics by combining the
groups' own intervals (MOVER), because a bootstrap of the disparity is biased away from equality.
Values of metrics that only a function can compute come from fairlearn's MetricFrame.

## When it misleads
- Metrics that depend on the base rate (precision, F1, average precision) differ between groups
  with different base rates even when the model treats them alike.
- Means and bootstrapped metrics of fewer than 30 rows cannot prove a breach.

## What to do
Read the group table: is one group far from all others, or is the spread even? Then look at that
group's rows, features and labels.

## If left out
By the metric that matters here, the model could work much worse for one group than for another.

## Sources
- fairlearn, `MetricFrame`.
- Zou, Donner, "Construction of confidence limits about effect measures", 2008 (MOVER).
"""

from __future__ import annotations

import math
from typing import Literal

from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.between import between
from pytest_aipm.checks.compare import without_groups
from pytest_aipm.checks.metric_names import MetricParams, needs_of_metric, range_of_metric
from pytest_aipm.checks.metrics import measure
from pytest_aipm.checks.worst import worst_group
from pytest_aipm.evidence.evidence import Evidence

NEEDS = Needs(label=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass", "regression", "ranking")


class Params(MetricParams):
    """Which metric, and how groups are compared."""

    compare: Literal["difference", "ratio", "worst_group"] = "difference"
    """Highest minus lowest, lowest over highest, or the worst value itself."""


def needs(params: Params) -> Needs:
    """Return the evidence that the metric needs."""
    return needs_of_metric(params.metric, macro=params.average is not None)


def value_range(params: Params) -> tuple[float, float]:
    """Return the lowest and the highest value there can be."""
    low, high = range_of_metric(params.metric, all_classes=params.class_ is None)
    if params.compare == "worst_group":
        return low, high
    return (low - high, high - low) if params.compare == "difference" else (-math.inf, math.inf)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    formula_id = f"{params.metric}_{params.compare}"
    nobody = without_groups(evidence, params, formula_id)
    if nobody is not None:
        return nobody
    measured = measure(evidence, params.metric, params)
    if params.compare == "worst_group":
        return worst_group(evidence, params, measured)
    return between(evidence, params, measured, params.compare, formula_id=formula_id)
