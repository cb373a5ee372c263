"""The worse disparity of the true and the false positive rate, for differences and ratios."""

from __future__ import annotations

import math

import numpy as np

from pytest_aipm.checks.base import CheckParams, Measurement
from pytest_aipm.checks.classes import each_class, named, reduced
from pytest_aipm.checks.compare import (
    nothing_to_compare,
    population,
    reference_of,
    reference_words,
    unknown_breach,
    without_groups,
)
from pytest_aipm.checks.disparity import compared, group_values
from pytest_aipm.checks.effective import comparator, counted, design_note
from pytest_aipm.checks.rates import RATES
from pytest_aipm.checks.words import frequency
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.disparity import equalized_odds_difference, equalized_odds_ratio

__all__ = ["equalized_odds"]

UNDEFINED = "neither rate can be compared: no group has an event, or the comparator has no row"


def equalized_odds(evidence: Evidence, params: CheckParams, kind: Kind) -> Measurement:
    """Measure the larger difference, or the smaller ratio, of both rates between groups.

    Parameters
    ----------
    evidence : Evidence
    params : CheckParams
    kind : {"difference", "ratio"}

    Raises
    ------
    DataError
        When the label has one class only.
    """
    formula_id = f"equalized_odds_{kind}"
    rates = (RATES["true_positive_rate"], RATES["false_positive_rate"])
    rows = reduced(evidence, params, accuracy=False)
    if rows is None:
        return each_class(evidence, params, rates, kind, formula_id)
    evidence = rows
    nobody = without_groups(evidence, params, formula_id)
    if nobody is not None:
        return nobody
    evidence.require_both_classes()
    counts = evidence.counts(params.by, params.unknown)
    names = counts.grouping.names
    reference = reference_of(evidence, params, counts.grouping)
    found = [counted(evidence, counts, rate, params.confidence) for rate in rates]
    hits, alarms = ((of.x, of.n) for of in found)
    stands = [of.weight for of in found if of.weight is not None]
    measure = equalized_odds_difference if kind == "difference" else equalized_odds_ratio
    estimate = measure(
        *hits,
        *alarms,
        confidence=params.confidence,
        reference=comparator(reference, np.sum(stands, axis=0) if stands else None),
        min_size=params.min_group_size,
    )
    sign = 1 if kind == "difference" else -1
    defined = [i for i in (0, 1) if math.isfinite(estimate.rates[i].value)]
    worse = max(defined, key=lambda i: sign * estimate.rates[i].value, default=0)
    nothing = [
        nothing_to_compare(names, of[1], params, rate.name)
        for rate, of in zip(rates, (hits, alarms), strict=True)
    ]
    undefined = None if defined else (Because.NO_EVIDENCE, UNDEFINED)
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id=formula_id,
            numerator=f"rows decided {evidence.subject.names['positive']}",
            denominator="rows with, and rows without, the positive label",
            positive=evidence.subject.names["positive"],
            population=population(counts.n, counts.unknown),
            reference=reference_words(reference, names),
        ),
        summary=compared(
            named(rates[worse], evidence, params), kind, estimate.rates[worse], names, frequency
        ),
        n=counts.n,
        groups=tuple(
            value
            for rate, of, part in zip(rates, found, estimate.rates, strict=True)
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
        not_judged=nothing[0] if all(nothing) else undefined,
        breach=unknown_breach(params, counts.unknown, counts.n),
        unknown=counts.unknown,
        harm="up" if kind == "difference" else "down",
    )
