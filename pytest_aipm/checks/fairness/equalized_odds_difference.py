"""The larger of the gaps in true positive rate and in false positive rate.

## Question
Does the model make more of either kind of error for one group than for another?

## How it is measured
For the true positive rate (rows with the positive label) and the false positive rate (rows
without it), the highest group's rate minus the lowest group's. The value is the larger of the two
gaps, in [0, 1]; 0 is equality. The two rates use different rows, so each is tested at
1 - sqrt(1 - alpha): the lower end is the larger of the two lower ends, the upper end the larger
of the two uncorrected upper ends.

## When it misleads
- One number for two kinds of harm: the table says which rate makes the gap.
- fairlearn's `agg="mean"` can hide a large gap behind a small one; it is not used here.

## What to do
See which of the two rates makes the gap, then read that rate's own check for the named group.

## Sources
- fairlearn, `equalized_odds_difference`.
- Hardt, Price, Srebro, "Equality of opportunity in supervised learning", 2016.
"""

from __future__ import annotations

import numpy as np

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.disparity import group_values, nothing_to_compare, unknown_breach
from pytest_aipm.checks.rates import RATES
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Formula
from pytest_aipm.stats.disparity import equalized_odds_difference, rate_difference

NEEDS = Needs(predictions=True, label=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
DEFAULT_LIMIT = {"max": 0.10}
BASIS = "convention of the field, not law"


class Params(CheckParams):
    """Which groups; all pairs are compared."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence.require_both_classes()
    counts = evidence.counts(params.by, params.unknown)
    hits, positives = RATES["true_positive_rate"].counts(counts.table, evidence.subject)
    alarms, negatives = RATES["false_positive_rate"].counts(counts.table, evidence.subject)
    size = params.min_group_size
    level = params.confidence
    estimate = equalized_odds_difference(
        hits, positives, alarms, negatives, confidence=level, min_size=size
    )
    tpr = rate_difference(hits, positives, confidence=level, min_size=size)
    fpr = rate_difference(alarms, negatives, confidence=level, min_size=size)
    names = counts.grouping.names
    by_tpr = not np.isfinite(fpr.value) or (np.isfinite(tpr.value) and tpr.value >= fpr.value)
    rate = RATES["true_positive_rate" if by_tpr else "false_positive_rate"]
    worst = tpr if by_tpr else fpr
    summary = "equalized odds: nothing to compare"
    if len(worst.pair) >= 2:
        high, low = worst.pair[0], worst.pair[1]
        summary = (
            f"{rate.name} {frequency(worst.parts[low][0])} for {names[low]}, "
            f"{frequency(worst.parts[high][0])} for {names[high]}: difference "
            f"{number(worst.value)}"
        )
    nothing = nothing_to_compare(names, positives, params, "true positive rate")
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id="equalized_odds_difference",
            numerator="rows decided {positive}".format(positive=evidence.subject.positive),
            denominator="rows with, and rows without, the positive label",
            positive=str(evidence.subject.positive),
            population=f"{counts.n:,} rows with a known group",
            reference="all pairs",
        ),
        summary=summary,
        n=counts.n,
        groups=(
            *group_values(counts, hits, positives, tpr, size, part="true positive rate"),
            *group_values(counts, alarms, negatives, fpr, size, part="false positive rate"),
        ),
        part_names=(
            *(f"{name} (true positive rate)" for name in names),
            *(f"{name} (false positive rate)" for name in names),
        ),
        not_judged=nothing
        if nothing_to_compare(names, negatives, params, "false positive rate")
        else None,
        breach=unknown_breach(params, counts.unknown, counts.n),
        unknown=counts.unknown,
    )
