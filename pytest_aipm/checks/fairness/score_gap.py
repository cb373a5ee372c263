"""How far the scores or predicted values of the groups lie apart.

## Question
Does the model score one group lower than another, whatever the threshold?

## How it is measured
`measure: mean` (default) is the highest group's mean score minus the lowest's, in units of the
score. `standardised` divides that by the pooled standard deviation within the groups (taken as
fixed). `above_median` is the scoring-rate ratio of NYC Local Law 144: the share of a group's rows
whose score lies above the median of all rows, lowest over highest. Means have Hall-transformed t
intervals combined by MOVER, the ratio has score intervals.

## When it misleads
- Scores may differ because what they predict differs; compare with calibration in each group.
- A gap in means says little about the decision: two groups can differ in mean and agree above
  the threshold.
- Fewer than 30 rows in a group cannot prove a gap in means.

## What to do
Look at the features of the lowest group, then at the same gap among rows with the same label.

## Sources
- Cohen, "Statistical power analysis for the behavioral sciences", 1988 (standardised difference).
- 6 RCNY 5-301 (scoring rate above the sample median).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.disparity import nothing_to_compare, reference_index
from pytest_aipm.checks.metrics import Measured
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.checks.worst import measurement_of
from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import GroupMoments
from pytest_aipm.evidence.scores import merge_bags
from pytest_aipm.stats.disparity import part_difference, rate_ratio
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.parts import MeanPart, RatePart

NEEDS = Needs(scores=True, losses=frozenset({"score"}))
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
TASKS = ("binary", "regression")


class Params(CheckParams):
    """Which groups, and in which unit."""

    measure: Literal["mean", "standardised", "above_median"] = "mean"
    """Difference of means, in standard deviations, or the scoring-rate ratio."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    if params.measure == "above_median":
        measured = _above_median(evidence, params)
    else:
        measured = _means(evidence, params)
    estimate = _estimate(evidence, params, measured)
    measurement = measurement_of(
        evidence,
        params,
        measured,
        estimate,
        harm="down" if params.measure == "above_median" else "up",
        summary=_summary(params, measured, estimate),
        formula_id={
            "mean": "mean_score_difference",
            "standardised": "standardised_mean_difference",
            "above_median": "scoring_rate_ratio",
        }[params.measure],
    )
    nothing = nothing_to_compare(
        measured.grouping.names, measured.sizes, params, measured.name
    )
    return measurement.with_(not_judged=nothing)


def _means(evidence: Evidence, params: Params) -> Measured:
    moments = evidence.moments("score", params.by, params.unknown)
    if not len(moments.table):
        raise DataError(Problem("there are no scores", "name a `scores:` column or a model"))
    scale = _pooled_deviation(moments) if params.measure == "standardised" else 1.0
    parts = [
        MeanPart(row[0], row[1] / scale, row[2] / scale**2, row[3] / scale**3)
        for row in moments.table
    ]
    unit = "mean score" if params.measure == "mean" else "mean score in standard deviations"
    return Measured(
        grouping=moments.grouping,
        parts=parts,
        sizes=moments.table[:, 0].astype(int),
        unknown=moments.unknown,
        better="low",
        name=unit,
        numerator_words="sum of scores",
        denominator_words="rows",
    )


def _pooled_deviation(moments: GroupMoments) -> float:
    n, first, second = moments.table[:, 0], moments.table[:, 1], moments.table[:, 2]
    within = float(np.sum(second - first**2 / n) / max(1.0, float(np.sum(n - 1))))
    if within <= 0:
        raise DataError(
            Problem(
                "all scores within the groups are equal, so a standardised difference is undefined",
                "use `measure: mean`",
            )
        )
    return float(np.sqrt(within))


def _above_median(evidence: Evidence, params: Params) -> Measured:
    groups, bags, outside = evidence.score_bags(params.by, params.unknown)
    joined = [merge_bags([neg, pos]) for neg, pos in bags]
    everyone = merge_bags(joined)
    middle = _median(everyone.values, everyone.counts)
    x = np.array([int(bag.counts[bag.values > middle].sum()) for bag in joined])
    n = np.array([bag.n for bag in joined])
    return Measured(
        grouping=groups,
        parts=[RatePart(float(a), float(b)) for a, b in zip(x, n, strict=True)],
        sizes=n,
        unknown=outside,
        better="high",
        name="scoring rate",
        numerator_words=f"rows that score above the median {number(middle)}",
        denominator_words="all rows",
        counts=(x, n),
    )


def _median(values: np.ndarray, counts: np.ndarray) -> float:
    """Return the median of a multiset: the mean of the two middle values when n is even."""
    ends = np.cumsum(counts)
    n = int(ends[-1])
    low, high = np.searchsorted(ends, [(n - 1) // 2, n // 2], side="right")
    return float(values[low] + values[high]) / 2


def _estimate(evidence: Evidence, params: Params, measured: Measured) -> Estimate:
    reference = reference_index(evidence, params, measured.grouping)
    if measured.counts is not None:
        x, n = measured.counts
        return rate_ratio(
            x,
            n,
            confidence=params.confidence,
            reference=reference,
            min_size=params.min_group_size,
        )
    return part_difference(
        measured.parts,
        confidence=params.confidence,
        reference=reference,
        min_size=params.min_group_size,
    )


def _summary(params: Params, measured: Measured, estimate: Estimate) -> str:
    if len(estimate.pair) < 2 or not np.isfinite(estimate.value):
        return f"{measured.name}: nothing to compare"
    names = measured.grouping.names
    high, low = estimate.pair[0], estimate.pair[1]
    show = frequency if params.measure == "above_median" else number
    return (
        f"{measured.name} {show(estimate.parts[low][0])} for {names[low]}, "
        f"{show(estimate.parts[high][0])} for {names[high]}: "
        f"{'ratio' if params.measure == 'above_median' else 'difference'} "
        f"{number(estimate.value)}"
    )
