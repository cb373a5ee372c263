"""A metric's difference or ratio between groups, whatever kind of number it is."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pytest_aipm.checks.base import CheckParams, Measurement
from pytest_aipm.checks.compare import (
    nothing_to_compare,
    part_reference,
    reference_of,
    reference_words,
)
from pytest_aipm.checks.disparity import compare_rates, compared
from pytest_aipm.checks.effective import comparator, part_comparator
from pytest_aipm.checks.metrics import Measured
from pytest_aipm.checks.shares import too_few
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.checks.worst import measurement_of
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Because
from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.disparity import part_difference, part_ratio
from pytest_aipm.stats.estimate import Estimate

__all__ = ["between"]


def between(
    evidence: Evidence,
    params: CheckParams,
    measured: Measured,
    kind: Kind,
    *,
    formula_id: str,
    show: Callable[[float], str] = number,
    min_share: float | None = None,
) -> Measurement:
    """Compare a metric between the groups of a scope.

    Parameters
    ----------
    evidence : Evidence
    params : CheckParams
    measured : Measured
        The metric in every group.
    kind : {"difference", "ratio"}
        Highest minus lowest value, or lowest over highest; or against one comparator.
    formula_id : str
    show : callable
        How a group's value is written.
    min_share : float, optional
        Groups with less than this share of the rows are shown and left out; for ratios of rates.

    Raises
    ------
    CheckError
        When the comparator does not occur, or does not fit a metric that is no rate.
    """
    names = measured.grouping.names
    few = too_few(min_share, measured.sizes, measured.weight)
    estimate: Estimate
    if measured.counts is not None:
        reference = reference_of(evidence, params, measured.grouping)
        against = comparator(reference, measured.weight)
        estimate = compare_rates(*measured.counts, params, kind, against, left_out=few.left_out)
        sizes = measured.counts[1]
    else:
        reference = part_reference(evidence, params, measured.grouping)
        compare = part_difference if kind == "difference" else part_ratio
        estimate = compare(
            measured.parts,
            confidence=params.confidence,
            reference=part_comparator(reference, measured.weight),
            min_size=params.min_group_size,
        )
        sizes = measured.sizes if measured.weight is None else np.array(estimate.sizes)
    defined = np.isfinite([part[0] for part in estimate.parts])
    kept = few.kept(np.where(defined, sizes, 0))
    nothing = nothing_to_compare(names, kept, params, measured.name)
    made = measurement_of(
        evidence,
        params,
        measured,
        estimate,
        summary=compared(
            measured.title, kind, estimate, names, show if measured.counts is None else frequency
        ),
        formula_id=formula_id,
        reference=reference_words(reference, names),
    )
    return made.with_(
        groups=few.noted(made.groups),
        not_judged=nothing or _undefined(measured, estimate, kind),
        harm="up" if kind == "difference" else "down",
    )


def _undefined(measured: Measured, estimate: Estimate, kind: Kind) -> tuple[Because, str] | None:
    if math.isfinite(estimate.value):
        return None
    why = "a value is negative or the comparator's is 0" if kind == "ratio" else "no comparator"
    return Because.NO_EVIDENCE, f"the {kind} of {measured.name} is undefined: {why}"
