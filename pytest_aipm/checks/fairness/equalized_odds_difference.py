"""The larger of the gaps in true positive rate and in false positive rate.

## Question
Does the model make more of either kind of error for one group than for another?

## How it is measured
For the true positive rate (rows with the positive label) and the false positive rate (rows
without it), the highest group's rate minus the lowest group's. The value is the larger of the two
gaps, in [0, 1]; 0 is equality. The two rates use different rows, so each is tested at
1 - sqrt(1 - alpha): the lower end is the larger of the two lower ends, the upper end the larger
of the two uncorrected upper ends. With `reference` each group is compared with one comparator.

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

import math

import numpy as np

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import (
    nothing_to_compare,
    population,
    reference_of,
    reference_words,
    unknown_breach,
    without_groups,
)
from pytest_aipm.checks.disparity import compare_rates, compared, group_values
from pytest_aipm.checks.effective import comparator, counted, design_note
from pytest_aipm.checks.rates import RATES
from pytest_aipm.checks.words import frequency
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Formula
from pytest_aipm.stats.disparity import equalized_odds_difference

NEEDS = Needs(predictions=True, label=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
WEIGHTED = True
RANGE = (-1.0, 1.0)
DEFAULT_LIMIT = {"max": 0.10}
BASIS = "convention of the field, not law"


class Params(CheckParams):
    """Which groups, compared with whom."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    nobody = without_groups(evidence, params, "equalized_odds_difference")
    if nobody is not None:
        return nobody
    evidence.require_both_classes()
    counts = evidence.counts(params.by, params.unknown)
    names = counts.grouping.names
    reference = reference_of(evidence, params, counts.grouping)
    rates = (RATES["true_positive_rate"], RATES["false_positive_rate"])
    found = [counted(evidence, counts, rate, params.confidence) for rate in rates]
    hits, alarms = ((of.x, of.n) for of in found)
    stands = [of.weight for of in found if of.weight is not None]
    against = comparator(reference, np.sum(stands, axis=0) if stands else None)
    estimate = equalized_odds_difference(
        *hits,
        *alarms,
        confidence=params.confidence,
        reference=against,
        min_size=params.min_group_size,
    )
    each = [compare_rates(*of, params, "difference", against) for of in (hits, alarms)]
    worse = max((0, 1), key=lambda i: each[i].value if math.isfinite(each[i].value) else -math.inf)
    nothing = [
        nothing_to_compare(names, of[1], params, rate.name)
        for rate, of in zip(rates, (hits, alarms), strict=True)
    ]
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id="equalized_odds_difference",
            numerator=f"rows decided {evidence.subject.names['positive']}",
            denominator="rows with, and rows without, the positive label",
            positive=evidence.subject.names["positive"],
            population=population(counts.n, counts.unknown),
            reference=reference_words(reference, names),
        ),
        summary=compared(rates[worse].name, "difference", each[worse], names, frequency),
        n=counts.n,
        groups=tuple(
            value
            for rate, of, part in zip(rates, found, each, strict=True)
            for value in group_values(
                counts, of.x, of.n, part, params.min_group_size, part=rate.name, found=of
            )
        ),
        notes=design_note(
            evidence.subject,
            np.concatenate([of.rows for of in found]),
            np.concatenate([of.n for of in found]),
        ),
        part_names=tuple(f"{name} ({rate.name})" for rate in rates for name in names),
        not_judged=nothing[0] if all(nothing) else None,
        breach=unknown_breach(params, counts.unknown, counts.n),
        unknown=counts.unknown,
    )
