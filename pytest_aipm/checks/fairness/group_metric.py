"""Any performance metric compared between groups: difference, ratio or the worst group.

## Question
Does the model work equally well for every group, by the metric that matters here?

## How it is measured
`metric` is any metric of `performance.metric`. `compare: difference` is the best group's value
minus the worst's, `ratio` the lowest value over the highest, `worst_group` the worst value
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

## Sources
- fairlearn, `MetricFrame`.
- Zou, Donner, "Construction of confidence limits about effect measures", 2008 (MOVER).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.disparity import nothing_to_compare, reference_index
from pytest_aipm.checks.metrics import Measured, measure, needs_of_metric
from pytest_aipm.checks.words import number
from pytest_aipm.checks.worst import measurement_of, worst_group
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.stats.disparity import (
    part_difference,
    part_ratio,
    rate_difference,
    rate_ratio,
)
from pytest_aipm.stats.estimate import Estimate

NEEDS = Needs(label=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
TASKS = ("binary", "regression")


class Params(CheckParams):
    """Which metric, and how groups are compared."""

    metric: str
    """Name of the metric, or ``pkg.module:callable``."""
    compare: Literal["difference", "ratio", "worst_group"] = "difference"
    """Best minus worst, lowest over highest, or the worst value itself."""


def needs(params: Params) -> Needs:
    """Return the evidence that the metric needs."""
    return needs_of_metric(params.metric)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    measured = measure(evidence, params.metric, params.by, params.unknown, params.seed)
    if params.compare == "worst_group":
        return worst_group(evidence, params, measured)
    estimate = _estimate(evidence, params, measured)
    measurement = measurement_of(
        evidence,
        params,
        measured,
        estimate,
        harm="down" if params.compare == "ratio" else "up",
        summary=_summary(params, measured, estimate),
        formula_id=f"{params.metric}_{params.compare}",
    )
    sizes = measured.sizes if measured.counts is None else measured.counts[1]
    defined = np.where([np.isfinite(part[0]) for part in estimate.parts], sizes, 0)
    nothing = nothing_to_compare(measured.grouping.names, defined, params, measured.name)
    return measurement.with_(not_judged=nothing, champion=None)


def _estimate(evidence: Evidence, params: Params, measured: Measured) -> Estimate:
    reference = reference_index(evidence, params, measured.grouping)
    ratio = params.compare == "ratio"
    if measured.counts is not None:
        compare_rates = rate_ratio if ratio else rate_difference
        x, n = measured.counts
        return compare_rates(
            x,
            n,
            confidence=params.confidence,
            reference=reference,
            min_size=params.min_group_size,
        )
    compare_parts = part_ratio if ratio else part_difference
    return compare_parts(
        measured.parts,
        confidence=params.confidence,
        reference=reference,
        min_size=params.min_group_size,
    )


def _summary(params: Params, measured: Measured, estimate: Estimate) -> str:
    if len(estimate.pair) < 2 or not np.isfinite(estimate.value):
        return f"{measured.name}: nothing to compare"
    high, low = estimate.pair[0], estimate.pair[1]
    names = measured.grouping.names
    return (
        f"{measured.name} {number(estimate.parts[low][0])} for {names[low]}, "
        f"{number(estimate.parts[high][0])} for {names[high]}: {params.compare} "
        f"{number(estimate.value)}"
    )
