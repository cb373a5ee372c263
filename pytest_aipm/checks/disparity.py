"""Disparities of a rate between groups: what the fairness checks of one shape share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from pytest_aipm.checks.base import CheckParams, Measurement
from pytest_aipm.checks.classes import each_class, named, reduced
from pytest_aipm.checks.compare import (
    Reference,
    nothing_to_compare,
    population,
    reference_of,
    reference_words,
    unknown_breach,
    without_groups,
)
from pytest_aipm.checks.effective import Counted, comparator, counted, design_note, finite
from pytest_aipm.checks.paired import paired_disparity
from pytest_aipm.checks.rates import RATES
from pytest_aipm.checks.shares import too_few
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import GroupCounts
from pytest_aipm.records import Because, Formula, GroupColumns
from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.disparity import rate_difference, rate_ratio
from pytest_aipm.stats.estimate import Estimate

__all__ = ["compare_rates", "compared", "group_values", "rate_disparity"]

Show = Callable[[float], str]


def rate_disparity(
    evidence: Evidence,
    params: CheckParams,
    rate_id: str,
    kind: Kind,
    *,
    at_least: float | None = None,
    min_share: float | None = None,
) -> Measurement:
    """Measure the difference or the ratio of a rate between the groups of a scope.

    Parameters
    ----------
    evidence : Evidence
    params : CheckParams
        Scope, confidence, comparator and how unknown groups are treated.
    rate_id : str
        Key of `RATES`.
    kind : {"difference", "ratio"}
        Highest minus lowest rate, or lowest rate over the comparator's.
    at_least : float, optional
        Only groups with at least this share of the rows may be the comparator.
    min_share : float, optional
        Groups with less than this share of the rows are shown and left out of a ratio.

    Returns
    -------
    Measurement
    """
    rate = RATES[rate_id]
    rows = reduced(evidence, params, accuracy=rate_id == "accuracy")
    if rows is None:
        return each_class(evidence, params, (rate,), kind, f"{rate_id}_{kind}")
    evidence = rows
    nobody = without_groups(evidence, params, f"{rate_id}_{kind}")
    if nobody is not None:
        return nobody
    if rate.needs_label:
        evidence.require_both_classes()
    counts = evidence.counts(params.by, params.unknown)
    found = counted(evidence, counts, rate, params.confidence)
    x, n = found.x, found.n
    names = counts.grouping.names
    reference = reference_of(evidence, params, counts.grouping)
    against = comparator(reference, found.weight, at_least=at_least)
    few = too_few(min_share, counts.sizes, found.weight)

    def compare(x: np.ndarray, n: np.ndarray) -> Estimate:
        return compare_rates(x, n, params, kind, against, at_least, few.left_out)

    estimate = compare(x, n)
    numerator, denominator = rate.words(evidence.subject)
    # the groups of the difference are those of the ratio
    asked = (rate_id, params.by, params.unknown, params.confidence, params.min_group_size)
    groups = evidence.once(
        ("rates of groups", *asked),
        lambda: group_values(counts, x, n, estimate, params.min_group_size, found=found),
    )
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id=f"{rate.id}_{kind}",
            numerator=numerator,
            denominator=denominator,
            positive=evidence.subject.names["positive"],
            population=population(counts.n, counts.unknown),
            reference=reference_words(reference, names),
        ),
        summary=compared(named(rate, evidence, params), kind, estimate, names, frequency),
        n=counts.n,
        groups=few.noted(groups),
        part_names=names,
        notes=design_note(evidence.subject, found.rows, n),
        not_judged=nothing_to_compare(names, few.kept(n), params, rate.name)
        or _undefined(estimate, f"{kind} of {rate.name}s"),
        breach=unknown_breach(params, counts.unknown, counts.n),
        unknown=counts.unknown,
        champion=paired_disparity(evidence, counts, rate, kind, compare, params.confidence),
        harm="down" if kind == "ratio" else "up",
    )


def compare_rates(
    x: np.ndarray,
    n: np.ndarray,
    params: CheckParams,
    kind: Kind,
    reference: Reference,
    at_least: float | None = None,
    left_out: tuple[int, ...] = (),
) -> Estimate:
    """Return the disparity of rates with `x` events in `n` rows, each of shape (K,).

    Raises
    ------
    CheckError
        For `at_least` beside another comparator than the highest rate.
    """
    level, size = params.confidence, params.min_group_size
    if kind == "difference":
        return rate_difference(x, n, confidence=level, reference=reference, min_size=size)
    if at_least is not None and reference != "highest":
        raise CheckError(
            Problem(
                "`at_least` chooses among the highest rates, but there is a `reference`",
                "keep one of the two, or write `reference: highest`",
            )
        )
    return rate_ratio(
        x,
        n,
        confidence=level,
        reference=reference,
        at_least=at_least,
        min_size=size,
        left_out=left_out,
    )


def _undefined(estimate: Estimate, what: str) -> tuple[Because, str] | None:
    if math.isfinite(estimate.value):
        return None
    return (
        Because.NO_EVIDENCE,
        f"the {what} is undefined: the comparator's rate is 0 or has no rows",
    )


def group_values(
    counts: GroupCounts,
    x: np.ndarray,
    n: np.ndarray,
    estimate: Estimate,
    min_size: int,
    *,
    part: str = "",
    found: Counted | None = None,
) -> GroupColumns:
    """Return one record a group: counts, rate and interval; `found` where they are effective."""
    found, sizes = found or Counted(x, n, x, n), n.tolist()
    values, lower, upper = (finite(part[i] for part in estimate.parts) for i in range(3))
    ends = zip(sizes, zip(lower, upper, strict=True), strict=True)
    return GroupColumns(
        group=counts.grouping.groups,
        part=[part] * len(sizes),
        n=counts.sizes.astype(int).tolist(),
        **found.columns(),
        value=values,
        interval=[pair if rows else None for rows, pair in ends],
        judged=[rows >= min_size for rows in sizes],
        note=[_note(rows, min_size, designed=found.designed) for rows in sizes],
    )


def _note(n: float, min_size: int, *, designed: bool) -> str:
    if n == 0:
        return "undefined: no rows in the denominator"
    if n < min_size:
        rows = "effective rows" if designed else "rows"
        return f"not judged: fewer than {min_size} {rows} in the denominator"
    return ""


def compared(what: str, kind: Kind, estimate: Estimate, names: Sequence[str], show: Show) -> str:
    """Return what was seen as a sentence: both values, then their difference or ratio.

    Parameters
    ----------
    what : str
        The metric's name.
    kind : {"difference", "ratio"}
    estimate : Estimate
        Its pair holds the higher group and the lower one, or one group compared with everyone.
    names : sequence of str
        The groups.
    show : callable
        How a value is written.
    """
    if not estimate.pair or not math.isfinite(estimate.value):
        return f"{what}: nothing to compare"
    low = estimate.pair[-1]
    against = "against everyone together"
    if len(estimate.pair) > 1:
        high = estimate.pair[0]
        against = f"{show(estimate.parts[high][0])} for {names[high]}"
    return (
        f"{what} {show(estimate.parts[low][0])} for {names[low]}, {against}: {kind} "
        f"{number(estimate.value)}"
    )
